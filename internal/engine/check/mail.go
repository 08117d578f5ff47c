package check

import (
	"context"
	"fmt"
	"regexp"
	"strings"

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

// foreignMail is a recipient of a domain that is kept for examples (RFC 2606).
const foreignMail = "<probe@example.org>"

// relays are pairs of sender and recipient: both foreign, the empty sender of bounces, a sender of the server's own, and
// recipients in which a foreign one hides (source routes of RFC 5321 appendix C, and the forms of older networks).
func relays(own []string) [][2]string {
	pairs := [][2]string{{"<probe@example.com>", foreignMail}, {"<>", foreignMail}}
	for _, d := range own {
		pairs = append(pairs, [2]string{"<probe@" + d + ">", foreignMail})
	}
	for _, d := range own[:min(len(own), 1)] { // servers hang up after ten or twenty refusals
		pairs = append(pairs, [2]string{"<probe@example.com>", "<@" + d + ":probe@example.org>"}, [2]string{"<probe@example.com>", "<probe%example.org@" + d + ">"},
			[2]string{"<probe@example.com>", "<\"probe@example.org\"@" + d + ">"}, [2]string{"<probe@example.com>", "<example.org!probe@" + d + ">"})
	}
	return pairs
}

// ownDomains are what the server calls itself: the name of its greeting with its parent, and its address.
func (e *env) ownDomains(greeting string) []string {
	var own []string
	if fields := strings.Fields(strings.TrimPrefix(greeting, "< 220")); len(fields) > 0 {
		if name := strings.ToLower(strings.TrimPrefix(fields[0], "-")); mailDomain.MatchString(name) {
			own = append(own, name)
			if _, parent, ok := strings.Cut(name, "."); ok && strings.Contains(parent, ".") {
				own = append(own, parent)
			}
		}
	}
	return append(own, "["+e.t.Host.Address.Unmap().String()+"]", "localhost")
}

var mailDomain = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// openRelay asks for a way for foreign mail and never sends any: RSET follows the recipient.
func openRelay(ctx context.Context, e *env) []scanlink.Finding {
	l := e.smtp(ctx)
	if l == nil {
		return nil
	}
	defer l.close()
	greeting, _, _ := strings.Cut(l.log.String(), "\n")
	for _, pair := range relays(e.ownDomains(greeting)) {
		code := l.takes(pair)
		if code == 0 { // it hangs up after some refusals
			return nil
		}
		if code == 250 || code == 251 {
			// What hides a foreign recipient proves nothing where any local part is taken.
			if pair[1] != foreignMail && l.takesAny(pair) {
				continue
			}
			_ = l.say("QUIT")
			return one(e.found("smtp.open-relay", []byte(fmt.Sprintf("MAIL FROM:%s, RCPT TO:%s", pair[0], pair[1])), []byte(l.log.String()),
				"Mail of strangers to a foreign recipient is taken. None was sent."))
		}
	}
	_ = l.say("QUIT")
	return nil
}

// takesAny says that an invented recipient of the same last domain is taken as well.
func (l *lines) takesAny(pair [2]string) bool {
	domain := pair[1][strings.LastIndexAny(pair[1], "@:")+1:]
	code := l.takes([2]string{pair[0], "<" + canary() + "@" + domain})
	return code == 250 || code == 251
}

// takes gives the answer to a recipient, and takes it back; 0 where the connection broke.
func (l *lines) takes(pair [2]string) int {
	code := l.command("MAIL FROM:" + pair[0])
	if code == 250 {
		code = l.command("RCPT TO:" + pair[1])
	} else if code != 0 {
		code = 550
	}
	if l.command("RSET") == 0 {
		return 0
	}
	return code
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
