package security_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// The only source of tokens is crypto/rand, and the only other way to one is a
// cookie that a browser sent. Jitter may come from elsewhere.
func TestTokensComeFromCryptoRandAndNowhereElse(t *testing.T) {
	files := sources(t)
	mayTouchSecrets := []string{"newToken", "parseToken", "cookie", "id"}
	callers := map[string][]string{"newToken": {"create"}, "parseToken": {"candidates"}}
	made := false
	for name, file := range files {
		for _, spec := range file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if strings.HasPrefix(path, "math/rand") && name != "queue.go" && name != "purge_every.go" {
				t.Errorf("%s imports %s", name, path)
			}
			if strings.Contains(path, "uuid") || path == "unsafe" || path == "reflect" {
				t.Errorf("%s imports %s", name, path)
			}
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if n.Sel.Name == "secret" && !slices.Contains(mayTouchSecrets, f.Name.Name) {
						t.Errorf("%s: %s reaches into a token", name, f.Name.Name)
					}
					if x, ok := n.X.(*ast.Ident); ok && f.Name.Name == "newToken" && x.Name == "rand" && n.Sel.Name == "Read" {
						made = true
					}
				case *ast.CompositeLit:
					if x, ok := n.Type.(*ast.Ident); ok && x.Name == "token" && len(n.Elts) > 0 {
						t.Errorf("%s: %s makes a token of its own", name, f.Name.Name)
					}
				case *ast.CallExpr:
					if x, ok := n.Fun.(*ast.Ident); ok && callers[x.Name] != nil && !slices.Contains(callers[x.Name], f.Name.Name) {
						t.Errorf("%s: %s calls %s", name, f.Name.Name, x.Name)
					}
				}
				return true
			})
			if f.Name.IsExported() && f.Type.Params != nil {
				for _, p := range append(slices.Clone(f.Type.Params.List), results(f)...) {
					if x, ok := p.Type.(*ast.Ident); ok && x.Name == "token" {
						t.Errorf("%s: the exported %s takes or returns a token", name, f.Name.Name)
					}
				}
			}
		}
	}
	if id := files["id.go"]; !made || id == nil || !slices.ContainsFunc(id.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"crypto/rand"` }) {
		t.Error("newToken does not read crypto/rand")
	}
}

func results(f *ast.FuncDecl) []*ast.Field {
	if f.Type.Results == nil {
		return nil
	}
	return f.Type.Results.List
}
