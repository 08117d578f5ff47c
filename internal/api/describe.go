package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/op"
)

// groups of the API in the order in which a reader meets them, and what each is about.
var groups = []*huma.Tag{
	{Name: "Authentication", Description: "Sign in and out, confirm an account, reset a password, pass the second factor."},
	{Name: "Targets", Description: "What is to be scanned: hosts, networks and names, with the ports and logins to use."},
	{Name: "Scans", Description: "Scans of a target, their runs (histories), and the hosts and vulnerabilities that each run saw."},
	{Name: "Reports", Description: "What a finished run is handed over as: attestation, executive, detailed and remediation files."},
	{Name: "Vulnerabilities", Description: "What is wrong on which host, over all scans, with its severity, evidence and solution."},
	{Name: "Exceptions", Description: "Findings that are disputed or accepted, and their review."},
	{Name: "Schedules", Description: "When scans run by themselves."},
	{Name: "Webhooks", Description: "Tell other programs what happened, with signed requests that are repeated until they arrive."},
	{Name: "Advanced Reports", Description: "Reports over several scans and targets, filtered and grouped as wanted."},
	{Name: "Audit", Description: "Who changed what, from where, in a chain that cannot be altered unseen."},
	{Name: "Notifications", Description: "What happened, told within the service."},
	{Name: "Hosts", Description: "Every host that scans have seen, with its services, software and risk."},
	{Name: "Networks", Description: "Sites whose addresses are their own: the same private address in two of them is two hosts."},
	{Name: "Scanners", Description: "The programs that scan, on the server's machine or within other networks."},
	{Name: "Port Lists", Description: "Which TCP and UDP ports a scan looks at."},
	{Name: "User", Description: "The caller's own account: profile, password, second factor, product, access token."},
	{Name: "Organizations", Description: "The tree of organizations and the plans that they are subscribed to."},
	{Name: "Plans", Description: "What organizations can subscribe to: a product, its features and their limits, a price."},
	{Name: "Users", Description: "The people of an organization and of those below it."},
	{Name: "Whitelabel Settings", Description: "The names, colours and texts under which a partner shows the service."},
	{Name: "Installation", Description: "The operator's hold on all scans at once."},
}

// describe completes the document that huma makes of the operations: groups, headers, parameters of paths, examples.
func describe(document *huma.OpenAPI) {
	used := map[string]bool{}
	for path, item := range document.Paths {
		for method, o := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete} {
			if o == nil {
				continue
			}
			used[o.Tags[0]] = true
			describeParameters(o, method, path)
			describeAnswers(document, o, path)
			shareErrors(document, o)
		}
	}
	for _, g := range groups {
		if used[g.Name] {
			document.Tags = append(document.Tags, g)
			delete(used, g.Name)
		}
	}
	for _, name := range sorted(used) {
		document.Tags = append(document.Tags, &huma.Tag{Name: name})
	}
}

func sorted(set map[string]bool) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// describeParameters declares every parameter of the path, which an operation may leave to its handler, and the headers. q[column] is
// part of q already.
func describeParameters(o *huma.Operation, method, path string) {
	o.Parameters = slices.DeleteFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "query" && strings.HasPrefix(p.Name, "q[") })
	for _, part := range strings.Split(path, "/") {
		name, ok := strings.CutPrefix(strings.TrimSuffix(part, "}"), "{")
		declared := slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == name })
		if ok && !declared {
			o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: "string"},
				Description: "Id of the " + strings.ReplaceAll(strings.TrimSuffix(name, "_id"), "_", " ") + " (UUID)"})
		}
	}
	text := &huma.Schema{Type: "string"}
	if !strings.HasPrefix(path, "/v2/auth/") && !strings.HasPrefix(path, "/v2/user/") {
		o.Parameters = append(o.Parameters, &huma.Param{Name: "X-Organization-Id", In: "header", Schema: text,
			Description: "Act in this organization, one of the caller's tree"})
	}
	if method == http.MethodPost && !strings.HasPrefix(path, "/v2/auth/") {
		o.Parameters = append(o.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Schema: text,
			Description: "Any text of the caller's; the same key gives the first answer again for 24 hours"})
	}
}

func describeAnswers(document *huma.OpenAPI, o *huma.Operation, path string) {
	e := exampler{registry: document.Components.Schemas, noun: nounOf(path)}
	if o.RequestBody != nil {
		for kind, media := range o.RequestBody.Content {
			if strings.Contains(kind, "json") {
				e.asking = true
				media.Example = e.of(media.Schema, "")
			}
		}
	}
	e.asking = false
	for status, answer := range o.Responses {
		code, err := strconv.Atoi(status)
		if err == nil && code >= 400 {
			answer.Description = op.NewProblem(code, "").Title
		}
		if code != http.StatusCreated {
			delete(answer.Headers, "Location")
		}
		for kind, media := range answer.Content {
			switch {
			case kind == "application/problem+json":
				media.Example = exampleProblem(code, o, path)
			case strings.Contains(kind, "json"):
				media.Example = e.of(media.Schema, "")
			}
		}
	}
}

// shareErrors moves among the components what operations answer alike: every error but one about the operation's own body.
func shareErrors(document *huma.OpenAPI, o *huma.Operation) {
	if document.Components.Responses == nil {
		document.Components.Responses = map[string]*huma.Response{}
	}
	for status, answer := range o.Responses {
		if status < "400" || status == "422" && o.RequestBody != nil {
			continue
		}
		name := strings.ReplaceAll(answer.Description, " ", "")
		document.Components.Responses[name] = answer
		o.Responses[status] = &huma.Response{Ref: "#/components/responses/" + name}
	}
}

// details is what an error of each status might say; the server words it for the case at hand.
var details = map[int]string{
	401: "Sign in first: send Authorization: Bearer <token>, or Basic <access token>.",
	403: "Your role does not include this.",
	404: "There is no such resource, or it is not yours.",
	409: "The state of the resource does not allow this now.",
	413: "The request is too long.",
	429: "Too many requests; wait as long as Retry-After says.",
	500: "Something went wrong on our side; the request_id helps us to find it.",
	503: "The service cannot answer now; try again shortly.",
}

func exampleProblem(status int, o *huma.Operation, path string) any {
	p := op.NewProblem(status, details[status])
	p.RequestID = exampleID("request")
	out := map[string]any{"type": p.Type, "title": p.Title, "status_text": p.StatusText, "status": status, "detail": p.Detail, "instance": "/v2/targets",
		"request_id": p.RequestID, "errors": []any{}}
	if status != http.StatusUnprocessableEntity {
		return out
	}
	pointer, code, detail := mistake(o, path)
	out["detail"] = pointer + ": " + detail
	out["errors"] = []any{map[string]any{"pointer": pointer, "code": code, "detail": detail}}
	return out
}

func mistake(o *huma.Operation, path string) (pointer, code, detail string) {
	if o.RequestBody == nil {
		return "colour", "unknown_parameter", "There is no query parameter colour here."
	}
	if body, ok := o.RequestBody.Content["application/json"]; ok {
		if wrapped, ok := body.Example.(map[string]any); ok && len(wrapped) == 1 {
			for noun, inner := range wrapped {
				if _, ok := inner.(map[string]any); ok {
					return "/" + noun + "/colour", "unknown_attribute", "There is no such attribute here."
				}
			}
		}
	}
	return "/colour", "unknown_attribute", "There is no such attribute here."
}
