package review

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
	"github.com/lighterman/lighterman/internal/markdown/markdowntest"
)

// hostileWords are what a stranger can put into the name of a folder, or into an instruction.
var hostileWords = []string{
	"@everyone fixes #1", "closes GH-7 of o≠r#2", "a|b `c` | d", "| --- |", "<img src=x onerror=y>", "<!-- lighterman:v1 answer=1 -->",
	"<!-- lighterman:v1 id=0123456789abcdef text=0123456789abcdef -->", "![i](x.png) [l](javascript:x)", "[skip ci] ***NO_CI***",
	"x\nLighterman-Request: guid-9\nCo-authored-by: eve <e@x>\n", "x\n\n```\n</details>\n# head\n", "x\r\n+++ b\n@@ -1 +1 @@\n-a\n+b",
	"\u202eesrever\u2066", "\x1b[31mred\x07", "www.evil.example", "`" + "``suggestion", "$x^2$", "*a* __b__ ~~c~~", "\\|", "a\\",
	strings.Repeat("long ", 800),
}

// repeats is a check whose words are the Dockerfile's own.
var repeatsWords = &check.Check{Name: "repeats", Severity: check.Warning, Run: func(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		switch i.Keyword {
		case "LABEL":
			p.Report(i.Span, "the label "+i.Text()+" does nothing", fixes.Fix{
				Title: "Remove " + i.Text(), Intent: fixes.RunsAs{User: i.Text()},
				Edits: []fixes.Edit{{Path: p.File.Path, Start: i.Span.Start, End: i.Span.End}},
			})
		case "EXPOSE":
			p.Advise(i.Span, "the port `"+i.Text()+"` is odd", "nobody knows "+i.Text())
		}
	}
	return nil
}}

// spokenOn reviews a pull request whose names, words and people are these, clicks a button and gives commands, and is
// everything that was said, in order.
func spokenOn(t *testing.T, word string) (bodies []string, d *desk) {
	t.Helper()
	line := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == 0 {
			return ' '
		}
		return r
	}, word)
	text := "FROM node\nLABEL x " + line + " x\nEXPOSE x " + line + " x\nADD . .\n"
	d = checkDesk(nil, map[string]string{"a " + word + "/Dockerfile": text, "b " + word + "/Dockerfile": text})
	all := []*check.Check{adds, rootly, repeatsWords}
	d.mustReview(t, Published, all...)
	d.fork = true
	q := fixAll(d, "ann")
	d.request(t, Published, q, all...)
	d.say("joe", "/lighterman nothing-of-ours "+line)
	d.say("ann", "/lighterman ignore inline because "+line, 0)
	d.mustReview(t, Published, all...)
	for _, thread := range d.threads {
		for _, c := range thread.Comments {
			if c.Ours {
				bodies = append(bodies, c.Body)
			}
		}
	}
	for _, c := range d.talk {
		if c.Ours {
			bodies = append(bodies, c.Body)
		}
	}
	for _, r := range d.reviews {
		bodies = append(bodies, r.Body)
	}
	for _, run := range d.drafts {
		bodies = append(bodies, run.Summary, run.Text)
	}
	return bodies, d
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	blocks = regexp.MustCompile(`(?s)<pre><code.*?</code></pre>`)
)

// skeleton is the elements of rendered Markdown; code blocks, which hold any text, count as one, and so do code spans.
func skeleton(html string) string {
	return strings.Join(tags.FindAllString(blocks.ReplaceAllString(html, "<pre>"), -1), "")
}

// TestHostileWordsStayWords holds that whatever names and words a pull request is made of, all that is said about it has
// the form that it has for harmless ones: the same paragraphs, cells, links and code, no mention, no reference, no image.
func TestHostileWordsStayWords(t *testing.T) {
	harmless, _ := spokenOn(t, "word")
	for _, word := range hostileWords {
		said, d := spokenOn(t, word)
		if len(said) != len(harmless) {
			t.Fatalf("%q: %d bodies, want %d", word, len(said), len(harmless))
		}
		for n, body := range said {
			html := markdowntest.Render(t, body)
			if got, want := skeleton(html), skeleton(markdowntest.Render(t, harmless[n])); got != want && !strings.Contains(word, "`") && len(word) < markdown.MaxPhrase {
				t.Errorf("%q changes the form of\n%s\nfrom\n%s\nto\n%s", word, body, want, got)
			}
			outside := codeSpans.ReplaceAllString(blocks.ReplaceAllString(html, ""), "")
			if ref := markdowntest.Reference.FindString(strings.ReplaceAll(outside, "&#39;", "'")); ref != "" || strings.Contains(outside, "<img") {
				t.Errorf("%q: the reference %q is live in\n%s", word, ref, body)
			}
			for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html, -1) {
				if !strings.HasPrefix(href[1], "https://github.com/lighterman/lighterman/blob/main/internal/checks/") {
					t.Errorf("%q: a link to %s", word, href[1])
				}
			}
			if len(body) > 65_536 || strings.ContainsFunc(codeBlocks.ReplaceAllString(body, ""), invisible) {
				t.Errorf("%q: %d bytes, or characters that do not show, in\n%q", word, len(body), body)
			}
			if marks := markersOf(body); slices.ContainsFunc(marks, func(m marker) bool { return m.id == "0123456789abcdef" }) {
				t.Errorf("%q: its marker is taken for ours", word)
			}
		}
		for _, run := range d.drafts {
			for _, a := range run.Annotations {
				if strings.ContainsFunc(a.Title+a.Message, invisible) || strings.Contains(a.Message, "\n") || len(a.Message) > maxMessage {
					t.Errorf("%q: annotation %q", word, a.Message)
				}
			}
			if strings.ContainsFunc(run.Title, invisible) || len(run.Title) > 255 || len(run.Key) > 200 {
				t.Errorf("%q: title %q, key %q", word, run.Title, run.Key)
			}
		}
	}
}

// codeBlocks are those of Markdown, which keep the bytes of files.
var codeBlocks = regexp.MustCompile("(?ms)^(`{3,})[a-z]*\n.*?^`{3,}$")

func invisible(r rune) bool { return r != '\n' && !unicode.IsPrint(r) && r != '\u200b' }

// TestHostileWordsInACommit holds that names and words of a repository are not obeyed in the message of our commit: they
// add no line, no trailer, no mention and no reference, and keep no tests from running.
func TestHostileWordsInACommit(t *testing.T) {
	orders := regexp.MustCompile(`(?i)(^|\W)@\w|#\d|\bgh-\d|\[[^\]]*\]|\*\*\*|://`)
	for _, word := range hostileWords {
		for _, paths := range [][]string{{"a " + word}, {"a " + word, "b " + word}} {
			files := map[string]string{}
			for _, path := range paths {
				files[path+"/Dockerfile"] = "FROM node\nADD . .\nUSER node\n# " + path[:1] + "\n"
			}
			d := checkDesk(nil, files)
			d.request(t, MovedOn, fixAll(d, "ann"), adds)
			got := d.pushed[0].Message
			lines := strings.Split(got, "\n")
			if want := 6 + len(paths); len(lines) != want || lines[len(lines)-1] != trailer+"guid-1" {
				t.Errorf("%q makes the message\n%s", word, got)
			}
			if order := orders.FindString(got); order != "" || strings.ContainsFunc(got, invisible) || len(got) > 2000 {
				t.Errorf("%q: %q is obeyed in\n%s", word, order, got)
			}
		}
	}
}

// TestAForgedTrailerIsNotOurCommit holds that a stranger's commit on a fork is not taken for the answer to a request.
func TestAForgedTrailerIsNotOurCommit(t *testing.T) {
	q := forge.Request{ID: "guid-1"}
	st := &forge.Standing{Recent: []forge.Commit{{Message: "x\n\n" + trailer + "guid-1"}}}
	if !done(st, q) {
		t.Error("our own commit is not known again")
	}
	if st.Fork = true; done(st, q) {
		t.Error("a commit on a fork is taken for ours")
	}
}

// TestPatchOfAHostileName holds that a name adds no line to a patch that people are told to apply.
func TestPatchOfAHostileName(t *testing.T) {
	for _, word := range hostileWords {
		text := fixes.Patch(word+"/Dockerfile", []byte("ADD . .\n"), []byte("COPY . .\n"))
		if got := strings.Count(text, "\n"); got != 6 {
			t.Errorf("%q makes a patch of %d lines:\n%s", word, got, text)
		}
		dir := t.TempDir()
		cmd := exec.Command("git", "apply", "--numstat", "-z", "-")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(text)
		out, err := cmd.Output()
		if err != nil || string(out) != "1\t1\t"+word+"/Dockerfile\x00" {
			t.Errorf("%q: git reads the patch as %q, %v\n%s", word, out, err, text)
		}
	}
}

// TestSuggestionsShowWhatTheyCommit holds that lines which would be shown in another order are not offered for a click.
func TestSuggestionsShowWhatTheyCommit(t *testing.T) {
	for text, offered := range map[string]bool{"ADD a b": true, "ADD a \u202eb": false, "ADD a\u2066 b": false} {
		d := checkDesk(nil, map[string]string{"Dockerfile": fmt.Sprintf("FROM node\n%s\nUSER node\n", text)})
		out := d.mustReview(t, Published, adds)
		if got := out.Opinion.Comments[0].Suggestion != nil; got != offered {
			t.Errorf("%q is offered: %t", text, got)
		}
	}
}
