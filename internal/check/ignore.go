package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Ignore comments, ours and those of the tools people come from, so that what was decided once is not asked again:
//
//	# lighterman ignore=copy-order,root-user because ...     the instruction below
//	# lighterman global ignore=root-user                     the whole file
//	# hadolint ignore=DL3009       # hadolint global ignore=DL3009
//	# check=skip=JSONArgsRecommended;error=true              BuildKit: at the top the file, else the instruction below
//	# checkov:skip=CKV_DOCKER_3:reason    # trivy:ignore:AVD-DS-0002    the whole file
var (
	pragma   = regexp.MustCompile(`^#\s*(?:lighterman|hadolint)\s+(global\s+)?ignore\s*=\s*([\w.-]+(?:\s*,\s*[\w.-]+)*)`)
	buildkit = regexp.MustCompile(`^#\s*check\s*=\s*(?:.*;)?\s*skip\s*=\s*([\w-]+(?:\s*,\s*[\w-]+)*)`)
	scanner  = regexp.MustCompile(`^#\s*(?:checkov:skip=|trivy:ignore:)\s*([\w-]+)`)
)

// ignores are the names a file asks not to hear of.
type ignores struct {
	file         []string
	instructions map[*dockerfile.Instruction][]string
}

// ignoresOf reads the comments of a file.
func ignoresOf(f *dockerfile.File) ignores {
	ig := ignores{instructions: map[*dockerfile.Instruction][]string{}}
	if skip := strings.ToLower(f.Directive("check")); skip != "" {
		ig.read("# check="+skip, nil)
	}
	for _, s := range f.Segments() {
		if s.Kind == dockerfile.Comment {
			ig.read(strings.TrimSpace(f.Text(s.Span)), instructionAt(f, s.Span))
		}
	}
	return ig
}

// read takes in one comment; below is the instruction it stands on or in, nil for the whole file.
func (ig *ignores) read(comment string, below *dockerfile.Instruction) {
	if m := pragma.FindStringSubmatch(comment); m != nil {
		if m[1] != "" {
			below = nil
		}
		ig.put(m[2], below)
	}
	if m := buildkit.FindStringSubmatch(comment); m != nil {
		ig.put(m[1], below)
	}
	if m := scanner.FindStringSubmatch(comment); m != nil {
		ig.put(m[1], nil)
	}
}

func (ig *ignores) put(list string, below *dockerfile.Instruction) {
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		if below == nil {
			ig.file = append(ig.file, name)
		} else {
			ig.instructions[below] = append(ig.instructions[below], name)
		}
	}
}

// cover reports whether the file asked not to hear of f.
func (ig ignores) cover(f Finding, file *dockerfile.File) bool {
	names := ig.file
	if i := instructionAt(file, f.At); i != nil {
		names = append(names[:len(names):len(names)], ig.instructions[i]...)
	}
	for _, name := range names {
		if f.Check.GoesBy(name) || strings.EqualFold(name, "all") {
			return true
		}
	}
	return false
}

// Templates are not Dockerfiles yet: their placeholders stand where instructions and words should.
var (
	templateExt  = []string{".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".in", ".erb", ".mustache"}
	placeholder  = regexp.MustCompile(`@@[A-Z][A-Z0-9_]*@@|<%[=-]?\s|\{%-?\s`)
	templateLine = regexp.MustCompile(`(?im)^\s*(?:\{\{|\{%|<%|(?:FROM|COPY|ADD|ENV|ARG|WORKDIR|USER|EXPOSE|LABEL)\s.*\{\{)`)
)

// template says why a file is taken for a template, "" when it is not. Braces inside a RUN or CMD are ordinary: Go's and
// Docker's own --format options use them.
func template(name string, src []byte) string {
	if ext := strings.ToLower(path.Ext(name)); slices.Contains(templateExt, ext) {
		return "a template (" + ext + "), not yet a Dockerfile"
	}
	if m := placeholder.Find(src); m != nil {
		return "a template (" + strings.TrimSpace(string(m)) + "), not yet a Dockerfile"
	}
	if templateLine.Match(src) {
		return "a template ({{ }}), not yet a Dockerfile"
	}
	return ""
}
