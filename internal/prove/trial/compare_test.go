package trial

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lighterman/lighterman/fixes"
)

// layer makes a layer of the headers; a regular file's content is its Linkname.
func layer(t *testing.T, headers ...tar.Header) []change {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		data := ""
		if h.Typeflag == tar.TypeReg {
			data, h.Linkname = h.Linkname, ""
		}
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, data); err != nil {
			t.Fatal(err)
		}
	}
	changes, err := entries(tar.NewReader(&out))
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func dir(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755} }

func reg(name, data string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Linkname: data, Mode: 0o644}
}

func stack(layers ...[]change) *image {
	img := &image{files: map[string]file{}, config: map[string]string{}}
	for _, l := range layers {
		apply(img.files, l)
	}
	return img
}

// TestLayers holds what a stack of layers comes to: whiteouts, opaque directories, files in place of directories, and
// hard links.
func TestLayers(t *testing.T) {
	base := layer(t, dir("a"), reg("a/x", "1"), reg("a/y", "2"), dir("b"), reg("b/x", "3"), dir("c"),
		reg("c/x", "4"), reg("d", "5"),
		tar.Header{Name: "e", Linkname: "d", Typeflag: tar.TypeLink})
	got := stack(base, layer(t, reg("a/.wh.x", ""), reg("b/.wh..wh..opq", ""), reg("b/z", "6"), reg("c", "7"),
		reg(".wh.d", "")))
	want := stack(layer(t, dir("a"), reg("a/y", "2"), dir("b"), reg("b/z", "6"), reg("c", "7"), reg("e", "5")))
	if diff := differences(want, got); len(diff) > 0 {
		t.Errorf("%v", diff)
	}
}

func TestDifferences(t *testing.T) {
	b := stack(layer(t, reg("same", "1"), reg("content", "1"), reg("mode", "1"), reg("gone", "1"), reg("kind", "1"),
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "a"},
		tar.Header{Name: "caps", Typeflag: tar.TypeReg,
			PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "x"}}))
	a := stack(layer(t, reg("same", "1"), reg("content", "2"), reg("new", "1"), dir("kind"),
		tar.Header{Name: "mode", Typeflag: tar.TypeReg, Linkname: "1", Mode: 0o4755, Uid: 7},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "b"}, tar.Header{Name: "caps", Typeflag: tar.TypeReg}))
	b.config["User"], a.config["User"] = `"a"`, `"b"`
	var got []string
	for _, d := range differences(b, a) {
		got = append(got, d.Path+" "+d.What)
	}
	want := []string{"/caps attributes", "/content content", "/gone removed", "/kind type", "/link link", "/mode mode",
		"/mode owner",
		"/new added", "User config"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestNoise holds that an attribute which differs by itself hides that attribute and no other, and that the numbers in
// the name of a log do not count while those in another name do.
func TestNoise(t *testing.T) {
	first := stack(layer(t, reg("noisy", "1"), reg("logs/2026-01-debug-0.log", ""), reg("data/lib1", "")))
	second := stack(layer(t, reg("noisy", "2"), reg("logs/2027-02-debug-0.log", ""), reg("data/lib1", "")))
	after := stack(layer(t, tar.Header{Name: "noisy", Typeflag: tar.TypeReg, Linkname: "3", Mode: 0o600},
		reg("logs/2028-03-debug-0.log", ""), reg("data/lib2", "")))
	var got []string
	for _, d := range noiseOf(first, second).without(differences(first, after)) {
		got = append(got, d.Path+" "+d.What)
	}
	want := []string{"/data/lib1 removed", "/data/lib2 added", "/noisy mode"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestExpected holds for each promise a difference that is part of it and one that is not.
func TestExpected(t *testing.T) {
	for _, c := range []struct {
		intent  fixes.Intent
		allowed Difference
		not     Difference
	}{
		{fixes.Appended{Command: "rm -rf /var/lib/apt/lists/*"}, Difference{Path: "/var/lib/apt/lists/x", What: removed},
			Difference{Path: "/var/lib/apt/lists/x", What: added}},
		{fixes.Appended{Command: "npm cache clean --force"}, Difference{Path: "/root/.npm/_cacache", What: removed},
			Difference{Path: "/root/.npmrc", What: removed}},
		{fixes.RunsAs{User: "node"}, Difference{"User", config, `""`, `"node"`}, Difference{"User", config, `""`, `"root"`}},
		{fixes.RunsAs{User: "app", Create: "useradd app"}, Difference{Path: "/etc/passwd", What: content},
			Difference{Path: "/etc/hosts", What: content}},
		{fixes.RunsAs{User: "app", Create: "useradd app && chown app /app"}, Difference{Path: "/app", What: owner},
			Difference{Path: "/srv", What: owner}},
		{fixes.StartsDirectly{Keyword: "CMD", Words: []string{"a"}}, Difference{"Cmd", config, `["x"]`, `["a"]`},
			Difference{"Entrypoint", config, `["x"]`, `["a"]`}},
		{fixes.Labelled{Value: "Jo"}, Difference{"Labels", config, "", `{"org.opencontainers.image.authors":"Jo"}`},
			Difference{"Labels", config, "", `{"org.opencontainers.image.authors":"Bo"}`}},
		{fixes.Ignored{Patterns: []string{"**/node_modules"}}, Difference{Path: "/app/node_modules/a/b", What: removed},
			Difference{Path: "/app/node_module/a", What: removed}},
		{fixes.Reworded{Rule: fixes.NoRecommends}, Difference{Path: "/usr/bin/less", What: removed},
			Difference{Path: "/usr/bin/less", What: added}},
	} {
		e, ok := expected(c.intent)
		if !ok {
			t.Errorf("%T: nothing is expected", c.intent)
			continue
		}
		if !e.allows(c.allowed) {
			t.Errorf("%+v: %v is not allowed", c.intent, c.allowed)
		}
		if e.allows(c.not) {
			t.Errorf("%+v: %v is allowed", c.intent, c.not)
		}
	}
}

// TestLacking holds that a promise which is not kept is seen, where nothing else differs.
func TestLacking(t *testing.T) {
	for _, i := range []fixes.Intent{fixes.RunsAs{User: "node"}, fixes.Labelled{Value: "Jo"},
		fixes.StartsDirectly{Keyword: "ENTRYPOINT", Words: []string{"a"}}} {
		if e, _ := expected(i); len(e.lacks(nil)) == 0 {
			t.Errorf("%T is kept when nothing differs", i)
		}
	}
}

// TestEveryIntent holds that something is expected of every Intent and of every rule that package fixes has.
func TestEveryIntent(t *testing.T) {
	own, err := os.ReadFile("expect.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../../fixes/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func \((?:\w+ )?(\w+)\) Claim\(\) Claim`).FindAllStringSubmatch(string(src), -1) {
			if !regexp.MustCompile(`fixes\.` + m[1] + `\b`).Match(own) {
				t.Errorf("expected says nothing of %s: what do two builds show of that promise?", m[1])
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +Rule += "([\w-]+)"`).FindAllStringSubmatch(string(src), -1) {
			if _, ok := expected(fixes.Reworded{Rule: fixes.Rule(m[2])}); !ok {
				t.Errorf("reworded says nothing of the rule %s: what do two builds show of it?", m[1])
			}
		}
	}
}

type unheard struct{}

func (unheard) Claim() fixes.Claim { return fixes.Claim{} }

func TestUnheard(t *testing.T) {
	if _, err := together([]fixes.Intent{fixes.Unchanged{}, unheard{}}); err == nil {
		t.Error("a promise of an unknown kind is judged")
	}
}

func TestSource(t *testing.T) {
	for want, names := range map[string][]string{
		"server.js":   {"server.js", "lib/a.js", "README.md", "webpack.config.js", "node_modules/a/index.js"},
		"cmd/main.go": {"cmd/main.go", "go.mod", "docs/a.md", "docs/b.md"},
		"index.html":  {"index.html", ".env", "requirements.txt"},
		"":            {"Dockerfile", "data.bin", "setup.py"},
	} {
		repo := fstest.MapFS{}
		for _, n := range names {
			repo[n] = &fstest.MapFile{}
		}
		if got := source(repo); got != want {
			t.Errorf("%q: got %q, want %q", names, got, want)
		}
	}
}

func TestWatch(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	for script, want := range map[string]string{
		"exit 0":                              "ends with exit status 0",
		"echo Error: EACCES; echo bye; false": "ends with exit status 1: Error: EACCES",
		"exec sleep 100":                      "runs",
	} {
		if got := watch([]string{sh, "-c", script}, time.Second); got != want {
			t.Errorf("%s: got %q, want %q", script, got, want)
		}
	}
	if got := watch([]string{"/nowhere"}, time.Second); !strings.HasPrefix(got, "does not start") {
		t.Errorf("got %q", got)
	}
}
