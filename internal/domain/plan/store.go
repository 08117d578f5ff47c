package plan

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(db.Constraint{Name: "subscriptions_active_key", Columns: "subscriptions.organization_id, subscriptions.product",
		Fault: func() *fault.Fault {
			return fault.New(fault.Conflict, "There is an active subscription to this product already; an organization has one a product.").Coded("already_subscribed")
		}})
}

func insertPlan(tx *db.Tx, p *Plan) error {
	if _, err := tx.Insert(p).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert plan: %w", err)
	}
	return nil
}

func insertSubscription(tx *db.Tx, s *Subscription) error {
	if _, err := tx.Insert(s).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert subscription: %w", err)
	}
	return nil
}

// find a plan that may be sold here, by id or code; the nearest owner wins.
func find(tx *db.Tx, idOrCode string) (*Plan, error) {
	p := &Plan{}
	q := tx.Select(p).Limit(1)
	if filter.IsID(idOrCode) {
		q = q.Where("?TableAlias.id = ?", idOrCode)
	} else {
		q = q.Where("?TableAlias.code = ?", idOrCode).OrderExpr("?TableAlias.organization_id = ? DESC", tx.Organization())
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// defaults are the default plans that may be sold here, one a product.
func defaults(tx *db.Tx) ([]Plan, error) {
	var all []Plan
	err := tx.Select(&all).Where("?TableAlias.is_default").OrderExpr("?TableAlias.organization_id = ? DESC, ?TableAlias.code", tx.Organization()).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("default plans: %w", err)
	}
	seen := map[string]bool{}
	one := all[:0]
	for _, p := range all {
		if !seen[p.Product] {
			seen[p.Product] = true
			one = append(one, p)
		}
	}
	return one, nil
}

// Active subscriptions of the organizations at this instant.
func Active(tx *db.Tx, organizations ...string) ([]Subscription, error) {
	var all []Subscription
	if len(organizations) == 0 {
		return all, nil
	}
	err := tx.Select(&all).Where("?TableAlias.organization_id IN (?)", bun.List(organizations)).Where("status = 'active'").
		Where("start_at <= ?", tx.Now()).Where("end_at IS NULL OR end_at > ?", tx.Now()).Order("product").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("active subscriptions: %w", err)
	}
	return all, nil
}

// Lock takes the active subscription of the caller's product for this transaction, so that what it limits is counted by one at
// a time, and gives it back; nil where there is none.
func Lock(tx *db.Tx) (*Subscription, error) {
	var all []Subscription
	q := tx.Select(&all).Where("?TableAlias.organization_id = ?", tx.Organization()).Where("product = ?", tx.Product()).
		Where("status = 'active' AND start_at <= ?", tx.Now()).Where("end_at IS NULL OR end_at > ?", tx.Now())
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("lock the subscription: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// codes of plans by id, as far as the caller may see them.
func codes(tx *db.Tx, subscriptions []Subscription) (map[string]string, error) {
	names := map[string]string{}
	if len(subscriptions) == 0 {
		return names, nil
	}
	var ids []string
	for _, s := range subscriptions {
		ids = append(ids, s.PlanID)
	}
	var plans []Plan
	if err := tx.Select(&plans).Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("plan codes: %w", err)
	}
	for _, p := range plans {
		names[p.ID] = p.Code
	}
	return names, nil
}

// FirstStart makes the default plans of the installation.
func FirstStart(tx *db.Tx, now clock.Time) error {
	for _, p := range defaultPlans() {
		p.ID, p.OrganizationID, p.Shared.Shared = db.NewID(), access.Installation, true
		p.CreatedAt, p.UpdatedAt = now, now
		if err := insertPlan(tx, &p); err != nil {
			return err
		}
	}
	return nil
}
