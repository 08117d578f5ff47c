package feed

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"sync"
)

// The file of one version of the knowledge:
//
//	magic
//	values: raw, or in blocks of about blockSize bytes, compressed, each after its length
//	tables: entries of entrySize bytes, sorted by key
//	meta: JSON
//	footer: offset and length of meta, SHA-256 of all before the footer, magic
//
// A look-up is a binary search in a table and one read; nothing but meta is held in memory.
const (
	magic      = "VEDETTE1"
	blockSize  = 16 << 10
	entrySize  = 24
	footerSize = 8 + 8 + sha256.Size + len(magic)
	maxMeta    = 16 << 20
	maxValue   = 64 << 20
)

// The tables.
const (
	tableCVE     = "cve"     // CVE key: the record without its configurations
	tableConfig  = "config"  // CVE key: the configurations
	tableProduct = "product" // hash of vendor:product: CVE keys, each with the place of its configurations
	tableEPSS    = "epss"    // CVE key: score and percentile in millionths, inside the entry
	tableKEV     = "kev"     // CVE key: the entry
	tableEOL     = "eol"     // hash of vendor:product: the products with their cycles
	tableFixes   = "debian"  // hash of fixKey: the releases of a source package
)

var errDamaged = errors.New("the knowledge file is damaged")

// entry is one row of a table: the place of a value. In the epss table Off and Len are the value.
type entry struct {
	Key uint64
	Off uint64 // of the raw value, or of its block
	Len uint32
	In  uint32 // 1 + the offset inside the block; 0: the value is raw
}

type table struct {
	Off   int64 `json:"off"`
	Count int   `json:"count"`
}

// meta is the end of the file, in JSON.
type meta struct {
	Info
	Tables    map[string]table `json:"tables"`
	Debian    []packageInfo    `json:"debian,omitempty"`
	Withdrawn []string         `json:"withdrawn,omitempty"` // CVEs that an older version or the starter set has, and that were taken back
}

// file reads one version.
type file struct {
	in   io.ReaderAt
	size int64
	meta meta
	hash string

	mu     sync.Mutex
	blocks map[uint64][]byte // decompressed, the last few
}

func openFile(in io.ReaderAt, size int64) (*file, error) {
	if size < int64(footerSize+len(magic)) {
		return nil, errDamaged
	}
	foot := make([]byte, footerSize)
	if _, err := in.ReadAt(foot, size-int64(footerSize)); err != nil {
		return nil, fmt.Errorf("read the footer: %w", err)
	}
	if string(foot[footerSize-len(magic):]) != magic {
		return nil, errDamaged
	}
	off, n := binary.LittleEndian.Uint64(foot), binary.LittleEndian.Uint64(foot[8:])
	if n > maxMeta || off > uint64(size) || off+n > uint64(size) {
		return nil, errDamaged
	}
	raw := make([]byte, n)
	if _, err := in.ReadAt(raw, int64(off)); err != nil {
		return nil, fmt.Errorf("read the table of contents: %w", err)
	}
	f := &file{in: in, size: size, blocks: map[uint64][]byte{}, hash: hex.EncodeToString(foot[16 : 16+sha256.Size])}
	if err := json.Unmarshal(raw, &f.meta); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	for _, t := range f.meta.Tables {
		if t.Off < 0 || t.Count < 0 || t.Count > 1<<28 || t.Off+int64(t.Count)*entrySize > size {
			return nil, errDamaged
		}
	}
	return f, nil
}

// check reads the whole file and compares its content with the hash in the footer.
func (f *file) check() error {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f.in, 0, f.size-int64(footerSize))); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != f.hash {
		return errDamaged
	}
	return nil
}

func (f *file) entryAt(t table, i int) (entry, error) {
	var b [entrySize]byte
	if _, err := f.in.ReadAt(b[:], t.Off+int64(i)*entrySize); err != nil {
		return entry{}, err
	}
	return decodeEntry(b[:]), nil
}

func decodeEntry(b []byte) entry {
	return entry{
		binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]),
		binary.LittleEndian.Uint32(b[16:]), binary.LittleEndian.Uint32(b[20:]),
	}
}

// find is the entry of a key.
func (f *file) find(name string, key uint64) (entry, bool) {
	t := f.meta.Tables[name]
	lo, hi := 0, t.Count
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		e, err := f.entryAt(t, mid)
		if err != nil {
			return entry{}, false
		}
		switch {
		case e.Key == key:
			return e, true
		case e.Key < key:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return entry{}, false
}

// value is what a table holds under a key; nil where there is nothing, or it cannot be read.
func (f *file) value(name string, key uint64) []byte {
	e, ok := f.find(name, key)
	if !ok {
		return nil
	}
	v, err := f.read(e)
	if err != nil {
		return nil
	}
	return v
}

func (f *file) read(e entry) ([]byte, error) {
	if e.Len > maxValue {
		return nil, errDamaged
	}
	if e.In == 0 {
		v := make([]byte, e.Len)
		_, err := f.in.ReadAt(v, int64(e.Off))
		return v, err
	}
	block, err := f.block(e.Off)
	if err != nil {
		return nil, err
	}
	start, end := uint64(e.In-1), uint64(e.In-1)+uint64(e.Len)
	if end > uint64(len(block)) {
		return nil, errDamaged
	}
	return block[start:end], nil
}

const keptBlocks = 64

func (f *file) block(off uint64) ([]byte, error) {
	f.mu.Lock()
	b, ok := f.blocks[off]
	f.mu.Unlock()
	if ok {
		return b, nil
	}
	var head [4]byte
	if _, err := f.in.ReadAt(head[:], int64(off)); err != nil {
		return nil, err
	}
	packed := io.NewSectionReader(f.in, int64(off)+4, int64(binary.LittleEndian.Uint32(head[:])))
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(packed), maxValue))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.blocks) >= keptBlocks {
		clear(f.blocks)
	}
	f.blocks[off] = b
	return b, nil
}

// each walks a table in the order of its keys.
func (f *file) each(name string, do func(entry) error) error {
	t := f.meta.Tables[name]
	in := io.NewSectionReader(f.in, t.Off, int64(t.Count)*entrySize)
	buf := make([]byte, 1024*entrySize)
	for {
		n, err := io.ReadFull(in, buf)
		for b := buf[:n]; len(b) >= entrySize; b = b[entrySize:] {
			if err := do(decodeEntry(b)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// cveKey packs year and number of a CVE id; 0 for what is none.
func cveKey(id string) uint64 {
	year, number, ok := strings.Cut(strings.TrimPrefix(id, "CVE-"), "-")
	if !ok {
		return 0
	}
	y, err := strconv.ParseUint(year, 10, 16)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(number, 10, 40)
	if err != nil {
		return 0
	}
	return y<<40 | n
}

func cveID(key uint64) string { return fmt.Sprintf("CVE-%04d-%04d", key>>40, key&(1<<40-1)) }

func hashKey(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s)
	return h.Sum64()
}

// openBytes reads a version from memory.
func openBytes(b []byte) (*file, error) { return openFile(bytes.NewReader(b), int64(len(b))) }
