package identify

import (
	"bytes"
	"cmp"
	"slices"
)

// probe knows one protocol: how to make a server of it speak, how to tell its speech, and what to ask then.
type probe struct {
	name  string
	ports []uint16 // where it is likely: only decides the order of asking
	rank  int      // order among the rest: 1 is common, 9 rare; 0 is asked at its likely ports alone
	hello []byte   // what the client says first; nil where the server speaks first
	first bool     // the server speaks first, but may take its time
	only  bool     // match is trusted only in the answer to this hello
	match func(reply []byte) (Match, bool)
	ask   func(a *asker, m *Match) // learns more from a new connection; may be nil
}

var tcpProbes = slices.Concat(signalProbes, textProbes, webProbes, sqlProbes, cacheProbes, dirProbes, desktopProbes, smallProbes, brokerProbes, mediaProbes, plantProbes, toolProbes, codeProbes)

// inOrder gives the probes by likelihood at the port.
func inOrder(all []probe, port uint16) []*probe {
	out := make([]*probe, 0, len(all))
	for i := range all {
		if all[i].rank > 0 || slices.Contains(all[i].ports, port) {
			out = append(out, &all[i])
		}
	}
	weight := func(p *probe) int {
		switch {
		case !slices.Contains(p.ports, port):
			return p.rank
		case p.name == "tls":
			return -1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b *probe) int { return cmp.Compare(weight(a), weight(b)) })
	return out
}

// classify finds the first probe whose match fits the reply; asked is the probe whose hello was sent, nil for none.
func classify(all []probe, asked *probe, reply []byte) (*probe, Match, bool) {
	if asked != nil && asked.name != "jdwp" && bytes.Equal(reply, asked.hello) {
		return asked, Match{Name: "echo"}, true
	}
	if asked != nil {
		if m, ok := asked.match(reply); ok {
			return asked, m, true
		}
	}
	for i := range all {
		p := &all[i]
		if p.only || p == asked {
			continue
		}
		if m, ok := p.match(reply); ok {
			return p, m, true
		}
	}
	return nil, Match{}, false
}
