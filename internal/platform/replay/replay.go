// Package replay gives the first answer again to a request that is sent twice with the same Idempotency-Key. The row
// that remembers is part of the operation's own transaction.
package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Lifetime of a key.
const Lifetime = 24 * time.Hour

const maxAnswer = 64 << 10

// Request is what a key is scoped to. The same key with another body, product or query is refused.
type Request struct {
	Caller, Method, Path, Key string
	bodyHash                  string
}

// Answer that was given.
type Answer struct {
	Status   int             `json:"status"`
	Location string          `json:"location,omitempty"`
	Body     json.RawMessage `json:"body"` // null: there was none
}

type hashKey struct{}

// Capture hashes the body of a POST that carries an Idempotency-Key, so that the operation can compare it. A body over
// limit bytes (a form: over upload bytes) goes on unread; the operation's own limit refuses it.
func Capture(limit, upload int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Idempotency-Key") == "" {
			next.ServeHTTP(w, r)
			return
		}
		limit := limit
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
			limit = upload
		}
		head, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
		rest := r.Body
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(head), rest), rest}
		if err == nil {
			sum := sha256.Sum256(head)
			r = r.WithContext(context.WithValue(r.Context(), hashKey{}, hex.EncodeToString(sum[:])))
		}
		next.ServeHTTP(w, r)
	})
}

// New reads the key of a captured request. besides is what the answer depends on besides the body.
func New(ctx context.Context, caller, method, path, key, besides string) (*Request, error) {
	if len(key) > 255 {
		return nil, fault.At("Idempotency-Key", "too_long", "An Idempotency-Key is at most 255 characters long.")
	}
	hash, ok := ctx.Value(hashKey{}).(string)
	if !ok {
		return nil, errors.New("the body of a request with an Idempotency-Key was not captured")
	}
	sum := sha256.Sum256([]byte(hash + " " + besides))
	return &Request{Caller: caller, Method: method, Path: path, Key: key, bodyHash: hex.EncodeToString(sum[:])}, nil
}

// Keys remembers answers, sealed.
type Keys struct{ sealer *secret.Sealer }

// NewKeys seals with the installation's key.
func NewKeys(s *secret.Sealer) *Keys { return &Keys{s} }

// Find the answer kept for a request. A key that was used with another body is a fault of kind invalid.
func (k *Keys) Find(ctx context.Context, d *db.DB, g access.Grant, r Request) (*Answer, error) {
	var kept *keyRow
	err := d.Read(ctx, g, func(tx *db.Tx) error {
		var err error
		kept, err = find(tx, r)
		return err
	})
	if err != nil || kept == nil {
		return nil, err
	}
	if kept.BodyHash != r.bodyHash {
		return nil, fault.At("Idempotency-Key", "reused", "This Idempotency-Key was used for another request; take a new one.")
	}
	plain, err := k.sealer.Open(kept.Answer, place(kept.OrganizationID))
	if err != nil {
		return nil, fmt.Errorf("open a kept answer: %w", err)
	}
	var a Answer
	if err := json.Unmarshal([]byte(plain.Reveal()), &a); err != nil {
		return nil, fmt.Errorf("read a kept answer: %w", err)
	}
	return &a, nil
}

// Claim takes the key for this transaction; a simultaneous twin gets a conflict.
func (k *Keys) Claim(tx *db.Tx, r Request) error {
	return insert(tx, &keyRow{Caller: r.Caller, Method: r.Method, Path: r.Path, Key: r.Key, BodyHash: r.bodyHash,
		CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(Lifetime)})
}

// Keep the answer; one over 64 KiB is not kept, and the key then answers nothing.
func (k *Keys) Keep(tx *db.Tx, r Request, status int, location string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	if len(raw) > maxAnswer {
		return forget(tx, r)
	}
	plain, err := json.Marshal(Answer{Status: status, Location: location, Body: raw})
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return keep(tx, r, k.sealer.Seal(string(plain), place(tx.Organization())))
}

func place(organization string) secret.Place {
	return secret.At("idempotency_keys", "answer", organization)
}
