package dsl

import (
	"html"
	"net/url"
	"slices"
	"sort"
	"strings"
)

// functions by name, lower case and without underscores, so that to_lower and tolower are one.
var functions = merge(textFunctions, codecFunctions, hashFunctions, randomFunctions, valueFunctions, cryptoFunctions, targetFunctions)

func merge(sets ...map[string]*function) map[string]*function {
	all := map[string]*function{}
	for _, set := range sets {
		for name, f := range set {
			all[name] = f
		}
	}
	return all
}

// mapText is a function of one text to one text.
func mapText(f func(string) string) *function {
	return &function{1, 1, func(a args) (any, error) { return f(a.text(0)), nil }}
}

// anyOf is a condition of the first text with any of the others; allOf with each of them.
func anyOf(f func(a, b string) bool) *function {
	return &function{2, -1, func(a args) (any, error) {
		for _, v := range a[1:] {
			if slices.ContainsFunc(list(v), func(s string) bool { return f(a.text(0), s) }) {
				return true, nil
			}
		}
		return false, nil
	}}
}

func allOf(f func(a, b string) bool) *function {
	return &function{2, -1, func(a args) (any, error) {
		for _, v := range a[1:] {
			for _, s := range list(v) {
				if !f(a.text(0), s) {
					return false, nil
				}
			}
		}
		return true, nil
	}}
}

// line lifts a condition to: any line of the first text.
func line(f func(a, b string) bool) func(a, b string) bool {
	return func(a, b string) bool {
		for l := range strings.Lines(a) {
			if f(strings.TrimRight(l, "\r\n"), b) {
				return true
			}
		}
		return false
	}
}

var textFunctions = map[string]*function{
	"tolower":        mapText(strings.ToLower),
	"toupper":        mapText(strings.ToUpper),
	"totitle":        mapText(func(s string) string { return strings.ToTitle(s) }),
	"trimspace":      mapText(strings.TrimSpace),
	"htmlescape":     mapText(html.EscapeString),
	"htmlunescape":   mapText(html.UnescapeString),
	"reverse":        mapText(reverse),
	"removebadchars": {2, 2, func(a args) (any, error) { return strip(a.text(0), a.text(1)), nil }},
	"contains":       allOf(strings.Contains), // two by the language; some templates name more and mean each
	"containsall":    allOf(strings.Contains),
	"containsany":    anyOf(strings.Contains),
	"startswith":     anyOf(strings.HasPrefix),
	"endswith":       anyOf(strings.HasSuffix),
	"linestartswith": anyOf(line(strings.HasPrefix)),
	"lineendswith":   anyOf(line(strings.HasSuffix)),
	"equalsany":      anyOf(func(a, b string) bool { return a == b }),
	"regex":          {2, 2, matchText},
	"regexall":       {2, -1, func(a args) (any, error) { return matchMany(a, true) }},
	"regexany":       {2, -1, func(a args) (any, error) { return matchMany(a, false) }},
	"trim":           {2, 2, func(a args) (any, error) { return strings.Trim(a.text(0), a.text(1)), nil }},
	"trimleft":       {2, 2, func(a args) (any, error) { return strings.TrimLeft(a.text(0), a.text(1)), nil }},
	"trimright":      {2, 2, func(a args) (any, error) { return strings.TrimRight(a.text(0), a.text(1)), nil }},
	"trimprefix":     {2, 2, func(a args) (any, error) { return strings.TrimPrefix(a.text(0), a.text(1)), nil }},
	"trimsuffix":     {2, 2, func(a args) (any, error) { return strings.TrimSuffix(a.text(0), a.text(1)), nil }},
	"replace":        {3, 3, replace},
	"replaceregex":   {3, 3, replaceRegex},
	"concat":         {1, -1, concat},
	"join":           {1, -1, join},
	"split":          {1, 3, split},
	"repeat":         {2, 2, repeat},
	"substr":         {2, 3, substr},
	"padding":        {3, 4, padding},
	"sort":           {1, -1, func(a args) (any, error) { return arrange(a, false) }},
	"uniq":           {1, -1, func(a args) (any, error) { return arrange(a, true) }},
	"urlencode":      {1, 2, func(a args) (any, error) { return urlEncode(a.text(0), a.flag(1)), nil }},
	"urldecode":      {1, 1, urlDecode},
}

func reverse(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

func strip(s, bad string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(bad, r) {
			return -1
		}
		return r
	}, s)
}

// matchText takes pattern and text.
func matchText(a args) (any, error) {
	re, err := pattern(a.text(0))
	if err != nil {
		return nil, err
	}
	return re.MatchString(a.text(1)), nil
}

func matchMany(a args, all bool) (any, error) {
	for _, v := range a[1:] {
		for _, p := range list(v) {
			re, err := pattern(p)
			if err != nil {
				return nil, err
			}
			if re.MatchString(a.text(0)) != all {
				return !all, nil
			}
		}
	}
	return all, nil
}

func replace(a args) (any, error) {
	s, old, with := a.text(0), a.text(1), a.text(2)
	if strings.Count(s, old)*max(0, len(with)-len(old))+len(s) > maxOutput {
		return nil, errTooLarge
	}
	return strings.ReplaceAll(s, old, with), nil
}

func replaceRegex(a args) (any, error) {
	re, err := pattern(a.text(1))
	if err != nil {
		return nil, err
	}
	s, with := a.text(0), a.text(2)
	if (len(s)+1)*(len(with)+1) > 16*maxOutput {
		return nil, errTooLarge
	}
	return re.ReplaceAllString(s, with), nil
}

func concat(a args) (any, error) {
	var b strings.Builder
	for _, v := range a {
		for _, s := range list(v) {
			b.WriteString(s)
		}
		if b.Len() > maxOutput {
			return nil, errTooLarge
		}
	}
	return b.String(), nil
}

// join takes the separator first, then values or lists.
func join(a args) (any, error) {
	var all []string
	size := 0
	for _, v := range a[1:] {
		for _, s := range list(v) {
			all = append(all, s)
			size += len(s) + len(a.text(0))
		}
	}
	if size > maxOutput {
		return nil, errTooLarge
	}
	return strings.Join(all, a.text(0)), nil
}

// split takes a text and a separator, or a text and the length of the pieces; a third argument bounds the pieces.
func split(a args) (any, error) {
	s := a.text(0)
	if n, ok := a.size(1); ok {
		var pieces []string
		for len(s) > n && len(pieces) < 10000 {
			pieces, s = append(pieces, s[:n]), s[n:]
		}
		return append(pieces, s), nil
	}
	separator := ","
	if len(a) > 1 {
		separator = a.text(1)
	}
	return strings.SplitN(s, separator, min(a.integer(2, 10000), 10000)), nil
}

func (a args) size(i int) (int, bool) {
	if i >= len(a) {
		return 0, false
	}
	n, ok := a[i].(int)
	return n, ok && n > 0
}

func repeat(a args) (any, error) {
	n := a.integer(1, 0)
	if n < 0 || n > maxOutput || n*len(a.text(0)) > maxOutput {
		return nil, errTooLarge
	}
	return strings.Repeat(a.text(0), n), nil
}

// substr takes a text, the start, and optionally the end; negative ones count from the end.
func substr(a args) (any, error) {
	s := a.text(0)
	start, end := a.integer(1, 0), a.integer(2, len(s))
	if start < 0 {
		start += len(s)
	}
	if end < 0 {
		end += len(s)
	}
	if start < 0 || start > len(s) || end < start {
		return nil, errArguments
	}
	return s[start:min(end, len(s))], nil
}

// padding takes a text, the filling, the length wanted, and "prefix" or "suffix".
func padding(a args) (any, error) {
	s, fill, n := a.text(0), a.text(1), a.integer(2, 0)
	if fill == "" || n > maxOutput {
		return nil, errArguments
	}
	if n <= len(s) {
		return s, nil
	}
	missing := n - len(s)
	filling := strings.Repeat(fill, missing/len(fill)+1)[:missing]
	if a.text(3) == "suffix" {
		return s + filling, nil
	}
	return filling + s, nil
}

// arrange sorts characters of one text, or several values; or keeps the first of each.
func arrange(a args, unique bool) (any, error) {
	one := false
	var all []string
	if s, ok := a[0].(string); ok && len(a) == 1 {
		one = true
		all = strings.Split(s, "")
	} else {
		for _, v := range a {
			all = append(all, list(v)...)
		}
	}
	if len(all) > 100000 {
		return nil, errTooLarge
	}
	if unique {
		seen := map[string]bool{}
		all = slices.DeleteFunc(slices.Clone(all), func(s string) bool {
			was := seen[s]
			seen[s] = true
			return was
		})
	} else {
		all = slices.Clone(all)
		sort.Strings(all)
	}
	if one {
		return strings.Join(all, ""), nil
	}
	return all, nil
}

// urlEncode escapes what a query may not hold; with all, every byte.
func urlEncode(s string, all bool) string {
	if !all {
		return url.QueryEscape(s)
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, 3*len(s))
	for i := range len(s) {
		b = append(b, '%', digits[s[i]>>4], digits[s[i]&15])
	}
	return string(b)
}

func urlDecode(a args) (any, error) {
	return url.QueryUnescape(a.text(0))
}
