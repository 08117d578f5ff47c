package check

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// directoryCreds try well-known and weak logins of directories.
var directoryCreds = []check{
	{"creds-ldap", []string{"creds"}, over("tcp", "ldap"), credsLDAP},
}

// directoryAdmins are the names that servers and their setup tools give the account that may do everything, below each
// naming context, and below the root where a comma ends them.
var directoryAdmins = []account{
	{"cn=admin,", []string{"admin", "password", "secret"}}, {"cn=Manager,", []string{"secret", "manager", "password"}}, {"cn=root,", []string{"root", "secret"}},
}

var rootAdmins = []account{
	{"cn=admin,cn=config", []string{"admin", "password", "config"}}, {"uid=admin,ou=system", []string{"secret"}}, {"cn=Directory Manager", []string{"password", "admin"}},
}

const (
	maxContexts = 3
	maxTold     = 8
)

// credsLDAP binds by name and password (RFC 4513 section 5.1.3). That anybody may read the directory says nothing of its
// administrator, so it is done on open ones too; names that such a directory tells are tried with themselves.
func credsLDAP(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Logins {
		return nil
	}
	contexts, told, err := e.directory(ctx)
	if err != nil || len(contexts) == 0 {
		return nil
	}
	try := e.eachPassword(e.ldapTry)
	if _, result := try(ctx, "cn="+canary()+","+contexts[0], []string{canary()}); result != rejected {
		return nil // it takes no passwords here, or any
	}
	var accounts []account
	for _, base := range contexts {
		for _, a := range directoryAdmins {
			accounts = append(accounts, account{a.user + base, a.passwords})
		}
	}
	accounts = append(accounts, rootAdmins...)
	for _, dn := range told {
		first, _, _ := strings.Cut(dn, ",")
		_, name, _ := strings.Cut(first, "=")
		known := slices.ContainsFunc(accounts, func(a account) bool { return strings.EqualFold(a.user, dn) })
		if name != "" && !strings.ContainsAny(name, `\+ `) && !known {
			accounts = append(accounts, account{dn, []string{name}})
		}
	}
	return e.tryAll(ctx, accounts, 1, try)
}

func (e *env) dialDirectory(ctx context.Context) (net.Conn, error) {
	if e.t.Service.Tunnel == "starttls" {
		if c, err := e.dialUpgraded(ctx); err == nil {
			return c, nil
		}
	}
	return e.dial(ctx)
}

// directory gives the naming contexts, and entries of people as far as anybody may read them.
func (e *env) directory(ctx context.Context) (contexts, told []string, err error) {
	c, err := e.dialDirectory(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	roots, err := ldapSearch(c, "", 0, "namingContexts")
	if err != nil {
		return nil, nil, err
	}
	contexts = slices.DeleteFunc(ldapValues(roots), func(s string) bool { return len(s) > 200 || !strings.Contains(s, "=") })
	contexts = contexts[:min(len(contexts), maxContexts)]
	for _, base := range contexts {
		entries, err := ldapSearch(c, base, 2, "1.1")
		if err != nil {
			break
		}
		for _, dn := range ldapNames(entries) {
			lower := strings.ToLower(dn)
			if (strings.HasPrefix(lower, "uid=") || strings.HasPrefix(lower, "cn=")) && len(dn) < 200 && len(told) < maxTold {
				told = append(told, dn)
			}
		}
	}
	return contexts, told, nil
}

func (e *env) ldapTry(ctx context.Context, name, password string) attempt {
	c, err := e.dialDirectory(ctx)
	if err != nil {
		return broken
	}
	defer c.Close()
	if _, err := c.Write(ldapBind(name, password)); err != nil {
		return broken
	}
	reply, err := readBER(c)
	if err != nil {
		return broken
	}
	code, ok := ldapResult(reply, 0x61)
	switch {
	case !ok:
		return broken
	case code == 0:
		return accepted
	case code == 8, code == 13, code == 51, code == 52, code == 53: // wants more than this, or is busy or unwilling
		return unavailable
	}
	return rejected
}
