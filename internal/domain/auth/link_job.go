package auth

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/mail"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// linkJob mails one link. It makes the token, so that no row holds it.
type linkJob struct {
	OrganizationID string `json:"organization_id"`
	LinkID         string `json:"link_id"`
}

// Kind of the job.
func (linkJob) Kind() string { return "auth_link" }

// forgotJob sends a link for a new password to the user of an address, if there is one.
type forgotJob struct {
	Email string `json:"email"`
}

// Kind of the job.
func (forgotJob) Kind() string { return "auth_forgot_password" }

// pruneJob drops what has expired.
type pruneJob struct{}

// Kind of the job.
func (pruneJob) Kind() string { return "auth_prune" }

// Work mails links and drops what has expired.
func (a *Auth) Work(q *jobs.Queue) {
	const minute = time.Minute
	jobs.Work(q, minute, a.mailLink)
	jobs.Work(q, minute, a.forgotten)
	jobs.Work(q, minute, func(ctx context.Context, _ pruneJob) error {
		return a.DB.Write(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error { return errors.Join(forgetOld(tx), forgetIdle(tx, a.Idle), forgetLinks(tx)) })
	})
	q.Every(hour, pruneJob{})
}

// mailLink gives the link a token, a new one at each try, and sends it. A link that was used or replaced meanwhile is not sent.
func (a *Auth) mailLink(ctx context.Context, j linkJob) error {
	var to string
	var content mail.Content
	err := a.DB.Write(ctx, access.System(access.DoorMail), func(tx *db.Tx) error {
		l, err := linkByID(tx, j.OrganizationID, j.LinkID)
		if err != nil || l == nil {
			return err
		}
		u, err := user.ByID(tx, l.UserID)
		if err != nil {
			return err
		}
		home, err := organization.Place(tx, u.OrganizationID)
		if err != nil {
			return err
		}
		token := secret.NewToken(traits[l.Kind].prefix)
		to, content = l.Email, letterOf(l, u, tame(home.Name))
		content.Action.URL = a.address(l.Kind, token)
		return setLinkHash(tx, l, secret.TokenHash(token.Reveal()))
	})
	if err != nil || to == "" {
		return err
	}
	return a.Mailer.Deliver(ctx, j.OrganizationID, to, content)
}

// address of the page that a link opens.
func (a *Auth) address(kind linkKind, token secret.Text) string {
	return a.BaseURL + "/" + string(kind) + "?" + traits[kind].parameter + "=" + url.QueryEscape(token.Reveal())
}

// letterOf a link; the address of its button is not filled in.
func letterOf(l *Link, u *user.User, home string) mail.Content {
	facts := []mail.Fact{{Name: "User name", Value: u.Username}, {Name: "Organization", Value: home}}
	switch {
	case l.Kind == invitation:
		return mail.Content{Subject: "You are invited to " + home, Paragraphs: []string{greeting(u), "you have been invited to work with " + home + ". Accept the invitation by choosing a password."}, Facts: facts,
			Action: &mail.Action{Label: "Accept the invitation"}, Closing: []string{"The invitation holds for seven days. If you did not expect it, ignore this mail."}}
	case l.Kind == reset:
		return mail.Content{Subject: "Choose a new password", Paragraphs: []string{greeting(u), "somebody, hopefully you, asked for a new password."}, Facts: facts,
			Action: &mail.Action{Label: "Choose a new password"}, Closing: []string{"The link works once, within an hour. If you did not ask for it, ignore this mail: your password stays as it is."}}
	case user.Fold(l.Email) != user.Fold(u.Email):
		return mail.Content{Subject: "Confirm your new e-mail address", Paragraphs: []string{greeting(u), "this address is to become that of your account. It takes effect once you confirm it."}, Facts: facts,
			Action: &mail.Action{Label: "Confirm the new address"}, Closing: []string{"The link works once, within three days. If you did not ask for it, ignore this mail."}}
	}
	return mail.Content{Subject: "Confirm your e-mail address", Paragraphs: []string{greeting(u), "an account was made for you. Confirm that this address is yours to use it."}, Facts: facts,
		Action: &mail.Action{Label: "Confirm the address"}, Closing: []string{"The link works once, within three days."}}
}

func greeting(u *user.User) string {
	name := strings.TrimSpace(u.FirstName + " " + u.LastName)
	if name == "" {
		name = u.Username
	}
	return "Hello " + tame(name) + ","
}

// tame a name that somebody else than the reader may have chosen, so that nobody sends messages and addresses in our name.
func tame(name string) string {
	if strings.Contains(name, "://") {
		return "there"
	}
	if r := []rune(name); len(r) > 80 {
		return string(r[:80])
	}
	return name
}

// forgotten looks the address up here, so that the answer to who asks takes the same time whether it is known or not.
func (a *Auth) forgotten(ctx context.Context, j forgotJob) error {
	return a.DB.Write(ctx, access.System(access.DoorMail), func(tx *db.Tx) error {
		u, err := user.ByEmail(tx, j.Email)
		if err != nil || u == nil || u.LockedAt != nil {
			return err
		}
		if err := tx.Lock("forgotten password " + u.ID); err != nil {
			return err
		}
		live, err := countLinks(tx, u, reset)
		if err != nil || live >= mostResets {
			return err
		}
		return send(tx, u, reset)
	})
}

// mostResets are the links for a new password that may be under way to one user: nobody fills another's mailbox.
const mostResets = 3

// notify tells the user of a change of the account, from where it came.
func notify(tx *db.Tx, u *user.User, to, subject, text string, r op.Request) error {
	return jobs.Enqueue(tx, mail.Letter{OrganizationID: u.OrganizationID, To: to, Content: mail.Content{
		Subject: subject, Paragraphs: []string{greeting(u), text},
		Facts:   []mail.Fact{{Name: "User name", Value: u.Username}, {Name: "Time", Value: tx.Now().Time().UTC().Format("2006-01-02 15:04 MST")}, {Name: "From address", Value: r.IP}},
		Closing: []string{"If it was not you, ask for a new password at once and tell whoever administers your account."}}})
}
