package githubtest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A gitDir is a bare repository on disk, shared by a repository and its forks as on GitHub. Whoever calls git through
// it gets no hooks, no configuration of the user's or the system's, and fixed names and dates. Its callers hold the
// server's mutex.
type gitDir struct {
	path string
	// answers are what git said to questions that are put again and again, until something is written.
	answers map[string][]byte
}

func initGit(dir string) (*gitDir, error) {
	g := &gitDir{path: dir, answers: make(map[string][]byte)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return g, err
	}
	_, err := g.run(nil, "init", "-q", "--bare", "-b", "main", ".")
	return g, err
}

// ask runs git for a question whose answer depends on its words and on what is stored.
func (g *gitDir) ask(args ...string) ([]byte, error) {
	key := strings.Join(args, "\x00")
	if out, ok := g.answers[key]; ok {
		return out, nil
	}
	out, err := g.run(nil, args...)
	if err == nil {
		g.answers[key] = out
	}
	return out, err
}

// change runs git for a command that writes.
func (g *gitDir) change(stdin []byte, args ...string) error {
	clear(g.answers)
	_, err := g.run(stdin, args...)
	return err
}

// store runs git for a command that writes objects and says which.
func (g *gitDir) store(stdin []byte, args ...string) (string, error) {
	clear(g.answers)
	out, err := g.run(stdin, args...)
	return strings.TrimSpace(string(out)), err
}

func (g *gitDir) run(stdin []byte, args ...string) ([]byte, error) {
	fixed := []string{"-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", "-c", "gc.auto=0"}
	cmd := exec.Command("git", append(fixed, args...)...)
	cmd.Dir = g.path
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.path, "LC_ALL=C", "GIT_DIR=.", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0",
		"GIT_INDEX_FILE=" + scratchIndex,
	}
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s in %s: %w: %s", args[0], filepath.Base(g.path), err, stderr.Bytes())
	}
	return out, nil
}

// line runs git and returns its output without the final line end.
func (g *gitDir) line(args ...string) (string, error) {
	out, err := g.ask(args...)
	return strings.TrimSpace(string(out)), err
}

// commit resolves a revision to a commit's SHA.
func (g *gitDir) commit(rev string) (string, error) {
	return g.line("rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
}

// merges reports whether two commits merge without a conflict.
func (g *gitDir) merges(a, b string) (bool, error) {
	_, err := g.ask("merge-tree", "--write-tree", a, b)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // a conflict; anything else has another code
		return false, nil
	}
	return err == nil, err
}

// A Commit is what a push adds to a branch.
type Commit struct {
	Message string
	Author  string            // login; "" is the repository's owner
	Files   map[string]string // contents of the files written
	Modes   map[string]string // git modes of those that are not "100644"; for "160000" the content is the commit's SHA
	Delete  []string
}

// write makes a commit on the ref with the given parent ("" for a first commit) and returns its SHA. One fast-import
// does it, so the cost does not grow with the number of files.
func (g *gitDir) write(ref, parent string, c Commit, now time.Time) (string, error) {
	var in bytes.Buffer
	fmt.Fprintf(&in, "commit %s\n", ref)
	fmt.Fprintf(&in, "committer %s <%s@users.noreply.github.com> %d +0000\n", c.Author, c.Author, now.Unix())
	fmt.Fprintf(&in, "data %d\n%s\n", len(c.Message), c.Message)
	if parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for _, path := range c.Delete {
		fmt.Fprintf(&in, "D %s\n", quotePath(path))
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files)) {
		writeFile(&in, path, c.Modes[path], c.Files[path])
	}
	in.WriteString("done\n")
	if err := g.change(in.Bytes(), "fast-import", "--quiet", "--force", "--done", "--date-format=raw"); err != nil {
		return "", err
	}
	return g.commit(ref)
}

func writeFile(in *bytes.Buffer, path, mode, content string) {
	switch mode {
	case "160000":
		fmt.Fprintf(in, "M 160000 %s %s\n", content, quotePath(path))
		return
	case "":
		mode = "100644"
	}
	fmt.Fprintf(in, "M %s inline %s\ndata %d\n%s\n", mode, quotePath(path), len(content), content)
}

// quotePath quotes a path as fast-import reads it: C style, which Go's ASCII quoting is a subset of for printable text.
func quotePath(path string) string {
	if strings.ContainsAny(path, "\"\\\n") || strings.HasPrefix(path, " ") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
	}
	return path
}

// scratchIndex is where trees are put together. It lies in the repository and holds nothing between two commands.
const scratchIndex = "scratch-index"

// An object is what git stores under a SHA.
type object struct {
	sha, kind string
	data      []byte
}

// object reads one object by revision; ok is false when there is none.
func (g *gitDir) object(rev string) (o object, ok bool, err error) {
	if strings.ContainsAny(rev, "\n") {
		return o, false, nil
	}
	key := "cat-file " + rev
	out := g.answers[key]
	if out == nil {
		if out, err = g.run([]byte(rev+"\n"), "cat-file", "--batch"); err != nil {
			return o, false, err
		}
		g.answers[key] = out
	}
	head, rest, _ := bytes.Cut(out, []byte("\n"))
	words := strings.Fields(string(head))
	if len(words) != 3 || words[1] == "missing" || words[1] == "ambiguous" {
		return o, false, nil
	}
	size, err := strconv.Atoi(words[2])
	if err != nil || size > len(rest) {
		return o, false, nil
	}
	return object{sha: words[0], kind: words[1], data: rest[:size]}, true, nil
}

// A treeEntry is a line of git ls-tree.
type treeEntry struct {
	Mode, Kind, SHA, Path string
	Size                  int // of blobs
}

func (g *gitDir) tree(rev string, recursive bool) ([]treeEntry, error) {
	args := []string{"ls-tree", "-l", "-z"}
	if recursive {
		args = append(args, "-r", "-t")
	}
	out, err := g.ask(append(args, rev)...)
	if err != nil {
		return nil, err
	}
	var entries []treeEntry
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		meta, path, ok := strings.Cut(line, "\t")
		f := strings.Fields(meta)
		if !ok || len(f) != 4 {
			continue
		}
		size, _ := strconv.Atoi(f[3]) // "-" for what is no blob
		entries = append(entries, treeEntry{Mode: f[0], Kind: f[1], SHA: f[2], Path: path, Size: size})
	}
	return entries, nil
}

// LFSPointer is what a repository holds in place of a file that Git LFS keeps elsewhere.
func LFSPointer(content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sum, len(content))
}
