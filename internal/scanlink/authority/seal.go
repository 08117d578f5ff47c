package authority

import (
	"crypto/ecdsa"
	"crypto/hpke"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// purpose binds what is sealed to its use, so that nothing else that was sealed to the same key opens in its place.
const purpose = "vedette lease credentials v1\x00"

var errSealKey = errors.New("the certificate has no ECDSA key on P-256")

// Seal encrypts for the holder of a scanner's certificate alone, bound to one job (HPKE, RFC 9180, with the key of the
// certificate on P-256 and AES-256-GCM). Unseal needs the same job.
func Seal(to *x509.Certificate, job string, plain []byte) ([]byte, error) {
	key, ok := to.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errSealKey
	}
	exchange, err := key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealKey, err)
	}
	public, err := hpke.NewDHKEMPublicKey(exchange)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose+job), plain)
}

// Unseal decrypts what Seal made for this identity and this job. The error tells nothing of the content.
func Unseal(identity *tls.Certificate, job string, sealed []byte) ([]byte, error) {
	key, ok := identity.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errSealKey
	}
	exchange, err := key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealKey, err)
	}
	private, err := hpke.NewDHKEMPrivateKey(exchange)
	if err != nil {
		return nil, err
	}
	plain, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose+job), sealed)
	if err != nil {
		return nil, errors.New("it was sealed for another scanner or job, or was changed")
	}
	return plain, nil
}
