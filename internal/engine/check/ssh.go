package check

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"

	"github.com/vedette/vedette/internal/scanlink"
)

var sshChecks = []check{
	{"ssh-algorithms", []string{"ssh.weak-kex", "ssh.weak-cipher", "ssh.weak-mac"}, over("tcp", "ssh"), sshAlgorithms},
}

// kexInit is what a server offers (RFC 4253 section 7.1).
type kexInit struct {
	kex, hostKeys []string
	ciphers, macs []string // of both directions together
}

const maxKexPacket = 35000 // RFC 4253 section 6.1

// readKexInit reads the first binary packet after the version lines.
func readKexInit(r io.Reader) (*kexInit, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 2 || size > maxKexPacket {
		return nil, errProtocol
	}
	packet := make([]byte, size)
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil, err
	}
	padding := int(packet[0])
	if padding+1 > len(packet) {
		return nil, errProtocol
	}
	return parseKexInit(packet[1 : len(packet)-padding])
}

func parseKexInit(payload []byte) (*kexInit, error) {
	s := cryptobyte.String(payload)
	var kind uint8
	if !s.ReadUint8(&kind) || kind != 20 || !s.Skip(16) {
		return nil, errProtocol
	}
	lists := make([][]string, 6)
	for i := range lists {
		var size uint32
		var text []byte
		if !s.ReadUint32(&size) || size > maxKexPacket || !s.ReadBytes(&text, int(size)) {
			return nil, errProtocol
		}
		if len(text) > 0 {
			lists[i] = strings.Split(string(text), ",")
		}
	}
	return &kexInit{kex: lists[0], hostKeys: lists[1], ciphers: merge(lists[2], lists[3]), macs: merge(lists[4], lists[5])}, nil
}

func merge(a, b []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range append(append([]string{}, a...), b...) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func (e *env) kexInit(ctx context.Context) (*kexInit, error) {
	l, err := e.lines(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	// Other lines may come before the version (RFC 4253 section 4.2).
	if _, err := l.until(func(text string) bool { return strings.HasPrefix(text, "SSH-") }); err != nil {
		return nil, err
	}
	if err := l.say("SSH-2.0-Vedette"); err != nil {
		return nil, err
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(wait))
	return readKexInit(l.r)
}

// weakKex are the exchanges that RFC 9142 says SHOULD NOT or MUST NOT be used.
func weakKex(name string) bool {
	switch name {
	case "diffie-hellman-group1-sha1", "diffie-hellman-group-exchange-sha1", "rsa1024-sha1":
		return true
	}
	return strings.HasPrefix(name, "gss-group1-sha1-") || strings.HasPrefix(name, "gss-gex-sha1-")
}

// weakCipher: broken ciphers (RFC 8758 for RC4), none, and CBC modes (CVE-2008-5161).
func weakCipher(name string) bool {
	base, _, _ := strings.Cut(name, "@")
	return base == "none" || strings.HasPrefix(base, "arcfour") || strings.HasPrefix(base, "des") || strings.HasSuffix(base, "-cbc") ||
		name == "rijndael-cbc@lysator.liu.se"
}

// weakMAC: MD5, tags cut to 96 bits, none.
func weakMAC(name string) bool {
	return name == "none" || strings.HasPrefix(name, "hmac-md5") || strings.HasPrefix(name, "hmac-sha1-96")
}

func sshAlgorithms(ctx context.Context, e *env) []scanlink.Finding {
	k, err := e.kexInit(ctx)
	if err != nil {
		return nil
	}
	var out []scanlink.Finding
	for _, list := range []struct {
		class, what string
		offered     []string
		weak        func(string) bool
	}{
		{"ssh.weak-kex", "key exchanges", k.kex, weakKex},
		{"ssh.weak-cipher", "ciphers", k.ciphers, weakCipher},
		{"ssh.weak-mac", "message authentication codes", k.macs, weakMAC},
	} {
		var weak []string
		for _, name := range list.offered {
			if list.weak(name) {
				weak = append(weak, name)
			}
		}
		if len(weak) > 0 {
			out = append(out, e.found(list.class, []byte("SSH_MSG_KEXINIT"), []byte(strings.Join(list.offered, ",")),
				fmt.Sprintf("Weak %s are offered: %s.", list.what, strings.Join(weak, ", "))))
		}
	}
	return out
}

// sshLogin tries up to three passwords for one account on one connection, and by the questions of keyboard-interactive
// on a second where the server has no plain passwords. It gives the one that was let in.
func (e *env) sshLogin(ctx context.Context, user string, passwords []string) (password string, result attempt) {
	password, result = e.sshTry(ctx, user, passwords, func(give func() (string, error)) ssh.AuthMethod {
		return ssh.RetryableAuthMethod(ssh.PasswordCallback(give), len(passwords))
	})
	if result != unavailable {
		return password, result
	}
	return e.sshTry(ctx, user, passwords, func(give func() (string, error)) ssh.AuthMethod {
		return ssh.RetryableAuthMethod(ssh.KeyboardInteractive(answerAll(give)), len(passwords))
	})
}

func (e *env) sshTry(ctx context.Context, user string, passwords []string, method func(func() (string, error)) ssh.AuthMethod) (string, attempt) {
	conn, err := e.dial(ctx)
	if err != nil {
		return "", broken
	}
	defer conn.Close()
	next := 0
	give := func() (string, error) {
		if next >= len(passwords) {
			return "", errSpent
		}
		next++
		return passwords[next-1], nil
	}
	config := &ssh.ClientConfig{
		User: user, HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // nothing secret is sent
		Auth: []ssh.AuthMethod{method(give)},
	}
	good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	config.KeyExchanges = append(good.KeyExchanges, bad.KeyExchanges...)
	config.Ciphers = append(good.Ciphers, bad.Ciphers...)
	config.MACs = append(good.MACs, bad.MACs...)
	config.HostKeyAlgorithms = append(good.HostKeys, bad.HostKeys...)
	client, channels, requests, err := ssh.NewClientConn(conn, e.t.AddrPort().String(), config)
	if err != nil {
		return "", sshFailure(err, next > 0)
	}
	go ssh.DiscardRequests(requests)
	go func() {
		for c := range channels {
			_ = c.Reject(ssh.Prohibited, "")
		}
	}()
	client.Close()
	if next == 0 {
		return "", accepted // by the method none: no password at all
	}
	return passwords[next-1], accepted
}

// sshFailure judges a failed handshake: the library tells refusals by their text alone.
func sshFailure(err error, asked bool) attempt {
	switch {
	case asked:
		return rejected // also where the server hung up after the last try
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "unexpected message type 51"):
		return unavailable // no passwords here
	}
	return broken
}

var errSpent = errors.New("no more passwords")

// answerAll gives the password to a single hidden question, which is what PAM asks.
func answerAll(give func() (string, error)) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		password, err := give()
		if err != nil {
			return nil, err
		}
		answers := make([]string, len(questions))
		for i := range answers {
			if !echos[i] {
				answers[i] = password
			}
		}
		return answers, nil
	}
}
