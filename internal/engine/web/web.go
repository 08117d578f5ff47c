// Package web looks at one HTTP service as an application: it crawls politely within the target, learns what the server
// says to paths that cannot exist, and reports what lies open: directory listings, leftover copies, weak headers and
// cookies, outdated JavaScript libraries. With Active set it also attacks, harmlessly: every probe is a read, and the
// one write test removes what it wrote.
package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// Options of one run. Zero values take the defaults.
type Options struct {
	Active      bool                 // also attack: injection, traversal, write test
	MaxPages    int                  // pages that the crawler reads; 150
	MaxDepth    int                  // links away from the start; 5
	MaxRequests int                  // requests in all; 6000
	Deadline    time.Time            // the run ends then with what it has
	Timeout     time.Duration        // of one request; 10 s
	Login       *Login               // the customer's own account, where there is one
	SignedIn    func(scanlink.Login) // hears how it fared
}

// Classes are the classes that findings of this package can have, sorted.
func Classes() []string {
	return []string{
		"creds", "cve", "info.stack-trace", "web.backup-exposed", "web.cookies", "web.cors", "web.crlf", "web.debug-console", "web.dirlist", "web.embedded",
		"web.headers", "web.lfi", "web.old-jquery", "web.pan-exposed", "web.payment-script", "web.rce", "web.redirect", "web.sqli", "web.ssrf", "web.status-page", "web.trace", "web.webdav-put",
		"web.xss", "web.xxe",
	}
}

// scan is one run against one target.
type scan struct {
	ctx     context.Context
	target  wire.Target
	options Options
	client  *httpwire.Client
	site    *site
	missing *baselines
	signed  bool // in with the customer's account: nothing is sent that might act in its name

	lock     sync.Mutex
	findings []scanlink.Finding
	seen     map[string]bool
	tags     map[string]spot // elements that were sent, and where
}

const parallel = 4

// Run checks the service, and gives nothing where it is no HTTP.
func Run(ctx context.Context, n *wire.Net, t wire.Target, o Options) []scanlink.Finding {
	if !httpwire.Speaks(t) {
		return nil
	}
	if !o.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, o.Deadline)
		defer cancel()
	}
	o.MaxPages, o.MaxDepth = orDefault(o.MaxPages, 150), orDefault(o.MaxDepth, 5)
	o.MaxRequests = orDefault(o.MaxRequests, 6000)
	s := &scan{
		ctx: ctx, target: t, options: o, seen: map[string]bool{}, tags: map[string]spot{},
		client: httpwire.New(ctx, n, t, httpwire.Options{Timeout: o.Timeout, MaxRequests: o.MaxRequests}),
	}
	defer s.client.Close()
	s.missing = newBaselines(s.client)
	if _, err := s.client.Do(httpwire.Get("/")); err != nil {
		return nil
	}
	if o.Login != nil {
		o.SignedIn(s.signIn(*o.Login))
	}
	s.site = crawl(s)
	s.passive()
	if o.Active {
		s.attack()
		s.client.Always() // as a stranger
		s.tryLogins()
	}
	slices.SortFunc(s.findings, func(a, b scanlink.Finding) int {
		return strings.Compare(a.Class+" "+a.Path+" "+a.Check, b.Class+" "+b.Path+" "+b.Check)
	})
	return gather(s.findings)
}

func orDefault(n, fallback int) int {
	if n <= 0 {
		return fallback
	}
	return n
}

func (s *scan) passive() {
	s.checkHeaders()
	s.checkTrace()
	s.checkOrigins()
	s.checkDebugger()
	s.checkStatus()
	s.checkLibraries()
	s.checkListings()
	s.checkLeftovers()
	s.checkBackups()
	s.checkCards()
	s.checkScripts()
}

// each calls f for the items, a few at a time, until the scan stops.
func each[T any](s *scan, items []T, f func(T)) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, item := range items {
		group.Go(func() error {
			if s.ctx.Err() == nil && !s.client.Down() {
				f(item)
			}
			return nil
		})
	}
	_ = group.Wait()
}

// report keeps a finding, one for each class, check and path.
func (s *scan) report(f scanlink.Finding) {
	key := f.Class + " " + f.Check + " " + f.Path
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.seen[key] || len(s.findings) >= 500 {
		return
	}
	s.seen[key] = true
	s.findings = append(s.findings, f)
}

const maxEvidence = 4 << 10

// found makes a finding with its evidence; shown is the piece of the answer that proves it.
func (s *scan) found(class, check, path string, qod int, r *httpwire.Response, shown, detail string) scanlink.Finding {
	f := s.target.Finding(class, check, qod)
	f.QoDType = "remote_app"
	if s.options.Active && qod >= 95 && slices.Contains([]string{"web.xss", "web.sqli", "web.lfi", "web.crlf", "web.rce", "web.ssrf", "web.webdav-put", "web.xxe"}, class) {
		f.QoDType = "exploit"
	}
	f.Path = wire.Printable([]byte(path), 500)
	f.Evidence.Detail = wire.Printable([]byte(detail), maxEvidence)
	if r != nil {
		f.Evidence.Request = wire.Printable(r.Sent, maxEvidence)
		f.Evidence.Response = wire.Printable([]byte(excerpt(r.Text(), shown)), maxEvidence)
	}
	return f
}

// excerpt is the head of an answer and the surroundings of the piece that matters.
func excerpt(answer, shown string) string {
	const head, around = 1000, 600
	at := strings.Index(answer, shown)
	if len(answer) <= head+2*around || shown == "" || at < 0 || at+len(shown) < head {
		return answer[:min(len(answer), head+2*around)]
	}
	start, end := max(head, at-around), min(len(answer), at+len(shown)+around)
	return fmt.Sprintf("%s\n[…]\n%s", answer[:head], answer[start:min(end, start+3*around)])
}

func (s *scan) get(target string) (*httpwire.Response, error) {
	return s.do(httpwire.Get(target))
}

// do sends a request and looks over whatever comes back for what debuggers and failing programs tell.
func (s *scan) do(r *httpwire.Request) (*httpwire.Response, error) {
	resp, err := s.client.Do(r)
	if err == nil {
		s.observe(resp)
	}
	return resp, err
}
