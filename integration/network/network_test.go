package network_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/herald-go/herald/integration/network"
)

// patience bounds what must happen; quiet is how long to watch that something does not.
const (
	patience = 10 * time.Second
	quiet    = 100 * time.Millisecond
)

// echo returns the address of a server that sends back what it gets, and the connections that it has accepted.
func echo(t *testing.T) (address string, accepted <-chan net.Conn) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conns := make(chan net.Conn, 64) // as many as a test makes
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String(), conns
}

func dial(t *testing.T, n *network.Network, address string) net.Conn {
	t.Helper()
	conn, err := n.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// say sends a text and returns what comes back within a time.
func say(t *testing.T, conn net.Conn, text string, within time.Duration) (string, error) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(text)); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	n, err := io.ReadFull(conn, answer)
	return string(answer[:n]), err
}

// echoes demands that a connection works.
func echoes(t *testing.T, conn net.Conn) {
	t.Helper()
	if got, err := say(t, conn, "hello", patience); got != "hello" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestNetwork_CarriesBothDirectionsAndTheEndOfEach(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	address, _ := echo(t)
	conn := dial(t, n, address)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		_, _ = conn.Write(sent)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes, %v; want the %d sent and the end", len(got), err, len(sent))
	}
}

func TestCut_ResetsWhatIsOpenAndLetsNewOnesIn(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0") // nobody but the test reads its connections: the kernel tells of a reset once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var conns []net.Conn
	for range 2 {
		near := dial(t, n, l.Addr().String())
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = far.Close() })
		conns = append(conns, near, far)
	}
	if got := n.Cut(); got != 2 {
		t.Errorf("cut %d connections, want 2", got)
	}
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reading what was cut: %v, want a reset", err)
		}
	}
	address, _ := echo(t)
	echoes(t, dial(t, n, address))
}

func TestConnections_AreThoseThatTheClientHasOpen(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0") // its connections are never read and never closed
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	n := network.New(t)
	one, two := dial(t, n, l.Addr().String()), dial(t, n, l.Addr().String())
	if open := n.Connections(); open != 2 {
		t.Errorf("%d are open, want 2", open)
	}
	_, _ = one.Close(), two.Close()
	check := time.NewTicker(time.Millisecond)
	defer check.Stop()
	for began := time.Now(); n.Connections() > 0; <-check.C {
		if time.Since(began) > patience {
			t.Fatalf("%d are open, and the client has closed them all", n.Connections())
		}
	}
}

func TestDown_RefusesUntilUp(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	address, _ := echo(t)
	before := dial(t, n, address)
	echoes(t, before)
	n.Down()
	if _, err := say(t, before, "x", patience); err == nil || os.IsTimeout(err) {
		t.Errorf("on a connection of before: %v, want a reset", err)
	}
	if _, err := n.Dial(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial while down: %v, want connection refused", err)
	}
	n.Up()
	echoes(t, dial(t, n, address))
}

func TestDial_IsRefusedWhereNobodyListens(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1" // nobody is given this port by chance, as one that was free a moment ago
	if _, err := network.New(t).Dial(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want connection refused", err)
	}
}

func TestBlackHole_SwallowsOneDirectionUntilItOpens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, out bool }{"answers": {in: true}, "requests": {out: true}, "both": {true, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := network.New(t)
			var config net.ListenConfig
			l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client := dial(t, n, l.Addr().String())
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			n.BlackHole(test.in, test.out)
			for _, conn := range []net.Conn{client, server} {
				if _, err := conn.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			arrives(t, "at the client", client, !test.in)
			arrives(t, "at the server", server, !test.out)
			n.Heal()
			if test.in {
				arrives(t, "at the client, healed", client, true)
			}
			if test.out {
				arrives(t, "at the server, healed", server, true)
			}
		})
	}
}

func arrives(t *testing.T, where string, conn net.Conn, want bool) {
	t.Helper()
	within := patience
	if !want {
		within = quiet
	}
	_ = conn.SetReadDeadline(time.Now().Add(within))
	_, err := conn.Read(make([]byte, 1))
	if want && err != nil || !want && !os.IsTimeout(err) {
		t.Errorf("%s: %v, want arrival %v", where, err, want)
	}
}

func TestBlackHole_TellsNobodyThatTheOtherSideIsGone(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	address, accepted := echo(t)
	conn := dial(t, n, address)
	echoes(t, conn)
	n.BlackHole(true, true)
	server := (<-accepted).(*net.TCPConn)
	_ = server.SetLinger(0)
	_ = server.Close()
	if _, err := say(t, conn, "x", quiet); !os.IsTimeout(err) {
		t.Errorf("the client learns of the reset: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), quiet)
	defer cancel()
	if _, err := n.Dial(ctx, "tcp", address); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dial into the black hole: %v, want the context's end", err)
	}
	n.Heal()
	if _, err := say(t, conn, "x", patience); err == nil || os.IsTimeout(err) {
		t.Errorf("healed, the client still does not learn of the reset: %v", err)
	}
}

func TestBlackHole_WhatIsSwallowedIsLostWithACut(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	address, _ := echo(t)
	conn := dial(t, n, address)
	echoes(t, conn)
	n.BlackHole(true, false)
	if _, err := say(t, conn, "x", quiet); !os.IsTimeout(err) {
		t.Fatalf("got %v, want no answer", err)
	}
	n.Cut()
	n.Heal()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if count, err := conn.Read(make([]byte, 1)); count != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %d bytes, %v; want a reset alone", count, err)
	}
}

func TestSlow_DelaysByLatencyAndPassesTheRate(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	address, _ := echo(t)
	conn := dial(t, n, address)
	const latency = 50 * time.Millisecond
	n.Slow(latency, 0)
	began := time.Now()
	echoes(t, conn)
	if took := time.Since(began); took < 2*latency {
		t.Errorf("there and back took %v, want at least %v", took, 2*latency)
	}
	n.Slow(0, 100_000)
	began = time.Now()
	text := strings.Repeat("x", 20_000)
	if got, err := say(t, conn, text, patience); got != text || err != nil {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("20,000 bytes at 100,000 a second took %v", took)
	}
}

func TestListen_LeadsOtherProcessesThroughTheNetwork(t *testing.T) {
	t.Parallel()
	n := network.New(t)
	address, _ := echo(t)
	outside := n.Listen(t, address)
	if again := n.Listen(t, address); again != outside {
		t.Errorf("the address changes from %s to %s", outside, again)
	}
	connect := func() (string, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(t.Context(), "tcp", outside)
		if err != nil {
			return "", err
		}
		t.Cleanup(func() { _ = conn.Close() })
		return say(t, conn, "x", patience)
	}
	if _, err := connect(); err != nil {
		t.Fatal(err)
	}
	n.Down()
	if _, err := connect(); err == nil || os.IsTimeout(err) {
		t.Errorf("while down: %v, want a reset", err)
	}
	n.Up()
	if _, err := connect(); err != nil {
		t.Errorf("up again: %v", err)
	}
}

func TestNew_EndsEverythingWithItsTest(t *testing.T) { // alone: it looks at all goroutines
	address, _ := echo(t)
	t.Run("slow", func(t *testing.T) {
		n := network.New(t)
		conn := dial(t, n, address)
		n.Slow(time.Hour, 1)
		_, _ = conn.Write([]byte("x"))
	})
	t.Run("swallowed", func(t *testing.T) {
		n := network.New(t)
		conn := dial(t, n, address)
		outside := n.Listen(t, address)
		n.BlackHole(true, true)
		_, _ = conn.Write([]byte("x"))
		var dialer net.Dialer
		dialled, err := dialer.DialContext(t.Context(), "tcp", outside)
		if err != nil {
			t.Fatal(err)
		}
		defer dialled.Close()
	})
	buf := make([]byte, 1<<20)
	if stacks := string(buf[:runtime.Stack(buf, true)]); strings.Contains(stacks, "network.(*") {
		t.Errorf("goroutines of the network are left:\n%s", stacks)
	}
}
