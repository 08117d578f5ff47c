package mail_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/mail"
	"github.com/vedette/vedette/internal/platform/mail/mailtest"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

func mailer(t *testing.T, o mail.Options) *mail.Mailer {
	t.Helper()
	if o.DB == nil {
		o.DB = dbtest.Open(t, db.SQLite)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.From == "" {
		o.From = "Vedette <scans@vedette.example>"
	}
	m, err := mail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var hello = mail.Content{Subject: "Reset your password", Paragraphs: []string{"Somebody asked for it."}, Facts: []mail.Fact{{Name: "Address", Value: "192.0.2.1"}},
	Action: &mail.Action{Label: "Choose a password", URL: "https://vedette.example/password?reset_password_token=vdp_abc"}, Closing: []string{"It works for an hour."}}

func TestSend(t *testing.T) {
	t.Parallel()
	box := mailtest.Start(t, nil, "")
	brand := func(_ *db.Tx, organization string) (mail.Brand, error) {
		if organization == "" {
			return mail.Brand{}, nil
		}
		return mail.Brand{Name: "Acme & Söhne", LogoURL: "https://acme.example/logo.png", PrimaryColor: "#00aa11", SupportEmail: "help@acme.example", SupportURL: "javascript:alert(1)", Footer: "Acme <b>Ltd</b>",
			FromAddress: "noreply@acme.example"}, nil
	}
	m := mailer(t, mail.Options{Host: box.Host, Port: box.Port, BrandOf: brand})
	if err := m.Send(t.Context(), "acme", "ada@example.com", hello); err != nil {
		t.Fatal(err)
	}
	got := box.Wait(t, "ada@example.com", 1)
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "User-Agent": "", "X-Mailer": "", "Reply-To": "", "Bcc": ""} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	from, err := got.Header.AddressList("From")
	if err != nil || from[0].Name != "Acme & Söhne" || from[0].Address != "noreply@acme.example" || got.From != "scans@vedette.example" {
		t.Errorf("from %v, %q, %v", from, got.From, err)
	}
	if got.Subject != hello.Subject || !strings.HasSuffix(got.Header.Get("Message-ID"), "@vedette.example>") || got.Header.Get("Date") == "" {
		t.Errorf("%q %q", got.Subject, got.Header.Get("Message-ID"))
	}
	for _, want := range []string{"Acme & Söhne\n", "Somebody asked for it.", "Address: 192.0.2.1", "Choose a password:\n" + hello.Action.URL + "\n", "It works for an hour.", "help@acme.example", "Acme <b>Ltd</b>"} {
		if !strings.Contains(strings.ReplaceAll(got.Text, "\r\n", "\n"), want) {
			t.Errorf("the text lacks %q:\n%s", want, got.Text)
		}
	}
	for _, want := range []string{"Acme &amp; Söhne", `href="` + hello.Action.URL + `"`, "#00aa11", `src="https://acme.example/logo.png"`, "Acme &lt;b&gt;Ltd&lt;/b&gt;"} {
		if !strings.Contains(got.HTML, want) {
			t.Errorf("the HTML lacks %q:\n%s", want, got.HTML)
		}
	}
	if strings.Contains(got.HTML+got.Text, "javascript:") {
		t.Error("an address that is no web address stands in a mail")
	}
	if err := m.Send(t.Context(), "", "bob@example.com", mail.Content{Subject: "x", Attachments: []mail.Attachment{{Name: "r\r\nX: y.pdf", Type: "application/pdf", Content: []byte("%PDF")}}}); err != nil {
		t.Fatal(err)
	}
	if got := box.Wait(t, "bob@example.com", 1); !strings.Contains(got.Raw, "application/pdf") || !strings.Contains(got.HTML, "Vedette") || strings.Contains(got.Raw, "\nX: y") {
		t.Errorf("%s", got.Raw)
	}
}

// TestHostile: what users write can neither add a header or recipient, nor be anything but text.
func TestHostile(t *testing.T) {
	t.Parallel()
	box := mailtest.Start(t, nil, "")
	m := mailer(t, mail.Options{Host: box.Host, Port: box.Port})
	for _, to := range []string{"", "admin", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "Ada <ada@example.com>", " a@b.example", "a@b.example\x00"} {
		if err := m.Send(t.Context(), "", to, hello); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	evil := mail.Content{Subject: "Hello\r\nBcc: eve@example.com\r\n\r\n<script>", Paragraphs: []string{"<script>alert(1)</script>\r\n.\r\nQUIT", "tricky \u202e text\u200b"},
		Facts: []mail.Fact{{Name: "<i>", Value: strings.Repeat("x", 100_000)}}, Action: &mail.Action{Label: "<b>", URL: `https://x.example/"onclick="y`}}
	if err := m.Send(t.Context(), "", "ada@example.com", evil); err != nil {
		t.Fatal(err)
	}
	got := box.Wait(t, "ada@example.com", 1)
	if got.Header.Get("Bcc") != "" || got.Subject != "Hello Bcc: eve@example.com <script>" || strings.Contains(got.HTML, "<script>") || strings.Contains(got.HTML, `"onclick`) ||
		strings.ContainsAny(got.Text+got.HTML, "\u202e\u200b") || len(got.Text) > 10_000 {
		t.Errorf("%v\n%s", got.Header, got.HTML)
	}
	evil.Action.URL = "javascript:alert(1)"
	if err := m.Send(t.Context(), "", "ada@example.com", evil); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("%v", err)
	}
	for _, from := range []string{"", "nobody", "a@b.example\r\nX: y"} {
		if _, err := mail.New(mail.Options{From: from}); err == nil {
			t.Errorf("sent from %q", from)
		}
	}
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()
	box := mailtest.Start(t, nil, "")
	box.Refuse("gone@example.com", 550)
	box.Refuse("full@example.com", 452)
	m := mailer(t, mail.Options{Host: box.Host, Port: box.Port})
	if err := m.Send(t.Context(), "", "gone@example.com", hello); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("gone: %v", err)
	}
	if err := m.Send(t.Context(), "", "full@example.com", hello); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("full: %v", err)
	}
	m = mailer(t, mail.Options{Host: box.Host, Port: 1})
	if err := m.Send(t.Context(), "", "ada@example.com", hello); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("no server: %v", err)
	}
}

func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, roots
}

// TestTLS: where STARTTLS is offered it is used, with a certificate that is checked, and the password goes over it.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	box := mailtest.Start(t, cert, "scans:hunter2")
	o := mail.Options{Host: box.Host, Port: box.Port, Username: "scans", Password: "hunter2", Roots: roots}
	if err := mailer(t, o).Send(t.Context(), "", "ada@example.com", hello); err != nil {
		t.Fatal(err)
	}
	if got := box.Wait(t, "ada@example.com", 1); !got.TLS {
		t.Error("it came without TLS")
	}
	wrong := o
	wrong.Password = "wrong"
	strange := o
	strange.Roots = nil
	nobody := o
	nobody.Username = ""
	for name, o := range map[string]mail.Options{"a wrong password": wrong, "a strange certificate": strange, "no password": nobody} {
		err := mailer(t, o).Send(t.Context(), "", "eve@example.com", hello)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := box.To("eve@example.com"); len(got) != 0 {
		t.Errorf("%d mails came", len(got))
	}
}

// TestOutbox: without a server the mail lies in a file, and the log does not tell the link.
func TestOutbox(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outbox")
	var log bytes.Buffer
	m := mailer(t, mail.Options{Outbox: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 103 {
		if err := m.Send(t.Context(), "", "ada@example.com", hello); err != nil {
			t.Fatal(err)
		}
	}
	all, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(all) != 100 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	content, err := os.ReadFile(all[0])
	if err != nil || !strings.Contains(string(content), "vdp_abc") {
		t.Errorf("%s, %v", content, err)
	}
	if info, err := os.Stat(all[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if strings.Contains(log.String(), "vdp_") || !strings.Contains(log.String(), hello.Subject) {
		t.Errorf("the log says %s", log.String())
	}
}

func TestLetter(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box := mailtest.Start(t, nil, "")
		m := mailer(t, mail.Options{DB: d, Host: box.Host, Port: box.Port})
		q := jobs.New()
		m.Work(q)
		refused := errors.New("rolled back")
		write := func(to string, outcome error) {
			err := d.Write(t.Context(), access.System(access.DoorTest), func(tx *db.Tx) error {
				return errors.Join(jobs.Enqueue(tx, mail.Letter{To: to, Content: hello}), outcome)
			})
			if !errors.Is(err, outcome) {
				t.Fatal(err)
			}
		}
		write("never@example.com", refused)
		write("no address", nil)
		write("ada@example.com", nil)
		if err := q.Start(context.Background(), d, 1, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			t.Fatal(err)
		}
		box.Wait(t, "ada@example.com", 1)
		if err := q.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(box.To("never@example.com")) != 0 {
			t.Error("a mail of a transaction that was rolled back was sent")
		}
	})
}
