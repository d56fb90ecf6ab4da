package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

const (
	webText = "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci --omit=dev && npm cache clean --force\n" +
		"EXPOSE 3000\nUSER node\nCMD node server.js\n"
	apiText = "FROM python:3.12-slim-bookworm\nWORKDIR /srv\nCOPY . .\nRUN pip install --no-cache-dir flask\nUSER nobody\n" +
		"CMD python app.py\n"
)

// A renaming is a pull request with the pushes that follow, and what stands open after each.
type renaming struct {
	base     map[string]string
	change   githubtest.Commit
	dismiss  []string // threads, as open shows them, that are dismissed after the first review
	pushes   []githubtest.Commit
	want     []string // of open threads at the end
	said     int      // threads that there ever were
	requests int      // at most, of the last review
}

// moving is a commit that renames a file, and gives it a text.
func moving(from, to, text string) githubtest.Commit {
	return githubtest.Commit{Message: "Rename", Files: map[string]string{to: text}, Delete: []string{from}}
}

func adding(files ...string) githubtest.Commit {
	c := githubtest.Commit{Message: "Change", Files: map[string]string{}}
	for n := 0; n < len(files); n += 2 {
		c.Files[files[n]] = files[n+1]
	}
	return c
}

// TestARenameChangesNothing renames Dockerfiles under what was said of them: what was dismissed stays so, what is open is
// told once, where it is now, and a second look writes nothing.
func TestARenameChangesNothing(t *testing.T) {
	t.Parallel()
	const a, b, c = "web/Dockerfile", "web/app.Dockerfile", "web/Dockerfile.prod"
	const d = "web/zebra.Dockerfile"
	order, form := " copy-order", " shell-form"
	grown := webText + strings.Repeat("# more words that are of no account\n", 30)
	for name, r := range map[string]renaming{
		"an added file": {
			change: adding(a, webText), dismiss: []string{a + form}, pushes: []githubtest.Commit{moving(a, b, webText)},
			want: []string{b + order}, said: 3, requests: 10,
		},
		"a file of the base": {
			base:   map[string]string{a: strings.ReplaceAll(webText, ". .", "src .")},
			change: adding(a, strings.Replace(webText, "server.js", "main.js", 1)), dismiss: []string{a + form},
			pushes: []githubtest.Commit{moving(a, b, strings.Replace(webText, "server.js", "main.js", 1))},
			want:   []string{b + order}, said: 3, requests: 9,
		},
		"in small steps": {
			change: adding(a, webText), dismiss: []string{a + form, a + order},
			pushes: []githubtest.Commit{
				moving(a, b, "# A head\n"+webText), adding(b, grown), moving(b, c, grown), adding(c, grown+grown[len(webText):]),
			}, said: 2, requests: 6,
		},
		"other words": {
			change: adding(a, webText), dismiss: []string{a + form, a + order},
			pushes: []githubtest.Commit{moving(a, b, strings.Replace(webText, "server.js", "main.js", 1))},
			want:   []string{b + form}, said: 3, requests: 10,
		},
		"a swap": {
			change: adding(a, webText, b, apiText), dismiss: []string{a + form, a + order},
			pushes: []githubtest.Commit{adding(a, apiText, b, webText), adding("README.md", "swapped")},
			want:   []string{a + form, a + " unpinned-packages"}, said: 6, requests: 6,
		},
		"there and back": {
			change: adding(a, webText), dismiss: []string{a + form},
			pushes: []githubtest.Commit{moving(a, b, webText), moving(b, a, webText)}, want: []string{a + order}, said: 4, requests: 10,
		},
		"a copy": {
			change: adding(a, webText), dismiss: []string{a + form, a + order},
			pushes: []githubtest.Commit{adding(b, "# A copy\n"+webText)}, want: []string{b + order, b + form}, said: 4, requests: 7,
		},
		"an exact copy": {
			change: adding(a, webText), dismiss: []string{a + form, a + order},
			pushes: []githubtest.Commit{adding(b, webText)}, want: []string{b + order, b + form}, said: 4, requests: 7,
		},
		"an exact copy before it": {
			change: adding(b, webText), dismiss: []string{b + form, b + order},
			pushes: []githubtest.Commit{adding(a, webText)}, want: []string{a + order, a + form}, said: 4, requests: 7,
		},
		"a family, of which one is renamed": {
			change: adding(a, webText, c, webText), dismiss: []string{a + form},
			pushes: []githubtest.Commit{moving(a, d, webText)}, want: []string{c + order}, said: 3, requests: 10,
		},
		"a family, of which another is renamed": {
			change: adding(a, webText, c, webText), dismiss: []string{a + form},
			pushes: []githubtest.Commit{moving(c, d, webText)}, want: []string{a + order}, said: 2, requests: 7,
		},
		"a family, of which all are renamed": {
			change: adding(a, webText, c, webText), dismiss: []string{a + form},
			pushes: []githubtest.Commit{{
				Message: "Rename", Files: map[string]string{"web/x.Dockerfile": webText, d: webText}, Delete: []string{a, c},
			}}, want: []string{"web/x.Dockerfile" + order}, said: 3, requests: 10,
		},
		"a family, of which the first goes": {
			change: adding(a, webText, c, webText), dismiss: []string{a + form},
			pushes: []githubtest.Commit{{Message: "Delete", Delete: []string{a}}}, want: []string{c + order}, said: 3, requests: 9,
		},
		"a family that comes apart": {
			change: adding(a, webText, c, webText), dismiss: []string{a + form},
			pushes: []githubtest.Commit{adding(c, "# Mine\n"+webText)}, want: []string{a + order, c + order}, said: 3, requests: 9,
		},
		"another file in its place": {
			change: adding(a, webText), dismiss: []string{a + form, a + order},
			pushes: []githubtest.Commit{moving(a, b, webText), adding(a, "# Another\n"+webText), adding("README.md", "more")},
			want:   []string{a + order, a + form}, said: 4, requests: 6,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.run(t)
		})
	}
}

func (r renaming) run(t *testing.T) {
	s := newStage(t)
	base := archived(demo.Base)
	delete(base, "web/Dockerfile")
	for name, text := range r.base {
		base[name] = text
	}
	repo, err := s.hub.CreateRepo("acme", "shop", base)
	must(t, err)
	repo.SetPermission("ann", "write")
	_, err = repo.Commit("topic", r.change)
	must(t, err)
	pull := openTopic(t, repo)
	s.settled(t)
	for n, which := range r.dismiss {
		dismissed(t, pull, which, n)
		s.settled(t)
	}
	for _, c := range r.pushes {
		s.hub.ForgetRequests()
		_, err := repo.Commit("topic", c)
		must(t, err)
		s.settled(t)
		lastRun(t, pull)
		if got := standing(t, pull); len(got) != len(slices.Compact(slices.Clone(got))) {
			t.Errorf("said twice: %q", got)
		}
	}
	s.requests(t, r.requests)
	if got := standing(t, pull); !slices.Equal(got, r.want) {
		t.Errorf("open are %q, want %q", got, r.want)
	}
	threads, err := pull.Threads()
	must(t, err)
	if len(threads) != r.said {
		t.Errorf("%d threads, want %d", len(threads), r.said)
	}
	must(t, pull.Close("robin"))
	must(t, pull.Reopen("robin"))
	s.settled(t)
	for _, q := range s.hub.Requests() {
		if wrote(q) {
			t.Errorf("a second look wrote: %s %s %s", q.Method, q.Path, q.Operation)
		}
	}
}

var checkOf = regexp.MustCompile(`<sub>\[([a-z-]+)\]\(`)

// standing are the open threads: the path and the check of each.
func standing(t *testing.T, pull *githubtest.Pull) []string {
	t.Helper()
	threads, err := pull.Threads()
	must(t, err)
	var out []string
	for _, th := range threads {
		if first := th.Comments[0]; th.ResolvedBy == "" && first.Minimized == "" {
			out = append(out, th.Path+" "+checkOf.FindStringSubmatch(first.Body)[1])
		}
	}
	slices.Sort(out)
	return out
}

// dismissed dismisses what an open thread tells, in one of the ways there are.
func dismissed(t *testing.T, pull *githubtest.Pull, which string, way int) {
	t.Helper()
	threads, err := pull.Threads()
	must(t, err)
	n := slices.IndexFunc(threads, func(th githubtest.Thread) bool {
		return th.ResolvedBy == "" && which == th.Path+" "+checkOf.FindStringSubmatch(th.Comments[0].Body)[1]
	})
	if n < 0 {
		t.Fatalf("nothing like %q is open, only %q", which, standing(t, pull))
	}
	switch way % 3 {
	case 0:
		err = pull.Reply(threads[n].ID, "ann", "/lighterman ignore because it has to be")
	case 1:
		err = pull.Resolve(threads[n].ID, "ann")
	case 2:
		err = pull.React(threads[n].Comments[0].ID, "ann", "-1")
	}
	must(t, err)
}
