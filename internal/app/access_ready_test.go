package app

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/descope/virtualwebauthn"
)

const (
	northManager = "manager@north"
	northUser    = "user@north"
	northAuditor = "auditor@north"
	northPartner = "partner@partner-north"
)

// successes of the operations that want more than their fixtures.
var successes = map[string]success{
	// sign-in
	"signIn":  {do: body(object{"username": northManager, "password": password})},
	"signOut": {do: func(w world, c *call) { c.headers = bearer(w.signedIn(northManager)) }, by: nobody},
	"showConfirmation": {do: func(w world, c *call) {
		c.path = "/v2/auth/confirmation?confirmation_token=" + w.invited("confirmation")
	}},
	"confirmUser": {do: func(w world, c *call) {
		c.body = object{"confirmation_token": w.invited("confirmation"), "password": password}
	}},
	"checkInvitation": {do: func(w world, c *call) { c.path = "/v2/auth/invitation?invitation_token=" + w.invited("invitation") }},
	"acceptInvitation": {do: func(w world, c *call) {
		c.body = object{"invitation_token": w.invited("invitation"), "password": password}
	}},
	"resetPassword": {do: resetPassword, last: 1},
	"changePassword": {do: func(w world, c *call) {
		c.by = w.colleague("user")
		c.body = object{"current_password": password, "password": "another " + password}
	}},
	"startImpersonation": {do: func(w world, c *call) { c.body = object{"user": w.userID(northUser), "reason": "a call for help"} }, by: northPartner},
	"stopImpersonation":  {do: func(w world, c *call) { c.headers = bearer(w.impersonate("admin", northUser)) }, by: nobody},
	"beginSignOn":        {not: "the test has no identity provider; TestSingleSignOn does both"},
	"finishSignOn":       {not: "the test has no identity provider; TestSingleSignOn does both"},
	"endSession":         {do: endSession},
	"deleteMe":           {do: func(w world, c *call) { c.by = w.colleague("manager") }},
	"createAPIKey":       {do: body(object{"api_key": object{"name": "made by itself"}})},
	"checkTwoFactor": {do: func(w world, c *call) {
		w.enroll()
		c.body = object{"otp_session_state": w.half(northUser).OTPSessionState}
	}},
	"sendSMSCode": {do: func(w world, c *call) {
		w.enroll()
		w.clock.Move(time.Minute)
		c.body = object{"otp_session_state": w.half(northUser).OTPSessionState}
	}},
	"signInWithRecoveryCode": {do: recoverByCode},
	"verifyTwoFactor":        {do: verifyFactor, by: northAuditor},
	"chooseDefaultMethod":    {do: func(w world, c *call) { w.enroll(); c.body = object{"method": "sms"} }, by: northUser},
	"generateRecoveryCodes":  {do: func(w world, _ *call) { w.enroll() }, by: northUser},
	"disableTwoFactor":       {by: northUser, last: 1},
	"createPasskey": {do: func(w world, c *call) {
		w.mine["key owner"] = w.colleague("user")
		c.answered = w.passkey(w.mine["key owner"])
	}},
	"challengePasskey": {do: func(w world, c *call) {
		w.passkey(w.colleague("user"))
		c.body = object{"otp_session_state": w.half(w.mine["colleague"]).OTPSessionState}
	}},
	"deletePasskey": {do: func(w world, c *call) {
		c.by = w.mine["key owner"]
		c.path = "/v2/user/mfa/webauthn/" + w.first(c.by, "/v2/user/mfa/webauthn")
	}},

	// users and organizations
	"createUser":     {do: body(object{"user": object{"email": "made.by.itself@north.example", "role": "user"}})},
	"inviteUser":     {do: body(object{"user": object{"email": "invited.by.itself@north.example"}})},
	"createCustomer": {do: body(object{"customer": object{"email": "customer.by.itself@north.example"}})},
	"importUsers":    {do: importUsers},
	"setPartner": {do: func(w world, c *call) {
		w.colleague("manager")
		c.path = "/v2/users/" + w.userID(w.mine["colleague"]) + "/set_partner"
	}, by: "admin"},
	"unsetPartner":      {do: func(w world, c *call) { c.path = "/v2/users/" + w.userID(w.mine["colleague"]) + "/unset_partner" }, by: "admin"},
	"inheritUser":       {do: func(w world, c *call) { c.path = "/v2/users/" + w.userID(northManager) + "/inherit" }},
	"transferResources": {do: func(w world, c *call) { c.body = object{"from": w.mine["spare user"], "to": w.userID(northManager)} }},
	"changeUserOrganization": {do: func(w world, c *call) {
		c.body = object{"user": w.userID(w.colleague("user"))}
		c.path = "/v2/organizations/" + w.fresh() + "/change_user_organization"
	}},
	"deleteOrganization": {do: func(w world, c *call) { c.path = "/v2/organizations/" + w.fresh() }, last: 2},
	"subscribe": {do: func(w world, c *call) {
		c.path = "/v2/organizations/" + w.fresh() + "/subscribe"
		c.body = object{"plan": "vrms-default"}
	}, by: "admin"},
	"subscribeBelow": {do: func(w world, c *call) {
		c.path = "/v2/organizations/" + w.fresh() + "/subscribe_organization"
		c.body = object{"plan": "vrms-default"}
	}},
	"unsubscribeOrganization":    {do: func(w world, c *call) { c.path = "/v2/organizations/" + w.fresh() + "/unsubscribe_organization" }},
	"assignSubscriptionFeatures": {do: onOpenPlan("assign_features")},
	"revokeSubscriptionFeatures": {do: onOpenPlan("revoke_features")},
	"createPlan":                 {do: renamed("plan", "code")},
	"downloadWhitelabelImage":    {do: func(w world, c *call) { c.path = w.logo() }},

	// scans
	"createTarget":          {do: renamed("target", "name")},
	"createScan":            {do: renamed("scan", "name")},
	"createScanFromWizard":  {do: func(_ world, c *call) { c.body = anew(c.body, "scan", "name", "by-wizard-itself") }},
	"createSchedule":        {do: renamed("schedule", "name")},
	"createScanner":         {do: renamed("scanner", "name")},
	"createPortList":        {do: renamed("port_list", "name")},
	"createNetwork":         {do: renamed("network", "name")},
	"testTargetCredentials": {do: testCredentials},
	"compareScan":           {last: -1, do: func(w world, _ *call) { w.finish(northManager, w.mine["scan"]) }},
	"followScan":            {do: follow},
	"startScan": {do: func(w world, c *call) {
		c.path = "/v2/scans/" + w.scan(northManager, "starts", w.mine["target"]) + "/start"
	}},
	"pauseScan":            {do: func(w world, c *call) { c.path = "/v2/scans/" + w.running() + "/pause" }},
	"resumeScan":           {do: func(w world, c *call) { c.path = "/v2/scans/" + w.running() + "/resume" }},
	"stopScan":             {last: 1, do: func(w world, c *call) { c.path = "/v2/scans/" + w.running() + "/stop" }},
	"stopAllScans":         {by: "admin", last: 2},
	"resumeAllScans":       {by: "admin", last: 3},
	"showInstallationHold": {by: "admin"},
	"syncPortLists":        {by: "admin"},
	"deletePortList":       {last: 1},
	"deleteScanner": {do: func(w world, c *call) {
		c.path = "/v2/scanners/" + w.must(201, northManager, "POST", "/v2/scanners", object{"scanner": object{"name": "to delete"}}).id(w)
	}},
	"activateScanner":       {do: inNorth},
	"deactivateScanner":     {do: inNorth},
	"drainScanner":          {do: inNorth},
	"updateScannerAppType":  {do: inNorth},
	"assignScanner":         {do: inNorth},
	"activatePortList":      {do: inNorth},
	"deactivatePortList":    {do: inNorth},
	"updatePortListAppType": {do: inNorth},
	"deleteTargets": {do: func(w world, c *call) {
		c.body = object{"ids": []string{w.target(northManager, "to delete", "192.0.2.78")}}
	}},
	"deleteScans": {do: func(w world, c *call) {
		c.body = object{"ids": []string{w.scan(northManager, "to delete", w.mine["target"])}}
	}},
	"deleteSchedules": {do: func(w world, c *call) {
		c.body = object{"ids": []string{w.schedule(northManager, "to delete", object{"first_time": "2099-01-31 10:00:00", "timezone": "UTC"})}}
	}},
	"deleteNetworks": {do: func(w world, c *call) { c.body = object{"ids": []string{w.network(northManager, "to delete")}} }},
	"downloadReport": {do: downloadReport},
	"deleteReports":  {do: func(w world, c *call) { c.body = object{"ids": []string{w.first(northManager, "/v2/reports")}} }},
}

// nobody but who the headers name.
const nobody = "-"

func body(b object) func(world, *call) { return func(_ world, c *call) { c.body = b } }

// renamed: the fixture's name is taken by what an impersonator made.
func renamed(noun, attribute string) func(world, *call) {
	return func(_ world, c *call) { c.body = anew(c.body, noun, attribute, "by-itself") }
}

// anew is a body with another name; the fixture's own serves both databases.
func anew(body any, noun, attribute, name string) object {
	inner := maps.Clone(body.(object)[noun].(object))
	inner[attribute] = name
	return object{noun: inner}
}

// in north, which the partner chooses.
func inNorth(w world, c *call) { c.headers = []string{"X-Organization-Id", w.mine["organization"]} }

// signedIn is the token of one more session.
func (w world) signedIn(user string) string {
	w.Helper()
	var s signedIn
	w.signIn(200, user, password).decode(w, &s)
	return s.Token
}

// invited gives the token of a mail to someone who was made for it: of the confirmation, or of an invitation.
func (w world) invited(kind string) string {
	w.Helper()
	if w.mine[kind] == "" {
		email, path := kind+"@north.example", "/v2/users"
		if kind == "invitation" {
			path = "/v2/users/invite"
		}
		w.must(201, northManager, "POST", path, object{"user": object{"email": email, "role": "user"}})
		w.mine[kind] = w.mail.Wait(w, email, 1).Token(w)
	}
	return w.mine[kind]
}

// colleague makes one more user of north who can sign in, remembers and gives the name.
func (w world) colleague(role string) string {
	w.Helper()
	w.mine["colleague"] = fmt.Sprintf("colleague%d@north.example", len(w.tokens))
	w.must(201, northPartner, "POST", "/v2/users", object{"user": object{"email": w.mine["colleague"], "role": role, "organization": w.mine["organization"], "password": password, "confirmed": true}})
	w.token(w.mine["colleague"])
	return w.mine["colleague"]
}

// fresh is an organization below the partner that has a subscription to pci alone.
func (w world) fresh() string {
	w.Helper()
	return w.order(201, northPartner, object{"name": fmt.Sprint("fresh ", w.clock.Now().UnixNano()), "skip_default_subscription": true, "plans": []object{{"plan": "pci-default"}}}).id(w)
}

func resetPassword(w world, c *call) {
	w.must(200, "", "POST", "/v2/auth/password", object{"email": northAuditor + ".example"})
	n := len(w.mail.To(northAuditor+".example")) + 1
	c.body = object{"reset_password_token": w.mail.Wait(w, northAuditor+".example", n).Token(w), "password": "yet " + password}
}

func endSession(w world, c *call) {
	w.signedIn(northManager)
	c.path = "/v2/user/sessions/" + w.first(northManager, "/v2/user/sessions?sort_by=-created_at")
}

// enroll turns both methods on for a user, once.
func (w world) enroll() {
	w.Helper()
	if w.mine["recovery code"] != "" {
		return
	}
	w.token(northUser)
	w.installTOTP(northUser)
	w.must(200, northUser, "PUT", "/v2/user/mfa/enable", object{"method": "sms", "phone_number": mobile})
	var code string
	w.eventually("the code stands in the log", func() bool {
		_, message, _ := strings.Cut(w.log.String(), mobile)
		code = sixDigits.FindString(message)
		return code != ""
	})
	var installed recoveryCodes
	w.must(200, northUser, "PUT", "/v2/user/mfa/verify_installation", object{"method": "sms", "otp_attempt": code}).decode(w, &installed)
	w.must(200, northUser, "PUT", "/v2/user/mfa/default_method", object{"method": "totp"})
	w.mine["recovery code"] = installed.Codes[0]
}

func recoverByCode(w world, c *call) {
	w.enroll()
	c.body = object{"otp_session_state": w.half(northUser).OTPSessionState, "recovery_code": w.mine["recovery code"]}
}

func verifyFactor(w world, c *call) {
	var prepared struct{ Secret string }
	w.must(200, c.by, "PUT", "/v2/user/mfa/enable?method=totp", nil).decode(w, &prepared)
	c.body = object{"method": "totp", "otp_attempt": w.code(prepared.Secret, 0)}
}

// passkey registers one and gives the answer.
func (w world) passkey(user string) *answer {
	w.Helper()
	device, key := virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	asked := w.must(200, user, "POST", "/v2/user/mfa/webauthn/begin", nil)
	a := w.call(user, "POST", "/v2/user/mfa/webauthn", object{"passkey": object{"name": "ring", "credential": w.attest(asked, party, device, key)}})
	return &a
}

func importUsers(w world, c *call) {
	a := w.upload(c.by, c.path, "file", "email\nimported@north.example\n")
	c.answered = &a
}

// onOpenPlan is about a subscription whose features may be changed.
func onOpenPlan(what string) func(world, *call) {
	return func(w world, c *call) {
		plan := "open-" + strings.Split(what, "_")[0]
		w.must(201, northPartner, "POST", "/v2/plans", object{"plan": object{"code": plan, "name": plan, "product": "vrms", "open": true}})
		at := "/v2/organizations/" + w.fresh()
		sold := w.must(201, northPartner, "POST", at+"/subscribe_organization", object{"plan": plan, "features": object{"number_of_ips": object{"limit": 1}, "rescan": object{"active": false}}}).id(w)
		c.path = at + "/subscriptions/" + sold + "/" + what
	}
}

func (w world) logo() string {
	w.Helper()
	logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString(square(4))
	return *w.look(w.must(200, northPartner, "PUT", "/v2/organizations/"+w.mine["organization"]+"/whitelabel", object{"whitelabel": object{"logo": logo}})).Logo
}

func testCredentials(w world, c *call) {
	t := newTarget("with a login")
	t["target"].(object)["credentials"] = []object{{"kind": "ssh", "username": "audit", "password": "open"}}
	c.path = "/v2/targets/" + w.must(201, northManager, "POST", "/v2/targets", t).id(w) + "/credentials/test"
}

// running is a scan that was started, always the same.
func (w world) running() string {
	w.Helper()
	if w.mine["running scan"] == "" {
		w.mine["running scan"] = w.scan(northManager, "runs", w.mine["target"])
		w.must(200, northManager, "POST", "/v2/scans/"+w.mine["running scan"]+"/start", nil)
	}
	return w.mine["running scan"]
}

// follow the events of a scan: an answer that ends only with the run, or its reader.
func follow(w world, c *call) {
	server := httptest.NewServer(w.app.api.Handler)
	defer server.Close()
	w.listen(server.URL, c.by, w.running(), "").close() // fails unless it is 200
	c.answered = &answer{Status: 200}
}

func downloadReport(w world, c *call) {
	at, of := "/v2/reports/"+w.mine["report"], object{"type": "executive", "format": "json"}
	w.must(200, northManager, "POST", at+"/generate", of)
	w.eventually("the file is made", func() bool {
		return strings.Contains(string(w.must(200, northManager, "GET", at+"/file_exists?type=executive&format=json", nil).Body), `"exists":true`)
	})
	c.path = at + "/download?type=executive&format=json"
}
