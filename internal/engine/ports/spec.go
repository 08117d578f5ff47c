package ports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Spec is the ports to probe, each list sorted and without repeats. Port 0 is never in it.
type Spec struct {
	TCP []uint16
	UDP []uint16
}

// maxSpec bounds the text of a specification; all ports singly would need 360 KiB.
const maxSpec = 512 << 10

// Parse reads a specification as scanners' users know it: "80,443,8000-8100" means TCP; "T:1-1024,U:53,161" names the
// protocol for what follows; "-" is every port, "-100" up to and "60000-" from. A fault of kind invalid says what is wrong.
func Parse(text string) (Spec, error) {
	if len(text) > maxSpec {
		return Spec{}, fault.New(fault.Invalid, "The port list is longer than %d characters", maxSpec)
	}
	var seen [2][65536 / 64]uint64
	protocol, found := 0, false
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if head, rest, ok := strings.Cut(part, ":"); ok {
			switch strings.ToUpper(strings.TrimSpace(head)) {
			case "T", "TCP":
				protocol = 0
			case "U", "UDP":
				protocol = 1
			default:
				return Spec{}, fault.New(fault.Invalid, "%q is no protocol: write T: or U: before the ports", short(head))
			}
			part = strings.TrimSpace(rest)
		}
		if part == "" {
			continue
		}
		first, last, err := parseRange(part)
		if err != nil {
			return Spec{}, err
		}
		for p := first; p <= last; p++ {
			seen[protocol][p/64] |= 1 << (p % 64)
		}
		found = true
	}
	if !found {
		return Spec{}, fault.New(fault.Invalid, "The port list names no port: write for example T:1-1024,U:53")
	}
	return Spec{TCP: members(&seen[0]), UDP: members(&seen[1])}, nil
}

func members(set *[1024]uint64) []uint16 {
	var all []uint16
	for p := 1; p < 65536; p++ {
		if set[p/64]&(1<<(p%64)) != 0 {
			all = append(all, uint16(p))
		}
	}
	return all
}

func parseRange(part string) (int, int, error) {
	a, b, isRange := strings.Cut(part, "-")
	first, last := 1, 65535
	var err error
	if a = strings.TrimSpace(a); a != "" {
		if first, err = parsePort(a); err != nil {
			return 0, 0, err
		}
	}
	if b = strings.TrimSpace(b); b != "" {
		if last, err = parsePort(b); err != nil {
			return 0, 0, err
		}
	} else if !isRange {
		last = first
	}
	if first > last {
		return 0, 0, fault.New(fault.Invalid, "The range %s ends before it begins", short(part))
	}
	return first, last, nil
}

func parsePort(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n < 1 || n > 65535 {
		return 0, fault.New(fault.Invalid, "%q is no port: ports are numbers from 1 to 65535", short(text))
	}
	return int(n), nil
}

func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// String writes the specification back in the form that Parse reads, with ranges.
func (s Spec) String() string {
	var parts []string
	for _, l := range []struct {
		head string
		list []uint16
	}{{"T:", s.TCP}, {"U:", s.UDP}} {
		if len(l.list) > 0 {
			parts = append(parts, l.head+ranges(l.list))
		}
	}
	return strings.Join(parts, ",")
}

func ranges(list []uint16) string {
	list = slices.Clone(list)
	slices.Sort(list)
	var b strings.Builder
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] <= list[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d", list[i])
		if list[j] != list[i] {
			fmt.Fprintf(&b, "-%d", list[j])
		}
		i = j + 1
	}
	return b.String()
}
