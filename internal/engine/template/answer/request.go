package answer

import (
	"regexp"
	"slices"
	"strings"
)

// Request is what a request of the template looks like, with the markers in it as groups.
type Request struct {
	Method string // empty: any
	Target *regexp.Regexp
	lines  []*regexp.Regexp // of fields and body, to read values from
}

var (
	plainForm = regexp.MustCompile(`\{\{\s*([A-Za-z_]\w*)\s*\}\}`)
)

// plainMarkers are the markers of a text that are plain names.
func plainMarkers(s string) []string {
	var all []string
	for _, m := range plainForm.FindAllStringSubmatch(s, -1) {
		all = append(all, m[1])
	}
	return all
}

// markers finds the places of a text's markers, the outer ones of those that are nested.
func markers(s string) [][2]int {
	var all [][2]int
	depth, start := 0, 0
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i:i+2] == "{{":
			if depth == 0 {
				start = i
			}
			depth++
			i++
		case s[i:i+2] == "}}" && depth > 0:
			if depth--; depth == 0 {
				all = append(all, [2]int{start, i + 2})
			}
			i++
		}
	}
	return all
}

// shape turns a text with markers into a pattern. Blanks may have been escaped on the way.
func shape(s string) string {
	var b strings.Builder
	last := 0
	seen := map[string]bool{}
	for _, at := range markers(s) {
		b.WriteString(quote(s[last:at[0]]))
		name := plainForm.FindStringSubmatch(s[at[0]:at[1]])
		if len(name) > 0 && name[0] != s[at[0]:at[1]] {
			name = nil
		}
		if len(name) > 0 {
			name = name[1:]
		}
		switch {
		case len(name) == 1 && !targetName(name[0]) && !seen[name[0]]:
			seen[name[0]] = true
			b.WriteString("(?P<" + name[0] + ">.*?)")
		case len(name) == 1 && slices.Contains([]string{"Hostname", "Host", "FQDN", "RDN", "DN", "ip"}, name[0]):
			b.WriteString(`(?:localhost|127\.0\.0\.1)(?::\d+)?`) // where Serve listens
		default:
			b.WriteString(".*?")
		}
		last = at[1]
	}
	b.WriteString(quote(s[last:]))
	return b.String()
}

func quote(s string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(s), " ", "(?: |%20|\\+)")
}

var origin = regexp.MustCompile(`^(https?|\{\{Scheme\}\})://[^/]*`)

var base = regexp.MustCompile(`^\s*\{\{(BaseURL|RootURL)\}\}`)

func target(path string) *regexp.Regexp {
	path = base.ReplaceAllString(strings.TrimSpace(path), "")
	if m := origin.FindString(path); m != "" {
		path = path[len(m):]
	}
	if at := strings.IndexByte(path, '#'); at >= 0 { // a fragment stays with the client
		path = path[:at]
	}
	if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "{{") {
		path = "/" + path
	}
	return regexp.MustCompile("(?s)^" + shape(path) + "$")
}

func (b *block) pathRequest(path string) Request {
	r := Request{Method: b.Method, Target: target(path)}
	r.addLines(b.Body)
	for name, v := range b.Headers {
		r.addLines(name + ": " + v)
	}
	return r
}

// plain is what is said on a connection that is not HTTP.
func (b *block) plain() Request {
	r := Request{}
	for _, in := range b.Inputs {
		if in.Type != "hex" {
			r.addLines(in.Data)
		}
	}
	return r
}

func (r *Request) addLines(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); strings.Contains(line, "{{") {
			if re, err := regexp.Compile("(?m)" + shape(line) + `\r?$`); err == nil {
				r.lines = append(r.lines, re)
			}
		}
	}
}

var annotation = regexp.MustCompile(`^@[\w-]+[: ]`)

func rawRequest(raw string) Request {
	lines := strings.Split(strings.TrimLeft(raw, " \r\n"), "\n")
	for len(lines) > 1 && annotation.MatchString(strings.TrimSpace(lines[0])) {
		lines = lines[1:]
	}
	first := strings.TrimSpace(lines[0])
	if at := strings.LastIndex(first, " HTTP/"); at >= 0 {
		first = first[:at]
	}
	method, path, ok := strings.Cut(first, " ")
	if !ok {
		return Request{Target: regexp.MustCompile("")}
	}
	r := Request{Method: method, Target: target(path)}
	if strings.Contains(method, "{{") {
		r.Method = ""
	}
	r.addLines(strings.Join(lines[1:], "\n"))
	return r
}

// read takes the values that a request shows.
func (r *Request) read(target, text string, into map[string]string) {
	for i, re := range append([]*regexp.Regexp{r.Target}, r.lines...) {
		if re == nil {
			continue
		}
		from := text
		if i == 0 {
			from = target
		}
		m := re.FindStringSubmatch(from)
		if m == nil {
			continue
		}
		for k, name := range re.SubexpNames() {
			if name != "" {
				into[name] = m[k]
			}
		}
	}
}
