package target

import (
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Used is how many distinct addresses all targets of the caller's organization and product come to, each target's exclusions
// taken off; a name counts as one.
func Used(tx *db.Tx) (int, error) {
	all, err := scopes(tx)
	return distinct(all), err
}

func distinct(all map[string]Scope) int {
	list := make([]Scope, 0, len(all))
	for _, s := range all {
		list = append(list, s)
	}
	return Distinct(list)
}

// CheckQuota says whether what is used is within the subscription, for the start of a scan. Fault kinds: invalid with code
// quota_exceeded; forbidden without a subscription.
func CheckQuota(tx *db.Tx) error {
	limit, err := lockLimit(tx)
	if err != nil || limit < 0 {
		return err
	}
	used, err := Used(tx)
	if err != nil || used <= limit {
		return err
	}
	return quotaFault("The targets of %s come to %d addresses, and your plan covers %d; make the targets smaller, or take a larger plan.", tx.Product(), used, limit)
}

// withinPlan takes the subscription, so that no other change of targets happens meanwhile, and checks what would be used if the
// target had this scope. A change that uses no more than before is let through.
func withinPlan(tx *db.Tx, id string, s Scope) error {
	limit, err := lockLimit(tx)
	if err != nil || limit < 0 {
		return err
	}
	all, err := scopes(tx)
	if err != nil {
		return err
	}
	used := distinct(all)
	all[id] = s
	if would := distinct(all); would > limit && would > used {
		return quotaFault("Your plan covers %d addresses in %s; %d are used, and with this target it would be %d. Name fewer hosts, or take a larger plan.",
			limit, tx.Product(), used, would)
	}
	return nil
}

// lockLimit is -1 where there is no limit. The installation's own organization has none.
func lockLimit(tx *db.Tx) (int, error) {
	if tx.Organization() == access.Installation {
		return -1, nil
	}
	s, err := plan.Lock(tx)
	if err != nil {
		return 0, err
	}
	if s == nil {
		return 0, fault.New(fault.Forbidden, "There is no active subscription to %s; what exists can be read, not changed.", tx.Product()).
			Coded("subscription_required")
	}
	return s.Granted().IPs(), nil
}

func quotaFault(format string, args ...any) error {
	return fault.At(hostsPointer, "quota_exceeded", format, args...).Coded("quota_exceeded")
}
