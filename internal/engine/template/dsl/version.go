package dsl

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// compareVersions takes a version and constraints such as ">= 1.2", "< 1.4.7"; every one must hold. A text without
// any digit is no version and holds nothing.
func compareVersions(a args) (any, error) {
	version := strings.TrimSpace(a.text(0))
	if !strings.ContainsAny(version, digits) {
		return nil, fmt.Errorf("%w: %q is no version", errArguments, version)
	}
	for _, v := range a[1:] {
		for _, c := range list(v) {
			for _, one := range strings.Split(c, ",") {
				ok, err := holds(version, strings.TrimSpace(one))
				if err != nil || !ok {
					return false, err
				}
			}
		}
	}
	return true, nil
}

func holds(version, constraint string) (bool, error) {
	bound := strings.TrimLeft(constraint, "<>=!~^ ")
	operator := strings.TrimSpace(strings.TrimSuffix(constraint, bound))
	if bound == "" {
		return false, fmt.Errorf("%w: constraint %q", errArguments, constraint)
	}
	c := CompareVersions(version, bound)
	switch operator {
	case "", "=", "==":
		return c == 0, nil
	case "!=":
		return c != 0, nil
	case "<":
		return c < 0, nil
	case "<=", "=<":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	case ">=", "=>":
		return c >= 0, nil
	case "~", "~>", "^":
		return c >= 0 && samePrefix(version, bound, operator), nil
	}
	return false, fmt.Errorf("%w: operator %q", errArguments, operator)
}

func samePrefix(version, bound, operator string) bool {
	keep := max(1, strings.Count(bound, "."))
	if operator == "^" {
		keep = 1
	}
	v, b := strings.SplitN(version, ".", keep+1), strings.SplitN(bound, ".", keep+1)
	for i := range min(keep, len(b), len(v)) {
		if v[i] != b[i] {
			return false
		}
	}
	return true
}

// CompareVersions orders two versions by their runs of digits and letters: 1.10 after 1.9, 1.0.2k after 1.0.2, and a
// pre-release (alpha, beta, rc …) before its release.
func CompareVersions(a, b string) int {
	x, y := versionTokens(a), versionTokens(b)
	for i := range max(len(x), len(y)) {
		if c := compareTokens(token(x, i), token(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

func token(t []string, i int) string {
	if i < len(t) {
		return t[i]
	}
	return ""
}

func versionTokens(v string) []string {
	v, _, _ = strings.Cut(strings.ToLower(strings.TrimPrefix(strings.TrimSpace(v), "v")), "+")
	var tokens []string
	var class byte
	start := 0
	flush := func(end int) {
		if end > start && class != 's' {
			tokens = append(tokens, v[start:end])
		}
		start = end
	}
	for i := range len(v) {
		if c := classOf(v[i]); c != class {
			flush(i)
			class = c
		}
	}
	flush(len(v))
	return tokens
}

func classOf(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return 'd'
	case c >= 'a' && c <= 'z':
		return 'a'
	}
	return 's'
}

func compareTokens(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil && b == "":
		return cmp.Compare(x, 0)
	case errY == nil && a == "":
		return cmp.Compare(0, y)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// rank places a token: pre-release words, then nothing, then other words, then numbers.
func rank(t string) int {
	switch t {
	case "alpha", "dev", "snapshot", "preview":
		return 0
	case "beta", "milestone":
		return 1
	case "rc", "cr":
		return 2
	case "", "final", "ga", "release":
		return 3
	}
	if t[0] >= '0' && t[0] <= '9' {
		return 5
	}
	return 4
}
