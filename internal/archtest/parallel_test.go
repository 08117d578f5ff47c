package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// alone lists tests that cannot run beside others, each with its reason.
var alone = map[string]string{}

// serial finds tests that do not begin with t.Parallel(): one that waits for a neighbour wastes minutes of everybody's
// day, and one that cannot run beside another shares something that it should own.
func serial(f *file) []string {
	if !strings.HasSuffix(f.path, "_test.go") {
		return nil
	}
	var found []string
	for _, decl := range f.syntax.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !isTest(fn) || alone[f.path+" "+fn.Name.Name] != "" || changesProcess(fn) {
			continue
		}
		if len(fn.Body.List) == 0 || !callsParallel(fn.Body.List[0]) {
			found = append(found, fmt.Sprintf("%s: %s does not begin with t.Parallel()", f.at(fn.Pos()), fn.Name.Name))
		}
	}
	return found
}

func isTest(fn *ast.FuncDecl) bool {
	name, ok := strings.CutPrefix(fn.Name.Name, "Test")
	return ok && name != "Main" && len(fn.Type.Params.List) == 1
}

func callsParallel(statement ast.Stmt) bool {
	expr, ok := statement.(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := expr.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	s, ok := call.Fun.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Parallel"
}

// changesProcess says whether a test sets what the whole process shares; package testing forbids that beside others.
func changesProcess(fn *ast.FuncDecl) bool {
	changes := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		changes = changes || (ok && isIdent(s.X, "t") && slices.Contains([]string{"Setenv", "Chdir"}, s.Sel.Name))
		return true
	})
	return changes
}

func TestTestsRunBesideEachOther(t *testing.T) {
	t.Parallel()
	every(t, serial)
	if !breaks(t, serial, "x_test.go", "package x; func TestA(t *testing.T) { f() }") ||
		breaks(t, serial, "x_test.go", "package x; func TestA(t *testing.T) { t.Parallel(); f() }") ||
		breaks(t, serial, "x_test.go", `package x; func TestA(t *testing.T) { t.Setenv("A", "b") }`) {
		t.Error("the rule itself")
	}
}
