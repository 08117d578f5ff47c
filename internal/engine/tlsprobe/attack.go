package tlsprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

// attacks look for three faults of implementations by what they answer to a malformed message. None takes more than a
// few bytes that the server should not give, and none keeps it busy.
func (p *prober) attacks(ctx context.Context) []scanlink.Finding {
	version, suites := p.older()
	if version == 0 || ctx.Err() != nil {
		return nil
	}
	var out []scanlink.Finding
	if p.beats {
		out = append(out, p.heartbleed(ctx, version, suites)...)
	}
	out = append(out, p.compression(ctx, version, suites)...)
	out = append(out, p.earlyCCS(ctx, version, suites)...)
	return append(out, p.robot(ctx)...)
}

// older gives the newest version before TLS 1.3 that was accepted, with its suites.
func (p *prober) older() (uint16, []uint16) {
	for _, v := range []uint16{tls12, tls11, tls10, ssl3} {
		if ids := p.suitesOf(v, func(string) bool { return true }); len(ids) > 0 {
			return v, ids
		}
	}
	return 0, nil
}

func (p *prober) suitesOf(version uint16, want func(string) bool) []uint16 {
	var ids []uint16
	for _, s := range suites {
		if want(s.name) && slices.ContainsFunc(p.accepted, func(a scanlink.Suite) bool {
			return a.Version == versionNames[version] && a.Name == s.name
		}) {
			ids = append(ids, s.id)
		}
	}
	return ids
}

const attackWait = 2 * time.Second

// begin shakes hands to the point where the server waits for the client's key. The caller closes the connection.
func (p *prober) begin(ctx context.Context, h hello) (net.Conn, *flight, error) {
	c, err := p.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if _, err = c.Write(h.record()); err == nil {
		var f *flight
		if f, err = readFlight(c); err == nil && f.done {
			return c, f, nil
		}
	}
	c.Close()
	if err == nil {
		err = errMalformed
	}
	return nil, nil, err
}

// beatLength is how much the heartbeat claims to hold: it holds nothing, so an answer is memory of the server's. It is
// as little as proves the fault.
const beatLength = 16

// heartbleed is CVE-2014-0160: an answer to a heartbeat that claims more than it holds (RFC 6520 section 4 wants
// silence).
func (p *prober) heartbleed(ctx context.Context, version uint16, ids []uint16) []scanlink.Finding {
	c, f, err := p.begin(ctx, hello{version: version, suites: ids, name: p.t.Name(), heartbeat: true})
	if err != nil || !f.heartbeat {
		if err == nil {
			c.Close()
		}
		return nil
	}
	defer c.Close()
	request := record(recordHeartbeat, version, []byte{1, 0, beatLength})
	if _, err := c.Write(request); err != nil {
		return nil
	}
	_ = c.SetReadDeadline(time.Now().Add(attackWait))
	kind, _, body, err := readRecord(c)
	if err != nil || kind != recordHeartbeat || len(body) < 3+beatLength || body[0] != 2 || body[2] != beatLength {
		return nil
	}
	x := p.seen("heartbleed", fmt.Sprintf("%x", request), fmt.Sprintf("A heartbeat of no bytes was answered by %d bytes of the server's memory.", beatLength),
		[]string{fmt.Sprintf("heartbeat response, %d bytes", len(body))})
	x.CVEs, x.QoDType = []string{"CVE-2014-0160"}, "exploit"
	return []scanlink.Finding{x}
}

// compression is CVE-2012-4929: the length of what is sent tells secrets in it.
func (p *prober) compression(ctx context.Context, version uint16, ids []uint16) []scanlink.Finding {
	f, err := p.shake(ctx, hello{version: version, suites: ids, name: p.t.Name(), deflate: true})
	if err != nil || !f.deflated {
		return nil
	}
	x := p.seen("compression", "ClientHello with compression method 1 (DEFLATE)", "The server agrees to compress what it encrypts.", []string{versionNames[f.version] + " with DEFLATE"})
	x.CVEs = []string{"CVE-2012-4929"}
	return []scanlink.Finding{x}
}

func record(kind byte, version uint16, body []byte) []byte {
	return append([]byte{kind, byte(version >> 8), byte(version), byte(len(body) >> 8), byte(len(body))}, body...)
}

// Alerts that tell how far a server went.
const (
	badRecordMAC     = 20
	decryptionFailed = 21
)

// earlyCCS is CVE-2014-0224: a ChangeCipherSpec before the keys are agreed must be refused at once. A server that takes
// it switches to keys made of nothing, and fails to decrypt the next one.
func (p *prober) earlyCCS(ctx context.Context, version uint16, ids []uint16) []scanlink.Finding {
	c, _, err := p.begin(ctx, hello{version: version, suites: ids, name: p.t.Name()})
	if err != nil {
		return nil
	}
	defer c.Close()
	ccs := record(recordChangeCipher, version, []byte{1})
	if _, err := c.Write(ccs); err != nil || answer(c, attackWait) != "silence" {
		return nil
	}
	if _, err := c.Write(ccs); err != nil {
		return nil
	}
	reply := answer(c, attackWait)
	if reply != alertText(badRecordMAC) && reply != alertText(decryptionFailed) {
		return nil
	}
	x := p.seen("ccs", "ChangeCipherSpec before ClientKeyExchange, twice", "The server switches to keys that a man in the middle knows.", []string{"first: silence", "second: " + reply})
	x.CVEs, x.QoD = []string{"CVE-2014-0224"}, 97
	return []scanlink.Finding{x}
}

func alertText(description byte) string { return fmt.Sprintf("alert %d", description) }

// answer names what the server does next: an alert, other data, silence, or the end of the connection.
func answer(c net.Conn, patience time.Duration) string {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	kind, _, body, err := readRecord(c)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silence"
	case errors.Is(err, io.EOF):
		return "closed"
	case err != nil:
		return "reset"
	case kind == recordAlert && len(body) == 2:
		return alertText(body[1])
	}
	return fmt.Sprintf("record %d", kind)
}

func plainRSA(name string) bool { return strings.HasPrefix(name, "TLS_RSA_WITH_") }
