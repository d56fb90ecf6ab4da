package review

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A finding is named by its path among other things, and a host leaves a thread at the path for which it was begun. So when
// a Dockerfile gets another name, by the pull request or between two pushes, its threads are looked for again: a finding in
// another file goes on with a thread when it would be the thread's own under the former path, and when that other file is
// what the former one became. It is told by the host's list of changed files, by what the last review knew, or by comparing
// the file as it was then. Nothing is asked for a thread whose finding is still where it was, or is nowhere: a copy
// inherits nothing.

const (
	// maxFormer is of how many paths the findings are named again.
	maxFormer = 20
	// maxMoved is how many threads a diary says of where their files are.
	maxMoved = 200
)

// A home is where the file of a thread lies at the head, and the name there of what the thread tells.
type home struct {
	path string
	id   string
}

// A lead is a thread of ours with all findings that may be the one that it tells, by the paths of their files.
type lead struct {
	posted
	at    string // where its file was last known to be
	finds map[string]check.Finding
}

// leads are the threads whose finding may be elsewhere than where they were begun. A finding that was told before, as was
// says, or has a thread of its own, is none that another thread goes on with.
func leads(found []check.Finding, st *forge.Standing, was diary) []lead {
	present, taken := present(found), taken(st, was)
	under := map[string]map[string][]check.Finding{}
	var out []lead
	for _, t := range st.Threads {
		p, ok := tells(t)
		at := cmp.Or(was.Moved[t.ID], t.Path)
		if !ok || t.Commit == st.Head || at == t.Path && (present[p.mark.id] || !p.matters()) {
			continue
		}
		if under[t.Path] == nil {
			if len(under) == maxFormer {
				continue
			}
			under[t.Path] = namedUnder(found, t.Path)
		}
		l := lead{p, at, map[string]check.Finding{}}
		for _, f := range under[t.Path][p.mark.id] {
			if f.Path == at || !taken[hidden.Finding(f.ID)] {
				l.finds[f.Path] = f
			}
		}
		out = append(out, l)
	}
	return out
}

// taken are the findings that have a thread at their own path, or were told before, by their names in markers.
func taken(st *forge.Standing, was diary) map[string]bool {
	out := map[string]bool{}
	for _, t := range st.Threads {
		if p, ok := tells(t); ok && p.matters() && was.Moved[t.ID] == "" {
			add(out, p)
		}
	}
	for _, l := range was.Told {
		if !l.Over {
			out[l.ID] = true
		}
	}
	return out
}

// matters reports whether a thread stands open, or may say that its finding was dismissed.
func (p posted) matters() bool { return p.live() || p.closed() || p.answered() || len(p.Downs) > 0 }

// present are the names in markers of findings.
func present(found []check.Finding) map[string]bool {
	out := map[string]bool{}
	for _, f := range found {
		out[hidden.Finding(f.ID)] = true
	}
	return out
}

// namedUnder are the findings by the name in markers that each would have under a path.
func namedUnder(found []check.Finding, path string) map[string][]check.Finding {
	out := map[string][]check.Finding{}
	for _, f := range found {
		if id := f.Under(path); id != "" {
			out[hidden.Finding(id)] = append(out[hidden.Finding(id)], f)
		}
	}
	return out
}

// stays reports whether the finding is where the file was last known to be.
func (l lead) stays() bool {
	_, ok := l.finds[l.at]
	return ok
}

// known is where a lead's file is as far as that can be told from the list of changed files: "" is nowhere. others are the
// paths that it may have instead, which only the files themselves tell.
func (l lead) known(renamed map[string]string) (path string, others []string) {
	for _, name := range slices.Sorted(maps.Keys(l.finds)) {
		switch {
		case name == l.at:
		case !l.stays() && (renamed[l.at] == name || renamed[l.Path] == name):
			return name, nil
		default:
			others = append(others, name)
		}
	}
	if l.stays() {
		return l.at, others
	}
	return "", others
}

// settled is the home of a lead whose file has that path at the head, "" for one that was not found: its finding is gone.
func (l lead) settled(path string, renamed map[string]string) (h home, moved bool) {
	if f, ok := l.finds[path]; ok {
		return home{path, hidden.Finding(f.ID)}, path != l.Path
	}
	path = cmp.Or(renamed[l.at], l.at)
	return home{path, short("elsewhere", l.mark.id)}, path != l.Path
}

// renamed are the new paths of the files that a change renames, by the old ones.
func renamed(changed []forge.ChangedFile) map[string]string {
	out := map[string]string{}
	for _, c := range changed {
		if c.Status == forge.Renamed {
			out[c.OldPath] = c.Path
		}
	}
	return out
}

// A guess is a lead with the path that its file seems to have, "" for none, and how well that fits.
type guess struct {
	lead
	path string
	fits int
}

// best is the path of a guess, unless it fits a file that was elsewhere better: then that went there.
func (g guess) best(all []guess) string {
	for _, o := range all {
		if o.path == g.path && o.at != g.at && o.fits > g.fits {
			return ""
		}
	}
	return g.path
}

// homes finds out where the files of threads went.
func (r *Reviewer) homes(ctx context.Context, s seen, st *forge.Standing, since Since, k *known) error {
	if s.examined == nil {
		return nil
	}
	renames, was := renamed(s.change.Files), readDiary(since.Memory)
	past := &past{reviewer: r, seen: s, repo: st.Ref.Repo, scores: map[[3]string]int{}, trees: map[string]forge.Tree{}}
	if past.last, _, _ = strings.Cut(since.Mark, "\n"); past.last == st.Head {
		past.last = "" // nothing went away since
	}
	guesses, err := past.guesses(ctx, leads(s.result.Findings, st, was), renames)
	if err != nil {
		return err
	}
	homes := map[string]home{}
	for _, g := range guesses {
		if h, moved := g.settled(g.best(guesses), renames); moved {
			homes[g.ID] = h
		}
	}
	k.homes, k.names = homes, names(homes, st, was.Moved, renames)
	k.twins = k.cousins(s.files, s.result.Findings, st)
	return nil
}

// present is a thread with the name that its finding has now.
func (k known) present(p posted) posted {
	p.home = p.Path
	if h, ok := k.homes[p.ID]; ok {
		p.home, p.mark.id = h.path, h.id
	}
	p.also = slices.Clone(p.also)
	for n, m := range p.also {
		p.also[n].id = cmp.Or(k.twins[m.id], m.id)
	}
	return p
}

// former are the names in markers that a comment's finding had as long as its file had other names.
func (k known) former(c Comment) []string {
	var out []string
	for _, path := range k.names[c.Finding.Path] {
		if id := c.Finding.Under(path); id != "" {
			out = append(out, hidden.Finding(id))
		}
	}
	return out
}

// names are the former paths of files, by the present ones.
func names(homes map[string]home, st *forge.Standing, moved, renamed map[string]string) map[string][]string {
	out := map[string][]string{}
	add := func(was, is string) {
		if was != "" && was != is && !slices.Contains(out[is], was) && len(out[is]) < maxFormer {
			out[is] = append(out[is], was)
		}
	}
	for _, t := range st.Threads {
		if h, ok := homes[t.ID]; ok {
			add(t.Path, h.path)
			add(moved[t.ID], h.path)
		}
	}
	for was, is := range renamed {
		add(was, is)
	}
	return out
}
