package ecosystem

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// maxManifest is the size in bytes above which a manifest is not read.
const maxManifest = 1 << 20

// maxInputs bounds how many files one install may read before the answer is "too many".
const maxInputs = 2000

// A reading collects what one install command reads.
type reading struct {
	context fs.FS
	image   string // where the context's contents lie in the image, "" when not known
	env     map[string]string
	dir     string // where the command runs, relative to context

	inputs  map[string]bool
	outputs map[string]bool
	absent  []string
	unknown string
	idle    string
}

// refuse records why the answer is incomplete. The first reason stays.
func (r *reading) refuse(format string, args ...any) {
	if r.unknown == "" {
		r.unknown = fmt.Sprintf(format, args...)
	}
}

// within is a context path made of a directory and what a file says relative to it, or a refusal when it lies outside.
// An absolute path is one of the image.
func (r *reading) within(dir, name string) (string, bool) {
	if rel, ok := strings.CutPrefix(path.Clean(name), strings.TrimSuffix(r.image, "/")+"/"); ok && r.image != "" {
		dir, name = ".", rel
	}
	joined := path.Join(dir, name)
	if path.IsAbs(name) || joined == ".." || strings.HasPrefix(joined, "../") {
		r.refuse("%s lies outside what is copied", name)
		return "", false
	}
	return joined, true
}

// add makes a name an input.
func (r *reading) add(name string) {
	if r.inputs == nil {
		r.inputs = map[string]bool{}
	}
	if len(r.inputs) == maxInputs {
		r.refuse("it reads more than %d files", maxInputs)
		return
	}
	r.inputs[name] = true
}

// writes makes names outputs.
func (r *reading) writes(names ...string) {
	if r.outputs == nil {
		r.outputs = map[string]bool{}
	}
	for _, n := range names {
		r.outputs[n] = true
	}
}

// exists reports whether a regular file of that name is in the context. A symbolic link is refused: what it leads to is
// not seen.
func (r *reading) exists(name string) bool {
	info, err := fs.Stat(r.context, name)
	if err != nil || info.IsDir() {
		return false
	}
	if !info.Mode().IsRegular() {
		r.refuse("%s is not a regular file", name)
		return false
	}
	return true
}

// optional adds those of the names in dir that exist.
func (r *reading) optional(dir string, names ...string) {
	for _, n := range names {
		if n = path.Join(dir, n); r.exists(n) {
			r.add(n)
		}
	}
}

// required makes a file an input; without that file the answer is unknown.
func (r *reading) required(name string) bool {
	if !r.exists(name) {
		r.refuse("%s is not in the build context", name)
		return false
	}
	r.add(name)
	return true
}

// content reads a file and makes it an input; without that file the answer is unknown.
func (r *reading) content(name string) ([]byte, bool) {
	if !r.required(name) {
		return nil, false
	}
	info, err := fs.Stat(r.context, name)
	if err == nil && info.Size() > maxManifest {
		err = fmt.Errorf("%d bytes are too many", info.Size())
	}
	var data []byte
	if err == nil {
		data, err = fs.ReadFile(r.context, name)
	}
	if err != nil {
		r.refuse("%s cannot be read: %v", name, err)
	}
	return data, err == nil
}

// peek reads a file that decides about the install without being read by it.
func (r *reading) peek(name string) ([]byte, bool) {
	info, err := fs.Stat(r.context, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxManifest {
		return nil, err == nil && !info.IsDir()
	}
	data, err := fs.ReadFile(r.context, name)
	return data, err == nil
}

// tree adds every file below a directory, if it exists.
func (r *reading) tree(dir string) {
	if info, err := fs.Stat(r.context, dir); err != nil || !info.IsDir() {
		return
	}
	err := fs.WalkDir(r.context, dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case r.unknown != "":
			return fs.SkipAll
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			r.refuse("%s is not a regular file", name)
			return nil
		}
		r.add(name)
		return nil
	})
	if err != nil {
		r.refuse("%s cannot be listed: %v", dir, err)
	}
}

// upward finds the nearest file of that name in dir or above it, within the context; "" when there is none.
func (r *reading) upward(dir, name string) string {
	for {
		if found := path.Join(dir, name); r.exists(found) {
			return found
		}
		if dir == "." {
			return ""
		}
		dir = path.Dir(dir)
	}
}

// variable is the value of an environment variable, "" when it is not set. One whose value is not known is refused.
func (r *reading) variable(name string) string {
	text := r.env[name]
	if strings.Contains(text, "$") {
		r.refuse("the variable %s has a value that is not known", name)
		return ""
	}
	return text
}

// truthy reports whether a variable is set to what tools take for yes.
func (r *reading) truthy(name string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on", "y", "t"}, strings.ToLower(r.variable(name)))
}

func (r *reading) sorted() []string  { return slices.Sorted(maps.Keys(r.inputs)) }
func (r *reading) written() []string { return slices.Sorted(maps.Keys(r.outputs)) }

// there reports whether anything of that name is in the context.
func (r *reading) there(name string) bool {
	_, err := fs.Stat(r.context, name)
	return err == nil
}

// directory reports whether a directory of that name is in the context.
func (r *reading) directory(name string) bool {
	info, err := fs.Stat(r.context, name)
	return err == nil && info.IsDir()
}
