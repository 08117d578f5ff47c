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
	db.Constrain(
		db.Constraint{Name: "plans_code_key", Columns: "plans.organization_id, plans.code", Fault: func() *fault.Fault {
			return fault.At("/plan/code", "taken", "There is a plan with this code already; choose another.")
		}},
		db.Constraint{Name: "subscriptions_plan_fkey", Fault: sold},
	)
}

func sold() *fault.Fault {
	return fault.New(fault.Conflict, "Subscriptions refer to this plan, if only past ones; it can be changed for who buys it from now on, not deleted.").Coded("in_use")
}

func insertPlan(tx *db.Tx, p *Plan) error {
	if _, err := tx.Insert(p).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert plan: %w", err)
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

// byID finds a plan that may be sold here. Fault kind: notfound.
func byID(tx *db.Tx, id string) (*Plan, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	p := &Plan{}
	if err := tx.Select(p).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Plan, filter.Meta, error) {
	return filter.Fetch[Plan](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
}

func save(tx *db.Tx, p *Plan) error {
	p.UpdatedAt = tx.Now()
	_, err := tx.Update(p).Column("code", "name", "description", "open", "features", "price", "is_default", "default_interval", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update plan: %w", err)
	}
	return nil
}

// replaceDefault takes the mark of the default from the other plan of the owner's product that has it.
func replaceDefault(tx *db.Tx, p *Plan) error {
	_, err := tx.Update((*Plan)(nil)).Set("is_default = ?", false).Where("product = ? AND id <> ? AND is_default", p.Product, p.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("default plan: %w", err)
	}
	return nil
}

func remove(tx *db.Tx, p *Plan) error {
	n, err := tx.Select((*Subscription)(nil)).Where("plan_organization_id = ? AND plan_id = ?", p.OrganizationID, p.ID).Count(tx.Context())
	if err != nil {
		return fmt.Errorf("delete plan: %w", err)
	}
	if n > 0 {
		return sold()
	}
	if _, err := tx.Delete(p).WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete plan: %w", err)
	}
	return nil
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
