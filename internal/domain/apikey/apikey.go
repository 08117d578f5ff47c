// Package apikey is how the calling application names itself, besides who calls: a key in the header x-api-key. A key
// belongs to an organization and gives no rights; calls are counted by it, and an installation may ask for one on every call. It is
// shown once, kept as a hash, and works until it is revoked, which deletes it, or its organization is deleted.
package apikey

import (
	"context"
	"strings"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
)

// APIKey is one row.
type APIKey struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`
	db.Owned
	ID         string      `bun:"id,pk"`
	Name       string      `bun:"name"`
	Prefix     string      `bun:"prefix"` // the beginning of the key, by which people know it again
	Hash       string      `bun:"hash"`
	CreatedBy  string      `bun:"created_by"` // user name
	LastUsedAt *clock.Time `bun:"last_used_at"`
	LastUsedIP string      `bun:"last_used_ip"`
	CreatedAt  clock.Time  `bun:"created_at"`
}

// RowID breaks ties of a list.
func (k APIKey) RowID() string { return k.ID }

const (
	keyPrefix = "vdk"
	shown     = len(keyPrefix) + 1 + 6 // characters of the key that stay readable
	// most keys of an organization: each is counted for itself, so that many would be a way around the limit.
	most = 20
)

// Create a key. The key itself is the second result, and nowhere else.
func Create(tx *db.Tx, name string) (*APIKey, secret.Text, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, "", err
	}
	if err := tx.Lock("api keys " + tx.Organization()); err != nil {
		return nil, "", err
	}
	n, err := count(tx)
	if err != nil {
		return nil, "", err
	}
	if n >= most {
		return nil, "", fault.New(fault.Conflict, "An organization has at most %d API keys; revoke one that is not used.", most).Coded("too_many")
	}
	key := secret.NewToken(keyPrefix)
	k := &APIKey{ID: db.NewID(), Name: name, Prefix: key.Reveal()[:shown], Hash: secret.TokenHash(key.Reveal()), CreatedBy: tx.Grant().Principal().Username, CreatedAt: tx.Now()}
	return k, key, insert(tx, k)
}

func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	unseen := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	if name == "" || len([]rune(name)) > 100 || strings.ContainsFunc(name, unseen) {
		return "", fault.At("/api_key/name", "invalid", "A name is 1 to 100 characters long, without control characters.")
	}
	return name, nil
}

// Caller is the application that a key names.
type Caller struct {
	ID           string
	Organization string
}

// Identifier recognises keys.
type Identifier struct{ DB *db.DB }

// noted is how exactly the last use of a key is known: not each call writes.
const noted = 60_000 // milliseconds

// Identify finds whose key it is, and notes its use. Fault kind unauthenticated: it is unknown or revoked.
func (i Identifier) Identify(ctx context.Context, key, ip string) (Caller, error) {
	var k *APIKey
	fresh := false
	err := i.DB.Read(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error {
		var err error
		if len(key) <= 512 {
			k, err = byHash(tx, secret.TokenHash(key))
		}
		fresh = k != nil && k.LastUsedAt != nil && *k.LastUsedAt > tx.Now()-noted
		return err
	})
	if err != nil {
		return Caller{}, err
	}
	if k == nil {
		return Caller{}, fault.New(fault.Unauthenticated, "The API key in x-api-key is unknown or was revoked.").Coded("api_key_invalid")
	}
	if !fresh {
		err = i.DB.Write(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error { return use(tx, k, ip) })
	}
	return Caller{k.ID, k.OrganizationID}, err
}
