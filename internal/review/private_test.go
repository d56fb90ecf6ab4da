package review

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// secrets reports every ENV, as secret-in-env does.
var secrets = &check.Check{Name: "secret-in-env", Severity: check.Warning, Private: true, Run: func(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if i.Keyword == "ENV" {
			p.Advise(i.Words[0].Span, "ENV holds a secret", "it has to come from outside")
		}
	}
	return nil
}}

// TestSecretsAreNotRepeated holds that nothing that is posted has the value of a secret, however near the change is.
func TestSecretsAreNotRepeated(t *testing.T) {
	for name, file := range map[string]string{
		"context of a change that is no suggestion": "FROM node\r\nENV T=hunter2\r\nADD . .\r\nUSER node\r\n",
		"inside what would be replaced":             "FROM node\nADD a .\nENV T=hunter2 \\\n  U=hunter2\nADD b .\nUSER node\n",
		"the neighbour of an insertion":             "FROM node\nENV T=hunter2\nCMD x\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(nil, map[string]string{"Dockerfile": file})
			d.mustReview(t, Published, adds, rootly, secrets)
			told := 0
			for _, thread := range d.threads {
				if strings.Contains(thread.Comments[0].Body, "hunter2") {
					t.Errorf("a comment repeats the value:\n%s", thread.Comments[0].Body)
				}
				told++
			}
			for _, r := range d.reviews {
				if strings.Contains(r.Body, "hunter2") {
					t.Errorf("the summary repeats the value:\n%s", r.Body)
				}
				told += strings.Count(r.Body, "Use COPY")
			}
			if told < 1 {
				t.Error("nothing was told")
			}
		})
	}
}

// TestAPatchDoesNotRepeatASecret: what is shown to be applied by hand has the lines around a change.
func TestAPatchDoesNotRepeatASecret(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nENV T=hunter2\nADD . .\nUSER node\n"})
	d.fork = true
	d.request(t, Published, fixAll(d, "ann"), adds, secrets)
	said := d.lastCheck(t).Summary
	if strings.Contains(said, "hunter2") || !strings.Contains(said, "in a fork") || !strings.Contains(said, "`lighterman fix` makes it.") {
		t.Errorf("the answer is\n%s", said)
	}
}

func TestHide(t *testing.T) {
	rows := Hide(TextRows([]byte("FROM a\nENV T=hunter2\n")), map[int]bool{2: true})
	if rows[0][1].Text != withheldLine || rows[0][0].Text != "FROM a" {
		t.Errorf("rows %+v", rows)
	}
}

func TestSuggestionsDoNotRepeatASecret(t *testing.T) {
	const text = "FROM node\nENV T=hunter2\n"
	diff, err := ParseDiff(Whole("Dockerfile", []byte(text)).Patch)
	if err != nil {
		t.Fatal(err)
	}
	fix := fixes.Fix{Title: "t", Intent: fixes.Unchanged{}, Edits: []fixes.Edit{{Path: "Dockerfile", Start: len(text), End: len(text), New: "USER x\n"}}}
	f := File{Path: "Dockerfile", Text: []byte(text), Diff: diff}
	if s, why := suggest(f, fix, Hunk{2, 2}); why != "" || s.Text != "ENV T=hunter2\nUSER x\n" {
		t.Fatalf("without a secret: %+v, %s", s, why)
	}
	f.private = map[int]bool{2: true}
	if _, why := suggest(f, fix, Hunk{2, 2}); !strings.Contains(why, "secret") {
		t.Errorf("the suggestion would repeat the secret; why is %q", why)
	}
}
