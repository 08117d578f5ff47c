package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// remoteChecks look for control of a machine, and for repositories, that ask for no login.
var remoteChecks = []check{
	{"anon-shell", []string{"anon.shell"}, unknownOrTelnet, anonShell},
	{"anon-adb", []string{"anon.adb"}, maybe("tcp", []uint16{5555}, "adb"), anonADB},
	{"anon-ipmi", []string{"anon.ipmi", "info.ipmi"}, maybe("udp", []uint16{623}, "ipmi", "asf-rmcp"), anonIPMI},
	{"anon-git", []string{"anon.git"}, maybe("tcp", []uint16{9418}, "git"), anonGit},
}

func unknownOrTelnet(t wire.Target) bool {
	name := protocol(t)
	return t.Service.Protocol == "tcp" && (name == "" || name == "telnet" || name == "bindshell")
}

// anonShell asks for a sum to be written: only a shell works it out. It waits for a prompt first, so that nothing is
// typed into another protocol.
func anonShell(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Active {
		return nil
	}
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	t := &telnet{env: e, conn: c}
	greeting, _ := wire.Read(c, 4096, 2*time.Second)
	t.text, _ = telnetText(greeting)
	if !t.seen(prompt) || t.seen(askName) || t.seen(askPassword) {
		return nil
	}
	word := canary()
	request := "echo " + word + "$((17*3))\n"
	if _, err := c.Write([]byte(request)); err != nil {
		return nil
	}
	reply, err := wire.Read(c, 4096, wait)
	if err != nil || !bytes.Contains(reply, []byte(word+"51")) {
		return nil
	}
	return e.opened(e.found("anon.shell", []byte(request), append(greeting, reply...), "A shell runs commands for anybody; it worked out a sum."))
}

// anonADB greets an Android debugger: one that wants a key answers AUTH.
func anonADB(ctx context.Context, e *env) []scanlink.Finding {
	banner := "host::\x00"
	request := adbMessage("CNXN", 0x01000000, 4096, banner)
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 24 || string(reply[:4]) != "CNXN" {
		return nil
	}
	return e.opened(e.found("anon.adb", request, reply, "The Android debugger takes anybody, which is control of the device."))
}

func adbMessage(command string, first, second uint32, data string) []byte {
	sum := uint32(0)
	for i := range len(data) {
		sum += uint32(data[i])
	}
	word := binary.LittleEndian.Uint32([]byte(command))
	var b []byte
	for _, v := range []uint32{word, first, second, uint32(len(data)), sum, ^word} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, data...)
}

// anonIPMI asks for the channel's ways to authenticate (IPMI 2.0 section 22.13), which a controller tells before login.
func anonIPMI(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{6, 0, 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x20, 0x18, 0xc8, 0x81, 0, 0x38, 0x8e, 4, 0xb5}
	reply, err := e.askOnce(ctx, request, udpWait)
	if err != nil || len(reply) < 25 || reply[0] != 6 || reply[3] != 7 || reply[19] != 0x38 || reply[20] != 0 {
		return nil
	}
	types, users := reply[22], reply[23]
	out := one(e.found("info.ipmi", request, reply, fmt.Sprintf("A management controller tells how it authenticates (types %#02x, users %#02x).", types, users)))
	if users&1 != 0 || types&1 != 0 {
		out = append(out, e.opened(e.found("anon.ipmi", request, reply, "The management controller lets in a user without name and password."))...)
	}
	return out
}

// gitPaths are usual places of repositories.
var gitPaths = []string{"/", "/repo.git", "/repo", "/project.git", "/app.git", "/site.git", "/code.git", "/config.git", "/test.git", "/src.git", "/web.git", "/www.git"}

// anonGit asks the git daemon for the list of branches.
func anonGit(ctx context.Context, e *env) []scanlink.Finding {
	host := e.t.Name()
	if host == "" {
		host = e.t.Host.Address.Unmap().String()
	}
	for _, path := range gitPaths {
		line := "git-upload-pack " + path + "\x00host=" + host + "\x00"
		request := fmt.Sprintf("%04x%s", len(line)+4, line)
		reply, err := e.ask(ctx, []byte(request))
		if err != nil || len(reply) < 48 || !isHex(reply[4:44]) || !strings.Contains(string(reply[44:]), "\x00") {
			continue
		}
		f := e.found("anon.git", []byte(request), reply[:min(len(reply), 1024)], "The repository "+path+" may be cloned by anybody.")
		f.Path = path
		return e.opened(f)
	}
	return nil
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !strings.ContainsRune("0123456789abcdef", rune(c)) {
			return false
		}
	}
	return true
}
