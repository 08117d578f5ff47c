// Package oneshot is "vedette scan": one scan with no server and no database. It goes the way of every scan: a plan
// for the engine, facts from its observations, findings and verdicts from facts and knowledge, a document at the end.
package oneshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Exit codes of a scan.
const (
	ExitClean       = 0
	ExitFailing     = 1   // a failing vulnerability or an inconclusive host; with a baseline only a new one
	ExitError       = 2   // bad usage, no target, or an error of the engine on a target
	ExitInterrupted = 130 // the result is partial
)

// Options are the flags of the command, as they were written.
type Options struct {
	Targets      []string
	Exclude      []string // items, or several in one with commas
	TargetsFile  string   // one item a line, # begins a comment; - is standard input
	Profile      string
	Ports        string
	Rate         int    // probes a second in total; 0 takes the profile's
	Feed         string // a folder or file of vulnerability data, or a knowledge file
	Templates    string // a folder or archive of templates, or a version that feed import stored
	Collaborator string // as collaborator.ParseConfig reads it; empty: none
	Trust        string // PEM file of certificate authorities trusted besides the machine's own
	Credentials  string // YAML or JSON file of logins by kind; - is standard input
	Baseline     string // an earlier result in JSON
	Format       string // table, json, html, pdf or sarif; empty is table
	Output       string // a file; empty is standard output
}

// Streams are the ends of the command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// OutTerminal and ErrTerminal say that a person looks at them: colours there, one updating line here.
	OutTerminal, ErrTerminal bool
	// Lookup resolves names; nil takes the machine's resolver.
	Lookup address.Lookup
	// Scan replaces the engine in tests of this package; nil is engine.Run.
	Scan func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error
}

// Run scans and writes the result; it returns the exit code. What goes wrong is said on s.Err. When ctx ends, what was
// seen until then is judged and written.
func Run(ctx context.Context, o Options, s Streams) int {
	job, err := prepare(ctx, o, s)
	if err != nil {
		fmt.Fprintf(s.Err, "vedette scan: %s\n", plainError(err))
		if ctx.Err() != nil {
			return ExitInterrupted
		}
		return ExitError
	}
	defer job.close()
	job.started = clock.Now()
	if err := job.scan(ctx); err != nil {
		fmt.Fprintf(s.Err, "vedette scan: %s\n", plainError(err))
		return ExitError
	}
	job.finished = clock.Now()
	result := job.result()
	// The result of an interrupted scan is written all the same, so ctx no longer counts.
	if err := job.write(context.WithoutCancel(ctx), result); err != nil {
		fmt.Fprintf(s.Err, "vedette scan: the result could not be written: %s\n", plainError(err))
		return ExitError
	}
	job.summary(result)
	return job.exit(result)
}

// job is one scan in the making.
type job struct {
	options   Options
	streams   Streams
	plan      scanlink.Plan
	explicit  map[netip.Addr]bool // addresses that were written one by one, or by name
	submitted []string            // the targets as they were written
	profile   engine.Profile
	knowledge *feed.Knowledge
	ignored   []feed.Ignored
	templates *template.Set
	calls     *collaborator.Server
	baseline  *Result
	output    *output
	errors    []TargetError
	cleanup   []func()

	started, finished time.Time
	interrupted       bool
	facts             []scanlink.HostFacts
	findings          []vulnerability.Finding
}

func (j *job) close() {
	for _, f := range j.cleanup {
		f()
	}
}

// scan runs the engine and judges what it saw.
func (j *job) scan(ctx context.Context) error {
	facts := scanlink.NewFacts()
	progress := newProgress(j.streams, len(j.plan.Hosts))
	run := j.streams.Scan
	if run == nil {
		run = func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
			return engine.Run(ctx, plan, engine.Options{Templates: j.templates, Collaborator: j.calls}, emit)
		}
	}
	stop := progress.start()
	err := run(ctx, j.plan, func(o scanlink.Observation) {
		if o.Check() != nil {
			return
		}
		if o.Progress != nil {
			progress.set(*o.Progress)
			return
		}
		progress.count(o)
		facts.Add(o)
	})
	stop()
	j.interrupted = ctx.Err() != nil
	if err != nil && !j.interrupted {
		return err
	}
	j.facts = j.complete(facts.Hosts())
	for _, h := range j.facts {
		j.findings = append(j.findings, vulnerability.Judge(j.knowledge, h)...)
		if h.Host.Error != "" {
			j.errors = append(j.errors, TargetError{h.Host.Address.String(), h.Host.Error})
		}
	}
	return nil
}

// complete adds planned hosts that the engine never came to, and marks those it did not end.
func (j *job) complete(seen []scanlink.HostFacts) []scanlink.HostFacts {
	at := map[netip.Addr]scanlink.HostFacts{}
	for _, h := range seen {
		at[h.Host.Address] = h
	}
	all := make([]scanlink.HostFacts, 0, len(j.plan.Hosts))
	for _, p := range j.plan.Hosts {
		h, ok := at[p.Address]
		if !ok {
			h.Host = scanlink.Host{Address: p.Address, Names: p.Names}
		}
		if !h.Host.Done {
			h.Host.Coverage = scanlink.Inconclusive
			if h.Host.Interference == "" {
				h.Host.Interference = "The scan ended before this host was finished."
			}
		}
		all = append(all, h)
	}
	return all
}

func lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// plainError is the text of a fault, or of any other error.
func plainError(err error) string {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return plain(err.Error())
	}
	text := f.Text
	if len(f.Details) > 1 {
		text = ""
		for _, d := range f.Details {
			text += "\n  " + d.Detail
		}
	}
	return text
}
