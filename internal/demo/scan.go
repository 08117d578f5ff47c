package demo

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/clock"
)

// run is one finished scan.
type run struct {
	target, scan  string
	history       *client.ScanHistory
	vulnerability string // the worst
}

const scanPatience = 5 * time.Minute

// scan declares the target, scans it, and waits for the end.
func (s *show) scan(ctx context.Context) (*run, error) {
	var hosts []string
	for _, v := range services() {
		hosts = append(hosts, v.at.Addr().String())
	}
	c := s.shop.api
	target, err := c.Targets.Create(ctx, client.TargetCreate{
		Name: "Servers of the shop", Hosts: hosts, AliveTest: "none",
		ScopeAttestation: &client.TargetCreateScopeAttestation{Accepted: new(true), Name: "Jo Doe", Title: "Owner"},
	})
	if err != nil {
		return nil, fmt.Errorf("create the target: %w", err)
	}
	scan, err := c.Scans.Create(ctx, client.ScanCreate{Name: "Quarterly scan", Target: target.ID})
	if err != nil {
		return nil, fmt.Errorf("create the scan: %w", err)
	}
	if scan, err = c.Scans.Start(ctx, scan.ID); err != nil {
		return nil, fmt.Errorf("start the scan: %w", err)
	}
	s.say("Scanning %d addresses, %s, every TCP port and common UDP ports:\n", len(hosts), scan.Profile)
	r := &run{target: target.ID, scan: scan.ID}
	if err := s.follow(ctx, scan.ID); err != nil {
		return nil, err
	}
	histories, err := c.Scans.ListHistories(ctx, scan.ID, client.Query{})
	if err != nil || len(histories.Items) != 1 {
		return nil, fmt.Errorf("the scan has no history: %w", err)
	}
	r.history = &histories.Items[0]
	return r, nil
}

// follow shows the progress: on a terminal one line that changes, else a line for each step.
func (s *show) follow(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, scanPatience)
	defer cancel()
	began, last := clock.Monotonic(), ""
	for {
		scan, err := s.shop.api.Scans.Show(ctx, id)
		if err != nil {
			return fmt.Errorf("follow the scan: %w", err)
		}
		ended := scan.State != "queued" && scan.State != "running"
		line := fmt.Sprintf("%s %3.0f %% %s", scan.State, scan.Progress, scan.Stage)
		switch {
		case s.Terminal:
			s.say("\r\033[K  %3d s  %s", int(clock.Since(began).Seconds()), line)
		case line != last:
			s.say("  %3d s  %s\n", int(clock.Since(began).Seconds()), line)
		}
		last = line
		if ended && s.Terminal {
			s.say("\n")
		}
		if ended && scan.State != "completed" {
			return fmt.Errorf("the scan ended as %s", scan.State)
		}
		if ended {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the scan does not end: %w", ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// findings prints what was found and the verdict.
func (s *show) findings(ctx context.Context, r *run) error {
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSEVERITY\tWHERE\tPCI\tFINDING")
	n, possible := 0, 0
	for v, err := range s.shop.api.Scans.AllVulnerabilities(ctx, r.scan, client.Query{PerPage: 500, SortBy: "-severity"}) {
		if err != nil {
			return fmt.Errorf("list the findings: %w", err)
		}
		if n++; n == 1 {
			r.vulnerability = v.ID
		}
		if v.Certainty == "possible" {
			possible++
		}
		fmt.Fprintf(w, "%4.1f %s\t%s:%d\t%s\t%s\n", v.Severity, v.Threat, v.Host, v.Port, v.PCI.Status, printable(v.Name))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("nothing was found on servers that are full of faults")
	}
	c := r.history.Counts
	s.say("\n%d findings: %d critical, %d high, %d medium, %d low, %d informational, and %d possible ones, of which only a version tells.\n",
		n, c.Critical, c.High, c.Medium, c.Low, c.Log, possible)
	s.say("PCI verdict: %s. %s\n", strings.ToUpper(r.history.PCIStatus), r.history.PCIReason)
	return nil
}

// printable keeps a terminal safe from what a target said of itself.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	if r := []rune(text); len(r) > 70 {
		return string(r[:69]) + "…"
	}
	return text
}
