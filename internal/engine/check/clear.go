package check

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// clearChecks look for logins and data that cross the network unencrypted.
var clearChecks = []check{
	{"clear-http", []string{"clear.http"}, clearOver("http"), clearHTTP},
	{"clear-telnet", []string{"clear.telnet"}, clearOver("telnet"), plainFinding("clear.telnet", "Telnet sends login and session in clear.")},
	{"clear-rlogin", []string{"clear.rlogin"}, clearOver("rlogin"), plainFinding("clear.rlogin", "rlogin trusts addresses and sends the session in clear.")},
	{"clear-rsh", []string{"clear.rsh"}, clearOver("rsh"), plainFinding("clear.rsh", "rsh trusts addresses and sends commands in clear.")},
	{"clear-rexec", []string{"clear.rexec"}, clearOver("rexec", "exec"), plainFinding("clear.rexec", "rexec sends name and password in clear.")},
	{"clear-ftp", []string{"clear.ftp"}, clearOver("ftp"), clearFTP},
	{"clear-imap-login", []string{"clear.imap-login"}, clearOver("imap"), clearIMAP},
	{"clear-pop3-login", []string{"clear.pop3-login"}, clearOver("pop3"), clearPOP3},
	{"clear-smtp-login", []string{"clear.smtp-login"}, clearOver("smtp"), clearSMTP},
	{"clear-ldap", []string{"clear.ldap"}, clearOver("ldap"), clearLDAP},
}

func clearOver(names ...string) func(wire.Target) bool {
	known := over("tcp", names...)
	return func(t wire.Target) bool { return known(t) && !sealed(t) }
}

// plainFinding is for protocols that have no encryption at all.
func plainFinding(class, detail string) func(context.Context, *env) []scanlink.Finding {
	return func(_ context.Context, e *env) []scanlink.Finding {
		return one(e.found(class, nil, []byte(e.t.Service.Banner), detail))
	}
}

// clearHTTP: a service in clear that does more than send everybody to https.
func clearHTTP(ctx context.Context, e *env) []scanlink.Finding {
	root, err := e.get(ctx, "/")
	if err != nil || root.toTLS() {
		return nil
	}
	return one(e.found("clear.http", root.request(), root.text(), "Pages are served without encryption."))
}

// clearFTP: USER is taken before TLS. RFC 4217 lets a server insist on it by 530 or 534 here.
func clearFTP(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	if code, _, err := l.reply(); err != nil || code != 220 {
		return nil
	}
	if code := l.command("USER " + canary()); code != 331 && code != 332 && code != 230 {
		return nil
	}
	return one(e.found("clear.ftp", nil, []byte(l.log.String()), "A name is taken without encryption, so passwords cross the network in clear."))
}

var loginDisabled = regexp.MustCompile(`(?i)\bLOGINDISABLED\b`)

// clearIMAP: RFC 3501 section 6.2.3 has LOGINDISABLED for servers that want TLS first; SASL PLAIN and LOGIN are as clear.
func clearIMAP(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	if greeting, err := l.read(); err != nil || !strings.HasPrefix(greeting, "* OK") || l.say("a1 CAPABILITY") != nil {
		return nil
	}
	capabilities := ""
	if _, err := l.until(func(text string) bool {
		if strings.HasPrefix(strings.ToUpper(text), "* CAPABILITY") {
			capabilities = text
		}
		return strings.HasPrefix(text, "a1 ")
	}); err != nil || capabilities == "" || (loginDisabled.MatchString(capabilities) && !offersPlain(strings.ReplaceAll(capabilities, "AUTH=", ""))) {
		return nil
	}
	return one(e.found("clear.imap-login", nil, []byte(l.log.String()), "LOGIN or PLAIN is offered without encryption."))
}

func offersPlain(words string) bool {
	return slices.ContainsFunc(strings.Fields(strings.ToUpper(words)), func(w string) bool { return w == "PLAIN" || w == "LOGIN" })
}

// clearPOP3 asks CAPA (RFC 2449); a server without it is asked USER, as all were once.
func clearPOP3(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	if greeting, err := l.read(); err != nil || !strings.HasPrefix(greeting, "+OK") || l.say("CAPA") != nil {
		return nil
	}
	first, err := l.read()
	if err != nil {
		return nil
	}
	clear := false
	if strings.HasPrefix(first, "+OK") {
		if _, err := l.until(func(text string) bool {
			upper := strings.ToUpper(text)
			clear = clear || upper == "USER" || (strings.HasPrefix(upper, "SASL ") && offersPlain(upper))
			return text == "."
		}); err != nil {
			return nil
		}
	} else if l.say("USER "+canary()) == nil {
		answer, err := l.read()
		clear = err == nil && strings.HasPrefix(answer, "+OK")
	}
	if !clear {
		return nil
	}
	return one(e.found("clear.pop3-login", nil, []byte(l.log.String()), "A password may be given without encryption."))
}

// clearSMTP: AUTH LOGIN or PLAIN before STARTTLS.
func clearSMTP(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	if code, _, err := l.reply(); err != nil || code != 220 || l.say("EHLO scan.invalid") != nil {
		return nil
	}
	clear := false
	if _, err := l.until(func(text string) bool {
		if len(text) > 4 {
			word := strings.ReplaceAll(strings.ToUpper(text[4:]), "AUTH=", "AUTH ")
			clear = clear || (strings.HasPrefix(word, "AUTH ") && offersPlain(word[5:]))
		}
		return isReply(text)
	}); err != nil || !clear {
		return nil
	}
	return one(e.found("clear.smtp-login", nil, []byte(l.log.String()), "AUTH by PLAIN or LOGIN is offered without encryption."))
}

// clearLDAP binds with a name that cannot exist and a password: a server that judges the password took it in clear;
// one that wants encryption first says so (RFC 4511 appendix A: confidentialityRequired, strongerAuthRequired).
func clearLDAP(ctx context.Context, e *env) []scanlink.Finding {
	name := "cn=" + canary()
	reply, err := e.ask(ctx, ldapBind(name, "x"))
	if err != nil {
		return nil
	}
	code, ok := ldapResult(reply, 0x61)
	if !ok || code == 13 || code == 8 || (code != 49 && code != 32 && code != 34 && code != 0 && code != 48) {
		return nil
	}
	return one(e.found("clear.ldap", []byte("simple bind as "+name), reply, "A simple bind with a password is judged without encryption."))
}
