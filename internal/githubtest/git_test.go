package githubtest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/internal/githubtest"
)

func filesOf(t *testing.T, a answer) []obj {
	t.Helper()
	var list []obj
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return list
}

// TestFiles: the diff is git's three-dot one, with the words and the patches of GitHub.
func TestFiles(t *testing.T) {
	s := githubtest.Start(t, githubtest.Options{})
	r := must(s.CreateRepo("acme", "shop", map[string]string{
		"long.txt": long(nil), "gone.txt": "gone\n", "old name": long(map[int]string{1: "first\n"}), "crlf": "a\r\nb\r\n",
		"bin": "\x00\x01",
	}))(t)
	_, err := r.Commit("topic", githubtest.Commit{
		Message: "work", Delete: []string{"gone.txt", "old name"},
		Files: map[string]string{
			"long.txt": long(map[int]string{10: "ten\n"}), "new name": long(map[int]string{1: "first\n"}),
			"crlf": "a\r\nB\r\n", "bin": "\x00\x02", "added": "no end",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	must(r.Push("main", "meanwhile", map[string]string{"main-only": "x\n"}))(t)
	must(r.OpenPull(githubtest.PullOptions{Title: "Work", Head: "topic"}))(t)
	c := installation(t, s, obj{})
	got := map[string]string{}
	parted, head := must(r.Show("topic"))(t).Parents[0], must(r.Head("topic"))(t)
	for _, f := range filesOf(t, c.do("GET", "/api/v3/repos/acme/shop/pulls/1/files", nil)) {
		at := map[bool]string{true: parted, false: head}[f["status"] == "removed"]
		if u := f["contents_url"].(string); !strings.HasSuffix(u, "?ref="+at) {
			t.Errorf("%s: %s at %s, want %s", f["status"], f["filename"], u, at)
		}
		got[f["filename"].(string)] = fmt.Sprintf("%v %v %v %v", f["status"], f["previous_filename"], f["changes"],
			f["patch"])
	}
	want := map[string]string{
		"added":    "added <nil> 1 @@ -0,0 +1 @@\n+no end\n\\ No newline at end of file",
		"bin":      "modified <nil> 0 <nil>",
		"crlf":     "modified <nil> 2 @@ -1,2 +1,2 @@\n a\r\n-b\r\n+B\r",
		"gone.txt": "removed <nil> 1 @@ -1 +0,0 @@\n-gone",
		"new name": "renamed old name 0 <nil>",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s is %q, want %q", name, got[name], text)
		}
	}
	if !strings.Contains(got["long.txt"], "-line 10\n+ten\n") || len(got) != 6 {
		t.Errorf("files are %q", got)
	}
	two := c.do("GET", "/api/v3/repos/acme/shop/pulls/1/files?per_page=4&page=2", nil)
	if len(filesOf(t, two)) != 2 || two.header.Get("Link") != "" {
		t.Errorf("second page: %s", two.body)
	}
}

// TestFilesLimits: GitHub stops listing, and leaves long patches out.
func TestFilesLimits(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{Limits: githubtest.Limits{Files: 2, PatchLines: 8}})
	must(r.Push("topic", "more", map[string]string{"a": "a\n", "b": "b\n"}))(t)
	c := installation(t, s, obj{})
	list := filesOf(t, c.do("GET", "/api/v3/repos/acme/shop/pulls/1/files", nil))
	pull := c.do("GET", "/api/v3/repos/acme/shop/pulls/1", nil).value(t)
	if len(list) != 2 || pull["changed_files"] != 4.0 {
		t.Errorf("%d files listed of %v", len(list), pull["changed_files"])
	}
	must(r.Push("topic", "back", map[string]string{"Dockerfile": strings.Repeat("RUN x\n", 9)}))(t)
	list = filesOf(t, c.do("GET", "/api/v3/repos/acme/shop/pulls/1/files", nil))
	if list[0]["patch"] != nil || list[0]["changes"] != 9.0 {
		t.Errorf("a long patch: %v", list[0])
	}
}

// TestTreesAndBlobs: modes are git's, contents come as base64, large listings are cut.
func TestTreesAndBlobs(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{Limits: githubtest.Limits{TreeEntries: 5}})
	sub := must(r.Head("main"))(t)
	sha := must(r.Commit("main", githubtest.Commit{
		Message: "kinds", Files: map[string]string{"dir/run.sh": "#!", "link": "dir/run.sh", "sub": sub,
			"we\"ird": "\xff\x00"},
		Modes: map[string]string{"dir/run.sh": "100755", "link": "120000", "sub": "160000"},
	}))(t)
	c := installation(t, s, obj{})
	flat := c.do("GET", "/api/v3/repos/acme/shop/git/trees/"+sha, nil).value(t)
	var modes []string
	var odd string
	for _, e := range flat["tree"].([]any) {
		e := e.(obj)
		modes = append(modes, fmt.Sprint(e["path"], " ", e["mode"], " ", e["type"]))
		if e["path"] == "we\"ird" {
			odd = e["sha"].(string)
		}
	}
	want := []string{"dir 040000 tree", "link 120000 blob", "long.txt 100644 blob", "sub 160000 commit",
		"we\"ird 100644 blob"}
	if !slices.Equal(modes, want) {
		t.Errorf("entries %v, want %v", modes, want)
	}
	if all := c.do("GET", "/api/v3/repos/acme/shop/git/trees/main?recursive=1", nil).value(t); all["truncated"] != true {
		t.Errorf("six entries of five: %v", all)
	}
	blob := c.do("GET", "/api/v3/repos/acme/shop/git/blobs/"+odd, nil).value(t)
	if data, err := base64.StdEncoding.DecodeString(blob["content"].(string)); err != nil || string(data) != "\xff\x00" {
		t.Errorf("blob %v: %v", blob, err)
	}
	for path, status := range map[string]int{"blobs/" + sha: 404, "blobs/main": 422, "trees/none": 404} {
		if a := c.do("GET", "/api/v3/repos/acme/shop/git/"+path, nil); a.status != status {
			t.Errorf("%s: %d, want %d", path, a.status, status)
		}
	}
}

// TestForks: commits of a fork are seen through the base repository; a deleted fork leaves null behind.
func TestForks(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	fork := must(r.Fork("robin"))(t)
	head := must(fork.Push("fix", "x", map[string]string{"Dockerfile": app5}))(t)
	p := must(r.OpenPull(githubtest.PullOptions{Title: "Fork", Head: "fix", Fork: fork}))(t)
	c := installation(t, s, obj{})
	if a := c.do("GET", "/api/v3/repos/acme/shop/git/trees/"+head, nil); a.status != 200 {
		t.Errorf("a fork's commit: %d", a.status)
	}
	if a := c.do("GET", "/api/v3/repos/robin/shop/git/trees/"+head, nil); a.status != 404 {
		t.Errorf("the fork itself: %d", a.status)
	}
	fork.Delete()
	o := c.do("GET", "/api/v3/repos/acme/shop/pulls/2", nil).value(t)
	if side := o["head"].(obj); side["repo"] != nil || side["sha"] != p.Head() {
		t.Errorf("head %v", side)
	}
}

// TestText reads a folder for CreateRepo.
func TestText(t *testing.T) {
	got := must(githubtest.Text(fstest.MapFS{"a/b": {Data: []byte("x")}, "c": {Data: []byte("y")}}))(t)
	if len(got) != 2 || got["a/b"] != "x" || got["c"] != "y" {
		t.Errorf("Text = %v", got)
	}
}
