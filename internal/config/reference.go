package config

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Reference names a configuration file: OWNER/REPO, OWNER/REPO:path/file.yml, OWNER/REPO:path/file.yml@ref, or
// ./path/file.yml for one of the repository that names it.
type Reference struct {
	Repo string // "owner/name"; "" is the repository whose configuration is read
	Path string // from the root; "" is the repository's own configuration, under one of the names in Files
	Ref  string // a branch, a tag or a commit; "" is the default branch
}

// String is the reference as it is written.
func (r Reference) String() string {
	if r.Repo == "" {
		return "./" + r.Path
	}
	out := r.Repo
	if r.Path != "" {
		out += ":" + r.Path
	}
	if r.Ref != "" {
		out += "@" + r.Ref
	}
	return out
}

// where is the file's name in an error: of the repository itself its path.
func (r Reference) where() string {
	if r.Repo == "" {
		return r.Path
	}
	return r.String()
}

// Owner is who the repository belongs to.
func (r Reference) Owner() string {
	owner, _, _ := strings.Cut(r.Repo, "/")
	return owner
}

// key is equal for references that are the same to a code host.
func (r Reference) key() Reference {
	r.Repo = strings.ToLower(r.Repo)
	return r
}

// ours reports whether it is known that a file's path names a configuration of lighterman. Of one that could be
// anything nothing is repeated: whoever may write one repository's configuration shall not read another's files with it.
func (r Reference) ours() bool {
	return r.Repo == "" || r.Path == "" || strings.Contains(strings.ToLower(r.Path), "lighterman")
}

// repository and revision are what a reference may consist of. They hold nothing that means something in an address.
const (
	repositoryForm = `[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}`
	revisionForm   = `[A-Za-z0-9][A-Za-z0-9._/-]{0,199}`
	fileForm       = `[^:@\\\s]{1,250}\.ya?ml`
)

// referenceForm is what the schema says of a reference.
const referenceForm = `^(\./` + fileForm + `|` + repositoryForm + `(:` + fileForm + `)?(@` + revisionForm + `)?)$`

var isReference = regexp.MustCompile(`^(?:\./(` + fileForm + `)|(` + repositoryForm + `)(?::(` + fileForm + `))?(?:@(` +
	revisionForm + `))?)$`)

func (reference) form() string { return referenceForm }

func (r reference) rule() string {
	if _, ok := r.parse(); !ok {
		const form = "%q names no preset, as in OWNER/REPO, OWNER/REPO:path/file.yml, OWNER/REPO:path/file.yml@v1 or " +
			"./path/file.yml"
		return fmt.Sprintf(form, shortened(string(r)))
	}
	return ""
}

func (r reference) parse() (out Reference, ok bool) {
	m := isReference.FindStringSubmatch(string(r))
	if m == nil {
		return out, false
	}
	if out = (Reference{Repo: m[2], Path: m[3], Ref: m[4]}); out.Repo == "" {
		out.Path = m[1]
	}
	return out, out.valid()
}

// valid refuses what the pattern cannot: names that are steps in a path.
func (r Reference) valid() bool {
	_, name, _ := strings.Cut(r.Repo, "/")
	steps := strings.Split(r.Ref, "/")
	empty := r.Ref != "" && slices.Contains(steps, "")
	return name != "." && name != ".." && !empty && !strings.Contains(r.Ref, "..") &&
		(r.Path == "" || fs.ValidPath(r.Path) && path.Base(r.Path) != ".")
}
