package prove

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// buildsContext checks that where the command runs, a COPY or a mount has put Go code of the context, and that no other
// code may have been put there.
func (r rewrite) buildsContext() error {
	no := errors.New("whether the program is made of the code in the build context is not known")
	dir, ok := r.directory()
	if !ok {
		return no
	}
	for s := r.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Index <= r.run.Index && (bringsOther(i) && within(dir, destinationOf(i)) || fetchesCode(i, dir)) {
				return no
			}
		}
	}
	found := false
	err := r.eachGoFile(func(name string, _ []byte) error {
		found = found || r.liesIn(name, dir)
		return nil
	})
	if err == nil && !found {
		err = no
	}
	return err
}

// fetchesCode reports whether a RUN may put code of another repository to where the program is built, or anywhere when it
// comes by git.
func fetchesCode(i *dockerfile.Instruction, dir string) bool {
	script, err := i.Script()
	if i.Keyword != "RUN" || err != nil {
		return i.Keyword == "RUN" && i.Form != dockerfile.ExecForm
	}
	return slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool {
		switch cmd.Name() {
		case "git":
			return !looksOnly(cmd)
		case "tar", "bsdtar", "unzip", "svn", "hg":
			return !slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool {
				at := path.Clean(w.Text)
				return w.Literal && path.IsAbs(at) && path.Ext(at) == "" && !within(dir, at) && !within(at, dir)
			})
		}
		return false
	})
}

// looksOnly reports whether a git command changes no code.
func looksOnly(git dockerfile.Command) bool {
	args := git.Args()
	return len(args) > 0 && among("config describe rev-parse --version", args[0].Text)
}

// liesIn reports whether a file of the context is copied, or mounted, to a place in a directory.
func (r rewrite) liesIn(name, dir string) bool {
	for _, fl := range r.run.Flags {
		kind, at := mountOf(fl)
		if !path.IsAbs(at) {
			at = path.Join("/", r.run.Stage.Before(r.run).Workdir, at)
		}
		other := strings.Contains(fl.Value, "from=") || strings.Contains(fl.Value, "source=") || strings.Contains(fl.Value, "src=")
		if kind == "bind" && !other && within(path.Join(at, name), dir) {
			return true
		}
	}
	brought := func(i *dockerfile.Instruction) bool {
		if i.Index > r.run.Index || i.Keyword != "COPY" && i.Keyword != "ADD" || bringsOther(i) || len(i.Words) < 2 {
			return false
		}
		return slices.ContainsFunc(i.Words[:len(i.Words)-1], func(w dockerfile.Word) bool {
			return brings(w.Text, name) && within(landsAt(i, w.Text, name), dir)
		})
	}
	for s := r.run.Stage; s != nil; s = s.Parent {
		if slices.ContainsFunc(s.Instructions, brought) {
			return true
		}
	}
	return false
}

// bringsOther reports whether a COPY or ADD may bring something else than files of the build context.
func bringsOther(i *dockerfile.Instruction) bool {
	if i.Keyword != "COPY" && i.Keyword != "ADD" {
		return false
	}
	_, from := i.Flag("from")
	return from || len(i.Heredocs) > 0 || slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool {
		return strings.ContainsAny(w.Text, ":@$") || i.Keyword == "ADD" && !plainAdded.MatchString(w.Text)
	})
}

// destinationOf is where a COPY or ADD puts what it brings, "/" when that is not known.
func destinationOf(i *dockerfile.Instruction) string {
	if len(i.Words) == 0 {
		return "/"
	}
	to := i.Words[len(i.Words)-1].Text
	switch {
	case strings.Contains(to, "$"):
		return "/"
	case path.IsAbs(to):
		return path.Clean(to)
	}
	return path.Join("/", i.Stage.Before(i).Workdir, to)
}
