package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

const maxModules = 20

// rsyncVersion is an old protocol that every server still takes and that needs no agreement on checksums.
const rsyncVersion = "@RSYNCD: 29.0"

func anonRsync(ctx context.Context, e *env) []scanlink.Finding {
	var out []scanlink.Finding
	for _, module := range e.rsyncModules(ctx) {
		l := e.rsyncOpen(ctx, module)
		if l == nil {
			continue
		}
		f := e.found("anon.rsync", []byte(module), []byte(l.log.String()), "The module "+module+" opens without a password.")
		f.Path = module
		*e.open = true
		out = append(out, f)
		if e.o.Active {
			if answer := l.rsyncReceives(module); answer != nil {
				w := e.found("anon.rsync-write", []byte("rsync --server . "+module+"/ with an empty list of files"), answer,
					"The module "+module+" takes files from anybody; none was sent.")
				w.Path = module
				out = append(out, w)
			}
		}
		l.close()
	}
	return out
}

func (e *env) rsyncStart(ctx context.Context) *lines {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	if greeting, err := l.read(); err != nil || !strings.HasPrefix(greeting, "@RSYNCD: ") || l.rsyncSay(rsyncVersion) != nil {
		l.close()
		return nil
	}
	return l
}

// rsyncSay ends lines with a line feed alone.
func (l *lines) rsyncSay(text string) error {
	l.note("> ", text)
	_, err := io.WriteString(l.conn, text+"\n")
	return err
}

func (e *env) rsyncModules(ctx context.Context) []string {
	l := e.rsyncStart(ctx)
	if l == nil {
		return nil
	}
	defer l.close()
	if l.rsyncSay("#list") != nil {
		return nil
	}
	var modules []string
	_, _ = l.until(func(text string) bool {
		name, _, tab := strings.Cut(text, "\t")
		if name = strings.TrimRight(name, " "); tab && name != "" && len(name) < 128 && len(modules) < maxModules {
			modules = append(modules, name)
		}
		return strings.HasPrefix(text, "@RSYNCD: EXIT") || strings.HasPrefix(text, "@ERROR")
	})
	return modules
}

// rsyncOpen gives a conversation in which the module was opened without a password, or nil.
func (e *env) rsyncOpen(ctx context.Context, module string) *lines {
	l := e.rsyncStart(ctx)
	if l == nil {
		return nil
	}
	if l.rsyncSay(module) == nil {
		end, err := l.until(func(text string) bool { return strings.HasPrefix(text, "@") })
		if err == nil && strings.HasPrefix(end, "@RSYNCD: OK") {
			return l
		}
	}
	l.close()
	return nil
}

// rsyncReceives offers the server an empty list of files to store. A read-only module refuses at once; one that would
// take files ends its first phase, which is the answer given. Nothing is written.
func (l *lines) rsyncReceives(module string) []byte {
	for _, argument := range []string{"--server", "-tr", ".", module + "/", ""} {
		if l.rsyncSay(argument) != nil {
			return nil
		}
	}
	// The end of the list, and no input error.
	if _, err := l.conn.Write([]byte{0, 0, 0, 0, 0}); err != nil {
		return nil
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(wait))
	var seed [4]byte
	if _, err := io.ReadFull(l.r, seed[:]); err != nil {
		return nil
	}
	return rsyncPhase(l.r)
}

// rsyncPhase reads multiplexed messages to the end of the generator's first phase (an index of -1).
func rsyncPhase(r io.Reader) []byte {
	var data []byte
	for range 50 {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil
		}
		word := binary.LittleEndian.Uint32(head[:])
		tag, size := int(word>>24)-7, int(word&0xffffff)
		if tag < 0 || size > maxReply {
			return nil
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil
		}
		if tag != 0 {
			if bytes.Contains(bytes.ToLower(body), []byte("error")) {
				return nil
			}
			continue
		}
		if data = append(data, body...); bytes.Contains(data, []byte{0xff, 0xff, 0xff, 0xff}) {
			return []byte(fmt.Sprintf("phase ended: %s", wire.Printable(data, 200)))
		}
	}
	return nil
}
