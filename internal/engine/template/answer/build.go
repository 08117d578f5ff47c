package answer

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Answer is what is served. Its texts may hold markers that are filled with what the request said.
type Answer struct {
	Status int
	Fields []string // name: value
	Body   string
	Delay  time.Duration
	Call   *Call // what the target does besides; nil: nothing
}

// needed says whether the block's own conditions or later requests read a name.
func (b *block) extracted() []element {
	var all []element
	for _, e := range b.Extractors {
		es, err := e.elements("")
		if err == nil {
			all = append(all, es...)
		}
	}
	return all
}

// elements that make an extractor take something, and the wanted value where it is not empty.
func (e *extractor) elements(want string) ([]element, error) {
	part, index := partIndex(e.Part)
	one := element{part: part, index: index}
	var ok bool
	switch e.Type {
	case "regex":
		for _, r := range e.Regex {
			if one.text, ok = sample(r, e.Group, want); ok {
				one.place = placeOf("regex", r)
				return []element{one}, nil
			}
		}
	case "kval":
		for _, name := range e.KVal {
			return []element{{part: "header", text: strings.ReplaceAll(name, "_", "-") + ": " + cmp.Or(want, "kept")}}, nil
		}
	case "json":
		for _, q := range e.JSON {
			if one.text, ok = jsonFor(q, cmp.Or(want, "kept")); ok {
				one.place = "alone"
				return []element{one}, nil
			}
		}
	}
	return nil, unmade("extractor %s", e.Type)
}

var jsonStep = regexp.MustCompile(`^(?:\.?\["?([\w-]*)"?\]|\.([\w-]+))\??`)

// jsonFor is a document in which a plain path leads to the value.
func jsonFor(query, value string) (string, bool) {
	query = strings.TrimSpace(query)
	var steps []string
	for query != "" && query != "." {
		m := jsonStep.FindStringSubmatch(query)
		if m == nil {
			return "", false
		}
		steps = append(steps, cmp.Or(m[2], m[1]))
		query = query[len(m[0]):]
	}
	var doc any = value
	for _, s := range slices.Backward(steps) {
		if s == "" || strings.Trim(s, "0123456789") == "" {
			doc = []any{doc}
		} else {
			doc = map[string]any{s: doc}
		}
	}
	b, err := json.Marshal(doc)
	return string(b), err == nil
}

// answers builds the answers of a block's n requests from its elements.
func answers(elements []element, n int) []Answer {
	all := make([]Answer, n)
	for i := range all {
		all[i] = one(elements, i+1)
	}
	return all
}

func one(elements []element, index int) Answer {
	a := Answer{Status: 200}
	var first, middle, last []string
	for _, e := range elements {
		if e.index != 0 && e.index != index {
			continue
		}
		switch e.part {
		case status:
			a.Status = e.number
		case delay:
			a.Delay = time.Duration(e.number) * time.Second
		case "body", "raw", "answer", "ns", "extra", size, least:
			switch e.place {
			case "first", "alone":
				first = append(first, e.text)
			case "last":
				last = append(last, e.text)
			default:
				middle = append(middle, e.text)
			}
		case "interactsh_protocol":
			a.calls().Protocol = e.text
		case "interactsh_request":
			a.calls().Says = append(a.calls().Says, e.text)
		case "title":
			middle = append(middle, "<title>"+e.text+"</title>")
		case "header":
			a.Fields = append(a.Fields, fieldFor(e.text, a.Fields)...)
		default:
			if !strings.HasPrefix(e.part, value) {
				a.Fields = append(a.Fields, fieldFor(strings.ReplaceAll(e.part, "_", "-")+": "+e.text, a.Fields)...)
			}
		}
	}
	texts := slices.Concat(first, middle, last)
	a.Body = strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n")
	for _, e := range elements {
		if (e.part == size || e.part == least) && (e.index == 0 || e.index == index) && len(a.Body) < e.number {
			a.Body += strings.Repeat("-", e.number-len(a.Body))
		}
	}
	return a
}

func (a *Answer) calls() *Call {
	if a.Call == nil {
		a.Call = &Call{}
	}
	return a.Call
}

var (
	fieldForm = regexp.MustCompile(`^([A-Za-z][\w-]*: |(?i:location|server|content-type|set-cookie):)`)
	mediaType = regexp.MustCompile(`^[a-z]+/[\w.+-]+`)
)

// fieldFor turns a text that the head must hold into fields.
func fieldFor(text string, have []string) []string {
	var all []string
	for line := range strings.SplitSeq(strings.Trim(text, "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		known := slices.ContainsFunc(have, func(f string) bool { return strings.HasPrefix(f, "Content-Type:") })
		switch {
		case line == "":
		case fieldForm.MatchString(line):
			all = append(all, line)
		case mediaType.MatchString(line) && !known:
			all = append(all, "Content-Type: "+line)
		default:
			all = append(all, "X-Answer: "+line)
		}
	}
	return all
}

// head is what a reader sees of the answer's head.
func (a *Answer) head() string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + statusLine(a.Status) + "\r\n")
	for _, f := range a.Fields {
		b.WriteString(f + "\r\n")
	}
	return b.String()
}
