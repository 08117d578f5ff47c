package agent

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// ExitMemory is the exit code of a scanner that ended itself because it had grown too large.
const ExitMemory = 75

// watchMemory holds the Go heap to limit bytes, and ends the process when it has all the same grown to one and a half
// times that: its chunks go back to the pool when their leases end, and its parent starts it anew.
func watchMemory(ctx context.Context, limit int64) {
	debug.SetMemoryLimit(limit)
	for wait(ctx, time.Second) {
		if size := residentSize(); size > limit+limit/2 {
			slog.Error("the scanner has grown too large and ends", "resident", size, "limit", limit)
			os.Exit(ExitMemory)
		}
	}
}

// residentSize of this process in bytes; 0 where the system does not tell.
func residentSize() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
