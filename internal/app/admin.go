package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"

	"github.com/vedette/vedette/internal/domain/audit"
	"github.com/vedette/vedette/internal/domain/auth"
	"github.com/vedette/vedette/internal/domain/organization"
	people "github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Admin is what the operator does on the server's own machine, beside a running server or without one. Whoever may run it
// with the server's configuration holds the database anyway; so it asks for no password, and tells the audit trail which
// account of the operating system it was.
type Admin struct {
	Config *config.Config
	DB     *db.DB
	// Who acts, as the audit trail names it.
	Who string
}

// OpenAdmin opens the database of the configuration, which a server must have made.
func OpenAdmin(ctx context.Context, c *config.Config, clk *clock.Clock) (*Admin, error) {
	address := c.Database.URL.Reveal()
	if !c.Database.Postgres() {
		address = c.Database.SQLitePath()
		if _, err := os.Stat(address); err != nil {
			return nil, fmt.Errorf("there is no database: %w", err)
		}
	}
	d, err := db.Open(ctx, address, clk)
	if err != nil {
		return nil, err
	}
	a := &Admin{Config: c, DB: d, Who: osUser()}
	if err := a.write(ctx, func(tx *db.Tx) error { return madeByServer(tx) }); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return a, nil
}

// Close the database.
func (a *Admin) Close() error { return a.DB.Close() }

func (a *Admin) write(ctx context.Context, fn func(*db.Tx) error) error {
	return a.DB.Write(ctx, access.System(access.DoorOperator), fn)
}

func madeByServer(tx *db.Tx) error {
	there, err := organization.Exists(tx)
	if err != nil {
		return err
	}
	if !there {
		return errors.New("the database is empty: start `vedette serve` once")
	}
	return nil
}

// osUser is the account of the operating system and the machine.
func osUser() string {
	name := fmt.Sprint("uid ", os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return name + "@" + host
}

// tell the audit trail of the organization what the operator did there.
func (a *Admin) tell(tx *db.Tx, action, org string, c db.Change) error {
	place, err := organization.Place(tx, org)
	if err != nil {
		return err
	}
	c.Actor = &access.Principal{Username: a.Who, Home: access.Organization{ID: access.Installation}, Acting: place}
	return audit.Record(tx, op.Entry{Action: action, Change: c, Request: op.Request{UserAgent: "vedette admin"}})
}

// CreateOperator makes another operator's account. Without a password it makes one up and gives it back.
func (a *Admin) CreateOperator(ctx context.Context, username, email, password string) (string, error) {
	username, err := people.CleanUsername(username, "username")
	if err != nil {
		return "", err
	}
	if email != "" {
		if email, err = people.CleanEmail(email, "email"); err != nil {
			return "", err
		}
	} else {
		email = username
	}
	given := password != ""
	if !given {
		password = rand.Text()
	}
	if err := people.CheckPassword(password, "password", username, email); err != nil {
		return "", err
	}
	hash, err := secret.NewHasher(passwordCost, 1).Hash(ctx, password)
	if err != nil {
		return "", err
	}
	err = a.write(ctx, func(tx *db.Tx) error {
		u := newOperator(tx, username, hash)
		u.Email = email
		if err := people.Insert(tx, u); err != nil {
			return err
		}
		return a.tell(tx, "adminCreateOperator", access.Installation, db.Change{Type: "user", ID: u.ID, Name: username, After: named{username, email}})
	})
	if given {
		password = ""
	}
	return password, err
}

type named struct {
	Username string `json:"username"`
	Email    string `json:"email"`
}

// Unlock lets a user sign in at once who was locked, or waits after wrong passwords or codes.
func (a *Admin) Unlock(ctx context.Context, login string) error {
	return a.write(ctx, func(tx *db.Tx) error {
		u, err := byLogin(tx, login)
		if err != nil {
			return err
		}
		if err := auth.Unlock(tx, u); err != nil {
			return err
		}
		if err := clearLock(tx, u.ID); err != nil {
			return err
		}
		return a.tell(tx, "adminUnlock", u.OrganizationID, db.Change{Type: "user", ID: u.ID, Name: u.Username, Before: locked{u.LockedAt}, After: locked{}})
	})
}

type locked struct {
	LockedAt *clock.Time `json:"locked_at"`
}

// ResetMFA takes the second factors of a user who lost them all.
func (a *Admin) ResetMFA(ctx context.Context, login string) error {
	return a.write(ctx, func(tx *db.Tx) error {
		u, err := byLogin(tx, login)
		if err != nil {
			return err
		}
		before, err := auth.ResetFactors(tx, u)
		if err != nil {
			return err
		}
		return a.tell(tx, "adminResetMFA", u.OrganizationID, db.Change{Type: "user", ID: u.ID, Name: u.Username,
			Before: auth.FactorsChanged{TwoFactorAuthentication: before}, After: auth.FactorsChanged{TwoFactorAuthentication: u.TwoFactor()}})
	})
}

// byLogin is the user of a name, or else of an e-mail address.
func byLogin(tx *db.Tx, login string) (*people.User, error) {
	all, err := people.ByLogin(tx, login)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no user %s", login)
	}
	return &all[0], nil
}

// Broken chain of an organization's audit trail.
type Broken struct {
	Organization string
	Sequence     int64
	Missing      bool // the event is not there; otherwise it, or the one before it, is not what was written
}

// VerifyAudit walks the audit trail of every organization; it tells how many there are, and where the first fault of each is.
func (a *Admin) VerifyAudit(ctx context.Context) (int, []Broken, error) {
	var all []string
	err := a.DB.Read(ctx, access.System(access.DoorOperator), func(tx *db.Tx) error {
		var err error
		all, err = auditTrails(tx)
		return err
	})
	var broken []Broken
	for _, org := range all {
		if err != nil {
			break
		}
		err = a.DB.Read(ctx, access.Job(access.Organization{ID: org}, "", "", a.Who), func(tx *db.Tx) error {
			e, err := audit.Verify(tx)
			if err == nil && e != nil {
				broken = append(broken, Broken{org, e.Sequence, e.ID == ""})
			}
			return err
		})
	}
	return len(all), broken, err
}
