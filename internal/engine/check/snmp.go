package check

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/vedette/vedette/internal/scanlink"
)

var snmpChecks = []check{
	{"creds-snmp", []string{"creds", "anon.snmp"}, over("udp", "snmp"), communities},
}

// snmpCommunities are those that devices leave the factory with, or that manuals show.
var snmpCommunities = []string{"public", "private", "community", "manager", "admin", "cisco", "secret", "snmp", "snmpd", "monitor", "read", "write", "default", "internal"}

// communities asks with an invented community too: an agent that takes it takes any.
func communities(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Logins {
		return nil
	}
	invented := canary()
	values := e.snmpAsk(ctx, append([]string{invented}, snmpCommunities...))
	if value, any := values[invented]; any {
		return e.opened(e.found("anon.snmp", []byte("GET sysDescr.0 with an invented community"), value, "The agent answers to any community."))
	}
	var out []scanlink.Finding
	for _, c := range snmpCommunities {
		if value, ok := values[c]; ok {
			f := e.login("", c, value)
			f.Evidence.Request, f.Evidence.Detail = "GET sysDescr.0, community "+c, fmt.Sprintf("The agent answers to the community %q.", c)
			out = append(out, f)
		}
	}
	return out
}

// snmpAsk reads sysDescr.0 with each community by versions 2c and 1, all from one socket: a wrong community is met with
// silence, for which one wait is enough. What had no answer is asked once more, as a datagram may be lost.
func (e *env) snmpAsk(ctx context.Context, names []string) map[string][]byte {
	values := map[string][]byte{}
	for range 2 {
		c, err := e.n.Dial(ctx, "udp", e.t.AddrPort())
		if err != nil {
			return values
		}
		for _, name := range names {
			for version := int64(1); version >= 0 && values[name] == nil; version-- {
				if e.n.Wait(ctx, e.t.Host.Address) == nil {
					_, _ = c.Write(snmpRequest(version, name))
				}
			}
		}
		_ = c.SetReadDeadline(time.Now().Add(snmpWait))
		for buf := make([]byte, 4096); ; {
			k, err := c.Read(buf)
			if err != nil {
				break
			}
			if name, value, ok := snmpValue(buf[:k]); ok && slices.Contains(names, name) {
				values[name] = value
			}
		}
		c.Close()
	}
	return values
}

func snmpRequest(version int64, community string) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddASN1OctetString([]byte(community))
		b.AddASN1(asn1.Tag(0xa0), func(b *cryptobyte.Builder) { // GetRequest
			b.AddASN1Int64(0x5644)
			b.AddASN1Int64(0)
			b.AddASN1Int64(0)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes([]byte{6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0}) // 1.3.6.1.2.1.1.1.0
					b.AddBytes([]byte{5, 0})
				})
			})
		})
	})
	return b.BytesOrPanic()
}

// snmpValue reads the community and the value of a GetResponse without error.
func snmpValue(reply []byte) (community string, value []byte, ok bool) {
	s := cryptobyte.String(reply)
	var message, name, pdu, binds, bind, content cryptobyte.String
	var version, id, status, index int
	var tag asn1.Tag
	if !s.ReadASN1(&message, asn1.SEQUENCE) || !message.ReadASN1Integer(&version) || !message.ReadASN1(&name, asn1.OCTET_STRING) ||
		!message.ReadASN1(&pdu, asn1.Tag(0xa2)) || !pdu.ReadASN1Integer(&id) ||
		!pdu.ReadASN1Integer(&status) || status != 0 || !pdu.ReadASN1Integer(&index) || !pdu.ReadASN1(&binds, asn1.SEQUENCE) ||
		!binds.ReadASN1(&bind, asn1.SEQUENCE) || !bind.SkipASN1(asn1.OBJECT_IDENTIFIER) || !bind.ReadAnyASN1(&content, &tag) {
		return "", nil, false
	}
	return string(name), bytes.Clone(content), true
}
