package dsl

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	letters = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// Random is a text of n characters of an alphabet.
func Random(n int, alphabet string) string {
	b := make([]byte, max(0, min(n, 1<<16)))
	for i := range b {
		b[i] = alphabet[rand.IntN(len(alphabet))]
	}
	return string(b)
}

// randomText takes the length and characters to leave out, or the other way about.
func randomText(alphabet string) *function {
	return &function{1, 2, func(a args) (any, error) {
		allowed := strip(alphabet, a.text(1))
		if allowed == "" {
			return nil, errArguments
		}
		return Random(a.integer(0, 8), allowed), nil
	}}
}

var randomFunctions = map[string]*function{
	"randtextalpha":        randomText(letters),
	"randtextalphanumeric": randomText(letters + digits),
	"randtextnumeric":      randomText(digits),
	"randbase": {1, 2, func(a args) (any, error) {
		alphabet := a.text(1)
		if alphabet == "" {
			alphabet = letters + digits
		}
		return Random(a.integer(0, 8), alphabet), nil
	}},
	"randchar": {0, 1, func(a args) (any, error) {
		alphabet := a.text(0)
		if alphabet == "" {
			alphabet = letters + digits
		}
		return Random(1, alphabet), nil
	}},
	"randint": {0, 2, func(a args) (any, error) {
		low, high := a.integer(0, 0), a.integer(1, math.MaxInt32)
		if high < low {
			return nil, errArguments
		}
		return low + rand.IntN(high-low+1), nil
	}},
	"randip": {1, -1, randomIP},
}

func randomIP(a args) (any, error) {
	prefix, err := netip.ParsePrefix(a.text(rand.IntN(len(a))))
	if err != nil || !prefix.Addr().Is4() {
		return nil, errArguments
	}
	b := prefix.Masked().Addr().As4()
	n := rand.Uint32() >> prefix.Bits()
	if prefix.Bits() == 0 {
		n = rand.Uint32()
	}
	for i := range b {
		b[i] |= byte(n >> (24 - 8*i))
	}
	return netip.AddrFrom4(b).String(), nil
}

var valueFunctions = map[string]*function{
	"len":             {1, 1, length},
	"index":           {2, 2, index},
	"tonumber":        {1, 1, toNumber},
	"tostring":        mapText(func(s string) string { return s }),
	"compareversions": {2, -1, compareVersions},
	"unixtime":        {0, 1, func(a args) (any, error) { return int(clock.Now().Unix()) + a.integer(0, 0), nil }},
	"tounixtime":      {1, 2, toUnixTime},
	"datetime":        {1, 2, dateTime},
	"printdebug":      {0, -1, func(args) (any, error) { return true, nil }},
}

func length(a args) (any, error) {
	switch v := a[0].(type) {
	case []string:
		return len(v), nil
	case []any:
		return len(v), nil
	}
	return len(a.text(0)), nil
}

// index gives the character of a text or the element of a list.
func index(a args) (any, error) {
	i := a.integer(1, -1)
	if s, ok := a[0].(string); ok {
		if i < 0 || i >= len(s) {
			return nil, errArguments
		}
		return s[i : i+1], nil
	}
	all := list(a[0])
	if i < 0 || i >= len(all) {
		return nil, errArguments
	}
	return all[i], nil
}

func toNumber(a args) (any, error) {
	f, ok := number(a[0])
	if !ok {
		return nil, errArguments
	}
	return tidy(f), nil
}

// dateTime formats a moment (seconds since 1970; now without one) by strftime's letters or by the letters of the
// template language: %Y %M %D %H %m %S.
func dateTime(a args) (any, error) {
	at := clock.Now()
	if n, ok := number(arg(a, 1)); ok && math.Abs(n) < 1e12 {
		at = time.Unix(int64(n), 0).UTC()
	}
	layout := a.text(0)
	if !strings.Contains(layout, "%") {
		return at.Format(layout), nil
	}
	return strings.NewReplacer(
		"%Y", at.Format("2006"), "%y", at.Format("06"), "%M", at.Format("01"), "%D", at.Format("02"), "%d", at.Format("02"),
		"%H", at.Format("15"), "%m", at.Format("04"), "%S", at.Format("05"), "%s", strconv.FormatInt(at.Unix(), 10),
		"%B", at.Format("January"), "%b", at.Format("Jan"), "%A", at.Format("Monday"), "%a", at.Format("Mon"),
	).Replace(layout), nil
}

func arg(a args, i int) any {
	if i < len(a) {
		return a[i]
	}
	return nil
}

func toUnixTime(a args) (any, error) {
	layouts := []string{time.RFC3339, time.DateTime, time.DateOnly, time.RFC1123, time.RFC1123Z, time.RFC822, time.RFC850, time.ANSIC}
	if len(a) > 1 {
		layouts = []string{a.text(1)}
	}
	for _, l := range layouts {
		if at, err := time.Parse(l, a.text(0)); err == nil {
			return int(at.Unix()), nil
		}
	}
	return nil, fmt.Errorf("%w: no date", errArguments)
}
