package tlsprobe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
)

// Record and message types (RFC 5246 sections 6.2.1 and 7.4).
const (
	recordChangeCipher = 20
	recordAlert        = 21
	recordHandshake    = 22
	recordHeartbeat    = 24

	clientHello       = 1
	serverHello       = 2
	certificate       = 11
	serverKeyExchange = 12
	serverHelloDone   = 14
)

const (
	maxRecord   = 16384 + 2048
	maxFlight   = 256 << 10
	maxMessages = 32
	maxChain    = 16
)

var (
	errNoTLS     = errors.New("the answer is no TLS")
	errMalformed = errors.New("malformed TLS message")
)

// alertError is the server's refusal.
type alertError struct{ level, description byte }

func (e alertError) Error() string { return fmt.Sprintf("alert %d", e.description) }

const protocolVersion = 70 // the alert of a server that does not speak the offered version at all

// flight is what a server says in clear after a ClientHello.
type flight struct {
	version   uint16
	suite     uint16
	retry     bool     // HelloRetryRequest of TLS 1.3
	heartbeat bool     // the server agreed to heartbeats
	secure    bool     // the server binds renegotiations to the connection (RFC 5746)
	deflated  bool     // the server agreed to compression
	group     uint16   // the curve, or the group of TLS 1.3
	bits      int      // of the ephemeral key, where one was sent
	chain     [][]byte // DER, the leaf first
	done      bool
}

// readRecord gives the next record's type, version and content.
func readRecord(r io.Reader) (byte, uint16, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, nil, err
	}
	size := int(binary.BigEndian.Uint16(head[3:]))
	if head[0] < recordChangeCipher || head[0] > recordHeartbeat || head[1] != 3 || size > maxRecord {
		return 0, 0, nil, errNoTLS
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, 0, nil, fmt.Errorf("record cut short: %w", err)
	}
	return head[0], binary.BigEndian.Uint16(head[1:3]), body, nil
}

// readFlight reads until the server waits for the client, or to the ServerHello in TLS 1.3, where the rest is sealed.
func readFlight(r io.Reader) (*flight, error) {
	f := &flight{}
	var buf []byte
	total := 0
	for range 256 {
		kind, _, body, err := readRecord(r)
		if err != nil {
			return f, err
		}
		if total += len(body); total > maxFlight {
			return f, errMalformed
		}
		switch kind {
		case recordAlert:
			if len(body) >= 2 && body[0] == 1 && body[1] != 0 && f.version == 0 { // a warning, such as unrecognized_name
				continue
			}
			return f, alertOf(body)
		case recordHandshake:
			buf = append(buf, body...)
		default:
			return f, errMalformed
		}
		if buf, err = f.messages(buf); err != nil || f.done {
			return f, err
		}
	}
	return f, errMalformed
}

func alertOf(body []byte) error {
	if len(body) < 2 {
		return errMalformed
	}
	return alertError{body[0], body[1]}
}

// messages takes the whole messages off buf and returns the rest.
func (f *flight) messages(buf []byte) ([]byte, error) {
	for len(buf) >= 4 && !f.done {
		size := int(buf[1])<<16 | int(buf[2])<<8 | int(buf[3])
		if size > maxFlight {
			return nil, errMalformed
		}
		if len(buf) < 4+size {
			return buf, nil
		}
		if err := f.message(buf[0], buf[4:4+size]); err != nil {
			return nil, err
		}
		buf = buf[4+size:]
	}
	return buf, nil
}

func (f *flight) message(kind byte, body []byte) error {
	switch kind {
	case serverHello:
		return f.serverHello(body)
	case certificate:
		return f.certificates(body)
	case serverKeyExchange:
		f.bits, f.group = keyExchange(suiteNames[f.suite], body)
	case serverHelloDone:
		f.done = true
	}
	if f.version == 0 {
		return errMalformed
	}
	return nil
}

// retryRandom marks a ServerHello as HelloRetryRequest (RFC 8446 section 4.1.3).
const retryRandom = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

func (f *flight) serverHello(body []byte) error {
	s := cryptobyte.String(body)
	var random []byte
	var session, extensions cryptobyte.String
	var compression uint8
	if !s.ReadUint16(&f.version) || !s.ReadBytes(&random, 32) || !s.ReadUint8LengthPrefixed(&session) ||
		!s.ReadUint16(&f.suite) || !s.ReadUint8(&compression) {
		return errMalformed
	}
	f.retry = string(random) == retryRandom
	f.deflated = compression == deflate
	if s.ReadUint16LengthPrefixed(&extensions) {
		f.readExtensions(extensions)
	}
	f.done = f.version == tls13
	return nil
}

func (f *flight) readExtensions(s cryptobyte.String) {
	var kind uint16
	var body cryptobyte.String
	for s.ReadUint16(&kind) && s.ReadUint16LengthPrefixed(&body) {
		switch kind {
		case 15:
			f.heartbeat = true
		case 43:
			body.ReadUint16(&f.version)
		case 0xff01:
			f.secure = true
		case 51:
			if body.ReadUint16(&f.group) {
				f.bits = groupBits[f.group]
			}
		}
	}
}

func (f *flight) certificates(body []byte) error {
	s := cryptobyte.String(body)
	var list cryptobyte.String
	if !s.ReadUint24LengthPrefixed(&list) {
		return errMalformed
	}
	for !list.Empty() && len(f.chain) < maxChain {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) {
			return errMalformed
		}
		f.chain = append(f.chain, der)
	}
	return nil
}

// groupBits are the sizes of named curves and groups (RFC 8422, RFC 7919).
var groupBits = map[uint16]int{
	0x0001: 163, 0x0002: 163, 0x0003: 163, 0x0004: 193, 0x0005: 193, 0x0006: 233, 0x0007: 233, 0x0008: 239, 0x0009: 283,
	0x000a: 283, 0x000b: 409, 0x000c: 409, 0x000d: 571, 0x000e: 571, 0x000f: 160, 0x0010: 160, 0x0011: 160, 0x0012: 192,
	0x0013: 192, 0x0014: 224, 0x0015: 224, 0x0016: 256, 0x0017: 256, 0x0018: 384, 0x0019: 521, 0x001a: 256, 0x001b: 384,
	0x001c: 512, 0x001d: 253, 0x001e: 448, 0x0100: 2048, 0x0101: 3072, 0x0102: 4096, 0x0103: 6144, 0x0104: 8192,
	0x11ec: 253, 0x11eb: 256, 0x11ed: 384,
}

// keyExchange reads the size of a ServerKeyExchange: the prime of finite-field Diffie-Hellman, the modulus of an export
// RSA key (RFC 5246 section 7.4.3), or a named curve (RFC 8422 section 5.4). Zero where it says neither.
func keyExchange(name string, body []byte) (size int, group uint16) {
	s := cryptobyte.String(body)
	if (suite{name: name}).curve() {
		var kind uint8
		if s.ReadUint8(&kind) && kind == 3 && s.ReadUint16(&group) {
			return groupBits[group], group
		}
		return 0, 0
	}
	var first cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&first) {
		return 0, 0
	}
	for len(first) > 0 && first[0] == 0 {
		first = first[1:]
	}
	if len(first) == 0 {
		return 0, 0
	}
	return (len(first)-1)*8 + bits.Len8(first[0]), 0
}
