package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
)

// A checkout is a folder to look at: a git work tree, a part of one, or a plain folder.
type checkout struct {
	root  string   // absolute: the work tree's top, or the folder itself
	under []string // what of it was asked for, relative to root; "." for all
	git   bool
	repo  fs.FS
}

// openCheckout finds the repository that the paths lie in. Files are reached through an os.Root: nothing outside is
// read, even through a symbolic link.
func openCheckout(ctx context.Context, paths ...string) (*checkout, error) {
	c := &checkout{}
	for n, path := range paths {
		abs, err := real(path)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			if err := c.open(ctx, abs); err != nil {
				return nil, err
			}
		}
		under, err := filepath.Rel(c.root, abs)
		if err != nil || !filepath.IsLocal(under) {
			return nil, fmt.Errorf("%s does not lie in %s, as %s does; look at them one after the other", path, c.root, paths[0])
		}
		c.under = append(c.under, filepath.ToSlash(under))
	}
	return c, nil
}

// real is the absolute path of what a name leads to.
func real(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	return abs, nil
}

// inside reports whether an absolute path lies in a folder.
func inside(dir, abs string) bool {
	rel, err := filepath.Rel(dir, abs)
	return err == nil && filepath.IsLocal(rel)
}

// open finds the root of what lies at the absolute path: of a git checkout its top; else the folder, and of a file the
// current folder if it lies in there.
func (c *checkout) open(ctx context.Context, abs string) error {
	info, err := os.Stat(abs)
	if err != nil {
		return err
	}
	if c.root = abs; !info.IsDir() {
		c.root = filepath.Dir(abs)
		if here, err := real("."); err == nil && inside(here, abs) {
			c.root = here
		}
	}
	if top, err := git(ctx, c.root, "rev-parse", "--show-toplevel"); err == nil {
		c.root, c.git = filepath.FromSlash(strings.TrimSpace(string(top))), true
	}
	root, err := os.OpenRoot(c.root)
	if err != nil {
		return err
	}
	c.repo = root.FS()
	return nil
}

// openStdin is the repository in which path lies or would lie, with text in place of that file.
func openStdin(ctx context.Context, path string, text []byte) (*checkout, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dir, rest := filepath.Dir(abs), filepath.Base(abs)
	for !isDir(dir) && dir != filepath.Dir(dir) {
		dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest)
	}
	if dir, err = real(dir); err != nil {
		return nil, err
	}
	start := dir
	if here, err := real("."); err == nil && inside(here, dir) {
		start = here
	}
	c := &checkout{}
	if err := c.open(ctx, start); err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(c.root, filepath.Join(dir, rest))
	if err != nil {
		return nil, err
	}
	name := filepath.ToSlash(rel)
	c.under, c.repo = []string{name}, check.Overlay(c.repo, map[string][]byte{name: text})
	return c, nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// dockerfiles lists the Dockerfiles asked for, sorted. A file named outright counts whatever it is called.
func (c *checkout) dockerfiles(ctx context.Context) ([]string, error) {
	var out []string
	for _, under := range c.under {
		files, err := c.below(ctx, under)
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (c *checkout) below(ctx context.Context, under string) ([]string, error) {
	if info, err := fs.Stat(c.repo, under); err == nil && !info.IsDir() {
		return []string{under}, nil
	}
	list := c.walk
	if c.git {
		list = c.tracked
	}
	files, err := list(ctx, under)
	return slices.DeleteFunc(files, func(name string) bool {
		return !check.Subject(strings.TrimPrefix(name, under+"/")) || !c.regular(name)
	}), err
}

// kept are the Dockerfiles that the configuration does not exclude. Of one that was named outright status hears.
func (c *checkout) kept(paths []string, settings *config.Config, status io.Writer) []string {
	return slices.DeleteFunc(paths, func(name string) bool {
		if where := settings.Excludes(name); where != "" && slices.Contains(c.under, name) {
			fmt.Fprintf(status, "lighterman: %s is not looked at, because of %s\n", name, where)
		}
		return !settings.Keeps(name)
	})
}

func (c *checkout) regular(name string) bool {
	info, err := os.Lstat(filepath.Join(c.root, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

// tracked are the files git knows and those it does not ignore.
func (c *checkout) tracked(ctx context.Context, under string) ([]string, error) {
	out, err := git(ctx, c.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", under)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}

func (c *checkout) walk(ctx context.Context, under string) ([]string, error) {
	var out []string
	err := fs.WalkDir(c.repo, under, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && name != under && check.PassedOver(d.Name()):
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
