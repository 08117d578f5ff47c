package scanner

import (
	"github.com/vedette/vedette/internal/domain/network"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Reaches says whether it may scan the targets of a network; nil: those of none. One that is in no network reaches all.
func (s Scanner) Reaches(network *string) bool {
	return s.NetworkID == nil || network != nil && *s.NetworkID == *network
}

// place puts the scanner into the network that an update names. The embedded one serves everybody and stands in none.
func (s *Scanner) place(tx *db.Tx, in updateAttributes) error {
	chosen := in.Network
	if in.NetworkID.Sent {
		chosen = in.NetworkID
	}
	if !chosen.Sent {
		return nil
	}
	if s.Kind == Embedded && chosen.Value != "" {
		return fault.At("/scanner/network", "fixed", "The embedded scanner serves everybody and can't stand in a network.")
	}
	var err error
	s.NetworkID, err = network.Choose(tx, chosen)
	return err
}

// named fills in the names of networks; one of another organization is not told.
func named(tx *db.Tx, all []Attributes) error {
	var ids []*string
	for _, a := range all {
		if a.Network != nil {
			ids = append(ids, &a.Network.ID)
		}
	}
	link, err := network.Links(tx, ids)
	if err != nil {
		return err
	}
	for i, a := range all {
		if a.Network != nil {
			all[i].Network = link(&a.Network.ID)
		}
	}
	return nil
}
