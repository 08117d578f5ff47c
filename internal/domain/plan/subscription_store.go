package plan

import (
	"fmt"
	"slices"

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

// notOver and inForce hold for subscriptions at an instant, which they take once and twice. One that renews itself goes on, however
// late the job that renews it.
const (
	notOver = "status = 'active' AND (end_at IS NULL OR end_at > ? OR (auto_renewal AND (billing_interval <> 'none' OR (trial_enabled AND end_at = trial_ends_at))))"
	inForce = "start_at <= ? AND " + notOver
)

// lock makes changes of subscriptions wait for each other, so that no limit is granted below one that is being lowered.
func lock(tx *db.Tx) error { return tx.Lock("subscriptions") }

// Active subscriptions of the organizations at this instant.
func Active(tx *db.Tx, organizations ...string) ([]Subscription, error) {
	var all []Subscription
	if len(organizations) == 0 {
		return all, nil
	}
	err := tx.Select(&all).Where("?TableAlias.organization_id IN (?)", bun.List(organizations)).Where(inForce, tx.Now(), tx.Now()).
		Order("product").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("active subscriptions: %w", err)
	}
	return all, nil
}

// Lock takes the active subscription of the caller's product for this transaction, so that what it limits is counted by one at
// a time, and gives it back; nil where there is none.
func Lock(tx *db.Tx) (*Subscription, error) {
	var all []Subscription
	q := tx.Select(&all).Where("?TableAlias.organization_id = ?", tx.Organization()).Where(inForce, tx.Now(), tx.Now()).Where("product = ?", tx.Product())
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

// limitsOf an organization's active subscription to a product, which may stand above the transaction's own: what is sold below is
// held against it. nil where there is none.
func limitsOf(tx *db.Tx, organization, product string) (Features, error) {
	all, err := inForceOf(tx, organization)
	for _, s := range all {
		if s.Product == product {
			return s.Granted(), nil
		}
	}
	return nil, err
}

// Gives says whether an active subscription of the organization, which may be one above the transaction's own, gives the feature. The
// installation has them all.
func Gives(tx *db.Tx, organization string, feature access.Feature) (bool, error) {
	if organization == access.Installation {
		return true, nil
	}
	all, err := inForceOf(tx, organization)
	return slices.ContainsFunc(all, func(s Subscription) bool { return s.Granted().Gives(feature) }), err
}

// inForceOf reads products and features alone, of the transaction's organization, or of one above or below it.
func inForceOf(tx *db.Tx, organization string) ([]Subscription, error) {
	query := "SELECT product, features FROM subscriptions WHERE organization_id = ? AND " + inForce
	if !tx.Grant().IsSystem() {
		query += ` AND (organization_id IN (SELECT ancestor_id FROM organization_tree WHERE descendant_id = ?org)
			OR organization_id IN (SELECT descendant_id FROM organization_tree WHERE ancestor_id = ?org))`
	}
	var all []Subscription
	if err := tx.Query(&all, query, organization, tx.Now(), tx.Now()); err != nil {
		return nil, fmt.Errorf("subscriptions in force: %w", err)
	}
	return all, nil
}

// subscriptionOf finds one of an organization, and locks it. Fault kind: notfound.
func subscriptionOf(tx *db.Tx, organization, id string) (*Subscription, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	s := &Subscription{}
	if err := tx.Select(s).Where("?TableAlias.organization_id = ? AND ?TableAlias.id = ?", organization, id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("subscription: %w", err)
	}
	return s, nil
}

// Of an organization, the newest first; only those in force where current.
func Of(tx *db.Tx, organization string, current bool) ([]Subscription, error) {
	var all []Subscription
	q := tx.Select(&all).Where("?TableAlias.organization_id = ?", organization).OrderExpr("?TableAlias.start_at DESC, ?TableAlias.id DESC").Limit(filter.MaxPerPage)
	if current {
		q = q.Where(inForce, tx.Now(), tx.Now())
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("subscriptions: %w", err)
	}
	return all, nil
}

func fetchOf(tx *db.Tx, organization string, current bool, q filter.Query) ([]Subscription, filter.Meta, error) {
	return filter.Fetch[Subscription](tx, q, func(rows any) *bun.SelectQuery {
		s := tx.Select(rows).Where("?TableAlias.organization_id = ?", organization)
		if current {
			s = s.Where(inForce, tx.Now(), tx.Now())
		}
		return s
	})
}

// below selects the active subscriptions to the products of the organizations below one.
func below(tx *db.Tx, q *bun.SelectQuery, organization string, products []string) *bun.SelectQuery {
	if len(products) == 0 {
		products = []string{""} // no product's
	}
	return q.Where("?TableAlias.organization_id IN (SELECT descendant_id FROM organization_tree WHERE ancestor_id = ? AND depth > 0)", organization).
		Where("?TableAlias.product IN (?)", bun.List(products)).Where(notOver, tx.Now())
}

func fetchBelow(tx *db.Tx, organization string, products []string, q filter.Query) ([]Subscription, filter.Meta, error) {
	return filter.Fetch[Subscription](tx, q, func(rows any) *bun.SelectQuery { return below(tx, tx.Select(rows), organization, products) })
}

// dependents are the active subscriptions to a product of the organizations below one.
func dependents(tx *db.Tx, organization, product string) ([]Subscription, error) {
	var all []Subscription
	if err := below(tx, tx.Select(&all), organization, []string{product}).OrderExpr("?TableAlias.id").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("dependent subscriptions: %w", err)
	}
	return all, nil
}

func insertSubscription(tx *db.Tx, s *Subscription) error {
	if _, err := tx.Insert(s).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert subscription: %w", err)
	}
	return notePrice(tx, s)
}

func saveSubscription(tx *db.Tx, s *Subscription) error {
	s.UpdatedAt = tx.Now()
	_, err := tx.Update(s).Column("status", "billing_interval", "billed_interval", "period_at", "end_at", "price", "trial_enabled", "trial_duration_days",
		"trial_ends_at", "auto_renewal", "cancellation_reason", "features", "partner", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update subscription: %w", err)
	}
	return nil
}

// lapse marks as inactive what is over but was not yet seen by the job, so that it stands in nobody's way.
func lapse(tx *db.Tx, organization, product string) error {
	_, err := tx.Update((*Subscription)(nil)).Set("status = ?, updated_at = ?", inactive, tx.Now()).
		Where("organization_id = ? AND product = ? AND status = ? AND NOT ("+notOver+")", organization, product, active, tx.Now()).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("lapse subscription: %w", err)
	}
	return nil
}

type priceRow struct {
	bun.BaseModel `bun:"table:subscription_prices,alias:sp"`
	db.Branched
	ID             string     `bun:"id,pk"`
	SubscriptionID string     `bun:"subscription_id"`
	Price          string     `bun:"price"`
	SinceAt        clock.Time `bun:"since_at"`
}

func notePrice(tx *db.Tx, s *Subscription) error {
	row := &priceRow{ID: db.NewID(), SubscriptionID: s.ID, Price: s.Price, SinceAt: tx.Now()}
	row.OrganizationID = s.OrganizationID
	if _, err := tx.Insert(row).Exec(tx.Context()); err != nil {
		return fmt.Errorf("note a price: %w", err)
	}
	return nil
}

// prices by subscription, the oldest first.
func prices(tx *db.Tx, ids []string) (map[string][]Price, error) {
	all := map[string][]Price{}
	if len(ids) == 0 {
		return all, nil
	}
	var rows []priceRow
	err := tx.Select(&rows).Where("?TableAlias.subscription_id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.since_at, ?TableAlias.id").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	for _, r := range rows {
		all[r.SubscriptionID] = append(all[r.SubscriptionID], Price{Price: r.Price, Since: r.SinceAt})
	}
	return all, nil
}

// ending are the subscriptions of all organizations whose period ends by an instant, those above first: what ends there ends below,
// too; through a door.
func ending(tx *db.Tx, by clock.Time, limit int) ([]Subscription, error) {
	var all []Subscription
	err := tx.Select(&all).Where("status = ? AND end_at <= ?", active, by).OrderExpr("?TableAlias.end_at, ?TableAlias.id").Limit(int64(limit)).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("ending subscriptions: %w", err)
	}
	return all, nil
}

// unnoticed are the subscriptions that end between now and an instant without another period after, and of which nobody was told.
func unnoticed(tx *db.Tx, by clock.Time, limit int) ([]Subscription, error) {
	var all []Subscription
	err := tx.Select(&all).Where("status = ? AND end_at <= ? AND end_at > ?", active, by, tx.Now()).Where("noticed_end_at IS NULL OR noticed_end_at <> end_at").
		Where("NOT auto_renewal OR (billing_interval = 'none' AND (NOT trial_enabled OR end_at <> trial_ends_at))").
		OrderExpr("?TableAlias.end_at, ?TableAlias.id").Limit(int64(limit)).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("expiring subscriptions: %w", err)
	}
	return all, nil
}

// turn writes the end of a period, unless another did so meanwhile; then false.
func turn(tx *db.Tx, s *Subscription, from clock.Time) (bool, error) {
	s.UpdatedAt = tx.Now()
	res, err := tx.Update(s).Column("status", "period_at", "end_at", "updated_at").WherePK().Where("status = ? AND end_at = ?", active, from).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("end or renew subscription: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// notice marks the end as told of, unless another did so meanwhile; then false.
func notice(tx *db.Tx, s *Subscription) (bool, error) {
	res, err := tx.Update(s).Set("noticed_end_at = end_at").WherePK().
		Where("status = ? AND end_at = ? AND (noticed_end_at IS NULL OR noticed_end_at <> end_at)", active, *s.EndAt).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("notice of an end: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// deactivate the subscriptions that leaned on one that has ended.
func deactivate(tx *db.Tx, all []Subscription, reason string) error {
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Update((*Subscription)(nil)).Set("status = ?, cancellation_reason = ?, updated_at = ?", inactive, reason, tx.Now()).
		Where("id IN (?) AND status = ?", bun.List(ids), active).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("end subscriptions: %w", err)
	}
	return nil
}
