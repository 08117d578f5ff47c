// Package record cuts a stream of JSON into its records, in bounded memory and however damaged it is.
package record

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// MaxSize bounds one record in bytes; the largest of NVD are under 4 MiB.
const MaxSize = 16 << 20

// ErrTooLarge is given for a record over MaxSize, which is skipped.
var ErrTooLarge = errors.New("the record is larger than 16 MiB")

// Split finds the objects whose first key is the given one and hands over each from its opening brace to the start of
// the next. A quotation mark inside a JSON string is always escaped, so the key with its quotes is seen in no text and a
// damaged record cannot swallow its successor. The bytes are good until each returns. An error of each ends the work.
func Split(ctx context.Context, r io.Reader, key string, each func(raw []byte, err error) error) error {
	s := &splitter{in: bufio.NewReaderSize(r, 1<<16), key: []byte(`"` + key + `"`), each: each}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk, err := s.in.ReadSlice('}')
		if len(chunk) > 0 {
			if e := s.add(chunk); e != nil {
				return e
			}
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			if e := s.flush(); e != nil {
				return e
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

type splitter struct {
	in    *bufio.Reader
	key   []byte
	each  func([]byte, error) error
	buf   []byte
	open  bool // buf begins with a record
	over  bool // the record in buf grew too large; its rest is dropped
	known int  // bytes of buf in which the next key was looked for
}

func (s *splitter) add(chunk []byte) error {
	s.buf = append(s.buf, chunk...)
	for {
		at := s.next()
		if at < 0 {
			break
		}
		if err := s.cut(at); err != nil {
			return err
		}
	}
	if len(s.buf) > MaxSize {
		s.over = s.over || s.open
		s.buf = append(s.buf[:0], s.buf[len(s.buf)-64:]...)
		s.known = 0
	}
	if !s.open && len(s.buf) > 1<<16 {
		s.buf = append(s.buf[:0], s.buf[len(s.buf)-64:]...)
		s.known = 0
	}
	return nil
}

// next is the place of the brace that opens the next record, or -1.
func (s *splitter) next() int {
	from := s.known
	for {
		i := bytes.Index(s.buf[from:], s.key)
		if i < 0 {
			s.known = max(s.known, len(s.buf)-len(s.key)-32)
			return -1
		}
		i += from
		if brace := openingBrace(s.buf, i); brace > 0 || brace == 0 && !s.open {
			return brace
		}
		from = i + len(s.key)
		s.known = from
	}
}

func openingBrace(b []byte, i int) int {
	for i--; i >= 0; i-- {
		switch b[i] {
		case ' ', '\t', '\r', '\n':
		case '{':
			return i
		default:
			return -1
		}
	}
	return -1
}

// cut ends the open record at a place and opens the next one there.
func (s *splitter) cut(at int) error {
	err := s.give(s.buf[:at])
	s.buf = append(s.buf[:0], s.buf[at:]...)
	s.open, s.over, s.known = true, false, 1
	// The key of this very record must not be found again.
	if i := bytes.Index(s.buf, s.key); i >= 0 {
		s.known = i + len(s.key)
	}
	return err
}

func (s *splitter) give(raw []byte) error {
	if !s.open {
		return nil
	}
	if s.over {
		return s.each(nil, ErrTooLarge)
	}
	return s.each(raw, nil)
}

func (s *splitter) flush() error {
	err := s.give(s.buf)
	s.buf, s.open = nil, false
	return err
}
