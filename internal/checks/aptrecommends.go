package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

var aptRecommends = &check.Check{
	Name:     "apt-recommends",
	Family:   check.SmallerImage,
	Summary:  "packages that are only recommended are installed along",
	Severity: check.Info,
	Aliases:  []string{"DL3015", "AVD-DS-0029", "DS-0029", "DS029"},
	Run:      runAptRecommends,
}

func runAptRecommends(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if !shipped(p, s) || decidesRecommends(s) {
			continue
		}
		for _, i := range s.Instructions {
			if run := bodyOf(i); run != nil {
				recommendedIn(p, i, run)
			}
		}
	}
	return nil
}

// recommends matches a setting of apt about recommended packages.
var recommends = pattern.New(`(?i)install-recommends\s+|install-recommends=|apt\.conf`)

// decidesRecommends reports whether a stage configures apt, so that what it installs is decided already.
func decidesRecommends(s *dockerfile.Stage) bool {
	for _, t := range lineage(s) {
		for _, i := range t.Instructions {
			text := i.File().Text(i.Span)
			if recommends.MatchString(text) && (i.Keyword != "RUN" || strings.Contains(text, "apt.conf") ||
				strings.Contains(text, "APT::")) {
				return true
			}
		}
	}
	return false
}

// recommendedIn reports the installs of one RUN that bring recommended packages.
func recommendedIn(p *check.Pass, i, run *dockerfile.Instruction) {
	r := rewording{
		message: "`apt-get install` also brings the packages that these only recommend: more to ship, update and scan",
		title:   "Leave out packages that are only recommended", rule: fixes.NoRecommends,
	}
	cmds, _ := commands(run)
	for _, c := range cmds {
		if verb, ok := recommended(c); ok {
			r.words = append(r.words, fixes.Rewording{At: behindSwitches(c, verb), Text: "--no-install-recommends"})
			if at, ok := certificates(i, c); ok {
				r.words = append(r.words, fixes.Rewording{At: at, Text: "ca-certificates"})
			}
		}
	}
	if len(r.words) > 0 {
		r.report(p, i, run)
	}
}

// recommended is the place of the verb of an install of named packages that says nothing about recommended ones.
func recommended(c dockerfile.Command) (verb int, ok bool) {
	a, ok := ecosystem.AptCall(c)
	if !ok || a.Verb != "install" || a.Program == "aptitude" || len(a.Args) == 0 {
		return 0, false
	}
	settled := func(o string) bool { return strings.Contains(o, "ecommends") || o == "-f" || o == "--fix-broken" }
	if slices.ContainsFunc(a.Options, settled) || slices.ContainsFunc(c.Words, optional) {
		return 0, false
	}
	verb = slices.IndexFunc(c.Words, func(w dockerfile.Argument) bool { return w.Text == "install" })
	return verb, verb > 0
}

// optional reports whether a word is a variable that by its name holds options.
func optional(w dockerfile.Argument) bool {
	name := strings.ToLower(strings.Trim(w.Text, `"'{}`))
	return strings.HasPrefix(name, "$") && (strings.Contains(name, "opt") || strings.Contains(name, "arg") || strings.Contains(name, "flag"))
}

// behindSwitches is the last of the short options directly behind the verb, or the verb.
func behindSwitches(c dockerfile.Command, verb int) dockerfile.Span {
	for verb+1 < len(c.Words) && slices.Contains([]string{"-y", "-yq", "-qy", "-yqq", "-qqy", "-qq", "-q", "--yes",
		"--assume-yes"}, c.Words[verb+1].Text) {
		verb++
	}
	return c.Words[verb].Span
}

// certificates is where ca-certificates has to be added: behind a client that only recommends them and needs them for
// https, unless the stage installs them elsewhere or its base brings them.
func certificates(i *dockerfile.Instruction, c dockerfile.Command) (at dockerfile.Span, ok bool) {
	for _, s := range lineage(i.Stage) {
		for _, other := range s.Instructions {
			if strings.Contains(other.File().Text(other.Span), "ca-certificates") {
				return at, false
			}
		}
		if ref, ok := s.Image(); s.Parent == nil && ok && brings(ref) {
			return at, false
		}
	}
	for _, w := range c.Words {
		name, _, _ := strings.Cut(w.Text, "=")
		if w.Literal && slices.Contains([]string{"curl", "wget", "git"}, name) {
			return w.Span, true
		}
	}
	return at, false
}

// brings reports whether an image of Debian's family is known to have ca-certificates: the full ones of languages do.
func brings(ref string) bool {
	name, tag, _ := strings.Cut(ref, ":")
	return slices.Contains([]string{"node", "python", "ruby", "golang", "rust", "openjdk", "php", "buildpack-deps", "perl"},
		path.Base(name)) && !strings.Contains(tag, "slim") && !strings.Contains(tag, "alpine")
}
