package user

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Me is the caller, to itself.
type Me struct {
	ID       string      `json:"id"`
	Username string      `json:"username"`
	Role     access.Role `json:"role"`
	Email    string      `json:"email"`
	Profile
	ActiveProduct           string      `json:"active_product"`
	Organization            op.Link     `json:"organization"`
	CreatedAt               clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt               clock.Time  `json:"updated_at" format:"date-time"`
	LastSignInAt            *clock.Time `json:"last_sign_in_at" format:"date-time"`
	LastSignInIP            string      `json:"last_sign_in_ip"`
	SignInCount             int         `json:"sign_in_count"`
	ConfirmedAt             *clock.Time `json:"confirmed_at" format:"date-time"`
	LockedAt                *clock.Time `json:"locked_at" format:"date-time"`
	Partner                 bool        `json:"partner"`
	TwoFactorAuthentication TwoFactor   `json:"two_factor_authentication"`
	IncompleteDetails       bool        `json:"incomplete_details" doc:"The organization's contact misses what a PCI attestation prints"`
	Impersonator            *op.Link    `json:"impersonator,omitempty"`

	Products    []Product    `json:"products,omitempty" doc:"With ?products=true"`
	Details     *Profile     `json:"details,omitempty" doc:"With ?details=true"`
	CurrentPlan *CurrentPlan `json:"current_plan,omitempty" doc:"With ?current_plan=true"`
}

// Key is the resource's id and type.
func (m Me) Key() (string, string) { return m.ID, "user" }

// Product and whether the organization may use it.
type Product struct {
	ID     string `json:"id" doc:"The code"`
	Code   string `json:"code"`
	Name   string `json:"name"`
	Active bool   `json:"active" doc:"There is an active subscription"`

	Subscription *op.Link `json:"subscription" doc:"With the name of its plan; null: there is none"`
}

// Key is the resource's id and type; the code is the id.
func (p Product) Key() (string, string) { return p.Code, "product" }

// CurrentPlan is the plan of the active product.
type CurrentPlan struct {
	SubscriptionID string        `json:"subscription_id"`
	Product        string        `json:"product"`
	Features       plan.Features `json:"features"`
	EndDate        *clock.Time   `json:"end_date" format:"date-time"`
}

var productNames = map[string]string{plan.PCI: "PCI compliance", plan.VRMS: "Vulnerability management", plan.Penetration: "Penetration testing"}

type meInput struct {
	Products    bool `query:"products" doc:"Add the products"`
	Details     bool `query:"details" doc:"Add the profile"`
	CurrentPlan bool `query:"current_plan" doc:"Add the plan of the active product"`
}

type updateMeInput struct {
	Body struct {
		User updateMe `json:"user"`
	}
}

type updateMe struct {
	Email           op.Field[string] `json:"email,omitempty" maxLength:"254" doc:"Another address takes effect once the link that is mailed to it is followed; it needs current_password"`
	CurrentPassword string           `json:"current_password,omitempty" maxLength:"512" doc:"With another e-mail address"`
	ProfileInput
}

type productInput struct {
	ProductCode string `query:"product_code" doc:"pci, vrms or penetration"`
	Body        *struct {
		ProductCode string `json:"product_code"`
	}
}

// ActiveProduct is the answer of a change of product.
type ActiveProduct struct {
	ActiveProduct string `json:"active_product"`
}

func (p Parts) meOperations() []op.Operation {
	return append(op.In("User", "",
		op.Show("showMe", "Get current user", "/v2/user/me", access.Own, showMe).Enrolls(),
		op.LongAction("updateMe", "Update current user", http.MethodPut, "/v2/user/me", access.Own, p.updateMe),
		op.Do("changeProduct", "Change the user's product", http.MethodPut, "/v2/user/change_product", access.Own, changeProduct),
	), op.In("User", "User Preferences",
		op.Do("changePreferredProduct", "Change the user's product", http.MethodPut, "/v2/user/preferences/product", access.Own, changeProduct),
	)...)
}

func showMe(tx *db.Tx, in *meInput) (Me, error) {
	p := tx.Grant().Principal()
	u, err := Caller(tx)
	if err != nil {
		return Me{}, err
	}
	m := Me{ID: u.ID, Username: u.Username, Role: u.Role, Email: u.Email, Profile: u.Profile, ActiveProduct: u.ActiveProduct,
		Organization: op.Link{ID: p.Home.ID, Name: p.Home.Name}, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
		LastSignInAt: u.LastSignInAt, LastSignInIP: u.LastSignInIP, SignInCount: u.SignInCount,
		ConfirmedAt: u.ConfirmedAt, LockedAt: u.LockedAt, Partner: u.Role == access.Partner, TwoFactorAuthentication: u.TwoFactor()}
	if p.Impersonator != "" {
		m.Impersonator = &op.Link{ID: p.Impersonator, Name: p.ImpersonatorName}
	}
	o, err := organization.ByID(tx, p.Home.ID)
	if err != nil {
		return Me{}, err
	}
	m.IncompleteDetails = o.Contact.Incomplete()
	if in.Details {
		m.Details = &u.Profile
	}
	if !in.Products && !in.CurrentPlan {
		return m, nil
	}
	active, err := plan.Active(tx, p.Home.ID)
	if err != nil {
		return Me{}, err
	}
	if in.Products {
		m.Products = products(p.Home.ID, active)
	}
	if in.CurrentPlan {
		m.CurrentPlan = currentPlan(u.ActiveProduct, active)
	}
	return m, nil
}

// Caller is the user who acts.
func Caller(tx *db.Tx) (*User, error) { return ByID(tx, tx.Grant().Principal().User) }

func products(home string, active []plan.Subscription) []Product {
	all := make([]Product, len(plan.Products))
	for i, code := range plan.Products {
		all[i] = Product{ID: code, Code: code, Name: productNames[code], Active: home == access.Installation}
		if at := slices.IndexFunc(active, func(s plan.Subscription) bool { return s.Product == code }); at >= 0 {
			all[i].Active, all[i].Subscription = true, &op.Link{ID: active[at].ID, Name: active[at].PlanName}
		}
	}
	return all
}

func currentPlan(product string, active []plan.Subscription) *CurrentPlan {
	for _, s := range active {
		if s.Product == product {
			return &CurrentPlan{SubscriptionID: s.ID, Product: s.Product, Features: s.Granted(), EndDate: s.EndAt}
		}
	}
	return nil
}

// account is what a user may change of it.
type account struct {
	Email string `json:"email"`
	Profile
}

// updateMe asks for the password before an address is changed: whoever reads an account's mail can take it over.
func (p Parts) updateMe(ctx context.Context, open op.Opener, in *updateMeInput) (Me, error) {
	sent := in.Body.User
	var u *User
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		u, err = Caller(tx)
		return err
	})
	if err != nil {
		return Me{}, err
	}
	if sent.moves(u) {
		if _, err := CleanEmail(sent.Email.Value, "/user/email"); err != nil {
			return Me{}, err
		}
		if err := p.Letters.CheckPassword(ctx, u, sent.CurrentPassword, "/user/current_password"); err != nil {
			return Me{}, err
		}
	}
	return op.Answer(ctx, open, func(tx *db.Tx) (Me, error) {
		if err := p.changeMe(tx, sent); err != nil {
			return Me{}, err
		}
		return showMe(tx, &meInput{})
	})
}

// moves says whether another address is sent, not only the same in another writing.
func (in updateMe) moves(u *User) bool { return in.Email.Sent && Fold(in.Email.Value) != Fold(u.Email) }

func (p Parts) changeMe(tx *db.Tx, in updateMe) error {
	if op.NoneSent("/user", in) != nil && op.NoneSent("/user", in.ProfileInput) != nil {
		return op.NoneSent("/user", in.ProfileInput)
	}
	u, err := lock(tx, tx.Grant().Principal().User) // a role that is taken meanwhile does not come back
	if err != nil {
		return err
	}
	before := account{u.Email, u.Profile}
	var wrong []fault.Detail
	next := *u
	if in.Email.Sent {
		next.Email, err = CleanEmail(in.Email.Value, "/user/email")
		wrong = fault.DetailsOf(err)
	}
	if wrong = append(wrong, in.ProfileInput.apply(&u.Profile, "/user")...); len(wrong) > 0 {
		return fault.All(wrong)
	}
	if !in.moves(u) {
		u.Email = next.Email
	} else if err := p.Letters.Confirm(tx, &next); err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, Before: before, After: account{u.Email, u.Profile}})
	return update(tx, u)
}

func changeProduct(tx *db.Tx, in *productInput) (ActiveProduct, error) {
	code := in.ProductCode
	if code == "" && in.Body != nil {
		code = in.Body.ProductCode
	}
	p := tx.Grant().Principal()
	if !slices.Contains(plan.Products, code) {
		return ActiveProduct{}, fault.At("product_code", "unknown", "product_code is one of %s.", strings.Join(plan.Products, ", "))
	}
	active, err := plan.Active(tx, p.Home.ID)
	if err != nil {
		return ActiveProduct{}, err
	}
	usable := products(p.Home.ID, active)[slices.Index(plan.Products, code)].Active
	if !usable {
		return ActiveProduct{}, fault.New(fault.Forbidden, "There is no active subscription to %s.", code).Coded("subscription_required")
	}
	if err := SetProduct(tx, p.User, code); err != nil {
		return ActiveProduct{}, err
	}
	tx.Changed(db.Change{Type: "user", ID: p.User, Name: p.Username, Before: ActiveProduct{p.Product}, After: ActiveProduct{code}})
	return ActiveProduct{code}, nil
}
