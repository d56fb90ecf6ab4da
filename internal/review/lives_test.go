package review

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/internal/forge"
)

// A life is a Dockerfile of a pull request, whatever it is called, with one finding.
type life struct {
	words     string   // of its instruction
	lines     []string // that are about nothing
	names     []string // that it ever had, the present one last
	thread    int      // the one that a person closed
	dismissed bool
	answered  bool
}

func (l *life) name() string { return l.names[len(l.names)-1] }

func (l *life) text() string {
	return "FROM node\nADD " + l.words + "\n" + strings.Join(l.lines, "") + "USER node\n"
}

// lives are all Dockerfiles that a pull request has and had.
type lives struct {
	*tenant
	all, dead []*life
	base      map[string]string
	count     int  // of what is unlike anything that was before
	alike     bool // all instructions have the same words
	forgets   bool // what the last review left
}

func (m *lives) fresh(format string) string {
	m.count++
	return fmt.Sprintf(format, m.count)
}

// born is a new Dockerfile under a name.
func (m *lives) born(name string) {
	l := &life{words: m.fresh("src%d /app"), names: []string{name}}
	if m.alike {
		l.words = ". ."
	}
	for range 6 {
		l.lines = append(l.lines, m.fresh("# line %d\n"))
	}
	m.all = append(m.all, l)
}

// had reports whether a file ever was called that with such an instruction; where nothing is remembered, with any. A finding
// is known by its path and its words: another that has both is taken for it.
func (m *lives) had(name, words string) bool {
	return slices.ContainsFunc(slices.Concat(m.all, m.dead), func(l *life) bool {
		return (m.forgets || l.words == words) && slices.Contains(l.names, name)
	})
}

// free draws a name that no file has.
func (m *lives) free(t *rapid.T, words string) string {
	var names []string
	for _, dir := range []string{"", "a/", "a/b/", "Ü b/"} {
		for _, base := range []string{"Dockerfile", "dockerfile", "x.Dockerfile", "Dockerfile.x", "y.Dockerfile"} {
			name := dir + base
			has := func(l *life) bool { return l.name() == name }
			if !m.had(name, words) && !slices.ContainsFunc(m.all, has) {
				names = append(names, name)
			}
		}
	}
	return rapid.SampledFrom(names).Draw(t, "name")
}

func (m *lives) draw(t *rapid.T) *life { return m.all[rapid.IntRange(0, len(m.all)-1).Draw(t, "file")] }

// copied draws a copy of a file, with a line more that tells it from the original for good.
func (m *lives) copied(t *rapid.T) {
	l := m.draw(t)
	if m.forgets || slices.ContainsFunc(m.dead, func(o *life) bool { return o.words == l.words }) {
		return // it would be taken for the one that is gone, under a new name
	}
	lines := append(slices.Clone(l.lines), m.fresh("# copy %d, and two lines are never as much like it\n"))
	m.all = append(m.all, &life{words: l.words, names: []string{m.free(t, l.words)}, lines: lines})
}

// happen draws something that a person does to the files.
func (m *lives) happen(t *rapid.T) {
	if len(m.all) == 0 {
		m.born(m.free(t, ". ."))
		return
	}
	l := m.draw(t)
	was := l.name()
	switch rapid.SampledFrom([]string{"rename", "swap", "delete", "add", "lines", "words", "replace"}).Draw(t, "what") {
	case "rename":
		l.names = append(l.names, m.free(t, l.words))
	case "swap":
		other := m.draw(t)
		is := other.name()
		if !m.had(is, l.words) && !m.had(was, other.words) {
			l.names, other.names = append(l.names, is), append(other.names, was)
		}
	case "delete":
		m.dead = append(m.dead, l)
		m.all = slices.DeleteFunc(m.all, func(o *life) bool { return o == l })
	case "add":
		if len(m.all) < 6 {
			m.born(m.free(t, ". ."))
		}
	case "replace":
		if !m.alike {
			l.names = append(l.names, m.free(t, l.words))
			m.born(was)
		}
	case "lines":
		l.lines = slices.Insert(l.lines, rapid.IntRange(0, len(l.lines)).Draw(t, "at"), m.fresh("# line %d\n"))
	case "words":
		if !m.alike {
			m.dead = append(m.dead, &life{words: l.words, names: l.names})
			l.words, l.dismissed, l.answered = m.fresh("other%d /app"), false, false
		}
	}
}

// speak draws something that a person says about a file's finding.
func (m *lives) speak(t *rapid.T) {
	if len(m.all) == 0 {
		return
	}
	l := m.draw(t)
	n := slices.IndexFunc(m.threads, func(th forge.Thread) bool { return th.Path == l.name() && l.toldIn(th) })
	if n < 0 {
		m.reopen(t, l)
		return
	}
	th := &m.threads[n]
	l.thread = n
	switch rapid.SampledFrom([]string{"resolve", "thumb", "ignore", "answer"}).Draw(t, "says") {
	case "resolve":
		th.Resolved, th.ResolvedBy, l.dismissed = true, "ann", true
	case "thumb":
		th.Downs, l.dismissed = []string{"ann"}, true
	case "ignore":
		m.say("ann", "/lighterman ignore", n)
		l.dismissed, l.answered = true, true
	case "answer":
		m.say("joe", "Why?", n)
		l.answered = true
	}
}

// reopen may open again a thread that a person closed and said nothing else about.
func (m *lives) reopen(t *rapid.T, l *life) {
	if !l.dismissed || l.answered || !rapid.Bool().Draw(t, "reopens") {
		return
	}
	th := &m.threads[l.thread]
	if th.ResolvedBy == "ann" && len(th.Downs) == 0 && th.Path == l.name() {
		th.Resolved, th.ResolvedBy, l.dismissed = false, "", false
	}
}

func (m *lives) files() map[string]string {
	out := map[string]string{}
	for _, l := range m.all {
		out[l.name()] = l.text()
	}
	return out
}

// tell has the host say of renamed files of the base branch that they are that, as it does while they are alike.
func (m *lives) tell(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "tells") == 0 {
		return
	}
	for _, l := range m.all {
		was, is := l.names[0], l.name()
		_, stays := m.tree[was]
		_, before := m.base[is]
		if stays || before || likeness([]byte(m.base[was]), []byte(l.text())) == 0 {
			continue
		}
		gone := slices.IndexFunc(m.change.Files, func(c forge.ChangedFile) bool { return c.Path == was })
		if gone < 0 {
			continue
		}
		m.change.Files = slices.Delete(m.change.Files, gone, gone+1)
		n := slices.IndexFunc(m.change.Files, func(c forge.ChangedFile) bool { return c.Path == is })
		c := &m.change.Files[n]
		c.Status, c.OldPath, c.Patch = forge.Renamed, was, patchOf(m.base[was], l.text())
	}
}

// toldIn reports whether a thread stands open and is about the words of a file.
func (l *life) toldIn(th forge.Thread) bool {
	return !th.Resolved && th.Hidden == "" && strings.Contains(th.Comments[0].Body, l.words)
}

// check looks twice: there is one open thread for each finding that was not dismissed, and nothing to write.
func (m *lives) check(outer *testing.T, t *rapid.T) {
	m.look(outer, adds)
	for _, l := range m.all {
		open := 0
		for _, th := range m.threads {
			there := th.Path == l.name() || l.answered && slices.Contains(l.names, th.Path)
			if there && l.toldIn(th) {
				open++
			}
		}
		switch {
		case l.dismissed && l.answered: // the command's thread may stand where it was answered
		case l.dismissed && open > 0, !l.dismissed && open != 1:
			t.Fatalf("%d threads of %q, dismissed: %t, answered: %t\n%s\nopen: %q", open, l.names, l.dismissed, l.answered, l.text(), m.said())
		}
	}
	if out := m.look(outer, adds); out.End != Unchanged {
		t.Fatalf("a second look writes %+v", out.Plan)
	}
}

// TestLives has Dockerfiles copied, renamed, swapped, edited and deleted at random, and people speak about them.
func TestLives(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		m := &lives{alike: rapid.Bool().Draw(t, "alike"), forgets: rapid.IntRange(0, 2).Draw(t, "forgetful") == 0}
		for range rapid.IntRange(1, 4).Draw(t, "files") {
			m.born(m.free(t, ". ."))
		}
		if rapid.Bool().Draw(t, "based") {
			m.base = m.files()
			for name, text := range m.base {
				m.base[name] = regexp.MustCompile("(?m)^ADD.*\n").ReplaceAllString(text, "")
			}
		}
		m.tenant = &tenant{desk: checkDesk(m.base, m.files())}
		m.check(outer, t)
		for range rapid.IntRange(1, 5).Draw(t, "pushes") {
			m.push(t)
			m.check(outer, t)
		}
	})
}

// push draws what people say, and the next head.
func (m *lives) push(t *rapid.T) {
	for range rapid.IntRange(0, 2).Draw(t, "words") {
		m.speak(t)
	}
	if len(m.all) > 0 && len(m.all) < 6 && rapid.IntRange(0, 4).Draw(t, "copies") == 0 {
		m.copied(t)
	} else {
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			m.happen(t)
		}
	}
	if m.forgets && rapid.Bool().Draw(t, "forgets") {
		m.Since = Since{}
	}
	m.next(m.base, m.files())
	m.tell(t)
}
