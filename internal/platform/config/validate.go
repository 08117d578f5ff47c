package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/secret"
)

// Postgres says whether the rows are in PostgreSQL; else they are in SQLite.
func (d Database) Postgres() bool {
	url := d.URL.Reveal()
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// SQLitePath is the file of a SQLite database, "" for PostgreSQL.
func (d Database) SQLitePath() string {
	path, found := strings.CutPrefix(d.URL.Reveal(), "sqlite:")
	if !found {
		return ""
	}
	return path
}

// TLS says whether the listener for clients speaks HTTPS itself.
func (h HTTP) TLS() bool { return h.TLSCert != "" }

// derive fills what follows from other options.
func (c *Config) derive() {
	if c.Database.URL.Empty() {
		c.Database.URL = secret.Text("sqlite:" + filepath.Join(c.DataDir, "vedette.db"))
	}
	if c.Feed.Dir == "" {
		c.Feed.Dir = filepath.Join(c.DataDir, "feed")
	}
	if c.BaseURL == "" {
		scheme := "http"
		if c.HTTP.TLS() {
			scheme = "https"
		}
		c.BaseURL = scheme + "://" + c.HTTP.Address
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.ScannerLink.Host == "" {
		c.ScannerLink.Host, _, _ = net.SplitHostPort(c.ScannerLink.Address)
	}
	if c.Mail.From == "" {
		if u, err := url.Parse(c.BaseURL); err == nil {
			c.Mail.From = "vedette@" + u.Hostname()
		}
	}
}

func (c *Config) validate() error {
	return errors.Join(
		c.validateDatabase(),
		address("http.address", c.HTTP.Address),
		address("scanner_link.address", c.ScannerLink.Address),
		optional(c.Metrics.Address, func() error { return address("metrics.address", c.Metrics.Address) }),
		optional(c.DNS.Server, func() error { return address("dns.server", c.DNS.Server) }),
		c.validateRetention(),
		c.validateTLS(),
		c.validateBaseURL(),
		c.validateKeys(),
		c.validateMail(),
		c.validateSMS(),
		c.validateOIDC(),
		c.validateFeed(),
		oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error"),
		oneOf("log.format", c.Log.Format, "text", "json"),
		between("database.max_connections", c.Database.MaxConnections, 2, 1000),
		between("scan.lease_time", c.Scan.LeaseTime, 3*time.Second, 10*time.Minute),
		between("scan.max_parallel", c.Scan.MaxParallel, 1, 256),
		between("scan.max_running", c.Scan.MaxRunning, 0, 100_000),
		between("scan.max_packets_per_second", c.Scan.MaxPackets, 0, 10_000_000),
		between("mail.port", c.Mail.Port, 1, 65535),
		between("api.rate_limit", c.API.RateLimit, 0, 1_000_000),
		between("api.sign_in_limit", c.API.SignInLimit, 0, 1_000_000),
		between("scanner.memory_limit", c.Scanner.MemoryLimit, 64<<20, 1<<40),
		between("api.token_lifetime", c.API.TokenLifetime, time.Minute, 90*24*time.Hour),
		c.validateTokenIdle(),
		optional(c.Operator.Password.Reveal(), func() error {
			return between("operator.password: its length", len(c.Operator.Password), 12, secret.MaxPassword)
		}),
		required("data_dir", c.DataDir),
		required("operator.username", c.Operator.Username),
	)
}

func (c *Config) validateDatabase() error {
	d := c.Database
	if !d.Postgres() && d.SQLitePath() == "" {
		return errors.New("database.url: want sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	}
	for key, text := range map[string]secret.Text{"database.url": d.URL, "database.migrate_url": d.MigrateURL} {
		if text.Empty() || d.SQLitePath() != "" {
			continue
		}
		if _, err := url.Parse(text.Reveal()); err != nil {
			return fmt.Errorf("%s: not a URL; write special characters of a password as %%XX", key)
		}
	}
	return nil
}

// validateRetention: an event must outlive the attempts to deliver it, and the ASV keeps PCI reports for three years.
func (c *Config) validateRetention() error {
	const most = 100 * 365
	r := c.Retention
	least := func(key string, days, least int) error {
		if days == 0 {
			return nil
		}
		return between("retention."+key, days, least, most)
	}
	return errors.Join(least("evidence_days", r.EvidenceDays, 1), least("history_days", r.HistoryDays, 1), least("report_days", r.ReportDays, 1),
		least("pci_days", r.PCIDays, 3*365), least("event_days", r.EventDays, 30), least("verification_days", r.VerificationDays, 1))
}

func (c *Config) validateTLS() error {
	if (c.HTTP.TLSCert == "") != (c.HTTP.TLSKey == "") {
		return errors.New("http.tls_cert and http.tls_key: set both, or none")
	}
	return nil
}

func (c *Config) validateBaseURL() error {
	u, err := url.Parse(c.BaseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("base_url: %q: want https://HOST or http://HOST", c.BaseURL)
	}
	return nil
}

func (c *Config) validateKeys() error {
	keys := map[string]secret.Text{"secret.key": c.Secret.Key}
	for i, old := range c.Secret.OldKeys {
		keys[fmt.Sprintf("secret.old_keys: number %d", i+1)] = old
	}
	var mistakes []error
	for name, text := range keys {
		if _, err := secret.ParseKey(text.Reveal()); !text.Empty() && err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(mistakes...)
}

func (c *Config) validateMail() error {
	if c.Mail.Host == "" {
		return nil
	}
	if _, err := mail.ParseAddress(c.Mail.From); err != nil {
		return fmt.Errorf("mail.from: %q: want an address such as Vedette <scans@example.com>", c.Mail.From)
	}
	return nil
}

func (c *Config) validateSMS() error {
	if err := oneOf("sms.provider", c.SMS.Provider, "none", "log", "twilio"); err != nil || c.SMS.Provider != "twilio" {
		return err
	}
	var base error
	u, err := url.Parse(c.SMS.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "127.0.0.1")) {
		base = fmt.Errorf("sms.base_url: %q: want https://HOST", c.SMS.BaseURL)
	}
	return errors.Join(base, required("sms.account", c.SMS.Account), required("sms.token", c.SMS.Token.Reveal()), required("sms.from", c.SMS.From))
}

// validateTokenIdle: use is noted once a minute, so that a shorter end would come to who works.
func (c *Config) validateTokenIdle() error {
	if c.API.TokenIdle == 0 {
		return nil
	}
	return between("api.token_idle", c.API.TokenIdle, 5*time.Minute, 90*24*time.Hour)
}

var nameInPath = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (c *Config) validateOIDC() error {
	o := c.OIDC
	if o.Issuer == "" {
		return nil
	}
	var mistakes []error
	if u, err := url.Parse(o.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		mistakes = append(mistakes, fmt.Errorf("oidc.issuer: %q: want https://HOST or https://HOST/PATH", o.Issuer))
	}
	if !nameInPath.MatchString(o.Name) {
		mistakes = append(mistakes, fmt.Errorf("oidc.name: %q: want up to 40 small letters, digits and hyphens", o.Name))
	}
	if len(o.EmailDomains) == 0 {
		mistakes = append(mistakes, errors.New("oidc.email_domains: may not be empty; without a domain nobody is found"))
	}
	for _, d := range o.EmailDomains {
		if strings.ContainsAny(d, "@/ ") || d != "*" && strings.Contains(d, "*") {
			mistakes = append(mistakes, fmt.Errorf("oidc.email_domains: %q: want a domain such as example.com, or * for all", d))
		}
	}
	return errors.Join(append(mistakes, required("oidc.client_id", o.ClientID), required("oidc.title", o.Title))...)
}

// politest is how often a publisher of feeds may be asked.
const politest = 10 * time.Minute

func (c *Config) validateFeed() error {
	var mistakes []error
	for _, source := range c.Feed.Sources {
		if u, err := url.Parse(source); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			mistakes = append(mistakes, fmt.Errorf("feed.sources: %q: want https://HOST/PATH", source))
		}
	}
	for _, key := range c.Feed.TrustedKeys {
		if b, err := base64.StdEncoding.DecodeString(key); err != nil || len(b) != 32 {
			mistakes = append(mistakes, fmt.Errorf("feed.trusted_keys: %q: want 32 bytes in base64, as `vedette feed key` prints them", key))
		}
	}
	if every := c.Feed.SyncEvery; every != 0 && every < politest {
		mistakes = append(mistakes, fmt.Errorf("feed.sync_every: %s: want %s or more, or 0 for never", every, politest))
	}
	return errors.Join(mistakes...)
}

func optional(value string, check func() error) error {
	if value == "" {
		return nil
	}
	return check()
}

func required(key, value string) error {
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("%s: may not be empty", key)
	}
	return nil
}

func address(key, value string) error {
	if _, port, err := net.SplitHostPort(value); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %q: want HOST:PORT, for example 0.0.0.0:8080 or [::1]:8080", key, value)
}

func oneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q: want one of %s", key, value, strings.Join(allowed, ", "))
}

func between[T int | ByteSize | time.Duration](key string, value, least, most T) error {
	if value < least || value > most {
		return fmt.Errorf("%s: %v: want %v to %v", key, value, least, most)
	}
	return nil
}
