// Package template runs checks written in the community's nuclei template format (YAML): requests over HTTP, TCP, DNS
// and TLS with conditions on the answers. Templates are compiled once and shared by all targets. What a template asks
// for that a remote scanner must not or cannot do is refused when it is loaded, with the reason.
package template

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vedette/vedette/internal/engine/template/dsl"
)

// Refusal says why a file of a collection is not run.
type Refusal struct {
	Path, ID, Reason string
	Kind             string // as Template.Kind; empty where the file is no template at all
}

// Set is a compiled collection. It is immutable and safe for concurrent use.
type Set struct {
	templates []*Template
	version   string
	shared    map[string]bool // requests that more than one template sends: their answers are kept during a run
}

// Template is one compiled template.
type Template struct {
	id        string
	path      string // in its collection
	version   string // of its collection
	own       bool   // of this program: its class tells how grave it is
	kind      string
	idle      string // why it is loaded and yet never run
	info      info
	class     string // empty: it detects something, which is no problem to report
	active    bool   // only where active attacks are wanted
	qod       int
	control   bool // compare with the answer to a path that cannot exist
	variables []variable
	blocks    []block
	flow      *flow
}

type variable struct {
	name  string
	value *dsl.Template
}

// block is one protocol's part of a template.
type block interface {
	protocol() string
	run(x *execution) result
}

// result of one block.
type result struct {
	ran     bool // at least one answer came
	matched bool
	hits    []hit // what there is to report; none where only internal matchers matched
}

// hit is one match with its evidence.
type hit struct {
	path, request, response string
	judgement               judgement
	login                   string
	called                  string // what the collaborator heard, as evidence
}

// ID of the template.
func (t *Template) ID() string { return t.id }

// Path of the template's file in its collection.
func (t *Template) Path() string { return t.path }

// Kind is the first protocol that it speaks: http, network, dns, ssl, file or workflow.
func (t *Template) Kind() string { return t.kind }

// Idle says why the template is loaded and yet not run; empty where it is run.
func (t *Template) Idle() string { return t.idle }

// OutOfBand says that the template is run only where there is a collaborator.
func (t *Template) OutOfBand() bool { return t.idle == idleOutOfBand }

// Class that the template's findings have; empty where it only detects software.
func (t *Template) Class() string { return t.class }

// Load compiles every .yaml file of a tree. A bad file is refused, and the others are loaded.
func Load(fsys fs.FS) (*Set, []Refusal, error) {
	s := &Set{}
	var refusals []Refusal
	seen := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if ext := path.Ext(p); d.IsDir() || ext != ".yaml" && ext != ".yml" {
			return nil
		}
		t, refusal := loadFile(fsys, p)
		if refusal == nil && seen[t.id] != "" {
			refusal = &Refusal{ID: t.id, Reason: "the id is also that of " + seen[t.id]}
		}
		if refusal != nil {
			refusal.Path = p
			refusals = append(refusals, *refusal)
			return nil
		}
		seen[t.id], t.path = p, p
		s.templates = append(s.templates, t)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading templates: %w", err)
	}
	s.shareRequests()
	return s, refusals, nil
}

func loadFile(fsys fs.FS, p string) (*Template, *Refusal) {
	d, err := fs.Stat(fsys, p)
	if err != nil {
		return nil, &Refusal{Reason: "cannot be read"}
	}
	if d.Size() > maxFile {
		return nil, &Refusal{Reason: fmt.Sprintf("larger than %d bytes", maxFile)}
	}
	b, err := fs.ReadFile(fsys, p)
	if err != nil {
		return nil, &Refusal{Reason: "cannot be read"}
	}
	return compile(b, fsys)
}

func compile(b []byte, files fs.FS) (*Template, *Refusal) {
	d, err := parse(b)
	if err != nil {
		return nil, &Refusal{Reason: err.Error()}
	}
	refuse := func(reason string) (*Template, *Refusal) {
		return nil, &Refusal{ID: d.ID, Reason: reason, Kind: d.kind()}
	}
	if d.ID == "" {
		return refuse("no id")
	}
	if reason := d.unsupported(); reason != "" {
		return refuse(reason)
	}
	t, err := d.compile(files)
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), "\n") // the rest points into our own form of an expression
		return refuse(reason)
	}
	t.kind, t.idle = d.kind(), d.idle()
	return t, nil
}

// kind is the first protocol of a document.
func (d *document) kind() string {
	switch {
	case len(d.HTTP) > 0:
		return "http"
	case len(d.TCP) > 0:
		return "network"
	case len(d.DNS) > 0:
		return "dns"
	case len(d.SSL) > 0:
		return "ssl"
	case len(d.File) > 0:
		return "file"
	case len(d.Workflows) > 0:
		return "workflow"
	}
	for _, p := range []struct {
		node yaml.Node
		kind string
	}{
		{d.Code, "code"}, {d.JavaScript, "javascript"}, {d.Headless, "headless"},
		{d.Websocket, "websocket"}, {d.Whois, "whois"},
	} {
		if p.node.Kind != 0 {
			return p.kind
		}
	}
	return ""
}

// unsupported names the first thing asked for that is not run here.
func (d *document) unsupported() string {
	for _, p := range []struct {
		node   yaml.Node
		reason string
	}{
		{d.Code, "runs programs on the scanner (code)"},
		{d.JavaScript, "runs JavaScript on the scanner (javascript)"},
		{d.Headless, "drives a browser (headless)"},
		{d.Websocket, "websocket is not spoken"},
		{d.Whois, "asks a registry outside the scan's plan (whois)"},
	} {
		if p.node.Kind != 0 {
			return p.reason
		}
	}
	if len(d.HTTP)+len(d.TCP)+len(d.DNS)+len(d.SSL)+len(d.File)+len(d.Workflows) == 0 {
		return "has no request"
	}
	return ""
}

func (d *document) compile(files fs.FS) (*Template, error) {
	t := &Template{id: d.ID, info: d.Info}
	for _, n := range []*yaml.Node{&d.Constants, &d.Variables} {
		for _, p := range pairs(n) {
			value, err := dsl.CompileText(p.value.Value)
			if err != nil {
				return nil, fmt.Errorf("variable %s: %w", p.key, err)
			}
			t.variables = append(t.variables, variable{p.key, value})
		}
	}
	if err := d.compileBlocks(t, files); err != nil {
		return nil, err
	}
	if d.Flow != "" {
		f, err := compileFlow(d.Flow, t.blocks)
		if err != nil {
			return nil, err
		}
		t.flow = f
	}
	classify(t)
	return t, nil
}

func (d *document) compileBlocks(t *Template, files fs.FS) error {
	var failed error
	add := func(b block, err error) {
		if err != nil && failed == nil {
			failed = err
		}
		t.blocks = append(t.blocks, b)
	}
	for i := range d.DNS {
		add(compileDNS(&d.DNS[i]))
	}
	for i := range d.TCP {
		add(compileTCP(&d.TCP[i], t, files))
	}
	for i := range d.SSL {
		add(compileSSL(&d.SSL[i]))
	}
	for i := range d.HTTP {
		add(compileHTTP(&d.HTTP[i], files))
	}
	for i := range d.File {
		if _, err := compileRules(d.File[i]); err != nil && failed == nil {
			failed = err
		}
	}
	if failed == nil {
		failed = d.Workflows.check(files)
	}
	return failed
}

func (s *Set) shareRequests() {
	counts := map[string]int{}
	for _, t := range s.templates {
		for _, b := range t.blocks {
			if h, ok := b.(*httpRequests); ok {
				for _, k := range h.keys() {
					counts[k]++
				}
			}
		}
	}
	s.shared = map[string]bool{}
	for k, n := range counts {
		if n > 1 {
			s.shared[k] = true
		}
	}
}

// Len is the number of templates.
func (s *Set) Len() int { return len(s.templates) }

// Version of the collection; empty where it has none.
func (s *Set) Version() string { return s.version }

// Named gives a freshly loaded set and its templates the version that findings tell.
func (s *Set) Named(version string) *Set {
	s.version = version
	for _, t := range s.templates {
		t.version = version
	}
	return s
}

// All are the templates, in the order of their paths.
func (s *Set) All() []*Template { return slices.Clone(s.templates) }

// Only is a set of one template.
func (s *Set) Only(t *Template) *Set { return &Set{templates: []*Template{t}} }

// Running is the number of templates that are not idle, with a collaborator or without.
func (s *Set) Running(collaborator bool) int {
	n := 0
	for _, t := range s.templates {
		if t.idle == "" || collaborator && t.OutOfBand() {
			n++
		}
	}
	return n
}

// Merge is a set of this one's templates and those of others whose ids are new.
func (s *Set) Merge(others ...*Set) *Set {
	all := &Set{templates: slices.Clone(s.templates)}
	ids := map[string]bool{}
	for _, t := range s.templates {
		ids[t.id] = true
	}
	for _, o := range others {
		for _, t := range o.templates {
			if !ids[t.id] {
				ids[t.id] = true
				all.templates = append(all.templates, t)
			}
		}
	}
	all.shareRequests()
	return all
}

// Classes are the classes that the set's findings can have, sorted.
func (s *Set) Classes() []string {
	var all []string
	for _, t := range s.templates {
		if t.class != "" {
			all = append(all, t.class)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Options of one run.
type Options struct {
	Active      bool              // also run templates that attack, log in or write
	Detections  bool              // also run templates that only detect software
	Variables   map[string]string // what templates expect their user to give, such as an account
	Deadline    time.Time         // when set, the run ends then with what it has
	MaxRequests int               // HTTP requests to the target in all; 0 is no bound
	Timeout     time.Duration     // of one request; 0 takes ten seconds
	Parallel    int               // templates at once; 0 takes six
	Callbacks   *Callbacks        // what waits to be heard of by the collaborator; nil: there is none
}

func withDeadline(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	if at.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, at)
}
