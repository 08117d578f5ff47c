package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// MaxPassword is the longest password in bytes, in its compatible form, that is hashed.
const MaxPassword = 1024

// ErrPasswordLength is returned for an empty password or one over MaxPassword bytes.
var ErrPasswordLength = fmt.Errorf("a password has 1 to %d bytes", MaxPassword)

// ErrHash is returned for a stored text that is no argon2id hash within the accepted costs.
var ErrHash = errors.New("not an argon2id hash of acceptable cost")

const (
	saltSize   = 16
	digestSize = 32
	// Bounds on costs read back from the database: a hash written there by other means cannot exhaust the machine.
	maxMemory = 1 << 20 // KiB
	maxPasses = 32
	maxLanes  = 16
)

// Cost says how much work one hash is.
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8
}

// DefaultCost is above the least that OWASP's password storage guidance accepts for one pass (46 MiB).
var DefaultCost = Cost{Memory: 64 << 10, Passes: 1, Lanes: 1}

// TestCost is for tests, which hash often and have nothing to protect.
var TestCost = Cost{Memory: 64, Passes: 1, Lanes: 1}

// Hasher hashes passwords with argon2id (RFC 9106), never more than a fixed number at once, because each takes tens of
// megabytes. It is safe for concurrent use. Never call it inside a transaction.
type Hasher struct {
	cost  Cost
	slots chan struct{}
	dummy string
}

// NewHasher makes a hasher that runs at most parallel hashes at once.
func NewHasher(cost Cost, parallel int) *Hasher {
	h := &Hasher{cost: cost, slots: make(chan struct{}, max(parallel, 1))}
	h.dummy = encodeHash(cost, randomBytes(saltSize), randomBytes(digestSize))
	return h
}

// Hash gives the PHC string of a password with a fresh salt. A password is hashed in Unicode's compatible form, so that it is the
// same from every keyboard (NIST SP 800-63B, 3.1.1.2). It waits for a free slot as long as ctx allows.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	password = norm.NFKC.String(password)
	if len(password) == 0 || len(password) > MaxPassword {
		return "", ErrPasswordLength
	}
	salt := randomBytes(saltSize)
	digest, err := h.derive(ctx, password, salt, h.cost, digestSize)
	if err != nil {
		return "", err
	}
	return encodeHash(h.cost, salt, digest), nil
}

// Verify says whether password is the one that encoded was made of, compared in constant time, and whether the hash
// should be replaced because its cost is no longer the configured one. A wrong password is no error.
func (h *Hasher) Verify(ctx context.Context, password, encoded string) (ok, stale bool, err error) {
	cost, salt, digest, err := decodeHash(encoded)
	if err != nil {
		return false, false, err
	}
	if password = norm.NFKC.String(password); len(password) > MaxPassword {
		password = password[:MaxPassword+1] // cannot match, since Hash refuses it, yet takes the usual time
	}
	got, err := h.derive(ctx, password, salt, cost, uint32(len(digest)))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, digest) == 1
	return ok, ok && cost != h.cost, nil
}

// VerifyNobody takes as long as Verify and always says no: the answer for a user who does not exist.
func (h *Hasher) VerifyNobody(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, password, h.dummy)
	return err
}

func (h *Hasher) derive(ctx context.Context, password string, salt []byte, cost Cost, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, cost.Lanes, size), nil
}

func encodeHash(cost Cost, salt, digest []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.Memory, cost.Passes, cost.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(digest))
}

func decodeHash(encoded string) (cost Cost, salt, digest []byte, err error) {
	fields := strings.Split(encoded, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" ||
		fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return Cost{}, nil, nil, ErrHash
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Passes, &cost.Lanes); err != nil {
		return Cost{}, nil, nil, ErrHash
	}
	if !cost.acceptable() {
		return Cost{}, nil, nil, ErrHash
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(fields[4])
	digest, digestErr := base64.RawStdEncoding.DecodeString(fields[5])
	if saltErr != nil || digestErr != nil || len(salt) < 8 || len(salt) > 64 || len(digest) < 16 || len(digest) > 64 {
		return Cost{}, nil, nil, ErrHash
	}
	return cost, salt, digest, nil
}

func (c Cost) acceptable() bool {
	return c.Lanes >= 1 && c.Lanes <= maxLanes && c.Passes >= 1 && c.Passes <= maxPasses &&
		c.Memory >= 8*uint32(c.Lanes) && c.Memory <= maxMemory
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
