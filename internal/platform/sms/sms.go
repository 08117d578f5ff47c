// Package sms sends text messages: by Twilio's REST API, or into the log of a developer's machine.
package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/vedette/vedette/internal/platform/netout"
	"github.com/vedette/vedette/internal/platform/secret"
)

// ErrRefused is wrapped where the provider refuses the message itself, so that trying again is of no use.
var ErrRefused = errors.New("the provider refused the message")

// Sender sends one text to a number in E.164 form. An error never holds the text.
type Sender interface {
	Send(ctx context.Context, to, text string) error
}

// Log writes messages into the log instead of sending them: for development only, since codes can be read there.
type Log struct{ To *slog.Logger }

// Send the message to nobody.
func (l Log) Send(ctx context.Context, to, text string) error {
	l.To.WarnContext(ctx, "text message, written here because sms.provider is log; never use it but for development",
		slog.String("to", to), slog.String("text", text))
	return nil
}

// Twilio sends by Twilio's Messages resource, API version 2010-04-01.
type Twilio struct {
	Account string
	Token   secret.Text
	From    string // a number, or the id of a messaging service (MG…)

	base   string
	client *netout.Client
}

// NewTwilio makes a sender. The base is https://api.twilio.com or what stands in for it; where its host is an address,
// that one may be reached although it is not public, because the operator wrote it.
func NewTwilio(base, account string, token secret.Text, from string) (*Twilio, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("sms.base_url: %w", netout.ErrURL)
	}
	policy := netout.Policy{MaxBody: 64 << 10}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		policy.Allow = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	}
	return &Twilio{Account: account, Token: token, From: from, base: strings.TrimRight(base, "/"), client: netout.New(policy)}, nil
}

// Send one message; it is accepted for delivery when Send returns nil.
func (t *Twilio) Send(ctx context.Context, to, text string) error {
	form := url.Values{"To": {to}, "Body": {text}}
	if strings.HasPrefix(t.From, "MG") {
		form.Set("MessagingServiceSid", t.From)
	} else {
		form.Set("From", t.From)
	}
	address := t.base + "/2010-04-01/Accounts/" + url.PathEscape(t.Account) + "/Messages.json"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("send a text message: %w", netout.ErrURL)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(t.Account, t.Token.Reveal())
	answer, err := t.client.Do(r)
	if err != nil {
		return fmt.Errorf("send a text message: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusCreated || answer.StatusCode == http.StatusOK {
		return nil
	}
	var problem struct{ Code int }
	_ = json.NewDecoder(answer.Body).Decode(&problem) // the status says enough where the body is something else
	err = fmt.Errorf("send a text message: the provider answers %d, its code %d", answer.StatusCode, problem.Code)
	if answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests {
		err = fmt.Errorf("%w: %w", err, ErrRefused)
	}
	return err
}
