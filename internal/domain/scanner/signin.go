package scanner

import (
	"context"
	"encoding/json"
	"time"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
)

// SignInsPerMinute that an organization may test: each offers passwords to somebody's machine.
const SignInsPerMinute = 10

// AskSignIn has a scanner test the credentials of a target; it gives the id for SignInAnswer. Fault kind: limited.
func AskSignIn(tx *db.Tx, s *Scanner, in SignIn) (string, error) {
	if err := tx.Lock("sign-ins of " + tx.Organization()); err != nil {
		return "", err
	}
	n, err := signInsSince(tx, tx.Now().Add(-time.Minute))
	if err != nil {
		return "", err
	}
	if n >= SignInsPerMinute {
		return "", fault.New(fault.Limited, "Credentials are tested at most %d times a minute; wait a little.", SignInsPerMinute)
	}
	v := &Verification{ID: db.NewID(), ScannerID: s.ID, ScannerOrganizationID: s.OrganizationID, Checks: json.RawMessage("[]"), AskedAt: tx.Now(), SignIn: &in}
	if err := insertVerification(tx, v); err != nil {
		return "", err
	}
	return v.ID, tx.Wake(VerifyTopic)
}

// SignInAnswer waits at most 15 seconds; false: the scanner has not answered.
func SignInAnswer(ctx context.Context, d *db.DB, open op.Opener, id string) ([]scanlink.VerifyCheck, bool, error) {
	v, err := answered(ctx, d, open, &Verification{ID: id})
	if err != nil || v.AnsweredAt == nil {
		return nil, false, err
	}
	var checks []scanlink.VerifyCheck
	return checks, true, json.Unmarshal(v.Checks, &checks)
}
