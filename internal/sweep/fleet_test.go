package sweep

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
)

func TestAnOwnersDashboard(t *testing.T) {
	h := newTown(map[string]string{"README.md": "x"})
	s := h.sweeper()
	f := Fleet{Home: h.repo.Repo, Wanted: true, Members: []Member{
		{Name: "api", Page: "https://host/acme/api", Totals: Totals{Findings: 3, Fixable: 1, Dockerfiles: 2}, Why: "sweeps are not | enabled"},
		{Name: "docs", Page: "https://host/acme/docs"},
		{Name: "web", Page: "https://host/acme/web", Totals: Totals{Findings: 9, Fixable: 8, Dockerfiles: 1}, Open: 2, Waits: 1},
	}}
	var acted []string
	show := func(want string, err error) {
		t.Helper()
		h.log = nil
		n, got := s.Display(t.Context(), f, func(names []string) error { acted = append(acted, names...); return err })
		if wrote := h.wrote(); wrote != want || !errors.Is(got, err) {
			t.Errorf("wrote %q, %v; want %q, %v", wrote, got, want, err)
		}
		f.Number = n
	}
	show("open dashboard", nil)
	want := "What lighterman found in 3 repositories, and what became of it: 12 findings in 3 Dockerfiles, 9 of them with a proven fix.\n\n" +
		"### Tick a repository to have it looked at\n" +
		"- [ ] <!-- lighterman:v1 box=sweep web -->[web](https://host/acme/web): 8 of 9 findings with a fix, [2 open](https://host/acme/web/pulls), 1 waiting\n" +
		"- [ ] <!-- lighterman:v1 box=sweep api -->[api](https://host/acme/api): 1 of 3 findings with a fix, sweeps are not \\| enabled\n\n" +
		"<details><summary>One repository without findings</summary>\n\n" +
		"- [ ] <!-- lighterman:v1 box=sweep docs -->[docs](https://host/acme/docs): nothing found in 0 Dockerfiles\n\n</details>\n\n"
	if !strings.HasPrefix(h.board.Body, want) {
		t.Errorf("got\n%s\nwant\n%s", h.board.Body, want)
	}
	show("", nil)
	f.Number = 0
	show("", nil) // it is found again
	h.tick(t, orderSweep, "docs")
	h.tick(t, orderSweep, "web")
	broke := errors.New("the queue is full")
	show("", broke)
	show("write dashboard", nil)
	if !slices.Equal(acted, []string{"docs", "web", "docs", "web"}) {
		t.Errorf("acted on %q", acted)
	}
	h.tick(t, orderSweep, "api")
	h.board.Editor = "tidy[bot]"
	show("write dashboard", nil) // cleared, and not heard
	if len(acted) != 4 {
		t.Errorf("acted on %q", acted)
	}
	h.board.Open = false
	f.Members = f.Members[:1]
	show("", nil)
	h.board.Open = true
	show("write dashboard", nil)
	f.Wanted = false
	show("close dashboard", nil)
	show("", nil)
	if f.Number != 0 {
		t.Errorf("it is still known as #%d", f.Number)
	}
	f.Wanted = true
	show("open dashboard", nil)
	h.issueless = true
	show("", forge.ErrForbidden)
}

// TestALargeFleetFits into the body of an issue.
func TestALargeFleetFits(t *testing.T) {
	f := Fleet{}
	for n := range 3000 {
		f.Members = append(f.Members, Member{Name: fmt.Sprintf("%090d", n), Page: "https://github.example.com/acme/" + strings.Repeat("n", 90),
			Totals: Totals{Findings: n % 2}, Why: strings.Repeat("w", 500)})
	}
	if n := len(f.board()); n > maxBody {
		t.Errorf("%d bytes", n)
	}
}
