package check

import (
	"context"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// fileChecks look for files that are readable or writable without login.
var fileChecks = []check{
	{"anon-ftp", []string{"anon.ftp", "anon.ftp-write"}, over("tcp", "ftp"), anonFTP},
	{"anon-rsync", []string{"anon.rsync", "anon.rsync-write"}, maybe("tcp", []uint16{873}, "rsync"), anonRsync},
	{"anon-tftp", []string{"anon.tftp"}, maybe("udp", []uint16{69}, "tftp"), anonTFTP},
}

func anonFTP(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	if code, _, err := l.reply(); err != nil || code != 220 {
		return nil
	}
	if !l.ftpLogin("anonymous", "scan@example.com") {
		return nil
	}
	listing := e.ftpList(ctx, l, "")
	f := e.found("anon.ftp", []byte("USER anonymous"), []byte(l.log.String()), "Anybody may log in as anonymous.\n"+firstLines(listing, 20))
	*e.open = e.ftpTakesAnybody(ctx)
	out := one(f)
	if e.o.Active {
		out = append(out, e.ftpWrite(ctx, l, listing)...)
	}
	_ = l.say("QUIT")
	return out
}

// ftpTakesAnybody says whether an invented account with an invented password is let in too.
func (e *env) ftpTakesAnybody(ctx context.Context) bool {
	l, err := e.lines(ctx)
	if err != nil {
		return false
	}
	defer l.close()
	if _, _, err := l.reply(); err != nil {
		return false
	}
	return l.ftpLogin(canary(), canary())
}

func (l *lines) ftpLogin(user, password string) bool {
	switch l.command("USER " + user) {
	case 230:
		return true
	case 331:
		return l.command("PASS "+password) == 230
	}
	return false
}

var ftpPort = regexp.MustCompile(`\((\d{1,3},\d{1,3},\d{1,3},\d{1,3}),(\d{1,3}),(\d{1,3})\)|\(\|\|\|(\d{1,5})\|\)`)

// ftpData opens a data connection to the control connection's address, whatever address the server names.
func (e *env) ftpData(ctx context.Context, l *lines) (io.ReadWriteCloser, error) {
	command := "PASV"
	if e.t.Host.Address.Unmap().Is6() {
		command = "EPSV"
	}
	if err := l.say(command); err != nil {
		return nil, err
	}
	_, text, err := l.reply()
	if err != nil {
		return nil, err
	}
	port, ok := passivePort(text)
	if !ok {
		return nil, errProtocol
	}
	c, err := e.n.Dial(ctx, "tcp", netip.AddrPortFrom(e.t.Host.Address, port))
	if err != nil {
		return nil, err
	}
	return c, nil
}

func passivePort(text string) (uint16, bool) {
	m := ftpPort.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	if m[4] != "" {
		p, err := strconv.ParseUint(m[4], 10, 16)
		return uint16(p), err == nil && p > 0
	}
	high, err1 := strconv.ParseUint(m[2], 10, 8)
	low, err2 := strconv.ParseUint(m[3], 10, 8)
	return uint16(high<<8 | low), err1 == nil && err2 == nil && high+low > 0
}

func (e *env) ftpList(ctx context.Context, l *lines, dir string) []string {
	c, err := e.ftpData(ctx, l)
	if err != nil {
		return nil
	}
	defer c.Close()
	if code := l.command(strings.TrimSpace("LIST " + dir)); code != 150 && code != 125 {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(c, maxReply))
	c.Close()
	_, _, _ = l.reply()
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(string(b)), "\r", ""), "\n")
	return lines[:min(len(lines), 200)]
}

func firstLines(all []string, n int) string {
	return wire.Printable([]byte(strings.Join(all[:min(len(all), n)], "\n")), 2048)
}

const maxWriteTries = 8

// ftpWrite puts a canary where the listing says a stranger may write, then where such folders usually are, and removes
// it. A server may let files in and not let them be removed; the evidence then names the file.
func (e *env) ftpWrite(ctx context.Context, l *lines, listing []string) []scanlink.Finding {
	dirs := append(ftpDirs(listing), "")
	for _, dir := range dirs[:min(len(dirs), maxWriteTries)] {
		file := strings.TrimPrefix(dir+"/"+canary()+".txt", "/")
		if !e.ftpStore(ctx, l, file) {
			continue
		}
		end := "The test file was removed again."
		if l.command("DELE "+file) != 250 {
			end = "The server does not let anybody remove the test file."
		}
		f := e.found("anon.ftp-write", []byte("STOR "+file), []byte(tail(l.log.String(), 1500)), "Anybody may store files. "+end)
		f.Path = "/" + dir
		return one(f)
	}
	return nil
}

func (e *env) ftpStore(ctx context.Context, l *lines, file string) bool {
	c, err := e.ftpData(ctx, l)
	if err != nil {
		return false
	}
	defer c.Close()
	if code := l.command("STOR " + file); code != 150 && code != 125 {
		return false
	}
	_, _ = io.WriteString(c, "Write test of a vulnerability scan; this file may be removed.\r\n")
	c.Close()
	code, _, err := l.reply()
	return err == nil && (code == 226 || code == 250)
}

// ftpDirs gives the folders of a Unix listing, those that the world may write to first.
func ftpDirs(listing []string) []string {
	var open, rest []string
	for _, line := range listing {
		fields := strings.Fields(line)
		if len(fields) < 9 || len(fields[0]) != 10 || fields[0][0] != 'd' {
			continue
		}
		name := strings.Join(fields[8:], " ")
		if name == "." || name == ".." || strings.ContainsAny(name, "/\r\n") {
			continue
		}
		if fields[0][8] == 'w' {
			open = append(open, name)
		} else if slices.Contains([]string{"incoming", "upload", "uploads", "pub", "public", "in", "drop", "tmp"}, strings.ToLower(name)) {
			rest = append(rest, name)
		}
	}
	return append(open, rest...)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
