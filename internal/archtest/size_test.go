package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxLines  = 600
	longFunc  = 40
	longShare = 5 // per cent of all functions that may be longer than longFunc
)

// large lists files that may pass maxLines, each with its reason.
var large = map[string]string{}

func size(f *file) []string {
	if f.lines <= maxLines || f.generated || large[f.path] != "" {
		return nil
	}
	return []string{fmt.Sprintf("%s has %d lines: split it by subject, or give the reason in internal/archtest", f.path, f.lines)}
}

func TestFilesAreNotTooLong(t *testing.T) {
	t.Parallel()
	every(t, size)
	files, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	for name := range large {
		if !slices.ContainsFunc(files, func(f *file) bool { return f.path == name && f.lines > maxLines }) {
			t.Errorf("%s needs no exception any more", name)
		}
	}
}

func TestFunctionsRarelyPassFortyLines(t *testing.T) {
	t.Parallel()
	var all, long int
	var report []string
	every(t, func(f *file) []string {
		if f.test() || f.generated {
			return nil
		}
		for _, decl := range f.syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			all++
			lines := f.positions.Position(fn.End()).Line - f.positions.Position(fn.Pos()).Line + 1
			if lines > longFunc {
				long++
				report = append(report, fmt.Sprintf("%4d lines: %s %s", lines, f.at(fn.Pos()), fn.Name.Name))
			}
		}
		return nil
	})
	slices.Sort(report)
	t.Logf("%d of %d functions pass %d lines:\n%s", long, all, longFunc, strings.Join(report, "\n"))
	if long*100 > all*longShare {
		t.Errorf("%d of %d functions pass %d lines; rarely is under %d per cent", long, all, longFunc, longShare)
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	files, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		want := "Package " + f.syntax.Name.Name + " "
		if f.syntax.Name.Name == "main" {
			want = "Command " + path.Base(f.pkg()) + " "
		}
		comments[f.pkg()] = comments[f.pkg()] || (f.syntax.Doc != nil && strings.HasPrefix(f.syntax.Doc.Text(), want))
	}
	for pkg, said := range comments {
		if !said {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// vague names say nothing about what a type or package does.
var vague = []string{"Service", "Manager", "Helper", "Util", "Utils", "Common", "Base", "Impl", "Repository", "DTO"}

func names(f *file) []string {
	if f.generated {
		return nil
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if ok && slices.ContainsFunc(vague, func(word string) bool { return strings.HasSuffix(spec.Name.Name, word) && !fieldTerm(spec.Name.Name) }) {
			found = append(found, fmt.Sprintf("%s: %s says nothing", f.at(n.Pos()), spec.Name.Name))
		}
		return true
	})
	for _, word := range vague {
		if f.syntax.Name.Name == strings.ToLower(word) || f.syntax.Name.Name == strings.ToLower(word)+"s" {
			found = append(found, f.path+": its package name says nothing")
		}
	}
	return found
}

// fieldTerm says whether a name that ends in Service means the field's own term, what listens on a port of a host, and
// not a bag of functions about a noun.
func fieldTerm(name string) bool {
	of, isService := strings.CutSuffix(strings.ToLower(name), "service")
	_, isNoun := ranks[of]
	return isService && !isNoun
}

func TestNamesSaySomething(t *testing.T) {
	t.Parallel()
	every(t, names)
}

func TestSizeAndNameRules(t *testing.T) {
	t.Parallel()
	if !breaks(t, size, "x.go", "package x\n"+strings.Repeat("\n", maxLines)) || breaks(t, size, "x.go", "package x\n"+strings.Repeat("\n", maxLines-2)) {
		t.Error("size")
	}
	if !breaks(t, names, "x.go", "package x; type ScanManager struct{}") || !breaks(t, names, "x.go", "package utils") ||
		!breaks(t, names, "x.go", "package x; type ScanService struct{}") ||
		breaks(t, names, "x.go", "package x; type Service struct{}") {
		t.Error("names")
	}
}
