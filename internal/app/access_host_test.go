package app

import "maps"

func init() {
	maps.Copy(fixtures, map[string]fixture{
		"listHostChanges": about("/v2/hosts/%s/changes", "host"),
		"tagHosts":        {path: at("/v2/hosts/tags"), noID: true, body: func(t things) object { return tagging(t["host"]) }, refs: hostTagging},
	})
}

func hostTagging(t things) []object { return []object{tagging(t["host"])} }
