package dsl

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

const maxOutput = 4 << 20 // bytes of any one value

var (
	errArguments = errors.New("wrong arguments")
	errTooLarge  = errors.New("result too large")
)

type function struct {
	min, max int // number of arguments; max -1: any number
	call     func(a args) (any, error)
}

// args are the arguments of one call, read with conversion.
type args []any

func (a args) text(i int) string {
	if i >= len(a) {
		return ""
	}
	return Text(a[i])
}

func (a args) integer(i, fallback int) int {
	if i >= len(a) {
		return fallback
	}
	f, ok := number(a[i])
	if !ok || math.IsNaN(f) || f > 1e15 || f < -1e15 {
		return fallback
	}
	return int(f)
}

func (a args) flag(i int) bool {
	if i >= len(a) {
		return false
	}
	b, _ := a[i].(bool)
	return b
}

// Text is the text of a value.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []string:
		return strings.Join(v, "\n")
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			texts[i] = Text(e)
		}
		return strings.Join(texts, "\n")
	}
	return fmt.Sprint(v)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

// list is the elements of a value: a list's, or a text's only one.
func list(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		all := make([]string, len(v))
		for i, e := range v {
			all[i] = Text(e)
		}
		return all
	}
	return []string{Text(v)}
}

// tidy makes a number an int where it is whole.
func tidy(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return int(f)
	}
	return f
}

func guard(name string, f *function) func(...any) (any, error) {
	return func(a ...any) (any, error) {
		if len(a) < f.min || f.max >= 0 && len(a) > f.max {
			return nil, fmt.Errorf("%w: %s", errArguments, name)
		}
		total := 0
		for _, v := range a {
			if s, ok := v.(string); ok {
				total += len(s)
			}
		}
		if total > 4*maxOutput {
			return nil, fmt.Errorf("%w: %s", errTooLarge, name)
		}
		v, err := f.call(a)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if s, ok := v.(string); ok && len(s) > maxOutput {
			return nil, fmt.Errorf("%w: %s", errTooLarge, name)
		}
		return v, nil
	}
}

func arithmetic(f func(a, b float64) float64) func(...any) (any, error) {
	return func(a ...any) (any, error) {
		x, okX := number(a[0])
		y, okY := number(a[1])
		if !okX || !okY {
			return nil, errArguments
		}
		r := f(x, y)
		if math.IsNaN(r) || math.IsInf(r, 0) {
			return nil, errArguments
		}
		return tidy(r), nil
	}
}

func compare(f func(a, b float64) bool) func(...any) (any, error) {
	return func(a ...any) (any, error) {
		x, okX := number(a[0])
		y, okY := number(a[1])
		if !okX || !okY {
			return nil, errArguments
		}
		return f(x, y), nil
	}
}

func equal(a, b any) bool {
	_, textA := a.(string)
	_, textB := b.(string)
	if textA && textB {
		return a == b
	}
	x, okX := number(a)
	y, okY := number(b)
	if okX && okY {
		return x == y
	}
	return Text(a) == Text(b)
}

func add(a ...any) (any, error) {
	_, textA := a[0].(string)
	_, textB := a[1].(string)
	x, okX := number(a[0])
	y, okY := number(a[1])
	if okX && okY && !textA && !textB {
		return tidy(x + y), nil
	}
	s, t := Text(a[0]), Text(a[1])
	if len(s)+len(t) > maxOutput {
		return nil, errTooLarge
	}
	return s + t, nil
}

var operators = map[string]func(...any) (any, error){
	"add": add,
	"sub": arithmetic(func(a, b float64) float64 { return a - b }),
	"mul": arithmetic(func(a, b float64) float64 { return a * b }),
	"div": arithmetic(func(a, b float64) float64 { return a / b }),
	"mod": arithmetic(math.Mod),
	"lt":  compare(func(a, b float64) bool { return a < b }),
	"le":  compare(func(a, b float64) bool { return a <= b }),
	"gt":  compare(func(a, b float64) bool { return a > b }),
	"ge":  compare(func(a, b float64) bool { return a >= b }),
	"eq":  func(a ...any) (any, error) { return equal(a[0], a[1]), nil },
	"ne":  func(a ...any) (any, error) { return !equal(a[0], a[1]), nil },
	"in": func(a ...any) (any, error) {
		for _, v := range list(a[1]) {
			if equal(a[0], v) {
				return true, nil
			}
		}
		return false, nil
	},
	"matches": func(a ...any) (any, error) {
		re, err := pattern(Text(a[1]))
		if err != nil {
			return nil, err
		}
		return re.MatchString(Text(a[0])), nil
	},
}

var (
	patternLock sync.Mutex
	patterns    = map[string]*regexp.Regexp{}
)

const maxPatterns = 2000

// pattern compiles a regular expression (RE2, so linear in the text) and remembers the latest ones.
func pattern(text string) (*regexp.Regexp, error) {
	if len(text) > maxExpression {
		return nil, errTooLarge
	}
	patternLock.Lock()
	defer patternLock.Unlock()
	if re, ok := patterns[text]; ok {
		return re, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	if len(patterns) >= maxPatterns {
		clear(patterns)
	}
	patterns[text] = re
	return re, nil
}

// Pattern compiles a regular expression, remembering the latest ones. Its length is bounded.
func Pattern(text string) (*regexp.Regexp, error) { return pattern(text) }
