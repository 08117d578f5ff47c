package check

import (
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/internal/scanlink"
)

// attempt is what became of tries to log in.
type attempt int

const (
	rejected    attempt = iota // the account is not there or the passwords are wrong
	accepted                   // one password was right
	unavailable                // the service takes no passwords here
	broken                     // the connection failed: a lock-out, or trouble
)

// account is a name with at most three passwords.
type account struct {
	user      string
	passwords []string
}

const maxTries = 3

// common are names whose password is often the name itself.
var common = []string{"admin", "root", "test", "user", "guest", "info", "support", "operator", "backup", "demo", "oracle", "ftp"}

// mailboxes are such names where mail is kept. They are few, since mail servers slow down with every failure.
var mailboxes = []string{"info", "test", "admin", "user", "support", "postmaster", "webmaster", "guest"}

// vendors are factory and distribution logins by protocol, and by product where one is named. "" is any product.
var vendors = map[string]map[string][]account{
	"ssh": {"": {
		{"root", []string{"toor", "password"}}, {"admin", []string{"password"}}, {"pi", []string{"raspberry"}}, {"ubnt", []string{"ubnt"}},
		{"vagrant", []string{"vagrant"}}, {"cisco", []string{"cisco"}},
	}},
	"telnet": {"": {{"root", []string{"password"}}, {"admin", []string{"password", "1234"}}, {"cisco", []string{"cisco"}}}},
	"ftp": {
		"":        {{"admin", []string{"password"}}},
		"proftpd": {{"proftpd", []string{"proftpd"}}},
	},
	"postgresql": {"": {{"postgres", []string{"postgres", "password", "admin"}}}},
	"mysql":      {"": {{"root", []string{"root", "password"}}, {"mysql", []string{"mysql"}}}}, // the empty one is tried before
	"mqtt":       {"": {{"admin", []string{"public", "password"}}}},
	"mqtts":      {"": {{"admin", []string{"public", "password"}}}},
	"stomp":      {"": {{"system", []string{"manager"}}, {"admin", []string{"password"}}}},
	"mongodb":    {"": {{"admin", []string{"password"}}, {"root", []string{"example", "password"}}, {"mongo", []string{"mongo"}}}},
	"cassandra":  {"": {{"cassandra", []string{"cassandra"}}}},
	"bolt":       {"": {{"neo4j", []string{"neo4j", "password"}}}},
	"clickhouse": {"": {{"default", []string{"password"}}}},
	"amqp":       {"": {{"guest", []string{"guest"}}, {"admin", []string{"password"}}, {"rabbitmq", []string{"rabbitmq"}}, {"artemis", []string{"artemis"}}}},
}

// accountsFor gives what is tried at a protocol: the vendor's pairs first, then name as password, three tries an
// account at most.
func accountsFor(protocol, product string, names []string) []account {
	var out []account
	add := func(user string, passwords ...string) {
		i := slices.IndexFunc(out, func(a account) bool { return a.user == user })
		if i < 0 {
			out, i = append(out, account{user: user}), len(out)
		}
		for _, p := range passwords {
			if len(out[i].passwords) < maxTries && !slices.Contains(out[i].passwords, p) {
				out[i].passwords = append(out[i].passwords, p)
			}
		}
	}
	for _, name := range []string{product, ""} {
		if name == "" || name == product {
			for _, a := range vendors[protocol][name] {
				add(a.user, a.passwords...)
			}
		}
	}
	for _, name := range names {
		add(name, name)
	}
	return out
}

// tryAccount logs in to one service with a few passwords of one account.
type tryAccount func(context.Context, string, []string) (string, attempt)

const (
	maxBroken = 2
	parallel  = 3 // connections at once to one service
)

// defaultAccounts tries an invented account first: what takes it needs no password, and nothing more is tried. It stops
// at the second broken connection, as at a lock-out.
func (e *env) defaultAccounts(ctx context.Context, accounts []account, at int, try tryAccount) []scanlink.Finding {
	result, out := e.stranger(ctx, try)
	if result != rejected {
		return out
	}
	return e.tryAll(ctx, accounts, at, try)
}

// stranger tries an invented account, and gives a finding where it was let in.
func (e *env) stranger(ctx context.Context, try tryAccount) (attempt, []scanlink.Finding) {
	if !e.o.Logins || *e.open {
		return unavailable, nil
	}
	_, result := try(ctx, canary(), []string{canary()})
	if result != accepted {
		return result, nil
	}
	*e.open = true
	return accepted, one(e.found("anon."+protocol(e.t), []byte("login under an invented name"), nil, "Any name and password are taken."))
}

// tryAll goes through the accounts, some at a time, and gives a finding for each that was let in, in their order.
func (e *env) tryAll(ctx context.Context, accounts []account, at int, try tryAccount) []scanlink.Finding {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var failed atomic.Int32
	in := make([]*string, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(at)
	for i, a := range accounts {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			password, result := try(ctx, a.user, a.passwords)
			switch result {
			case accepted:
				in[i] = &password
			case unavailable:
				stop()
			case broken:
				if failed.Add(1) >= maxBroken {
					stop()
				}
			case rejected:
			}
			return nil
		})
	}
	_ = group.Wait()
	var out []scanlink.Finding
	for i, a := range accounts {
		if in[i] != nil {
			out = append(out, e.login(a.user, *in[i], nil))
		}
	}
	return out
}
