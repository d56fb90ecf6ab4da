package buildcontext

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// inferred is the build whose context directory makes every local source exist: the Dockerfile's own directory, else
// the nearest one above it. Where there is none, files of environment variables may be missing, which no commit has. With
// none still, how the file is built is not known.
func inferred(repo *snapshot, f *dockerfile.File) []Build {
	sources := localSources(f)
	if found := inferredFrom(repo, f, sources); found != nil {
		return found
	}
	if committed := slices.DeleteFunc(slices.Clone(sources), kept); len(committed) < len(sources) && len(committed) > 0 {
		return inferredFrom(repo, f, committed)
	}
	return nil
}

// kept reports whether a source is a file of environment variables, which lies where people build and in no commit.
func kept(source string) bool {
	return slices.Contains([]string{".env", ".env.local", ".env.production", ".env.prod"}, path.Base(source))
}

func inferredFrom(repo *snapshot, f *dockerfile.File, sources []string) []Build {
	for dir := path.Dir(f.Path); ; dir = path.Dir(dir) {
		b := withContext(Build{Origin: "inferred from COPY sources", Dir: dir}, repo, f.Path)
		if b.Unknown != "" && all(&view{repo: repo, dir: dir, ignored: &matcher{}}, sources) {
			return []Build{b}
		}
		if all(b.Context, sources) && (dir == "." || !bare(repo, b, sources)) {
			return []Build{b}
		}
		if dir == "." {
			return nil
		}
	}
}

// localSources lists what the file takes from its context, cleaned, where that can be told without variables.
func localSources(f *dockerfile.File) []string {
	var out []string
	for _, i := range f.Instructions {
		_, from := i.Flag("from")
		switch {
		case (i.Keyword == "COPY" || i.Keyword == "ADD") && !from && len(i.Words) > 1:
			for _, w := range i.Words[:len(i.Words)-1] {
				out = appendLocal(out, w.Text)
			}
		case i.Keyword == "RUN":
			for _, m := range i.Flags {
				out = append(out, mounted(m)...)
			}
		}
	}
	return out
}

func appendLocal(out []string, text string) []string {
	text = strings.Trim(text, `"'`)
	if strings.ContainsAny(text, "$") || strings.HasPrefix(text, "<<") || strings.Contains(text, "://") ||
		strings.HasPrefix(text, "git@") {
		return out
	}
	if text = strings.TrimPrefix(path.Clean("/"+text), "/"); text == "" {
		text = "."
	}
	return append(out, text)
}

// mounted is the source of a bind mount from the context.
func mounted(flag dockerfile.Flag) []string {
	if !strings.EqualFold(flag.Name, "mount") {
		return nil
	}
	kind, source := "bind", ""
	for _, option := range strings.Split(flag.Value, ",") {
		key, text, _ := strings.Cut(option, "=")
		switch key {
		case "type":
			kind = text
		case "source", "src":
			source = text
		case "from":
			return nil
		}
	}
	if kind != "bind" || source == "" {
		return nil
	}
	return appendLocal(nil, source)
}

// all reports whether every source exists in the context. A source with wildcards must match something.
func all(context fs.FS, sources []string) bool {
	for _, s := range sources {
		if !exists(context, s) {
			return false
		}
	}
	return true
}

func exists(context fs.FS, source string) bool {
	if !strings.ContainsAny(source, `*?[\`) {
		_, err := fs.Stat(context, source)
		return err == nil
	}
	found, err := fs.Glob(context, source)
	return err == nil && len(found) > 0
}

// bare reports whether all that is taken from the context is the whole of it, while there is nothing in it but files
// that say how to build: such a directory is where the Dockerfile is kept, not what it is about.
func bare(repo *snapshot, b Build, sources []string) bool {
	for _, s := range sources {
		if s != "." {
			return false
		}
	}
	return len(sources) > 0 && Once(b, "only says how", func() bool { return onlySaysHow(b.Context) })
}

// onlySaysHow reports whether a context holds nothing but files that say how to build.
func onlySaysHow(context fs.FS) bool {
	entries, err := fs.ReadDir(context, ".")
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.IsDir() || !dockerfile.Named(e.Name()) && !isCompose(e.Name()) && !strings.HasSuffix(e.Name(), ignoreName) {
			return false
		}
	}
	return true
}
