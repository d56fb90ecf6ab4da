package ecosystem

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lighterman/lighterman/internal/pattern"
)

// addressFlags take the address of an index or of a page of links, or a directory in its place.
var addressFlags = []string{"-i", "--index-url", "--extra-index-url", "--default-index", "--index",
	"-f", "--find-links"}

// indexes is why the addresses that a command names may be directories, "" when they are none.
func (p parsed) indexes() string {
	for _, flag := range addressFlags {
		for _, address := range p.given[flag] {
			if !strings.Contains(address, "://") || strings.Contains(address, "file:") {
				return "it looks for packages in " + address
			}
		}
	}
	return ""
}

// requirements reads the files that the command names, and those that they name.
func (r *reading) requirements(p parsed) {
	for _, file := range slices.Concat(p.given["-r"], p.given["--requirement"], p.given["-c"], p.given["--constraint"]) {
		r.requirement(r.dir, file)
	}
	for _, flag := range addressFlags {
		for _, address := range p.given[flag] {
			if r.outside(address) {
				continue // a directory that another step has filled
			}
			if !strings.Contains(address, "://") || strings.Contains(address, "file:") {
				r.refuse("it looks for packages in %s", address)
			}
		}
	}
}

// outside reports whether an absolute path of the image has nothing to do with what is copied.
func (r *reading) outside(name string) bool {
	name = path.Clean(name)
	below := func(a, b string) bool { return a == b || strings.HasPrefix(a, strings.TrimSuffix(b, "/")+"/") }
	return path.IsAbs(name) && r.image != "" && !below(name, r.image) && !below(r.image, name)
}

// requirement reads one requirements or constraints file. Once the answer is unknown nothing more is read: files that
// each name two others would be read twice as often at every step.
func (r *reading) requirement(dir, file string) {
	if r.unknown != "" || strings.Contains(file, "://") {
		return // fetched, not read from the repository
	}
	name, ok := r.within(dir, file)
	if !ok || r.inputs[name] {
		return
	}
	data, ok := r.content(name)
	if !ok {
		return
	}
	if !plainText(data) {
		r.refuse("%s is not plain text", name)
		return
	}
	for _, line := range requirementLines(string(data)) {
		r.requirementLine(name, line)
	}
}

// plainText reports whether pip and uv take a file apart into the same lines: it is UTF-8 and has no control characters
// but tabs and line ends. PowerShell writes UTF-16, which pip reads as well.
func plainText(data []byte) bool {
	odd := func(r rune) bool {
		return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' || r == '\u2028' || r == '\u2029'
	}
	return utf8.Valid(data) && !strings.ContainsFunc(string(data), odd)
}

var comment = pattern.New(`(^|\s+)#.*$`)

// requirementLines are the lines of a list, those that end in a backslash joined with the next and without comments. A
// comment does not go on in the next line, whatever it ends in.
func requirementLines(text string) []string {
	var out []string
	open := ""
	ends := func(r rune) bool { return r == '\n' || r == '\r' }
	for _, line := range strings.FieldsFunc(strings.TrimPrefix(text, "\ufeff"), ends) {
		isComment := strings.HasPrefix(strings.TrimLeft(line, " \t"), "#")
		if before, ok := strings.CutSuffix(line, `\`); ok && !isComment {
			open += before
			continue
		}
		if isComment {
			line = " " + line
		}
		out = append(out, strings.TrimSpace(comment.ReplaceAllString(open+line, "")))
		open = ""
	}
	return append(out, strings.TrimSpace(comment.ReplaceAllString(open, "")))
}

// requirementLine reads one line; see https://pip.pypa.io/en/stable/reference/requirements-file-format/.
func (r *reading) requirementLine(name, line string) {
	if !strings.HasPrefix(line, "-") {
		requirement, _, _ := strings.Cut(line, ";")
		if isPath(strings.TrimSpace(requirement)) {
			r.refuse("%s names %s, which is part of the sources", name, line)
		}
		return
	}
	p := requirementOptions.parse(shortened(strings.Fields(line)))
	if p.unknown != "" || len(p.rest) > 0 || p.has("-e", "--editable") {
		r.refuse("%s has the line %q, which may name part of the sources", name, line)
		return
	}
	for _, flag := range addressFlags {
		for _, address := range p.given[flag] {
			r.remote(name, address)
		}
	}
	for _, file := range slices.Concat(p.given["-r"], p.given["--requirement"], p.given["-c"], p.given["--constraint"]) {
		r.requirement(path.Dir(name), file)
	}
}

var requirementOptions = options{
	switches: []string{"--no-index", "--pre", "--prefer-binary", "--require-hashes"},
	values: []string{"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url",
		"--trusted-host",
		"--no-binary", "--only-binary", "--use-feature", "-f", "--find-links", "-e", "--editable"},
}

// archives are the endings of files that pip takes for packages.
var archives = []string{".whl", ".zip", ".tar", ".tgz", ".tbz", ".txz", ".tlz",
	".tar.gz", ".tar.bz2", ".tar.xz", ".tar.lz"}

// isPath reports whether a requirement is a place in the file system rather than a name or an address.
func isPath(requirement string) bool {
	target := requirement
	if before, after, ok := strings.Cut(requirement, "@"); ok && !strings.Contains(before, "/") {
		target = strings.TrimSpace(after)
		if target == "" || !strings.Contains(target, "/") && !strings.HasPrefix(target, "file:") {
			return false
		}
	}
	if strings.Contains(target, "file:") || target != "" && strings.ContainsRune("./$~", rune(target[0])) {
		return true
	}
	archive := slices.ContainsFunc(archives, func(ext string) bool { return strings.HasSuffix(target, ext) })
	return !strings.Contains(target, "://") && (archive || strings.Contains(target, "/"))
}
