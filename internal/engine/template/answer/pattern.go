package answer

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// sample is a text that a regular expression matches. group, where not empty, is what the group of that number holds.
func sample(pattern string, number int, group string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	check, err := regexp.Compile(pattern)
	if err != nil {
		return "", false
	}
	for try := range 4 { // how often what may be repeated is repeated beyond the least
		few := try
		if number > 0 {
			few = (try + 1) % 4 // a group that is asked for should hold something
		}
		s := sampler{few: few, number: number, group: group}
		s.write(re)
		for _, text := range []string{s.b.String(), s.b.String() + "\n", " " + s.b.String() + " "} {
			if check.MatchString(text) {
				return text, true
			}
		}
	}
	return "", false
}

type sampler struct {
	b      strings.Builder
	few    int
	number int
	group  string
}

func (s *sampler) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		s.b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		s.b.WriteRune(oneOf(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		s.b.WriteByte('x')
	case syntax.OpCapture:
		if re.Cap == s.number && s.group != "" {
			s.b.WriteString(s.group)
			return
		}
		s.write(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		s.times(re.Sub[0], min(s.few, 1+s.few*int(boolean(re.Op == syntax.OpStar))))
	case syntax.OpPlus:
		s.times(re.Sub[0], 1+s.few)
	case syntax.OpRepeat:
		n := re.Min
		if re.Max < 0 || re.Min+s.few <= re.Max {
			n += s.few
		}
		s.times(re.Sub[0], min(n, 5000))
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			s.write(sub)
		}
	case syntax.OpAlternate:
		s.write(re.Sub[min(s.few, len(re.Sub)-1)])
	}
}

func boolean(b bool) int8 {
	if b {
		return 1
	}
	return 0
}

func (s *sampler) times(re *syntax.Regexp, n int) {
	for range n {
		s.write(re)
	}
}

// oneOf is a plain member of a class: a letter or digit where it has one.
func oneOf(ranges []rune) rune {
	for _, want := range "a1A7fx-_/. :;\"'" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if want >= ranges[i] && want <= ranges[i+1] {
				return want
			}
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
