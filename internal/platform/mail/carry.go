package mail

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// composed is a mail that is ready to go.
type composed struct {
	message *gomail.Msg
	subject string
	to      string
}

// compose lays a mail out. Nothing of the content reaches a header but the subject, which is one line.
func (m *Mailer) compose(b Brand, to string, c Content) (*composed, error) {
	c, err := c.cleaned()
	if err != nil {
		return nil, err
	}
	asHTML, asText, err := render(b, c)
	if err != nil {
		return nil, err
	}
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	sender := b.FromAddress
	if sender == "" {
		sender = m.from.Address
	}
	if err := errors.Join(message.EnvelopeFrom(m.from.Address), message.FromFormat(b.FromName, sender), message.To(to)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	message.Subject(c.Subject)
	message.SetDateWithValue(m.options.DB.Clock().Now())
	_, host, _ := strings.Cut(m.from.Address, "@")
	message.SetMessageIDWithValue(strings.ToLower(rand.Text()) + "@" + host)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: answers by machines are not asked for
	message.SetBodyString(gomail.TypeTextPlain, asText)
	message.AddAlternativeString(gomail.TypeTextHTML, asHTML)
	for _, a := range c.Attachments {
		message.AttachReadSeeker(clean(a.Name), bytes.NewReader(a.Content), gomail.WithFileContentType(gomail.ContentType(a.Type)))
	}
	return &composed{message: message, subject: c.Subject, to: to}, nil
}

// implicitTLS is the port on which TLS comes first (RFC 8314).
const implicitTLS = 465

// toServer hands the mail to the SMTP server. TLS is asked for wherever it is offered; it is a must where a password is sent, but
// to this machine itself.
func (m *Mailer) toServer(ctx context.Context, c *composed) error {
	client, err := gomail.NewClient(m.options.Host, m.clientOptions()...)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, c.message)
	var refusal *gomail.SendError
	if errors.As(err, &refusal) && refusal.Reason == gomail.ErrSMTPRcptTo && !refusal.IsTemp() {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("send a mail: %w", err)
	}
	m.options.Log.InfoContext(ctx, "mail sent", slog.String("to", c.to), slog.String("subject", c.subject))
	return nil
}

func (m *Mailer) clientOptions() []gomail.Option {
	o := m.options
	policy := gomail.TLSOpportunistic
	if o.Username != "" && !local(o.Host) {
		policy = gomail.TLSMandatory
	}
	all := []gomail.Option{gomail.WithPort(o.Port), gomail.WithTimeout(timeout), gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(&tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12, RootCAs: o.Roots})}
	if o.Port == implicitTLS {
		all = append(all, gomail.WithSSL())
	}
	if o.Username != "" {
		all = append(all, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(o.Username), gomail.WithPassword(o.Password.Reveal()))
	}
	return all
}

func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// kept is how many mails the outbox holds.
const kept = 100

// toOutbox writes the mail to a file that its owner alone can read; the oldest make room.
func (m *Mailer) toOutbox(ctx context.Context, c *composed) error {
	dir := m.options.Outbox
	m.options.Log.InfoContext(ctx, "no mail server is configured; the mail lies in the outbox", slog.String("to", c.to), slog.String("subject", c.subject))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	name := m.options.DB.Clock().Now().UTC().Format("20060102T150405.000") + "-" + strings.ToLower(rand.Text()[:8]) + ".eml"
	if err := write(filepath.Join(dir, name), c.message); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return thin(dir)
}

func write(path string, content io.WriterTo) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = content.WriteTo(f)
	return errors.Join(err, f.Close())
}

// thin drops the oldest mails.
func thin(dir string) error {
	all, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(all) <= kept {
		return err
	}
	slices.Sort(all) // their names begin with the time
	for _, path := range all[:len(all)-kept] {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("outbox: %w", err)
		}
	}
	return nil
}
