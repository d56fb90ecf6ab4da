package fixes

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// MergeRuns makes one RUN of two or more that stand directly below one another: their scripts joined by "&&". The
// comments above the first and those inside stay where they are.
//
// That the merged RUN does the same is held by an allowlist: shell form in a Unix shell without options that read
// files; equal flags, whose mounts keep or discard nothing in between; scripts that are && lists of known programs,
// none of which the shell could find elsewhere the second time; nothing but blank lines in between, and no linter
// pragma above.
func MergeRuns(f *dockerfile.File, runs ...*dockerfile.Instruction) ([]Edit, error) {
	if len(runs) < 2 {
		return nil, refuse("one RUN has nothing to be merged with")
	}
	var before []dockerfile.Command // of the runs so far
	var look layout
	var edits []Edit
	for n, run := range runs {
		if n > 0 {
			if err := neighbours(f, runs[n-1], run); err != nil {
				return nil, err
			}
		}
		cmds, err := joinable(f, run)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			before, look = cmds, layoutOf(f, run, cmds)
			continue
		}
		if err := follows(run, before, cmds); err != nil {
			return nil, err
		}
		e, err := junction(f, runs[n-1], run, look)
		if err != nil {
			return nil, err
		}
		before, edits = slices.Concat(before, cmds), append(edits, e)
	}
	return scripted(f, runs[0], 1-len(runs), before, edits...)
}

// neighbours says why the two RUNs cannot be one, whatever their scripts.
func neighbours(f *dockerfile.File, first, second *dockerfile.Instruction) error {
	if err := adjacent(f, first, second); err != nil {
		return err
	}
	return sameFlags(first, second)
}

// follows says why cmds, those of run, would do something else behind others in one shell than in a RUN of their own.
func follows(run *dockerfile.Instruction, before, cmds []dockerfile.Command) error {
	if err := foundAgain(before, cmds); err != nil {
		return err
	}
	return leavesPlace(run, before)
}

// adjacent says why second does not follow first closely enough.
func adjacent(f *dockerfile.File, first, second *dockerfile.Instruction) error {
	for _, i := range []*dockerfile.Instruction{first, second} {
		if err := own(f, i); err != nil {
			return err
		}
		if i.Keyword != "RUN" {
			return refuse("%s on line %d is not a RUN", i.Keyword, i.Line())
		}
	}
	switch {
	case second.Index != first.Index+1 || first.Stage != second.Stage:
		return refuse("the two RUNs do not follow one another")
	case strings.TrimSpace(f.Text(dockerfile.Span{Start: first.Span.End, End: second.Span.Start})) != "":
		return refuse("a comment stands between the two RUNs")
	}
	for line := range strings.Lines(f.Text(first.Lead)) {
		if pragma.MatchString(line) {
			return refuse("the linter comment above line %d would cover both", first.Line())
		}
	}
	return nil
}

// sameFlags says why the flags of two RUNs do not let them be one.
func sameFlags(first, second *dockerfile.Instruction) error {
	a, err := mergeableFlags(first)
	if err != nil {
		return err
	}
	b, err := mergeableFlags(second)
	if err != nil {
		return err
	}
	if !slices.Equal(a, b) {
		return refuse("the two RUNs have different flags")
	}
	return nil
}

// mergeableFlags are the flags of a RUN as a sorted list, if none of them treats two RUNs otherwise than one.
func mergeableFlags(run *dockerfile.Instruction) ([]string, error) {
	var out []string
	for _, fl := range run.Flags {
		name := strings.ToLower(fl.Name)
		switch {
		case name == "mount" && !lastingMount(fl.Value):
			return nil, refuse("what is written to --mount=%s is gone after each RUN", fl.Value)
		case !slices.Contains([]string{"mount", "network", "security"}, name):
			return nil, refuse("--%s is not known to treat one RUN like two", fl.Name)
		}
		out = append(out, name+"="+fl.Value)
	}
	slices.Sort(out)
	return out, nil
}

// lastingMount reports whether a mount looks to a second RUN as the first one left it: caches, read-only binds,
// secrets and ssh, but not a tmpfs or a writable bind, which are discarded.
func lastingMount(value string) bool {
	kind := "bind"
	for _, field := range strings.Split(value, ",") {
		key, val, _ := strings.Cut(field, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "type":
			kind = strings.ToLower(strings.TrimSpace(val))
		case "rw", "readwrite", "ro", "readonly":
			return false
		}
	}
	return slices.Contains([]string{"bind", "cache", "secret", "ssh"}, kind)
}

// joinable is the list of commands of a RUN whose script may be joined with another.
func joinable(f *dockerfile.File, run *dockerfile.Instruction) ([]dockerfile.Command, error) {
	cmds, err := chain(f, run)
	if err != nil {
		return nil, err
	}
	for _, c := range cmds {
		name, err := program(c)
		if err != nil {
			return nil, err
		}
		if !harmless[name] && !settled[name] && !programs[name] {
			return nil, refuse("%s is not among the programs known to be joined safely", name)
		}
		for _, w := range c.Words {
			if err := steady(w); err != nil {
				return nil, err
			}
		}
	}
	return cmds, nil
}

// chain is the list of commands of a RUN that is "a && b && c" in a plain Unix shell.
func chain(f *dockerfile.File, run *dockerfile.Instruction) ([]dockerfile.Command, error) {
	if len(run.Heredocs) > 0 {
		return nil, refuse("line %d: a here-document is left alone", run.Line())
	}
	script, err := scriptOf(f, run)
	if err != nil {
		return nil, err
	}
	cmds, ok := script.Chain()
	if strings.Contains(run.Text(), "\r") {
		return nil, refuse("the shell takes the carriage return on line %d as text", run.Line())
	}
	if !ok {
		return nil, refuse("the script on line %d is more than commands joined by &&", run.Line())
	}
	return cmds, nil
}

// foundAgain refuses a program that runs in both lists when the first may install it anew: a shell remembers where it
// found a program, two shells look twice.
func foundAgain(a, b []dockerfile.Command) error {
	if !slices.ContainsFunc(a, func(c dockerfile.Command) bool { return programs[c.Name()] }) {
		return nil
	}
	for _, c := range b {
		again := slices.ContainsFunc(a, func(d dockerfile.Command) bool { return c.Name() == d.Name() })
		if again && !harmless[c.Name()] {
			return refuse("%s runs in both, and a shell does not look again for what it found once", c.Name())
		}
	}
	return nil
}

// junction replaces what stands between the two scripts.
func junction(f *dockerfile.File, first, second *dockerfile.Instruction, look layout) (Edit, error) {
	gap := dockerfile.Span{Start: first.Body.End, End: second.KeywordSpan.End}
	if n := len(second.Flags); n > 0 {
		gap.End = second.Flags[n-1].Span.End
	}
	if strings.TrimSpace(f.Text(dockerfile.Span{Start: gap.Start, End: first.Span.End})) != "" ||
		commented(second, dockerfile.Span{Start: second.Span.Start, End: gap.End}) {
		return Edit{}, refuse("a comment stands between the two scripts")
	}
	between := f.Text(dockerfile.Span{Start: gap.End, End: second.Body.Start})
	if strings.Contains(between, "\n") {
		return edit(f, gap, " &&"), nil
	}
	gap.End = second.Body.Start
	return edit(f, gap, look.join(f, firstEOL(f, first))), nil
}
