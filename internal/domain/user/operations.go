package user

import (
	"net/http"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

const (
	ownsText   = "409 names what the user owns (targets, scans, schedules and so on) until another user inherits it; the last operator can't be deleted either."
	mightyText = "Nobody makes or changes a user of a role mightier than the own one (403)."
)

// Operations of the noun; what needs tokens is auth's.
func Operations(p Parts) []op.Operation {
	return op.Operations(p.usersOperations(), p.resourceOperations(), p.meOperations(), p.organizationOperations(), preferenceOperations())
}

func (p Parts) usersOperations() []op.Operation {
	return op.In("Users", "",
		op.List("listUsers", "List Users", "/v2/users", access.UserAccess, columns, list).
			Says("The users of the whole branch below the organization that the caller acts in, its own included."),
		op.LongCreate("createUser", "Create User", "/v2/users", access.UserCreate, p.create).
			Says("Without `confirmed` the user is sent a mail to confirm the address, which asks for a password where none is given. "+mightyText),
		op.Show("showUser", "Show User", "/v2/users/{id}", access.UserAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			u, err := ByID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			return Represent(tx, u)
		}),
		op.Update("updateUser", "Update User", "/v2/users/{id}", access.UserCreate, func(tx *db.Tx, in *updateInput) (Attributes, error) {
			return p.change(tx, in.ID, in.Body.User)
		}).Conflicts().Says("Sessions go on with the rights of the new role at once. "+mightyText+
			" The last operator keeps its role (409). A user who moves to another organization owns nothing (409 names what it does)."),
		op.Delete("deleteUser", "Delete a User", "/v2/users/{id}", access.UserCreate, "user", func(tx *db.Tx, in *op.Path) error {
			return p.remove(tx, in.ID)
		}).Conflicts().Says("Ends its sessions and tokens. "+ownsText),
		op.Create("createCustomer", "Create Customer", "/v2/users/create_customer", access.CustomerCreate, p.createCustomer).MakesAt("/v2/users").Conflicts().
			Says("Makes an organization, or uses the one that is named, with a manager of it and its subscriptions, all or nothing. The manager is the contact of a new organization."),
		op.Create("inviteUser", "Invite User", "/v2/users/invite", access.UserCreate, p.invite).MakesAt("/v2/users").
			Says("The user is sent a mail with a link by which to choose a password and name. "+mightyText),
		op.Do("resendConfirmation", "Resend Confirmation Instructions", http.MethodPost, "/v2/users/{id}/resend_confirmation", access.UserCreate,
			func(tx *db.Tx, in *op.Path) (Message, error) { return p.resend(tx, in.ID) }).Conflicts().
			Says("Sends the mail of the confirmation, or of the invitation, anew; the link of the former one works no more. 409 where the user has confirmed."),
		op.Long("importUsers", "Import Users", http.MethodPost, "/v2/users/import", access.UserCreate, p.importUsers).Uploads().Says(importText),
		op.Export("exportUsers", "Export users as CSV", "/v2/users/export", access.UserAccess, columns, list).
			Says("The whole list as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe."),
		op.Action("setPartner", "Set partner", http.MethodPut, "/v2/users/{id}/set_partner", access.AdminAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return setPartner(tx, in.ID, true)
		}).Conflicts().Says("Makes a manager a partner; 409 for a user of another role."),
		op.Action("unsetPartner", "Unset partner", http.MethodPut, "/v2/users/{id}/unset_partner", access.AdminAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return setPartner(tx, in.ID, false)
		}).Conflicts().Says("Makes a partner a manager; 409 while organizations are below the partner's, and for a user of another role."),
	)
}

const importText = "A CSV file of at most 10,000 rows and 4 MiB in UTF-8, with a header that names the columns: `email`, and any of `username`, `role` (default user), " +
	"`organization` (id; default the one acted in) and the attributes of a profile. The separator is a comma, or a semicolon where the header has no comma. " +
	"The answer tells of each row. A file that can't be read as a whole is 422. Imported users are sent a mail to confirm the address and choose a password."

func (p Parts) resourceOperations() []op.Operation {
	return append(op.In("Users", "",
		op.Get("userDeletable", "Check if a user can be deleted", "/v2/users/{id}/deletable", access.UserAccess, func(tx *db.Tx, in *op.Path) (Deletable, error) {
			return p.deletable(tx, in.ID)
		}).Says("What stands in the way: kinds of resources that the user owns, and last_admin."),
		op.Do("inheritUser", "Inherit all resources of a user", http.MethodPut, "/v2/users/{id}/inherit", access.UserAdmin, func(tx *db.Tx, in *inheritInput) (Transferred, error) {
			return p.transfer(tx, in.Body.From, in.ID, "/from", "/id")
		}).Says("The user of the path gets all that the other owns; both are of one organization."),
	), op.In("User", "",
		op.Do("transferResources", "Transfer all resources of a user to another", http.MethodPut, "/v2/user/transfer_resources", access.UserAdmin,
			func(tx *db.Tx, in *transferInput) (Transferred, error) {
				return p.transfer(tx, in.Body.From, in.Body.To, "/from", "/to")
			}).Says("Both users are of one organization."),
		op.Get("meDeletable", "Check if the user can be deleted", "/v2/user/deletable", access.Own, func(tx *db.Tx, _ *op.Empty) (Deletable, error) {
			return p.deletable(tx, tx.Grant().Principal().User)
		}),
		op.Do("deleteMe", "Delete my account", http.MethodDelete, "/v2/user/me", access.Own, p.deleteMe).Conflicts().NotImpersonated().
			Says("For good, with all sessions and tokens. "+ownsText),
	)...)
}

func preferenceOperations() []op.Operation {
	return op.In("User", "User Preferences",
		op.Short("listNotificationPreferences", "List the user's notification preferences", "/v2/user/preferences/notifications", access.Own, listPreferences),
		op.Action("enableNotifications", "Enable notifications of an event", http.MethodPut, "/v2/user/preferences/notifications/{event}/enable", access.Own,
			turnPreference(true)).Says("One channel, or both."),
		op.Action("disableNotifications", "Disable notifications of an event", http.MethodPut, "/v2/user/preferences/notifications/{event}/disable", access.Own,
			turnPreference(false)).Says("One channel, or both."),
	)
}

func (p Parts) organizationOperations() []op.Operation {
	return op.In("User", "",
		op.List("listActivePlans", "Get the current user's active plans", "/v2/user/active_plans", access.Own, plan.SubscriptionColumns, p.subscriptions(true)).
			Says("The subscriptions of the caller's own organization that are in force."),
		op.List("listSubscriptionsHistory", "Get subscriptions history", "/v2/user/subscriptions_history", access.Own, plan.SubscriptionColumns, p.subscriptions(false)).
			Says("All subscriptions that the caller's own organization has or had, the newest first."),
		op.Short("listProducts", "Get current user products", "/v2/user/products", access.Own, func(tx *db.Tx, _ *op.Empty) ([]Product, error) {
			active, err := plan.Active(tx, tx.Organization())
			return products(tx.Organization(), active), err
		}),
		op.List("listMembers", "Get organization members", "/v2/user/members", access.Own, columns, listMembers).Says("The users of the caller's own organization."),
		op.Show("showOwnOrganization", "Get current organization", "/v2/user/organization", access.Own, func(tx *db.Tx, _ *op.Empty) (organization.Attributes, error) {
			o, err := organization.ByID(tx, tx.Organization())
			if err != nil {
				return organization.Attributes{}, err
			}
			return organization.Represent(tx, o, p.Enrich)
		}),
		op.Update("updateOwnOrganization", "Update current organization", "/v2/user/organization", access.OrganizationOwnUpdate,
			func(tx *db.Tx, in *organizationInput) (organization.Attributes, error) {
				o, err := organization.Update(tx, tx.Organization(), in.Body.Organization)
				if err != nil {
					return organization.Attributes{}, err
				}
				return organization.Represent(tx, o, p.Enrich)
			}),
	)
}

func (p Parts) subscriptions(current bool) func(*db.Tx, *op.Empty, filter.Query) (filter.Page[plan.SubscriptionAttributes], error) {
	return func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[plan.SubscriptionAttributes], error) {
		return plan.PageOf(tx, tx.Organization(), current, q, p.CountIPs)
	}
}

type organizationInput struct {
	Body struct {
		Organization organization.UpdateAttributes `json:"organization"`
	}
}

func list(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
	rows, meta, err := fetch(tx, q)
	if err != nil {
		return filter.Page[Attributes]{}, err
	}
	all, err := represent(tx, rows)
	return filter.Page[Attributes]{Rows: all, Meta: meta}, err
}

func listMembers(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
	rows, meta, err := fetchMembers(tx, q)
	if err != nil {
		return filter.Page[Attributes]{}, err
	}
	all, err := represent(tx, rows)
	return filter.Page[Attributes]{Rows: all, Meta: meta}, err
}
