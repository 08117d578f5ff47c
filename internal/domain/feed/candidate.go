package feed

import (
	"encoding/binary"
	"encoding/json"
	"sync"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// candidate is a CVE that names a product, made ready for matching.
type candidate struct {
	id      string
	configs []configuration
}

type configuration struct {
	and, negate bool
	nodes       []node
}

type node struct {
	and, negate bool
	entries     []cpeEntry
}

// cpeEntry is one name with its bounds. A name that does not parse fits nothing.
type cpeEntry struct {
	nvd.Match
	name cpe.Name
	key  string // canonical vendor:product; empty: the name does not parse
}

// maxReady bounds the entries that are kept ready, some 300 bytes each.
const maxReady = 100_000

// ready keeps the candidates of the products that were asked for: the hosts of a network run much the same software.
type ready struct {
	mu      sync.Mutex
	entries int
	product map[string][]candidate
}

// ofProduct gives the CVEs that name vendor:product as vulnerable.
func (k *Knowledge) ofProduct(key string) []candidate {
	k.ready.mu.Lock()
	got, ok := k.ready.product[key]
	k.ready.mu.Unlock()
	if ok {
		return got
	}
	got, entries := k.load(key)
	k.ready.mu.Lock()
	defer k.ready.mu.Unlock()
	if k.ready.product == nil || k.ready.entries+entries > maxReady {
		k.ready.product, k.ready.entries = map[string][]candidate{}, 0
	}
	if entries <= maxReady {
		k.ready.product[key] = got
		k.ready.entries += entries + 1
	}
	return got
}

func (k *Knowledge) load(key string) (out []candidate, entries int) {
	raw := k.file.value(tableProduct, hashKey(key))
	for ; len(raw) >= refSize; raw = raw[refSize:] {
		value, err := k.file.read(entry{Off: binary.LittleEndian.Uint64(raw[8:]), Len: binary.LittleEndian.Uint32(raw[16:])})
		var all []nvd.Configuration
		if err != nil || json.Unmarshal(value, &all) != nil {
			continue
		}
		c := candidate{id: cveID(binary.LittleEndian.Uint64(raw))}
		for _, conf := range all {
			one, n := compile(conf)
			c.configs = append(c.configs, one)
			entries += n
		}
		out = append(out, c)
	}
	return out, entries
}

// refSize is one CVE in the value of a product: its key, and offset and length of its configurations.
const refSize = 8 + 8 + 4

func compile(c nvd.Configuration) (configuration, int) {
	out := configuration{and: c.Operator == "AND", negate: c.Negate}
	entries := 0
	for _, n := range c.Nodes {
		group := node{and: n.Operator == "AND", negate: n.Negate}
		for _, m := range n.Matches {
			e := cpeEntry{Match: m}
			if name, err := cpe.Parse(m.Criteria); err == nil {
				e.name, e.key = name, canonical(name.Key())
			}
			group.entries = append(group.entries, e)
		}
		entries += len(group.entries)
		out.nodes = append(out.nodes, group)
	}
	return out, entries
}
