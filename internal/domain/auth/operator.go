package auth

import (
	"strings"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
)

// Unlock lets an account try again at once that waits after wrong passwords or codes. Through a door; told in the audit
// trail by the caller.
func Unlock(tx *db.Tx, u *user.User) error {
	return forgive(tx, []subject{accountOf(u.ID), factorOf(u.ID)})
}

// ResetFactors takes all second factors and recovery codes from a user who lost them, ends the user's sign-ins, and tells
// the user. It gives what was on before. Through a door; told in the audit trail by the caller.
func ResetFactors(tx *db.Tx, u *user.User) (before user.TwoFactor, err error) {
	if err := lockFactors(tx, u.ID); err != nil {
		return before, err
	}
	before = u.TwoFactor()
	for _, method := range []string{user.TOTP, user.SMS} {
		if err := deleteMethod(tx, u, method); err != nil {
			return before, err
		}
		u.Turn(method, false, "")
	}
	keys, err := passkeysOf(tx, u)
	if err != nil {
		return before, err
	}
	for _, k := range keys {
		if err := deletePasskey(tx, u, k.ID); err != nil {
			return before, err
		}
	}
	u.Hold(0)
	if err := user.SetFactors(tx, u); err != nil {
		return before, err
	}
	if err := dropUnneeded(tx, u); err != nil {
		return before, err
	}
	if err := endSessions(tx, u.ID, ""); err != nil || !strings.Contains(u.Email, "@") {
		return before, err
	}
	return before, notify(tx, u, u.Email, "Your second factor was reset", "an operator has turned off the second factors of your account and ended its sign-ins. "+
		"Sign in with your password and turn one on again.", op.Request{IP: "the operator's console"})
}
