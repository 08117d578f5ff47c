package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// smallChecks look for the old services that nobody needs, and for those that multiply a forged request.
var smallChecks = []check{
	{"small-echo", []string{"svc.small"}, maybe("tcp", []uint16{7}, "echo"), smallEcho},
	{"small-discard", []string{"svc.small"}, over("tcp", "discard", "systat", "netstat", "qotd", "tcpmux", "uucp"), plainFinding("svc.small", "A service from the early days of the network answers; nothing needs it.")},
	{"small-daytime", []string{"svc.small"}, maybe("tcp", []uint16{13}, "daytime"), smallDaytime},
	{"small-chargen", []string{"svc.small"}, maybe("tcp", []uint16{19}, "chargen"), smallChargen},
	{"small-time", []string{"svc.small"}, maybe("tcp", []uint16{37}, "time"), smallTime},
	{"small-smux", []string{"svc.small"}, maybe("tcp", []uint16{199}, "smux"), smallSMUX},
	{"small-daytime-udp", []string{"svc.small"}, maybe("udp", []uint16{13}, "daytime"), smallDaytime},
	{"small-time-udp", []string{"svc.small"}, maybe("udp", []uint16{37}, "time"), smallTime},
	{"amplification-chargen", []string{"amplification"}, maybe("udp", []uint16{19}, "chargen"), ampChargen},
	{"amplification-echo", []string{"amplification"}, maybe("udp", []uint16{7}, "echo"), ampEcho},
	{"amplification-qotd", []string{"amplification"}, maybe("udp", []uint16{17}, "qotd"), ampQuote},
	{"finger-users", []string{"info.users"}, maybe("tcp", []uint16{79}, "finger"), fingerUsers},
	{"ntp-mode6", []string{"ntp.mode6"}, maybe("udp", []uint16{123}, "ntp"), ntpMode6},
	{"ntp-monlist", []string{"ntp.monlist"}, maybe("udp", []uint16{123}, "ntp"), ntpMonlist},
}

const (
	snmpWait = 2 * time.Second
	udpWait  = 3 * time.Second
)

// askOnce is ask for datagrams: the first answer within the time.
func (e *env) askOnce(ctx context.Context, request []byte, patience time.Duration) ([]byte, error) {
	c, err := e.n.Dial(ctx, e.t.Service.Protocol, e.t.AddrPort())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 64<<10)
	k, err := c.Read(buf)
	if err != nil {
		return nil, err
	}
	return buf[:k], nil
}

// askHere asks once, by the transport of the service.
func (e *env) askHere(ctx context.Context, request []byte) ([]byte, error) {
	if e.t.Service.Protocol == "udp" {
		return e.askOnce(ctx, request, udpWait)
	}
	return e.ask(ctx, request)
}

func (e *env) small(request, reply []byte, what string) []scanlink.Finding {
	return one(e.found("svc.small", request, reply[:min(len(reply), 512)], what+" is running; nothing needs it."))
}

func smallEcho(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte(canary() + "\r\n")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.Equal(reply, request) {
		return nil
	}
	return e.small(request, reply, "The echo service (RFC 862)")
}

var clockTime = regexp.MustCompile(`\b\d{1,2}:\d{2}:\d{2}\b`)

func smallDaytime(ctx context.Context, e *env) []scanlink.Finding {
	reply, err := e.askHere(ctx, e.nudge())
	if err != nil || len(reply) > 128 || !clockTime.Match(reply) {
		return nil
	}
	return e.small(nil, reply, "The daytime service (RFC 867)")
}

// nudge makes a datagram service speak; over TCP the connection is enough.
func (e *env) nudge() []byte {
	if e.t.Service.Protocol == "udp" {
		return []byte("\r\n")
	}
	return nil
}

// pattern is a piece of the character generator's text, as nearly all write it (RFC 864).
const pattern = "0123456789:;<=>?@ABCDEFGHIJ"

func smallChargen(ctx context.Context, e *env) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	reply, err := wire.Read(c, 2048, wait)
	if err != nil || !bytes.Contains(reply, []byte(pattern)) {
		return nil
	}
	return e.small(nil, reply, "The character generator (RFC 864)")
}

// timeOffset is from the epoch of RFC 868 to that of Unix.
const timeOffset = 2208988800

func smallTime(ctx context.Context, e *env) []scanlink.Finding {
	reply, err := e.askHere(ctx, e.nudge())
	if err != nil || len(reply) != 4 {
		return nil
	}
	off := int64(binary.BigEndian.Uint32(reply)) - timeOffset - clock.Now().Unix()
	if off < -30*86400 || off > 30*86400 {
		return nil
	}
	return e.small(nil, []byte(fmt.Sprintf("%x", reply)), "The time service (RFC 868)")
}

// smallSMUX opens a session as an SNMP sub-agent that cannot exist (RFC 1227): only a SMUX master closes it in kind.
func smallSMUX(ctx context.Context, e *env) []scanlink.Finding {
	open := []byte{0x60, 0x11, 2, 1, 0, 6, 3, 0x2b, 6, 1, 4, 3, 'v', 'd', 't', 4, 2, 'x', 'x'}
	reply, err := e.ask(ctx, open)
	known := protocol(e.t) == "smux"
	answered := err == nil && len(reply) >= 3 && (reply[0] == 0x41 || reply[0] == 0x43)
	if !known && !answered {
		return nil
	}
	return e.small(open, reply, "A SNMP multiplexer (SMUX, historic since RFC 1227)")
}

func (e *env) amplifier(request, reply []byte, cve string) []scanlink.Finding {
	f := e.found("amplification", request, reply[:min(len(reply), 1024)], ratio(len(request), len(reply)))
	if cve != "" {
		f.CVEs = []string{cve}
	}
	return one(f)
}

func ampChargen(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("\r\n")
	reply, err := e.askOnce(ctx, request, udpWait)
	if err != nil || len(reply) < 16 || !printableOnly(reply) {
		return nil
	}
	return e.amplifier(request, reply, "CVE-1999-0103")
}

func printableOnly(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return (r < ' ' || r > '~') && r != '\r' && r != '\n' })
}

// ampEcho: two echo services, or one and a chargen, keep each other busy for ever once a forged datagram has begun it.
func ampEcho(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte(canary())
	reply, err := e.askOnce(ctx, request, udpWait)
	if err != nil || !bytes.Equal(reply, request) {
		return nil
	}
	return e.amplifier(request, reply, "CVE-1999-0103")
}

func ampQuote(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("\r\n")
	reply, err := e.askOnce(ctx, request, udpWait)
	if err != nil || len(reply) < 2*len(request) || !printableOnly(reply) {
		return nil
	}
	return e.amplifier(request, reply, "")
}

var fingerAccount = regexp.MustCompile(`(?mi)^\s*(login(\s+name)?|user(name)?)\s*:?\s+\S+|^\S+\s+.*\b(tty|pts|console)`)

// fingerUsers asks for root and for an invented name (RFC 1288): the answers must differ in more than the name.
func fingerUsers(ctx context.Context, e *env) []scanlink.Finding {
	for _, user := range []string{"root", ""} {
		reply, err := e.ask(ctx, []byte(user+"\r\n"))
		if err != nil || !fingerAccount.Match(reply) {
			continue
		}
		stranger := canary()
		other, err := e.ask(ctx, []byte(stranger+"\r\n"))
		if err == nil && strings.ReplaceAll(string(other), stranger, user) == string(reply) {
			continue
		}
		return one(e.found("info.users", []byte(user), reply, "Finger tells about accounts."))
	}
	return nil
}

// ntpMode6 asks for the system's variables by a control message (RFC 9327, opcode 2).
func ntpMode6(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	reply, err := e.askOnce(ctx, request, udpWait)
	if err != nil || len(reply) < 12 || reply[0]&7 != 6 || reply[1]&0x80 == 0 || reply[1]&0x1f != 2 {
		return nil
	}
	if reply[1]&0x40 != 0 || len(reply) == 12 { // an error
		return nil
	}
	return one(e.found("ntp.mode6", request, reply[12:], ratio(len(request), len(reply))))
}

// ntpMonlist asks for the last clients (CVE-2013-5211), by both of the numbers that implementations went by.
func ntpMonlist(ctx context.Context, e *env) []scanlink.Finding {
	for _, implementation := range []byte{3, 2} {
		request := make([]byte, 48)
		request[0], request[2], request[3] = 0x17, implementation, 42
		reply, err := e.askOnce(ctx, request, udpWait)
		if err != nil || len(reply) < 8 || reply[0]&0x87 != 0x87 || reply[3] != 42 || reply[4]>>4 != 0 {
			continue
		}
		if items := binary.BigEndian.Uint16(reply[4:]) & 0xfff; items == 0 {
			continue
		}
		f := e.found("ntp.monlist", request, reply[:min(len(reply), 256)], ratio(len(request), len(reply)))
		f.CVEs = []string{"CVE-2013-5211"}
		return one(f)
	}
	return nil
}
