// Package portlist is which ports a scan asks. The installation's predefined lists are shared with all organizations and
// kept by the program; an organization may have lists of its own. A list that is not active can't be chosen for a target any
// more, but serves where it was chosen; one that a target uses can't be deleted. app_type names the product that it serves.
package portlist

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// AllProducts is the app type of a list that serves every product.
const AllProducts = "all"

// AppTypes that a list may have.
var AppTypes = append([]string{AllProducts}, plan.Products...)

// Protocols of a range.
const (
	TCP = "tcp"
	UDP = "udp"
)

// PortList is one row.
type PortList struct {
	bun.BaseModel `bun:"table:port_lists,alias:pl"`
	db.Shared
	ID          string     `bun:"id,pk"`
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	AppType     string     `bun:"app_type"`
	Active      bool       `bun:"active"`
	Predefined  bool       `bun:"predefined"`
	TCPCount    int        `bun:"tcp_count"`
	UDPCount    int        `bun:"udp_count"`
	CreatedBy   *string    `bun:"created_by,nullzero"`
	CreatedAt   clock.Time `bun:"created_at"`
	UpdatedAt   clock.Time `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (l PortList) RowID() string { return l.ID }

// Serves says whether the list may be chosen in the product.
func (l PortList) Serves(product string) bool {
	return l.AppType == AllProducts || l.AppType == product
}

// Range of ports of a list, both ends included.
type Range struct {
	bun.BaseModel `bun:"table:port_ranges,alias:pr"`
	db.Shared
	ID         string `bun:"id,pk"`
	PortListID string `bun:"port_list_id"`
	Protocol   string `bun:"protocol"`
	Start      int    `bun:"start_port"`
	End        int    `bun:"end_port"`
	Comment    string `bun:"comment"`
}

const (
	maxPort = 65535
	maxSpec = 512 << 10 // bytes; every second port singly needs 190 KiB
)

// ParseSpec reads ports as people write them: "80,443,8000-8100" is TCP, "T:1-1024,U:53,161" names the protocol of what
// follows. Ranges that touch or overlap become one; TCP comes first. The error is fault.Invalid at the pointer, names the part
// that is wrong and says what would be right.
func ParseSpec(pointer, text string) ([]Range, error) {
	if len(text) > maxSpec {
		return nil, fault.At(pointer, "too_long", "The ranges are longer than %d characters.", maxSpec)
	}
	var all []Range
	protocol := TCP
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		part = strings.TrimSpace(part)
		if head, rest, ok := strings.Cut(part, ":"); ok {
			switch strings.ToUpper(strings.TrimSpace(head)) {
			case "T", "TCP":
				protocol = TCP
			case "U", "UDP":
				protocol = UDP
			default:
				return nil, fault.At(pointer, "invalid_range", "%q is no protocol; write T: or U: before the ports.", clip(head))
			}
			part = strings.TrimSpace(rest)
		}
		if part == "" {
			continue
		}
		start, end, err := parseRange(pointer, part)
		if err != nil {
			return nil, err
		}
		all = append(all, Range{Protocol: protocol, Start: start, End: end})
	}
	if len(all) == 0 {
		return nil, fault.At(pointer, "required", "The ranges name no port; write for example T:1-1024,U:53.")
	}
	return merge(all), nil
}

func parseRange(pointer, text string) (int, int, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	start, ok := parsePort(first)
	end, okEnd := parsePort(last)
	switch {
	case !ok || !okEnd:
		return 0, 0, fault.At(pointer, "invalid_range", "%q is neither a port nor a range; ports are numbers from 1 to %d, as in 80 or 8000-8100.", clip(text), maxPort)
	case start > end:
		return 0, 0, fault.At(pointer, "invalid_range", "The range %d-%d runs backwards; write %d-%d.", start, end, end, start)
	}
	return start, end, nil
}

func parsePort(text string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	return int(n), err == nil && n >= 1
}

func clip(text string) string {
	if len(text) > 40 {
		text = strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

// merge sorts ranges, TCP first, and joins those that touch or overlap.
func merge(all []Range) []Range {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Range) int {
		return cmp.Or(strings.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Start, b.Start))
	})
	var out []Range
	for _, r := range sorted {
		if n := len(out) - 1; n >= 0 && out[n].Protocol == r.Protocol && r.Start <= out[n].End+1 {
			out[n].End = max(out[n].End, r.End)
			continue
		}
		out = append(out, Range{Protocol: r.Protocol, Start: r.Start, End: r.End})
	}
	return out
}

// Format writes ranges in the form that ParseSpec reads: "T:1-65535,U:53,161".
func Format(ranges []Range) string {
	var b strings.Builder
	last := ""
	for _, r := range merge(ranges) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if r.Protocol != last {
			b.WriteString(strings.ToUpper(r.Protocol[:1]) + ":")
			last = r.Protocol
		}
		fmt.Fprint(&b, r.Start)
		if r.End != r.Start {
			fmt.Fprintf(&b, "-%d", r.End)
		}
	}
	return b.String()
}

// count of distinct ports of the protocol.
func count(ranges []Range, protocol string) int {
	n := 0
	for _, r := range merge(ranges) {
		if r.Protocol == protocol {
			n += r.End - r.Start + 1
		}
	}
	return n
}
