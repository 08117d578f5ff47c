package tlsprobe

import (
	"crypto/ecdsa"
	"crypto/ed25519"

	"github.com/zmap/zcrypto/dsa"
	"github.com/zmap/zcrypto/rsa"
	"github.com/zmap/zcrypto/x509"
)

// keyOf gives the kind and size in bits of a public key; size 0 where the kind is strange.
func keyOf(c *x509.Certificate) (string, int) {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA", k.N.BitLen()
	case *ecdsa.PublicKey:
		return "EC", k.Curve.Params().BitSize
	case *x509.AugmentedECDSA:
		return "EC", k.Pub.Curve.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 8 * len(k)
	case *dsa.PublicKey:
		return "DSA", k.P.BitLen()
	}
	return c.PublicKeyAlgorithmName(), 0
}

// weakKey applies NIST SP 800-131A: RSA and DSA under 2048 bits, curves under 224.
func weakKey(kind string, size int) bool {
	switch kind {
	case "RSA", "DSA":
		return size < 2048
	case "EC":
		return size < 224
	}
	return false
}
