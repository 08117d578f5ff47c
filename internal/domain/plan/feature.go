package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Codes of all features, in the order in which they are shown.
var Codes = []access.Feature{access.NumberOfIPs, access.Rescan, access.InternalVRMS, access.InternalPenetration, access.SAQ, access.OwnScanners,
	access.OwnPortLists, access.TargetCredentials, access.AIChat, access.Webhooks, access.WhiteLabel}

// Feature is what a plan or subscription grants of one feature. Limit counts where it is set; Unlimited lifts it.
type Feature struct {
	Active       *bool  `json:"active,omitempty"`
	Unlimited    bool   `json:"unlimited,omitempty"`
	Limit        *int   `json:"limit,omitempty" minimum:"0" maximum:"1000000000"`
	NumOfRescans *int   `json:"num_of_rescans,omitempty" minimum:"0" maximum:"1000000000"`
	Unit         string `json:"unit,omitempty" maxLength:"20" doc:"Of rescans: day, week, month, quarter or year; default the subscription's interval"`
	WhenRun      string `json:"when_run,omitempty" maxLength:"40" doc:"Of rescans: failed: only after a run that did not pass"`
}

// Features by their code.
type Features map[access.Feature]Feature

func read(raw json.RawMessage) Features {
	var f Features
	if json.Unmarshal(raw, &f) != nil || f == nil {
		return Features{}
	}
	return f
}

func (f Features) raw() json.RawMessage {
	raw, _ := json.Marshal(f) // plain values
	return raw
}

// Gives says whether the feature is granted.
func (f Features) Gives(code access.Feature) bool {
	x, ok := f[code]
	return ok && (x.Active == nil || *x.Active)
}

// unlimited is the amount of what is not counted.
const unlimited = -1

// IPs is how many addresses may be targets; -1 where there is no limit.
func (f Features) IPs() int { return f.Amount(access.NumberOfIPs) }

// Amount is how many of the feature may be used: -1 where it is not counted, 0 where it is not given. Two features read their
// absence in a way of their own: without number_of_ips there are no addresses, without rescan there is no limit to rescans.
func (f Features) Amount(code access.Feature) int {
	x, ok := f[code]
	counted := x.Limit
	if code == access.Rescan {
		if !ok {
			return unlimited
		}
		counted = x.NumOfRescans
	}
	switch {
	case code == access.NumberOfIPs && x.Unlimited:
		return unlimited
	case code == access.NumberOfIPs && counted == nil, code != access.NumberOfIPs && !f.Gives(code):
		return 0
	case x.Unlimited || counted == nil:
		return unlimited
	}
	return *counted
}

// Exceeding are the features of which f gives more than the other does.
func (f Features) Exceeding(most Features) []access.Feature {
	var all []access.Feature
	for _, code := range Codes {
		if f.exceeds(most, code) {
			all = append(all, code)
		}
	}
	return all
}

func (f Features) exceeds(most Features, code access.Feature) bool {
	own, limit := f.Amount(code), most.Amount(code)
	switch {
	case own == 0 || limit == unlimited:
		return false
	case own == unlimited || own > limit:
		return true
	}
	return code == access.Rescan && !strings.EqualFold(f[code].Unit, most[code].Unit) // so many a day are more than so many a year
}

// Within is f with every feature that exceeds the other's cut to that.
func (f Features) Within(most Features) Features {
	cut := Features{}
	for code, x := range f {
		cut[code] = x
	}
	for _, code := range f.Exceeding(most) {
		given, ok := most[code]
		switch {
		case ok:
			cut[code] = given
		case code == access.NumberOfIPs:
			cut[code] = Feature{Limit: new(int)}
		default:
			delete(cut, code)
		}
	}
	return cut
}

// check the features of a request; pointer names the attribute.
func (f Features) check(pointer string) []fault.Detail {
	var wrong []fault.Detail
	for code := range f {
		if !slices.Contains(Codes, code) {
			wrong = append(wrong, fault.DetailsOf(unknownFeature(pointer+"/"+escape(string(code)), string(code)))...)
		}
	}
	slices.SortFunc(wrong, func(a, b fault.Detail) int { return strings.Compare(a.Pointer, b.Pointer) })
	return wrong
}

// escape a name for a JSON pointer (RFC 6901).
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

func unknownFeature(pointer, code string) error {
	names := make([]string, len(Codes))
	for i, c := range Codes {
		names[i] = string(c)
	}
	if r := []rune(code); len(r) > 60 {
		code = string(r[:60]) + "…"
	}
	return fault.At(pointer, "unknown", "There is no feature %q; there are %s.", code, strings.Join(names, ", "))
}
