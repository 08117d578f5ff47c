// Package mail sends mails: a subject, a few paragraphs and one button, laid out by templates of ours as HTML and as plain
// text, in the branding of the organization that they are for. A noun enqueues a Letter in the transaction that causes it; one
// whose mail holds a secret, or attachments, sends it from a job of its own.
package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	stdmail "net/mail"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/secret"
)

// ErrRefused is returned for a mail that will never arrive: its address is none, or the server refuses it for good.
var ErrRefused = errors.New("the mail was refused")

// Letter is the job that sends one mail. Its row is kept in clear: there must be no token or other secret in it.
type Letter struct {
	OrganizationID string `json:"organization_id"` // in whose branding
	To             string `json:"to"`
	Content
}

// Kind of the job.
func (Letter) Kind() string { return "mail" }

// BrandOf gives the branding of an organization; fields that it leaves empty are the installation's.
type BrandOf func(tx *db.Tx, organizationID string) (Brand, error)

// Options of a Mailer.
type Options struct {
	DB  *db.DB
	Log *slog.Logger

	// Host of the SMTP server. Without one mails are not sent: their subjects go to the log, and they themselves as files
	// into the directory Outbox, for development.
	Host     string
	Port     int
	Username string
	Password secret.Text
	Roots    *x509.CertPool // nil: the machine's
	Outbox   string

	From    string  // the sender, a name before it or not
	BrandOf BrandOf // nil: the installation's for all
}

// Mailer sends mails. It is safe for concurrent use.
type Mailer struct {
	options Options
	from    *stdmail.Address
	carry   carrier
}

// carrier takes a composed mail where it goes.
type carrier func(ctx context.Context, m *composed) error

// New makes a mailer; it fails where the sender is no address.
func New(o Options) (*Mailer, error) {
	from, err := stdmail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("sender of mails: %w", err)
	}
	m := &Mailer{options: o, from: from}
	m.carry = m.toServer
	if o.Host == "" {
		m.carry = m.toOutbox
	}
	return m, nil
}

// timeout of one mail's way to the server.
const timeout = 30 * time.Second

// Work sends the letters that nouns enqueue.
func (m *Mailer) Work(q *jobs.Queue) {
	jobs.Work(q, timeout+10*time.Second, func(ctx context.Context, l Letter) error {
		return m.Deliver(ctx, l.OrganizationID, l.To, l.Content)
	})
}

// Deliver is Send for a job: a mail that will never arrive is logged, and no error, since trying again would not help.
func (m *Mailer) Deliver(ctx context.Context, organizationID, to string, c Content) error {
	err := m.Send(ctx, organizationID, to, c)
	if errors.Is(err, ErrRefused) {
		m.options.Log.WarnContext(ctx, "a mail was not sent", slog.String("subject", clean(c.Subject)), slog.Any("error", err))
		return nil
	}
	return err
}

// Send one mail to a plain address, in the branding of an organization. It waits for the server: never call it inside a
// transaction. ErrRefused: trying again does not help; any other error may pass.
func (m *Mailer) Send(ctx context.Context, organizationID, to string, c Content) error {
	address, err := stdmail.ParseAddress(to)
	if err != nil || address.Address != to {
		return fmt.Errorf("%w: %q is no address", ErrRefused, clean(to))
	}
	brand, err := m.brand(ctx, organizationID)
	if err != nil {
		return err
	}
	mail, err := m.compose(brand, to, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return m.carry(ctx, mail)
}

func (m *Mailer) brand(ctx context.Context, organizationID string) (Brand, error) {
	if m.options.BrandOf == nil {
		return Brand{}.filled(), nil
	}
	var b Brand
	err := m.options.DB.Read(ctx, access.System(access.DoorMail), func(tx *db.Tx) error {
		var err error
		b, err = m.options.BrandOf(tx, organizationID)
		return err
	})
	if err != nil {
		return Brand{}, fmt.Errorf("branding of a mail: %w", err)
	}
	return b.filled(), nil
}
