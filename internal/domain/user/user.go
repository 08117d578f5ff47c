// Package user is a person who signs in. A user belongs to one organization, has one role, and works in one active
// product at a time. Users own resources: deleting one is refused until those are inherited by another.
package user

import (
	"net/mail"
	"strings"
	"unicode"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// User is one row.
type User struct {
	bun.BaseModel `bun:"table:users,alias:u"`
	db.Branched
	ID          string      `bun:"id,pk"`
	Username    string      `bun:"username"`
	UsernameKey string      `bun:"username_key"` // folded, unique in the installation
	Email       string      `bun:"email"`
	EmailKey    string      `bun:"email_key"`
	Role        access.Role `bun:"role"`
	Profile
	Factors
	ActiveProduct string      `bun:"active_product"`
	PasswordHash  string      `bun:"password_hash"`
	ConfirmedAt   *clock.Time `bun:"confirmed_at"`
	InvitedAt     *clock.Time `bun:"invited_at"`
	LockedAt      *clock.Time `bun:"locked_at"`
	LastSignInAt  *clock.Time `bun:"last_sign_in_at"`
	LastSignInIP  string      `bun:"last_sign_in_ip"`
	SignInCount   int         `bun:"sign_in_count"`
	CreatedAt     clock.Time  `bun:"created_at"`
	UpdatedAt     clock.Time  `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (u User) RowID() string { return u.ID }

// Profile is what a user tells of themselves.
type Profile struct {
	FirstName   string `bun:"first_name" json:"first_name"`
	LastName    string `bun:"last_name" json:"last_name"`
	Locale      string `bun:"locale" json:"locale"`
	Timezone    string `bun:"timezone" json:"timezone" doc:"IANA name"`
	Phone       string `bun:"phone" json:"phone"`
	MobilePhone string `bun:"mobile_phone" json:"mobile_phone"`
	URL         string `bun:"url" json:"url"`
	Title       string `bun:"title" json:"title"`
	Address     string `bun:"address" json:"address"`
	City        string `bun:"city" json:"city"`
	State       string `bun:"state" json:"state"`
	Country     string `bun:"country" json:"country"`
	Zipcode     string `bun:"zipcode" json:"zipcode"`
	Comment     string `bun:"comment" json:"comment"`
}

// Fold is the form in which user names and e-mail addresses are compared: without case, in Unicode's compatible form, so
// that look-alikes by width or composition are the same.
func Fold(s string) string { return strings.ToLower(norm.NFKC.String(strings.TrimSpace(s))) }

// CleanEmail refuses what is no plain address.
func CleanEmail(email, pointer string) (string, error) {
	email = strings.TrimSpace(email)
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 || strings.ContainsFunc(email, unseen) {
		return "", fault.At(pointer, "invalid", "An e-mail address looks like name@example.com.")
	}
	return email, nil
}

// unseen characters and spaces make two names look the same.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

// CleanUsername refuses an empty, overlong or invisible name.
func CleanUsername(name, pointer string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || len([]rune(name)) > 254 || strings.ContainsFunc(name, unseen) {
		return "", fault.At(pointer, "invalid", "A user name is 1 to 254 characters long, without spaces or control characters.")
	}
	return name, nil
}

// MayMake says whether a caller of one role may make a user of another: nobody makes a mightier one.
func MayMake(maker, made access.Role) bool {
	switch maker {
	case access.Admin:
		return true
	case access.Partner:
		return made == access.Partner || made == access.Manager || made == access.User || made == access.Auditor
	}
	return made == access.Manager || made == access.User || made == access.Auditor
}
