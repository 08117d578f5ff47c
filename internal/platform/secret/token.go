package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

const tokenBytes = 32 // 256 bits: not to be guessed, so that a plain SHA-256 suffices to store it

// NewToken makes a bearer token of 256 random bits, "<prefix>_<43 characters of base64url>". The prefix tells what it
// is to whoever finds one, and to tools that look for leaked secrets.
func NewToken(prefix string) Text {
	return Text(prefix + "_" + base64.RawURLEncoding.EncodeToString(randomBytes(tokenBytes)))
}

// TokenHash is the hexadecimal SHA-256 of a token: what the database keeps and is asked for. An equality look-up by
// hash leaks nothing useful about the token by its time.
func TokenHash(token string) string {
	digest := sha256.Sum256([]byte(token))
	return hex.EncodeToString(digest[:])
}
