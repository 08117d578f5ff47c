package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/secret"
)

// recoveryCode stands in for a second factor that was lost, once. It is sealed, not hashed, because its owner may see it
// again.
type recoveryCode struct {
	bun.BaseModel `bun:"table:recovery_codes,alias:r"`
	db.Branched
	ID     string        `bun:"id,pk"`
	UserID string        `bun:"user_id"`
	Number int           `bun:"number"`
	Code   secret.Sealed `bun:"code"` // gone once it was used
	UsedAt *clock.Time   `bun:"used_at"`
}

const recoveryCodes = 10

func (c *recoveryCode) place() secret.Place { return secret.At("recovery_codes", "code", c.UserID) }

// newRecoveryCode has 65 bits, without letters and digits that look alike: base32 of RFC 4648 has no 0, 1, 8 and 9.
func newRecoveryCode() string {
	text := strings.ToLower(rand.Text()[:13])
	return text[:4] + "-" + text[4:9] + "-" + text[9:]
}

// renewRecoveryCodes replaces the codes of a user.
func (a *Auth) renewRecoveryCodes(tx *db.Tx, u *user.User) ([]string, error) {
	shown := make([]string, recoveryCodes)
	rows := make([]recoveryCode, recoveryCodes)
	for i := range rows {
		c := &rows[i]
		c.ID, c.UserID, c.OrganizationID, c.Number = db.NewID(), u.ID, u.OrganizationID, i+1
		shown[i] = newRecoveryCode()
		c.Code = a.Sealer.Seal(shown[i], c.place())
	}
	if err := deleteRecoveryCodes(tx, u); err != nil {
		return nil, err
	}
	return shown, insertRecoveryCodes(tx, rows)
}

// showRecoveryCodes are those that still work.
func (a *Auth) showRecoveryCodes(rows []recoveryCode) ([]string, error) {
	shown := []string{}
	for i := range rows {
		code, err := a.Sealer.Open(rows[i].Code, rows[i].place())
		if err != nil {
			return nil, err
		}
		shown = append(shown, code.Reveal())
	}
	return shown, nil
}

// recoveryMatches says whether the attempt is a code of the user, and uses it up.
func (a *Auth) recoveryMatches(tx *db.Tx, u *user.User, attempt string) (bool, error) {
	rows, err := unusedRecoveryCodes(tx, u)
	if err != nil {
		return false, err
	}
	attempt = strings.ToLower(cleanCode(attempt))
	var found *recoveryCode
	for i := range rows {
		code, err := a.Sealer.Open(rows[i].Code, rows[i].place())
		if err != nil {
			return false, err
		}
		if subtle.ConstantTimeCompare([]byte(cleanCode(code.Reveal())), []byte(attempt)) == 1 {
			found = &rows[i]
		}
	}
	if found == nil {
		return false, nil
	}
	return useRecoveryCode(tx, found)
}
