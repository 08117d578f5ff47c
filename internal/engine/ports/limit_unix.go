//go:build unix

package ports

import "golang.org/x/sys/unix"

// SocketBudget is how many sockets probes may hold at once: half of what this process may open, whose soft limit it
// raises to the hard one.
func SocketBudget() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 256
	}
	if l.Cur < l.Max {
		l.Cur = l.Max
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &l) != nil {
			_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &l)
		}
	}
	return int(max(64, min(l.Cur/2, 8192)))
}
