package main

import (
	"strings"
	"unicode"
)

var initialisms = map[string]string{
	"ai": "AI", "api": "API", "cpe": "CPE", "csv": "CSV", "cve": "CVE", "cves": "CVEs", "cvss": "CVSS", "dns": "DNS", "epss": "EPSS", "eta": "ETA",
	"html": "HTML", "http": "HTTP", "id": "ID", "ids": "IDs", "ip": "IP", "json": "JSON", "kev": "KEV", "mfa": "MFA", "nvt": "NVT",
	"os": "OS", "otp": "OTP", "pci": "PCI", "pdf": "PDF", "portlist": "PortList", "qod": "QoD", "sha256": "SHA256", "sms": "SMS", "ssh": "SSH", "tcp": "TCP",
	"tls": "TLS", "totp": "TOTP", "udp": "UDP", "uri": "URI", "url": "URL", "xml": "XML",
}

// words of snake_case, lowerCamel, UpperCamel and titles, in lower case. A run of capitals is one word.
func words(name string) []string {
	var all []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
			word = nil
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		begins := unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || (i+1 < len(runes) && unicode.IsLower(runes[i+1])))
		if begins {
			flush()
		}
		word = append(word, r)
	}
	flush()
	return all
}

func exported(words []string) string {
	var b strings.Builder
	for _, w := range words {
		if known, ok := initialisms[w]; ok {
			b.WriteString(known)
			continue
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

var keywords = map[string]bool{"type": true, "range": true, "map": true, "func": true, "default": true, "interface": true, "select": true,
	"package": true, "import": true, "var": true, "ctx": true, "q": true, "in": true, "a": true}

func unexported(words []string) string {
	name := words[0] + exported(words[1:])
	if keywords[name] {
		return name + "Of"
	}
	return name
}

// methodName is the operation's id without the noun of its group: createTarget of Targets is Create. What acts on many by ids
// gets Many, so that deleteTargets is not taken for deleteTarget.
func methodName(id, group string, bulk bool) string {
	all := words(id)
	noun := words(group)
	for _, drop := range [][]string{noun, singular(noun)} {
		if at := index(all, drop); at >= 0 && len(all) > len(drop) {
			all = append(append([]string{}, all[:at]...), all[at+len(drop):]...)
			break
		}
	}
	name := exported(all)
	if bulk {
		name += "Many"
	}
	return name
}

func singular(noun []string) []string {
	one := append([]string{}, noun...)
	last := len(one) - 1
	switch w := one[last]; {
	case strings.HasSuffix(w, "ies"):
		one[last] = strings.TrimSuffix(w, "ies") + "y"
	case strings.HasSuffix(w, "xes"):
		one[last] = strings.TrimSuffix(w, "es")
	default:
		one[last] = strings.TrimSuffix(w, "s")
	}
	return one
}

func index(all, part []string) int {
	for i := 0; i+len(part) <= len(all); i++ {
		if strings.Join(all[i:i+len(part)], " ") == strings.Join(part, " ") {
			return i
		}
	}
	return -1
}

// inputName is the type of what an operation takes: createTarget takes a TargetCreate, updateTarget a TargetUpdate, signIn a
// SignInInput.
func inputName(id string) string {
	all := words(id)
	if len(all) > 1 && (all[0] == "create" || all[0] == "update") {
		return exported(append(append([]string{}, all[1:]...), all[0]))
	}
	return exported(all) + "Input"
}

// renamed are schemas whose name says less than the API's own noun.
var renamed = map[string]string{"AuditAttributes": "AuditEvent"}

// typeName is a schema's name without the word Attributes.
func typeName(schema string) string {
	if better, ok := renamed[schema]; ok {
		return better
	}
	return exported(words(strings.TrimSuffix(schema, "Attributes")))
}
