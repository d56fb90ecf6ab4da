package check

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// Ignore comments, ours and those of the tools people come from, so that what was decided once is not asked again:
//
//	# lighterman ignore=copy-order,root-user because ...     the instruction below
//	# lighterman global ignore=root-user                     the whole file
//	# hadolint ignore=DL3009       # hadolint global ignore=DL3009
//	# check=skip=JSONArgsRecommended;error=true              BuildKit: at the top the file, else the instruction below
//	# checkov:skip=CKV_DOCKER_3:reason    # trivy:ignore:AVD-DS-0002    the whole file
var (
	pragma    = pattern.New(`^#\s*(?:lighterman|hadolint)\s+(global\s+)?ignore\s*=\s*([\w.-]+(?:\s*,\s*[\w.-]+)*)`)
	ownPragma = pattern.New(`^#\s*lighterman\s`)
	buildkit  = pattern.New(`^#\s*check\s*=\s*(?:.*;)?\s*skip\s*=\s*([\w-]+(?:\s*,\s*[\w-]+)*)`)
	scanner   = pattern.New(`^#\s*(?:checkov:skip=|trivy:ignore:)\s*([\w-]+)`)
)

// ignores are what a file asks not to hear of.
type ignores []ignore

// An ignore is one name in an ignore comment.
type ignore struct {
	name  string
	line  int                     // of the comment
	below *dockerfile.Instruction // what it speaks of, nil for the whole file
	ours  bool                    // written for us, not for another tool
}

// ignoresOf reads the comments of a file.
func ignoresOf(f *dockerfile.File) ignores {
	var ig ignores
	if skip := strings.ToLower(f.Directive("check")); skip != "" {
		ig.read("# check="+skip, 1, nil)
	}
	for _, s := range f.Segments() {
		if s.Kind == dockerfile.Comment {
			ig.read(strings.TrimSpace(f.Text(s.Span)), f.Line(s.Span.Start), instructionAt(f, s.Span))
		}
	}
	return ig
}

// read takes in one comment; below is the instruction it stands on or in, nil for the whole file.
func (ig *ignores) read(comment string, line int, below *dockerfile.Instruction) {
	if m := pragma.FindStringSubmatch(comment); m != nil {
		at := below
		if m[1] != "" {
			at = nil
		}
		ig.put(m[2], ignore{line: line, below: at, ours: ownPragma.MatchString(comment)})
	}
	if m := buildkit.FindStringSubmatch(comment); m != nil {
		ig.put(m[1], ignore{line: line, below: below})
	}
	if m := scanner.FindStringSubmatch(comment); m != nil {
		ig.put(m[1], ignore{line: line})
	}
}

func (ig *ignores) put(list string, like ignore) {
	for _, name := range strings.Split(list, ",") {
		like.name = strings.TrimSpace(name)
		*ig = append(*ig, like)
	}
}

// nowhere is the index of what no comment covers.
const nowhere = -1

// cover reports whether the file asked not to hear of f, and by which of its ignores.
func (ig ignores) cover(f Finding, file *dockerfile.File) (by int, ok bool) {
	if len(ig) == 0 {
		return nowhere, false
	}
	at := instructionAt(file, f.At)
	by = slices.IndexFunc(ig, func(i ignore) bool {
		return (i.below == nil || i.below == at) && (f.Check.GoesBy(i.name) || strings.EqualFold(i.name, "all"))
	})
	return by, by != nowhere
}

// Templates are not Dockerfiles yet: their placeholders stand where instructions and words should.
var (
	templateExt  = []string{".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".in", ".erb", ".mustache"}
	placeholder  = pattern.New(`@@[A-Z][A-Z0-9_]*@@|<%[=-]?\s|\{%-?\s`)
	templateLine = pattern.New(`(?im)^\s*(?:\{\{|\{%|<%|(?:FROM|COPY|ADD|ENV|ARG|WORKDIR|USER|EXPOSE|LABEL)\s.*\{\{)`)
)

// pointerStart begins the pointer files of Git LFS (git-lfs, docs/spec.md).
const pointerStart = "version https://git-lfs.github.com/spec/"

// template says why a file is taken for a template, or stands for another one, "" when it is a file of its own. Braces inside a RUN or CMD are ordinary: Go's and
// Docker's own --format options use them.
func template(name string, src []byte) string {
	if bytes.HasPrefix(src, []byte(pointerStart)) {
		return "a pointer of Git LFS, which keeps the file's text elsewhere"
	}
	if ext := strings.ToLower(path.Ext(name)); slices.Contains(templateExt, ext) {
		return "a template (" + ext + "), not yet a Dockerfile"
	}
	if !marks(src) {
		return ""
	}
	if m := placeholder.Find(src); m != nil {
		return "a template (" + strings.TrimSpace(string(m)) + "), not yet a Dockerfile"
	}
	if templateLine.Match(src) {
		return "a template ({{ }}), not yet a Dockerfile"
	}
	return ""
}

// marks reports whether a text has something that a template might consist of; most have nothing.
func marks(src []byte) bool {
	return slices.ContainsFunc([]string{"{{", "{%", "<%", "@@"}, func(mark string) bool { return bytes.Contains(src, []byte(mark)) })
}
