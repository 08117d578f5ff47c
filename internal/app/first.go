package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/scanlink/authority"
	"github.com/vedette/vedette/internal/scanlink/child"
)

// FirstSignIn tells how to sign in after a first start. Password is empty where the configuration gave it.
type FirstSignIn struct {
	Username string
	Password string
}

// firstStart makes the installation's own organization, its plans, port lists and scanner, and the operator's account, as
// far as they are not there. Two servers that start at once make them once.
func firstStart(ctx context.Context, d *db.DB, c *config.Config, h *secret.Hasher) (*FirstSignIn, error) {
	password := c.Operator.Password.Reveal()
	if password == "" {
		password = rand.Text()
	}
	hash, err := h.Hash(ctx, password)
	if err != nil {
		return nil, fmt.Errorf("first start: %w", err)
	}
	var first *FirstSignIn
	err = d.Write(ctx, access.System(access.DoorFirstStart), func(tx *db.Tx) error {
		if err := tx.Lock("first start"); err != nil {
			return err
		}
		if err := installation(tx, c); err != nil {
			return err
		}
		has, err := user.HasAdmin(tx)
		if err != nil || has {
			return err
		}
		first = &FirstSignIn{Username: c.Operator.Username}
		if c.Operator.Password.Empty() {
			first.Password = password
		}
		return user.Insert(tx, newOperator(tx, c.Operator.Username, hash))
	})
	if err != nil {
		return nil, fmt.Errorf("first start: %w", err)
	}
	return first, nil
}

func installation(tx *db.Tx, c *config.Config) error {
	there, err := organization.Exists(tx)
	if err != nil {
		return err
	}
	if !there {
		o := &organization.Organization{ID: access.Installation, Name: "Vedette", Description: "The installation itself.", CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
		if err := organization.Insert(tx, o); err != nil {
			return err
		}
		if err := plan.FirstStart(tx, tx.Now()); err != nil {
			return err
		}
	}
	if err := portlist.FirstStart(tx, tx.Now()); err != nil {
		return err
	}
	return scanner.FirstStart(tx, tx.Now(), c.Scanner.Embedded, c.Scan.MaxParallel)
}

func newOperator(tx *db.Tx, username, hash string) *user.User {
	u := user.New(tx.Now())
	u.Username, u.Email, u.Role, u.PasswordHash, u.ConfirmedAt = username, username, access.Admin, hash, clock.AtPointer(tx.Now().Time())
	u.OrganizationID = access.Installation
	return u
}

// openAuthority reads the authority that scanners are certified by, and makes it on a first start. Its key lies sealed in the
// database.
func openAuthority(ctx context.Context, d *db.DB, s *secret.Sealer) (*authority.Authority, error) {
	place := secret.At("authorities", "private_key", access.Installation)
	var pair authority.Pair
	err := d.Write(ctx, access.System(access.DoorFirstStart), func(tx *db.Tx) error {
		if err := tx.Lock("authority"); err != nil {
			return err
		}
		certificate, sealed, err := scanner.Authority(tx)
		if err != nil {
			return err
		}
		if certificate != "" {
			key, err := s.Open(sealed, place)
			pair = authority.Pair{Certificate: certificate, Key: key.Reveal()}
			return err
		}
		if pair, err = authority.New(); err != nil {
			return err
		}
		return scanner.KeepAuthority(tx, pair.Certificate, s.Seal(pair.Key, place))
	})
	if err != nil {
		return nil, fmt.Errorf("the scanners' authority: %w", err)
	}
	return authority.Open(pair)
}

// embedded keeps the embedded scanner running, as a child process of this executable.
func (a *App) embedded(ctx context.Context) error {
	exe := a.Executable
	if exe == "" {
		var err error
		if exe, err = os.Executable(); err != nil {
			return fmt.Errorf("start the embedded scanner: %w", err)
		}
	}
	return child.Keep(ctx, exe, a.scannerConfig, child.Limits{Memory: int64(a.Config.Scanner.MemoryLimit), Ended: func(instance string) {
		if err := a.dispatcher.Release(context.WithoutCancel(ctx), scanner.EmbeddedID, instance); err != nil {
			a.log.WarnContext(ctx, "the leases of the embedded scanner end by themselves", slog.Any("error", err))
		}
	}})
}

// scannerConfig gives each start of the embedded scanner a certificate of its own.
func (a *App) scannerConfig() (agent.Config, error) {
	csr, key, err := authority.NewRequest()
	if err != nil {
		return agent.Config{}, err
	}
	certificate, err := a.dispatcher.Authority.Scanner(csr, scanner.EmbeddedID)
	return agent.Config{Server: "https://" + a.link.Address().String(), Authority: a.dispatcher.Authority.Certificate(), Certificate: certificate, Key: key,
		Parallel: a.Config.Scan.MaxParallel, Version: Version, Instance: rand.Text(), Templates: a.Config.Feed.Dir,
		Collaborator: a.Config.Scanner.Collaborator}, err
}

func issuer(c *config.Config) report.Issuer {
	return report.Issuer{Certificate: c.ASV.CertificateNumber, Reviewer: c.ASV.Reviewer, Brand: report.Brand{Name: "Vedette"},
		Party: report.Party{Company: c.ASV.Company, Contact: c.ASV.Contact, Title: c.ASV.Title, Telephone: c.ASV.Phone, Email: c.ASV.Email,
			Address: c.ASV.Address, City: c.ASV.City, State: c.ASV.State, ZIP: c.ASV.Zip, Country: c.ASV.Country, URL: c.ASV.URL}}
}
