package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/crypto/ssh"
)

// ShellOptions of an SSH server that runs commands.
type ShellOptions struct {
	Version   string               // "OpenSSH_9.2p1 Debian-2+deb12u3"
	Password  string               // user/password that is taken; empty takes none
	Questions bool                 // asks for the password by keyboard-interactive alone
	Key       ssh.PublicKey        // taken of any user
	Run       func(string) string  // what a command prints
	Stall     func(string) bool    // commands that print for ever
	Tried     func(attempt string) // hears of each password that comes
}

// Shell is a real SSH server that answers commands with what Run gives; nothing is run.
func Shell(t testing.TB, o ShellOptions) netip.AddrPort {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config := shellConfig(o)
	config.AddHostKey(signer)
	return TCP(t, func(c net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for ch := range channels {
			if ch.ChannelType() != "session" {
				_ = ch.Reject(ssh.UnknownChannelType, "sessions only")
				continue
			}
			if channel, requests, err := ch.Accept(); err == nil {
				go o.session(channel, requests)
			}
		}
	})
}

var errWrong = errors.New("wrong")

func shellConfig(o ShellOptions) *ssh.ServerConfig {
	config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-" + o.Version, MaxAuthTries: 6}
	judge := func(user, password string) (*ssh.Permissions, error) {
		if o.Tried != nil {
			o.Tried(password)
		}
		if o.Password != "" && user+"/"+password == o.Password {
			return nil, nil
		}
		return nil, errWrong
	}
	config.KeyboardInteractiveCallback = func(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		answers, err := ask("", "", []string{"Password: "}, []bool{false})
		if err != nil || len(answers) != 1 {
			return nil, errWrong
		}
		return judge(m.User(), answers[0])
	}
	if !o.Questions {
		config.PasswordCallback = func(m ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return judge(m.User(), string(password))
		}
	}
	config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if o.Key != nil && string(o.Key.Marshal()) == string(key.Marshal()) {
			return nil, nil
		}
		return nil, errWrong
	}
	return config
}

// session answers one exec request (RFC 4254 section 6.5).
func (o ShellOptions) session(c ssh.Channel, requests <-chan *ssh.Request) {
	defer c.Close()
	for r := range requests {
		var exec struct{ Command string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &exec) != nil {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		for o.Stall != nil && o.Stall(exec.Command) {
			if _, err := io.WriteString(c, "another line of something\n"); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, o.Run(exec.Command))
		_, _ = c.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
		return
	}
}
