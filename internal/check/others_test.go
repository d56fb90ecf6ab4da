package check_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// ignored reports, under the check's name, a Dockerfile whose ignore file has not every line, with a fix that adds it.
func ignored(name string, lines ...string) *check.Check {
	return &check.Check{Name: name, Severity: check.Warning, Run: func(p *check.Pass) error {
		for _, b := range p.Builds {
			file := b.Dir + "/.dockerignore"
			file = strings.TrimPrefix(file, "./")
			text, _ := fs.ReadFile(p.Repo, file)
			for _, line := range lines {
				if !slices.Contains(strings.Split(string(text), "\n"), line) {
					p.Report(p.File.Instructions[0].Code(), name+" wants "+line, fixes.Fix{Title: "Ignore " + line, Intent: said{},
						Edits: []fixes.Edit{{Path: file, Start: len(text), End: len(text), New: line + "\n"}}})
				}
			}
		}
		return nil
	}}
}

// TestFixOfAnotherFile writes a file that is not there yet, and the prover sees both states of every Dockerfile of that
// context and of none that certainly has another.
func TestFixOfAnotherFile(t *testing.T) {
	var seen []string
	prover := proves(func(c check.Case) error {
		if string(c.Before) != string(c.After) || len(c.Others) != 1 || c.Others[0].Path != ".dockerignore" {
			t.Errorf("others %+v", c.Others)
		}
		for _, s := range c.Shared {
			seen = append(seen, fmt.Sprint(s.Path, " ", s.File != nil, " ", len(s.Before), len(s.After)))
			if s.Path != "Dockerfile" {
				continue
			}
			if s.Before[0].Hides("junk") || s.Before[0].Ignore != "" || !s.After[0].Hides("junk") || s.After[0].Ignore != ".dockerignore" {
				t.Errorf("%s: ignore files %q and %q", s.Path, s.Before[0].Ignore, s.After[0].Ignore)
			}
		}
		return nil
	})
	files := repo("Dockerfile", "FROM x\nCOPY a .\n", "a", "", "web/Dockerfile", "FROM x\nCOPY b .\n", "web/b", "", "web/package.json", "",
		"dev.Dockerfile", "FROM x\nCOPY a web .\n", "unknown.Dockerfile", "FROM x\nCOPY nowhere .\n", "bad/Dockerfile", "NOPE\n",
		"node_modules/m/Dockerfile", "FROM x\nCOPY a .\n")
	o := check.Options{Checks: []*check.Check{ignored("junk", "junk")}, Prover: prover}
	fixed, err := check.Fix(t.Context(), files, "Dockerfile", func(check.Finding) bool { return true }, o)
	if err != nil {
		t.Fatal(err)
	}
	want := []check.Changed{{Path: ".dockerignore", After: []byte("junk\n")}}
	if diff := cmp.Diff(want, fixed.Others); diff != "" || len(fixed.Applied) != 1 || string(fixed.After) != string(fixed.Before) {
		t.Errorf("%s, %d applied", diff, len(fixed.Applied))
	}
	half := len(seen) / 2
	if diff := cmp.Diff([]string{"Dockerfile true 1 1", "bad/Dockerfile false 0 0", "dev.Dockerfile true 1 1", "unknown.Dockerfile true 0 0"}, seen[:half]); diff != "" {
		t.Errorf("shared (-want +got):\n%s", diff)
	}
	again, err := check.Examine(t.Context(), check.Overlay(files, fixed.Files()), []string{"Dockerfile", "dev.Dockerfile"}, o)
	if err != nil || len(again.Findings) > 0 {
		t.Errorf("a second run finds %v, %v", found(again), err)
	}
}

// TestFixesOfOneOtherFileConflictOrAreOne: what conflicts in one round is made by the next, on what the first left.
func TestFixesOfOneOtherFileConflictOrAreOne(t *testing.T) {
	files := repo("Dockerfile", "FROM x\nCOPY a .\n", "a", "", ".dockerignore", "x\n")
	o := check.Options{Checks: []*check.Check{ignored("a", "junk"), ignored("b", "junk", "more")}, Prover: proves(always)}
	result, err := check.Examine(t.Context(), files, []string{"Dockerfile"}, o)
	if err != nil || len(result.Findings) != 3 {
		t.Fatal(found(result), err)
	}
	c, err := check.Combine(t.Context(), files, "Dockerfile", result.Findings, o)
	if err != nil || !slices.Equal(c.Taken, []int{0}) || !strings.Contains(c.Left[1], "changes nothing") || !strings.Contains(c.Left[2], "overlaps") {
		t.Errorf("taken %v, left %v, %v", c.Taken, c.Left, err)
	}
	if diff := cmp.Diff([]check.Changed{{Path: ".dockerignore", Before: []byte("x\n"), After: []byte("x\njunk\n")}}, c.Others); diff != "" {
		t.Error(diff)
	}
	fixed, err := check.Fix(t.Context(), files, "Dockerfile", func(check.Finding) bool { return true }, o)
	if err != nil || string(fixed.Files()[".dockerignore"]) != "x\njunk\nmore\n" {
		t.Errorf("%q, %v", fixed.Files(), err)
	}
}
