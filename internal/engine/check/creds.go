package check

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

// credsChecks try default accounts; each runs only where Options.Logins allows it. Those of mailboxes are in mailLogins.
var credsChecks = []check{
	{"creds-ssh", []string{"creds", "anon.ssh"}, over("tcp", "ssh"), credsSSH},
	{"creds-ftp", []string{"creds", "anon.ftp"}, over("tcp", "ftp"), credsFTP},
	{"creds-telnet", []string{"creds", "anon.telnet"}, over("tcp", "telnet"), credsTelnet},
}

func (e *env) accounts() []account { return accountsFor(protocol(e.t), e.t.Service.Product, common) }

func credsSSH(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.accounts(), parallel, e.sshLogin)
}

// credsFTP leaves out the names that mean the anonymous account, which takes any password.
func credsFTP(ctx context.Context, e *env) []scanlink.Finding {
	accounts := slices.DeleteFunc(e.accounts(), func(a account) bool { return a.user == "ftp" || a.user == "anonymous" })
	return e.defaultAccounts(ctx, accounts, parallel, e.eachPassword(e.ftpTry))
}

// eachPassword turns a try of one password into a try of an account.
func (e *env) eachPassword(try func(context.Context, string, string) attempt) tryAccount {
	return func(ctx context.Context, user string, passwords []string) (string, attempt) {
		result := rejected
		for _, p := range passwords {
			if result = try(ctx, user, p); result != rejected {
				return p, result
			}
		}
		return "", result
	}
}

func (e *env) ftpTry(ctx context.Context, user, password string) attempt {
	l, greeting, err := e.greeted(ctx)
	if err != nil || greeting != "" && !strings.HasPrefix(greeting, "220") {
		return broken
	}
	defer l.close()
	switch code := l.command("USER " + user); code {
	case 230:
		return accepted
	case 331:
	case 0, 421:
		return broken
	case 530:
		if sealed(e.t) || greeting == "" {
			return rejected
		}
		return unavailable // only the anonymous, or only by TLS
	default:
		return rejected
	}
	switch l.command("PASS " + password) {
	case 230:
		return accepted
	case 0, 421:
		return broken
	}
	return rejected
}

func credsTelnet(ctx context.Context, e *env) []scanlink.Finding {
	return e.defaultAccounts(ctx, e.accounts(), parallel, e.eachPassword(e.telnetTry))
}

const (
	telnetIAC  = 255
	telnetDont = 254
	telnetDo   = 253
	telnetWont = 252
	telnetWill = 251
	telnetSB   = 250
	telnetSE   = 240
)

// telnetText takes the commands out of what a telnet server sends and gives the answers that refuse every option
// (RFC 854, RFC 1143).
func telnetText(b []byte) (text, answer []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] != telnetIAC {
			text = append(text, b[i])
			continue
		}
		if i+1 >= len(b) {
			break
		}
		switch command := b[i+1]; {
		case command == telnetIAC:
			text = append(text, telnetIAC)
			i++
		case command == telnetSB:
			end := bytes.Index(b[i:], []byte{telnetIAC, telnetSE})
			if end < 0 {
				return text, answer
			}
			i += end + 1
		case command >= telnetWill && i+2 < len(b):
			switch command {
			case telnetDo:
				answer = append(answer, telnetIAC, telnetWont, b[i+2])
			case telnetWill:
				answer = append(answer, telnetIAC, telnetDont, b[i+2])
			}
			i += 2
		default:
			i++
		}
	}
	return text, answer
}

var (
	askName     = regexp.MustCompile(`(?i)(login|user ?name|user|account)\s*:\s*$`)
	askPassword = regexp.MustCompile(`(?i)(password|passcode)[^\n]{0,20}:\s*$`)
	refusal     = regexp.MustCompile(`(?i)(incorrect|invalid|fail|denied|wrong|bad (password|login)|not allowed|login:\s*$|user ?name:\s*$|too many)`)
	prompt      = regexp.MustCompile(`[$#>%]\s*(\x1b\[[0-9;?]*[a-zA-Z])*\s*$`)
)

// telnetTry logs in by the prompts and takes a shell's or a menu's prompt for success. It runs nothing.
func (e *env) telnetTry(ctx context.Context, user, password string) attempt {
	c, err := e.dial(ctx)
	if err != nil {
		return broken
	}
	defer c.Close()
	t := &telnet{env: e, conn: c}
	if !t.expect(askName) {
		if t.seen(askPassword) {
			return unavailable // a password without a name: other pairs than ours
		}
		return broken
	}
	if !t.say(user) || !t.expect(askPassword) {
		return rejected
	}
	if !t.say(password) {
		return broken
	}
	if t.expect(prompt) && !t.seen(refusal) {
		return accepted
	}
	if len(t.text) == 0 {
		return broken
	}
	return rejected
}

type telnet struct {
	*env
	conn interface {
		Read([]byte) (int, error)
		Write([]byte) (int, error)
		SetReadDeadline(time.Time) error
	}
	text []byte // since the last line said
}

func (t *telnet) seen(r *regexp.Regexp) bool { return r.Match(bytes.TrimRight(t.text, "\x00")) }

func (t *telnet) say(text string) bool {
	t.text = nil
	_, err := t.conn.Write([]byte(text + "\r\n"))
	return err == nil
}

// expect reads until the text fits, a refusal has come, or nothing comes any more.
func (t *telnet) expect(want *regexp.Regexp) bool {
	deadline := time.Now().Add(2 * wait)
	buf := make([]byte, 4096)
	for len(t.text) < maxReply && time.Now().Before(deadline) {
		_ = t.conn.SetReadDeadline(deadline)
		k, err := t.conn.Read(buf)
		text, answer := telnetText(buf[:k])
		t.text = append(t.text, text...)
		if len(answer) > 0 {
			if _, err := t.conn.Write(answer); err != nil {
				return false
			}
		}
		if t.seen(want) {
			return true
		}
		if want == prompt && t.seen(refusal) {
			return false
		}
		if err != nil {
			return false
		}
	}
	return false
}
