package portlist

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// owned finds a list that the caller's organization owns, and locks it. Fault kinds: notfound; forbidden where another
// organization shares it.
func owned(tx *db.Tx, id string) (*PortList, error) {
	l, err := ByID(tx, id)
	if err != nil {
		return nil, err
	}
	if l.OrganizationID != tx.Organization() {
		return nil, fault.New(fault.Forbidden, "The port list %q is shared by the organization that owns it, and can be changed there alone.", l.Name).Coded("not_owned")
	}
	return l, lock(tx, l)
}

// changeable is owned, but for predefined lists: 409.
func changeable(tx *db.Tx, id string) (*PortList, error) {
	l, err := owned(tx, id)
	if err == nil && l.Predefined {
		return nil, fault.New(fault.Conflict, "The port list %q is predefined and kept by the program; make one of your own.", l.Name).Coded("predefined")
	}
	return l, err
}

func create(tx *db.Tx, in *createInput) (Attributes, error) {
	a := in.Body.PortList
	name, err := organization.CleanName(a.Name, "/port_list/name")
	ranges, wrong := ParseSpec("/port_list/ranges", a.Ranges)
	if all := append(fault.DetailsOf(err), fault.DetailsOf(wrong)...); len(all) > 0 {
		return Attributes{}, fault.All(all)
	}
	l := &PortList{ID: db.NewID(), Name: name, Description: a.Description, AppType: AllProducts, Active: true, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if user := tx.Grant().Principal().User; user != "" {
		l.CreatedBy = &user
	}
	if err := Insert(tx, l, ranges); err != nil {
		return Attributes{}, err
	}
	return changed(tx, l.ID, nil)
}

func update(tx *db.Tx, in *updateInput) (Attributes, error) {
	a := in.Body.PortList
	if err := op.NoneSent("/port_list", a); err != nil {
		return Attributes{}, err
	}
	return change(tx, in.ID, changeable, func(l *PortList) error {
		a.Description.Set(&l.Description)
		if !a.Name.Sent {
			return nil
		}
		var err error
		l.Name, err = organization.CleanName(a.Name.Value, "/port_list/name")
		return err
	})
}

// change a list of the caller's own that find lets through.
func change(tx *db.Tx, id string, find func(*db.Tx, string) (*PortList, error), apply func(*PortList) error) (Attributes, error) {
	l, err := find(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	before, err := record(tx, l)
	if err != nil {
		return Attributes{}, err
	}
	if err := apply(l); err != nil {
		return Attributes{}, err
	}
	if err := save(tx, l); err != nil {
		return Attributes{}, err
	}
	return changed(tx, id, before)
}

// changed notes the change for the audit trail and answers the list as it is now.
func changed(tx *db.Tx, id string, before *audited) (Attributes, error) {
	l, err := ByID(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	after, err := record(tx, l)
	if err != nil {
		return Attributes{}, err
	}
	c := db.Change{Type: "port_list", ID: l.ID, Name: l.Name, After: after}
	if before != nil {
		c.Before = before
	}
	tx.Changed(c)
	return show(tx, id)
}

// audited is what the audit trail keeps of a list: its ranges as one text, cut where they are very many.
type audited struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	AppType     string `json:"app_type"`
	Active      bool   `json:"active"`
	Ranges      string `json:"ranges"`
}

const maxAudited = 4096

func record(tx *db.Tx, l *PortList) (*audited, error) {
	spec, err := Spec(tx, l)
	if len(spec) > maxAudited {
		spec = fmt.Sprintf("%s… (%d TCP and %d UDP ports)", spec[:maxAudited], l.TCPCount, l.UDPCount)
	}
	return &audited{l.Name, l.Description, l.AppType, l.Active, spec}, err
}

func remove(tx *db.Tx, id string) error {
	l, err := changeable(tx, id)
	if err != nil {
		return err
	}
	before, err := record(tx, l)
	if err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "port_list", ID: l.ID, Name: l.Name, Before: before})
	return deleteList(tx, id)
}

func addRange(tx *db.Tx, in *addRangeInput) (RangeAttributes, error) {
	l, err := changeable(tx, in.ID)
	if err != nil {
		return RangeAttributes{}, err
	}
	before, err := record(tx, l)
	if err != nil {
		return RangeAttributes{}, err
	}
	a := in.Body.PortRange
	if a.Start > a.End {
		return RangeAttributes{}, fault.At("/port_range/end", "invalid_range", "The range %d-%d runs backwards; write %d-%d.", a.Start, a.End, a.End, a.Start)
	}
	all, err := Ranges(tx, l.ID)
	if err != nil {
		return RangeAttributes{}, err
	}
	for _, r := range all[l.ID] {
		if r.Protocol == a.Protocol && r.Start <= a.End && a.Start <= r.End {
			return RangeAttributes{}, fault.At("/port_range/start", "overlaps", "Ports of %d-%d are in the list already, as %d-%d; name only what is not.", a.Start, a.End, r.Start, r.End)
		}
	}
	r := Range{ID: db.NewID(), PortListID: l.ID, Protocol: a.Protocol, Start: a.Start, End: a.End, Comment: a.Comment}
	r.OrganizationID, r.Shared = l.OrganizationID, l.Shared
	if err := insertRanges(tx, []Range{r}); err != nil {
		return RangeAttributes{}, err
	}
	if err := recount(tx, l, append(all[l.ID], r)); err != nil {
		return RangeAttributes{}, err
	}
	_, err = changed(tx, l.ID, before)
	return r.attributes(), err
}

func removeRange(tx *db.Tx, in *rangePath) error {
	l, err := changeable(tx, in.ID)
	if err != nil {
		return err
	}
	before, err := record(tx, l)
	if err != nil {
		return err
	}
	all, err := Ranges(tx, l.ID)
	if err != nil {
		return err
	}
	var left []Range
	for _, r := range all[l.ID] {
		if r.ID != in.RangeID {
			left = append(left, r)
		}
	}
	switch {
	case len(left) == len(all[l.ID]):
		return fault.Missing()
	case len(left) == 0:
		return fault.New(fault.Conflict, "A port list has at least one range; delete the list, or add another range first.").Coded("last_range")
	}
	if err := deleteRange(tx, in.RangeID); err != nil {
		return err
	}
	if err := recount(tx, l, left); err != nil {
		return err
	}
	_, err = changed(tx, l.ID, before)
	return err
}

// recount the ports of a list by its ranges.
func recount(tx *db.Tx, l *PortList, ranges []Range) error {
	l.TCPCount, l.UDPCount = count(ranges, TCP), count(ranges, UDP)
	return save(tx, l)
}

// Synced counts what a sync did to the predefined lists.
type Synced struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
}

// sync brings the predefined lists to the state of this version of the program. Whether one is active and which product it
// serves stays as the operator chose.
func sync(tx *db.Tx) (Synced, error) {
	var out Synced
	if tx.Organization() != access.Installation {
		return out, fault.New(fault.Forbidden, "The predefined port lists belong to the installation; its operator keeps them.").Coded("not_owned")
	}
	if err := tx.Lock("predefined port lists"); err != nil {
		return out, err
	}
	there, err := ofInstallation(tx)
	if err != nil {
		return out, err
	}
	all, err := predefined()
	if err != nil {
		return out, err
	}
	for _, d := range all {
		l, ok := there[d.name]
		switch {
		case !ok:
			out.Created++
			if l, err = insertPredefined(tx, d, tx.Now()); err == nil {
				_, err = changed(tx, l.ID, nil)
			}
		case !l.Predefined:
			err = fault.New(fault.Conflict, "A list of your own is named %q, like a predefined one; rename it first.", d.name).Coded("name_taken")
		default:
			err = renew(tx, l, d, &out)
		}
		if err != nil {
			return Synced{}, err
		}
	}
	return out, nil
}

// renew one predefined list where it differs from its definition.
func renew(tx *db.Tx, l *PortList, d definition, out *Synced) error {
	ranges, err := ParseSpec("/port_list/ranges", d.spec)
	if err != nil {
		return fmt.Errorf("predefined port list %s: %w", d.name, err)
	}
	spec, err := Spec(tx, l)
	if err != nil {
		return err
	}
	if spec == Format(ranges) && l.Description == d.description {
		out.Unchanged++
		return nil
	}
	out.Updated++
	before, err := record(tx, l)
	if err != nil {
		return err
	}
	if spec != Format(ranges) {
		if err := replaceRanges(tx, l, ranges); err != nil {
			return err
		}
	}
	l.Description = d.description
	if err := recount(tx, l, ranges); err != nil {
		return err
	}
	_, err = changed(tx, l.ID, before)
	return err
}
