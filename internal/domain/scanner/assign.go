package scanner

import (
	"context"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// assigner moves scanners from one organization to another, which no organization's own transaction may.
type assigner struct {
	db     *db.DB
	record op.Auditor
}

// assign gives the scanner to an organization of the caller's branch, which it serves from then on together with all below it; nil
// takes it back for the caller's home organization alone. Verifications stay with nobody: they were of the former owner's.
// Fault kinds: notfound, forbidden, conflict.
func (a assigner) assign(ctx context.Context, open op.Opener, in *assignInput) (Attributes, error) {
	err := open.Read(ctx, func(tx *db.Tx) error {
		s, err := ByID(tx, in.ID)
		if err == nil {
			err = assignable(tx.Organization(), s)
		}
		return err
	})
	if err != nil {
		return Attributes{}, err
	}
	p := open.Grant().Principal()
	var out Attributes
	err = a.db.Write(ctx, access.System(access.DoorAssign), func(tx *db.Tx) error {
		s, err := ByID(tx, in.ID)
		if err != nil {
			return err
		}
		if err := lock(tx, s); err != nil {
			return err
		}
		if err := assignable(p.Acting.ID, s); err != nil {
			return err
		}
		before := represent(tx, *s)
		before.Organization = &op.Link{ID: p.Acting.ID, Name: p.Acting.Name}
		if err := move(tx, s, p.Home.ID, in.Body.Organization); err != nil {
			return err
		}
		out = represent(tx, *s)
		owner, err := organization.Place(tx, s.OrganizationID)
		if err != nil {
			return err
		}
		out.Organization = &op.Link{ID: owner.ID, Name: owner.Name}
		return a.record(tx, op.Entry{Action: assignID, Request: op.RequestOf(ctx),
			Change: db.Change{Type: "scanner", ID: s.ID, Name: s.Name, Before: before, After: out, Actor: &p}})
	})
	return out, err
}

func assignable(organization string, s *Scanner) error {
	switch {
	case s.OrganizationID != organization:
		return fault.New(fault.Forbidden, "The scanner %q is shared by the organization that owns it, and can be assigned there alone.", s.Name).Coded("not_owned")
	case s.Kind == Embedded:
		return fault.New(fault.Conflict, "The embedded scanner belongs to the service and can't be assigned.").Coded("embedded")
	}
	return nil
}

// move changes the owner. to is nil, or an organization of home's branch.
func move(tx *db.Tx, s *Scanner, home string, to *string) error {
	target := home
	if to != nil {
		target = strings.ToLower(*to)
		inside, err := inBranch(tx, home, target)
		if err != nil {
			return err
		}
		if !inside {
			return fault.Missing()
		}
	}
	stays := ""
	if target == s.OrganizationID {
		stays = target // its own scans may go on
	}
	busy, err := referred(tx, s.ID, stays)
	if err == nil && busy && (stays == "" || to == nil) {
		err = inUse()
	}
	if err == nil && stays == "" {
		err = withinPlan(tx, target)
	}
	if err != nil {
		return err
	}
	return setOwner(tx, s, target, to != nil)
}
