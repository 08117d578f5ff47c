package app

import "maps"

func init() {
	sub := func(end string) fixture {
		return about("/v2/organizations/%s/subscriptions/%s"+end, "organization", "subscription")
	}
	onPlan := object{"subscription": object{"plan": "pci-default"}}
	maps.Copy(fixtures, map[string]fixture{
		"updateOrganization": {path: at("/v2/organizations/%s", "organization"), body: func(things) object { return object{"organization": object{"city": "Graz"}} },
			refs: func(t things) []object {
				return []object{{"organization": object{"parent_organization": t["organization"]}}}
			}},
		"deleteOrganization":         about("/v2/organizations/%s", "organization"),
		"exportOrganizations":        plain("/v2/organizations/export"),
		"changeUserOrganization":     {path: at("/v2/organizations/%s/change_user_organization", "organization"), body: func(t things) object { return object{"user": t["user"]} }, refs: func(t things) []object { return []object{{"user": t["user"]}} }},
		"listSubscriptions":          about("/v2/organizations/%s/subscriptions", "organization"),
		"listActiveSubscriptions":    about("/v2/organizations/%s/subscriptions/active", "organization"),
		"showSubscription":           sub(""),
		"updateSubscription":         sub("").with(object{"subscription": object{"price": "1.00"}}),
		"assignSubscriptionFeatures": sub("/assign_features").with(object{"features": object{"number_of_ips": object{"limit": 1}}}),
		"revokeSubscriptionFeatures": sub("/revoke_features").with(object{"features": "rescan,number_of_ips"}),
		"subscribe":                  about("/v2/organizations/%s/subscribe", "organization").with(onPlan),
		"subscribeBelow":             about("/v2/organizations/%s/subscribe_organization", "organization").with(onPlan),
		"unsubscribeOrganization":    about("/v2/organizations/%s/unsubscribe_organization", "organization").with(object{"plan": "pci-default", "reason": "moved"}),
		"listDependentSubscriptions": about("/v2/organizations/%s/dependent_subscriptions", "organization"),
		"listPlans":                  plain("/v2/plans"),
		"createPlan":                 plain("/v2/plans").with(object{"plan": object{"code": "made", "name": "made", "product": "pci", "features": object{"number_of_ips": object{"limit": 1}}}}),
		"showPlan":                   about("/v2/plans/%s", "plan"),
		"updatePlan":                 about("/v2/plans/%s", "plan").with(object{"plan": object{"name": "changed"}}),
		"deletePlan":                 about("/v2/plans/%s", "plan"),
		"setDefaultPlan":             about("/v2/plans/%s/default", "plan"),
		"showWhitelabelOfHost":       plain("/v2/whitelabel"),
		"downloadWhitelabelImage":    plain("/v2/whitelabel/images/00000000-0000-7000-8000-000000000001"),
		"showWhitelabel":             about("/v2/organizations/%s/whitelabel", "organization"),
		"updateWhitelabel":           about("/v2/organizations/%s/whitelabel", "organization").with(object{"whitelabel": object{"name": "Made"}}),
	})
	fillers = append(fillers, func(w world, by string, t things) {
		t["subscription"] = w.first(by, "/v2/organizations/"+t["organization"]+"/subscriptions")
		partner := map[string]string{"manager@north": "partner@partner-north", "manager@south": "partner@partner-south"}[by]
		t["plan"] = w.must(201, partner, "POST", "/v2/plans", object{"plan": object{"code": "own-" + t["organization"][30:], "name": "own", "product": "vrms",
			"features": object{"number_of_ips": object{"limit": 1}}}}).id(w)
	})
}
