package feed

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
)

// writer puts a version of the knowledge into a stream: values as they come, then the tables.
type writer struct {
	out    *bufio.Writer
	hash   hash.Hash
	off    uint64
	block  bytes.Buffer
	packer *flate.Writer
	tables map[string]map[uint64]entry
	open   []*entry // entries whose block is not written yet
	places map[*entry]place
	err    error
}

type place struct {
	table string
	key   uint64
}

func newWriter(w io.Writer) *writer {
	h := sha256.New()
	packer, _ := flate.NewWriter(io.Discard, flate.DefaultCompression) // fails for levels that do not exist only
	out := &writer{out: bufio.NewWriterSize(io.MultiWriter(w, h), 1<<16), hash: h, packer: packer, tables: map[string]map[uint64]entry{}, places: map[*entry]place{}}
	out.write([]byte(magic))
	return out
}

func (w *writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(b)
	w.off += uint64(n)
	w.err = err
}

func (w *writer) set(name string, e entry) {
	if w.tables[name] == nil {
		w.tables[name] = map[uint64]entry{}
	}
	w.tables[name][e.Key] = e
}

func (w *writer) has(name string, key uint64) bool {
	_, ok := w.tables[name][key]
	return ok
}

func (w *writer) drop(name string, key uint64) {
	delete(w.tables[name], key)
}

// raw stores a value as it is, for what is read often.
func (w *writer) raw(name string, key uint64, value []byte) {
	w.set(name, entry{Key: key, Off: w.off, Len: uint32(len(value))})
	w.write(value)
}

// packed stores a value in the block that is being filled.
func (w *writer) packed(name string, key uint64, value []byte) {
	e := &entry{Key: key, Len: uint32(len(value)), In: uint32(w.block.Len()) + 1}
	w.block.Write(value)
	w.set(name, *e)
	w.open = append(w.open, e)
	w.places[e] = place{name, key}
	if w.block.Len() >= blockSize {
		w.flush()
	}
}

func (w *writer) flush() {
	if w.block.Len() == 0 {
		return
	}
	var small bytes.Buffer
	w.packer.Reset(&small)
	if _, err := w.packer.Write(w.block.Bytes()); err != nil && w.err == nil {
		w.err = err
	}
	if err := w.packer.Close(); err != nil && w.err == nil {
		w.err = err
	}
	for _, e := range w.open {
		e.Off = w.off
		at := w.places[e]
		// A later value of the same key may have taken the place.
		if now, ok := w.tables[at.table][at.key]; ok && now.Off == 0 && now.In == e.In {
			w.tables[at.table][at.key] = *e
		}
		delete(w.places, e)
	}
	w.open = w.open[:0]
	w.block.Reset()
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(small.Len()))
	w.write(head[:])
	w.write(small.Bytes())
}

// finish writes tables, meta and footer; the info becomes complete with the version, which is of the content.
func (w *writer) finish(m meta) (Info, error) {
	w.flush()
	m.Tables = map[string]table{}
	for _, name := range []string{tableCVE, tableConfig, tableProduct, tableEPSS, tableKEV, tableEOL, tableFixes} {
		entries := make([]entry, 0, len(w.tables[name]))
		for _, e := range w.tables[name] {
			entries = append(entries, e)
		}
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.Key, b.Key) })
		m.Tables[name] = table{Off: int64(w.off), Count: len(entries)}
		var b [entrySize]byte
		for _, e := range entries {
			binary.LittleEndian.PutUint64(b[:], e.Key)
			binary.LittleEndian.PutUint64(b[8:], e.Off)
			binary.LittleEndian.PutUint32(b[16:], e.Len)
			binary.LittleEndian.PutUint32(b[20:], e.In)
			w.write(b[:])
		}
	}
	if err := w.flushed(); err != nil {
		return m.Info, err
	}
	m.Version = versionOf(m.Info, hex.EncodeToString(w.hash.Sum(nil)))
	return m.Info, w.end(m)
}

func versionOf(info Info, hash string) string {
	v := cmp.Or(info.Date, "undated") + "-" + hash[:12]
	if info.Small {
		v = "starter-" + v
	}
	return v
}

func (w *writer) flushed() error {
	if w.err != nil {
		return w.err
	}
	return w.out.Flush()
}

func (w *writer) end(m meta) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(raw) > maxMeta {
		return fmt.Errorf("the table of contents has %d bytes, more than %d", len(raw), maxMeta)
	}
	at := w.off
	w.write(raw)
	if err := w.flushed(); err != nil {
		return err
	}
	foot := binary.LittleEndian.AppendUint64(nil, at)
	foot = binary.LittleEndian.AppendUint64(foot, uint64(len(raw)))
	foot = w.hash.Sum(foot)
	w.write(append(foot, magic...))
	return w.flushed()
}
