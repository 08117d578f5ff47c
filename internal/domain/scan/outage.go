package scan

import (
	"context"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
)

// mostOutages that are announced at once.
const mostOutages = 100

// outages announces, once each, that scanners have fallen silent, to the organizations that own them.
func (d *Dispatcher) outages(ctx context.Context) error {
	return d.door(ctx, func(tx *db.Tx) error {
		silent, err := scanner.Silent(tx, mostOutages)
		if err != nil {
			return err
		}
		for _, s := range silent {
			place, err := organization.Place(tx, s.OrganizationID)
			if err != nil {
				return err
			}
			owner := jobs.Actor{OrganizationID: place.ID, OrganizationName: place.Name, Chain: place.Chain, Product: s.Product()}
			err = outbox.EmitFor(tx, owner, scanner.OfflineEvent, scanner.Outage{ScannerID: s.ID, Name: s.Name, LastSeenAt: s.LastSeenAt})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
