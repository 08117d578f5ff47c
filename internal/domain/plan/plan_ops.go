package plan

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a plan on the wire.
type Attributes struct {
	ID              string     `json:"id"`
	Code            string     `json:"code" example:"pci-basic"`
	Name            string     `json:"name" example:"PCI basic"`
	Description     string     `json:"description"`
	Product         string     `json:"product" enum:"pci,vrms,penetration"`
	Open            bool       `json:"open" doc:"Its features are given with each subscription; those of any other are fixed"`
	Features        Features   `json:"features"`
	Price           string     `json:"price" example:"9.99"`
	Default         bool       `json:"default" doc:"New organizations get it, one a product"`
	DefaultInterval string     `json:"default_interval" enum:"none,monthly,yearly"`
	Organization    *op.Link   `json:"organization" doc:"Its owner; name is empty where that stands above the caller"`
	CreatedAt       clock.Time `json:"created_at" format:"date-time"`
	UpdatedAt       clock.Time `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "plan" }

type createPlanInput struct {
	Body struct {
		Plan createPlan `json:"plan"`
	}
}

type createPlan struct {
	Code            string   `json:"code" maxLength:"60" example:"pci-basic"`
	Name            string   `json:"name" maxLength:"200" example:"PCI basic"`
	Description     string   `json:"description,omitempty" maxLength:"2000"`
	Product         string   `json:"product" enum:"pci,vrms,penetration"`
	Open            bool     `json:"open,omitempty"`
	Features        Features `json:"features,omitempty" doc:"number_of_ips is required unless the plan is open"`
	Price           string   `json:"price,omitempty" doc:"Default 0.00" example:"9.99"`
	Default         bool     `json:"default,omitempty"`
	DefaultInterval string   `json:"default_interval,omitempty" enum:"none,monthly,yearly" doc:"Default none"`
}

type updatePlanInput struct {
	op.Path
	Body struct {
		Plan updatePlan `json:"plan"`
	}
}

type updatePlan struct {
	Code            op.Field[string]   `json:"code,omitempty" maxLength:"60"`
	Name            op.Field[string]   `json:"name,omitempty" maxLength:"200"`
	Description     op.Field[string]   `json:"description,omitempty" maxLength:"2000"`
	Open            op.Field[bool]     `json:"open,omitempty"`
	Features        op.Field[Features] `json:"features,omitempty" doc:"Replaces them all, for who buys from now on"`
	Price           op.Field[string]   `json:"price,omitempty"`
	Default         op.Field[bool]     `json:"default,omitempty"`
	DefaultInterval op.Field[string]   `json:"default_interval,omitempty" doc:"none, monthly or yearly"`
}

var planColumns = filter.Columns{Date: "created_at", Sort: "code", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "code", SQL: "?TableAlias.code", Search: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "product", SQL: "?TableAlias.product", Kind: filter.Word, Words: Products},
	{Name: "open", SQL: "?TableAlias.open", Kind: filter.Flag},
	{Name: "default", SQL: "?TableAlias.is_default", Kind: filter.Flag},
	{Name: "organization", SQL: "?TableAlias.organization_id", Kind: filter.ID, NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

func planOperations() []op.Operation {
	return op.In("Plans", "",
		op.List("listPlans", "List plans", "/v2/plans", access.SubscriptionAccess, planColumns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				rows, meta, err := fetch(tx, q)
				if err != nil {
					return filter.Page[Attributes]{}, err
				}
				all, err := represent(tx, rows)
				return filter.Page[Attributes]{Rows: all, Meta: meta}, err
			}).Says("The plans of the organization that the caller acts in, and of those above it."),
		op.Create("createPlan", "Create a plan", "/v2/plans", access.SubscriptionCreate, func(tx *db.Tx, in *createPlanInput) (Attributes, error) {
			return shown(createFor(tx, in.Body.Plan))(tx)
		}).Says("Owned by the organization that the caller acts in, and sold to those below it."),
		op.Show("showPlan", "Show a plan", "/v2/plans/{id}", access.SubscriptionAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return shown(byID(tx, in.ID))(tx)
		}),
		op.Update("updatePlan", "Update a plan", "/v2/plans/{id}", access.SubscriptionCreate, func(tx *db.Tx, in *updatePlanInput) (Attributes, error) {
			return shown(updateOf(tx, in.ID, in.Body.Plan))(tx)
		}).Says("By its owner. Subscriptions keep what was bought."),
		op.Delete("deletePlan", "Delete a plan", "/v2/plans/{id}", access.SubscriptionCreate, "plan", func(tx *db.Tx, in *op.Path) error {
			p, err := owned(tx, in.ID)
			if err != nil {
				return err
			}
			tx.Changed(db.Change{Type: "plan", ID: p.ID, Name: p.Code, Before: p.told()})
			return remove(tx, p)
		}).Conflicts().Says("409 while a subscription refers to it, if only a past one."),
		op.Action("setDefaultPlan", "Set the default plan", http.MethodPut, "/v2/plans/{id}/default", access.SubscriptionCreate, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			yes := updatePlan{Default: op.Field[bool]{Sent: true, Value: true}}
			return shown(updateOf(tx, in.ID, yes))(tx)
		}).Says("New organizations get it, instead of the one that was the default of its product."),
	)
}

func shown(p *Plan, err error) func(tx *db.Tx) (Attributes, error) {
	return func(tx *db.Tx) (Attributes, error) {
		if err != nil {
			return Attributes{}, err
		}
		all, err := represent(tx, []Plan{*p})
		if err != nil {
			return Attributes{}, err
		}
		return all[0], nil
	}
}

func represent(tx *db.Tx, rows []Plan) ([]Attributes, error) {
	var owners []string
	for _, p := range rows {
		owners = append(owners, p.OrganizationID)
	}
	names, err := organization.Names(tx, owners)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, p := range rows {
		all[i] = Attributes{ID: p.ID, Code: p.Code, Name: p.Name, Description: p.Description, Product: p.Product, Open: p.Open, Features: p.Grants(),
			Price: p.Price, Default: p.IsDefault, DefaultInterval: p.DefaultInterval, Organization: &op.Link{ID: p.OrganizationID, Name: names[p.OrganizationID]},
			CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
	}
	return all, nil
}

// owned finds a plan that the transaction's organization owns. Fault kinds: notfound; forbidden where another one does.
func owned(tx *db.Tx, id string) (*Plan, error) {
	p, err := byID(tx, id)
	if err == nil && p.OrganizationID != tx.Organization() {
		err = fault.New(fault.Forbidden, "The plan %s is that of an organization above, and is changed there alone.", p.Code).Coded("not_owned")
	}
	return p, err
}

func createFor(tx *db.Tx, in createPlan) (*Plan, error) {
	p := &Plan{ID: db.NewID(), Product: in.Product, Features: Features{}.raw(), Price: "0.00", DefaultInterval: none, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	p.OrganizationID, p.Shared.Shared = tx.Organization(), true
	all := updatePlan{Code: sent(in.Code), Name: sent(in.Name), Description: sent(in.Description), Open: sent(in.Open), Features: sent(in.Features), Default: sent(in.Default)}
	if in.Price != "" {
		all.Price = sent(in.Price)
	}
	if in.DefaultInterval != "" {
		all.DefaultInterval = sent(in.DefaultInterval)
	}
	if wrong := all.apply(p); len(wrong) > 0 {
		return nil, fault.All(wrong)
	}
	if p.IsDefault {
		if err := replaceDefault(tx, p); err != nil {
			return nil, err
		}
	}
	if err := insertPlan(tx, p); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "plan", ID: p.ID, Name: p.Code, After: p.told()})
	return p, nil
}

func sent[T any](value T) op.Field[T] { return op.Field[T]{Sent: true, Value: value} }

func updateOf(tx *db.Tx, id string, in updatePlan) (*Plan, error) {
	if err := op.NoneSent("/plan", in); err != nil {
		return nil, err
	}
	p, err := owned(tx, id)
	if err != nil {
		return nil, err
	}
	before := p.told()
	if wrong := in.apply(p); len(wrong) > 0 {
		return nil, fault.All(wrong)
	}
	if p.IsDefault {
		if err := replaceDefault(tx, p); err != nil {
			return nil, err
		}
	}
	if err := save(tx, p); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "plan", ID: p.ID, Name: p.Code, Before: before, After: p.told()})
	return p, nil
}

var code = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,59}$`)

// apply what is sent to the row; it returns the mistakes.
func (in updatePlan) apply(p *Plan) []fault.Detail {
	var wrong []fault.Detail
	note := func(err error) { wrong = append(wrong, fault.DetailsOf(err)...) }
	if in.Code.Sent {
		if p.Code = strings.TrimSpace(in.Code.Value); !code.MatchString(p.Code) || filter.IsID(p.Code) {
			note(fault.At("/plan/code", "invalid", "A code is 1 to 60 lower-case letters, digits, points, dashes and underscores, such as pci-basic, and no UUID."))
		}
	}
	if in.Name.Sent {
		name, err := organization.CleanName(in.Name.Value, "/plan/name")
		note(err)
		p.Name = name
	}
	in.Description.Set(&p.Description)
	in.Open.Set(&p.Open)
	in.Default.Set(&p.IsDefault)
	if in.Price.Sent {
		price, err := CleanPrice(in.Price.Value, "/plan/price")
		note(err)
		p.Price = price
	}
	if in.DefaultInterval.Sent {
		if p.DefaultInterval = in.DefaultInterval.Value; !slices.Contains(Intervals, p.DefaultInterval) {
			note(fault.At("/plan/default_interval", "unknown", "An interval is one of %s.", strings.Join(Intervals, ", ")))
		}
	}
	if in.Features.Sent {
		wrong = append(wrong, in.Features.Value.check("/plan/features")...)
		p.Features = in.Features.Value.raw()
	}
	if ips, there := p.Grants()[access.NumberOfIPs]; !p.Open && (!there || ips.Limit == nil && !ips.Unlimited) {
		note(fault.At("/plan/features/number_of_ips", "required", `A plan says how many addresses it covers: {"number_of_ips": {"limit": 16}}, or {"unlimited": true}.`))
	}
	return wrong
}

// toldPlan is what the audit trail keeps of a plan.
type toldPlan struct {
	Code            string   `json:"code"`
	Name            string   `json:"name"`
	Description     string   `json:"description"`
	Product         string   `json:"product"`
	Open            bool     `json:"open"`
	Features        Features `json:"features"`
	Price           string   `json:"price"`
	Default         bool     `json:"default"`
	DefaultInterval string   `json:"default_interval"`
}

func (p Plan) told() toldPlan {
	return toldPlan{p.Code, p.Name, p.Description, p.Product, p.Open, p.Grants(), p.Price, p.IsDefault, p.DefaultInterval}
}
