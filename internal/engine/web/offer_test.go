package web

import (
	"fmt"
	"testing"
)

func TestScriptOffers(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`fetch("/api/login", {method: "POST", body: JSON.stringify({user: u.value, "pass": f(a, {b: 1}), c})})`: "[] [/api/login [{user 1} {pass 1} {c 1}]]",
		"$.ajax({url: '/api/find', data: JSON.stringify({ 'q': \"a, b: c\" })})":                                "[] [/api/find [{q 1}]]",
		`x.open("POST", "save"); x.send(JSON.stringify({id: 1}))`:                                               "[] [save [{id 1}]]",
		"fetch(`/api/item?id=${id}`); fetch('/api/list?page=1')":                                                "[/api/item?id= /api/list?page=1] []",
		`fetch("/api/x", {body: JSON.stringify({a: 1`:                                                           "[] []",
		`fetch("/api/x", {body: JSON.stringify(all)})`:                                                          "[] []",
	} {
		links, objects := scriptOffers(script)
		var told []string
		for _, o := range objects {
			told = append(told, fmt.Sprint(o.path, " ", o.params))
		}
		if got := fmt.Sprint(links, " ", told); got != want {
			t.Errorf("%s:\n%s, want\n%s", script, got, want)
		}
	}
}

const openAPI3 = `{"openapi":"3.1.0","paths":{
	"/items/{id}":{"get":{"parameters":[{"name":"id","in":"path","schema":{"type":"integer"}},{"name":"q","in":"query","schema":{"type":"string","default":"tea"}}]}},
	"/login":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Login"}}}}}}},
	"components":{"schemas":{"Login":{"type":"object","properties":{"user":{"type":"string"},"age":{"type":"integer","example":30}}}}}}`

const swagger2 = `{"swagger":"2.0","basePath":"/v1","paths":{"/find":{"post":{"parameters":[{"name":"body","in":"body","schema":{"$ref":"#/definitions/Q"}}]}}},
	"definitions":{"Q":{"properties":{"mail":{"type":"string","format":"email"}}}}}`

func TestDescribedOffers(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		openAPI3: "[{GET /items/1 [{q tea}] map[]} {JSON /login [{age 30} {user 1}] map[age:true user:false]}]",
		swagger2: "[{JSON /v1/find [{mail probe@example.com}] map[mail:false]}]",
		`{"openapi":"3.0.0","paths":{"/a":{"get":{}}},"components":{"schemas":{"A":{"$ref":"#/components/schemas/A"}}}}`: "[]",
		`{"paths":{"/a":{}}}`: "[]", `[]`: "[]",
	} {
		if got := fmt.Sprint(describedOffers([]byte(document))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzOffers(f *testing.F) {
	f.Add(openAPI3)
	f.Add(swagger2)
	f.Add(`{"openapi":"3","paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/x/A"}}}}}}},"components":{"schemas":{"A":{"$ref":"A"}}}}`)
	f.Add("fetch(`/a`, {body: JSON.stringify({'a': [1, {b}], c: \"}\"})})")
	f.Fuzz(func(t *testing.T, text string) {
		links, objects := scriptOffers(text)
		described := describedOffers([]byte(text))
		if len(links) > maxOffers || len(objects) > maxOffers || len(described) > maxOffers {
			t.Errorf("%d links, %d objects, %d described", len(links), len(objects), len(described))
		}
		for _, o := range append(objects, described...) {
			if len(o.params) > maxMembers || o.path == "" {
				t.Errorf("%+v", o)
			}
		}
	})
}
