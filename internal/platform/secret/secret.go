// Package secret keeps what nobody may read by accident: values sealed with the installation's key before they reach
// the database, passwords kept as argon2id hashes, and tokens kept as SHA-256 hashes. Every type here prints as dots.
package secret

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Dots is how every secret prints, whatever its length.
const Dots = "••••••"

// Text is a secret in the clear, such as a password out of the configuration. All ways of printing it (fmt with any
// verb, JSON, slog) give Dots; Reveal gives the words. Keep it in exported fields: fmt cannot call methods on
// unexported ones and would print the words.
type Text string

// Reveal gives the secret itself.
func (t Text) Reveal() string { return string(t) }

// Empty says whether there is no secret.
func (t Text) Empty() bool { return t == "" }

func (t Text) String() string               { return dots(t.Empty()) }
func (t Text) GoString() string             { return dots(t.Empty()) }
func (t Text) MarshalText() ([]byte, error) { return []byte(dots(t.Empty())), nil }
func (t Text) LogValue() slog.Value         { return slog.StringValue(dots(t.Empty())) }

// Format covers every verb, also those that do not suit a string and would print its raw value as a mistake.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots(t.Empty())) }

// Value refuses: what the database keeps is Sealed, or a hash.
func (t Text) Value() (driver.Value, error) {
	return nil, errors.New("a secret in the clear is not for the database: seal or hash it")
}

func dots(empty bool) string {
	if empty {
		return ""
	}
	return Dots
}
