package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/image"
)

// ours are the names of top-level directories in which no base image that we know keeps anything.
var ours = strings.Fields(`app apps application backend frontend code src source work workdir workspace project projects
	repo service services server site web api bot`)

// hierarchy are the top-level directories of every system (hier(7)) and of the language images.
var hierarchy = strings.Fields(`bin boot dev etc go home lib lib32 lib64 libx32 media mnt nix opt proc root run sbin
	snap srv sys tmp usr var`)

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

// free reports whether a path is of the kind that a Dockerfile invents for itself. On a plain image of an operating
// system or a language that is every top-level directory which is not the system's.
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
