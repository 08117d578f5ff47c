package app

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

// told is one event of a stream.
type told struct {
	ID, Name string
	State    string
	Stage    string
	Progress float64
}

// stream of server-sent events over a real connection.
type stream struct {
	*program
	lines *bufio.Scanner
	close func()
}

// listen to the events of a scan.
func (p *program) listen(url, by, scan, last string) *stream {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 30*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v2/scans/"+scan+"/events", http.NoBody)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token(by))
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	s := &stream{p, bufio.NewScanner(a.Body), func() { cancel(); _ = a.Body.Close() }}
	p.Cleanup(s.close)
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		p.Fatalf("the stream answers %d, %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	return s
}

// next event; none at the end of the stream.
func (s *stream) next() (e told, more bool) {
	s.Helper()
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				s.Fatal(err)
			}
		case "":
			if e.Name != "" {
				return e, true
			}
		}
	}
	return e, false
}

// until an event of that name with the state, and the names of those before it.
func (s *stream) until(name, state string) (e told, before []string) {
	s.Helper()
	for {
		e, more := s.next()
		if !more {
			s.Fatalf("the stream ends before %s with %s; it told %v", name, state, before)
		}
		if e.Name == name && e.State == state {
			return e, before
		}
		before = append(before, e.Name)
	}
}

// TestEvents: the stream of a run tells how it stands, then each change as it happens, and ends with the run.
func TestEvents(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.Auditor)
		const m = "manager@acme"
		s := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		server := httptest.NewServer(p.app.api.Handler)
		t.Cleanup(server.Close)
		p.refused(409, m, "GET", "/v2/scans/"+s+"/events", nil)
		p.start(m, s)
		first := p.listen(server.URL, m, s, "")
		first.until("state", "queued")
		l := p.lease() // holds the run open
		if l == nil {
			p.Fatal("nothing to lease")
		}
		first.until("state", "running")
		beat := scanlink.Beat{Token: l.Token, Brief: true, Progress: &scanlink.Progress{Percent: 40, Stage: "ports"}}
		if _, err := p.app.dispatcher.Beat(context.Background(), scanner.EmbeddedID, l.ChunkID, beat); err != nil {
			p.Fatal(err)
		}
		if e, _ := first.until("stage", "running"); e.Stage != "ports" || e.Progress != 40 {
			p.Errorf("the stage: %+v", e)
		}
		last, _ := first.until("progress", "running")
		first.close()

		p.must(200, m, "POST", "/v2/scans/"+s+"/pause", nil)
		again := p.listen(server.URL, m, s, last.ID) // hears what it has missed
		if e, before := again.until("state", "paused"); len(before) != 0 || e.ID == last.ID {
			p.Errorf("after coming back: %+v, before it %v", e, before)
		}
		p.must(200, m, "POST", "/v2/scans/"+s+"/stop", nil)
		if err := p.finishLease(l, scanlink.Finish{Interrupted: true}); err != nil {
			p.Fatal(err)
		}
		end, _ := again.until("end", "stopped")
		if e, more := again.next(); more {
			p.Errorf("after the end comes %+v", e)
		}
		late := p.listen(server.URL, m, s, end.ID)
		if e, more := late.next(); !more || e.Name != "end" || e.State != "stopped" {
			p.Errorf("who has heard all hears %+v", e)
		}
		p.crowd(server.URL, m, s)
	})
}

// crowd: so many streams of one caller at once, and one that ends makes room.
func (p *program) crowd(url, m, s string) {
	p.Helper()
	p.start(m, s)
	var all []*stream
	const by = "auditor@acme"
	for range 4 {
		l := p.listen(url, by, s, "")
		l.until("state", "queued")
		all = append(all, l)
	}
	p.refused(429, by, "GET", "/v2/scans/"+s+"/events", nil)
	p.must(200, m, "POST", "/v2/scans/"+s+"/stop", nil)
	for _, l := range all {
		l.until("end", "stopped")
	}
}
