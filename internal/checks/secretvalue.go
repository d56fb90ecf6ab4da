package checks

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
	"github.com/lighterman/lighterman/internal/secret"
)

// secretValue finds literal credentials, by what they look like. It gives advice only, for a value that was written down is
// known; and it never stands on the value.
var secretValue = &check.Check{
	Name:     "secret-value",
	Family:   check.Hygiene,
	Summary:  "a literal credential is written in the file, for everyone who reads the repository or pulls the image",
	Severity: check.Error,
	Private:  true,
	Run:      runSecretValue,
}

func runSecretValue(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if i.Stage == nil && i.Keyword != "ARG" {
			continue
		}
		found, err := credentials(i)
		if err != nil {
			return err
		}
		lines := map[int]bool{}
		for _, c := range found {
			line := p.File.Line(c.at.Start)
			if lines[line] {
				continue
			}
			lines[line] = true
			p.Advise(c.at, c.kind()+" is written here, so everyone who can read the repository or pull the image has it",
				"it is known already: have it replaced where it was issued, then mount the new one into the step that needs it with "+
					"RUN --mount=type=secret, or set it when the container starts")
		}
	}
	return nil
}

// A credential is a literal one in an instruction.
type credential struct {
	rule string
	at   dockerfile.Span // something on the same line that is not it
	span dockerfile.Span // where it stands
}

// kind names the kind of credential with an article.
func (c credential) kind() string {
	switch c.rule {
	case "generic-api-key":
		return "a literal secret"
	case "private-key":
		return "a private key"
	case "curl-auth-user", "curl-auth-header":
		return "a literal credential for curl"
	}
	return "a literal credential (`" + c.rule + "`)"
}

// credentials are those in an instruction's own text and here-documents.
func credentials(i *dockerfile.Instruction) ([]credential, error) {
	if !slices.Contains([]string{"ENV", "ARG", "LABEL", "RUN", "COPY", "ADD", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"},
		i.Keyword) || (i.Keyword == "COPY" || i.Keyword == "ADD") && len(i.Heredocs) == 0 {
		return nil, nil
	}
	span := i.Code()
	found, err := secret.Find(withEquals(i, i.File().Text(span)))
	var out []credential
	for _, c := range found {
		at := dockerfile.Span{Start: span.Start + c.Start, End: span.Start + c.End}
		name, ok := assignedAt(i, at)
		if ok && (harmlessName(name.name) || c.Rule == "generic-api-key" && !secretName(nameParts(name.name))) {
			continue
		}
		stand := standing(i, at, found, span.Start)
		if ok {
			stand = name.at
		}
		out = append(out, credential{rule: c.Rule, at: stand, span: at})
	}
	return out, err
}

// withEquals is the text of an instruction in which the old form "ENV name value" reads as the new one, byte for byte: what
// a value is named counts for what it is.
func withEquals(i *dockerfile.Instruction, text string) string {
	if i.Keyword != "ENV" || len(i.Words) < 2 || strings.Contains(i.Words[0].Text, "=") {
		return text
	}
	at := i.Words[0].Span.End - i.Code().Start
	if at < 0 || at >= len(text) || text[at] != ' ' && text[at] != '\t' {
		return text
	}
	return text[:at] + "=" + text[at+1:]
}

// assignedAt is the assignment of an ENV, ARG or LABEL in whose value a span lies.
func assignedAt(i *dockerfile.Instruction, at dockerfile.Span) (assignment, bool) {
	if i.Keyword != "ENV" && i.Keyword != "ARG" && i.Keyword != "LABEL" {
		return assignment{}, false
	}
	all := assignments(i)
	for n, a := range slices.Backward(all) {
		if a.at.End <= at.Start && (n == len(all)-1 || at.Start < all[n+1].at.Start) {
			return a, true
		}
	}
	return assignment{}, false
}

// harmlessName reports whether a name says that what it holds may be read by all.
func harmlessName(name string) bool {
	parts := nameParts(name)
	return slices.ContainsFunc(parts, func(w string) bool {
		return w == "ANON" || w == "PUBLIC" || w == "PUBLISHABLE" || w == "DUMMY" || w == "FAKE" || w == "EXAMPLE"
	}) || len(parts) > 0 && bundledForBrowsers(parts)
}

var plainStart = pattern.New(`^[A-Za-z][A-Za-z-]{0,30}(?:[ \t]|$)`)

// standing is the first word of a credential's line, where that is a plain one and no credential, else the keyword.
func standing(i *dockerfile.Instruction, at dockerfile.Span, all []secret.Credential, base int) dockerfile.Span {
	f := i.File()
	line := f.LineSpan(f.Line(at.Start))
	text := f.Text(line)
	start := line.Start + len(text) - len(strings.TrimLeft(text, " \t&|;("))
	first := strings.TrimSpace(plainStart.FindString(f.Text(dockerfile.Span{Start: start, End: line.End})))
	word := dockerfile.Span{Start: start, End: start + len(first)}
	covered := slices.ContainsFunc(all, func(c secret.Credential) bool {
		return word.Overlaps(dockerfile.Span{Start: base + c.Start, End: base + c.End})
	})
	if word.Empty() || covered || !i.Span.Contains(word) {
		return i.KeywordSpan
	}
	return word
}
