package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// texts are the examples of text attributes, by name, or by what they are within and their name.
var texts = map[string]string{
	"username": "ada@example.com", "email": "ada@example.com", "contact_email": "ada@example.com", "password": "a sentence that is long enough",
	"first_name": "Ada", "last_name": "Lovelace", "contact_name": "Ada Lovelace", "contact_title": "Head of IT", "title": "Head of IT",
	"company_name": "Example Ltd", "address": "1 Example Street", "city": "London", "zipcode": "EC1A 1AA", "country": "GB", "phone": "+442079460000",
	"mobile_phone": "+447700900000", "contact_phone": "+442079460000", "website": "https://www.example.com", "url": "https://www.example.com",
	"locale": "en", "timezone": "Europe/London", "role": "admin", "active_product": "vrms", "product_code": "vrms", "product": "vrms", "app_type": "vrms",
	"comment": "Asked for by the shop team", "description": "Asked for by the shop team", "message": "Done.", "host": "192.0.2.7", "hosts": "192.0.2.7", "exclude_hosts": "192.0.2.9",
	"exclude_host": "192.0.2.9", "ip": "203.0.113.5", "last_sign_in_ip": "203.0.113.5", "names": "shop.example.com",
	"alive_test": "auto", "status": "Done", "state": "completed", "stage": "done", "profile": "full", "coverage": "complete", "pci_status": "fail",
	"verdict": "fail", "protocol": "tcp", "proto": "tcp", "service": "https", "version": "1.26.2", "cpe": "cpe:2.3:a:f5:nginx:1.26.2:*:*:*:*:*:*:*",
	"os": "Debian GNU/Linux 13", "software": "nginx 1.26.2", "threat": "High", "certainty": "confirmed", "class": "tls", "cve": "CVE-2024-6387",
	"nvt": "tls-certificate-expired", "qod_type": "remote_active", "solution_type": "Mitigation", "severity": "High",
	"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "source": "nvd", "summary": "The certificate that the server presents is no longer valid.",
	"insight": "Its notAfter date is over.", "affected": "Clients that check certificates refuse the connection.", "impact": "Visitors cannot tell the server from an impostor.",
	"solution": "Install a certificate that is valid now, and renew it by a program.", "detection": "The handshake was made and the certificate read.",
	"evidence": "notAfter=2026-02-28T23:59:59Z", "reason": "A finding of 4.0 or more fails (ASV Program Guide).",
	"feed_version": "2026-03-02", "key": "2026-03-02", "action": "createTarget", "user_agent": "curl/8.14.1", "notify": "ada@example.com",
	"capabilities": "raw_sockets", "source_addresses": "203.0.113.5", "kind": "ssh", "permission": "TARGET_ACCESS",
	"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	"previous_hash": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", "format": "pdf", "token": "vt_2nWkq8c0JtM5vYb1hXr7Lz4s",
	"plan": "vrms-start", "interval": "year", "start_date": "2026-03-02", "end_date": "2027-03-01", "code": "vrms",
	"pci_reason": "One finding fails.", "feed_versions": "2026-03-02", "authenticated": "authenticated", "decides": "v3", "date": "2026-03-02", "otp_default_method": "totp",
	"pci.status": "fail", "checks.name": "reachable", "verify.name": "reachable", "type": "executive", "files.status": "done", "services.state": "open", "last_history.verdict": "fail", "services.product": "nginx", "organization.state": "Greater London", "user.state": "Greater London", "details.state": "Greater London", "resource.type": "target", "resource.name": "Shop", "formats": "pdf", "permissions": "TARGET_ACCESS",
	"scope_attestation.name": "Ada Lovelace", "products.name": "Vulnerability management", "top.name": "TLS certificate has expired", "scans.name": "Shop, weekly", "scanner.version": "2.0.0",
	"scanner.state": "online", "references": "https://www.rfc-editor.org/rfc/rfc5280",
}

func (e exampler) text(s *huma.Schema, name string) any {
	switch {
	case s.Format == "date-time" || strings.HasSuffix(name, "_at") || name == "eta" || name == "next_time":
		return "2026-03-02T09:30:00.000Z"
	case name == "id" || name == "ids":
		return exampleID(e.noun)
	}
	if known := e.known(name); known != "" {
		return known
	}
	switch {
	case strings.HasSuffix(name, "_id"):
		return exampleID(strings.TrimSuffix(name, "_id"))
	case strings.HasPrefix(s.Description, "Id"):
		return exampleID(name)
	case name == "name":
		return nameOf(e.noun)
	}
	return ""
}

func (e exampler) known(name string) string {
	for _, within := range []string{e.parent, e.noun} {
		if text, ok := texts[within+"."+name]; ok {
			return text
		}
	}
	return texts[name]
}
