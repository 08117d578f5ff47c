package access

// Role of a user.
type Role string

// Roles.
const (
	Admin   Role = "admin"   // operator of the installation
	Partner Role = "partner" // an organization that owns child organizations
	Manager Role = "manager" // all of its own organization
	User    Role = "user"    // scans, exceptions, reports
	Auditor Role = "auditor" // reads
)

// Roles lists them from the mightiest down.
var Roles = []Role{Admin, Partner, Manager, User, Auditor}

// Known says whether the role exists.
func (r Role) Known() bool {
	_, ok := table[r]
	return ok
}

// reach says what a role holds in its own organization and, having chosen one, in an organization below it.
type reach struct{ own, below map[Permission]bool }

// table is the one place that says what a role may do. A code not named for a role is not held.
var table = map[Role]reach{
	Admin:   {own: set(All...), below: set(All...)},
	Partner: {own: minus(union(managerCodes, partnerCodes), ExceptionReview), below: union(managerCodes, partnerCodes, set(ExceptionReview))},
	Manager: {own: managerCodes},
	User:    {own: userCodes},
	Auditor: {own: auditorCodes},
}

var managerCodes = minus(set(All...), OrganizationAccess, CustomerCreate, ScannerAdmin, PortListAdmin,
	OrganizationCreate, SubscriptionCreate, UserAdmin, UserImpersonate, AdminAccess)

var partnerCodes = set(OrganizationAccess, OrganizationCreate, OrganizationOwnUpdate, SubscriptionAccess, SubscriptionCreate,
	CustomerCreate, UserAccess, UserCreate, UserAdmin, UserImpersonate, WhitelabelAccess, WhitelabelCreate, ScannerAdmin, PortListAdmin)

var userCodes = set(TargetAccess, TargetCreate, ScanAccess, ScanCreate, ScanRun, ScheduleAccess, ScheduleCreate, ReportAccess,
	ReportCreate, ExceptionAccess, ExceptionCreate, VulnerabilityAccess, HostAccess, PortListAccess, ScannerAccess)

var auditorCodes = set(TargetAccess, ScanAccess, ScheduleAccess, ReportAccess, VulnerabilityAccess, ExceptionAccess, HostAccess,
	ScannerAccess, PortListAccess, WebhookAccess, UserAccess, SubscriptionAccess, WhitelabelAccess, AuditAccess)

func union(sets ...map[Permission]bool) map[Permission]bool {
	all := map[Permission]bool{}
	for _, s := range sets {
		for c := range s {
			all[c] = true
		}
	}
	return all
}

func minus(s map[Permission]bool, codes ...Permission) map[Permission]bool {
	left := union(s)
	for _, c := range codes {
		delete(left, c)
	}
	return left
}

// Allows says whether a role holds a code in its own organization, features and subscriptions aside.
func Allows(r Role, code Permission) bool { return table[r].own[code] }

// AllowsBelow says whether a role holds a code in the organizations below its own.
func AllowsBelow(r Role, code Permission) bool { return table[r].below[code] }
