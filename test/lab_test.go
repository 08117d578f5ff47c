package test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/lab"
)

// shop is a handful of real servers with faults, and a port where nothing listens.
type shop struct {
	web, tls, redis, closed netip.AddrPort
}

func openShop(t testing.TB) shop {
	expired := lab.Cert(t, lab.CertOptions{NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(0, -1, 0)})
	page := lab.Page(map[string]string{"Server": "nginx/1.18.0"}, "<!doctype html><title>Shop</title><h1>Shop</h1>")
	return shop{
		web: lab.HTTP(t, page), tls: lab.HTTPS(t, page, lab.TLSConfig(expired)),
		redis: lab.Redis(t, "5.0.3", ""), closed: lab.ClosedPort(t),
	}
}

// ports of the shop, as a port list has them.
func (s shop) ports() string { return portsOf(s.web, s.tls, s.redis, s.closed) }

func portsOf(all ...netip.AddrPort) string {
	var ports []string
	for _, at := range all {
		ports = append(ports, fmt.Sprint(at.Port()))
	}
	return "T:" + strings.Join(ports, ",")
}
