package db

import "github.com/google/uuid"

// NewID is a UUID of version 7 (RFC 9562): it grows with time, so that new rows stand together in an index.
func NewID() string {
	return uuid.Must(uuid.NewV7()).String() // fails only where the machine has no randomness, and then nothing is safe
}
