package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
	"github.com/vedette/vedette/internal/scanlink/server"
)

// oneChunk is a server that links whoever comes, leases one chunk, and keeps what is seen.
type oneChunk struct {
	*authority.Authority
	leases   chan *scanlink.Lease
	finished chan scanlink.Finish
	mu       sync.Mutex
	seen     *scanlink.Facts
}

func (o *oneChunk) Link(_ context.Context, r scanlink.LinkRequest) (scanlink.LinkAnswer, error) {
	id := uuid.NewString()
	c, err := o.Scanner(r.CSR, id)
	return scanlink.LinkAnswer{Certificate: c, Authority: o.Certificate(), ScannerID: id}, err
}
func (o *oneChunk) Known(context.Context, string, string) error { return nil }
func (o *oneChunk) Renew(context.Context, string, string, string) (scanlink.LinkAnswer, error) {
	return scanlink.LinkAnswer{}, nil
}
func (o *oneChunk) Hello(context.Context, string, scanlink.Hello) error { return nil }

func (o *oneChunk) Lease(ctx context.Context, _ string, _ scanlink.LeaseRequest) (*scanlink.Lease, error) {
	select {
	case l := <-o.leases:
		return l, nil
	case <-ctx.Done():
		return nil, nil
	}
}

func (o *oneChunk) Beat(ctx context.Context, _, _ string, _ scanlink.Beat) (scanlink.BeatAnswer, error) {
	<-ctx.Done()
	return scanlink.BeatAnswer{DeadlineSeconds: 60}, nil
}

func (o *oneChunk) Observe(_ context.Context, _, _ string, b scanlink.Batch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range b.Observations {
		o.seen.Add(x)
	}
	return nil
}

func (o *oneChunk) Finish(_ context.Context, _, _ string, f scanlink.Finish) error {
	o.finished <- f
	return nil
}

func (o *oneChunk) Verified(context.Context, string, string, scanlink.Verification) error { return nil }

// TestScansForAServer links a scanner and lets the real engine scan a real service for a server.
func TestScansForAServer(t *testing.T) {
	t.Parallel()
	pair, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	a, err := authority.Open(pair)
	if err != nil {
		t.Fatal(err)
	}
	o := &oneChunk{Authority: a, leases: make(chan *scanlink.Lease, 1), finished: make(chan scanlink.Finish, 1), seen: scanlink.NewFacts()}
	s, err := server.Listen("127.0.0.1:0", a, server.Handler(o))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code, err := scanlink.LinkingCode("secret", a.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	command := func(args ...string) error {
		root := rootCommand()
		root.SetArgs(append(args, "--state", dir))
		root.SetOut(&bytes.Buffer{})
		return root.ExecuteContext(ctx)
	}
	if err := command("link", "--server", "https://"+s.Address().String(), "--code", code); err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- command("run", "--memory", "0") }()

	redis := lab.Redis(t, "7.0.15", "")
	o.leases <- &scanlink.Lease{ChunkID: "c1", ScanID: "s1", Attempt: 1, Token: 1, DeadlineSeconds: 60, Plan: &scanlink.Plan{
		Profile: "full", Hosts: []scanlink.PlanHost{{Address: netip.MustParseAddr("127.0.0.1")}}, Ports: fmt.Sprintf("T:%d", redis.Port()),
	}}
	f := <-o.finished
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	hosts := o.seen.Hosts()
	if f.Error != "" || f.Interrupted || len(hosts) != 1 || !hosts[0].Host.Done || len(hosts[0].Services) != 1 || hosts[0].Services[0].Product != "redis" {
		t.Fatalf("%+v, %+v", f, hosts)
	}
	found := false
	for _, x := range hosts[0].Findings {
		found = found || x.Class == "anon.redis"
	}
	if !found {
		t.Errorf("redis without login is not found: %+v", hosts[0].Findings)
	}
}
