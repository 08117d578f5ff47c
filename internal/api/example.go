package api

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// exampler makes examples of schemas: of their own where they have one, else of what their attributes are called. The same schema
// gives the same example every time.
type exampler struct {
	registry huma.Registry
	noun     string
	parent   string // the attribute within which we are
	asking   bool   // for a request: what is optional and says little is left out
	depth    int
}

const deepest = 8

// absent is what is null or empty more often than not.
var absent = []string{"next_cursor", "exception_id", "v2", "v4", "cves", "otp_phone", "impersonator", "locked_at", "port_list_id"}

func (e exampler) of(s *huma.Schema, name string) any {
	if s == nil || e.depth > deepest {
		return nil
	}
	e.depth++
	schema := ""
	if s.Ref != "" {
		schema = strings.TrimPrefix(s.Ref, "#/components/schemas/")
		s = e.registry.SchemaFromRef(s.Ref)
	}
	switch {
	case !e.asking && slices.Contains(absent, name):
		if s.Type == "array" {
			return []any{}
		}
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		if usual := e.known(name); usual != "" && slices.Contains(s.Enum, any(usual)) {
			return usual
		}
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return e.of(s.OneOf[0], name)
	}
	switch s.Type {
	case "object", "":
		return e.object(s, schema, name)
	case "array":
		return []any{e.of(s.Items, name)}
	case "boolean":
		return strings.HasPrefix(name, "active") || name == "ok" || name == "valid" || name == "verified" || name == "confirmed" || name == "exists" ||
			name == "enabled" || name == "accepted"
	case "integer", "number":
		return number(name, s)
	}
	return e.text(s, name)
}

func (e exampler) object(s *huma.Schema, schema, name string) any {
	out := map[string]any{}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok && len(s.Properties) == 0 {
		return map[string]any{keyOf(name): e.of(values, name)}
	}
	if len(s.Properties) == 2 && s.Properties["id"] != nil && s.Properties["name"] != nil {
		return map[string]any{"id": exampleID(name), "name": nameOf(name)}
	}
	noun := e.noun
	if rest, ok := strings.CutPrefix(schema, "Resource"); ok {
		noun = kindOf(rest)
	}
	if s.Properties["id"] != nil && s.Properties["attributes"] == nil && !slices.Contains([]string{"", "data", "attributes"}, name) {
		noun = strings.TrimSuffix(name, "s")
	}
	inner := e
	inner.noun, inner.parent = noun, name
	for property, p := range s.Properties {
		if e.asking && !slices.Contains(s.Required, property) && !worthShowing(property, s) {
			continue
		}
		if property == "type" && strings.HasPrefix(schema, "Resource") {
			out[property] = noun
			continue
		}
		if property == "type" && schema == "Ref" {
			out[property] = noun
			continue
		}
		out[property] = inner.of(p, property)
	}
	return out
}

// worthShowing are the optional attributes that a first request is likely to want.
func worthShowing(property string, s *huma.Schema) bool {
	if len(s.Required) == 0 && len(s.Properties) <= 4 {
		return true
	}
	return slices.Contains([]string{"name", "comment", "description", "first_name", "last_name", "exclude_hosts", "timezone", "plans"}, property)
}

// kindOf tells the type of a resource from the name of its attributes' schema: ScanHistoryAttributes is a scan_history.
func kindOf(schema string) string {
	switch name := strings.TrimSuffix(schema, "Attributes"); name {
	case "Portlist":
		return "port_list"
	case "PortlistRange":
		return "port_range"
	case "Audit":
		return "audit_event"
	case "UserMe":
		return "user"
	case "HostSighting":
		return "scan_host"
	default:
		return snake(name)
	}
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// nounOf is the singular of the collection that a path leads into.
func nounOf(path string) string {
	noun := ""
	for _, part := range strings.Split(strings.TrimPrefix(path, "/v2/"), "/") {
		if !strings.HasPrefix(part, "{") && strings.HasSuffix(part, "s") {
			noun = part
		}
	}
	if rest, ok := strings.CutSuffix(noun, "ies"); ok {
		return rest + "y"
	}
	return strings.TrimSuffix(noun, "s")
}

// exampleID is a UUID of version 7 that is always the same for a noun.
func exampleID(noun string) string {
	hex := fmt.Sprintf("%x", sha256.Sum256([]byte(noun)))
	return "019ca2b4-7e00-7" + hex[:3] + "-8" + hex[3:6] + "-" + hex[6:18]
}

func nameOf(noun string) string {
	if known, ok := names[noun]; ok {
		return known
	}
	return "Shop"
}

var names = map[string]string{"organization": "Example Ltd", "parent_organization": "Example Ltd", "port_list": "PCI: all TCP, common UDP", "scanner": "Embedded scanner",
	"started_by": "ada@example.com", "schedule": "Every Monday", "vulnerability": "TLS certificate has expired", "scan": "Shop, weekly",
	"user": "ada@example.com", "impersonator": "support@example.com", "report": "Shop, weekly", "scan_history": "Shop, weekly", "webhook": "Ticket system"}

var numbers = map[string]any{"port": 443, "current_page": 1, "total_pages": 1, "total_count": 1, "per_page": 25, "severity": 7.5, "score": 7.5,
	"epss": 0.0213, "qod": 97, "progress": 100, "risk_score": 412, "tcp_count": 65535, "udp_count": 1000, "start": 1, "end": 1024, "critical": 0,
	"high": 1, "medium": 3, "low": 2, "log": 14, "size": 48213, "max_parallel": 20, "duration_seconds": 642, "max_concurrency": 4, "ports_open": 4}

func number(name string, s *huma.Schema) any {
	if known, ok := numbers[name]; ok {
		return known
	}
	if s.Minimum != nil && *s.Minimum > 1 {
		return *s.Minimum
	}
	return 1
}

func keyOf(name string) string {
	switch name {
	case "files":
		return "executive"
	case "by_threat":
		return "High"
	case "by_class":
		return "tls"
	case "by_state":
		return "open"
	case "features":
		return "number_of_ips"
	case "feed_versions":
		return "feed"
	}
	return "key"
}
