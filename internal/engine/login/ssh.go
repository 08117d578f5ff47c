package login

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

const (
	handshakeTime = 20 * time.Second
	commandTime   = 30 * time.Second
	smallOutput   = 256 << 10
	listOutput    = 4 << 20 // of a list of packages: 20,000 with a hundred bytes each are 2 MiB; as facts it must fit into one batch
)

// trySSH signs in and takes the host's inventory.
func trySSH(ctx context.Context, s *session) scanlink.Login {
	methods, err := sshMethods(s.credential)
	if err != nil {
		return failed(err.Error())
	}
	conn, err := s.net.Dial(ctx, "tcp", s.target.AddrPort())
	if err != nil {
		return failed("The port could not be reached.")
	}
	defer conn.Close()
	var hostKey string
	config := sshConfig(s.credential.Username, methods, &hostKey)
	_ = conn.SetDeadline(time.Now().Add(handshakeTime))
	c, channels, requests, err := ssh.NewClientConn(conn, s.target.AddrPort().String(), config)
	if err != nil {
		l := failed(sshRefusal(err))
		l.HostKey = hostKey
		return l
	}
	_ = conn.SetDeadline(time.Now().Add(budget))
	client := ssh.NewClient(c, channels, requests)
	defer client.Close()
	l := s.takeInventory(ctx, shell{client})
	l.HostKey = hostKey
	return l
}

// sshConfig offers the old algorithms last: old machines are what is looked for. The key of the host is kept as a fact; a
// scanner that comes for the first time has nothing to hold it against.
func sshConfig(user string, methods []ssh.AuthMethod, hostKey *string) *ssh.ClientConfig {
	good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	config := &ssh.ClientConfig{User: user, Auth: methods, ClientVersion: "SSH-2.0-Vedette", HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
		*hostKey = key.Type() + " " + ssh.FingerprintSHA256(key)
		return nil
	}}
	config.KeyExchanges = append(good.KeyExchanges, bad.KeyExchanges...)
	config.Ciphers = append(good.Ciphers, bad.Ciphers...)
	config.MACs = append(good.MACs, bad.MACs...)
	config.HostKeyAlgorithms = append(good.HostKeys, bad.HostKeys...)
	return config
}

// sshMethods are the key where there is one, and the password once: by its own method, or by the questions of
// keyboard-interactive where the server has no plain passwords. With a key the password is the key's own.
func sshMethods(c scanlink.Credential) ([]ssh.AuthMethod, error) {
	if c.Key != "" {
		signer, err := ssh.ParsePrivateKey([]byte(c.Key))
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) && c.Password != "" {
			signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(c.Key), []byte(c.Password))
		}
		if err != nil {
			return nil, errors.New("The private key cannot be read, or its passphrase is wrong.") //nolint:staticcheck // a sentence for the result
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nil
	}
	given := false
	password := func() (string, error) {
		if given {
			return "", errSpent
		}
		given = true
		return c.Password, nil
	}
	questions := func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range questions {
			if echos[i] {
				continue
			}
			answer, err := password()
			if err != nil {
				return nil, err
			}
			answers[i] = answer
		}
		return answers, nil
	}
	return []ssh.AuthMethod{ssh.PasswordCallback(password), ssh.KeyboardInteractive(questions)}, nil
}

var errSpent = errors.New("the password was refused")

// sshRefusal tells why a login failed; the library says so by text alone, and the text may hold what the server sent.
func sshRefusal(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, errSpent), strings.Contains(text, errSpent.Error()), strings.Contains(text, "unable to authenticate"):
		return "The server refuses the user name, password or key."
	case strings.Contains(text, "no common algorithm"):
		return "Scanner and server have no algorithm in common."
	}
	return "The connection ended before the login was complete."
}

// shell runs one command a session.
type shell struct{ client *ssh.Client }

// run gives what a command prints, up to the limit. The command is one of this program's own texts, never made of what a
// target said.
func (s shell) run(ctx context.Context, command string, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	session, err := s.client.NewSession()
	if err != nil {
		return nil, err
	}
	defer session.Close()
	defer context.AfterFunc(ctx, func() { session.Close() })()
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start("sh -c " + quote(command)); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(out, int64(limit)))
	if ctx.Err() != nil {
		return b, ctx.Err()
	}
	return b, err
}

// quote makes a text one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// text is printable output for evidence.
func text(b []byte) string { return wire.Printable(b, 4000) }
