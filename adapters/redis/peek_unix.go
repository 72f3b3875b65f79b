//go:build unix

package redis

import (
	"net"
	"syscall"
)

// peek looks whether the peer has closed the connection, without taking anything from it; others may be reading meanwhile. known is false for
// connections that have no file descriptor to ask.
func peek(c net.Conn) (stands, known bool) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false, true
	}
	err = raw.Control(func(fd uintptr) { // Read would wait for who reads
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		stands = n > 0 || err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR
	})
	return stands && err == nil, true
}
