package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

const (
	mailBudget   = 150 * time.Second
	mailPatience = 25 * time.Second // some servers make a stranger wait up to 15 s after failures
)

// mailLogins tries default accounts on a host's mailboxes. Servers that share their accounts slow down together, so the
// whole list is tried on the first service of a product, and on the others only what was let in there.
func mailLogins(ctx context.Context, n *wire.Net, host scanlink.PlanHost, services []scanlink.Service, o Options) []scanlink.Finding {
	if !o.Logins {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, mailBudget)
	defer cancel()
	found := map[string][]account{}
	var out []scanlink.Finding
	for _, s := range services {
		e := &env{n: n, t: wire.Target{Host: host, Service: s}, o: o, open: new(bool)}
		try := e.mailbox()
		if try == nil || ctx.Err() != nil {
			continue
		}
		e.id = "creds-" + protocol(e.t)
		known, again := found[s.Product]
		var here []scanlink.Finding
		if again {
			here = e.tryAll(ctx, known, 1, try)
		} else {
			var result attempt
			if result, here = e.stranger(ctx, try); result == unavailable || result == broken {
				continue // it takes no passwords here; another service may
			}
			if result == rejected {
				here = e.tryAll(ctx, accountsFor(protocol(e.t), s.Product, mailboxes), 1, try)
			}
			found[s.Product] = letIn(here)
		}
		out = append(out, here...)
	}
	return out
}

func (e *env) mailbox() tryAccount {
	if e.t.Service.Protocol != "tcp" || (e.t.Service.State != "" && e.t.Service.State != "open") {
		return nil
	}
	switch protocol(e.t) {
	case "pop3":
		return e.eachPassword(e.pop3Try)
	case "imap":
		return e.eachPassword(e.imapTry)
	}
	return nil
}

func letIn(findings []scanlink.Finding) []account {
	known := []account{}
	for _, f := range findings {
		if user, password, ok := strings.Cut(f.Login, "/"); ok && !slices.Contains([]string{"", "-"}, password) {
			known = append(known, account{user, []string{password}})
		}
	}
	return known
}

func (e *env) pop3Try(ctx context.Context, user, password string) attempt {
	l, greeting, err := e.greeted(ctx)
	if err != nil {
		return broken
	}
	defer l.close()
	l.patience = mailPatience
	if greeting != "" && !strings.HasPrefix(greeting, "+OK") || l.say("USER "+user) != nil {
		return broken
	}
	answer, err := l.read()
	if err != nil {
		return broken
	}
	if !strings.HasPrefix(answer, "+OK") {
		return unavailable
	}
	if l.say("PASS "+password) != nil {
		return broken
	}
	if answer, err = l.read(); err != nil {
		return broken
	}
	if strings.HasPrefix(answer, "+OK") {
		return accepted
	}
	return rejected
}

func (e *env) imapTry(ctx context.Context, user, password string) attempt {
	l, greeting, err := e.greeted(ctx)
	if err != nil {
		return broken
	}
	defer l.close()
	l.patience = mailPatience
	if greeting != "" && !strings.HasPrefix(greeting, "* OK") {
		return broken
	}
	if loginDisabled.MatchString(greeting) {
		return unavailable
	}
	if l.say(fmt.Sprintf("a1 LOGIN %q %q", user, password)) != nil {
		return broken
	}
	answer, err := l.until(func(text string) bool { return strings.HasPrefix(text, "a1 ") })
	switch {
	case err != nil:
		return broken
	case strings.HasPrefix(answer, "a1 OK"):
		return accepted
	case strings.HasPrefix(answer, "a1 BAD"), strings.Contains(answer, "PRIVACYREQUIRED"):
		return unavailable
	}
	return rejected
}
