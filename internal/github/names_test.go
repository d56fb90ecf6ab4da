package github_test

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// An impossible answers for every tree with one that holds names which git refuses.
type impossible struct{ truncated bool }

func (i *impossible) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/git/trees/") {
		return http.DefaultTransport.RoundTrip(r)
	}
	var entries []string
	for _, name := range []string{"", ".", "..", "../x", "a//b", "/Dockerfile"} {
		entries = append(entries, fmt.Sprintf(`{"path":%q,"mode":"040000","type":"tree","sha":"%040d"}`, name, 1))
	}
	entries = append(entries, fmt.Sprintf(`{"path":"Dockerfile","mode":"100644","type":"blob","size":1,"sha":"%040d"}`, 2))
	cut := i.truncated && r.URL.Query().Get("recursive") != ""
	body := fmt.Sprintf(`{"sha":"%040d","truncated":%v,"tree":[%s]}`, 3, cut, strings.Join(entries, ","))
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// TestImpossibleNames: a directory never holds itself, so a walk through a tree ends whatever the host lists.
func TestImpossibleNames(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	_, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	for _, truncated := range []bool{false, true} {
		app := newApp(t, h.Server, github.Options{Clock: newClock(), Transport: &impossible{truncated}})
		tree, err := app.Tree(t.Context(), ref.Repo, "main")
		if err != nil {
			t.Fatal(err)
		}
		if got := walked(t, tree); !slices.Equal(got, []string{".", "Dockerfile"}) {
			t.Errorf("truncated %v: walked through %q", truncated, got)
		}
	}
}

// walked are the names that a walk comes by, at most a hundred.
func walked(t *testing.T, tree forge.Tree) (names []string) {
	t.Helper()
	err := fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
		if names = append(names, name); len(names) == 100 {
			return fs.SkipAll
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}
