package image

import (
	"strings"
	"testing"
	"time"
)

type answers map[string]Config

// Lookup implements Facts.
func (a answers) Lookup(ref string) (Image, bool) {
	c, ok := a[ref]
	if !ok {
		return Image{Unanswered: "it does not know " + ref}, false
	}
	return Image{User: c.User, Workdir: c.Workdir, Answer: &Answer{Config: c}}, true
}

func TestRefresh(t *testing.T) {
	day := time.Date(2027, time.January, 2, 0, 0, 0, 0, time.UTC)
	text, notes := Refresh(answers{
		"node:latest":    {User: "root", Workdir: "/"},
		"node:alpine":    {User: "node", Workdir: "/srv", Entrypoint: []string{"docker-entrypoint.sh"}},
		"golang:latest":  {User: "root", Workdir: "/go"},
		"memcached:slim": {User: "never asked for"},
	}, day)
	if _, err := read(text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nnode *alpine* user=node account=node:1000:1000 ", " workdir=/srv ", "docker-node@2027-01-02\n",
		"\ngolang * user=root ", "docker-library/golang@2027-01-02\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	said := strings.Join(notes, "\n")
	for _, want := range []string{
		"node *alpine*: user=node, it was root", "node *: entrypoint=passes, but it is []", "gcr.io/distroless/static* *",
		"python *: it does not know python:latest",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no note %q in\n%s", want, said)
		}
	}
	if was, is := strings.Count(facts, "\n"), strings.Count(text, "\n"); was != is {
		t.Errorf("%d lines became %d", was, is)
	}
}
