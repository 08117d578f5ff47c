package app

import "maps"

func init() {
	maps.Copy(fixtures, map[string]fixture{
		"createSignOnLink": about("/v2/users/%s/single_sign_on_link", "user"),
		"signInByLink":     plain("/v2/auth/single_sign_on").with(object{"single_sign_on_token": "vdg_unknown"}),
	})
	maps.Copy(successes, map[string]success{
		"signInByLink": {do: func(w world, c *call) {
			c.body = object{"single_sign_on_token": w.signOnLink(northPartner, northManager).Token}
		}},
	})
}
