package check

import (
	"context"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/vedette/vedette/internal/scanlink"
)

var snmpChecks = []check{
	{"creds-snmp", []string{"creds", "anon.snmp"}, over("udp", "snmp"), communities},
}

// communities are those that devices leave the factory with.
var snmpCommunities = []string{"public", "private", "community", "manager", "admin"}

// communities tries an invented community first: an agent that takes it takes any.
func communities(ctx context.Context, e *env) []scanlink.Finding {
	if !e.o.Logins {
		return nil
	}
	if value := e.snmpGet(ctx, canary()); value != nil {
		return e.opened(e.found("anon.snmp", []byte("GET sysDescr.0 with an invented community"), value, "The agent answers to any community."))
	}
	var out []scanlink.Finding
	for _, c := range snmpCommunities {
		if value := e.snmpGet(ctx, c); value != nil {
			f := e.login("", c, value)
			f.Evidence.Request, f.Evidence.Detail = "GET sysDescr.0, community "+c, fmt.Sprintf("The agent answers to the community %q.", c)
			out = append(out, f)
		}
	}
	return out
}

// snmpGet reads sysDescr.0, by version 2c and then 1.
func (e *env) snmpGet(ctx context.Context, community string) []byte {
	for _, version := range []int64{1, 0} {
		for range 2 { // a datagram may be lost
			reply, err := e.askOnce(ctx, snmpRequest(version, community), snmpWait)
			if err != nil {
				continue
			}
			if value, ok := snmpValue(reply, community); ok {
				return value
			}
			break
		}
	}
	return nil
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

// snmpValue reads the value of a GetResponse without error to the community.
func snmpValue(reply []byte, community string) ([]byte, bool) {
	s := cryptobyte.String(reply)
	var message, name, pdu, binds, bind, value cryptobyte.String
	var version, id, status, index int
	var tag asn1.Tag
	if !s.ReadASN1(&message, asn1.SEQUENCE) || !message.ReadASN1Integer(&version) || !message.ReadASN1(&name, asn1.OCTET_STRING) ||
		string(name) != community || !message.ReadASN1(&pdu, asn1.Tag(0xa2)) || !pdu.ReadASN1Integer(&id) ||
		!pdu.ReadASN1Integer(&status) || status != 0 || !pdu.ReadASN1Integer(&index) || !pdu.ReadASN1(&binds, asn1.SEQUENCE) ||
		!binds.ReadASN1(&bind, asn1.SEQUENCE) || !bind.SkipASN1(asn1.OBJECT_IDENTIFIER) || !bind.ReadAnyASN1(&value, &tag) {
		return nil, false
	}
	return value, true
}
