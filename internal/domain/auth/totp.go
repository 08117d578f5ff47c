package auth

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"image/png"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/vedette/vedette/internal/platform/secret"
)

// Codes of authenticator programs: RFC 6238 with what every such program understands, SHA-1, 6 digits, 30 seconds.
const (
	totpPeriod = 30
	totpSkew   = 1   // steps that a clock may be off in either direction (RFC 6238, 5.2)
	totpSeed   = 20  // bytes (RFC 4226, 4 R6)
	qrSize     = 256 // pixels
)

var totpOptions = totp.ValidateOpts{Period: totpPeriod, Skew: totpSkew, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// seed of a new authenticator.
type seed struct {
	Secret secret.Text // base32
	URL    string
	QR     []byte // PNG
}

func newSeed(issuer, account string) (seed, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: account, Period: totpPeriod, SecretSize: totpSeed})
	if err != nil {
		return seed{}, fmt.Errorf("make a TOTP seed: %w", err)
	}
	picture, err := key.Image(qrSize, qrSize)
	if err != nil {
		return seed{}, fmt.Errorf("draw the QR code: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return seed{}, fmt.Errorf("draw the QR code: %w", err)
	}
	return seed{Secret: secret.Text(key.Secret()), URL: key.URL(), QR: out.Bytes()}, nil
}

// stepOf is the time step whose code the attempt is, the newest of those that are near enough; 0: none.
func stepOf(seed secret.Text, attempt string, now time.Time) (int64, error) {
	var found int64
	for d := int64(-totpSkew); d <= totpSkew; d++ {
		step := now.Unix()/totpPeriod + d
		code, err := totp.GenerateCodeCustom(seed.Reveal(), time.Unix(step*totpPeriod, 0), totpOptions)
		if err != nil {
			return 0, fmt.Errorf("TOTP: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(attempt)) == 1 {
			found = step
		}
	}
	return found, nil
}
