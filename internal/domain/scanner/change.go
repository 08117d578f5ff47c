package scanner

import (
	"cmp"
	"time"

	"github.com/vedette/vedette/internal/domain/network"
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/scanlink"
)

// CodeLife is how long a linking code is good.
const CodeLife = 24 * time.Hour

// MaxConcurrency is the most chunks at once that a scanner may be given.
const MaxConcurrency = 64

const (
	codePrefix     = "vdl"
	standardChunks = 2
)

// owned finds a scanner that the caller's organization owns, and locks it. Fault kinds: notfound; forbidden where another
// organization shares it.
func owned(tx *db.Tx, id string) (*Scanner, error) {
	s, err := ByID(tx, id)
	if err != nil {
		return nil, err
	}
	if s.OrganizationID != tx.Organization() {
		return nil, fault.New(fault.Forbidden, "The scanner %q is shared by the organization that owns it, and can be changed there alone.", s.Name).Coded("not_owned")
	}
	return s, lock(tx, s)
}

// remote is owned, but for the embedded scanner: 409.
func remote(tx *db.Tx, id string) (*Scanner, error) {
	s, err := owned(tx, id)
	if err == nil && s.Kind == Embedded {
		return nil, fault.New(fault.Conflict, "The embedded scanner belongs to the service; the configuration turns it on and off (scanner.embedded).").Coded("embedded")
	}
	return s, err
}

// create a remote scanner; the linking code is told here alone.
func create(tx *db.Tx, authority string, in createAttributes) (Attributes, error) {
	name, err := organization.CleanName(in.Name, "/scanner/name")
	if err != nil {
		return Attributes{}, err
	}
	if err := withinPlan(tx, tx.Organization()); err != nil {
		return Attributes{}, err
	}
	s := &Scanner{ID: db.NewID(), Name: name, Comment: in.Comment, Kind: Remote, AppType: "all", State: New, Capabilities: []string{},
		SourceAddresses: []string{}, MaxConcurrency: in.MaxConcurrency, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if user := tx.Grant().Principal().User; user != "" {
		s.CreatedBy = &user
	}
	if s.MaxConcurrency == 0 {
		s.MaxConcurrency = standardChunks
	}
	if s.NetworkID, err = network.Choose(tx, op.Field[string]{Value: cmp.Or(in.Network, in.NetworkID)}); err != nil {
		return Attributes{}, err
	}
	if err := insert(tx, s); err != nil {
		return Attributes{}, err
	}
	all := []Attributes{represent(tx, *s)}
	if err := named(tx, all); err != nil {
		return Attributes{}, err
	}
	tx.Changed(db.Change{Type: "scanner", ID: s.ID, Name: s.Name, After: all[0]})
	return withCode(tx, all[0], authority)
}

// withCode makes a linking code for the scanner; it is told here alone.
func withCode(tx *db.Tx, a Attributes, authority string) (Attributes, error) {
	token := secret.NewToken(codePrefix).Reveal()
	until := tx.Now().Add(CodeLife)
	if err := SetLink(tx, a.ID, secret.TokenHash(token), until); err != nil {
		return Attributes{}, err
	}
	var err error
	a.LinkingCode, err = scanlink.LinkingCode(token, authority)
	a.LinkingCodeExpiresAt = &until
	return a, err
}

// relink gives a scanner another linking code. Its certificate stays good until the code is used.
func relink(tx *db.Tx, authority, id string) (Attributes, error) {
	s, err := remote(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	if s.State == Deactivated {
		return Attributes{}, fault.New(fault.Conflict, "The scanner %q is deactivated; activate it first.", s.Name).Coded("scanner_inactive")
	}
	all := []Attributes{represent(tx, *s)}
	if err := named(tx, all); err != nil {
		return Attributes{}, err
	}
	tx.Changed(db.Change{Type: "scanner", ID: s.ID, Name: s.Name, After: map[string]string{"linking_code": "made"}})
	return withCode(tx, all[0], authority)
}

// drain lets a scanner end what it works on and gives it nothing more, until it is activated again.
func drain(tx *db.Tx, id string) (Attributes, error) {
	return change(tx, id, remote, func(s *Scanner) error {
		s.Draining = true
		return nil
	})
}

// withinPlan refuses one scanner more than the organization's plan covers. It makes others that count wait until the transaction
// ends. Fault kind: invalid with code quota_exceeded.
func withinPlan(tx *db.Tx, organization string) error {
	if organization == access.Installation {
		return nil
	}
	if err := tx.Lock("own scanners of " + organization); err != nil {
		return err
	}
	limit, err := limitOf(tx, organization)
	if err != nil || limit < 0 {
		return err
	}
	n, err := countOf(tx, organization)
	if err == nil && n >= limit {
		err = fault.New(fault.Invalid, "The plan covers %d scanners of one's own, and there are %d; delete one, or take a larger plan.", limit, n).Coded("quota_exceeded")
	}
	return err
}

// limitOf own scanners is the largest that an active subscription gives, of whatever product; -1 where there is none. A scanner
// serves all products.
func limitOf(tx *db.Tx, organization string) (int, error) {
	if !tx.Grant().IsSystem() {
		if _, err := plan.Lock(tx); err != nil { // nobody takes the limit away meanwhile
			return 0, err
		}
	}
	all, err := plan.Active(tx, organization)
	most := 0
	for _, s := range all {
		f := s.Granted()
		if !f.Gives(access.OwnScanners) {
			continue
		}
		own := f[access.OwnScanners]
		if own.Unlimited || own.Limit == nil {
			return -1, nil
		}
		most = max(most, *own.Limit)
	}
	return most, err
}

func update(tx *db.Tx, id string, in updateAttributes) (Attributes, error) {
	if err := op.NoneSent("/scanner", in); err != nil {
		return Attributes{}, err
	}
	return change(tx, id, owned, func(s *Scanner) error {
		var err error
		if in.Name.Sent {
			s.Name, err = organization.CleanName(in.Name.Value, "/scanner/name")
		}
		wrong := fault.DetailsOf(err)
		in.Comment.Set(&s.Comment)
		if err := s.place(tx, in); err != nil {
			return err
		}
		if in.MaxConcurrency.Sent {
			s.MaxConcurrency = in.MaxConcurrency.Value
			switch {
			case s.Kind == Embedded:
				wrong = append(wrong, fault.DetailsOf(fault.At("/scanner/max_concurrency", "fixed", "The configuration says how much the embedded scanner does at once (scan.max_parallel)."))...)
			case s.MaxConcurrency < 1 || s.MaxConcurrency > MaxConcurrency:
				wrong = append(wrong, fault.DetailsOf(fault.At("/scanner/max_concurrency", "out_of_range", "max_concurrency is from 1 to %d.", MaxConcurrency))...)
			}
		}
		return fault.All(wrong)
	})
}

// change a scanner of the caller's own that find lets through.
func change(tx *db.Tx, id string, find func(*db.Tx, string) (*Scanner, error), apply func(*Scanner) error) (Attributes, error) {
	s, err := find(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	before := represent(tx, *s)
	if err := apply(s); err != nil {
		return Attributes{}, err
	}
	if err := save(tx, s); err != nil {
		return Attributes{}, err
	}
	after := []Attributes{represent(tx, *s)}
	if err := named(tx, after); err != nil {
		return Attributes{}, err
	}
	tx.Changed(db.Change{Type: "scanner", ID: s.ID, Name: s.Name, Before: before, After: after[0]})
	return after[0], nil
}

// activate brings a scanner back to where it was: linked, or waiting for its linking code to be used.
func activate(tx *db.Tx, id string) (Attributes, error) {
	waiting, err := awaitsLink(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	return change(tx, id, remote, func(s *Scanner) error {
		s.Draining = false
		if s.State == Deactivated {
			s.State = Linked
			if waiting {
				s.State = New
			}
		}
		return nil
	})
}

func deactivate(tx *db.Tx, id string) (Attributes, error) {
	return change(tx, id, remote, func(s *Scanner) error {
		s.State = Deactivated
		return nil
	})
}

func remove(tx *db.Tx, id string) error {
	s, err := remote(tx, id)
	if err != nil {
		return err
	}
	busy, err := working(tx, id)
	if err != nil {
		return err
	}
	if busy {
		return inUse()
	}
	tx.Changed(db.Change{Type: "scanner", ID: s.ID, Name: s.Name, Before: represent(tx, *s)})
	return deleteScanner(tx, id)
}

func inUse() *fault.Fault {
	return fault.New(fault.Conflict, "Scans refer to this scanner, or it is at work; give them another one first.").Coded("in_use")
}
