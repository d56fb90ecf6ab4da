package ecosystem

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Makes lists what a command is known to leave in the file system, each as a clean absolute path: the cache of a
// package manager, a downloaded archive, a cloned directory. A home directory is written "~". Packages are "apt:gcc"
// and "apk:.build-deps". dir is the directory the command runs in, "" when unknown. The list is an allowlist: what is
// not known to be made is not in it.
func Makes(c dockerfile.Command, dir string) []string {
	if a, ok := AptCall(c); ok {
		return aptMakes(a)
	}
	if m, ok := managerCall(c); ok {
		return m.makes()
	}
	at := places{dir}
	args := c.Args()
	switch c.Name() {
	case "curl":
		return at.curl(args)
	case "wget":
		return at.wget(args)
	case "git":
		return at.clone(args)
	case "tar", "bsdtar":
		return at.tar(args)
	case "unzip":
		return at.named(value(args, "-d"))
	case "mkdir":
		return at.named(operands(args)...)
	}
	return nil
}

// Removes lists the patterns (path.Match, in the form of Makes) of what a command removes or moves away. only reports
// whether removing is all the command does, also when what it removes is not known.
func Removes(c dockerfile.Command, dir string) (patterns []string, only bool) {
	if RemovesAptLists(c) {
		patterns = []string{AptLists}
	}
	if a, ok := AptCall(c); ok {
		return append(patterns, aptRemoves(a)...), slices.Contains(aptRemovers, a.Verb)
	}
	if m, ok := managerCall(c); ok {
		return m.removes()
	}
	switch c.Name() {
	case "rm", "rmdir", "unlink":
		return append(patterns, places{dir}.patterns(c.Args())...), true
	case "mv":
		return places{dir}.patterns(c.Args()[:max(0, len(c.Args())-1)]), false
	case "find":
		return patterns, deletes(c)
	}
	return nil, false
}

// Covers reports whether removing pattern takes made away: it is that path, one above it, or all that is in it.
func Covers(pattern, made string) bool {
	if pattern == made+"/*" {
		return true
	}
	for p := made; ; p = path.Dir(p) {
		if ok, err := path.Match(pattern, p); ok && err == nil {
			return true
		}
		if p == path.Dir(p) {
			return false
		}
	}
}

var aptRemovers = []string{"clean", "autoclean", "auto-clean", "distclean", "dist-clean", "autoremove", "auto-remove",
	"autopurge", "remove", "purge"}

func aptMakes(a Apt) []string {
	switch {
	case a.Updates():
		return []string{AptLists}
	case a.Verb == "install":
		return packages("apt:", a.Args)
	}
	return nil
}

func aptRemoves(a Apt) []string {
	if a.Verb == "remove" || a.Verb == "purge" || a.Verb == "autoremove" || a.Verb == "auto-remove" {
		return packages("apt:", a.Args)
	}
	return nil
}

// packages are the package names among words, without version or architecture; words with variables are left out.
func packages(prefix string, words []string) []string {
	var out []string
	for _, w := range words {
		name, _, _ := strings.Cut(w, "=")
		name, _, _ = strings.Cut(name, ":")
		if name != "" && !strings.ContainsAny(name, "$`\"'*?[/<>~") {
			out = append(out, prefix+name)
		}
	}
	return out
}

// places turns words into paths as seen from a directory, "" when that is unknown.
type places struct{ dir string }

// resolve is the clean absolute path behind a literal text, "" when it cannot be known.
func (at places) resolve(text string) string {
	for _, home := range []string{"~/", "$HOME/", "${HOME}/", "/root/"} {
		if rest, ok := strings.CutPrefix(text, home); ok {
			return path.Join("~", rest)
		}
	}
	switch {
	case text == "" || strings.ContainsAny(text, "$`\"'\\~{"):
		return ""
	case path.IsAbs(text):
		return path.Clean(text)
	case at.dir == "":
		return ""
	}
	return path.Join(at.dir, text)
}

// patterns are what rm removes when given the words; options and "/" are passed over.
func (at places) patterns(words []dockerfile.Argument) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w.Text, "-") || path.Clean(w.Text) == "/" {
			continue
		}
		if p := at.resolve(strings.Trim(w.Text, `"`)); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// named are the paths behind those texts that can be known.
func (at places) named(texts ...string) []string {
	var out []string
	for _, text := range texts {
		if p := at.resolve(text); p != "" && !strings.ContainsAny(p, "*?[") {
			out = append(out, p)
		}
	}
	return out
}

// fetched is the file that a download of url ends up in when its name is taken from there.
func (at places) fetched(url, dir string) []string {
	name := path.Base(url)
	if !strings.Contains(url, "://") || strings.ContainsAny(name, "?#&=$") || strings.Count(url, "/") < 3 {
		return nil
	}
	return at.named(path.Join(dir, name))
}

func (at places) curl(args []dockerfile.Argument) []string {
	var urls []string
	remote := false
	for n, w := range args {
		switch {
		case w.Text == "--output" && n+1 < len(args):
			return at.named(text(args[n+1]))
		case isShort(w.Text) && strings.HasSuffix(w.Text, "o") && n+1 < len(args):
			return at.named(text(args[n+1]))
		case isShort(w.Text) && strings.Contains(w.Text, "O"), w.Text == "--remote-name":
			remote = true
		case strings.Contains(w.Text, "://"):
			urls = append(urls, w.Text)
		}
	}
	if !remote || len(urls) != 1 {
		return nil
	}
	return at.fetched(urls[0], "")
}

func (at places) wget(args []dockerfile.Argument) []string {
	for n, w := range args {
		if out, ok := strings.CutPrefix(w.Text, "--output-document="); ok {
			return at.named(out)
		}
		if (w.Text == "--output-document" || isShort(w.Text) && strings.HasSuffix(w.Text, "O")) && n+1 < len(args) {
			return at.named(text(args[n+1]))
		}
		if isShort(w.Text) && strings.Contains(w.Text, "O") {
			_, out, _ := strings.Cut(w.Text, "O")
			return at.named(out)
		}
	}
	for _, w := range args {
		if strings.Contains(w.Text, "://") {
			return at.fetched(w.Text, value(args, "-P"))
		}
	}
	return nil
}

func (at places) clone(args []dockerfile.Argument) []string {
	if len(args) == 0 || args[0].Text != "clone" {
		return nil
	}
	for n, w := range args {
		if !strings.Contains(w.Text, "://") {
			continue
		}
		if n+1 < len(args) && !strings.HasPrefix(args[n+1].Text, "-") {
			return at.named(text(args[n+1]))
		}
		return at.named(strings.TrimSuffix(path.Base(strings.TrimSuffix(w.Text, "/")), ".git"))
	}
	return nil
}

// tar is the directory that unpacking leaves: the one named by -C, and the one that the archive's own name promises.
func (at places) tar(args []dockerfile.Argument) []string {
	if !slices.ContainsFunc(args, extracts) && (len(args) == 0 || !strings.HasPrefix(args[0].Text, "x")) {
		return nil
	}
	dir := value(args, "-C")
	out := at.named(dir)
	for _, w := range args {
		for _, ext := range []string{".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar"} {
			if stem, ok := strings.CutSuffix(w.Text, ext); ok && w.Literal {
				out = append(out, at.named(path.Join(dir, path.Base(stem)))...)
			}
		}
	}
	return out
}

// extracts reports whether a word tells tar to unpack.
func extracts(w dockerfile.Argument) bool {
	return isShort(w.Text) && strings.Contains(w.Text, "x") || w.Text == "--extract" || w.Text == "--get"
}

// isShort reports whether a word is a bundle of one-letter options.
func isShort(word string) bool {
	return len(word) > 1 && word[0] == '-' && word[1] != '-'
}

// text is a word's value, "" when it is not literal.
func text(w dockerfile.Argument) string {
	if !w.Literal {
		return ""
	}
	return w.Text
}

// value is the literal word after an option, "" when there is none.
func value(args []dockerfile.Argument, option string) string {
	for n, w := range args[:max(0, len(args)-1)] {
		if w.Text == option {
			return text(args[n+1])
		}
	}
	return ""
}

// operands are the literal words that are no options.
func operands(args []dockerfile.Argument) []string {
	var out []string
	for _, w := range args {
		if w.Literal && !strings.HasPrefix(w.Text, "-") {
			out = append(out, w.Text)
		}
	}
	return out
}
