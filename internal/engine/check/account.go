package check

import (
	"context"
	"slices"

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
	"imap": {"": {{"postmaster", []string{"postmaster"}}}},
	"pop3": {"": {{"postmaster", []string{"postmaster"}}}},
}

// accountsFor gives what is tried at a protocol: the vendor's pairs first, then name as password, three tries an
// account at most. extra are names that the target itself told.
func accountsFor(protocol, product string, extra []string) []account {
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
	for _, name := range append(slices.Clone(common), extra...) {
		add(name, name)
	}
	return out
}

// tryAccount logs in to one service with a few passwords of one account.
type tryAccount func(context.Context, string, []string) (string, attempt)

const maxBroken = 2

// defaultAccounts tries an invented account first: what takes it needs no password, and nothing more is tried. It stops
// at the second broken connection in a row, as at a lock-out.
func (e *env) defaultAccounts(ctx context.Context, extra []string, try tryAccount) []scanlink.Finding {
	if !e.o.Logins || *e.open {
		return nil
	}
	name := canary()
	switch _, result := try(ctx, name, []string{canary()}); result {
	case accepted:
		*e.open = true
		return one(e.found("anon."+protocol(e.t), []byte("login under an invented name"), nil, "Any name and password are taken."))
	case unavailable, broken:
		return nil
	case rejected:
	}
	var out []scanlink.Finding
	failed := 0
	for _, a := range accountsFor(protocol(e.t), e.t.Service.Product, extra) {
		if ctx.Err() != nil || failed >= maxBroken {
			break
		}
		password, result := try(ctx, a.user, a.passwords)
		switch result {
		case accepted:
			out, failed = append(out, e.login(a.user, password, nil)), 0
		case broken:
			failed++
		case unavailable:
			return out
		case rejected:
			failed = 0
		}
	}
	return out
}
