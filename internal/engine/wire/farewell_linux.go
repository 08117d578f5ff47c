package wire

import (
	"net"

	"golang.org/x/sys/unix"
)

// boundFarewell of a connection that is about to be closed (tcp(7), TCP_USER_TIMEOUT).
func boundFarewell(t *net.TCPConn) {
	raw, err := t.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(farewell.Milliseconds()))
	})
}
