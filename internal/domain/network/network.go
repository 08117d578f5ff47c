// Package network is a site of an organization: a place with private addresses of its own. Targets belong to one, or to none,
// which stands for what all can reach; scanners may be assigned to one. Hosts are told apart by network and address, so that
// 10.0.0.5 behind two scanners is two hosts. A network belongs to one organization and serves all its products. One that a
// target or a scanner names can't be deleted; the hosts that were seen there stay as assets of the past.
package network

import (
	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Network is one row.
type Network struct {
	bun.BaseModel `bun:"table:networks,alias:nw"`
	db.Owned
	ID          string     `bun:"id,pk"`
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	CreatedBy   *string    `bun:"created_by,nullzero"`
	CreatedAt   clock.Time `bun:"created_at"`
	UpdatedAt   clock.Time `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (n Network) RowID() string { return n.ID }

// Choose the network that a request names, for a row that will refer to it; null and empty: none. Until the end of the
// transaction nobody deletes it. Fault kind: notfound.
func Choose(tx *db.Tx, sent op.Field[string]) (*string, error) {
	if sent.Value == "" {
		return nil, nil
	}
	n, err := use(tx, sent.Value)
	if err != nil {
		return nil, err
	}
	return &n.ID, nil
}

// Links of networks by id, for answers; one that is no more has none.
func Links(tx *db.Tx, ids []*string) (func(*string) *op.Link, error) {
	var some []string
	for _, id := range ids {
		if id != nil {
			some = append(some, *id)
		}
	}
	names, err := names(tx, some)
	return func(id *string) *op.Link {
		if id == nil || names[*id] == "" {
			return nil
		}
		return &op.Link{ID: *id, Name: names[*id]}
	}, err
}

func create(tx *db.Tx, in createAttributes) (*Network, error) {
	name, err := organization.CleanName(in.Name, "/network/name")
	if err != nil {
		return nil, err
	}
	n := &Network{ID: db.NewID(), Name: name, Description: in.Description, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if user := tx.Grant().Principal().User; user != "" {
		n.CreatedBy = &user
	}
	if err := insert(tx, n); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "network", ID: n.ID, Name: n.Name, After: n.attributes(uses{})})
	return n, nil
}

func update(tx *db.Tx, id string, in updateAttributes) (*Network, error) {
	if err := op.NoneSent("/network", in); err != nil {
		return nil, err
	}
	all, err := byIDs(tx, []string{id}, "UPDATE")
	if err != nil {
		return nil, err
	}
	n := &all[0]
	before := n.attributes(uses{})
	if in.Name.Sent {
		if n.Name, err = organization.CleanName(in.Name.Value, "/network/name"); err != nil {
			return nil, err
		}
	}
	in.Description.Set(&n.Description)
	n.UpdatedAt = tx.Now()
	if err := save(tx, n); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "network", ID: n.ID, Name: n.Name, Before: before, After: n.attributes(uses{})})
	return n, nil
}

func deleteAll(tx *db.Tx, ids []string) error {
	all, err := byIDs(tx, ids, "UPDATE")
	if err != nil {
		return err
	}
	used, err := usesOf(tx, ids)
	if err != nil {
		return err
	}
	for _, n := range all {
		if u := used[n.ID]; u.Targets+u.Scanners > 0 {
			return fault.New(fault.Conflict, "%d targets and %d scanners are in the network %s; give them another first, or none.", u.Targets, u.Scanners, n.Name).
				Coded("in_use")
		}
		tx.Changed(db.Change{Type: "network", ID: n.ID, Name: n.Name, Before: n.attributes(uses{})})
	}
	return remove(tx, ids)
}
