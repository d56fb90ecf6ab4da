package spare

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// A build's script or setting may read the history through another file that it starts or imports.

// maxFollowed bounds how many files one build's scripts and settings are followed through.
const maxFollowed = 40

var (
	// reference matches what may name a file: it has a slash or an ending.
	reference = pattern.New(`(?:\.{0,2}/)?[\w@-][\w@.-]*(?:/[\w@.-]+)+|\.{1,2}/[\w@.-]+|` +
		`\b[\w-]+\.(?:sh|bash|[cm]?[jt]s|py|rb|rs|mk|pl)\b`)
	// telling matches the names of files that tell which version is built.
	telling = pattern.New(`(?i)version|git|hash|rev|commit|build|release|stamp`)
	// scripted are the endings of files that start or import others for the build.
	scripted = strings.Fields(".sh .bash .js .cjs .mjs .ts .cts .mts .py .rb .rs .mk .pl")
	// endings are those that an import may leave out.
	endings = []string{"", ".js", ".ts", ".mjs", ".cjs", ".mts", "/index.js", "/index.ts"}
)

// follow is why a file that another one names may need the history. Scripts of a shell and settings are followed to every
// file that they name, programs only to those that are called after what tells a version.
func (h historian) follow(from string, text []byte) string {
	for _, m := range reference.FindAllString(string(text), maxFollowed*5) {
		name := h.resolve(from, m)
		if name == "" || h.seen[name] || !shellOrSetting(from) && !telling.MatchString(path.Base(name)) {
			continue
		}
		if *h.followed++; *h.followed > maxFollowed {
			return from + " leads to more files than are looked into"
		}
		if why := h.script(name); why != "" {
			return why
		}
	}
	return ""
}

// resolve is the file of the context that a reference names, "" when it is none that starts or imports others.
func (h historian) resolve(from, to string) string {
	for _, dir := range []string{path.Dir(from), "."} {
		for _, end := range endings {
			name := strings.TrimPrefix(path.Clean("/"+path.Join(dir, to)+end), "/")
			if slices.Contains(scripted, path.Ext(name)) && h.isFile(name) {
				return name
			}
		}
	}
	return ""
}

// shellOrSetting reports whether a file is a script of a shell or says how something is built.
func shellOrSetting(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{".sh", ".bash", ".mk", ".toml", ".py", ""}, path.Ext(base)) ||
		strings.Contains(base, ".config.") ||
		strings.HasPrefix(base, "gulpfile.") || strings.HasPrefix(base, "Gruntfile.") || base == "build.rs"
}
