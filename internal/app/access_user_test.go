package app

import "maps"

func init() {
	maps.Copy(fixtures, map[string]fixture{
		"updateUser":         {path: at("/v2/users/%s", "spare user"), body: func(things) object { return object{"user": object{"first_name": "Grace"}} }, refs: userMoveRefs},
		"deleteUser":         about("/v2/users/%s", "spare user"),
		"createCustomer":     {path: at("/v2/users/create_customer"), noID: true, body: func(things) object { return newCustomer() }, refs: customerRefs},
		"inviteUser":         {path: at("/v2/users/invite"), noID: true, body: func(things) object { return invitation("") }, refs: invitationRefs},
		"resendConfirmation": about("/v2/users/%s/resend_confirmation", "spare user"),
		"importUsers":        plain("/v2/users/import").with(object{}),
		"exportUsers":        plain("/v2/users/export"),
		"userDeletable":      about("/v2/users/%s/deletable", "spare user"),
		"inheritUser": {path: at("/v2/users/%s/inherit", "user"), body: func(t things) object { return object{"from": t["spare user"]} },
			refs: func(t things) []object { return []object{{"from": t["spare user"]}} }},
		// Operators alone set partners, and nobody is a stranger to them.
		"setPartner":   {path: at("/v2/users/%s/set_partner", "spare user"), noID: true},
		"unsetPartner": {path: at("/v2/users/%s/unset_partner", "spare user"), noID: true},
		"transferResources": {path: at("/v2/user/transfer_resources"), noID: true,
			body: func(t things) object { return object{"from": t["spare user"], "to": t["user"]} },
			refs: func(t things) []object { return []object{{"from": t["spare user"], "to": t["user"]}} }},
		"meDeletable":                 plain("/v2/user/deletable"),
		"deleteMe":                    plain("/v2/user/me"),
		"listActivePlans":             plain("/v2/user/active_plans"),
		"listSubscriptionsHistory":    plain("/v2/user/subscriptions_history"),
		"listProducts":                plain("/v2/user/products"),
		"listMembers":                 plain("/v2/user/members"),
		"showOwnOrganization":         plain("/v2/user/organization"),
		"updateOwnOrganization":       plain("/v2/user/organization").with(object{"organization": object{"city": "Vienna"}}),
		"listNotificationPreferences": plain("/v2/user/preferences/notifications"),
		"enableNotifications":         plain("/v2/user/preferences/notifications/scan_failed/enable"),
		"disableNotifications":        plain("/v2/user/preferences/notifications/scan_failed/disable"),
	})
	fillers = append(fillers, func(w world, by string, t things) {
		t["spare user"] = w.must(201, by, "POST", "/v2/users", object{"user": object{"email": "spare@" + t["organization"] + ".example", "role": "user"}}).id(w)
	})
}

func userMoveRefs(t things) []object {
	return []object{{"user": object{"organization": t["organization"]}}}
}

func newCustomer() object { return object{"customer": object{"email": "customer@example.org"}} }

func customerRefs(t things) []object {
	return []object{{"customer": object{"email": "customer@example.org", "organization_id": t["organization"]}},
		{"customer": object{"email": "customer@example.org", "organization": t["organization"]}}}
}

func invitation(organization string) object {
	u := object{"email": "invited@example.org"}
	if organization != "" {
		u["organization"] = organization
	}
	return object{"user": u}
}

func invitationRefs(t things) []object { return []object{invitation(t["organization"])} }
