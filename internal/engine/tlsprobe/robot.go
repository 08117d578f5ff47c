package tlsprobe

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"github.com/zmap/zcrypto/rsa"
	"github.com/zmap/zcrypto/x509"

	"github.com/vedette/vedette/internal/scanlink"
)

// oracleCases are the blocks that the ROBOT paper (Böck, Somorovsky, Young 2018) compares: one with good padding, and
// four that a server must not tell from it.
var oracleCases = []struct {
	name string
	make func(size int, version uint16) []byte
}{
	{"good padding", func(size int, v uint16) []byte { return block(size, 0x02, size-49, v) }},
	{"wrong first bytes", func(size int, v uint16) []byte { b := block(size, 0x17, size-49, v); b[0] = 0x41; return b }},
	{"zero in the wrong place", func(size int, v uint16) []byte { return block(size, 0x02, size-10, v) }},
	{"no zero at all", func(size int, v uint16) []byte { return block(size, 0x02, size, v) }},
	{"wrong version", func(size int, v uint16) []byte { return block(size, 0x02, size-49, 0x0202) }},
}

// block is 00 kind, padding without zero, a zero at the index, then the premaster secret's version and filler.
func block(size int, kind byte, zero int, version uint16) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(1 + i%250)
	}
	b[0], b[1] = 0, kind
	if zero < size {
		b[zero] = 0
	}
	if zero+2 < size {
		b[zero+1], b[zero+2] = byte(version>>8), byte(version)
	}
	return b
}

// robot looks for Bleichenbacher's oracle: a server that answers a badly padded key differently, the same way twice.
func (p *prober) robot(ctx context.Context) []scanlink.Finding {
	for _, version := range []uint16{tls12, tls11, tls10} {
		if ids := p.suitesOf(version, plainRSA); len(ids) > 0 {
			return p.oracle(ctx, version, ids)
		}
	}
	return nil
}

func (p *prober) oracle(ctx context.Context, version uint16, ids []uint16) []scanlink.Finding {
	first := p.oracleRound(ctx, version, ids)
	if first == nil || alike(first) {
		return nil
	}
	for range 2 { // chance does not repeat itself
		again := p.oracleRound(ctx, version, ids)
		if again == nil || strings.Join(again, ";") != strings.Join(first, ";") {
			return nil
		}
	}
	var lines []string
	for i, c := range oracleCases {
		lines = append(lines, c.name+": "+first[i])
	}
	x := p.seen("robot", "ClientKeyExchange with five kinds of padding, ChangeCipherSpec, Finished",
		"The server tells good padding from bad, so recorded sessions can be decrypted and signatures forged.", lines)
	x.QoD = 97
	return []scanlink.Finding{x}
}

func alike(answers []string) bool {
	for _, a := range answers {
		if a != answers[0] {
			return false
		}
	}
	return true
}

// oracleRound gives the answer to each case, or nil where one could not be put.
func (p *prober) oracleRound(ctx context.Context, version uint16, ids []uint16) []string {
	answers := make([]string, len(oracleCases))
	for i := range oracleCases {
		a, err := p.oracleCase(ctx, version, ids, i)
		if err != nil || a == "reset" && ctx.Err() != nil {
			return nil
		}
		answers[i] = a
	}
	return answers
}

func (p *prober) oracleCase(ctx context.Context, version uint16, ids []uint16, i int) (string, error) {
	c, f, err := p.begin(ctx, hello{version: version, suites: ids, name: p.t.Name()})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if len(f.chain) == 0 {
		return "", errMalformed
	}
	cert, err := x509.ParseCertificate(f.chain[0])
	if err != nil {
		return "", fmt.Errorf("certificate: %w", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() > 8192 || key.Size() < 64 {
		return "", errMalformed
	}
	sealed := make([]byte, key.Size())
	message := new(big.Int).SetBytes(oracleCases[i].make(key.Size(), version))
	message.Exp(message, key.E, key.N).FillBytes(sealed)
	body := append([]byte{byte(len(sealed) >> 8), byte(len(sealed))}, sealed...)
	keyExchange := append([]byte{16, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	finished := make([]byte, 64)
	_, _ = rand.Read(finished) // never fails (Go 1.24)
	out := record(recordHandshake, version, keyExchange)
	out = append(out, record(recordChangeCipher, version, []byte{1})...)
	out = append(out, record(recordHandshake, version, finished)...)
	if _, err := c.Write(out); err != nil {
		return "", err
	}
	return answer(c, attackWait), nil
}
