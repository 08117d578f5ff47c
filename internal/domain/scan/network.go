package scan

import (
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

// standardScanner of a scan that names none: one that stands in the target's network, or the product's.
func standardScanner(tx *db.Tx, product string, t *target.Target) (*scanner.Scanner, error) {
	if t.NetworkID != nil {
		if s, err := scanner.InNetwork(tx, product, *t.NetworkID); err != nil || s != nil {
			return s, err
		}
	}
	return scanner.Default(tx, product)
}

// reaches refuses a scanner that stands in another network than the target. Fault kind: conflict.
func reaches(s *scanner.Scanner, t *target.Target) error {
	if s.Reaches(t.NetworkID) {
		return nil
	}
	return fault.New(fault.Conflict, "The scanner %s stands in another network than the target %s; choose a scanner of that network, or one that is in none.",
		s.Name, t.Name).Coded("other_network")
}

// reach is what the hosts of a plan are, for the rules.
func reach(hosts []scanlink.PlanHost) []target.Reach {
	all := make([]target.Reach, len(hosts))
	for i, h := range hosts {
		all[i] = target.Reach{Address: h.Address, Names: h.Names}
	}
	return all
}
