package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
)

// A checkout is a folder to look at: a git work tree, a part of one, or a plain folder.
type checkout struct {
	root  string // absolute: the work tree's top, or the folder itself
	under string // what of it was asked for, relative to root; "." for all
	git   bool
	repo  fs.FS
}

// openCheckout finds the repository that path lies in. Files are reached through an os.Root: nothing outside is read, even
// through a symbolic link.
func openCheckout(ctx context.Context, path string) (*checkout, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, err
	}
	dir := abs
	if !info.IsDir() {
		dir = filepath.Dir(abs)
	}
	c := &checkout{root: dir}
	if top, err := git(ctx, dir, "rev-parse", "--show-toplevel"); err == nil {
		c.root, c.git = filepath.FromSlash(strings.TrimSpace(string(top))), true
	}
	under, err := filepath.Rel(c.root, abs)
	if err != nil {
		return nil, err
	}
	c.under = filepath.ToSlash(under)
	root, err := os.OpenRoot(c.root)
	if err != nil {
		return nil, err
	}
	c.repo = root.FS()
	return c, nil
}

// dockerfiles lists the Dockerfiles asked for, sorted. A file named outright counts whatever it is called.
func (c *checkout) dockerfiles(ctx context.Context) ([]string, error) {
	if info, err := fs.Stat(c.repo, c.under); err == nil && !info.IsDir() {
		return []string{c.under}, nil
	}
	list := c.walk
	if c.git {
		list = c.tracked
	}
	files, err := list(ctx)
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(name string) bool {
		return !check.Subject(strings.TrimPrefix(name, c.under+"/")) || !c.regular(name)
	})
	slices.Sort(files)
	return slices.Compact(files), nil
}

func (c *checkout) regular(name string) bool {
	info, err := os.Lstat(filepath.Join(c.root, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

// tracked are the files git knows and those it does not ignore.
func (c *checkout) tracked(ctx context.Context) ([]string, error) {
	out, err := git(ctx, c.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", c.under)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}

func (c *checkout) walk(ctx context.Context) ([]string, error) {
	var out []string
	err := fs.WalkDir(c.repo, c.under, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && name != c.under && check.PassedOver(d.Name()):
			return fs.SkipDir
		case !d.IsDir():
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

// since is the change from the merge base of base and HEAD to the work tree, as a pull request would show it.
func (c *checkout) since(ctx context.Context, base string) ([]byte, error) {
	if !c.git {
		return nil, fmt.Errorf("--base needs a git checkout, and %s is none", c.root)
	}
	merge, err := git(ctx, c.root, "merge-base", "--end-of-options", base, "HEAD")
	if err != nil {
		return nil, fmt.Errorf("find where HEAD left %s: %w", base, err)
	}
	return git(ctx, c.root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames",
		"--src-prefix=a/", "--dst-prefix=b/", strings.TrimSpace(string(merge)), "--")
}

// git runs a git command that only reads, without hooks, pagers or prompts.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
		"-c", "core.quotePath=false"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("git %s: %s", args[0], bytes.TrimSpace(failed.Stderr))
	}
	return out, err
}
