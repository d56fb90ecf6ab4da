package checks

import (
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A base is an image that a stage stands on.
type base struct {
	stage *dockerfile.Stage
	at    dockerfile.Word // the reference as written
	ref   string          // with the defaults of global ARGs put in
	args  []string        // the ARGs it is made of
}

// basesOf are the images that the file's stages stand on, in order: no earlier stage, not scratch, and none that cannot
// be known, since it is made of an ARG without a default or of one that a build sets.
func basesOf(p *check.Pass) []base {
	var out []base
	for _, s := range p.File.Stages {
		if s.Parent != nil || len(s.From.Words) == 0 || strings.EqualFold(s.Base, "scratch") {
			continue
		}
		b := base{stage: s, at: s.From.Words[0], args: argsIn(s.Base)}
		ref, ok := s.Image()
		if !ok || argsPassed(p, b.args) {
			continue
		}
		b.ref = ref
		out = append(out, b)
	}
	return out
}

// argUse matches the use of a variable.
var argUse = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// argsIn are the names of the variables that text uses.
func argsIn(text string) []string {
	var out []string
	for _, m := range argUse.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// argsPassed reports whether a build may set one of the ARGs, so that its default does not count.
func argsPassed(p *check.Pass, names []string) bool {
	for _, b := range p.Builds {
		for _, name := range names {
			if _, ok := b.Args[name]; ok || b.Unknown != "" {
				return true
			}
		}
	}
	return false
}

// tagOf is the tag of a reference, "" when it has none.
func tagOf(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[at+1:]
	}
	return ""
}
