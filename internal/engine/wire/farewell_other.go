//go:build !linux

package wire

import "net"

func boundFarewell(*net.TCPConn) {}
