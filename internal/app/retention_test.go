package app

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/retention"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/config"
)

// later moves the clock by days; who was signed in signs in anew.
func (p *program) later(days int) {
	p.clock.Move(time.Duration(days) * 24 * time.Hour)
	p.tokens = map[string]string{}
}

// prune by the standard periods, twice at once as two nodes might, and tell what went.
func (p *program) prune() map[string]int {
	p.Helper()
	c, err := config.Read(nil, nil)
	if err != nil {
		p.Fatal(err)
	}
	gone := map[string]int{}
	var lock sync.Mutex
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			all, err := retention.Prune(context.Background(), p.app.DB, p.app.blob, periods(c.Retention))
			if err != nil {
				p.Error(err)
			}
			lock.Lock()
			defer lock.Unlock()
			for what, n := range all {
				gone[what] += n
			}
		})
	}
	both.Wait()
	return gone
}

// runs a scan and waits for its report.
func (p *program) runs(by, scan string) {
	p.Helper()
	before := p.rows("select count(*) from reports")
	p.finish(by, scan)
	p.eventually("the report of a run", func() bool { return p.rows("select count(*) from reports") > before })
}

// TestRetention: with the clock moved on, what is over goes, and the last run of each scan, PCI within three years and the audit
// trail stay.
func TestRetention(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		const by = "manager@north"
		pci := p.scan(by, "pci", p.target(by, "web", "192.0.2.10"))
		p.runs(by, pci)
		p.runs(by, pci)
		p.must(200, by, "PUT", "/v2/user/change_product?product_code=vrms", nil)
		full := p.scan(by, "full", p.target(by, "web", "192.0.2.10"))
		p.runs(by, full)
		p.runs(by, full)
		p.must(200, by, "POST", "/v2/scans/"+full+"/start", nil, "Idempotency-Key", "once")
		p.work(redis)
		orphan, _, err := p.app.blob.Put(context.Background(), bytes.NewReader([]byte("nobody names it")), 100)
		if err != nil {
			p.Fatal(err)
		}
		p.counts("at first", map[string]int{evidenceOf("vrms"): 3, evidenceOf("pci"): 2, "select count(*) from scan_histories": 5})
		if gone := p.prune(); gone["events"]+gone["evidence"]+gone["histories"]+gone["reports"]+gone["blobs"] != 0 {
			p.Errorf("gone on the first day: %v", gone)
		}
		p.later(100)
		if gone := p.prune(); gone["events"] == 0 || gone["idempotency keys"] != 1 || gone["tokens"] == 0 || gone["evidence"] != 0 {
			p.Errorf("gone after a hundred days: %v", gone)
		}
		p.counts("after a hundred days", map[string]int{"select count(*) from idempotency_keys": 0, "select count(*) from events": 0})
		if _, _, err := p.app.blob.Open(orphan); err == nil {
			p.Error("the orphan is still there")
		}
		p.wanes(by, full)
	})
}

// wanes: a year later evidence goes, two years later runs and reports.
func (p *program) wanes(by, full string) {
	p.Helper()
	p.later(300)
	p.prune()
	p.counts("after a year", map[string]int{evidenceOf("vrms"): 1, evidenceOf("pci"): 2, "select count(*) from scan_histories": 5,
		"select count(*) from scan_hosts h join scan_histories r on r.id = h.history_id where r.product = 'vrms' and cast(h.facts as text) <> '{}'": 1})
	old := p.must(200, by, "GET", "/v2/scans/"+full+"/vulnerabilities?history_id="+p.first(by, "/v2/scans/"+full+"/histories?sort_by=requested_at"), nil)
	if !strings.Contains(string(old.Body), `"class":"anon.redis"`) || strings.Contains(string(old.Body), "PONG") {
		p.Errorf("an old run: %s", old.Body)
	}
	files := p.blobsThere()
	p.later(600) // a thousand days
	p.prune()
	p.counts("after a thousand days", map[string]int{"select count(*) from scan_histories": 5, "select count(*) from reports": 5})
	p.later(200)
	audited := p.rows("select count(*) from audit_events")
	p.prune()
	p.counts("after three years", map[string]int{"select count(*) from scan_histories where product = 'vrms'": 1, "select count(*) from reports": 0,
		"select count(*) from scan_histories where product = 'pci'": 1, "select count(*) from hosts": 2, "select count(*) from host_changes": 0,
		"select count(*) from audit_events": audited})
	if left := p.blobsThere(); files == 0 || left != 0 {
		p.Errorf("%d files of %d are left", left, files)
	}
	if n := p.total(by, "/v2/scans/"+full+"/vulnerabilities"); n == 0 {
		p.Error("the last run has lost its vulnerabilities")
	}
}

func (p *program) counts(when string, want map[string]int) {
	p.Helper()
	for query, n := range want {
		if got := p.rows(query); got != n {
			p.Errorf("%s: %d, not %d: %s", when, got, n, query)
		}
	}
}

// evidenceOf counts the runs of a product that still have evidence.
func evidenceOf(product string) string {
	return "select count(distinct r.id) from scan_vulnerabilities v join scan_histories r on r.id = v.history_id where r.product = '" + product +
		"' and v.finding ->> 'evidence' <> ''"
}

func (p *program) blobsThere() int {
	p.Helper()
	n := 0
	err := p.app.blob.Old(time.Now().Add(time.Hour), func(some []blob.Hash) error {
		n += len(some)
		return nil
	})
	if err != nil {
		p.Fatal(err)
	}
	return n
}

// TestRetentionOnce: the job of every hour stands once in the queue, whoever enqueues it.
func TestRetentionOnce(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twin(p)
		p.eventually("the job has run", func() bool {
			return p.rows("select count(*) from river_job where kind = 'retention' and state = 'completed'") == 1
		})
		if n := p.rows("select count(*) from river_job where kind = 'retention'"); n != 1 {
			p.Errorf("%d jobs", n)
		}
	})
}
