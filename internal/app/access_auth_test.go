package app

import (
	"maps"

	"github.com/vedette/vedette/internal/platform/db"
)

func init() {
	maps.Copy(fixtures, map[string]fixture{
		"confirmUser":         plain("/v2/auth/confirmation").with(object{"confirmation_token": "vdc_unknown", "password": password}),
		"showConfirmation":    {path: at("/v2/auth/confirmation"), noID: true, query: "?confirmation_token=vdc_unknown"},
		"acceptInvitation":    plain("/v2/auth/invitation").with(object{"invitation_token": "vdi_unknown", "password": password}),
		"checkInvitation":     {path: at("/v2/auth/invitation"), noID: true, query: "?invitation_token=vdi_unknown"},
		"forgotPassword":      plain("/v2/auth/password").with(object{"email": "nobody@nowhere.example"}),
		"resetPassword":       plain("/v2/auth/password").with(object{"reset_password_token": "vdp_unknown", "password": password}),
		"startImpersonation":  {path: at("/v2/auth/impersonate"), noID: true, body: impersonation, refs: func(t things) []object { return []object{impersonation(t)} }},
		"stopImpersonation":   plain("/v2/auth/impersonate"),
		"changePassword":      plain("/v2/user/change_password").with(object{"current_password": "not this one", "password": password}),
		"listSessions":        plain("/v2/user/sessions"),
		"endSession":          about("/v2/user/sessions/%s", "session"),
		"endOtherSessions":    plain("/v2/user/sessions"),
		"listSignOnProviders": plain("/v2/auth/oidc"),
		"beginSignOn":         plain("/v2/auth/oidc/sso"),
		"finishSignOn":        plain("/v2/auth/oidc/sso/callback").with(object{"oidc_session_state": "vdn_unknown", "state": "x", "code": "x"}),
		"listIdentities":      plain("/v2/user/identities"),
		"deleteIdentity":      about("/v2/user/identities/%s", "identity"),
		"listAPIKeys":         plain("/v2/api_keys"),
		"createAPIKey":        plain("/v2/api_keys").with(object{"api_key": object{"name": "made"}}),
		"revokeAPIKey":        about("/v2/api_keys/%s", "api key"),
	})
	fillers = append(fillers, func(w world, by string, t things) {
		t["session"] = w.first(by, "/v2/user/sessions")
		w.exec("insert into oidc_identities (organization_id, id, user_id, issuer, subject, email, created_at, last_used_at) "+
			"select organization_id, ?, id, 'https://id.example', username, email, 1, 1 from users where username = ?", db.NewID(), by)
		t["identity"] = w.first(by, "/v2/user/identities")
		t["api key"] = w.must(201, by, "POST", "/v2/api_keys", object{"api_key": object{"name": "export"}}).id(w)
	})
	watched = append(watched, "/v2/user/sessions", "/v2/user/identities", "/v2/api_keys")
}

func impersonation(t things) object {
	return object{"user": t["user"], "reason": "to see what they see"}
}
