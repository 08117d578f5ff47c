package feed

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/eol"
	"github.com/vedette/vedette/internal/domain/feed/epss"
	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/kev"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// builder gathers sources into one version. Of two records of a CVE the one modified last counts; sources come before
// the bases, and the first base before the next.
type builder struct {
	w        *writer
	bases    []*Knowledge
	info     Info
	packages []packageInfo
	modified map[uint64]string
	gone     map[uint64]bool // withdrawn CVEs, which no base may bring back
	names    map[string]uint32
	nameOf   []string
	products map[uint64][]uint32 // CVE: its products
	eol      map[string]eol.Product
	fixes    map[string]map[string]fix.Source // by fixKey, then release
}

func newBuilder(out io.Writer, bases ...*Knowledge) *builder {
	return &builder{
		w: newWriter(out), bases: bases, modified: map[uint64]string{}, gone: map[uint64]bool{}, names: map[string]uint32{},
		products: map[uint64][]uint32{}, eol: map[string]eol.Product{}, fixes: map[string]map[string]fix.Source{},
	}
}

// addCVE takes one record; it says whether the record is used.
func (b *builder) addCVE(c nvd.CVE) bool {
	key := cveKey(c.ID)
	if key == 0 {
		return false
	}
	if before, seen := b.modified[key]; seen && before > c.Modified {
		return false
	}
	b.modified[key] = c.Modified
	delete(b.gone, key)
	b.fill(key, &c, nil)
	b.store(key, c)
	return true
}

// fill takes from the bases what a record lacks, as records do that await analysis; origin is the base that it came from.
func (b *builder) fill(key uint64, c *nvd.CVE, origin *Knowledge) {
	if c.Description != "" && c.Published != "" && len(c.Configurations) > 0 && len(c.Metrics) > 0 && len(c.References) > 0 {
		return
	}
	for _, base := range b.bases {
		known, ok := base.CVE(c.ID)
		if !ok || base == origin {
			continue
		}
		if len(c.Configurations) == 0 {
			c.Configurations = base.configurations(key)
		}
		if len(c.Metrics) == 0 {
			c.Metrics = known.Metrics
		}
		if c.Description == "" {
			c.Description = known.Description
		}
		if len(c.References) == 0 {
			c.References = known.References
		}
		if c.Published == "" {
			c.Published = known.Published
		}
	}
}

func (b *builder) store(key uint64, c nvd.CVE) {
	raw, err := json.Marshal(c)
	if err != nil {
		b.w.err = errors.Join(b.w.err, err)
		return
	}
	b.w.packed(tableCVE, key, raw)
	if len(c.Configurations) == 0 {
		return
	}
	if raw, err = json.Marshal(c.Configurations); err != nil {
		b.w.err = errors.Join(b.w.err, err)
		return
	}
	b.w.raw(tableConfig, key, raw)
	b.products[key] = b.productsOf(c.Configurations)
}

// productsOf numbers the vulnerable products of configurations.
func (b *builder) productsOf(all []nvd.Configuration) []uint32 {
	var out []uint32
	for _, conf := range all {
		for _, node := range conf.Nodes {
			for _, m := range node.Matches {
				if !m.Vulnerable {
					continue
				}
				name, err := cpe.Parse(m.Criteria)
				if err != nil {
					continue
				}
				if n := b.number(canonical(name.Key())); !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

func (b *builder) number(name string) uint32 {
	n, ok := b.names[name]
	if !ok {
		n = uint32(len(b.nameOf))
		b.names[name] = n
		b.nameOf = append(b.nameOf, name)
	}
	return n
}

func (b *builder) withdraw(id string) {
	key := cveKey(id)
	b.gone[key] = true
	delete(b.modified, key)
	delete(b.products, key)
	b.w.drop(tableCVE, key)
	b.w.drop(tableConfig, key)
}

func (b *builder) addEPSS(s epss.Score) {
	key := cveKey(s.CVE)
	if key != 0 {
		b.w.set(tableEPSS, entry{Key: key, Off: uint64(math.Round(s.EPSS * 1e6)), Len: uint32(math.Round(s.Percentile * 1e6))})
	}
}

func (b *builder) addKEV(e kev.Entry) {
	raw, err := json.Marshal(e)
	if key := cveKey(e.CVE); key != 0 && err == nil {
		b.w.packed(tableKEV, key, raw)
	}
}

// namesOfCycles gives CPE names to products that endoflife.date lists without any.
var namesOfCycles = map[string]string{
	"etcd": "etcd:etcd", "windows-server": "microsoft:windows_server", "bootstrap": "getbootstrap:bootstrap", "vue": "vuejs:vue", "openvpn": "openvpn:openvpn",
	"cisco-ios-xe": "cisco:ios_xe", "pan-os": "paloaltonetworks:pan-os", "spring-framework": "vmware:spring_framework", "spring-boot": "vmware:spring_boot",
	"postfix": "postfix:postfix", "joomla": "joomla:joomla!", "docker-engine": "docker:docker",
}

func (b *builder) addEOL(p eol.Product) {
	if name := namesOfCycles[p.Name]; name != "" && !slices.Contains(p.CPE, name) {
		p.CPE = append(p.CPE, name)
	}
	b.eol[p.Name] = p
}

// addDebian takes what the tracker says of a package, which is everything.
func (b *builder) addDebian(s fix.Source) {
	key := fixKey(s.Distro, s.Name)
	if b.fixes[key] == nil {
		b.fixes[key] = map[string]fix.Source{}
	}
	b.fixes[key][s.Release] = s
}

// addFixes takes what one of many records says of packages.
func (b *builder) addFixes(all []fix.Source) {
	for _, s := range all {
		if have, ok := b.fixes[fixKey(s.Distro, s.Name)][s.Release]; ok {
			have.Merge(s)
			s = have
		}
		b.addDebian(s)
	}
}

// fixKey is the name under which the fixes of a source package are kept.
func fixKey(distro, name string) string {
	if distro == "" || distro == fix.Debian {
		return name
	}
	return distro + "/" + name
}

// finish adds what only the bases know, then writes the tables.
func (b *builder) finish() (Info, error) {
	for _, base := range b.bases {
		for _, id := range base.file.meta.Withdrawn {
			if key := cveKey(id); !b.w.has(tableCVE, key) {
				b.gone[key] = true
			}
		}
		if err := b.inherit(base); err != nil {
			return b.info, err
		}
	}
	b.writeProducts()
	b.writeEOL()
	b.writeFixes()
	b.info.CVEs = len(b.w.tables[tableCVE])
	b.info.KEVs = len(b.w.tables[tableKEV])
	b.info.Scores = len(b.w.tables[tableEPSS])
	b.info.Cycles = len(b.eol)
	return b.w.finish(meta{Info: b.info, Debian: b.packages, Withdrawn: b.withdrawn()})
}

// withdrawn lists what was taken back and a base has, so that no later version built on this one brings it back.
func (b *builder) withdrawn() []string {
	var out []string
	for _, key := range sortedKeys(b.gone) {
		id := cveID(key)
		if slices.ContainsFunc(b.bases, func(k *Knowledge) bool {
			_, ok := k.file.find(tableCVE, key)
			return ok || slices.Contains(k.file.meta.Withdrawn, id)
		}) {
			out = append(out, id)
		}
	}
	return out
}

func (b *builder) writeProducts() {
	byName := make([][]uint64, len(b.nameOf))
	for key, names := range b.products {
		if !b.w.has(tableConfig, key) {
			continue
		}
		for _, n := range names {
			byName[n] = append(byName[n], key)
		}
	}
	byHash := map[uint64][]uint64{}
	for n, keys := range byName {
		h := hashKey(b.nameOf[n])
		byHash[h] = append(byHash[h], keys...)
	}
	for _, h := range sortedKeys(byHash) {
		keys := byHash[h]
		slices.Sort(keys)
		var raw []byte
		for _, k := range slices.Compact(keys) {
			config := b.w.tables[tableConfig][k]
			raw = binary.LittleEndian.AppendUint64(raw, k)
			raw = binary.LittleEndian.AppendUint64(raw, config.Off)
			raw = binary.LittleEndian.AppendUint32(raw, config.Len)
		}
		b.w.raw(tableProduct, h, raw)
	}
}

func (b *builder) writeEOL() {
	byKey := map[uint64][]eol.Product{}
	for _, name := range sortedKeys(b.eol) {
		p := b.eol[name]
		for _, c := range p.CPE {
			h := hashKey(c)
			byKey[h] = append(byKey[h], p)
		}
	}
	for _, h := range sortedKeys(byKey) {
		if raw, err := json.Marshal(byKey[h]); err == nil {
			b.w.raw(tableEOL, h, raw)
		}
	}
}

func (b *builder) writeFixes() {
	for _, key := range sortedKeys(b.fixes) {
		var all []fix.Source
		for _, release := range sortedKeys(b.fixes[key]) {
			s := b.fixes[key][release]
			all = append(all, s)
			b.packages = append(b.packages, packageInfo{s.Distro, s.Name, s.Release, s.Upstream})
		}
		if raw, err := json.Marshal(all); err == nil {
			b.w.raw(tableFixes, hashKey(key), raw)
		}
	}
}

func sortedKeys[K interface{ ~string | ~uint64 }, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
