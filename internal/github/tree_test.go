package github_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// treeOf is the tree of acme/shop at a new commit on main.
func (h *host) treeOf(t *testing.T, c githubtest.Commit) forge.Tree {
	t.Helper()
	sha, err := h.repo.Commit("main", c)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := h.app.Tree(t.Context(), h.place(), sha)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// operations counts the requests by operation.
func (h *host) operations() map[string]int {
	n := map[string]int{}
	for _, r := range h.Requests() {
		n[r.Operation]++
	}
	return n
}

var plainFiles = map[string]string{"Dockerfile": dockerfile, "cmd/app/main.go": "package main\n",
	"cmd/run.sh": "#!/bin/sh\n", "empty": ""}

// TestTreeIsAnFS holds the tree to what fs.FS promises, listed at once and directory by directory.
func TestTreeIsAnFS(t *testing.T) {
	for _, limit := range []int{0, 4} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			h := newHost(t, githubtest.Options{Limits: githubtest.Limits{TreeEntries: limit}},
				map[string]string{"go.mod": "module shop\n"})
			tree := h.treeOf(t, githubtest.Commit{Files: plainFiles, Modes: map[string]string{"cmd/run.sh": "100755"}})
			if err := fstest.TestFS(tree, "Dockerfile", "cmd/app/main.go", "cmd/run.sh", "empty", "go.mod"); err != nil {
				t.Error(err)
			}
			info, err := tree.Stat("cmd/run.sh")
			if err != nil || info.Mode() != 0o755 || info.Size() != int64(len(plainFiles["cmd/run.sh"])) {
				t.Errorf("run.sh is %v, %v", info, err)
			}
		})
	}
}

// TestTreeLinks: symbolic links and submodules are listed and never followed; what is no file is told apart.
func TestTreeLinks(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"go.mod": "module shop\n"})
	sub, err := h.repo.Head("main")
	if err != nil {
		t.Fatal(err)
	}
	tree := h.treeOf(t, githubtest.Commit{
		Files: map[string]string{"link": "go.mod", "sub": sub, "dir/file": "x"},
		Modes: map[string]string{"link": "120000", "sub": "160000"},
	})
	for name, want := range map[string]fs.FileMode{"link": fs.ModeSymlink, "sub": fs.ModeIrregular} {
		if info, err := tree.Stat(name); err != nil || info.Mode().Type() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if _, err := tree.ReadFile(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("read %s: %v", name, err)
		}
		if _, err := tree.Open(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("open %s: %v", name, err)
		}
	}
	for _, name := range []string{"none", "link/x", "dir/none", "go.mod/x", "sub/x"} {
		if _, err := tree.ReadFile(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read %s: %v", name, err)
		}
	}
	if _, err := tree.ReadFile("../x"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("read ../x: %v", err)
	}
	if _, err := tree.ReadFile("dir"); err == nil {
		t.Error("a directory was read as a file")
	}
	if _, err := tree.ReadDir("go.mod"); err == nil {
		t.Error("a file was listed as a directory")
	}
	if n := h.operations(); n["git/get-tree"] != 1 || n["git/get-blob"] != 0 {
		t.Errorf("requests %v", n)
	}
}

// TestTreeSize: a file beyond the limit is refused before it is fetched.
func TestTreeSize(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"go.mod": "module shop\n"})
	tree := h.treeOf(t, githubtest.Commit{Files: map[string]string{"big": strings.Repeat("x", github.MaxBlob+1)}})
	_, err := tree.ReadFile("big")
	var large *github.TooLargeError
	if !errors.As(err, &large) || large.Size != github.MaxBlob+1 {
		t.Errorf("error %v", err)
	}
	if err := tree.Prefetch([]string{"big"}); err != nil {
		t.Errorf("prefetch: %v", err)
	}
	if n := h.operations(); n["git/get-blob"]+n["graphql:Blobs"] != 0 {
		t.Errorf("requests %v", n)
	}
}

// TestPrefetch: fifty files a query; what GraphQL does not give byte for byte comes by REST, when it is asked for.
func TestPrefetch(t *testing.T) {
	h := newHost(t, githubtest.Options{Limits: githubtest.Limits{GraphQLBytes: 5000}},
		map[string]string{"go.mod": "module shop\n"})
	files := map[string]string{
		"binary": "\x00\x01", "latin": "caf\xe9\n", "cut": strings.Repeat("y", 6000), "bom": "\ufeffFROM x\r\n",
		"empty": "", "twin": "same", "twin2": "same",
	}
	names := []string{"none", "dir", "binary", "latin", "cut", "bom", "empty", "twin", "twin2"}
	for n := range 52 {
		name := fmt.Sprintf("dir/%d", n)
		files[name] = name
		names = append(names, name)
	}
	tree := h.treeOf(t, githubtest.Commit{Files: files})
	if err := tree.Prefetch(names); err != nil {
		t.Fatal(err)
	}
	if err := tree.Prefetch([]string{"twin", "bom"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := tree.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if n := h.operations(); n["graphql:Blobs"] != 2 || n["git/get-blob"] != 3 || n["git/get-tree"] != 1 {
		t.Errorf("requests %v", n)
	}
	if got, _ := tree.ReadFile("twin"); len(got) > 0 {
		got[0] = 'X' // the caller's copy
	}
	again, err := h.app.Tree(t.Context(), h.place(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.ReadFile("twin"); err != nil || string(got) != "same" {
		t.Errorf("twin is %q, %v", got, err)
	}
	if n := h.operations(); n["git/get-blob"] != 3 {
		t.Errorf("an unchanged file was read again: %v", n)
	}
}

// TestTreeGone: a commit that does not exist, and a listing that failed once.
func TestTreeGone(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"go.mod": "module shop\n"})
	tree, err := h.app.Tree(t.Context(), h.place(), strings.Repeat("1", 40))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ReadFile("go.mod"); !errors.Is(err, forge.ErrGone) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such commit: %v", err)
	}
	tree, err = h.app.Tree(t.Context(), h.place(), "main")
	if err != nil {
		t.Fatal(err)
	}
	h.Inject(githubtest.Fault{Operation: "git/get-tree", Status: 400})
	if _, err := tree.ReadFile("go.mod"); err == nil {
		t.Error("a failed listing is no error")
	}
	if got, err := tree.ReadFile("go.mod"); err != nil || string(got) != "module shop\n" {
		t.Errorf("after a failed listing: %q, %v", got, err)
	}
	h.Inject(githubtest.Fault{Operation: "git/get-blob", Status: 200, Body: `{}`})
	tree2 := h.treeOf(t, githubtest.Commit{Files: map[string]string{"new": "new"}})
	if _, err := tree2.ReadFile("new"); err == nil || !strings.Contains(err.Error(), "other content") {
		t.Errorf("a blob with other content: %v", err)
	}
}

// TestFork: a fork's head is read through the base repository.
func TestFork(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"go.mod": "module shop\n"})
	fork, err := h.repo.Fork("robin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fork.Push("fix", "x", map[string]string{"Dockerfile": dockerfile}); err != nil {
		t.Fatal(err)
	}
	p, err := h.repo.OpenPull(githubtest.PullOptions{Title: "Fork", Head: "fix", Fork: fork})
	if err != nil {
		t.Fatal(err)
	}
	fork.Delete()
	c, err := h.app.Change(t.Context(), h.ref(p))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := h.app.Tree(t.Context(), h.place(), c.Head)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tree.ReadFile("Dockerfile"); err != nil || string(got) != dockerfile {
		t.Errorf("Dockerfile is %q, %v", got, err)
	}
	if head, open, err := h.app.Head(t.Context(), h.ref(p)); head != p.Head() || !open || err != nil {
		t.Errorf("Head = %s %v %v", head, open, err)
	}
}

// TestTreeOfABranch reads the default branch, and branches whose names have slashes; a repository without a commit is
// empty, and one out of reach is gone.
func TestTreeOfABranch(t *testing.T) {
	for _, limit := range []int{0, 1} {
		h := newHost(t, githubtest.Options{Limits: githubtest.Limits{TreeEntries: limit}}, map[string]string{"a/b": "main"})
		if _, err := h.repo.Push("release/1.x", "Change", map[string]string{"a/b": "release"}); err != nil {
			t.Fatal(err)
		}
		for at, want := range map[string]string{"HEAD": "main", "main": "main", "release/1.x": "release"} {
			tree, err := h.app.Tree(t.Context(), h.place(), at)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tree.ReadFile("a/b"); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", at, got, err)
			}
		}
		tree, err := h.app.Tree(t.Context(), h.place(), "release/2.x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tree.ReadFile("a/b"); !errors.Is(err, forge.ErrGone) {
			t.Errorf("a branch that is not there: %v", err)
		}
	}
	h := newHost(t, githubtest.Options{}, map[string]string{"a": "x"})
	h.Inject(githubtest.Fault{Operation: "git/get-tree", Status: 409,
		Body: `{"message":"Git Repository is empty.","documentation_url":"https://docs.github.com/rest","status":"409"}`})
	tree, err := h.app.Tree(t.Context(), h.place(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ReadFile("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty repository: %v", err)
	}
	elsewhere := h.place()
	elsewhere.Name = "none"
	if tree, err = h.app.Tree(t.Context(), elsewhere, "HEAD"); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ReadFile("a"); !errors.Is(err, forge.ErrGone) {
		t.Errorf("no such repository: %v", err)
	}
}

// tokens is a transport that notes what tokens are asked for.
type tokens struct{ asked []string }

func (k *tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/access_tokens") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		k.asked = append(k.asked, strings.TrimSpace(string(body)))
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestAReaderMayOnlyRead holds what its tokens open, also where another token of the same repository opens more.
func TestAReaderMayOnlyRead(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"a": "x"})
	kept := &tokens{}
	app, err := github.New(github.Options{AppID: h.AppID(), PrivateKey: h.PrivateKey(), BaseURL: h.URL(), Transport: kept})
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(context.Context, forge.Repo, string) (forge.Tree, error){app.Tree, app.Reader().Tree} {
		tree, err := open(t.Context(), h.place(), "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tree.ReadFile("a"); err != nil || string(got) != "x" {
			t.Errorf("%q, %v", got, err)
		}
	}
	const want = `{"repositories":["shop"],"permissions":{"contents":"read","metadata":"read"}}`
	if len(kept.asked) != 2 || kept.asked[0] == want || kept.asked[1] != want {
		t.Errorf("asked for %q, want %s at last", kept.asked, want)
	}
}
