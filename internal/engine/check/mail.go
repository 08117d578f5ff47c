package check

import (
	"context"
	"fmt"

	"github.com/vedette/vedette/internal/scanlink"
)

var mailChecks = []check{
	{"smtp-open-relay", []string{"smtp.open-relay"}, over("tcp", "smtp"), openRelay},
	{"smtp-vrfy", []string{"smtp.vrfy"}, over("tcp", "smtp"), vrfy},
}

func (e *env) smtp(ctx context.Context) *lines {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	if code, _, err := l.reply(); err == nil && code == 220 {
		if l.command("EHLO scan.invalid") == 250 || l.command("HELO scan.invalid") == 250 {
			return l
		}
	}
	l.close()
	return nil
}

// relays are pairs of sender and recipient that are both foreign (domains of RFC 2606), and the empty sender of bounces.
var relays = [][2]string{
	{"<probe@example.com>", "<probe@example.org>"},
	{"<>", "<probe@example.org>"},
}

// openRelay asks for a way for foreign mail and never sends any: RSET follows the recipient.
func openRelay(ctx context.Context, e *env) []scanlink.Finding {
	l := e.smtp(ctx)
	if l == nil {
		return nil
	}
	defer l.close()
	for _, pair := range relays {
		if l.command("MAIL FROM:"+pair[0]) != 250 {
			l.command("RSET")
			continue
		}
		code := l.command("RCPT TO:" + pair[1])
		l.command("RSET")
		if code == 250 || code == 251 {
			_ = l.say("QUIT")
			return one(e.found("smtp.open-relay", []byte(fmt.Sprintf("MAIL FROM:%s, RCPT TO:%s", pair[0], pair[1])), []byte(l.log.String()),
				"Mail from a foreign sender to a foreign recipient is taken. None was sent."))
		}
	}
	_ = l.say("QUIT")
	return nil
}

// vrfy: 250 and 251 tell that an account is there; 252 tells nothing (RFC 5321 section 3.5.3), unless an invented one is
// refused.
func vrfy(ctx context.Context, e *env) []scanlink.Finding {
	l := e.smtp(ctx)
	if l == nil {
		return nil
	}
	defer l.close()
	for _, user := range []string{"postmaster", "root"} {
		for _, verb := range []string{"VRFY ", "EXPN "} {
			code := l.command(verb + user)
			if code < 250 || code > 252 {
				continue
			}
			stranger := l.command(verb + canary())
			if code != 252 || stranger >= 550 && stranger <= 553 {
				detail := "An invented account is answered otherwise, so accounts can be told apart."
				if stranger == code {
					detail = "An invented account is answered alike."
				}
				_ = l.say("QUIT")
				return one(e.found("smtp.vrfy", []byte(verb+user), []byte(l.log.String()), "The server answers whether an account is there. "+detail))
			}
		}
	}
	_ = l.say("QUIT")
	return nil
}
