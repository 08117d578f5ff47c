package oneshot

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/scanlink"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is a job that is done, made of fixed facts and findings: what knowledge says changes, the shape must not.
func sample() *job {
	web, quiet := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	day := func(y int) time.Time { return time.Date(y, 1, 2, 3, 4, 5, 0, time.UTC) }
	epss, kev := 0.97, true
	j := &job{
		started: day(2026), finished: day(2026).Add(93 * time.Second), knowledge: feed.Starter(),
		explicit: map[netip.Addr]bool{web: true}, errors: []TargetError{{"gone.example", "The name cannot be resolved."}},
	}
	j.facts = []scanlink.HostFacts{
		{
			Host: scanlink.Host{Address: web, Names: []string{"www.example"}, Alive: true, Done: true, Coverage: scanlink.Complete, OS: "Debian GNU/Linux 12"},
			Services: []scanlink.Service{
				{Address: web, Port: 22, Protocol: "tcp", State: "open", Name: "ssh", Product: "OpenSSH", Version: "7.4", CPE: "cpe:2.3:a:openbsd:openssh:7.4:*:*:*:*:*:*:*", QoD: 80, Banner: "SSH-2.0-OpenSSH_7.4"},
				{Address: web, Port: 443, Protocol: "tcp", State: "open", Name: "https", Product: "nginx", Version: "1.22.1", QoD: 80, TLS: &scanlink.TLS{
					Versions: []string{"TLSv1.2"}, Suites: []scanlink.Suite{{Version: "TLSv1.2", Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Bits: 256}},
					Certificate: &scanlink.Certificate{Subject: "CN=www.example", Issuer: "CN=ca", Names: []string{"www.example"}, Serial: "01", NotBefore: day(2024), NotAfter: day(2025), KeyType: "RSA", KeyBits: 2048, Signature: "SHA256-RSA", SHA256: "ab"},
				}},
				{Address: web, Port: 5432, Protocol: "tcp", State: "open", Name: "postgresql", Product: "postgresql", QoD: 95, Note: "It tells no version before login."},
			},
		},
		{Host: scanlink.Host{Address: quiet, Done: true, Coverage: scanlink.Complete}},
	}
	cve := func(id string, tenths, qod int, status string) vulnerability.Finding {
		return vulnerability.Finding{
			Host: "192.0.2.1", Port: 22, Protocol: "tcp", NVT: id, Class: "cve", Name: "openssh 7.4: " + id, Severity: tenths, Certainty: vulnerability.CertaintyOf(qod), QoD: qod,
			CVEs: []string{id}, CVSS: vulnerability.Scores{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: tenths, Source: "nvd-primary"}, PCI: vulnerability.PCI{Status: status, Reason: "By the score."},
		}
	}
	known := cve("CVE-2023-38408", 98, 80, "fail")
	known.EPSS, known.KEV = &epss, &kev
	j.findings = []vulnerability.Finding{
		cve("CVE-2018-15473", 53, 80, "fail"), known, cve("CVE-2020-15778", 78, 30, "note"),
		{
			Host: "192.0.2.1", Port: 443, Protocol: "tcp", NVT: "tls-certificate", Class: "tls.expired", Name: "Certificate expired", Severity: 65, Certainty: "confirmed", QoD: 98,
			Evidence: "Not after 2025-01-02.", Solution: "Renew it.", References: []string{"https://www.rfc-editor.org/rfc/rfc5280"}, PCI: vulnerability.PCI{Status: "fail", Reason: "By the score."},
		},
		{
			Host: "192.0.2.1", Port: 0, Protocol: "tcp", NVT: "default-login", Class: "creds", Login: "admin/-", Path: "/login", Name: "Empty password", Severity: 98, Certainty: "confirmed", QoD: 99,
			PCI: vulnerability.PCI{Status: "fail", Reason: "Automatic failure."},
		},
	}
	return j
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update to accept): %v\n%s", name, err, got)
	}
}

func sampleResult() Result {
	r := sample().result()
	info := feed.Info{Version: "starter-1", Date: "2026-01-01", Small: true, CVEs: 12, Sources: []feed.SourceInfo{{Kind: "starter", Name: "starter", Records: 12}}}
	r.Feed = feedOf(info, []feed.Ignored{{Path: "README.md", Reason: "no data"}})
	return r
}

func TestGoldenJSON(t *testing.T) {
	t.Parallel()
	b, err := json.MarshalIndent(sampleResult(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "result.json", append(b, '\n'))
}

func TestGoldenTable(t *testing.T) {
	t.Parallel()
	baseline := sampleResult()
	baseline.Vulnerabilities = baseline.Vulnerabilities[:2]
	for name, colour := range map[string]bool{"table.txt": false, "table-colour.txt": true} {
		var b bytes.Buffer
		if err := writeTable(&b, sampleResult(), &baseline, colour); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}
