package feed

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/vedette/vedette/internal/domain/feed/eol"
	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// inherit takes over what a base has and no source brought, in the order in which the base stores it.
func (b *builder) inherit(base *Knowledge) error {
	f := base.file
	configs := map[uint64]entry{}
	if err := f.each(tableConfig, func(e entry) error { configs[e.Key] = e; return nil }); err != nil {
		return err
	}
	var records []entry
	err := f.each(tableCVE, func(e entry) error {
		if !b.gone[e.Key] && !b.w.has(tableCVE, e.Key) {
			records = append(records, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(records, func(x, y entry) int { return cmp.Or(cmp.Compare(x.Off, y.Off), cmp.Compare(x.In, y.In)) })
	for _, e := range records {
		if err := b.inheritCVE(base, e, configs[e.Key]); err != nil {
			return err
		}
	}
	if err := b.inheritExploitation(base); err != nil {
		return err
	}
	return b.inheritProducts(f)
}

// inheritExploitation takes over catalogue and scores, unless there are new ones: those replace the whole old ones, for
// entries may be taken back.
func (b *builder) inheritExploitation(base *Knowledge) (err error) {
	f := base.file
	if len(b.w.tables[tableKEV]) == 0 {
		b.info.Whole = base.file.meta.Whole
		err = f.each(tableKEV, func(e entry) error {
			raw, err := f.read(e)
			if err == nil {
				b.w.packed(tableKEV, e.Key, raw)
			}
			return err
		})
	}
	if err == nil && len(b.w.tables[tableEPSS]) == 0 {
		err = f.each(tableEPSS, func(e entry) error { b.w.set(tableEPSS, e); return nil })
	}
	return err
}

// inheritProducts takes over cycles and fixes that no source brought.
func (b *builder) inheritProducts(f *file) error {
	err := f.each(tableEOL, func(e entry) error {
		var ps []eol.Product
		raw, err := f.read(e)
		if err != nil || json.Unmarshal(raw, &ps) != nil {
			return err
		}
		for _, p := range ps {
			if _, ok := b.eol[p.Name]; !ok {
				b.eol[p.Name] = p
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.each(tableFixes, func(e entry) error {
		var all []fix.Source
		raw, err := f.read(e)
		if err != nil || json.Unmarshal(raw, &all) != nil {
			return err
		}
		for _, s := range all {
			b.mergeFixes(s)
		}
		return nil
	})
}

func (b *builder) inheritCVE(base *Knowledge, e, config entry) error {
	raw, err := base.file.read(e)
	if err != nil {
		return err
	}
	var c nvd.CVE
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if config.Len > 0 {
		if raw, err = base.file.read(config); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &c.Configurations); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	b.fill(e.Key, &c, base)
	b.store(e.Key, c)
	return b.w.err
}

// mergeFixes fills what is said of a package from a base: a record says nothing of the CVEs that it does not name.
func (b *builder) mergeFixes(base fix.Source) {
	have, ok := b.fixes[fixKey(base.Distro, base.Name)][base.Release]
	if !ok {
		b.addDebian(base)
		return
	}
	for id := range have.Fixed {
		delete(base.Fixed, id)
		delete(base.Since, id)
	}
	have.Merge(base)
	b.addDebian(have)
}
