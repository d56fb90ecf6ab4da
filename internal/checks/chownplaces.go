package checks

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/image"
)

// ours are the names of top-level directories in which no base image that we know keeps anything.
var ours = strings.Fields(`app apps application backend frontend code src source work workdir workspace project projects repo
	service services server site web api bot`)

// hierarchy are the top-level directories of every system (hier(7)) and of the language images.
var hierarchy = strings.Fields(`bin boot dev etc go home lib lib32 lib64 libx32 media mnt nix opt proc root run sbin snap srv sys
	tmp usr var`)

// shared are directories that are there in every base image and have nothing to do with what an image adds below them.
var shared = []string{"/", "/opt", "/srv"}

// places asks that nothing but COPYs filled the paths, as far as the base image goes, and that COPY will not make
// directories above them, which would get the owner or the mode as well.
func (o *ownedPlan) places(base image.Image, known bool) string {
	plain := base.Workdir == "/" && (base.Entrypoint == "none" || base.Entrypoint == "passes")
	for _, p := range o.paths {
		switch {
		case !known:
			return "what the base image has in " + p + " is not known"
		case o.mode != "" && !o.file(p):
			return "a mode for the files in " + p + " is not one for the directories among them"
		case o.mode == "" && (!free(p, plain) || overlap(p, base.Workdir)):
			return "the base image, or a program, may keep files of its own in " + p
		}
		if above := path.Dir(p); !slices.Contains(o.dirs, p) && !slices.Contains(shared, above) && !o.below(above) {
			return "whether " + above + " is there before the COPY is not known"
		}
	}
	return ""
}

// file reports whether a path is, by its name, one file that a COPY brings.
func (o *ownedPlan) file(p string) bool {
	return slices.ContainsFunc(o.copies, func(c *dockerfile.Instruction) bool {
		return len(c.Words) == 2 && path.Base(c.Words[0].Text) != "." && target(c, c.Words[0].Text) == p
	})
}

// below reports whether a WORKDIR made dir: then it is above one of those that were noted.
func (o *ownedPlan) below(dir string) bool {
	return slices.ContainsFunc(o.above, func(i *dockerfile.Instruction) bool {
		return i.Keyword == "WORKDIR" && within(workdirAfter(i), dir)
	})
}

// free reports whether a path is of the kind that a Dockerfile invents for itself. On a plain image of an operating system
// or a language that is every top-level directory which is not the system's.
func free(p string, plain bool) bool {
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	switch {
	case slices.Contains(ours, parts[0]), plain && !slices.Contains(hierarchy, parts[0]) && parts[0] != "":
		return true
	case parts[0] == "srv" || parts[0] == "opt":
		return len(parts) > 1 && slices.Contains(ours, parts[1])
	case parts[0] == "home":
		return len(parts) > 2 && !strings.HasPrefix(parts[2], ".")
	}
	return len(parts) > 2 && parts[0] == "usr" && parts[1] == "src" && slices.Contains(ours, parts[2])
}

// overlap reports whether one directory lies within the other; a working directory of "/" says nothing.
func overlap(p, workdir string) bool {
	return workdir != "" && workdir != "/" && (within(p, workdir) || within(workdir, p))
}

// account asks that the owner's names mean, when the first COPY looks them up, what they mean to the RUN. A name that is
// not there yet would silently become root.
func (o *ownedPlan) account(base image.Image) string {
	user, group, _ := strings.Cut(o.owner, ":")
	for _, name := range []string{user, group} {
		if !numeric(name) && name != "root" && name != "" && !o.exists(name, base) {
			return "no step above the COPY is known to create " + name
		}
	}
	for _, i := range o.above[slices.Index(o.above, o.copies[0]):] {
		if i.Keyword == "RUN" && (mentions(i, user) || mentions(i, group)) {
			return "a step between the COPY and this one is about " + user
		}
	}
	return ""
}

func numeric(name string) bool {
	_, err := strconv.ParseUint(name, 10, 32)
	return err == nil
}

// exists reports whether the base image has the account, or a step above the first COPY creates one of that name.
func (o *ownedPlan) exists(name string, base image.Image) bool {
	if name == base.Account || base.Shell == "dash" && base.Libc == "glibc" && name == "www-data" {
		return true
	}
	for _, s := range lineage(o.run.Stage) {
		for _, i := range s.Instructions {
			if i == o.copies[0] {
				return false
			}
			if i.Keyword == "RUN" && creates(i, name) {
				return true
			}
		}
	}
	return false
}

var accountTools = []string{"useradd", "adduser", "groupadd", "addgroup"}

// creates reports whether a RUN creates an account or a group of that name.
func creates(i *dockerfile.Instruction, name string) bool {
	cmds, _ := commands(i)
	return slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return slices.Contains(accountTools, c.Name()) && slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
			return w.Literal && w.Text == name
		})
	})
}

// mentions reports whether an account tool of a RUN is about the name.
func mentions(i *dockerfile.Instruction, name string) bool {
	cmds, _ := commands(i)
	return name != "0" && slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return (slices.Contains(accountTools, c.Name()) || c.Name() == "usermod") &&
			slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return !w.Literal || w.Text == name })
	})
}

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
