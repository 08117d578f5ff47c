package main

import (
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/template/answer"
)

// written is a case written by hand: what real software with the fault answers, by the reading of a person. The changed
// side differs from it in one place.
type written struct {
	id       string
	kind     string // empty: http
	tag      string // of a service that is not HTTP
	said     []said
	from, to string // what is changed, in every answer; from empty: the status becomes 404
	given    map[string]string
	fetches  bool // what the last request names; the changed side does not
}

type said struct {
	request string // method and target
	status  int
	fields  []string
	body    string
}

const (
	page   = "Content-Type: text/html; charset=utf-8"
	passwd = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n"
	winIni = "; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n[mci extensions]\r\n[files]\r\n"
)

// byHand are twenty of the 200 templates.
var byHand = []written{
	{id: "bluemind-panel", said: []said{{"GET /login/native", 200, []string{page},
		`<html><head><script>window.bmExtensions = []; window.applicationVersion = "4.9.2";</script></head><body><img src="logo.png" alt="BlueMind"></body></html>`}},
		from: `alt="BlueMind"`, to: `alt="Mail"`},
	{id: "CVE-2017-16877", said: []said{{"GET /_next/../../../../../../../../../../etc/passwd", 200, []string{"Content-Type: application/octet-stream"}, passwd}},
		from: "root:x:0:0", to: "root:x:1:1"},
	{id: "openwebui-panel", said: []said{{"GET /", 200, []string{page}, "<!doctype html><head><title>Open WebUI</title></head>"}}, from: "Open WebUI", to: "Web UI"},
	{id: "reolink-panel", said: []said{{"GET /", 200, []string{page, "Server: nginx"}, "<html><head><title>Reolink</title></head></html>"}}},
	{id: "tikiwiki-cms", said: []said{{"GET /tiki-login.php", 200, []string{page}, `<meta name="generator" content="Tiki Wiki CMS Groupware - https://tiki.org">`}},
		from: "Tiki Wiki CMS", to: "Another CMS"},
	{id: "config-properties", said: []said{{"GET /config.properties.bak", 200, []string{"Content-Type: text/plain"}, "db.url=jdbc:mysql://db.internal:3306/shop\ndb.user=shop\n"}},
		from: "text/plain", to: "text/html"},
	{id: "CVE-2020-7209", said: []said{{"GET /linuxki/experimental/vis/kivis.php?type=kitrace&pid=0;echo%20START;cat%20/etc/passwd;echo%20END;", 200, []string{page}, "START\n" + passwd + "END\n"}},
		from: "root:x:0:0", to: "root:x:0:1"},
	{id: "sofneta-mecdream-pacs-lfi", said: []said{{`GET /pacs/nocache.php?path=%5c%2e%2e%5c%2e%2e%5c%2e%2e%5c%2e%2e%5c%2e%2e%5c%2e%2e%5cWindows%5cwin.ini`, 200, nil, winIni}},
		from: "[fonts]", to: "[types]"},
	{id: "hfs-exposure", said: []said{{"GET /", 200, []string{page, "Server: HFS 2.3m"},
		"<a href='http://www.rejetto.com/hfs/'>HttpFileServer 2.3m</a><!-- Build-time: 0.015 --><script>HFS = {}</script>"}}, from: "Build-time:", to: "Built:"},
	{id: "netsus-default-login", said: []said{{"POST /webadmin/index.php", 302, []string{page, "Set-Cookie: PHPSESSID=8a1b; path=/", "Location: dashboard.php"}, ""}},
		from: "Location: dashboard.php", to: "Location: index.php"},
	{id: "wireguard-preshared-key", said: []said{{"GET /", 200, nil, "[Peer]\nPresharedKey = " + strings.Repeat("Ab9/", 10) + "xY0=\nAllowedIPs = 10.0.0.2/32\n"}},
		from: "PresharedKey", to: "PublicKey"},
	{id: "namedprocess-exporter-metrics", said: []said{{"GET /metrics", 200, []string{"Content-Type: text/plain; version=0.0.4"},
		"# HELP namedprocess_namegroup_num_procs number of processes in this group\nnamedprocess_namegroup_num_procs{groupname=\"sshd\"} 3\n"}}, from: "namedprocess", to: "process"},
	{id: "CVE-2025-28228", said: []said{{"GET /controlloLogin.js", 200, []string{"Content-Type: text/javascript"},
		"function check(user, password) { if (user=='guest' && password=='guest') { enter(); } }"}}, from: "user=='guest'", to: "user==guest"},
	{id: "circarlife-installer", said: []said{{"GET /html/setup.html", 200, []string{page, "Server: CirCarLife Scada v4.2.4"},
		"<html><head><title>- setup</title></head><body><a>Network setup</a><a>Modem setup</a><a>Security setup</a></body></html>"}}, from: "CirCarLife Scada", to: "httpd"},
	{id: "CVE-2022-0281", said: []said{{"GET /api/users/search_authors", 200, []string{"Content-Type: application/json"},
		`[{"username":"admin","email":"admin@example.org","display_name":"Admin"}]`}}, from: `"email":`, to: `"mail":`},
	{id: "huawei-hg659-lfi", said: []said{{"GET /lib///....//....//....//....//....//....//....//....//etc//passwd", 200, nil, passwd}}},
	{id: "CVE-2022-1937", said: []said{
		{"POST /wp-login.php", 302, []string{"Set-Cookie: wordpress_logged_in_1=editor; path=/", "Location: /wp-admin/"}, ""},
		{"GET /wp-admin/admin-ajax.php?action=get_sw_product&title=%3Cscript%3Ealert(document.domain)%3C/script%3E", 200, []string{page},
			`<tr><th colspan="2"><script>alert(document.domain)</script></th></tr>`}}, from: `<script>alert(`, to: `&lt;script>alert(`,
		given: map[string]string{"username": "editor", "password": "correct horse"}},
	{id: "CVE-2015-2807", said: []said{
		{"GET /wp-content/plugins/navis-documentcloud/readme.txt", 200, []string{"Content-Type: text/plain"}, "=== Navis DocumentCloud ===\nTags: documents\nStable tag: 0.1\n"},
		{"GET /wp-content/plugins/navis-documentcloud/js/window.php?wpbase=%3C%2Fscript%3E%3Cscript%3Ealert%28document.domain%29%3C%2Fscript%3E", 200, []string{page},
			`<script src="</script><script>alert(document.domain)</script>/wp-includes/js/tinymce/tiny_mce_popup.js">`}}, from: "Navis", to: "Other"},
	{id: "akamai-detect", said: []said{{"GET /", 200, []string{page, "X-Cache: TCP_MISS from a23-1-2-3.deploy.akamaitechnologies.com (AkamaiGHost/11.0)"}, "<html></html>"}},
		from: "deploy.akamai", to: "cache.example"},
	{id: "CVE-2019-9978", said: []said{
		{"GET /wp-content/plugins/social-warfare/readme.txt", 200, []string{"Content-Type: text/plain"}, "=== Social Warfare ===\nTags: share\nStable tag: 3.5.2\n"},
		{"GET /wp-admin/admin-post.php?swp_debug=load_options&swp_url=http://*", 500, []string{page}, "<p>There has been a critical error on this website.</p>"}}, fetches: true},
}

// cases of a template that was written by hand.
func (w written) answers() *answer.Case {
	c := &answer.Case{ID: w.id, Kind: "http", Variables: w.given, Changed: w.from + " became " + w.to}
	if w.kind != "" {
		c.Kind, c.Tags = w.kind, []string{w.tag}
	}
	for _, s := range w.said {
		e := answer.Exchange{Answer: answer.Answer{Status: s.status, Fields: s.fields, Body: s.body}}
		if method, target, ok := strings.Cut(s.request, " "); ok {
			e.Request = answer.Request{Method: method, Target: regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(target), `\*`, ".*") + "$")}
		}
		c.Good = append(c.Good, e)
		c.Bad = append(c.Bad, w.changed(e))
	}
	if w.fetches {
		last := len(c.Good) - 1
		c.Bad[last], c.Changed = c.Good[last], "the page is fetched no more"
		c.Good[last].Answer.Call = &answer.Call{Protocol: "http", Says: []string{"User-Agent: WordPress/5.1; http://localhost"}}
	}
	return c
}

func (w written) changed(e answer.Exchange) answer.Exchange {
	if w.from == "" {
		e.Answer.Status = 404
		return e
	}
	e.Answer.Body = strings.ReplaceAll(e.Answer.Body, w.from, w.to)
	e.Answer.Fields = append([]string(nil), e.Answer.Fields...)
	for i, f := range e.Answer.Fields {
		e.Answer.Fields[i] = strings.ReplaceAll(f, w.from, w.to)
	}
	return e
}
