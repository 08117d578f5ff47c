package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

// inputs of operations embed exported structs alone: huma describes the parameters of any other, and leaves them empty.
func inputs(f *file) []string {
	if f.test() || !under(f.pkg(), "internal/domain") {
		return nil
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		s, ok := spec.Type.(*ast.StructType)
		if !ok || !slices.ContainsFunc(s.Fields.List, ofInput) {
			return true
		}
		for _, field := range s.Fields.List {
			if name, ok := field.Type.(*ast.Ident); ok && len(field.Names) == 0 && !name.IsExported() {
				found = append(found, fmt.Sprintf("%s: the input %s embeds %s, which is not exported", f.at(field.Pos()), spec.Name.Name, name.Name))
			}
		}
		return true
	})
	return found
}

// ofInput says whether a field stands in inputs alone: Body, or something embedded from op.
func ofInput(field *ast.Field) bool {
	if len(field.Names) > 0 {
		return field.Names[0].Name == "Body"
	}
	s, ok := field.Type.(*ast.SelectorExpr)
	return ok && isIdent(s.X, "op")
}

func TestInputsEmbedWhatIsExported(t *testing.T) {
	t.Parallel()
	every(t, inputs)
}
