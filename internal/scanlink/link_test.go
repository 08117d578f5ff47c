package scanlink_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

var host = netip.MustParseAddr("192.0.2.1")

func work(id string) scanlink.Lease {
	return scanlink.Lease{ChunkID: id, ScanID: "scan", Plan: &scanlink.Plan{Profile: "full", Hosts: []scanlink.PlanHost{{Address: host}}}}
}

func port(n int) scanlink.Observation {
	return scanlink.Observation{Service: &scanlink.Service{Address: host, Port: uint16(n), Protocol: "tcp", State: "open"}}
}

// untilStopped is an engine that emits two ports and then works until its context ends.
func untilStopped(started, ended chan<- time.Time) agent.Engine {
	return func(ctx context.Context, _ scanlink.Plan, emit func(scanlink.Observation)) error {
		emit(port(1))
		emit(scanlink.Observation{Progress: &scanlink.Progress{Percent: 50, Stage: "ports"}})
		emit(port(2))
		started <- time.Now()
		<-ctx.Done()
		ended <- time.Now()
		return ctx.Err()
	}
}

func TestChunkFromLeaseToFinish(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := d.link(t, url)
	start(t, state, func(_ context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
		for i := range 1234 {
			emit(port(i + 1))
		}
		emit(scanlink.Observation{}) // no fact: dropped, not sent
		return nil
	})
	d.give(work("c1"))
	d.give(work("c2"))
	d.must(t, "both finished", func() bool { return len(d.finished) == 2 })
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range []string{"c1", "c2"} {
		f := d.finished[c]
		if d.observations(c) != 1234 || f.LastSequence != len(d.batches[c]) || f.LastSequence < 3 || f.Error != "" || f.Interrupted {
			t.Errorf("%s: %d observations, %+v", c, d.observations(c), f)
		}
	}
	if d.hellos != 1 {
		t.Errorf("%d hellos", d.hellos)
	}
}

func TestCredentialsReachTheEngineSealed(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := d.link(t, url)
	got := make(chan []scanlink.Credential, 1)
	start(t, state, func(_ context.Context, plan scanlink.Plan, _ func(scanlink.Observation)) error {
		got <- plan.Credentials
		return nil
	})
	secret := scanlink.Credential{Kind: "ssh", Username: "audit", Password: "only in memory"}
	lease := work("c1")
	lease.Plan.Credentials = []scanlink.Credential{secret}
	if raw, err := json.Marshal(lease); err != nil || bytes.Contains(raw, []byte(secret.Password)) {
		t.Errorf("a plan tells its credentials: %s %v", raw, err)
	}
	d.give(lease)
	if all := <-got; len(all) != 1 || all[0] != secret {
		t.Errorf("the engine got %d credentials", len(all))
	}
	d.must(t, "finished", func() bool { return len(d.finished) == 1 })
}

func TestStopReachesTheEngineAtOnce(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	started, ended := make(chan time.Time, 1), make(chan time.Time, 1)
	start(t, d.link(t, url), untilStopped(started, ended))
	d.give(work("c1"))
	<-started
	d.must(t, "observations before the stop", func() bool { return d.observations("c1") == 2 })
	asked := time.Now()
	d.change(func() { d.stopped["c1"] = true })
	if took := (<-ended).Sub(asked); took > 5*time.Second {
		t.Errorf("the stop took %s", took)
	}
	d.must(t, "finished as interrupted", func() bool { return d.finished["c1"].Interrupted && d.finished["c1"].Error == "" })
}

func TestProgressIsToldByTheBeat(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.hold = 10 * time.Millisecond
	url, _ := d.serve(t, "127.0.0.1:0")
	started, ended := make(chan time.Time, 1), make(chan time.Time, 1)
	start(t, d.link(t, url), untilStopped(started, ended))
	d.give(work("c1"))
	d.must(t, "progress", func() bool { return d.progress != nil && d.progress.Percent == 50 })
}

// TestChangeOfStageIsToldAtOnce: a beat that is held open is cut short by a change of the stage, and by nothing less.
func TestChangeOfStageIsToldAtOnce(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	further := make(chan struct{})
	start(t, d.link(t, url), func(ctx context.Context, _ scanlink.Plan, emit func(scanlink.Observation)) error {
		at := func(stage string, percent float64) {
			emit(scanlink.Observation{Progress: &scanlink.Progress{Stage: stage, Percent: percent}})
		}
		at("discover", 1)
		<-further
		at("discover", 5)
		at("ports", 20)
		<-ctx.Done()
		return ctx.Err()
	})
	d.give(work("c1"))
	d.must(t, "the first stage, and a beat held open after it", func() bool { return len(d.briefs) == 1 && d.held })
	close(further)
	d.must(t, "the second stage", func() bool { return len(d.briefs) == 2 && d.progress.Percent == 20 })
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.briefs, []string{"discover", "ports"}) {
		t.Errorf("told at once: %v", d.briefs)
	}
}

func TestStaleTokenDropsTheChunk(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	started, ended := make(chan time.Time, 2), make(chan time.Time, 2)
	start(t, d.link(t, url), untilStopped(started, ended))
	d.give(work("c1"))
	<-started
	d.change(func() { d.token["c1"]++ })
	<-ended
	d.give(work("c2"))
	<-started // the scanner is free for other work
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.finished["c1"]; ok {
		t.Error("a lost chunk was finished")
	}
}

func TestLeaseEndsWithoutAServer(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	d.lifetime = 1
	url, stop := d.serve(t, "127.0.0.1:0")
	started, ended := make(chan time.Time, 1), make(chan time.Time, 1)
	start(t, d.link(t, url), untilStopped(started, ended))
	d.give(work("c1"))
	<-started
	stop()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("traffic goes on after the deadline of the lease")
	}
}

func TestServerRestart(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	address := freePort(t)
	url, stop := d.serve(t, address)
	more := make(chan struct{})
	start(t, d.link(t, url), func(ctx context.Context, _ scanlink.Plan, emit func(scanlink.Observation)) error {
		emit(port(1))
		<-more
		for i := 1; i < 900; i++ {
			emit(port(i + 1))
		}
		return ctx.Err()
	})
	d.give(work("c1"))
	d.must(t, "the first observation", func() bool { return d.observations("c1") == 1 })
	stop()
	close(more)
	d.mu.Lock()
	d.dropNext = 1
	d.mu.Unlock()
	d.serve(t, address)
	d.must(t, "finished after the restart", func() bool { _, ok := d.finished["c1"]; return ok })
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.finished["c1"]; d.observations("c1") != 900 || d.repeats != 1 || f.Interrupted || f.Token != 1 {
		t.Errorf("%d observations, %d repeats, %+v", d.observations("c1"), d.repeats, f)
	}
}

func TestScannerEndsByGivingBack(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	started, ended := make(chan time.Time, 1), make(chan time.Time, 1)
	end, _ := start(t, d.link(t, url), untilStopped(started, ended))
	d.give(work("c1"))
	<-started
	if err := end(); err != nil {
		t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.finished["c1"]; !f.Interrupted || f.LastSequence != 1 || d.observations("c1") != 2 {
		t.Errorf("%+v with %d observations", f, d.observations("c1"))
	}
}

func TestEngineErrorsAndPanics(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	start(t, d.link(t, url), func(_ context.Context, plan scanlink.Plan, _ func(scanlink.Observation)) error {
		if plan.Ports == "panic" {
			panic("ouch")
		}
		return errors.New("no route")
	})
	d.give(work("c1"))
	bad := work("c2")
	bad.Plan.Ports = "panic"
	d.give(bad)
	d.must(t, "both finished", func() bool { return len(d.finished) == 2 })
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.finished["c1"].Error != "no route" || !strings.Contains(d.finished["c2"].Error, "ouch") {
		t.Errorf("%+v", d.finished)
	}
}

func TestRevokedScanner(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := d.link(t, url)
	d.change(func() { delete(d.known, state.ScannerID) })
	_, done := start(t, state, nothing)
	select {
	case err := <-done:
		if !errors.Is(err, agent.ErrUnknown) {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("a revoked scanner goes on")
	}
}

func nothing(context.Context, scanlink.Plan, func(scanlink.Observation)) error { return nil }

func TestDeactivatedScannerLosesItsChunk(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := d.link(t, url)
	started, ended := make(chan time.Time, 1), make(chan time.Time, 1)
	resume := make(chan struct{})
	start(t, state, func(ctx context.Context, _ scanlink.Plan, emit func(scanlink.Observation)) error {
		started <- time.Now()
		<-resume
		emit(port(1))
		<-ctx.Done()
		ended <- time.Now()
		return nil
	})
	d.give(work("c1"))
	<-started
	d.change(func() { d.known[state.ScannerID] = fault.New(fault.Forbidden, "deactivated") })
	close(resume)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("a deactivated scanner goes on")
	}
}

func TestVerifyWhileBusy(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	busy := make(chan struct{}, 1)
	var asked atomic.Pointer[scanlink.Plan]
	start(t, d.link(t, url), func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
		if plan.Profile == "discovery" {
			asked.Store(&plan)
			emit(port(22))
			return nil
		}
		busy <- struct{}{}
		<-ctx.Done()
		return nil
	})
	d.give(work("c1"))
	<-busy
	d.give(scanlink.Lease{Verify: &scanlink.VerifyJob{ID: "v1"}})
	d.must(t, "an answer", func() bool { _, ok := d.verified["v1"]; return ok })
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.verified["v1"]
	last := v.Checks[len(v.Checks)-1]
	if v.Version != "1.2.3" || time.Since(v.Clock) > time.Minute || last.Name != "known_ports" || last.OK || last.Value != "0 of 1" {
		t.Errorf("%+v", v)
	}
	if p := asked.Load(); p.Hosts[0].Address.String() != "127.0.0.1" || !strings.HasSuffix(url, strings.Replace(p.Ports, "T", "", 1)) {
		t.Errorf("asked for %+v, the server is %s", p, url)
	}
}

func TestLinkingCodeIsUsedOnceAndPinned(t *testing.T) {
	t.Parallel()
	d, other := newDouble(t), newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	if _, err := agent.Link(t.Context(), url, "secret", ""); !errors.Is(err, agent.ErrNoPin) {
		t.Errorf("a code without a pin: %v", err)
	}
	wrong, _ := scanlink.Pin(other.authority.Certificate())
	if _, err := agent.Link(t.Context(), url, "secret", wrong); err == nil || !strings.Contains(err.Error(), "authority") {
		t.Errorf("another server's pin: %v", err)
	}
	state := d.link(t, url)
	right, _ := scanlink.Pin(d.authority.Certificate())
	if _, err := agent.Link(t.Context(), url, "secret", right); err == nil || !strings.Contains(err.Error(), "no such code") {
		t.Errorf("a code twice: %v", err)
	}
	dir := t.TempDir()
	if err := state.Save(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := agent.Load(dir); err != nil || got != state {
		t.Errorf("%v", err)
	}
}

// raw is a client that shows the state's certificate, or none.
func raw(t *testing.T, d *double, state *agent.State) *http.Client {
	t.Helper()
	cfg := &tls.Config{RootCAs: d.authority.Pool(), ServerName: authority.ServerName}
	if state != nil {
		pair, err := tls.X509KeyPair([]byte(state.Certificate), []byte(state.Key))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	tr := &http.Transport{TLSClientConfig: cfg}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestGarbageIsRefused(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := d.link(t, url)
	d.change(func() { d.token["c1"] = 1 })
	known, stranger := raw(t, d, &state), raw(t, d, nil)
	batch := func(n int, o scanlink.Observation) string {
		b := scanlink.Batch{Token: 1, Sequence: 1}
		for range n {
			b.Observations = append(b.Observations, o)
		}
		out, _ := json.Marshal(b)
		return string(out)
	}
	const observe = "/v1/chunks/c1/observations"
	for _, c := range []struct {
		name, path, body string
		client           *http.Client
		gzip             bool
		status           int
	}{
		{"no certificate", scanlink.PathLease, `{"free":1}`, stranger, false, 401},
		{"no certificate and garbage", observe, `{`, stranger, false, 401},
		{"garbage", observe, `{"token":`, known, false, 422},
		{"wrong types", observe, `{"token":"x"}`, known, false, 422},
		{"no gzip", observe, `{}`, known, true, 422},
		{"empty batch", observe, `{"token":1,"sequence":1,"observations":[]}`, known, false, 422},
		{"no sequence", observe, `{"token":1,"observations":[{"progress":{}}]}`, known, false, 422},
		{"largest batch", observe, batch(2000, port(1)), known, false, 204},
		{"too large a batch", observe, batch(2001, port(1)), known, false, 422},
		{"no kind", observe, batch(1, scanlink.Observation{}), known, false, 422},
		{"progress", observe, batch(1, scanlink.Observation{Progress: &scanlink.Progress{}}), known, false, 422},
		{"stale", observe, strings.Replace(batch(1, port(1)), `"token":1`, `"token":0`, 1), known, false, 409},
		{"no such chunk", "/v1/chunks/c2/observations", batch(1, port(1)), known, false, 409},
		{"strange chunk", "/v1/chunks/a%2Fb/observations", batch(1, port(1)), known, false, 404},
		{"long body", observe, strings.Repeat(" ", scanlink.MaxBody+1), known, false, 413},
		{"long beat", "/v1/chunks/c1/beat", strings.Repeat(" ", 65<<10), known, false, 413},
		{"free", scanlink.PathLease, `{"free":-1}`, known, false, 422},
		{"no code", scanlink.PathLink, `{}`, stranger, false, 401},
		{"no request", scanlink.PathRenew, `{"csr":"x"}`, known, false, 422},
		{"no path", "/v1/other", `{}`, known, false, 404},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+c.path, strings.NewReader(c.body))
		if c.gzip {
			r.Header.Set("Content-Encoding", "gzip")
		}
		answer, err := c.client.Do(r)
		if err != nil {
			if c.status != 413 {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, answer.StatusCode, body, c.status)
		}
	}
}

func TestGzipBombIsRefused(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := d.link(t, url)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte(" "), scanlink.MaxBody+2))
	_ = z.Close()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chunks/c1/observations", &b)
	r.Header.Set("Content-Encoding", "gzip")
	answer, err := raw(t, d, &state).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != 413 {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestStrangeAuthorityIsNoScanner(t *testing.T) {
	t.Parallel()
	d, other := newDouble(t), newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	otherURL, _ := other.serve(t, "127.0.0.1:0")
	state := other.link(t, otherURL)
	answer, err := raw(t, d, &state).Post(url+scanlink.PathHello, "application/json", strings.NewReader("{}"))
	if err == nil {
		_ = answer.Body.Close()
		t.Errorf("a certificate of another installation: %d", answer.StatusCode)
	}
}

// aged signs a new certificate for the state's key that has ten days left.
func aged(t *testing.T, d *double, state agent.State) agent.State {
	t.Helper()
	issuer, err := tls.X509KeyPair([]byte(d.pair.Certificate), []byte(d.pair.Key))
	if err != nil {
		t.Fatal(err)
	}
	old, err := tls.X509KeyPair([]byte(state.Certificate), []byte(state.Key))
	if err != nil {
		t.Fatal(err)
	}
	template := *old.Leaf
	template.NotAfter = time.Now().Add(10 * 24 * time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer.Leaf, old.Leaf.PublicKey, issuer.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	state.Certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return state
}

func TestCertificateIsRenewedInTime(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	url, _ := d.serve(t, "127.0.0.1:0")
	state := aged(t, d, d.link(t, url))
	cfg := agent.Config{Engine: nothing}
	state.Apply(&cfg, t.TempDir())
	kept := make(chan [2]string, 1)
	cfg.Renewed = func(certificate, key string) error {
		kept <- [2]string{certificate, key}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, cfg) }()
	got := <-kept
	pair, err := tls.X509KeyPair([]byte(got[0]), []byte(got[1]))
	if err != nil || got[1] == state.Key || time.Until(pair.Leaf.NotAfter) < 80*24*time.Hour {
		t.Errorf("renewed: %v", err)
	}
	d.give(work("c1"))
	d.must(t, "work with the new certificate", func() bool { return len(d.finished) == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
