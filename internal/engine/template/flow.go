package template

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// flow is the order in which a template's blocks run: conditions such as http(1) && (http(2) || http(3)), one or
// several of them in a row, which are read here; or a script, as with loops, which an interpreter runs (script.go).
type flow struct {
	steps  []flowNode
	script *goja.Program
}

// flowNode runs blocks and says whether its condition holds.
type flowNode func(x *flowRun) bool

type flowRun struct {
	x      *execution
	blocks []block
	hits   []hit
}

func (f *flow) run(x *execution, blocks []block) []hit {
	if f.script != nil {
		return f.runScript(x, blocks)
	}
	r := &flowRun{x: x, blocks: blocks}
	var hits []hit
	for _, step := range f.steps {
		r.hits = nil
		if step(r) {
			hits = append(hits, r.hits...)
		}
	}
	return hits
}

type flowParser struct {
	in     string
	blocks []block
	depth  int
}

func compileFlow(text string, blocks []block) (*flow, error) {
	if f, err := compileConditions(text, blocks); err == nil {
		return f, nil
	}
	script, err := compileScript(text)
	return &flow{script: script}, err
}

func compileConditions(text string, blocks []block) (*flow, error) {
	p := &flowParser{in: text, blocks: blocks}
	f := &flow{}
	for {
		p.in = strings.TrimLeft(p.in, " \t\r\n;")
		if p.in == "" {
			break
		}
		if len(f.steps) > 50 {
			return nil, p.fail()
		}
		step, err := p.or()
		if err != nil {
			return nil, err
		}
		f.steps = append(f.steps, step)
	}
	if len(f.steps) == 0 {
		return nil, p.fail()
	}
	return f, nil
}

var errConditions = errors.New("more than conditions over blocks")

func (p *flowParser) fail() error {
	return errConditions
}

func (p *flowParser) skip() { p.in = strings.TrimLeft(p.in, " \t\r\n") }

func (p *flowParser) take(token string) bool {
	p.skip()
	rest, ok := strings.CutPrefix(p.in, token)
	p.in = rest
	return ok
}

func (p *flowParser) or() (flowNode, error) {
	left, err := p.and()
	for err == nil && p.take("||") {
		var right flowNode
		first := left
		if right, err = p.and(); err == nil {
			left = func(x *flowRun) bool { return first(x) || right(x) }
		}
	}
	return left, err
}

func (p *flowParser) and() (flowNode, error) {
	left, err := p.unary()
	for err == nil && p.take("&&") {
		var right flowNode
		first := left
		if right, err = p.unary(); err == nil {
			left = func(x *flowRun) bool { return first(x) && right(x) }
		}
	}
	return left, err
}

func (p *flowParser) unary() (flowNode, error) {
	if p.depth++; p.depth > 200 {
		return nil, p.fail()
	}
	switch {
	case p.take("!"):
		inner, err := p.unary()
		if err != nil {
			return nil, err
		}
		return func(x *flowRun) bool { return !inner(x) }, nil
	case p.take("("):
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = p.fail()
		}
		return inner, err
	}
	return p.conditional()
}

// conditional reads if (condition) { steps }, or a call.
func (p *flowParser) conditional() (flowNode, error) {
	rest, ok := strings.CutPrefix(p.in, "if")
	if !ok || !strings.HasPrefix(strings.TrimLeft(rest, " "), "(") {
		return p.call()
	}
	p.in = rest
	p.take("(")
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take(")") || !p.take("{") {
		return nil, p.fail()
	}
	var steps []flowNode
	for !p.take("}") {
		step, err := p.or()
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
		p.take(";")
	}
	return func(x *flowRun) bool {
		if !condition(x) {
			return false
		}
		any := false
		for _, s := range steps {
			any = s(x) || any
		}
		return any
	}, nil
}

// call reads http(2), http() or http("id"): one block of a protocol, or all of them.
func (p *flowParser) call() (flowNode, error) {
	open := strings.IndexByte(p.in, '(')
	end := strings.IndexByte(p.in, ')')
	if open < 0 || end < open {
		return nil, p.fail()
	}
	protocol, argument := strings.TrimSpace(p.in[:open]), strings.TrimSpace(p.in[open+1:end])
	if protocol == "network" {
		protocol = "tcp"
	}
	var own []int
	for i, b := range p.blocks {
		if b != nil && b.protocol() == protocol {
			own = append(own, i)
		}
	}
	if argument != "" {
		n, err := strconv.Atoi(argument)
		if err != nil || n < 1 || n > len(own) {
			return nil, p.fail()
		}
		own = own[n-1 : n]
	}
	if len(own) == 0 {
		return nil, p.fail()
	}
	p.in = p.in[end+1:]
	return func(x *flowRun) bool { return x.runBlocks(own) }, nil
}

func (r *flowRun) runBlocks(own []int) bool {
	matched := false
	for _, i := range own {
		res := r.x.block(r.blocks[i])
		matched = matched || res.matched || res.ran && silent(r.blocks[i])
		r.hits = append(r.hits, res.hits...)
	}
	return matched
}

// silent says that a block has no conditions of its own: it only prepares, as a login before the request proper.
func silent(b block) bool {
	h, ok := b.(*httpRequests)
	return ok && len(h.matchers) == 0 && len(h.extractors) == 0
}
