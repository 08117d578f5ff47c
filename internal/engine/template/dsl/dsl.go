// Package dsl is the expression language of templates: conditions over an answer and the {{…}} markers in requests. An
// expression is rewritten and compiled once with expr; running one is pure, bounded in memory, and safe for concurrent
// use, whatever a target puts into its variables.
package dsl

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// ErrUndefined is returned when an expression needs a variable that has no value.
var ErrUndefined = errors.New("undefined variable")

// ErrFunction is returned for an expression that calls a function which the language does not have here.
var ErrFunction = errors.New("unknown function")

// Vars are the variables of an expression. Values are string, int, float64, bool or []string.
type Vars interface {
	// Lookup gives the value of a name, and whether it has one.
	Lookup(name string) (any, bool)
}

// Map is the plain form of Vars.
type Map map[string]any

// Lookup implements Vars.
func (m Map) Lookup(name string) (any, bool) {
	v, ok := m[name]
	return v, ok
}

// Expression is a compiled expression.
type Expression struct {
	program   *vm.Program
	names     []string
	functions []string
}

var cache sync.Map // text to *Expression; bounded by what templates hold

// Compile returns the expression of a text, compiled at most once a process.
func Compile(text string) (*Expression, error) {
	if e, ok := cache.Load(text); ok {
		return e.(*Expression), nil
	}
	e, err := compile(text)
	if err != nil {
		return nil, err
	}
	actual, _ := cache.LoadOrStore(text, e)
	return actual.(*Expression), nil
}

func compile(text string) (*Expression, error) {
	t, err := translate(text)
	if err != nil {
		return nil, err
	}
	for _, f := range t.functions {
		if functions[f] == nil {
			return nil, fmt.Errorf("%w: %s", ErrFunction, f)
		}
	}
	program, err := expr.Compile(t.text, options()...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errExpression, err)
	}
	slices.Sort(t.names)
	return &Expression{program: program, names: slices.Compact(t.names), functions: t.functions}, nil
}

var options = sync.OnceValue(func() []expr.Option {
	all := []expr.Option{
		expr.Env(map[string]any{"lookup": lookupFunc(nil)}),
		expr.DisableAllBuiltins(), expr.MaxNodes(5000), expr.Optimize(false),
		expr.Patch(lenient{}),
	}
	for name, f := range functions {
		all = append(all, expr.Function("f_"+name, guard(name, f)))
	}
	for name, f := range operators {
		all = append(all, expr.Function("op_"+name, f))
	}
	return all
})

type lookupFunc = func(...any) (any, error)

// Names are the variables that the expression reads.
func (e *Expression) Names() []string { return e.names }

// Pure says that the expression neither calls a function nor reads a variable.
func (e *Expression) Pure() bool { return len(e.names) == 0 && len(e.functions) == 0 }

// Eval computes the expression. ErrUndefined when it reaches a variable without a value.
func (e *Expression) Eval(vars Vars) (any, error) {
	lookup := func(args ...any) (any, error) {
		name, _ := args[0].(string)
		v, ok := vars.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("%w: %s", ErrUndefined, name)
		}
		return v, nil
	}
	machine := vm.VM{MemoryBudget: 1 << 20}
	return machine.Run(e.program, map[string]any{"lookup": lookup})
}

// True says whether the expression holds; an error is no match.
func (e *Expression) True(vars Vars) bool {
	v, err := e.Eval(vars)
	if err != nil {
		return false
	}
	b, _ := v.(bool)
	return b
}

// lenient replaces the operators of expr by ours, which convert between text and numbers as templates expect.
type lenient struct{}

func (lenient) Visit(node *ast.Node) {
	b, ok := (*node).(*ast.BinaryNode)
	if !ok {
		return
	}
	name, ok := map[string]string{
		"+": "add", "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "matches": "matches", "in": "in",
		"and": "", "&&": "", "or": "", "||": "", "-": "sub", "*": "mul", "/": "div", "%": "mod",
	}[b.Operator]
	if !ok || name == "" {
		return
	}
	ast.Patch(node, &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: "op_" + name},
		Arguments: []ast.Node{b.Left, b.Right},
	})
}
