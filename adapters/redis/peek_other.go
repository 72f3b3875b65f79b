//go:build !unix

package redis

import "net"

// peek is for systems whose sockets can be asked.
func peek(net.Conn) (stands, known bool) { return false, false }
