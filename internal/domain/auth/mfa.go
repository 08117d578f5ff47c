package auth

import (
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
)

// otpMethod is what the codes of one method are checked with. Whether the method is on stands with the user; until then
// it is prepared.
type otpMethod struct {
	bun.BaseModel `bun:"table:otp_methods,alias:m"`
	db.Branched
	ID         string        `bun:"id,pk"`
	UserID     string        `bun:"user_id"`
	Method     string        `bun:"method"`
	Seed       secret.Sealed `bun:"seed"`      // of TOTP
	Phone      string        `bun:"phone"`     // of SMS
	LastStep   int64         `bun:"last_step"` // of TOTP: no code of this step or an earlier one is accepted any more (RFC 6238, 5.2)
	PreparedAt clock.Time    `bun:"prepared_at"`
}

// preparedFor is how long an installation may take.
const preparedFor = 15 * time.Minute

func (m *otpMethod) place() secret.Place { return secret.At("otp_methods", "seed", m.UserID) }

var (
	errPrepare = fault.New(fault.Conflict, "There is no installation of this method to verify; enable it first.").Coded("not_prepared")
	errOff     = fault.New(fault.Conflict, "This method is not on.").Coded("method_off")
	errOn      = fault.New(fault.Conflict, "This method is on already; disable it first.").Coded("method_on")
	errNoSMS   = fault.New(fault.Conflict, "This installation sends no text messages; use totp.").Coded("sms_unavailable")
)

// prepare replaces what was prepared of a method.
func prepare(tx *db.Tx, u *user.User, m *otpMethod) error {
	m.ID, m.UserID, m.OrganizationID, m.PreparedAt = db.NewID(), u.ID, u.OrganizationID, tx.Now()
	if err := deleteMethod(tx, u, m.Method); err != nil {
		return err
	}
	return insertMethod(tx, m)
}

// prepared is the method that waits to be verified.
func prepared(tx *db.Tx, u *user.User, method string) (*otpMethod, error) {
	if u.On(method) {
		return nil, errOn
	}
	m, err := methodOf(tx, u, method)
	if err != nil {
		return nil, err
	}
	if m == nil || m.PreparedAt < tx.Now().Add(-preparedFor) {
		return nil, errPrepare
	}
	return m, nil
}

// matches says whether the attempt is a code of the method, and uses the code up. purpose is what a text message must have
// been sent for.
func (a *Auth) matches(tx *db.Tx, m *otpMethod, purpose, attempt string) (bool, error) {
	if m.Method == user.SMS {
		return a.messageMatches(tx, m.UserID, purpose, attempt)
	}
	seed, err := a.Sealer.Open(m.Seed, m.place())
	if err != nil {
		return false, err
	}
	step, err := stepOf(seed, attempt, tx.Now().Time())
	if err != nil || step <= m.LastStep {
		return false, err
	}
	return advance(tx, m, step)
}

// cleanCode takes away the spaces with which codes are shown.
func cleanCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
}
