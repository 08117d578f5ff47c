package answer

import (
	"encoding/base64"
	"math/bits"
	"strconv"
	"strings"
)

// pythonBase64 is what Python's encodebytes makes: lines of 76 characters, each with its end.
func pythonBase64(s string) string {
	e := base64.StdEncoding.EncodeToString([]byte(s))
	var b strings.Builder
	for ; e != ""; e = e[min(76, len(e)):] {
		b.WriteString(e[:min(76, len(e))] + "\n")
	}
	return b.String()
}

const (
	mixA, mixB = 0xcc9e2d51, 0x1b873593
	endA, endB = 0x85ebca6b, 0xc2b2ae35
)

// scramble and step are the inner functions of MurmurHash3 (x86, 32 bits).
func scramble(k uint32) uint32 { return bits.RotateLeft32(k*mixA, 15) * mixB }
func step(state, word uint32) uint32 {
	return bits.RotateLeft32(state^scramble(word), 13)*5 + 0xe6546b64
}

func murmur(b []byte) uint32 {
	n := uint32(len(b))
	var h uint32
	for ; len(b) >= 4; b = b[4:] {
		h = step(h, uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24)
	}
	var tail uint32
	for i, c := range b {
		tail |= uint32(c) << (8 * i)
	}
	if len(b) > 0 {
		h ^= scramble(tail)
	}
	h ^= n
	h = (h ^ h>>16) * endA
	h = (h ^ h>>13) * endB
	return h ^ h>>16
}

// inverse of an odd number modulo 2^32, by Newton's iteration.
func inverse(a uint32) uint32 {
	x := a
	for range 5 {
		x *= 2 - a*x
	}
	return x
}

// iconFor is a body whose icon hash, murmur of its Python base64, is the one wanted: the hash is run backwards to the
// four characters before the last line end, over many beginnings until these are of the base64 alphabet.
func iconFor(want string) (string, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(want), 10, 64)
	if err != nil {
		return "", false
	}
	const size = 12 // characters of base64
	h := uint32(n)
	h ^= h >> 16
	h *= inverse(endB)
	h ^= h>>13 ^ h>>26
	h *= inverse(endA)
	h ^= h >> 16
	h ^= size + 1
	h ^= scramble('\n')
	after := bits.RotateLeft32((h-0xe6546b64)*inverse(5), -13)
	for i := range 1 << 20 {
		head := base64.StdEncoding.EncodeToString([]byte{byte(i), byte(i >> 8), byte(i >> 16), 'i', 'c', 'o'})
		var state uint32
		for k := 0; k < len(head); k += 4 {
			state = step(state, uint32(head[k])|uint32(head[k+1])<<8|uint32(head[k+2])<<16|uint32(head[k+3])<<24)
		}
		word := bits.RotateLeft32((state^after)*inverse(mixB), -15) * inverse(mixA)
		tail := string([]byte{byte(word), byte(word >> 8), byte(word >> 16), byte(word >> 24)})
		if b, err := base64.StdEncoding.DecodeString(head + tail); err == nil && pythonBase64(string(b)) == head+tail+"\n" {
			return string(b), true
		}
	}
	return "", false
}
