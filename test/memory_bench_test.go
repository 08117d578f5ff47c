package test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// BenchmarkServerMemory compares the server's memory over a scan of a /16 with that over a scan of a /24: the most that it held of
// the machine's, and what lives on its heap after a collection once the scan is over.
func BenchmarkServerMemory(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			for b.Loop() {
				small, large := footprint(b, dialect, "10.1.0.0/24"), footprint(b, dialect, "10.2.0.0/16")
				b.ReportMetric(small.peak, "MiB-peak-24")
				b.ReportMetric(large.peak, "MiB-peak-16")
				b.ReportMetric(large.peak/small.peak, "x-peak")
				b.ReportMetric(small.live, "MiB-live-24")
				b.ReportMetric(large.live, "MiB-live-16")
				b.ReportMetric(large.live/small.live, "x-live")
				b.ReportMetric(large.took.Seconds(), "s-16")
				b.ReportMetric(large.list.Seconds()*1000, "ms-list-16")
			}
		})
	}
}

// usage of a server, in MiB, and how long the run took and the first page of its findings afterwards.
type usage struct {
	peak, live float64
	took, list time.Duration
}

func footprint(b *testing.B, dialect db.Dialect, network string) (u usage) {
	b.Helper()
	w := newBenched(b, dialect, 4, 0, "GODEBUG=gctrace=1")
	c, scan := w.prepare("Wide", network)
	go func() { // whoever counts parts is not here
		for range w.plans {
		}
	}()
	ctx, pid := context.Background(), w.server.cmd.Process.Pid
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // the peak begins anew: proc(5)
		b.Fatal(err)
	}
	from := clock.Monotonic()
	started := ok(c.Scans.Start(ctx, scan.ID))(b)
	w.over(c, scan.ID)
	w.until("the report is made", 10*time.Minute, func() bool { return ok(c.Scans.ShowHistory(ctx, scan.ID, started.CurrentHistoryID))(w).ReportID != "" })
	u.took = clock.Since(from)
	from = clock.Monotonic()
	ok(c.Vulnerabilities.List(ctx, client.Query{}))(b)
	u.list = clock.Since(from)
	u.peak = status(b, pid, "VmHWM")
	u.live = w.live(c)
	return u
}

// status is a line of the kernel's account of a process, in MiB.
func status(b *testing.B, pid int, line string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(line + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		b.Fatalf("no %s in %s", line, text)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return float64(n) / 1024
}

// collected is the end of a collection in the runtime's trace: the heap before, after, and what lives of it, in MB.
var collected = regexp.MustCompile(`gc \d+ @.*?(\d+)->(\d+)->(\d+) MB`)

// live asks the server for this and that until it has collected three times more, and gives the least that lived then.
func (w *benched) live(c *customer) float64 {
	w.Helper()
	seen := len(collected.FindAllString(w.server.log.String(), -1))
	var all [][]string
	w.until("the server collects garbage", 5*time.Minute, func() bool {
		for range 50 {
			ok(c.Scans.List(context.Background(), client.Query{}))(w)
		}
		all = collected.FindAllStringSubmatch(w.server.log.String(), -1)
		return len(all) >= seen+3
	})
	least := 0.0
	for _, m := range all[seen:] {
		n, _ := strconv.Atoi(m[3])
		if least == 0 || float64(n) < least {
			least = float64(n)
		}
	}
	return least
}
