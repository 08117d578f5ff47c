package answer

import (
	"regexp"
	"strconv"
	"strings"
)

// opinion of a block's answers: does one of them match? It reads the matchers once more and does not trust the way the
// answers were made.
func (b *block) opinion(all []Answer, env values) bool {
	for i := range all {
		v := b.names(all[:i+1], env)
		if len(b.Matchers) == 0 {
			if b.takes(v) {
				return true
			}
			continue
		}
		if b.matches(v) {
			return true
		}
	}
	return false
}

func (b *block) matches(v values) bool {
	for _, m := range b.Matchers {
		if m.holds(v) != (b.Condition == "and") {
			return b.Condition != "and"
		}
	}
	return b.Condition == "and"
}

func (m *matcher) holds(v values) bool {
	got, ok := v(partName(m.Part))
	if m.Type == "status" {
		got, ok = v("status_code")
	}
	if m.Type == "dsl" {
		got, ok = "", true
	}
	if !ok {
		return false
	}
	hay := text(got)
	items, test := m.items(hay, v)
	holds := m.Condition == "and"
	for _, item := range items {
		if test(item) != (m.Condition == "and") {
			holds = m.Condition != "and"
			break
		}
	}
	return len(items) > 0 && holds != m.Negative
}

func (m *matcher) items(hay string, v values) (list, func(string) bool) {
	switch m.Type {
	case "status":
		return numbers(m.Status), func(s string) bool { return s == hay }
	case "size":
		return numbers(m.Size), func(s string) bool { return s == strconv.Itoa(len(hay)) }
	case "word":
		return m.Words, func(s string) bool {
			s, err := fill(m.word(s), v)
			if m.Fold {
				return err == nil && strings.Contains(strings.ToLower(hay), strings.ToLower(s))
			}
			return err == nil && strings.Contains(hay, s)
		}
	case "binary":
		return m.Binary, func(s string) bool {
			m := matcher{Encoding: "hex"}
			return strings.Contains(hay, m.word(s))
		}
	case "regex":
		return m.Regex, func(s string) bool {
			re, err := regexp.Compile(s)
			return err == nil && re.MatchString(hay)
		}
	case "dsl":
		return m.DSL, func(s string) bool {
			n, err := parseExpression(s)
			if err != nil {
				return false
			}
			got, err := n.eval(v)
			return err == nil && got == true
		}
	}
	return nil, nil
}

func numbers(all []int) list {
	var l list
	for _, n := range all {
		l = append(l, strconv.Itoa(n))
	}
	return l
}

func partName(p string) string {
	if p == "" {
		return "body"
	}
	return p
}

// takes says whether an extractor that is not internal takes something.
func (b *block) takes(v values) bool {
	for _, e := range b.Extractors {
		if _, ok := e.take(v); ok && !e.Internal {
			return true
		}
	}
	return false
}

func (e *extractor) take(v values) (string, bool) {
	got, ok := v(partName(e.Part))
	switch {
	case e.Type == "kval" && len(e.KVal) > 0:
		got, ok = v(e.KVal[0])
		return text(got), ok
	case !ok:
		return "", false
	case e.Type == "json":
		return "kept", strings.Contains(text(got), `"kept"`)
	case e.Type != "regex":
		return "", false
	}
	for _, r := range e.Regex {
		re, err := regexp.Compile(r)
		if err != nil {
			continue
		}
		if m := re.FindStringSubmatch(text(got)); m != nil && e.Group < len(m) && m[e.Group] != "" {
			return m[e.Group], true
		}
	}
	return "", false
}

// names of what a block's conditions may read after its last answer so far.
func (b *block) names(all []Answer, env values) values {
	return func(name string) (any, bool) {
		if v, ok := env(name); ok {
			return v, true
		}
		for _, e := range b.Extractors {
			if e.Name == name {
				for i := len(all); i > 0; i-- {
					if v, ok := e.take(partsOf(all[i-1], env)); ok {
						return v, true
					}
				}
			}
		}
		if v, ok := partsOf(all[len(all)-1], env)(name); ok {
			return v, true
		}
		if part, i := partIndex(name); i > 0 && i <= len(all) {
			return partsOf(all[i-1], env)(part)
		}
		return nil, false
	}
}

func partsOf(a Answer, env values) values {
	render := func(s string) string {
		out, err := fill(s, env)
		if err != nil {
			return s
		}
		return out
	}
	return func(name string) (any, bool) {
		switch name {
		case "status_code":
			return float64(a.Status), true
		case "body", "data", "answer", "ns", "extra":
			return render(a.Body), true
		case "header", "all_headers":
			return render(a.head()), true
		case "raw", "all", "response":
			return render(a.head() + "\r\n" + a.Body), true
		case "duration":
			return a.Delay.Seconds(), true
		case "interactsh_protocol", "interactsh_request":
			return a.Call.told(name)
		case "content_length":
			return float64(len(a.Body)), true
		}
		for _, f := range a.Fields {
			key, v, _ := strings.Cut(f, ":")
			if strings.EqualFold(strings.ReplaceAll(key, "-", "_"), strings.ReplaceAll(name, "-", "_")) {
				return render(strings.TrimSpace(v)), true
			}
		}
		return "", strings.Contains(" content_type location server set_cookie ", " "+name+" ")
	}
}
