package pci

import (
	"strings"
	"testing"
	"time"
)

func metric(version, vector string, score int) Metric {
	return Metric{Version: version, Vector: vector, Score: score, Source: "nvd@nist.gov", Primary: true}
}

const (
	v31Partial = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"
	v2Partial  = "AV:N/AC:L/Au:N/C:P/I:N/A:N"
	v31Outage  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
	v4Full     = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	cve := func(ms ...Metric) Input { return Input{Class: "cve", CVEs: [][]Metric{ms}} }
	cases := []struct {
		name, section string
		in            Input
		status        string
		score         int
		source        string
	}{
		{"3.9 passes", "6.3.2", cve(metric("3.1", v31Partial, 39)), Pass, 39, "nvd-primary"},
		{"4.0 fails", "6.3.2", cve(metric("3.1", v31Partial, 40)), Fail, 40, "nvd-primary"},
		{"v3.1 3.7 with v2 5.0 passes", "6.2.1", cve(metric("2.0", v2Partial, 50), metric("3.1", v31Partial, 37)), Pass, 37, "nvd-primary"},
		{"v3.1 4.3 with v2 2.6 fails", "6.2.1", cve(metric("2.0", v2Partial, 26), metric("3.1", v31Partial, 43)), Fail, 43, "nvd-primary"},
		{"v3.0 before v2", "6.2.1", cve(metric("2.0", v2Partial, 90), metric("3.0", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", 20)), Pass, 20, "nvd-primary"},
		{"v2 alone", "6.2.1", cve(metric("2.0", v2Partial, 50)), Fail, 50, "nvd-primary"},
		{"primary before secondary", "6.2.1", cve(Metric{"3.1", v31Partial, 98, "cna", false}, metric("3.1", v31Partial, 31)), Pass, 31, "nvd-primary"},
		{"secondary alone", "6.2.1", cve(Metric{"3.1", v31Partial, 98, "cna", false}), Fail, 98, "nvd-secondary"},
		{"v4 alone is computed as v3.1", "6.2.1", cve(metric("4.0", v4Full, 93)), Fail, 98, "calculated"},
		{"v4 never decides", "6.2.1", cve(metric("4.0", v4Full, 93), metric("3.1", v31Partial, 31)), Pass, 31, "nvd-primary"},
		{"no score at all is assumed", "6.2.1", cve(), Fail, 73, "calculated"},
		{"denial of service 7.5 passes", "6.3.3", cve(metric("3.1", v31Outage, 75)), Pass, 75, "nvd-primary"},
		{"denial of service of v2 passes", "6.3.3", cve(metric("2.0", "AV:N/AC:L/Au:N/C:N/I:N/A:C", 78)), Pass, 78, "nvd-primary"},
		{"denial of service on a system out of support fails", "6.3.3", Input{Class: "cve", CVEs: [][]Metric{{metric("3.1", v31Outage, 75)}}, OutOfSupport: true}, Fail, 75, "nvd-primary"},
		{"SQL injection scored 0 fails", "6.3.3", Input{Class: "web.sqli", Vector: nothing}, Fail, 0, "calculated"},
		{"telnet alone is a note", "7.2", Input{Class: "clear.telnet"}, Note, 37, "calculated"},
		{"a note overrides no score", "7.2", Input{Class: "remote-access", CVEs: [][]Metric{{metric("3.1", v31Partial, 98)}}}, Fail, 98, "nvd-primary"},
		{"TLS 1.1 fails by default", "6.3.3", Input{Class: "tls.v1.1"}, Fail, 65, "calculated"},
		{"an amplifier harms availability alone", "7.2", Input{Class: "amplification"}, Note, 58, "calculated"},
		{"the gravest of several CVEs decides", "6.3.1", Input{Class: "cve", CVEs: [][]Metric{{metric("3.1", v31Outage, 99)}, {metric("3.1", v31Partial, 53)}, {metric("3.1", v31Partial, 31)}}}, Fail, 53, "nvd-primary"},
		{"a template's vector", "6.2.1", Input{Class: "cve", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}, Fail, 75, "calculated"},
		{"a template's word alone, medium", "6.2.1", Input{Class: "web.vulnerable", Severity: "medium"}, Fail, 53, "template"},
		{"a template's word alone, low", "6.3.2", Input{Class: "web.vulnerable", Severity: "low"}, Pass, 26, "template"},
		{"a template's word alone, high", "6.3.2", Input{Class: "net.vulnerable", Severity: "high"}, Fail, 75, "template"},
		{"a template's word alone, critical", "6.3.2", Input{Class: "cve", CVEs: [][]Metric{{}}, Severity: "critical"}, Fail, 98, "template"},
		{"a template's word alone, info", "6.3.2", Input{Class: "cve", CVEs: [][]Metric{{}}, Severity: "info"}, Pass, 0, "template"},
		{"a word that is none", "6.2.1", Input{Class: "web.vulnerable", Severity: "dire"}, Fail, 98, "calculated"},
		{"a vector before a word", "6.2.1", Input{Class: "cve", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", Severity: "low"}, Fail, 75, "calculated"},
		{"no word makes injection pass", "6.3.3", Input{Class: "web.sqli", Severity: "low"}, Fail, 26, "template"},
		{"of encryption the class decides", "6.2.1", Input{Class: "tls.expired", Severity: "info"}, Fail, 65, "calculated"},
		{"what is possible counts not", "5.6", Input{Class: "cve", CVEs: [][]Metric{{metric("3.1", v31Partial, 98)}}, Possible: true}, Pass, 98, "nvd-primary"},
		{"a class's own rule counts beside its CVE", "6.3.2", Input{Class: "tls.dh", CVEs: [][]Metric{{metric("3.1", v31Partial, 37)}}}, Fail, 59, "calculated"},
		{"an unknown class does not pass by oversight", "6.3.2", Input{Class: "never.heard"}, Fail, 75, "calculated"},
	}
	for _, c := range cases {
		got := Judge(c.in)
		if got.Status != c.status || got.Score.Score != c.score || got.Score.Source != c.source {
			t.Errorf("%s (%s): %s %d %s, want %s %d %s", c.name, c.section, got.Status, got.Score.Score, got.Score.Source, c.status, c.score, c.source)
		}
		if got.Reason == "" || !strings.HasSuffix(got.Reason, ".") {
			t.Errorf("%s: reason %q", c.name, got.Reason)
		}
	}
	if got := Judge(Input{Class: "tls.v1.1", AllowTLS11: true, Vector: v31Partial}); got.Automatic {
		t.Errorf("TLS 1.1 with the switch on: %+v", got)
	}
}

func TestEveryRow(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Rows() {
		if seen[r.Class] {
			t.Errorf("%s stands twice", r.Class)
		}
		seen[r.Class] = true
		if r.Section == "" || r.Reason == "" || !strings.Contains("ABM", r.Confidence) || r.Rule == RuleNote && r.Subject == "" {
			t.Errorf("%s is incomplete: %+v", r.Class, r)
		}
		if _, _, ok := BaseScore(r.Vector); !ok && r.Class != "cve" {
			t.Errorf("%s: vector %q", r.Class, r.Vector)
		}
	}
}

// The classes of the vocabulary with the verdict that the rules of the class demand.
func TestClasses(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		Fail: `creds anon.redis anon.postgresql anon.mysql anon.memcached anon.mongodb anon.docker-api anon.broker anon.code-exec anon.admin-api anon.x11 anon.vnc
			anon.ftp anon.ftp-write anon.tftp anon.rsync anon.rsync-write anon.something db.exposed eol dns.axfr web.sqli web.xss web.lfi web.crlf
			tls.sslv2 tls.sslv3 tls.v1.0 tls.v1.1 clear.rlogin clear.rsh smtp.open-relay dns.open-recursion proxy.open web.git-exposed web.env-exposed
			web.backup-exposed web.phpinfo web.debug-console web.webdav-put web.pan-exposed tls.null tls.export tls.rc4 tls.3des tls.weak-key tls.dh
			tls.expired tls.not-yet-valid tls.selfsigned tls.untrusted tls.wrong-name tls.incomplete-chain tls.sha1 tls.md5 tls.no-1.2
			clear.imap-login clear.pop3-login clear.smtp-login clear.ldap tls.heartbleed tls.robot tls.ccs web.redirect web.old-jquery smb.v1 smb.no-signing xmpp.open-registration`,
		Pass: `tls.no-pfs tls.long-validity info.version web.headers web.cookies web.status-page clear.http web.panel smtp.vrfy ssh.weak-kex ssh.weak-cipher ssh.weak-mac info.rpc info.netbios-names`,
		Note: `remote-access web.dirlist clear.telnet clear.ftp tls.anon-dh info.users svc.small svc.unknown amplification ntp.mode6 ntp.monlist info.metrics`,
	}
	for status, classes := range want {
		for _, class := range strings.Fields(classes) {
			if !Known(class) {
				t.Errorf("%s has no row", class)
			}
			if got := Judge(Input{Class: class}); got.Status != status {
				t.Errorf("%s: %s (%s), want %s", class, got.Status, got.Reason, status)
			}
		}
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func failing() Finding { return Finding{Verdict: Judge(Input{Class: "tls.expired"})} }

func TestScanAndReport(t *testing.T) {
	t.Parallel()
	telnet := Finding{Verdict: Judge(Input{Class: "clear.telnet"})}
	settled := telnet
	settled.Declared = &Declaration{Removed: true, ReviewedAt: noon, ReviewAccepted: true}
	unreviewed := telnet
	unreviewed.Declared = &Declaration{Removed: true}
	disputed := func(at time.Time) Finding {
		f := failing()
		f.Dispute = &Dispute{Kind: "false positive", Accepted: true, DecidedAt: at}
		return f
	}
	rejected := failing()
	rejected.Dispute = &Dispute{DecidedAt: noon}
	cases := []struct {
		name, section string
		components    []Component
		scan, report  string
	}{
		{"nothing fails", "6.3.1", []Component{{Name: "a"}}, Pass, Pass},
		{"one failing component", "6.3.1", []Component{{Name: "a"}, {Name: "b", Findings: []Finding{failing()}}}, Fail, Fail},
		{"telnet alone: passes, report fails until declared", "7.2", []Component{{Name: "a", Findings: []Finding{telnet}}}, Pass, Fail},
		{"telnet declared and not reviewed", "7.2", []Component{{Name: "a", Findings: []Finding{unreviewed}}}, Pass, Fail},
		{"telnet declared and reviewed", "7.2", []Component{{Name: "a", Findings: []Finding{settled}}}, Pass, Pass},
		{"dispute accepted in this quarter", "7.7", []Component{{Name: "a", Findings: []Finding{disputed(noon)}}}, Pass, Pass},
		{"dispute accepted last quarter does not count", "7.7", []Component{{Name: "a", Findings: []Finding{disputed(noon.AddDate(0, 0, -91))}}}, Fail, Fail},
		{"dispute rejected", "7.8", []Component{{Name: "a", Findings: []Finding{rejected}}}, Fail, Fail},
		{"failing host out of scope is ignored", "5.5", []Component{{Name: "a"}, {Name: "b", OutOfScope: true, Findings: []Finding{failing()}}}, Pass, Pass},
		{"all ports filtered", "5.6", []Component{{Name: "a", Filtered: true}}, Inconclusive, Fail},
		{"blocked midway", "7.6", []Component{{Name: "a", Interference: "an intrusion prevention system cut the connections"}}, Inconclusive, Fail},
		{"stopped answering", "5.6", []Component{{Name: "a", Stopped: true}}, Inconclusive, Fail},
		{"failing before inconclusive", "6.3.1", []Component{{Name: "a", Stopped: true}, {Name: "b", Findings: []Finding{failing()}}}, Fail, Fail},
		{"nothing in scope", "5.5", []Component{{Name: "a", OutOfScope: true}}, Inconclusive, Fail},
	}
	for _, c := range cases {
		r := Report(ReportInput{Components: c.components, CompletedAt: noon, CustomerAttested: true, ScopeSettled: true, SignedOff: true}, noon)
		if r.Scan.Status != c.scan || r.Status != c.report {
			t.Errorf("%s (%s): scan %s, report %s; want %s, %s", c.name, c.section, r.Scan.Status, r.Status, c.scan, c.report)
		}
		if (r.Status == Pass) != (len(r.Obstacles) == 0) {
			t.Errorf("%s: obstacles %v", c.name, r.Obstacles)
		}
		if (r.Scan.Technical() == Pass) != (c.scan == Pass) {
			t.Errorf("%s: technical %s", c.name, r.Scan.Technical())
		}
	}
	scan := Scan([]Component{{Name: "a"}, {Name: "b", OutOfScope: true, Findings: []Finding{failing()}}}, noon)
	if scan.InScope != 1 || scan.OutOfScope != 1 || scan.Failing != 0 {
		t.Errorf("the figures of A.3: %+v", scan)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	if Expired(noon, noon.AddDate(0, 0, 90)) {
		t.Error("expired on day 90")
	}
	if !Expired(noon, noon.AddDate(0, 0, 91)) {
		t.Error("valid on day 91")
	}
	if Expired(noon, Expires(noon)) || !Expired(noon, Expires(noon).Add(time.Millisecond)) {
		t.Error("Expires is not the last valid moment")
	}
}

func TestIssueNeedsEverything(t *testing.T) {
	t.Parallel()
	r := Report(ReportInput{Components: []Component{{Name: "a", NoServices: true}}, InScope: []string{"a", "b"}, CompletedAt: noon, OpenDisputes: 1}, noon.AddDate(0, 0, 91))
	if len(r.Obstacles) != 7 || r.Status != Fail {
		t.Errorf("obstacles: %q", r.Obstacles)
	}
}

func TestAggregateTakesTheLatest(t *testing.T) {
	t.Parallel()
	first := []Component{{Name: "a", CompletedAt: noon, Findings: []Finding{failing()}}, {Name: "b", CompletedAt: noon}}
	rescan := []Component{{Name: "a", CompletedAt: noon.Add(time.Hour)}}
	for _, order := range [][][]Component{{first, rescan}, {rescan, first}} {
		all := Aggregate(order...)
		if len(all) != 2 || Scan(all, noon.Add(time.Hour)).Status != Pass {
			t.Errorf("aggregate: %+v", all)
		}
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	if Subject("remote-access") != "Remote access software" || Subject("tls.expired") != "" {
		t.Errorf("%q, %q", Subject("remote-access"), Subject("tls.expired"))
	}
}

func TestFromV4(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		v4Full: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:4.0/AV:A/AC:L/AT:P/PR:L/UI:A/VC:L/VI:N/VA:N/SC:H/SI:N/SA:L": "CVSS:3.1/AV:A/AC:H/PR:L/UI:R/S:C/C:H/I:N/A:L",
	}
	for in, want := range cases {
		if got, ok := FromV4(in); !ok || got != want {
			t.Errorf("FromV4(%s) = %s, %v", in, got, ok)
		}
	}
	if _, ok := FromV4("CVSS:4.0/AV:N"); ok {
		t.Error("half a vector was taken")
	}
}

func FuzzBaseScore(f *testing.F) {
	f.Add(v4Full)
	f.Add(v31Partial)
	f.Add("(AV:N/AC:L/Au:N/C:P/I:N/A:N)")
	f.Fuzz(func(t *testing.T, s string) {
		if _, score, ok := BaseScore(s); ok && (score < 0 || score > 100) {
			t.Fatalf("%q scores %d", s, score)
		}
		FromV4(s)
		Judge(Input{Class: "cve", Vector: s})
	})
}
