package check

import (
	"context"
	"fmt"

	"github.com/vedette/vedette/internal/scanlink"
)

// sqlChecks look for relational databases that take anybody.
var sqlChecks = []check{
	{"anon-postgresql", []string{"anon.postgresql", "creds"}, over("tcp", "postgresql"), anonPostgreSQL},
	{"anon-mysql", []string{"anon.mysql", "creds"}, over("tcp", "mysql"), anonMySQL},
}

// roleMissing is the routine that fails after a login without password for a role that is not there: the server did
// not ask, it merely has no such role.
const roleMissing = "InitializeSessionUserId"

// anonPostgreSQL tries a role that cannot exist, then the built-in one. The first tells whether the server trusts
// every name; without it, the second has an empty password.
func anonPostgreSQL(ctx context.Context, e *env) []scanlink.Finding {
	stranger, err := e.pgLogin(ctx, canary(), "", "postgres")
	if err != nil {
		return nil
	}
	trusts := stranger.ok || (stranger.routine == roleMissing && !stranger.asked)
	own, err := e.pgLogin(ctx, "postgres", "", "postgres")
	if err != nil || !own.ok {
		if !stranger.ok {
			return nil
		}
		own = stranger
	}
	if trusts {
		return e.opened(e.found("anon.postgresql", []byte("login as postgres without a password"), own.raw,
			fmt.Sprintf("The server asks for no password, whatever the role; it tells version %s.", own.version)))
	}
	return one(e.login("postgres", "", own.raw))
}

// anonMySQL tries a name that cannot exist, then root with an empty password.
func anonMySQL(ctx context.Context, e *env) []scanlink.Finding {
	stranger, err := e.mysqlLogin(ctx, canary(), "")
	if err != nil || stranger.refused() {
		return nil
	}
	if stranger.ok {
		return e.opened(e.found("anon.mysql", []byte("login under an invented name without a password"), stranger.raw, "The server takes any name without a password."))
	}
	if !e.o.Logins {
		return nil
	}
	root, err := e.mysqlLogin(ctx, "root", "")
	if err != nil || !root.ok {
		return nil
	}
	return one(e.login("root", "", root.raw))
}
