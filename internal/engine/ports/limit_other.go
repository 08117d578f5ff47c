//go:build !unix

package ports

// SocketBudget is how many sockets probes may hold at once.
func SocketBudget() int { return 1024 }
