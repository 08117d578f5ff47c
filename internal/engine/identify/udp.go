package identify

import (
	"context"
	"encoding/binary"
	"net"
	"slices"

	"github.com/vedette/vedette/internal/engine/ports"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// udpProbes are protocols of datagrams. Each answer is read by the probe whose hello was sent, then by all others.
var udpProbes = []probe{
	{name: "dns", ports: []uint16{53, 5353}, rank: 1, hello: versionQuery("version.bind."), match: matchDNS, ask: askDNSUDP},
	{name: "rpcbind", ports: []uint16{111, 2049}, rank: 4, hello: rpcCall(false, 100000, 2, 0), match: matchRPCReply, ask: askRPCUDP},
}

// Payloads of a port: those of the protocols likely there, else the commonest ones, for services on strange ports.
func Payloads(port uint16) []ports.Payload {
	var out []ports.Payload
	for _, p := range inOrder(udpProbes, port) {
		if slices.Contains(p.ports, port) {
			out = append(out, ports.Payload{Name: p.name, Data: p.hello, AnyPort: p.name == "tftp"})
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, p := range inOrder(udpProbes, port) {
		if p.rank <= 3 {
			out = append(out, ports.Payload{Name: p.name, Data: p.hello})
		}
	}
	return out
}

// UDP identifies an open UDP port from its answer to the payload.
func UDP(ctx context.Context, n *wire.Net, t Target, payload string, reply []byte) (scanlink.Service, OS, error) {
	s := &session{ctx: ctx, net: n, target: t, start: clock.Monotonic(), banner: reply}
	s.dial = func() (net.Conn, error) { return n.Dial(ctx, "udp", s.at()) }
	var asked *probe
	for i := range udpProbes {
		if udpProbes[i].name == payload {
			asked = &udpProbes[i]
		}
	}
	p, m, ok := classify(udpProbes, asked, reply)
	switch {
	case !ok:
		m = Match{Name: "unknown", Note: "The port answers in no protocol known here; see its banner."}
	case p.ask != nil:
		p.ask(s.asker(), &m)
	}
	out := s.service(m)
	out.Protocol = "udp"
	return out, m.OS, ctx.Err()
}

func askDNSUDP(a *asker, m *Match) {
	if m.Product != "" {
		return
	}
	for _, name := range []string{"version.bind.", "version.server."} {
		if found, ok := matchDNS(a.once(versionQuery(name))); ok {
			m.take(found)
		}
		if m.Product != "" {
			return
		}
	}
}

func askRPCUDP(a *asker, m *Match) {
	if m.Name == "rpcbind" {
		if v4 := a.once(rpcCall(false, 100000, 4, 0)); len(v4) < 24 || binary.BigEndian.Uint32(v4[20:]) != 0 {
			m.product("portmap", "", "", guessed)
		}
		return
	}
	for _, p := range rpcPrograms {
		b := a.once(rpcCall(false, p.number, 1, 0))
		if len(b) < 24 || binary.BigEndian.Uint32(b[8:]) != 0 {
			continue
		}
		if status := binary.BigEndian.Uint32(b[20:]); status == 0 || status == 2 {
			m.Name, m.Note = p.name, rpcVersions(b[20:])
			return
		}
	}
}
