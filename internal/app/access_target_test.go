package app

import "maps"

func init() {
	maps.Copy(fixtures, map[string]fixture{
		"showTargetControl":     about("/v2/targets/%s/control", "target"),
		"verifyTargetControl":   about("/v2/targets/%s/verify_control", "target").with(object{"method": "dns_txt"}),
		"testTargetCredentials": about("/v2/targets/%s/credentials/test", "target").with(object{}),
		"calculateHosts":        plain("/v2/targets/calculate_hosts").with(object{"hosts": "192.0.2.0/24"}),
		"tagTargets":            {path: at("/v2/targets/tags"), noID: true, body: func(t things) object { return tagging(t["target"]) }, refs: targetTagging},
		"listNetworks":          plain("/v2/networks"),
		"createNetwork":         plain("/v2/networks").with(object{"network": object{"name": "made"}}),
		"showNetwork":           about("/v2/networks/%s", "network"),
		"updateNetwork":         about("/v2/networks/%s", "network").with(object{"network": object{"description": "changed"}}),
		"deleteNetwork":         about("/v2/networks/%s", "network"),
		"deleteNetworks":        {path: at("/v2/networks"), noID: true, bulk: "network"},
	})
	fillers = append(fillers, func(w world, by string, t things) {
		t["network"] = w.network(by, "site")
	})
	watched = append(watched, "/v2/networks")
	ours := fixtures["createTarget"].refs
	f := fixtures["createTarget"]
	f.refs = func(t things) []object { return append(ours(t), inNetwork(newTarget("refers"), "target", t)) }
	fixtures["createTarget"] = f
	s := fixtures["createScanner"]
	s.refs = func(t things) []object {
		return []object{inNetwork(object{"scanner": object{"name": "refers"}}, "scanner", t)}
	}
	fixtures["createScanner"] = s
}

func inNetwork(body object, name string, t things) object {
	body[name].(object)["network"] = t["network"]
	return body
}

func tagging(id string) object { return object{"ids": []string{id}, "add": []string{"found"}} }

func targetTagging(t things) []object { return []object{tagging(t["target"])} }
