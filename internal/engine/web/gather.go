package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

const maxPlaces = 20

// gather makes one finding of those that tell the same fault of several places, folders that are listed or copies of a library:
// the one of the shortest path stays and names the others.
func gather(all []scanlink.Finding) []scanlink.Finding {
	by := map[string][]scanlink.Finding{}
	for _, f := range all {
		if spread(f) {
			by[key(f)] = append(by[key(f)], f)
		}
	}
	var out []scanlink.Finding
	for _, f := range all {
		if !spread(f) {
			out = append(out, f)
			continue
		}
		same := by[key(f)]
		if len(same) == 0 {
			continue
		}
		delete(by, key(f))
		out = append(out, merged(same))
	}
	return out
}

func key(f scanlink.Finding) string { return f.Class + " " + f.Check + " " + f.Name }

func spread(f scanlink.Finding) bool {
	return f.Class == "web.dirlist" || f.Class == "web.old-jquery" || f.Class == "web.cors" || f.Class == "web.status-page" || f.Class == "cve" && f.QoD == libraryQoD
}

func merged(same []scanlink.Finding) scanlink.Finding {
	slices.SortFunc(same, func(a, b scanlink.Finding) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), strings.Compare(a.Path, b.Path))
	})
	f := same[0]
	if len(same) == 1 {
		return f
	}
	var places []string
	for _, other := range same[1:min(len(same), maxPlaces+1)] {
		places = append(places, other.Path)
	}
	f.Evidence.Detail += " So it is at " + strings.Join(places, ", ")
	if more := len(same) - 1 - len(places); more > 0 {
		f.Evidence.Detail += fmt.Sprintf(" and %d more places", more)
	}
	f.Evidence.Detail += "."
	return f
}
