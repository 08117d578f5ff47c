package user

import (
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Deletable tells what stands in the way of a user's deletion.
type Deletable struct {
	Deletable bool      `json:"deletable"`
	Blockers  []Blocker `json:"blockers"`
}

// Blocker is a kind of resource that the user owns, or last_admin.
type Blocker struct {
	Type  string `json:"type" example:"targets"`
	Count int    `json:"count"`
}

// lastAdminBlocker is the blocker of the last operator.
const lastAdminBlocker = "last_admin"

// Deleted names what was deleted.
type Deleted struct {
	Data op.Ref `json:"data"`
}

// Transferred counts what went to another user, by kind.
type Transferred struct {
	Transferred map[string]int `json:"transferred"`
}

type inheritInput struct {
	op.Path
	Body struct {
		From string `json:"from" doc:"Id of the user whose resources the user of the path gets"`
	}
}

type transferInput struct {
	Body struct {
		From string `json:"from" doc:"Id of the user who gives"`
		To   string `json:"to" doc:"Id of the user who gets; of the same organization"`
	}
}

// blockers of a user of the branch.
func (p Parts) blockers(tx *db.Tx, u *User) ([]Blocker, error) {
	found := []Blocker{}
	err := tx.In(u.OrganizationID, tx.Product(), func(own *db.Tx) error {
		for _, h := range p.Holdings {
			n, err := h.Count(own, u.ID)
			if err != nil {
				return err
			}
			if n > 0 {
				found = append(found, Blocker{h.Type, n})
			}
		}
		return nil
	})
	if err != nil || u.Role != access.Admin {
		return found, err
	}
	last, err := lastAdmin(tx, u.ID)
	if last {
		found = append(found, Blocker{lastAdminBlocker, 1})
	}
	return found, err
}

// blocked is the refusal to delete or move a user; nil where nothing stands in the way.
func blocked(all []Blocker) error {
	if len(all) == 0 {
		return nil
	}
	if all[len(all)-1].Type == lastAdminBlocker {
		return isLastAdmin()
	}
	words := make([]string, len(all))
	details := make([]fault.Detail, len(all))
	for i, b := range all {
		words[i] = fmt.Sprintf("%d %s", b.Count, strings.ReplaceAll(b.Type, "_", " "))
		details[i] = fault.Detail{Pointer: "/blockers/" + b.Type, Code: "owned", Detail: words[i] + "."}
	}
	f := fault.New(fault.Conflict, "The user owns %s; let another user of the organization inherit them first.", strings.Join(words, ", ")).Coded("owns_resources")
	f.Details = details
	return f
}

func (p Parts) deletable(tx *db.Tx, id string) (Deletable, error) {
	u, err := ByID(tx, id)
	if err != nil {
		return Deletable{}, err
	}
	all, err := p.blockers(tx, u)
	return Deletable{len(all) == 0, all}, err
}

// remove deletes a user with its sessions and tokens. Fault kinds: notfound, forbidden (a mightier user), conflict (what the user
// owns, the last operator).
func (p Parts) remove(tx *db.Tx, id string) error {
	u, before, err := changeable(tx, id)
	if err != nil {
		return err
	}
	all, err := p.blockers(tx, u)
	if err == nil {
		err = blocked(all)
	}
	if err != nil {
		return err
	}
	if err := p.Letters.EndSessions(tx, u.ID, ""); err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, Before: before})
	return deleteRow(tx, u)
}

// deleteMe is the caller's own farewell.
func (p Parts) deleteMe(tx *db.Tx, _ *op.Empty) (Deleted, error) {
	id := tx.Grant().Principal().User
	return Deleted{op.Ref{ID: id, Type: "user"}}, p.remove(tx, id)
}

// transfer all that one user owns to another of the same organization; the pointers name the two in the request.
func (p Parts) transfer(tx *db.Tx, from, to, fromPointer, toPointer string) (Transferred, error) {
	giver, getter, err := pair(tx, from, to)
	if err == nil {
		err = transferable(tx, giver, getter, fromPointer, toPointer)
	}
	if err != nil {
		return Transferred{}, err
	}
	out := Transferred{map[string]int{}}
	err = tx.In(getter.OrganizationID, tx.Product(), func(own *db.Tx) error {
		for _, h := range p.Holdings {
			n, err := h.Move(own, giver.ID, getter.ID)
			if err != nil {
				return err
			}
			out.Transferred[h.Type] = n
		}
		return nil
	})
	tx.Changed(db.Change{Type: "user", ID: getter.ID, Name: getter.Username, Before: owner{Owner: op.Link{ID: giver.ID, Name: giver.Username}},
		After: owner{Owner: op.Link{ID: getter.ID, Name: getter.Username}, Transferred: out.Transferred}})
	return out, err
}

// owner is what the audit trail keeps of a transfer.
type owner struct {
	Owner       op.Link        `json:"owner"`
	Transferred map[string]int `json:"transferred,omitempty"`
}

// pair locks two users, always in the same order.
func pair(tx *db.Tx, from, to string) (giver, getter *User, err error) {
	from, to = strings.ToLower(from), strings.ToLower(to)
	first, second := min(from, to), max(from, to)
	a, err := lock(tx, first)
	if err != nil {
		return nil, nil, err
	}
	b, err := lock(tx, second)
	if err != nil {
		return nil, nil, err
	}
	if first == from {
		return a, b, nil
	}
	return b, a, nil
}

// transferable says whether one user's resources may go to another.
func transferable(tx *db.Tx, giver, getter *User, fromPointer, toPointer string) error {
	switch maker := tx.Grant().Principal().Role; {
	case giver.ID == getter.ID:
		return fault.At(fromPointer, "same", "Name two different users.")
	case giver.OrganizationID != getter.OrganizationID:
		return fault.At(fromPointer, "other_organization", "Resources stay in their organization; name two users of the same one.")
	case !MayMake(maker, giver.Role) || !MayMake(maker, getter.Role):
		return fault.New(fault.Forbidden, "Your role %s can't act on a user of a mightier role.", maker).Coded("too_mighty")
	case getter.Role == access.Auditor:
		return fault.At(toPointer, "reads_only", "An auditor reads and owns nothing; name a user of another role.")
	}
	return nil
}
