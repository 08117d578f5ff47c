package template

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const scriptBlocks = `
http:
- path: ['{{BaseURL}}/list']
  extractors:
  - {type: regex, name: found, internal: true, group: 1, regex: ['item=(\w+)']}
- id: one
  path: ['{{BaseURL}}/item/{{item}}']
  matchers:
  - {type: word, words: ['weak']}
`

func TestScripts(t *testing.T) {
	t.Parallel()
	serve := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/list":
			_, _ = io.WriteString(w, "item=a item=b item=c")
		case "/item/c", "/item/0x0a":
			_, _ = io.WriteString(w, "weak")
		default:
			http.NotFound(w, r)
		}
	}
	for script, want := range map[string]string{
		`http(1); for (let i of iterate(template.found)) { set("item", i); http(2) }`:                                                            "GET /list|GET /item/a|GET /item/b|GET /item/c",
		`if (!template.hasOwnProperty('nothing')) { set("item", template["found"] ? "x" : "c"); http("one") }`:                                   "GET /item/c",
		`http(1); const hex = "10".match(/\d+/g).map(v => parseInt(v).toString(16).padStart(2, "0")).join(""); set("item", "0x" + hex); http(2)`: "GET /list|GET /item/0x0a",
		`http(1); var n = 0; for (var i = 0; i < template.found.length; i++) { n++ } set("item", n == 3 ? "c" : n); log(n); http(2)`:             "GET /list|GET /item/c",
	} {
		found, asked := serveTo(t, "flow: |\n  "+script+scriptBlocks, serve, Options{})
		// The last request is the control that a path of the same kind is not answered alike.
		if got := strings.Join(asked[:max(0, len(asked)-1)], "|"); len(found) != 1 || got != want {
			t.Errorf("%s: %d found, asked %q", script, len(found), asked)
		}
	}
}

// TestScriptsAreBounded runs scripts that would run, grow or ask for ever.
func TestScriptsAreBounded(t *testing.T) {
	t.Parallel()
	for script, most := range map[string]int{
		`for (;;) {}`:                      0,
		`let s = "x"; for (;;) { s += s }`: 0,
		`let a = []; for (;;) { a.push(new Array(1000).fill(1)) }`: 0,
		`"x".repeat(1e9); http(1)`:                                 0,
		`function f() { return f() } f()`:                          0,
		`for (;;) { http(1) }`:                                     maxBlockRuns,
		`throw "x"`:                                                0,
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			found, asked := serveTo(t, "flow: |\n  "+script+scriptBlocks, func(http.ResponseWriter, *http.Request) {}, Options{})
			if len(found) > 0 || len(asked) > most {
				t.Errorf("%d found, %d asked", len(found), len(asked))
			}
		})
	}
}

func FuzzFlow(f *testing.F) {
	for _, s := range []string{"http(1) && !http(2)", "if (http()) { http(2) }", "for (let i of iterate(template.a)) { set('b', i) }", `"x".padEnd(9, "y")`} {
		f.Add(s)
	}
	b, err := parse([]byte("id: x\n" + scriptBlocks))
	if err != nil {
		f.Fatal(err)
	}
	tpl := &Template{}
	if err := b.compileBlocks(tpl, nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if flow, err := compileFlow(s, tpl.blocks); err == nil && flow.script == nil && len(flow.steps) == 0 {
			t.Error(fmt.Errorf("an empty flow of %q", s))
		}
	})
}
