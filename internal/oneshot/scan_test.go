package oneshot

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/engine/lab"
)

// TestRealEngine scans real services of this process from the targets to the result.
func TestRealEngine(t *testing.T) {
	t.Parallel()
	redis := lab.Redis(t, "7.0.15", "")
	web := lab.HTTP(t, lab.Page(map[string]string{"Server": "nginx/1.22.1"}, "<title>Hello</title>", "/robots.txt"))
	sql := lab.Postgres(t, "15.20", true)
	var out, errs bytes.Buffer
	code := Run(t.Context(), Options{
		Targets: []string{"127.0.0.1"}, Format: "json", Ports: fmt.Sprintf("T:%d,%d,%d", redis.Port(), web.Port(), sql.Port()),
	}, Streams{Out: &out, Err: &errs})
	r := run{code, out.String(), errs.String()}.result(t)
	if code != ExitFailing || r.PCI.Status != "fail" || len(r.Hosts) != 1 || r.Hosts[0].Coverage != "complete" {
		t.Fatalf("exit %d\n%s%s", code, errs.String(), out.String())
	}
	var ports []string
	for _, p := range r.Hosts[0].Ports {
		ports = append(ports, strings.Join([]string{p.Service, p.Product, p.Version}, " "))
	}
	slices.Sort(ports)
	if !slices.Equal(ports, []string{"http nginx 1.22.1", "postgresql postgresql 15.20", "redis redis 7.0.15"}) {
		t.Errorf("ports %q", ports)
	}
	if !slices.ContainsFunc(r.Vulnerabilities, func(v Vulnerability) bool {
		return v.Class == "anon.redis" && v.Port == int(redis.Port()) && v.PCI.Status == "fail" && v.Certainty == "confirmed"
	}) {
		t.Errorf("redis without login is not found: %+v", r.Vulnerabilities)
	}
}
