package review

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// settings are what the repository and its organisation decided, as it stood without the pull request: whoever opens
// one cannot switch off what it would be told. base is the commit to read them at; without one they are made from the
// head and the diff, where that can be. A configuration that cannot be used is noted, and what is under it holds.
// The notes also tell what the pull request makes of the configuration.
func (r *Reviewer) settings(ctx context.Context, head fs.FS, change *forge.Change, base string) (Settings, origin, []Note,
	error) {
	s, again := r.sources(ctx, change.Ref.Repo)
	c, from, err := r.standing(ctx, head, change, base, s)
	var notes []Note
	if unusable := (*config.Error)(nil); errors.As(err, &unusable) || err != nil && forge.Answer(err) {
		notes = []Note{useless(err)}
		c, err = config.Load(nothing{}, s)
	}
	if err != nil {
		return Settings{}, from, nil, err
	}
	s.Fetch = again
	from.local = len(c.Local) > 0
	notes = slices.Concat(notes, Lacking(c), Changed(head, change.Files, grown(head, change, c, from, s), s))
	return Settings{
		Options: c.Options(r.Options), MaxInline: c.MaxInline, FailOn: c.FailOn, Drafts: c.Drafts, Bots: c.Bots,
	}, from, notes, nil
}

// grown is the configuration from which the pull request's own grew, which is not that of the base branch when that has
// moved on.
func grown(head fs.FS, change *forge.Change, c *config.Config, from origin, s config.Settings) *config.Config {
	if from.without != nil || change.Full {
		return c
	}
	was, err := config.Load(before{earlier(head, change.Files, nil), head, change.Files, true}, s)
	if err != nil {
		return c
	}
	return was
}

// An origin is what a configuration was read from: the repository without the pull request, or a commit of the base branch.
type origin struct {
	without fs.FS
	commit  string
	local   bool // presets of the repository itself are a part of it
}

// holds reports whether that is the configuration of the base branch as it stands now. A pull request may begin at any
// commit, so what it grew from does not decide: that could be from before the configuration was made.
func (o origin) holds(st *forge.Standing) bool {
	switch {
	case st.Ref.Group != "":
		return true
	case o.without == nil:
		return o.commit == st.Base
	case o.local || st.Settings == nil:
		return false
	}
	return !slices.ContainsFunc(config.Names(), func(name string) bool {
		text, err := fs.ReadFile(o.without, name)
		blob, there := st.Settings[name]
		return there != (err == nil) || there && !forge.SameBlob(blob, text)
	})
}

// sources is what a repository's configuration is loaded with, and a Fetch that asks for nothing new.
func (r *Reviewer) sources(ctx context.Context, repo forge.Repo) (config.Settings, config.Fetch) {
	base, again := r.Library.readers(ctx, repo)
	return config.Settings{
		Checks: r.Options.Checks, Organisation: organisation(repo), Owner: repo.Owner, Owners: r.Owners, Fetch: base,
	}, again
}

// Settings is what a repository's configuration is loaded with, for whoever looks at it without a pull request.
func (r *Reviewer) Settings(ctx context.Context, repo forge.Repo) config.Settings {
	s, _ := r.sources(ctx, repo)
	return s
}

// inEffect is the configuration at a commit.
func (r *Reviewer) inEffect(ctx context.Context, repo forge.Repo, commit string) (*config.Config, error) {
	tree, err := r.Forge.Tree(ctx, repo, commit)
	if err != nil {
		return nil, err
	}
	s, _ := r.sources(ctx, repo)
	return config.Load(tree, s)
}

// aside is why a pull request is not looked at, "" when it is.
func (s Settings) aside(st *forge.Standing) string {
	switch {
	case st.Draft && s.Drafts == config.DraftsSkip:
		return "Drafts are not looked at here"
	case st.Bot && !st.Ours && s.Bots == config.BotsSkip:
		return "Bots' pull requests are not looked at here"
	}
	return ""
}

// audience is who reads a pull request. Unless the repository decided otherwise a draft is not commented on, and of a
// program's pull request only the changed lines are told. One of our own is never commented on.
func (s Settings) audience(st *forge.Standing) audience {
	a := audience{inline: s.MaxInline, lines: st.Bot && s.Bots != config.BotsAll}
	if st.Ours || st.Draft && s.Drafts != config.DraftsComment || st.Ref.Group != "" {
		a.inline = 0
	}
	return a
}

// standing is the configuration without the pull request, at a commit of the base branch when one is given. Else it is
// made from the head and the diff; where the host left out the diff of a file that matters, or files, the base branch
// itself is read.
func (r *Reviewer) standing(ctx context.Context, head fs.FS, change *forge.Change, base string, s config.Settings) (
	*config.Config, origin, error) {
	if base == "" && !change.Full {
		without := before{earlier(head, change.Files, nil), head, change.Files, true}
		c, err := config.Load(without, s)
		if !errors.Is(err, errLeftOut) {
			return c, origin{without: without}, err
		}
	}
	if base == "" {
		st, err := r.Forge.Standing(ctx, change.Ref)
		if err != nil {
			return nil, origin{}, err
		}
		base = st.Base
	}
	tree, err := r.Forge.Tree(ctx, change.Ref.Repo, base)
	if err != nil {
		return nil, origin{}, err
	}
	c, err := config.Load(tree, s)
	return c, origin{commit: base}, err
}

// useless tells of a configuration that counts as none: its first problem, and how many more there are.
func useless(err error) Note {
	n := Note{Words: err.Error()}
	var wrong *config.Error
	if errors.As(err, &wrong) {
		n = noteOfProblem(wrong.Problems[0], "")
		if more := len(wrong.Problems) - 1; more > 0 {
			n.Words += fmt.Sprintf(" (and %d more)", more)
		}
	}
	n.Words, n.Urgent = "the configuration cannot be used, and what holds without it was taken: "+n.Words, true
	return n
}

// noteOfProblem tells a problem with words before it. The place is in the words when it lies in another repository.
func noteOfProblem(p config.Problem, words string) Note {
	if p.Repo != "" {
		return Note{Words: words + p.Error()}
	}
	return Note{Path: p.Path, Line: p.Line, Words: words + p.Msg}
}

// Lacking tells of what a configuration had to do without.
func Lacking(c *config.Config) []Note {
	var out []Note
	for _, p := range c.Missing {
		out = append(out, noteOfProblem(p, "the configuration holds without a part of it: "))
	}
	for _, p := range c.Unread {
		out = append(out, noteOfProblem(p, "the configuration holds without a part of it, which is not read here: "))
	}
	return out
}

// maxBroken is how many problems of a configuration are told.
const maxBroken = 10

// Changed tells what a change makes of a configuration, before it holds: that it breaks it, or what will be different.
// s is what was loaded with, but for a Fetch that asks for nothing new.
func Changed(head fs.FS, changed []forge.ChangedFile, before *config.Config, s config.Settings) []Note {
	n := slices.IndexFunc(changed, func(c forge.ChangedFile) bool { return touches(c, before.Local) })
	if n < 0 {
		return nil
	}
	after, err := config.Load(head, s)
	var wrong *config.Error
	if errors.As(err, &wrong) {
		return broken(wrong.Problems)
	}
	if err != nil && forge.Answer(err) {
		const words = "this breaks the configuration: "
		return []Note{{Path: changed[n].Path, Words: words + err.Error(), Urgent: true, Fails: true}}
	}
	if err != nil {
		return nil // the caller's reads failed, which it knows
	}
	out := broken(fresh(before.Missing, after.Missing))
	for _, p := range fresh(before.Unread, after.Unread) {
		out = append(out, noteOfProblem(p, "this takes over a configuration that is read once it is merged: "))
	}
	if changes := config.Difference(before, after); len(changes) > 0 {
		const words = "once it is merged, this changes the configuration: "
		out = append(out, Note{Path: changed[n].Path, Words: words + listed(changes)})
	}
	return out
}

// configures reports whether a changed file may be a part of our configuration, as far as its name says.
func configures(c forge.ChangedFile) bool {
	return config.Wanted(c.Path) || config.Wanted(c.OldPath) || config.Preset(c.Path) || config.Preset(c.OldPath)
}

// touches reports whether a changed file is a part of a configuration, or one of the local presets.
func touches(c forge.ChangedFile, local []string) bool {
	return configures(c) || slices.Contains(local, c.Path) || c.OldPath != "" && slices.Contains(local, c.OldPath)
}

// fresh are the problems that were not there before, wherever they stood.
func fresh(before, after []config.Problem) []config.Problem {
	return slices.DeleteFunc(slices.Clone(after), func(p config.Problem) bool {
		same := func(b config.Problem) bool { return b.Reference == p.Reference && b.Msg == p.Msg }
		return slices.ContainsFunc(before, same)
	})
}

func broken(problems []config.Problem) []Note {
	var out []Note
	for n, p := range problems {
		note := noteOfProblem(p, "this breaks the configuration: ")
		if note.Urgent, note.Fails = true, true; n == maxBroken-1 && n < len(problems)-1 {
			note.Words += fmt.Sprintf(" (and %d more)", len(problems)-maxBroken)
		}
		if out = append(out, note); len(out) == maxBroken {
			break
		}
	}
	return out
}

// maxListed is how many bytes the changes of a configuration take.
const maxListed = 800

// listed are changes in one line of prose.
func listed(changes []config.Change) string {
	var out strings.Builder
	for n, c := range changes {
		part := fmt.Sprintf("`%s` %s → %s", plainly(c.Key), word(c.Was, c.WasFrom), word(c.Is, c.IsFrom))
		if out.Len()+len(part) > maxListed {
			fmt.Fprintf(&out, "; and %d more", len(changes)-n)
			break
		}
		if n > 0 {
			out.WriteString("; ")
		}
		out.WriteString(part)
	}
	return out.String()
}

// word is a value as code. A list of another repository is not repeated: that may be private, and hold the names of an
// organisation's own machines.
func word(value, from string) string {
	switch {
	case value == "":
		return "nothing"
	case config.Abroad(from) && strings.ContainsAny(value, "[{"):
		return "what `" + plainly(from) + "` says"
	}
	return "`" + plainly(markdown.Clip(value, maxListed/4)) + "`"
}

// plainly is a text without what would end its code span.
func plainly(s string) string { return strings.ReplaceAll(s, "`", "'") }
