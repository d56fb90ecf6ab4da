package pattern_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/pattern"
)

// TestEveryPattern compiles what is written in the tree as a pattern, since nothing else does before it is used.
func TestEveryPattern(t *testing.T) {
	seen := 0
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if inPatterns(name) {
			for _, at := range compiledAtStart(file) {
				t.Errorf("%s: regexp.MustCompile works at every start of the program; use pattern.New", files.Position(at))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || !named(call.Fun) {
				return true
			}
			if expr, ok := written(call.Args[0]); ok {
				seen++
				if _, err := regexp.Compile(expr); err != nil {
					t.Errorf("%s: %v", files.Position(call.Pos()), err)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 200 {
		t.Errorf("%d patterns, %v", seen, err)
	}
}

// inPatterns reports whether a file belongs to the packages that know many patterns.
func inPatterns(name string) bool {
	for _, dir := range []string{"check", "checks", "prove", "ecosystem", "spare", "buildcontext", "image"} {
		if strings.HasPrefix(filepath.ToSlash(name), "../"+dir+"/") {
			return true
		}
	}
	return false
}

// compiledAtStart are the calls of regexp.MustCompile outside of functions.
func compiledAtStart(file *ast.File) (at []token.Pos) {
	for _, d := range file.Decls {
		if _, ok := d.(*ast.GenDecl); !ok {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "MustCompile" {
				at = append(at, s.Pos())
			}
			return true
		})
	}
	return at
}

// named reports whether a function is pattern.New.
func named(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "New" {
		return false
	}
	from, ok := s.X.(*ast.Ident)
	return ok && from.Name == "pattern"
}

// written is the text of literals, also of several that are joined; what is joined of variables is known to nobody here.
func written(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, leftOK := written(e.X)
		right, rightOK := written(e.Y)
		return left + right, leftOK && rightOK
	}
	return "", false
}

func TestPattern(t *testing.T) {
	p := pattern.New(`a(b*)`)
	if p.String() != `a(b*)` || !p.MatchString("xabb") || p.MatchString("b") {
		t.Error(p)
	}
	if got := p.FindStringSubmatch("xabb"); len(got) != 2 || got[1] != "bb" {
		t.Error(got)
	}
	if got := p.ReplaceAllString("ab ac", "-$1"); got != "-b -c" {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a pattern that is none was used")
		}
	}()
	pattern.New("(").MatchString("")
}
