package checks

import (
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// flags asks that the COPYs' own flags go together with the owner.
func (o *ownedPlan) flags() string {
	same := 0
	for _, c := range o.copies {
		_, link := c.Flag("link")
		_, from := c.Flag("from")
		owned, isOwned := c.Flag("chown")
		_, moded := c.Flag("chmod")
		user, group, _ := strings.Cut(o.owner, ":")
		switch {
		case from:
			return "what a COPY takes from another stage is not known: there may be symbolic links in it"
		case link && o.mode == "" && !(numeric(user) && numeric(group)):
			return "COPY --link cannot look up names"
		case isOwned && o.mode == "" && owned.Value == o.owner:
			same++
		case isOwned && o.mode == "" || moded && o.mode != "":
			return "a COPY above sets another one"
		}
	}
	if same == len(o.copies) {
		return "every COPY sets that owner already; dropping the step is yours to decide"
	}
	return ""
}

// maxEntries bounds how many files of a context are looked at.
const maxEntries = 20_000

// sources asks that what the COPYs bring is known in every way the file is built: no symbolic link, which chown treats
// otherwise than COPY, and for a mode only single files.
func (o *ownedPlan) sources(builds []buildcontext.Build) string {
	if len(builds) == 0 {
		return "the build context is not known"
	}
	for _, b := range builds {
		if b.Unknown != "" {
			return "the build context is not known: " + b.Unknown
		}
		for _, c := range o.copies {
			for _, w := range c.Words[:len(c.Words)-1] {
				if reason := o.source(b.Context, w.Text); reason != "" {
					return reason
				}
			}
		}
	}
	return ""
}

func (o *ownedPlan) source(context fs.FS, text string) string {
	if strings.HasPrefix(text, "<<") {
		return ""
	}
	name := strings.TrimPrefix(path.Clean("/"+text), "/")
	names := []string{name}
	switch {
	case strings.ContainsAny(text, "$\\\"'"):
		return "what a COPY brings is not known"
	case name == "":
		names = []string{"."}
	case strings.ContainsAny(name, "*?["):
		names, _ = fs.Glob(context, name)
	}
	if len(names) == 0 {
		return text + " is not in the build context"
	}
	for _, name := range names {
		if reason := o.tree(context, name); reason != "" {
			return reason
		}
	}
	return ""
}

func (o *ownedPlan) tree(context fs.FS, root string) (reason string) {
	entries := 0
	err := fs.WalkDir(context, root, func(name string, d fs.DirEntry, err error) error {
		entries++
		switch {
		case err != nil:
			return err
		case d.Type()&fs.ModeSymlink != 0:
			reason = name + " is a symbolic link"
		case d.IsDir() && o.mode != "":
			reason = name + " is a directory: a mode for its files is not one for it"
		case entries > maxEntries:
			reason = "there are too many files to look at"
		default:
			return nil
		}
		return fs.SkipAll
	})
	if err != nil {
		return root + " is not in the build context"
	}
	return reason
}
