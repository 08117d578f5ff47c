package oneshot

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink/address"
)

const (
	maxTargetsFile = 16 << 20
	maxTrust       = 4 << 20
	maxBaseline    = 512 << 20
)

// prepare reads everything that can be wrong before the first packet is sent.
func prepare(ctx context.Context, o Options, s Streams) (*job, error) {
	j := &job{options: o, streams: s, explicit: map[netip.Addr]bool{}}
	steps := []func(context.Context) error{j.readOptions, j.readTargets, j.readTrust, j.readCredentials, j.readBaseline, j.openOutput, j.readFeed, j.openCollaborator, j.readTemplates}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			j.close()
			return nil, err
		}
	}
	return j, nil
}

func (j *job) readOptions(context.Context) error {
	var err error
	if j.options.Format == "" {
		j.options.Format = "table"
	}
	if !slices.Contains(Formats(), j.options.Format) {
		return fault.New(fault.Invalid, "there is no format %q: choose one of %s", plain(j.options.Format), strings.Join(Formats(), ", "))
	}
	if j.profile, err = engine.ProfileNamed(j.options.Profile); err != nil {
		return err
	}
	if j.options.Ports != "" {
		if _, err := engine.ParsePorts(j.options.Ports); err != nil {
			return err
		}
	}
	if j.options.Rate < 0 {
		return fault.New(fault.Invalid, "--rate is a number of probes a second, from 1, or 0 for the profile's own")
	}
	j.plan.Profile, j.plan.Ports, j.plan.Rate = j.profile.Name, j.options.Ports, j.options.Rate
	return nil
}

func (j *job) readTargets(ctx context.Context) error {
	items := slices.Clone(j.options.Targets)
	if j.options.TargetsFile != "" {
		more, err := j.targetsFile()
		if err != nil {
			return err
		}
		items = append(items, more...)
	}
	hosts, err := parseAll(items)
	if err != nil {
		return err
	}
	excluded, err := parseAll(j.options.Exclude)
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		return fault.New(fault.Invalid, "no target: name addresses, networks, ranges, host names or URLs, or a --targets-file")
	}
	find := j.streams.Lookup
	if find == nil {
		find = lookup
	}
	r, err := address.Resolve(ctx, hosts, excluded, find)
	if err != nil {
		return err
	}
	for _, u := range r.Unresolved {
		detail := "The name has no address that can be scanned."
		if u.Err != nil {
			detail = "The name cannot be resolved: " + plain(u.Err.Error())
		}
		j.errors = append(j.errors, TargetError{u.Name, detail})
	}
	j.plan.Hosts = r.Hosts()
	if len(j.plan.Hosts) == 0 {
		if len(j.errors) > 0 {
			return fault.New(fault.Invalid, "no target is left: %s: %s", j.errors[0].Target, j.errors[0].Detail)
		}
		return fault.New(fault.Invalid, "no target is left after the exclusions")
	}
	for _, h := range hosts {
		j.submitted = append(j.submitted, h.Text)
		if h.Name == "" && h.Span.First == h.Span.Last {
			j.explicit[h.Span.First] = true
		}
	}
	for a := range r.Names {
		j.explicit[a] = true
	}
	return nil
}

// parseAll reads items, each of which may hold several.
func parseAll(items []string) ([]address.Host, error) {
	var split []string
	for _, item := range items {
		if strings.Contains(item, "://") {
			split = append(split, item)
			continue
		}
		split = append(split, address.Split(item)...)
	}
	return address.ParseList("", split)
}

func (j *job) targetsFile() ([]string, error) {
	var in io.Reader = j.streams.In
	if j.options.TargetsFile != "-" {
		f, err := os.Open(j.options.TargetsFile)
		if err != nil {
			return nil, fmt.Errorf("--targets-file: %w", err)
		}
		defer f.Close()
		in = f
	}
	var items []string
	lines := bufio.NewScanner(io.LimitReader(in, maxTargetsFile+1))
	size := 0
	for lines.Scan() {
		if size += len(lines.Bytes()) + 1; size > maxTargetsFile {
			return nil, fault.New(fault.Invalid, "--targets-file is larger than 16 MiB")
		}
		line := lines.Text()
		if i := strings.Index(line, "#"); i == 0 || i > 0 && (line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i] // not the # of a URL
		}
		if line = strings.TrimSpace(line); line != "" {
			items = append(items, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--targets-file: %w", err)
	}
	return items, nil
}

func (j *job) readTrust(context.Context) error {
	if j.options.Trust == "" {
		return nil
	}
	b, err := readFile(j.options.Trust, maxTrust)
	if err != nil {
		return fmt.Errorf("--trust: %w", err)
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("--trust: %w", err)
		}
		j.plan.TrustedCAs = append(j.plan.TrustedCAs, string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})))
	}
	if len(j.plan.TrustedCAs) == 0 {
		return fault.New(fault.Invalid, "--trust: %s holds no PEM certificate", j.options.Trust)
	}
	return nil
}

func (j *job) readBaseline(context.Context) error {
	if j.options.Baseline == "" {
		return nil
	}
	b, err := readFile(j.options.Baseline, maxBaseline)
	if err != nil {
		return fmt.Errorf("--baseline: %w", err)
	}
	var r Result
	if err := json.Unmarshal(b, &r); err != nil || r.Version != ResultVersion {
		return fault.New(fault.Invalid, "--baseline: %s is no result of vedette scan --format json", j.options.Baseline)
	}
	j.baseline = &r
	return nil
}

func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return b, err
}

// readFeed opens a knowledge file, or builds one for this scan alone out of what it is given.
func (j *job) readFeed(ctx context.Context) error {
	j.knowledge = feed.Starter()
	if j.options.Feed == "" {
		fmt.Fprintf(j.streams.Err, "Knowledge: only the small set inside the program (%s); --feed takes more.\n", j.knowledge.Info().Date)
		return nil
	}
	path := j.options.Feed
	if filepath.Ext(path) != feed.Suffix {
		dir, err := os.MkdirTemp("", "vedette-feed-*")
		if err != nil {
			return err
		}
		j.cleanup = append(j.cleanup, func() { _ = os.RemoveAll(dir) })
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("--feed: %w", err)
		}
		report, err := feed.Import(ctx, dir, []string{path}, nil)
		if err != nil {
			return fmt.Errorf("--feed: %w", err)
		}
		j.tellFeed(report)
		path = report.Path
	}
	k, err := feed.Open(path)
	if err != nil {
		return fmt.Errorf("--feed: %w", err)
	}
	j.cleanup = slices.Insert(j.cleanup, 0, func() { _ = k.Close() })
	j.knowledge = k
	return nil
}

func (j *job) tellFeed(r feed.Report) {
	j.ignored = r.Ignored
	fmt.Fprintf(j.streams.Err, "Knowledge: %d CVEs, %d known exploited, %d scores, %d products, from %d sources.\n", r.CVEs, r.KEVs, r.Scores, r.Cycles, len(r.Sources))
	for _, i := range r.Ignored {
		fmt.Fprintf(j.streams.Err, "  ignored %s: %s\n", plain(i.Path), plain(i.Reason))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(j.streams.Err, "  %d damaged records were passed over\n", r.Skipped)
	}
}

// output is where the result goes. A file takes its name only when it is whole, and only its owner may read it: it
// tells where the targets are weak.
type output struct {
	io.Writer
	file *os.File
	name string
}

func (j *job) openOutput(context.Context) error {
	if j.options.Output == "" || j.options.Output == "-" {
		if j.options.Format == "pdf" && j.streams.OutTerminal {
			return fault.New(fault.Invalid, "a PDF is nothing for a terminal: give --output FILE")
		}
		j.output = &output{Writer: j.streams.Out}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(j.options.Output), ".vedette-*")
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	j.cleanup = append(j.cleanup, func() { _, _ = f.Close(), os.Remove(f.Name()) })
	j.output = &output{f, f, j.options.Output}
	return nil
}

func (o *output) finish() error {
	if o.file == nil {
		return nil
	}
	if err := errors.Join(o.file.Sync(), o.file.Close()); err != nil {
		return err
	}
	return os.Rename(o.file.Name(), o.name)
}
