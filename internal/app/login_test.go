package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

const (
	notice = `{"6859-1":{"id":"6859-1","cves":["CVE-2024-6387"],"releases":{"jammy":{"sources":{"openssh":{"version":"1:8.9p1-3ubuntu0.10"}}}}}}`
	sesame = "open-sesame-of-the-target"
)

// inside is what a login tells of a host.
func inside(version string) func(scanlink.PlanHost) []scanlink.Observation {
	return func(h scanlink.PlanHost) []scanlink.Observation {
		return []scanlink.Observation{{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete, OS: "Ubuntu 22.04.4 LTS",
			OSCPE: "cpe:2.3:o:canonical:ubuntu_linux:22.04:*:*:*:*:*:*:*", OSQoD: 97, Authenticated: scanlink.Authenticated,
			Packages: []scanlink.Package{{Ecosystem: "deb", Name: "openssh-server", Version: version, Source: "openssh"}}}}}
	}
}

// TestCredentialsOfATarget follows a login from the target to the lease, and what it told to findings, whose knowledge comes later.
func TestCredentialsOfATarget(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		by := "manager@north"
		target := p.must(201, by, "POST", "/v2/targets", object{"target": object{"name": "inside", "hosts": []string{"192.0.2.30"},
			"scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"},
			"credentials":       []object{{"kind": "ssh", "username": "audit", "password": sesame}}}})
		if strings.Contains(string(target.Body), sesame) {
			t.Errorf("the target answers its secret: %s", target.Body)
		}
		scan := p.scan(by, "with a login", target.id(p))
		p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
		lease := p.lease()
		want := []scanlink.Credential{{Kind: "ssh", Username: "audit", Password: sesame}}
		if !slices.Equal(lease.Plan.Credentials, want) {
			t.Errorf("the lease has %d credentials", len(lease.Plan.Credentials))
		}
		if raw, err := json.Marshal(lease); err != nil || strings.Contains(string(raw), sesame) {
			t.Errorf("a lease tells credentials in clear: %s %v", raw, err)
		}
		p.observe(lease, inside("1:8.9p1-3ubuntu0.7"))
		if err := p.app.dispatcher.Finish(t.Context(), scanner.EmbeddedID, lease.ChunkID, scanlink.Finish{Token: lease.Token, LastSequence: 1}); err != nil {
			t.Fatal(err)
		}
		hosts := p.must(200, by, "GET", "/v2/scans/"+scan+"/hosts", nil)
		if !strings.Contains(string(hosts.Body), `"authenticated":"authenticated"`) {
			t.Errorf("the host does not tell of the login: %s", hosts.Body)
		}
		p.learn(notice)
		found := p.must(200, by, "GET", "/v2/scans/"+scan+"/vulnerabilities?q[cves]=CVE-2024-6387", nil)
		if !strings.Contains(string(found.Body), `"certainty":"confirmed"`) || !strings.Contains(string(found.Body), `"qod_type":"package"`) {
			t.Errorf("the package is not judged: %s", found.Body)
		}
		for _, path := range []string{"/v2/scans/" + scan, "/v2/scans/" + scan + "/histories", "/v2/audits"} {
			if a := p.call(by, "GET", path, nil); strings.Contains(string(a.Body), sesame) {
				t.Errorf("%s tells the secret", path)
			}
		}
	})
}
