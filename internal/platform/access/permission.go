// Package access says who may do what. One table holds roles, permissions and the features that gate them; the only way
// to a database transaction leads through a Grant made here.
package access

// Permission is a code of the operations table, or one of the three words for operations without a code.
type Permission string

// Operations without a code.
const (
	Public   Permission = "public"    // no sign-in
	SignedIn Permission = "signed in" // any valid token, an impersonator's too
	Own      Permission = "own"       // any valid token; about the caller and its organization
)

// Permissions that a role may hold.
const (
	UserImpersonate         Permission = "USER_IMPERSONATE"
	TargetAccess            Permission = "TARGET_ACCESS"
	TargetCreate            Permission = "TARGET_CREATE"
	TargetAccessCredentials Permission = "TARGET_ACCESS_CREDENTIALS"
	TargetCreateCredentials Permission = "TARGET_CREATE_CREDENTIALS"
	ScanAccess              Permission = "SCAN_ACCESS"
	ScanCreate              Permission = "SCAN_CREATE"
	ScanRun                 Permission = "SCAN_RUN"
	ReportAccess            Permission = "REPORT_ACCESS"
	ReportCreate            Permission = "REPORT_CREATE"
	VulnerabilityAccess     Permission = "VULNERABILITY_ACCESS"
	AIChatVulnerability     Permission = "AI_CHAT_VULNERABILITY_SOLUTION"
	AIChatGeneralHelp       Permission = "AI_CHAT_GENERAL_HELP"
	AIChatEnabled           Permission = "AI_CHAT_ENABLED"
	ExceptionAccess         Permission = "EXCEPTION_ACCESS"
	ExceptionCreate         Permission = "EXCEPTION_CREATE"
	ExceptionReview         Permission = "EXCEPTION_REVIEW"
	ScheduleAccess          Permission = "SCHEDULE_ACCESS"
	ScheduleCreate          Permission = "SCHEDULE_CREATE"
	WebhookAccess           Permission = "WEBHOOK_ACCESS"
	WebhookCreate           Permission = "WEBHOOK_CREATE"
	AuditAccess             Permission = "AUDIT_ACCESS"
	HostAccess              Permission = "HOST_ACCESS"
	ScannerAccess           Permission = "SCANNER_ACCESS"
	ScannerCreate           Permission = "SCANNER_CREATE"
	ScannerAdmin            Permission = "SCANNER_ADMIN"
	PortListAccess          Permission = "PORT_LIST_ACCESS"
	PortListCreate          Permission = "PORT_LIST_CREATE"
	PortListAdmin           Permission = "PORT_LIST_ADMIN"
	OrganizationOwnUpdate   Permission = "ORGANIZATION_OWN_UPDATE"
	OrganizationAccess      Permission = "ORGANIZATION_ACCESS"
	OrganizationCreate      Permission = "ORGANIZATION_CREATE"
	SubscriptionAccess      Permission = "SUBSCRIPTION_ACCESS"
	SubscriptionCreate      Permission = "SUBSCRIPTION_CREATE"
	UserAccess              Permission = "USER_ACCESS"
	UserCreate              Permission = "USER_CREATE"
	UserAdmin               Permission = "USER_ADMIN"
	CustomerCreate          Permission = "CUSTOMER_CREATE"
	AdminAccess             Permission = "ADMIN_ACCESS"
	WhitelabelAccess        Permission = "WHITELABEL_ACCESS"
	WhitelabelCreate        Permission = "WHITELABEL_CREATE"
	SAQAccess               Permission = "SAQ_ACCESS"
)

// All lists every code, in the order of the API's groups.
var All = []Permission{
	UserImpersonate, TargetAccess, TargetCreate, TargetAccessCredentials, TargetCreateCredentials, ScanAccess, ScanCreate,
	ScanRun, ReportAccess, ReportCreate, VulnerabilityAccess, AIChatVulnerability, AIChatGeneralHelp, AIChatEnabled,
	ExceptionAccess, ExceptionCreate, ExceptionReview, ScheduleAccess, ScheduleCreate, WebhookAccess, WebhookCreate,
	AuditAccess, HostAccess, ScannerAccess, ScannerCreate, ScannerAdmin, PortListAccess, PortListCreate, PortListAdmin,
	OrganizationOwnUpdate, OrganizationAccess, OrganizationCreate, SubscriptionAccess, SubscriptionCreate, UserAccess,
	UserCreate, UserAdmin, CustomerCreate, AdminAccess, WhitelabelAccess, WhitelabelCreate, SAQAccess,
}

// Coded says whether the permission is a code that a role holds or lacks.
func (p Permission) Coded() bool { return p != Public && p != SignedIn && p != Own }

// Known says whether the permission is one of this package's; an operation with another does not start.
func (p Permission) Known() bool {
	if !p.Coded() {
		return true
	}
	for _, known := range All {
		if p == known {
			return true
		}
	}
	return false
}

// Feature is something that a subscription gives.
type Feature string

// Features that gate permissions, or limit what is counted.
const (
	NumberOfIPs         Feature = "number_of_ips"
	Rescan              Feature = "rescan"
	InternalVRMS        Feature = "internal_vrms"
	InternalPenetration Feature = "internal_penetration"
	SAQ                 Feature = "saq"
	OwnScanners         Feature = "own_scanners"
	OwnPortLists        Feature = "own_port_lists"
	TargetCredentials   Feature = "target_credentials"
	AIChat              Feature = "ai_chat"
	Webhooks            Feature = "webhooks"
	WhiteLabel          Feature = "white_label"
)

// gates names the feature that a permission needs besides the role.
var gates = map[Permission]Feature{
	ScannerCreate: OwnScanners, PortListCreate: OwnPortLists,
	TargetAccessCredentials: TargetCredentials, TargetCreateCredentials: TargetCredentials,
	WebhookAccess: Webhooks, WebhookCreate: Webhooks,
	WhitelabelAccess: WhiteLabel, WhitelabelCreate: WhiteLabel,
	AIChatVulnerability: AIChat, AIChatGeneralHelp: AIChat, AIChatEnabled: AIChat,
	SAQAccess: SAQ,
}

// subscribed are the changes to nouns of a product: they need an active subscription to it.
var subscribed = set(TargetCreate, ScanCreate, ScanRun, ScheduleCreate, ReportCreate, ExceptionCreate)

func set(codes ...Permission) map[Permission]bool {
	s := make(map[Permission]bool, len(codes))
	for _, c := range codes {
		s[c] = true
	}
	return s
}
