package template

import (
	"regexp"
	"slices"
	"strings"
)

// Why templates are loaded and yet not run.
const (
	idleThirdParty = "talks to third parties (self-contained)"
	idleOutOfBand  = "needs an out-of-band collaborator: run by scanners that have one"
	idleDenial     = "may deny service (tag dos)"
	idleSigned     = "signs requests for a cloud (signature)"
	idleFuzzing    = "fuzzes requests that a proxy recorded (fuzzing)"
	idleGlobal     = "applies to the answers of all other templates (global-matchers); what answers leak is for the web stage"
	idleFile       = "reads files, which a scan from outside does not have (file)"
	idleWorkflow   = "is a workflow: the templates that it names are run by themselves, where they fit"
)

// outOfBand is a value that only a collaborator knows: an address that it listens at, or what it heard.
var outOfBand = regexp.MustCompile(`\binteractsh[-_]`)

// idle says why a document that compiles is not run.
func (d *document) idle() string {
	has := func(f func(httpBlock) bool) bool { return slices.ContainsFunc(d.HTTP, f) }
	switch {
	case d.SelfContained || has(func(b httpBlock) bool { return b.SelfContained }) || d.reportsElsewhere():
		return idleThirdParty
	case slices.Contains(d.Info.Tags, "dos"):
		return idleDenial
	case has(func(b httpBlock) bool { return b.Signature != "" }):
		return idleSigned
	case has(func(b httpBlock) bool { return b.Fuzzing.Kind != 0 }):
		return idleFuzzing
	case has(func(b httpBlock) bool { return b.GlobalMatchers }):
		return idleGlobal
	case d.kind() == "file":
		return idleFile
	case d.kind() == "workflow":
		return idleWorkflow
	case d.needsCollaborator():
		return idleOutOfBand
	}
	return ""
}

// foreign is a request to a host that the template names itself.
var foreign = regexp.MustCompile(`(?i)^(@host:\s*)?(https?://)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(/|\s|$)`)

// reportsElsewhere says that every block which would report asks third parties only.
func (d *document) reportsElsewhere() bool {
	elsewhere := 0
	for _, b := range d.HTTP {
		if !slices.ContainsFunc(b.Matchers, func(m matcherSyntax) bool { return !m.Internal }) && len(b.Matchers) > 0 {
			continue
		}
		own := func(s string) bool { return !foreign.MatchString(strings.TrimSpace(s)) }
		if len(b.Path)+len(b.Raw) == 0 || slices.ContainsFunc(b.Path, own) || slices.ContainsFunc(b.Raw, own) {
			return false
		}
		elsewhere++
	}
	return elsewhere > 0 && len(d.TCP)+len(d.DNS)+len(d.SSL) == 0
}

// needsCollaborator says that no answer of the target alone can make the template match: in a flow, one block with such
// conditions is enough; otherwise all of those with conditions.
func (d *document) needsCollaborator() bool {
	var judged, needing int
	count := func(o operators) {
		if len(o.Matchers) == 0 {
			return
		}
		judged++
		if o.needCollaborator() {
			needing++
		}
	}
	for i := range d.HTTP {
		count(d.HTTP[i].operators)
	}
	for i := range d.TCP {
		count(d.TCP[i].operators)
	}
	for i := range d.DNS {
		count(d.DNS[i].operators)
	}
	return needing > 0 && (d.Flow != "" || needing == judged)
}

// needCollaborator says that the conditions cannot hold without one: each of them where any is enough, one of them
// where all must hold.
func (o operators) needCollaborator() bool {
	needs := func(m matcherSyntax) bool {
		return outOfBand.MatchString(m.Part) || slices.ContainsFunc(m.DSL, outOfBand.MatchString)
	}
	if o.MatchersCondition == "and" {
		return slices.ContainsFunc(o.Matchers, needs)
	}
	return !slices.ContainsFunc(o.Matchers, func(m matcherSyntax) bool { return !needs(m) })
}
