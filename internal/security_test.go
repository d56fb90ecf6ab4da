package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// starters are the files that may start programs, and which. Nothing of a pull request is among them: what is looked at
// is text, and git is used by the command line alone, on the checkout of the person who runs it, without hooks.
var starters = map[string]string{
	"cmd/lighterman/checkout.go":         "git, to read: the command line's own checkout",
	"internal/prove/worker.go":           "this program itself, confined, to compare builds",
	"internal/prove/confine_linux.go":    "what confines it",
	"internal/prove/confine_other.go":    "what confines it",
	"internal/prove/trial/daemon.go":     "docker, for the builds of make proofs",
	"internal/prove/trial/probe.go":      "programs in an image of make proofs",
	"internal/queue/pgtest/pgtest.go":    "PostgreSQL, for tests",
	"internal/queue/pgtest/user.go":      "PostgreSQL, for tests",
	"internal/queue/pgtest/userother.go": "PostgreSQL, for tests",
	"internal/githubtest/git.go":         "git, for the double of GitHub",
	"internal/githubtest/cut/main.go":    "npm, for who brings the contract up to date",
}

// checkouts are the files that may open a checkout: commands that people run, never the service.
var checkouts = []string{
	"cmd/lighterman/checkout.go", "cmd/lighterman/config.go", "cmd/lighterman/fix.go", "cmd/lighterman/review.go",
	"cmd/lighterman/output.go", "cmd/lighterman/prove.go", "cmd/lighterman/sweepreport.go",
}

// dialers are the files that may make connections of their own: each has limits of time and size, and the one that goes
// where strangers say refuses addresses inside.
var dialers = []string{
	"cmd/lighterman/healthcheck.go", "internal/github/wire.go", "internal/image/registry/guard.go",
}

// listeners are the files that may answer connections: the server, which bounds each, and what runs on a developer's machine.
var listeners = []string{"cmd/lighterman/demo.go", "internal/githubtest/githubtest.go", "internal/server/server.go"}

// TestNothingOfAPullRequestIsRun walks all that is built and holds who may start programs, open checkouts and make
// connections.
func TestNothingOfAPullRequestIsRun(t *testing.T) {
	started := map[string]bool{}
	walkSources(t, func(path string, file *ast.File) {
		for _, spec := range file.Imports {
			switch name, _ := strconv.Unquote(spec.Path.Value); name {
			case "os/exec":
				started[path] = true
				if starters[path] == "" {
					t.Errorf("%s starts programs", path)
				}
			case "plugin", "net/rpc", "net/http/cgi", "text/template/parse":
				t.Errorf("%s imports %s", path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "openCheckout" && !slices.Contains(checkouts, path) {
					t.Errorf("%s opens a checkout", path)
				}
			}
			if s, ok := n.(*ast.SelectorExpr); ok {
				reaches(t, path, s)
			}
			return true
		})
	})
	for path := range starters {
		if !started[path] {
			t.Errorf("%s is in the table and starts nothing", path)
		}
	}
}

// reaches holds what a selector may name.
func reaches(t *testing.T, path string, s *ast.SelectorExpr) {
	t.Helper()
	of, ok := s.X.(*ast.Ident)
	if !ok {
		return
	}
	switch name := of.Name + "." + s.Sel.Name; name {
	case "os.StartProcess", "syscall.Exec", "syscall.ForkExec", "syscall.StartProcess", "unix.Exec":
		t.Errorf("%s starts programs with %s", path, name)
	case "http.DefaultClient", "http.DefaultTransport", "http.Get", "http.Post", "http.Head", "http.PostForm":
		t.Errorf("%s uses %s, which has no limits", path, name)
	case "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve", "http.ServeTLS":
		t.Errorf("%s answers connections with %s, which has no limits", path, name)
	case "http.Server":
		if !slices.Contains(listeners, path) {
			t.Errorf("%s answers connections of its own", path)
		}
	case "net.Dial", "net.DialTimeout", "net.Dialer", "http.Transport", "tls.Dial":
		if !slices.Contains(dialers, path) {
			t.Errorf("%s makes connections with %s", path, name)
		}
	}
}

// walkSources parses the files that are built, but for tests.
func walkSources(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	walkGo(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		visit(path, file)
	})
}

// walkGo visits our Go files, by path from the top.
func walkGo(t *testing.T, visit func(path string)) {
	t.Helper()
	for _, top := range []string{"cmd", "fixes", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(name, ".go") {
				visit(filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator))))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var (
	namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`")
	madeTest  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
)

// TestTheThreatModelIsHeld holds that every row of deploy/SECURITY.md names a test, and that each of them exists.
func TestTheThreatModelIsHeld(t *testing.T) {
	made := map[string]bool{}
	walkGo(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range madeTest.FindAllStringSubmatch(string(text), -1) {
			made[m[1]] = true
		}
	})
	text, err := os.ReadFile("../deploy/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for n, line := range strings.Split(string(text), "\n") {
		named := namedTest.FindAllStringSubmatch(line, -1)
		for _, m := range named {
			if !made[m[1]] {
				t.Errorf("line %d: there is no %s", n+1, m[1])
			}
		}
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| who") && !strings.HasPrefix(line, "| what") && !strings.HasPrefix(line, "| ---") {
			if rows++; len(named) == 0 {
				t.Errorf("line %d: no test holds it: %s", n+1, line)
			}
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows", rows)
	}
}
