package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/platform/sms"
)

// message is one text message with a code, asked for. The code is made as it is sent; its sealed hash stays.
type message struct {
	bun.BaseModel `bun:"table:otp_messages,alias:s"`
	db.Branched
	ID          string        `bun:"id,pk"`
	UserID      string        `bun:"user_id"`
	PurposeID   string        `bun:"purpose_id"` // the half sign-in or the prepared method that the code is for
	Phone       string        `bun:"phone"`
	CodeHash    secret.Sealed `bun:"code_hash"`
	RequestedAt clock.Time    `bun:"requested_at"`
	ExpiresAt   clock.Time    `bun:"expires_at"`
	UsedAt      *clock.Time   `bun:"used_at"`
}

// Bounds on messages to one account.
const (
	messageEvery    = 30 * time.Second
	messagesAnHour  = 5
	messageLifetime = 10 * time.Minute
)

func (m *message) place() secret.Place { return secret.At("otp_messages", "code_hash", m.UserID) }

// hashOf a code, which for six digits hides nothing unless it is sealed, too.
func (m *message) hashOf(code string) string { return secret.TokenHash(m.ID + ":" + code) }

// sendMessage is the job that sends one.
type sendMessage struct {
	jobs.Actor
	MessageID string `json:"message_id"`
}

// Kind of the job.
func (sendMessage) Kind() string { return "otp_message" }

// WorkMessages lets the queue send text messages.
func (a *Auth) WorkMessages(q *jobs.Queue) { jobs.Work(q, time.Minute, a.send) }

// ask for a message to the user. Fault kind: limited.
func ask(tx *db.Tx, u *user.User, purpose, phone string) error {
	if err := tx.Lock("otp_messages:" + u.ID); err != nil {
		return err
	}
	recent, err := messagesSince(tx, u, tx.Now().Add(-hour))
	if err != nil {
		return err
	}
	if left := mustWait(recent, tx.Now()); left > 0 {
		return fault.New(fault.Limited, "A text message was sent already; ask for another in %d seconds.", int((left+time.Second-1)/time.Second)).
			Coded("too_many_messages").RetryAfter(left)
	}
	place, err := organization.Place(tx, u.OrganizationID)
	if err != nil {
		return err
	}
	m := &message{ID: db.NewID(), UserID: u.ID, PurposeID: purpose, Phone: phone, RequestedAt: tx.Now(), ExpiresAt: tx.Now().Add(messageLifetime)}
	m.OrganizationID = u.OrganizationID
	if err := insertMessage(tx, m); err != nil {
		return err
	}
	actor := jobs.Actor{OrganizationID: place.ID, OrganizationName: place.Name, Chain: place.Chain, Product: u.ActiveProduct, UserID: u.ID, Username: u.Username}
	return jobs.Enqueue(tx, sendMessage{Actor: actor, MessageID: m.ID})
}

// mustWait is how long until another message may be asked for; recent ones are of the last hour, newest first.
func mustWait(recent []message, now clock.Time) time.Duration {
	var until clock.Time
	if len(recent) > 0 {
		until = recent[0].RequestedAt.Add(messageEvery)
	}
	if len(recent) >= messagesAnHour {
		until = max(until, recent[messagesAnHour-1].RequestedAt.Add(hour))
	}
	return time.Duration(until-now) * time.Millisecond
}

// send makes the code and sends it. A message that was tried in vain gets another code the next time.
func (a *Auth) send(ctx context.Context, job sendMessage) error {
	if a.SMS == nil {
		a.Log.WarnContext(ctx, "a text message was not sent: sms.provider is none")
		return nil
	}
	code, err := newCode()
	if err != nil {
		return err
	}
	var m *message
	err = a.DB.Write(ctx, job.Grant(), func(tx *db.Tx) error {
		if m, err = messageByID(tx, job.MessageID); err != nil || m == nil {
			return err
		}
		if m.UsedAt != nil || m.ExpiresAt <= tx.Now() {
			m = nil // whoever asked for it waits no more
			return nil
		}
		m.CodeHash = a.Sealer.Seal(m.hashOf(code.Reveal()), m.place())
		return updateCode(tx, m)
	})
	if err != nil || m == nil {
		return err
	}
	err = a.SMS.Send(ctx, m.Phone, fmt.Sprintf("%s is your code for %s. It works for ten minutes. Give it to nobody.", code.Reveal(), a.Issuer))
	if errors.Is(err, sms.ErrRefused) {
		a.Log.WarnContext(ctx, "a text message was not sent", slog.Any("error", err))
		return nil
	}
	return err
}

func newCode() (secret.Text, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return secret.Text(fmt.Sprintf("%06d", n)), nil
}

// messageMatches says whether the attempt is the newest code that was sent for the purpose, and uses it up.
func (a *Auth) messageMatches(tx *db.Tx, userID, purpose, attempt string) (bool, error) {
	m, err := newestMessage(tx, userID, purpose)
	if err != nil || m == nil {
		return false, err
	}
	hash, err := a.Sealer.Open(m.CodeHash, m.place())
	if err != nil {
		return false, err
	}
	if subtle.ConstantTimeCompare([]byte(hash.Reveal()), []byte(m.hashOf(attempt))) != 1 {
		return false, nil
	}
	return useMessage(tx, m)
}
