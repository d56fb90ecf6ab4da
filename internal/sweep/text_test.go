package sweep

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// hostile is what a Dockerfile or its path may try.
const hostile = "x`|a\n<!-- lighterman:v1 sweep=caching bundle=0000000000000000 base=0000000000000000 title=0000000000000000 " +
	"text=0000000000000000 -->\n\n</details> @all fixes #1 [skip ci] --> https://evil.example \x00\u202e"

// TestHostileWordsForgeNothing: whatever a Dockerfile says, the note that is read is ours and nothing is obeyed.
func TestHostileWordsForgeNothing(t *testing.T) {
	c := &check.Check{Name: "loud", Family: check.Caching}
	b := Bundle{Topic: Topics(nil)[0], Left: 2, Files: []forge.FileText{{Path: hostile, Text: []byte("x")}}}
	for n := range 30 {
		b.Applied = append(b.Applied, check.Finding{Check: c, Path: hostile, ID: fmt.Sprint(n), Kin: fmt.Sprint(n), Line: 3,
			Message: hostile, Fixes: []fixes.Fix{{Title: hostile, Intent: fixes.Unchanged{}}}})
	}
	there := &forge.Repository{Branch: "main", Subjects: []string{hostile}}
	w := propose(b, map[string]bool{"1": true}, there, sweepsOn())
	text := w.made.textFor(nil)
	above, n, ok := noteOf(text.Body)
	if !ok || n.bundle != w.bundle || len(n.names) != 30 || n.fresh || textMark(above) != n.text {
		t.Errorf("the note is %+v", n)
	}
	for _, bad := range []string{"<!--", "@all", "#1", "https://evil", "[skip ci]", "\x00", "\u202e"} {
		if strings.Contains(above, bad) { // in code as well: squashed it is the message of a commit
			t.Errorf("%q is in\n%s", bad, above)
		}
	}
	for line := range strings.Lines(above) {
		if bars := strings.Count(strings.ReplaceAll(line, "\\|", ""), "|"); bars != 0 && bars != 4 {
			t.Errorf("a row has %d bars: %s", bars, line)
		}
	}
	if strings.Count(above, "<details>") != 1 || strings.Count(above, "</details>") != 1 {
		t.Errorf("details are not closed:\n%s", above)
	}
	message := w.made.message
	if mark, ok := bundleOf(message); !ok || mark != w.bundle {
		t.Errorf("the trailer is %q", mark)
	}
	for _, bad := range []string{"@all", "#1", "[skip ci]", "://", "\x00"} {
		if strings.Contains(message, bad) {
			t.Errorf("%q is in\n%s", bad, message)
		}
	}
}

// TestPathsAreNotObeyed: a name of a directory that would be obeyed in a commit's message is told without, in text and
// message, and any other stays code.
func TestPathsAreNotObeyed(t *testing.T) {
	for path, code := range map[string]bool{
		"fixes #12/Dockerfile": false, "@all/Dockerfile": false, "closes GH-3/Dockerfile": false, "[skip ci]/Dockerfile": false,
		"resolves https://github.com/o/r/issues/1/Dockerfile": false, "web/Dockerfile": true, "c#/Dockerfile": true,
	} {
		b := Bundle{Topic: Topics(nil)[0], Applied: []check.Finding{{Check: words().Checks[0], Path: path, Message: "`" + path + "` is slow",
			Fixes: []fixes.Fix{{Title: "Do", Intent: fixes.Unchanged{}}}}}}
		w := propose(b, nil, &forge.Repository{Branch: "main"}, sweepsOn())
		text := w.made.textFor(nil).Body
		if is := strings.Contains(text, "`"+path+"`"); is != code {
			t.Errorf("%s: code %t in\n%s", path, is, text)
		}
		if !code && (strings.Contains(text, path) || strings.Contains(w.made.message, path)) {
			t.Errorf("%s is told as it is in\n%s\n%s", path, text, w.made.message)
		}
	}
}

// TestNotesReadBack: what is written into a body is read from it, however much it is, and however GitHub ends lines.
func TestNotesReadBack(t *testing.T) {
	n := note{topic: "multi-stage", bundle: hidden.Hash("a"), base: hidden.Hash("b"), title: hidden.Hash("c"), text: hidden.Hash("d")}
	for _, size := range []int{0, 1, lineful, lineful + 1, maxNames, maxNames + 7} {
		n.names, n.heirs, n.asked, n.fresh = nil, nil, nil, size%2 == 1
		for k := range size {
			one := nameOf(check.Finding{ID: fmt.Sprint(k), Kin: fmt.Sprint(k), Path: fmt.Sprint(k)})
			n.names, n.heirs = append(n.names, one), append(n.heirs, heir{one, hidden.Hash("was")})
			if k < maxPins {
				n.asked = append(n.asked, refMark(fmt.Sprint(k)))
			}
		}
		body := strings.ReplaceAll("Some text.\n\n"+n.String(), "\n", "\r\n") + "\r\n"
		above, got, ok := noteOf(body)
		want := n
		want.names, want.heirs = n.names[:min(size, maxNames)], n.heirs[:min(size, maxHeirs)]
		if !ok || got.more != (size > maxNames) || above != "Some text." || !slices.Equal(got.names, want.names) || !slices.Equal(got.heirs, want.heirs) ||
			!slices.Equal(got.asked, want.asked) ||
			got.fresh != n.fresh || got.content() != n.content() || got.String() != n.String() {
			t.Errorf("%d: %t %q %+v", size, ok, above, got)
		}
		if len(n.String()) > 29_000 {
			t.Errorf("a note of %d takes %d bytes", size, len(n.String()))
		}
	}
	for _, body := range []string{"", "text", "text\n\n" + hidden.Line("sweep=x"), "`" + n.String(), "> " + n.String()} {
		if _, _, ok := noteOf(body); ok {
			t.Errorf("%q has a note", body)
		}
	}
}

// TestTextsAreBounded: hundreds of fixes with long words make a body that GitHub takes, and say what did not fit.
func TestTextsAreBounded(t *testing.T) {
	b := Bundle{Topic: Topics(nil)[0]}
	for n := range maxNames {
		b.Applied = append(b.Applied, check.Finding{Check: words().Checks[0], Path: strings.Repeat("d/", 300) + "Dockerfile", ID: fmt.Sprint(n),
			Message: strings.Repeat("wörd ", 400), Fixes: []fixes.Fix{{Title: strings.Repeat("title ", 100), Intent: fixes.Unchanged{}}}})
	}
	w := propose(b, nil, &forge.Repository{Branch: "main"}, sweepsOn())
	text := w.made.textFor(nil)
	if text == nil || len(text.Body) > maxBody || !strings.Contains(text.Body, "more changes did not fit here.") {
		t.Errorf("%+v", text)
	}
	if len(w.made.message) > 20_000 || !strings.Contains(w.made.message, "- and 470 more\n") {
		t.Errorf("a message of %d bytes", len(w.made.message))
	}
}

// TestGainIsToldWhereKnown and nothing is guessed.
func TestGainIsToldWhereKnown(t *testing.T) {
	for g, want := range map[Gain]string{
		{}: "", {Bytes: 5000, Known: 1}: "", {Bytes: 7}: "", {Bytes: 2_340_000, Known: 1}: " 2.3 MB smaller", {Bytes: 1_250_000_000, Known: 3}: " 1.2 GB smaller",
	} {
		b := Bundle{Topic: Topics(nil)[2], Gain: g}
		if got := b.body(nil); want == "" && strings.Contains(got, "smaller") || !strings.Contains(got, want) {
			t.Errorf("%+v: %s", g, got)
		}
	}
}

// TestTitles follow the log of a repository, or what was decided.
func TestTitles(t *testing.T) {
	const plain = "Make images smaller"
	for _, tt := range []struct {
		log    string
		prefix string
		want   string
	}{
		{"", "", plain},
		{"Add a page/Fix the page/Remove it/More", "", plain},
		{"feat: a/fix: b", "", plain},
		{"feat: a/fix: b/docs: c/chore: d", "", "chore: make images smaller"},
		{"feat: a/fix: b/docs: c/style: d", "", "chore: make images smaller"},
		{"feat: a/fix: b/build: c/chore: d", "", "build: make images smaller"},
		{"feat(api): a/fix(web)!: b/ci: c/test: d", "", "ci(docker): make images smaller"},
		{"feat: a/fix: b/build(docker): c/chore: d", "", "build(docker): make images smaller"},
		{"feat: a/fix: b/Add c/Add d/Add e", "", plain},
		{"feat: a/fix: b/Add c/Add d", "", "chore: make images smaller"},
		{"chore(deps): bump a/chore(deps): bump b/Bump c from 1 to 2/Add d/Add e/Fix f/Fix g", "", plain},
		{"Merge pull request/Merge branch/Merge x/feat: a/fix: b/fix: c/fix: d", "", "chore: make images smaller"},
		{"feat: a/fix: b/docs: c/chore: d", "[docker]", "[docker] Make images smaller"},
		{"Add a", "build(images):", "build(images): make images smaller"},
		{"http://x: y/note: z is/TODO: w/WIP: v", "", plain},
	} {
		if got := title(plain, tt.prefix, strings.Split(tt.log, "/")); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.log, got, tt.want)
		}
	}
}

// TestUnmuteIsACommand of its own.
func TestUnmuteIsACommand(t *testing.T) {
	for body, want := range map[string]bool{
		"/lighterman unmute": true, "  /lighterman   UNMUTE \r\nthanks": true, "/lighterman unmute now": false,
		"/lighterman": false, "/lightermanunmute": false, "/lighterman-unmute": false, "please /lighterman unmute": false,
		"    /lighterman unmute": false, "> /lighterman unmute": false, "hello\n/lighterman unmute": false, "": false,
	} {
		if got := asksUnmute(body); got != want {
			t.Errorf("%q: %t", body, got)
		}
	}
}
