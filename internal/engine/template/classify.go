package template

import (
	"slices"
	"strings"
)

// How a template's findings are classed, first rule that fits:
//
//  1. metadata vedette-class (or class): that class.
//  2. a CVE id in the classification: cve.
//  3. severity info, or a tag that says detection only (tech, detect, discovery): none; such a template is not run,
//     since the engine identifies software by itself.
//  4. for a template over TLS alone, the first word of tlsClasses in its id or tags.
//  5. the first tag of tagClasses that the template has, in that order.
//  6. otherwise web.vulnerable, or for a template without HTTP net.vulnerable.
//
// The rows of 5 name the fault before the place: a default login on a panel is creds, not web.panel.
var tagClasses = []struct{ tag, class string }{
	{"default-login", "creds"}, {"backdoor", "backdoor"},
	{"sqli", "web.sqli"},
	{"xss", "web.xss"},
	{"lfi", "web.lfi"}, {"lfr", "web.lfi"}, {"traversal", "web.lfi"},
	{"xxe", "web.xxe"}, {"crlf", "web.crlf"}, {"ssrf", "web.ssrf"}, {"ssti", "web.ssti"},
	{"rce", "web.rce"}, {"injection", "web.rce"}, {"deserialization", "web.rce"}, {"log4j", "web.rce"},
	{"fileupload", "web.upload"}, {"file-upload", "web.upload"}, {"auth-bypass", "web.auth-bypass"},
	{"redirect", "web.redirect"}, {"openredirect", "web.redirect"}, {"cors", "web.cors"},
	{"phpinfo", "web.phpinfo"},
	{"git", "web.git-exposed"}, {"svn", "web.svn-exposed"},
	{"backup", "web.backup-exposed"},
	{"listing", "web.dirlist"}, {"directory-listing", "web.dirlist"},
	{"debug", "web.debug-console"},
	{"status", "web.status-page"},
	{"logs", "web.log-exposed"}, {"config", "web.config-exposed"},
	{"exposure", "web.exposure"}, {"exposures", "web.exposure"}, {"disclosure", "web.exposure"}, {"files", "web.exposure"},
	{"unauth", "web.exposure"}, {"token", "web.exposure"},
	{"panel", "web.panel"}, {"login", "web.panel"},
	{"misconfig", "web.misconfig"}, {"misconfiguration", "web.misconfig"},
}

// tlsClasses name what a template over TLS alone looks for, by words of its id and tags.
var tlsClasses = []struct{ word, class string }{
	{"expired", "tls.expired"}, {"self-signed", "tls.selfsigned"}, {"selfsigned", "tls.selfsigned"}, {"mismatch", "tls.wrong-name"},
	{"untrusted", "tls.untrusted"}, {"revoked", "tls.untrusted"}, {"weak-cipher", "tls.weak-cipher"}, {"insecure-cipher", "tls.weak-cipher"},
	{"deprecated", "tls.v1.0"},
}

var detectionTags = []string{"tech", "detect", "detection", "discovery", "favicon", "fingerprint", "waf", "dns-detect"}

var activeTags = []string{"intrusive", "default-login", "fuzz", "dast", "bruteforce", "brute-force", "fileupload", "file-upload", "takeover"}

func classify(t *Template) {
	t.class = classOf(t)
	t.qod, t.control = 98, t.class != "web.panel"
	if !slices.Contains([]string{"creds", "cve"}, t.class) && !strings.HasPrefix(t.class, "anon.") {
		t.qod = 95
	}
	if t.versionOnly() {
		t.qod = 80
	}
	if n, ok := t.info.Metadata["vedette-qod"].(int); ok && n > 0 && n <= 100 {
		t.qod = n
	}
	if c, ok := t.info.Metadata["vedette-control"].(bool); ok {
		t.control = c
	}
	t.active = slices.ContainsFunc(t.tagSet(), func(s string) bool { return slices.Contains(activeTags, s) })
	for _, b := range t.blocks {
		if h, ok := b.(*httpRequests); ok && !h.readOnly {
			t.active = true
		}
	}
	if a, ok := t.info.Metadata["vedette-active"].(bool); ok {
		t.active = a
	}
}

func classOf(t *Template) string {
	for _, key := range []string{"vedette-class", "class"} {
		if c, ok := t.info.Metadata[key].(string); ok && validClass(c) {
			return c
		}
	}
	if len(t.cves()) > 0 {
		return "cve"
	}
	have := t.tagSet()
	detects := func(s string) bool { return slices.Contains(detectionTags, s) }
	severity := strings.ToLower(strings.TrimSpace(t.info.Severity))
	if severity == "info" || severity == "" || severity == "unknown" || slices.ContainsFunc(have, detects) {
		return ""
	}
	if len(t.blocks) == 0 {
		return ""
	}
	if t.blocks[0].protocol() == "ssl" {
		words := t.id + " " + strings.Join(have, " ")
		for _, r := range tlsClasses {
			if strings.Contains(words, r.word) {
				return r.class
			}
		}
	}
	web := slices.ContainsFunc(t.blocks, func(b block) bool { return b.protocol() == "http" })
	for _, r := range tagClasses {
		if slices.Contains(have, r.tag) && (web || !strings.HasPrefix(r.class, "web.")) {
			return r.class
		}
	}
	if web {
		return "web.vulnerable"
	}
	return "net.vulnerable"
}

// validClass keeps what a file names as class to the form of classes.
func validClass(c string) bool {
	if c == "" || len(c) > 40 {
		return false
	}
	return !strings.ContainsFunc(c, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
	})
}

func (t *Template) tagSet() []string {
	all := make([]string, len(t.info.Tags))
	for i, s := range t.info.Tags {
		all[i] = strings.ToLower(s)
	}
	return all
}

func (t *Template) cves() []string {
	var all []string
	for _, id := range t.info.Classification.CVEID {
		if id = strings.ToUpper(id); strings.HasPrefix(id, "CVE-") && len(id) < 20 && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// versionOnly says that the template compares a version and sees nothing of the fault itself.
func (t *Template) versionOnly() bool {
	for _, b := range t.blocks {
		if h, ok := b.(*httpRequests); ok && h.comparesVersion {
			return true
		}
	}
	return false
}
