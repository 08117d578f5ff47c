package template

import (
	"errors"
	"fmt"
	"regexp"
	"runtime/metrics"
	"time"

	"github.com/dop251/goja"

	"github.com/vedette/vedette/internal/engine/template/dsl"
)

// Bounds of a flow that is a script. It runs in an interpreter that knows nothing of the machine: no files, no network,
// no clock; it may run the template's own blocks, and set their variables.
const (
	maxScript    = 32 << 10
	maxBlockRuns = 100
	scriptTime   = 2 * time.Second // of the script alone
	scriptMemory = 96 << 20        // that the process may grow by meanwhile
	watchEvery   = 10 * time.Millisecond
	maxScripted  = 64 << 10 // length of texts and lists that built-in functions may make
)

var errScript = errors.New("its flow is a script that is not understood")

// unbounded are patterns for which regular expressions would need backtracking.
var unbounded = regexp.MustCompile(`\(\?<?[=!]|\\[1-9]|\\k<`)

func compileScript(text string) (*goja.Program, error) {
	if len(text) > maxScript || unbounded.MatchString(text) {
		return nil, fmt.Errorf("%w: it is too long, or its patterns are unbounded", errScript)
	}
	p, err := goja.Compile("flow", "(function(){"+text+"\n})()", false)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errScript, line(err.Error(), 200))
	}
	return p, nil
}

// scripted is one run of a script.
type scripted struct {
	flowRun
	vm    *goja.Runtime
	runs  int
	alone chan bool // true: the script runs; false: a block does
}

func (f *flow) runScript(x *execution, blocks []block) []hit {
	s := &scripted{flowRun: flowRun{x: x, blocks: blocks}, vm: goja.New(), alone: make(chan bool)}
	s.vm.SetMaxCallStackSize(200)
	if s.prepare() != nil {
		return nil
	}
	done := make(chan struct{})
	go s.watch(done)
	_, _ = s.vm.RunProgram(f.script) // what a broken script found until then counts
	close(done)
	return s.hits
}

// watch ends the script when its time or memory is spent, or the scan is stopped.
func (s *scripted) watch(done <-chan struct{}) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	start := heap[0].Value.Uint64()
	spent, alone := time.Duration(0), true
	for {
		select {
		case <-done:
			return
		case <-s.x.ctx.Done():
			s.vm.Interrupt("stopped")
			return
		case alone = <-s.alone:
			metrics.Read(heap)
			start = heap[0].Value.Uint64()
		case <-tick.C:
			if !alone {
				continue
			}
			metrics.Read(heap)
			if spent += watchEvery; spent > scriptTime || heap[0].Value.Uint64() > start+scriptMemory {
				s.vm.Interrupt("bounds")
				return
			}
		}
	}
}

// prelude bounds built-in functions that make long texts from short ones.
const prelude = `(function(most, P) {
	for (const name of ["repeat", "padStart", "padEnd"]) {
		const plain = P[name];
		P[name] = function(n, fill) {
			if ((name === "repeat" ? this.length * n : n) > most) throw new RangeError("too long");
			return fill === undefined ? plain.call(this, n) : plain.call(this, n, fill);
		};
	}
	const join = Array.prototype.join;
	Array.prototype.join = function(by) { if (this.length > most) throw new RangeError("too long"); return join.call(this, by); };
	for (const name of ["ArrayBuffer", "SharedArrayBuffer", "Proxy", "Reflect", "Promise"]) delete globalThis[name];
})`

func (s *scripted) prepare() error {
	v, err := s.vm.RunString(prelude)
	if err != nil {
		return err
	}
	bound, ok := goja.AssertFunction(v)
	if !ok {
		return errScript
	}
	text := s.vm.Get("String").ToObject(s.vm).Get("prototype")
	if _, err := bound(goja.Undefined(), s.vm.ToValue(maxScripted), text); err != nil {
		return err
	}
	var failed error
	set := func(name string, v any) {
		if err := s.vm.Set(name, v); err != nil {
			failed = err
		}
	}
	for _, protocol := range []string{"http", "tcp", "network", "dns", "ssl"} {
		set(protocol, s.blocksOf(protocol))
	}
	set("set", func(name string, v goja.Value) { s.x.scope.variables[name] = exported(v.Export()) })
	set("log", func(...goja.Value) {})
	set("iterate", s.iterate)
	set("template", s.vm.NewDynamicObject(&values{s}))
	return failed
}

// exported is a script's value as one of the template language.
func exported(v any) any {
	switch v := v.(type) {
	case int64:
		return int(v)
	case float64, bool, string:
		return v
	case []any:
		all := make([]string, 0, min(len(v), maxExtracted))
		for _, e := range v[:min(len(v), maxExtracted)] {
			all = append(all, dsl.Text(exported(e)))
		}
		return all
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// blocksOf runs the blocks that a call names: by number, by id, or all of the protocol.
func (s *scripted) blocksOf(protocol string) func(...goja.Value) bool {
	if protocol == "network" {
		protocol = "tcp"
	}
	return func(args ...goja.Value) bool {
		var own []int
		for i, b := range s.blocks {
			if b.protocol() == protocol {
				own = append(own, i)
			}
		}
		if len(args) > 0 {
			own = s.named(own, args[0])
		}
		if s.runs += len(own); s.runs > maxBlockRuns || s.x.stopped() {
			s.vm.Interrupt("bounds")
			return false
		}
		s.alone <- false
		defer func() { s.alone <- true }()
		return s.runBlocks(own)
	}
}

func (s *scripted) named(own []int, arg goja.Value) []int {
	if n, ok := arg.Export().(int64); ok && n >= 1 && int(n) <= len(own) {
		return own[n-1 : n]
	}
	for _, i := range own {
		if h, ok := s.blocks[i].(*httpRequests); ok && h.id != "" && h.id == arg.String() {
			return []int{i}
		}
	}
	return nil
}

// iterate is one list of its arguments and of what the lists among them hold.
func (s *scripted) iterate(args ...goja.Value) []any {
	all := []any{}
	for _, a := range args {
		switch v := a.Export().(type) {
		case nil:
		case []any:
			all = append(all, v...)
		case []string:
			for _, e := range v {
				all = append(all, e)
			}
		default:
			all = append(all, v)
		}
	}
	return all
}

// values is the object template of a script: what was extracted and set, and what answers held.
type values struct{ s *scripted }

func (v *values) lookup(name string) (any, bool) {
	scope := v.s.x.scope
	if all := scope.lists[name]; len(all) > 1 {
		return all, true
	}
	return scope.Lookup(name)
}

func (v *values) Get(key string) goja.Value {
	got, ok := v.lookup(key)
	if !ok {
		return nil // its prototype may have it
	}
	if all, ok := got.([]string); ok {
		items := make([]any, len(all))
		for i, e := range all {
			items[i] = e
		}
		return v.s.vm.NewArray(items...)
	}
	return v.s.vm.ToValue(got)
}

func (v *values) Set(key string, value goja.Value) bool {
	v.s.x.scope.variables[key] = exported(value.Export())
	return true
}

func (v *values) Has(key string) bool {
	_, ok := v.lookup(key)
	return ok
}

func (v *values) Delete(key string) bool {
	delete(v.s.x.scope.variables, key)
	return true
}

func (v *values) Keys() []string { return nil }
