package check

import (
	"context"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

func TestRunGivesAllThatApplies(t *testing.T) {
	t.Parallel()
	at := serve(t, says("", part{"*2", "$20\r\nredis_version:7.0.15\r\n\r\n"}))
	n, host := netOf(at)
	got := names(Run(context.Background(), n, wire.Target{Host: host, Service: service(at, "tcp", "redis")}, everything))
	if !slices.Equal(got, []string{"anon.redis", "db.exposed"}) {
		t.Errorf("%v", got)
	}
}

func TestRunLeavesClosedPortsAlone(t *testing.T) {
	t.Parallel()
	asked := make(chan bool, 10)
	at := serve(t, func(net.Conn) { asked <- true })
	n, host := netOf(at)
	s := service(at, "tcp", "redis")
	s.State = "filtered"
	if got := Run(context.Background(), n, wire.Target{Host: host, Service: s}, everything); len(got) != 0 || len(asked) != 0 {
		t.Errorf("%v after %d connections", names(got), len(asked))
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	at := serve(t, script(part{"never", ""}))
	n, host := netOf(at)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := Run(ctx, n, wire.Target{Host: host, Service: service(at, "tcp", "ftp")}, everything); len(got) != 0 {
		t.Errorf("%v", names(got))
	}
}

func TestNothingOutsideThePlanIsTouched(t *testing.T) {
	t.Parallel()
	asked := make(chan bool, 10)
	at := serve(t, func(net.Conn) { asked <- true })
	n := wire.New([]scanlink.PlanHost{{Address: netip.MustParseAddr("127.0.0.9")}}, wire.Limits{})
	for _, name := range []string{"redis", "ftp", "http", "ssh", "smtp", "rsync", "vnc"} {
		Run(context.Background(), n, wire.Target{Host: scanlink.PlanHost{Address: at.Addr()}, Service: service(at, "tcp", name)}, everything)
	}
	if len(asked) != 0 {
		t.Errorf("%d connections to an address outside the plan", len(asked))
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	all := Classes()
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("the classes are not sorted and distinct")
	}
	shape := regexp.MustCompile(`^(cve|creds|remote-access|amplification|(anon|db|clear|tls|ssh|dns|smtp|smb|xmpp|ntp|proxy|svc|info)\.[a-z0-9-]+)$`)
	for _, c := range all {
		if !shape.MatchString(c) {
			t.Errorf("%q is in no family", c)
		}
	}
	seen := map[string]bool{}
	for _, c := range lists() {
		if seen[c.id] {
			t.Errorf("two checks are called %s", c.id)
		}
		seen[c.id] = true
	}
}

func TestAccountsStayFew(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ssh", "ftp", "telnet", "imap", "pop3", "postgresql", "mysql", "mqtt", "mqtts", "stomp", "amqp"} {
		for _, a := range accountsFor(p, "", common) {
			if len(a.passwords) == 0 || len(a.passwords) > maxTries {
				t.Errorf("%s: %d passwords for %s", p, len(a.passwords), a.user)
			}
		}
	}
	for _, a := range basicAccounts {
		if len(a.passwords) > maxTries {
			t.Errorf("basic: %d passwords for %s", len(a.passwords), a.user)
		}
	}
}

func TestLockOutEndsTheTries(t *testing.T) {
	t.Parallel()
	n, host := netOf(netip.MustParseAddrPort("127.0.0.1:1"))
	e := &env{n: n, t: wire.Target{Host: host, Service: service(netip.MustParseAddrPort("127.0.0.1:1"), "tcp", "ssh")}, o: everything, open: new(bool)}
	tries := 0
	e.defaultAccounts(context.Background(), e.accounts(), 1, func(context.Context, string, []string) (string, attempt) {
		if tries++; tries > 3 {
			return "", broken
		}
		return "", rejected
	})
	if tries != 3+maxBroken {
		t.Errorf("%d tries, want %d", tries, 3+maxBroken)
	}
}
