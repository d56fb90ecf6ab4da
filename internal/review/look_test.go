package review

import (
	"context"
	"io/fs"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/forge"
)

func TestEarlierIsTheRepositoryWithoutThePullRequest(t *testing.T) {
	head := fstest.MapFS{
		"Dockerfile":      {Data: []byte("FROM b\n")},
		"a/package.json":  {Data: []byte("{\"new\": 1}\n")},
		"a/added.json":    {Data: []byte("{}\n")},
		"a/go.mod":        {Data: []byte("module new\n")},
		"a/src.js":        {Data: []byte("new\n")},
		"a/kept":          {Data: []byte("kept\n")},
		"new/compose.yml": {Data: []byte("x: 2\n")},
	}
	changed := []forge.ChangedFile{
		{Path: "Dockerfile", Status: forge.Renamed, OldPath: "old.Dockerfile", Patch: patchOf("FROM a\n", "FROM b\n")},
		{Path: "a/package.json", Status: forge.Modified, Patch: patchOf("{}\n", "{\"new\": 1}\n")},
		{Path: "a/added.json", Status: forge.Added, Patch: patchOf("", "{}\n")},
		{Path: "a/go.mod", Status: forge.Modified, Lines: 9000},
		{Path: "a/src.js", Status: forge.Modified, Patch: patchOf("old\n", "new\n")},
		{Path: "a/gone.txt", Status: forge.Removed, Patch: patchOf("gone\n", "")},
		{Path: "new/compose.yml", Status: forge.Renamed, OldPath: "a/compose.yml", Patch: patchOf("x: 1\n", "x: 2\n")},
	}
	was := earlier(head, changed, map[string][]byte{"Dockerfile": []byte("FROM a\n")})
	got := map[string]string{}
	for _, dir := range []string{".", "a", "new"} {
		entries, err := fs.ReadDir(was, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := strings.TrimPrefix(dir+"/"+e.Name(), "./")
			if data, err := fs.ReadFile(was, name); err == nil {
				got[name] = string(data)
			}
			if info, err := fs.Stat(was, name); err != nil || info.IsDir() != e.IsDir() {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
	}
	want := map[string]string{
		"Dockerfile": "FROM a\n", "old.Dockerfile": "", "a/package.json": "{}\n", "a/go.mod": "module new\n",
		"a/src.js": "new\n", "a/kept": "kept\n", "a/gone.txt": "gone\n", "a/compose.yml": "x: 1\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"a/added.json", "new/compose.yml"} {
		if _, err := was.Open(name); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}

func TestFileWhoseDiffWasLeftOutIsToldInTheSummary(t *testing.T) {
	head := fstest.MapFS{"Dockerfile": {Data: []byte("FROM node\nADD . .\n")}}
	for name, c := range map[string]forge.ChangedFile{
		"left out": {Path: "Dockerfile", Status: forge.Modified, Lines: 3000},
		"nonsense": {Path: "Dockerfile", Status: forge.Modified, Lines: 1, Patch: "@@ nonsense @@"},
	} {
		o, err := Look(context.Background(), head, []forge.ChangedFile{c}, settings(adds))
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Comments) != 1 || o.Comments[0].Line != 0 || o.Elsewhere != 0 {
			t.Errorf("%s: opinion is %+v", name, o)
		}
	}
}

func TestRenamedFileCausesNothing(t *testing.T) {
	head := fstest.MapFS{"b/Dockerfile": {Data: []byte("FROM node\nADD . .\n")}}
	changed := []forge.ChangedFile{{Path: "b/Dockerfile", OldPath: "a/Dockerfile", Status: forge.Renamed}}
	o, err := Look(context.Background(), head, changed, settings(adds))
	if err != nil || len(o.Comments) != 0 || o.Elsewhere != 1 {
		t.Errorf("opinion is %+v, error %v", o, err)
	}
	changed[0].Status = forge.Copied
	o, err = Look(context.Background(), head, changed, settings(adds))
	if err != nil || len(o.Comments) != 1 || o.Comments[0].Line != 0 {
		t.Errorf("opinion on a copy is %+v, error %v", o, err)
	}
}

func TestLookStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	head := fstest.MapFS{"Dockerfile": {Data: []byte("FROM node\nADD . .\n")}}
	if o, err := Look(ctx, head, []forge.ChangedFile{Whole("Dockerfile", head["Dockerfile"].Data)}, settings(adds)); err == nil {
		t.Errorf("opinion is %+v", o)
	}
}

func TestWholeIsOneHunk(t *testing.T) {
	for _, text := range []string{"", "a\n", "a", "a\n\nb\n", "a\r\nb"} {
		c := Whole("Dockerfile", []byte(text))
		d, err := ParseDiff(c.Patch)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		n := len(splitLines(text))
		if old, err := d.Revert([]byte(text)); err != nil || len(old) != 0 || c.Lines != n || n > 0 && !d.Shows(1, n) {
			t.Errorf("%q: %+v, hunks %v, error %v", text, c, d.Hunks, err)
		}
	}
}

// TestReadPatchReadsWhatGitWrites has git itself make the patch.
func TestReadPatchReadsWhatGitWrites(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) string {
		settings := []string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=false"}
		cmd := exec.Command("git", append(settings, args...)...)
		cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	long := "FROM alpine\n" + strings.Repeat("RUN true\n", 20)
	git("init", "-q")
	write(t, dir, map[string]string{"Dockerfile": long, "gone": "x\n", "old name": long + "# a\n", "bin": "\x00\x01"})
	git("add", "-A")
	git("commit", "-qm", "one")
	git("rm", "-q", "gone")
	git("mv", "old name", "né w")
	edited := "FROM alpine:3\n" + strings.Repeat("RUN true\n", 20) + "CMD x"
	write(t, dir, map[string]string{"Dockerfile": edited, "new": "n\r\n", "bin": "\x00\x02"})
	git("add", "-A")
	files, err := ReadPatch([]byte(git("diff", "--cached", "-M")))
	if err != nil {
		t.Fatal(err)
	}
	want := []forge.ChangedFile{
		{Path: "Dockerfile", Status: forge.Modified, Lines: 3, Patch: "@@ -1,4 +1,4 @@\n-FROM alpine\n+FROM alpine:3\n RUN true\n RUN true\n RUN true\n" +
			"@@ -19,3 +19,4 @@ RUN true\n RUN true\n RUN true\n RUN true\n+CMD x\n\\ No newline at end of file"},
		{Path: "bin", Status: forge.Modified},
		{Path: "gone", Status: forge.Removed, Lines: 1, Patch: "@@ -1,1 +0,0 @@\n-x"},
		{Path: "new", Status: forge.Added, Lines: 1, Patch: "@@ -0,0 +1,1 @@\n+n\r"},
		{Path: "né w", OldPath: "old name", Status: forge.Renamed},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

func TestReadPatchWithoutGitHeaders(t *testing.T) {
	files, err := ReadPatch([]byte("--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n-FROM a\n+FROM b\n"))
	if err != nil || len(files) != 1 || files[0].Path != "Dockerfile" || files[0].Patch != "@@ -1,1 +1,1 @@\n-FROM a\n+FROM b" {
		t.Errorf("files are %+v, error %v", files, err)
	}
	if files, err := ReadPatch([]byte("--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-FROM a\n")); err == nil {
		t.Errorf("a broken patch is read as %+v", files)
	}
}
