// Package network is a TCP network with faults, for tests: what a client dials through it goes over a proxy in this process, which can refuse,
// cut, swallow and delay.
//
//	net := network.New(t)
//	cfg.Dial = net.Dial       // every connection of one client
//	net.Cut()                 // resets them all
//	net.Down()                // resets them, and refuses new ones until Up
//	net.BlackHole(true, true) // nothing arrives any more, and nobody is told
//	net.Slow(20*time.Millisecond, 64<<10)
//	net.Heal()
//
// Connections are real sockets on both sides, so a client meets what the kernel does: full buffers, resets, half-closed streams. One Network
// for each client lets a test hurt that client alone. A program in another process uses the address that Listen returns.
package network
