package dsl

import (
	"errors"
	"strings"
	"testing"
)

func TestExpressions(t *testing.T) {
	t.Parallel()
	vars := Map{
		"status_code": 200, "body": "Hello World v1.2.3", "content-type": "text/html", "list": []string{"b", "a", "b"}, "n": "7",
		"body_2": "second",
	}
	for in, want := range map[string]any{
		`status_code == 200 && contains(body, "World")`:              true,
		`status_code==200&&contains(tolower(body),'hello')`:          true,
		`status_code != 200 || !contains(body, "x")`:                 true,
		`contains_all(body, "Hello", "World")`:                       true,
		`contains_any(body, "x", "World")`:                           true,
		`starts_with(body, "Hello")`:                                 true,
		`regex("v[0-9.]+", body)`:                                    true,
		`regex('\d\.\d', body)`:                                      true,
		`body =~ "^Hello"`:                                           true,
		`status_code in (200, 302)`:                                  true,
		`contains([content-type], "html")`:                           true,
		`md5("a")`:                                                   "0cc175b9c0f1b6a831c399e269772661",
		`base64('{{n}}:{{n}}')`:                                      "Nzo3",
		`md5({{n}}) == md5("7")`:                                     true,
		`mmh3("hello")`:                                              "613153351",
		`hex_encode("\x00\xff")`:                                     "00ff",
		`len(hex_decode("fffe")) == 2`:                               true,
		`compare_versions("1.2.3", ">= 1.2", "< 1.10.0")`:            true,
		`compare_versions("2.4.49-rc1", "< 2.4.49")`:                 true,
		`compare_versions("1.0.2k", "> 1.0.2")`:                      true,
		`to_number(n) + 1`:                                           8,
		`n + 1`:                                                      "71",
		`status_code + 1`:                                            201,
		`substr("hello", 1, 3)`:                                      "el",
		`join("-", sort(uniq(list)))`:                                "a-b",
		`replace_regex("a1b2", "[0-9]", "")`:                         "ab",
		`url_encode("a b&c")`:                                        "a+b%26c",
		`html_unescape("&lt;")`:                                      "<",
		`len(rand_text_alpha(12)) == 12`:                             true,
		`gzip_decode(gzip("x"))`:                                     "x",
		`zlib_decode(zlib("x"))`:                                     "x",
		`json_minify('{ "a" : 1 }')`:                                 `{"a":1}`,
		`hmac("sha256", "data", "key")`:                              "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0",
		`dec_to_hex(255)`:                                            "ff",
		`len(generate_jwt('{"a":1}', "HS256", "k")) > 30`:            true,
		`to_unix_time("2022-01-13T16:30:10+00:00")`:                  1642091410,
		`date_time("%Y-%M-%D", 1642091410)`:                          "2022-01-13",
		`line_starts_with("Hi there\nOk", "Ok")`:                     true,
		`equals_any("a", "b", "a")`:                                  true,
		`base64_py("` + strings.Repeat("a", 60) + `")`:               strings.Repeat("YWFh", 19) + "\nYWFh\n",
		`unpack(">I", hex_decode("0000000a"))`:                       10,
		`repeat("ab", 3)`:                                            "ababab",
		`aes_cbc("a", "0123456789abcdef", "0123456789abcdef") != ""`: true,
	} {
		e, err := Compile(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got, err := e.Eval(vars); err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", in, got, err, want)
		}
	}
}

func TestUndefinedIsNoMatch(t *testing.T) {
	t.Parallel()
	e, err := Compile(`!contains(body_3, "x")`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Eval(Map{}); !errors.Is(err, ErrUndefined) {
		t.Errorf("error %v, want ErrUndefined", err)
	}
	if e.True(Map{}) {
		t.Error("an expression over a missing answer matched")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`repeat("a", 1000000000)`, `repeat(repeat("a", 100000), 1000)`, `replace(repeat("a", 100000), "a", repeat("b", 100000))`,
		`padding("a", "b", 1000000000)`,
	} {
		e, err := Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := e.Eval(Map{}); err == nil {
			t.Errorf("%s gave %d bytes", in, len(Text(v)))
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	vars := Map{"name": "x", "Hostname": "h:80"}
	for in, want := range map[string]string{
		"GET /{{name}} {{Hostname}}": "GET /x h:80",
		"{{7*7}}":                    "{{7*7}}",
		"{{md5('{{name}}')}}":        "9dd4e461268c8034f5c8564e155c67a6",
		"{{to_upper(name)}}!":        "X!",
		"${{<%[%'\"}}%\\.":           "${{<%[%'\"}}%\\.",
		"plain }} {{":                "plain }} {{",
		`{{concat("<{{to_upper(name)}}>", "{{7*7}}")}}`:              "<X>{{7*7}}",
		"{{shell_exec('id')}}":                                       "{{shell_exec('id')}}",
		"{{unknown}}":                                                "",
		"{{generate_java_gadget('cb', 'http://x', 'hex')}}":          "",
		"{{generate_java_gadget('dns', 'http://x.invalid', 'hex')}}": "",
	} {
		tpl, err := CompileText(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got, err := tpl.Render(vars)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s = %q, %v; want %q", in, got, err, want)
		}
	}
	if _, err := Compile("shell_exec('a')"); !errors.Is(err, ErrFunction) {
		t.Errorf("error %v, want ErrFunction", err)
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`status_code == 200 && contains(body, "x")`, `regex('\d', body)`, `{{body}}`, `"a{{body}}b"`, `a in (1, 2)`, `[content-type]`,
		`repeat("a", 9)`, `{{base64('{{body}}')}}`,
	} {
		f.Add(s)
	}
	vars := Map{"body": "text", "status_code": 200}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := compile(s); err == nil {
			_, _ = e.Eval(vars)
		}
		if tpl, err := CompileText(s); err == nil {
			if out, err := tpl.Render(vars); err == nil && tpl.Static() && out != s && !strings.Contains(s, "{{") {
				t.Errorf("static text %q became %q", s, out)
			}
		}
	})
}
