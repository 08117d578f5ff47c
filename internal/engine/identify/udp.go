package identify

import (
	"context"
	"net"
	"slices"

	"github.com/vedette/vedette/internal/engine/ports"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// udpProbes are protocols of datagrams. An answer is read by the probe whose hello was sent, then by all others.
var udpProbes = slices.Concat(udpNames, udpFiles, udpTalk, udpPlant)

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
	case p.ask != nil && m.Name != "echo":
		p.ask(s.asker(), &m)
	}
	out := s.service(m)
	out.Protocol = "udp"
	return out, m.OS, ctx.Err()
}
