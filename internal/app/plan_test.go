package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
)

type planned struct {
	ID         string
	Attributes struct {
		Code, Name, Price, Product string
		Open, Default              bool
		DefaultInterval            string `json:"default_interval"`
		Features                   map[string]struct {
			Active, Unlimited   *bool
			Limit, NumOfRescans *int
		}
		Organization struct {
			ID   string
			Name string
		}
	}
}

// newPlan is the body of a plan with so many addresses.
func newPlan(code string, ips int, more object) object {
	p := object{"code": code, "name": code, "product": "pci", "features": object{"number_of_ips": object{"limit": ips}}}
	for name, value := range more {
		p[name] = value
	}
	return object{"plan": p}
}

func (p *program) onePlan(a answer) planned {
	p.Helper()
	var one struct{ Data planned }
	a.decode(p, &one)
	return one.Data
}

// sold is a subscription as it is answered.
type sold struct {
	ID         string
	Attributes struct {
		Status       string
		Interval     string
		Price        string
		PriceHistory []struct{ Price string } `json:"price_history"`
		StartDate    string                   `json:"start_date"`
		EndDate      *string                  `json:"end_date"`
		Reason       string                   `json:"cancellation_reason"`
		Features     map[string]map[string]any
		Plan         struct{ ID, Code string }
		Usage        *struct {
			NumberOfIPs struct {
				Limit *int
				Used  int
			} `json:"number_of_ips"`
		}
	}
}

func (p *program) oneSold(a answer) sold {
	p.Helper()
	var one struct{ Data sold }
	a.decode(p, &one)
	return one.Data
}

func (p *program) soldTo(by, organization, query string) []sold {
	p.Helper()
	var list struct{ Data []sold }
	p.must(200, by, "GET", "/v2/organizations/"+organization+"/subscriptions"+query, nil).decode(p, &list)
	return list.Data
}

// bare makes an organization without subscriptions to come, and users of it.
func (p *program) bare(by, name, plan string, roles ...access.Role) string {
	p.Helper()
	id := p.order(201, by, object{"name": name, "skip_default_subscription": true, "plans": []object{{"plan": plan}}}).id(p)
	for _, r := range roles {
		p.must(201, by, "POST", "/v2/users", object{"user": object{"username": string(r) + "@" + name, "email": string(r) + "@" + name + ".example", "role": r,
			"organization": id, "password": password, "confirmed": true}})
	}
	return id
}

// TestPlans: what is sold, by whom, and what organizations below get of it.
func TestPlans(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		reseller := p.organization("admin", "reseller", access.Partner, access.Manager)
		p.organization("admin", "rival", access.Partner)
		made := p.onePlan(p.must(201, "partner@reseller", "POST", "/v2/plans", newPlan("shop", 16, object{"price": "9.9", "default_interval": "monthly"})))
		if a := made.Attributes; a.Price != "9.90" || a.Open || a.Default || a.DefaultInterval != "monthly" || a.Organization.ID != reseller || *a.Features["number_of_ips"].Limit != 16 {
			p.Errorf("made %+v", a)
		}
		p.planLists(made.ID)
		p.badPlans(made.ID)
		p.defaultPlan(made.ID)
		p.planEnds(made.ID)
	})
}

// planLists: a plan is seen by its owner and below, changed by its owner alone.
func (p *program) planLists(id string) {
	p.Helper()
	codes := func(by, query string) string {
		p.Helper()
		var list struct{ Data []planned }
		p.must(200, by, "GET", "/v2/plans"+query, nil).decode(p, &list)
		var all []string
		for _, one := range list.Data {
			all = append(all, one.Attributes.Code)
		}
		return strings.Join(all, " ")
	}
	for by, want := range map[string]string{"partner@reseller": "pci-default penetration-default shop vrms-default", "partner@rival": "pci-default penetration-default vrms-default"} {
		if got := codes(by, ""); got != want {
			p.Errorf("%s sees %s, want %s", by, got, want)
		}
	}
	if got := codes("partner@reseller", "?q[product]=pci&q[default]=false"); got != "shop" {
		p.Errorf("filtered: %s", got)
	}
	path := "/v2/plans/" + id
	p.must(200, "partner@reseller", "GET", path, nil)
	p.refused(404, "partner@rival", "GET", path, nil)
	p.refused(404, "partner@rival", "PUT", path, object{"plan": object{"name": "x"}})
	p.refused(404, "partner@rival", "DELETE", path, nil)
	p.refused(403, "manager@reseller", "PUT", path, object{"plan": object{"name": "x"}})
	standard := "/v2/plans/" + p.first("partner@reseller", "/v2/plans?q[code]=pci-default")
	if a := p.onePlan(p.must(200, "partner@reseller", "GET", standard, nil)); a.Attributes.Organization.Name != "" {
		p.Errorf("the owner above is named: %+v", a)
	}
	if x := p.refused(403, "partner@reseller", "PUT", standard, object{"plan": object{"name": "x"}}); x.Code != "not_owned" {
		p.Errorf("a plan of an organization above: %+v", x)
	}
}

func (p *program) badPlans(id string) {
	p.Helper()
	for pointer, in := range map[string]object{
		"/plan/code":                            {"code": "Two Words"},
		"/plan/name":                            {"name": "a\u202eb"},
		"/plan/product":                         {"product": "food"},
		"/plan/price":                           {"price": "-1.00"},
		"/plan/default_interval":                {"default_interval": "weekly"},
		"/plan/features/number_of_ips":          {"features": object{"saq": object{}}},
		"/plan/features/number_of_ips/limit":    {"features": object{"number_of_ips": object{"limit": -1}}},
		"/plan/features/free_beer":              {"features": object{"number_of_ips": object{"limit": 1}, "free_beer": object{}}},
		"/plan/features/number_of_ips/quantity": {"features": object{"number_of_ips": object{"limit": 1, "quantity": 2}}},
		"/plan/features":                        {"features": "all"},
		"/plan/organization":                    {"organization": access.Installation},
	} {
		x := p.refused(422, "partner@reseller", "POST", "/v2/plans", newPlan("bad", 1, in))
		if len(x.Errors) == 0 || x.Errors[0].Pointer != pointer {
			p.Errorf("%s: %+v", pointer, x)
		}
	}
	if x := p.refused(422, "partner@reseller", "POST", "/v2/plans", newPlan("shop", 1, nil)); !x.names("/plan/code", "taken") {
		p.Errorf("a code twice: %+v", x)
	}
	p.must(201, "partner@rival", "POST", "/v2/plans", newPlan("shop", 1, nil)) // another owner's may be the same
	for pointer, in := range map[string]object{"/plan": {}, "/plan/name": {"name": nil}, "/plan/product": {"product": "vrms"}, "/plan/features/number_of_ips": {"features": nil}} {
		x := p.refused(422, "partner@reseller", "PUT", "/v2/plans/"+id, object{"plan": in})
		if len(x.Errors) != 1 || x.Errors[0].Pointer != pointer {
			p.Errorf("update %s: %+v", pointer, x)
		}
	}
}

// defaultPlan: new organizations get it, and only of the owner's tree.
func (p *program) defaultPlan(id string) {
	p.Helper()
	a := p.onePlan(p.must(200, "partner@reseller", "PUT", "/v2/plans/"+id+"/default", nil))
	if !a.Attributes.Default {
		p.Errorf("set: %+v", a)
	}
	second := p.onePlan(p.must(201, "partner@reseller", "POST", "/v2/plans", newPlan("second", 8, object{"default": true})))
	if p.onePlan(p.must(200, "partner@reseller", "GET", "/v2/plans/"+id, nil)).Attributes.Default {
		p.Error("there are two default plans of a product")
	}
	p.must(200, "partner@reseller", "DELETE", "/v2/plans/"+second.ID, nil)
	p.must(200, "partner@reseller", "PUT", "/v2/plans/"+id, object{"plan": object{"default": true}})
	for by, want := range map[string]string{"partner@reseller": "shop penetration-default vrms-default", "admin": "pci-default penetration-default vrms-default"} {
		var out subscribed
		p.order(201, by, object{"name": "new of " + by}).decode(p, &out)
		if got := plansOf(out); got != want {
			p.Errorf("%s makes one with %s, want %s", by, got, want)
		}
	}
}

// planEnds: what was bought stays as it was, whatever becomes of the plan; a plan that was sold stays.
func (p *program) planEnds(id string) {
	p.Helper()
	child := p.bare("partner@reseller", "child", "shop", access.Manager)
	path := "/v2/plans/" + id
	p.must(200, "partner@reseller", "PUT", path, object{"plan": object{"price": "19.00", "name": "Shop", "features": object{"number_of_ips": object{"limit": 2}}}})
	s := p.soldTo("manager@child", child, "")[0]
	if s.Attributes.Price != "9.90" || s.Attributes.Features["number_of_ips"]["limit"] != 16.0 || s.Attributes.Interval != "monthly" || s.Attributes.EndDate == nil {
		p.Errorf("what was bought is now %+v", s)
	}
	if x := p.refused(409, "partner@reseller", "DELETE", path, nil); x.Code != "in_use" {
		p.Errorf("delete: %+v", x)
	}
	unsold := p.must(201, "partner@reseller", "POST", "/v2/plans", newPlan("unsold", 1, nil)).id(p)
	p.must(200, "partner@reseller", "DELETE", "/v2/plans/"+unsold, nil)
	p.refused(404, "partner@reseller", "GET", "/v2/plans/"+unsold, nil)
}

// TestSales: open and normal plans, and limits that never pass those of the organization above.
func TestSales(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		all := object{"number_of_ips": object{"limit": 100}, "rescan": object{"active": true, "num_of_rescans": 4, "unit": "month"}, "internal_vrms": object{"active": true, "limit": 5},
			"internal_penetration": object{"active": true, "limit": 5}, "saq": object{"active": false}, "own_scanners": object{"limit": 2}, "own_port_lists": object{"active": true},
			"target_credentials": object{"active": false}, "ai_chat": object{"active": false}, "webhooks": object{"limit": 3}, "white_label": object{"active": false}}
		p.must(201, "admin", "POST", "/v2/plans", newPlan("partners", 1, object{"features": all}))
		p.must(201, "admin", "POST", "/v2/plans", object{"plan": object{"code": "open", "name": "Open", "product": "pci", "open": true, "price": "5.00"}})
		reseller := p.bare("admin", "reseller", "partners", access.Partner, access.Manager)
		child := p.bare("partner@reseller", "child", "pci-default", access.Manager)
		s := p.soldTo("manager@child", child, "/active")[0]
		f := s.Attributes.Features
		if f["number_of_ips"]["limit"] != 100.0 || f["rescan"]["num_of_rescans"] != 4.0 || f["own_scanners"]["limit"] != 2.0 || f["webhooks"]["limit"] != 3.0 || f["saq"]["active"] != false {
			p.Errorf("a normal plan is cut to what the organization above has: %+v", f)
		}
		root := "/v2/organizations/" + child
		if x := p.refused(409, "partner@reseller", "PUT", root+"/subscriptions/"+s.ID+"/assign_features", object{"features": object{"saq": object{"active": true}}}); x.Code != "features_fixed" {
			p.Errorf("features of a normal plan: %+v", x)
		}
		if x := p.refused(409, "partner@reseller", "POST", root+"/subscribe_organization", object{"plan": "open"}); x.Code != "already_subscribed" {
			p.Errorf("two of a product: %+v", x)
		}
		if x := p.refused(403, "manager@child", "POST", root+"/unsubscribe_organization", object{"plan": "pci-default"}); x.Status != 403 {
			p.Errorf("%+v", x)
		}
		p.must(200, "partner@reseller", "POST", root+"/unsubscribe_organization", object{"plan": "pci-default", "reason": "an open one instead"})
		p.openPlan(root)
		p.leans(reseller, root)
	})
}

// openPlan: features are given at the sale, each within the limit above.
func (p *program) openPlan(root string) {
	p.Helper()
	for code, more := range map[string]object{
		"number_of_ips": {"limit": 101}, "rescan": {"active": true, "num_of_rescans": 5, "unit": "month"}, "internal_vrms": {"active": true, "unlimited": true}, "internal_penetration": {"active": true, "limit": 6},
		"saq": {"active": true}, "own_scanners": {"limit": 3}, "target_credentials": {"active": true}, "ai_chat": {"active": true}, "webhooks": {"unlimited": true}, "white_label": {"active": true},
	} {
		given := object{"number_of_ips": object{"limit": 1}, "rescan": object{"active": false}}
		given[code] = more
		x := p.refused(422, "partner@reseller", "POST", root+"/subscribe_organization", object{"subscription": object{"plan": "open", "features": given}})
		if len(x.Errors) != 1 || x.Errors[0].Pointer != "/subscription/features/"+code || x.Errors[0].Code != "above_parent" {
			p.Errorf("%s above that of the organization above: %+v", code, x)
		}
	}
	s := p.oneSold(p.must(201, "partner@reseller", "POST", root+"/subscribe_organization", object{"subscription": object{"plan": "open", "price": "4",
		"features": object{"number_of_ips": object{"limit": 50}, "rescan": object{"active": true, "num_of_rescans": 1, "unit": "month"}}}}))
	if a := s.Attributes; a.Price != "4.00" || a.Plan.Code != "open" || *a.Usage.NumberOfIPs.Limit != 50 || a.Usage.NumberOfIPs.Used != 0 {
		p.Errorf("sold %+v", a)
	}
	path := root + "/subscriptions/" + s.ID
	if x := p.refused(422, "partner@reseller", "PUT", path+"/assign_features", object{"features": object{"number_of_ips": object{"limit": 101}}}); !x.names("/features/number_of_ips", "above_parent") {
		p.Errorf("%+v", x)
	}
	s = p.oneSold(p.must(200, "partner@reseller", "PUT", path+"/assign_features", object{"features": object{"own_port_lists": object{"active": true}, "number_of_ips": object{"limit": 60}}}))
	if f := s.Attributes.Features; f["number_of_ips"]["limit"] != 60.0 || f["own_port_lists"] == nil || f["rescan"]["num_of_rescans"] != 1.0 {
		p.Errorf("assigned: %+v", f)
	}
	s = p.oneSold(p.must(200, "partner@reseller", "PUT", path+"/revoke_features", object{"features": "own_port_lists,rescan"}))
	if f := s.Attributes.Features; f["own_port_lists"] != nil || f["rescan"]["active"] != false {
		p.Errorf("revoked: %+v", f)
	}
	s = p.oneSold(p.must(200, "partner@reseller", "PUT", path, object{"subscription": object{"price": "4.50", "interval": "yearly"}}))
	if a := s.Attributes; len(a.PriceHistory) != 2 || a.PriceHistory[1].Price != "4.50" || a.EndDate == nil {
		p.Errorf("updated: %+v", a)
	}
	p.refused(422, "partner@reseller", "PUT", path, object{"subscription": object{"end_date": "2001-01-01"}})
	p.refused(403, "manager@child", "PUT", path, object{"subscription": object{"price": "0.00"}})
}

// leans: what is sold below keeps the limit above from being lowered, and is told of.
func (p *program) leans(reseller, root string) {
	p.Helper()
	above := p.soldTo("partner@reseller", reseller, "")[0]
	path := "/v2/organizations/" + reseller
	if x := p.refused(409, "admin", "POST", path+"/unsubscribe_organization", object{"subscription_id": above.ID}); x.Code != "dependents" || len(x.Errors) != 1 || !strings.Contains(x.Errors[0].Detail, "child") {
		p.Errorf("a limit that is leaned on: %+v", x)
	}
	var list struct{ Data []sold }
	p.must(200, "partner@reseller", "GET", path+"/dependent_subscriptions", nil).decode(p, &list)
	if len(list.Data) != 1 || list.Data[0].Attributes.Plan.Code != "open" {
		p.Errorf("dependent: %+v", list)
	}
	if x := p.refused(403, "partner@reseller", "PUT", path+"/subscriptions/"+above.ID, object{"subscription": object{"price": "0.00"}}); x.Code != "not_seller" {
		p.Errorf("one's own price: %+v", x)
	}
	if x := p.refused(403, "partner@reseller", "POST", path+"/subscribe_organization", object{"plan": "vrms-default"}); x.Code != "not_seller" {
		p.Errorf("a sale to oneself: %+v", x)
	}
	p.must(201, "partner@reseller", "POST", path+"/subscribe", object{"plan": "vrms-default"})
	p.must(200, "partner@reseller", "POST", root+"/unsubscribe_organization", object{"plan": "open"})
	p.must(200, "admin", "POST", path+"/unsubscribe_organization", object{"plan": "partners", "reason": "over"})
	if s := p.soldTo("partner@reseller", reseller, "?q[product]=pci")[0]; s.Attributes.Status != "canceled" || s.Attributes.Reason != "over" {
		p.Errorf("ended: %+v", s)
	}
	if a := p.must(200, "partner@reseller", "GET", "/v2/audit/events?q[action]=unsubscribeOrganization", nil); !strings.Contains(string(a.Body), `"canceled"`) {
		p.Errorf("the audit trail: %s", a.Body)
	}
}

// TestSubscriptionJob: two programs turn a period once, and tell of its end once.
func TestSubscriptionJob(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		other := twin(p)
		p.must(201, "admin", "POST", "/v2/plans", newPlan("month", 10, object{"default_interval": "monthly"}))
		renewing := p.bare("admin", "renewing", "month", access.Manager)
		above := p.bare("admin", "above", "month", access.Partner)
		below := p.bare("partner@above", "below", "month", access.Manager)
		sub := p.soldTo("admin", above, "")[0]
		p.must(200, "admin", "PUT", "/v2/organizations/"+above+"/subscriptions/"+sub.ID, object{"subscription": object{"auto_renewal": false}})
		first := *p.soldTo("admin", renewing, "")[0].Attributes.EndDate
		turn := func() {
			p.Helper()
			var both sync.WaitGroup
			for range 2 {
				for _, a := range []*App{p.app, other} {
					both.Go(func() {
						if err := plan.Tick(context.Background(), a.DB); err != nil {
							p.Error(err)
						}
					})
				}
			}
			both.Wait()
		}
		expiring := func(organization string) int {
			p.Helper()
			return p.rows("select count(*) from events where name = 'subscription_expiring' and organization_id = ?", organization)
		}
		turn()
		if n := expiring(above); n != 0 {
			p.Errorf("told %d times a month ahead", n)
		}
		p.later(24)
		turn()
		turn()
		if n, none := expiring(above), expiring(renewing); n != 1 || none != 0 {
			p.Errorf("told %d times, and %d times of what renews itself", n, none)
		}
		p.later(8)
		if got := p.soldTo("admin", above, "")[0].Attributes.Status; got != "inactive" {
			p.Errorf("what is over is %s before the job has seen it", got)
		}
		turn()
		turn()
		s := p.soldTo("admin", renewing, "")[0]
		end, err := time.Parse(time.RFC3339, *s.Attributes.EndDate)
		began, _ := time.Parse(time.RFC3339, first)
		if err != nil || s.Attributes.Status != "active" || end.Sub(began) < 27*24*time.Hour || end.Sub(began) > 32*24*time.Hour {
			p.Errorf("renewed from %s to %+v", first, s)
		}
		if n := p.rows("select count(*) from subscriptions where organization_id = ? and status = 'inactive'", above); n != 1 {
			p.Errorf("%d have ended", n)
		}
		if s := p.soldTo("admin", below, "")[0].Attributes; s.Status != "inactive" || !strings.Contains(s.Reason, "above") {
			p.Errorf("what leaned on it is %+v", s)
		}
		if x := p.refused(403, "manager@below", "POST", "/v2/targets", newTarget("late")); x.Code != "subscription_required" {
			p.Errorf("%+v", x)
		}
		p.target("manager@renewing", "renewed", "192.0.2.1")
		if n := expiring(above); n != 1 {
			p.Errorf("told %d times", n)
		}
	})
}

// TestQuota: a hundred targets at once never pass a limit of ten addresses.
func TestQuota(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.must(201, "admin", "POST", "/v2/plans", newPlan("ten", 10, nil))
		id := p.bare("admin", "small", "ten", access.Manager)
		const m = "manager@small"
		p.token(m)
		seen := p.parallel(100, func(i int) int {
			return p.call(m, "POST", "/v2/targets", object{"target": object{"name": fmt.Sprint("host ", i), "hosts": []string{fmt.Sprintf("198.51.100.%d", i+1)},
				"scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"}}}).Status
		})
		if seen[201] != 10 || seen[422] != 90 {
			p.Errorf("a hundred creates at once: %v", seen)
		}
		var list struct {
			Meta struct {
				Pagination struct {
					Total json.Number `json:"total_count"`
				}
			}
		}
		p.must(200, m, "GET", "/v2/targets", nil).decode(p, &list)
		u := p.soldTo(m, id, "")[0].Attributes.Usage.NumberOfIPs
		if list.Meta.Pagination.Total != "10" || *u.Limit != 10 || u.Used != 10 {
			p.Errorf("%s targets, %d of %d addresses", list.Meta.Pagination.Total, u.Used, *u.Limit)
		}
	})
}
