// Package corpus runs the whole engine over a folder of repositories and counts: what was read, found, offered, refused,
// and above all every promise that did not hold. It is how the claim "no fix that was offered breaks a file" is measured.
//
// Each Dockerfile is looked at three times. Run gives the findings and what the checks propose; Examine keeps of that
// what was verified and proven; Fix makes it, round by round, after which Examine must offer nothing more. What is
// offered is judged again from outside: it is applied, parsed, and put before the prover once more.
package corpus

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A File is what came of one Dockerfile, one line of JSON. Times are microseconds of wall clock.
type File struct {
	Repository string    `json:"repository"`
	Path       string    `json:"path"`
	Bytes      int       `json:"bytes"`
	Lines      int       `json:"lines"`
	Unread     string    `json:"unread,omitempty"`   // why it could not be read as a Dockerfile
	Template   bool      `json:"template,omitempty"` // it was passed over as one
	Crashes    []string  `json:"crashes,omitempty"`  // panics, contained
	Partly     []string  `json:"partly,omitempty"`   // checks that did not look at all of it
	Findings   []Finding `json:"findings,omitempty"`
	// Broken are the promises that did not hold. Each is a defect.
	Broken []string `json:"broken,omitempty"`
	// LookMicros is parsing and all checks; AllMicros is that with every fix verified and proven.
	LookMicros int64 `json:"look_us"`
	AllMicros  int64 `json:"all_us"`
	// Applied is how many fixes were made until nothing more was offered.
	Applied int `json:"applied"`
}

// A Finding is one of a File.
type Finding struct {
	Check   string `json:"check"`
	Line    int    `json:"line"`
	Offered string `json:"offered,omitempty"` // the intent of the fix that is offered
	Class   string `json:"class,omitempty"`   // its proof class
	Refused string `json:"refused,omitempty"` // why none is
	// Failed says that a check proposed a fix, which was then not verified or not proven, and so is not offered.
	Failed bool `json:"failed,omitempty"`
}

// Look runs everything on one Dockerfile of a repository.
func Look(ctx context.Context, repo fs.FS, repository, path string, o check.Options) (File, error) {
	f := File{Repository: repository, Path: path}
	src, err := fs.ReadFile(repo, path)
	if err != nil {
		f.Unread = "cannot be opened"
		return f, nil
	}
	f.Bytes, f.Lines = len(src), strings.Count(string(src), "\n")
	begin := time.Now()
	proposed, err := check.Run(ctx, repo, []string{path}, o)
	if err != nil {
		return f, err
	}
	f.LookMicros = time.Since(begin).Microseconds()
	f.skipped(proposed.Skipped)
	if proposed.Files == 0 {
		return f, nil
	}
	begin = time.Now()
	examined, err := check.Examine(ctx, repo, []string{path}, o)
	if err != nil {
		return f, err
	}
	f.AllMicros = time.Since(begin).Microseconds()
	f.findings(proposed.Findings, examined.Findings)
	for _, found := range examined.Findings {
		for _, fix := range found.Fixes {
			f.judge(ctx, repo, path, src, fix, o)
		}
	}
	return f, f.fix(ctx, repo, path, o)
}

// skipped sorts out why not everything was looked at.
func (f *File) skipped(skips []check.Skip) {
	for _, s := range skips {
		switch {
		case strings.Contains(s.Reason, "panic:"):
			f.Crashes = append(f.Crashes, s.Reason)
		case !s.Failed:
			f.Template = true
		case strings.HasPrefix(s.Reason, "check "):
			f.Partly = append(f.Partly, s.Reason)
		default:
			f.Unread = s.Reason
		}
	}
}

func (f *File) findings(proposed, examined []check.Finding) {
	wanted := map[string]bool{}
	for _, p := range proposed {
		wanted[p.ID] = len(p.Fixes) > 0
	}
	for _, e := range examined {
		found := Finding{Check: e.Check.Name, Line: e.Line, Refused: e.Refused, Failed: wanted[e.ID] && len(e.Fixes) == 0}
		if len(e.Fixes) > 0 {
			found.Offered = strings.TrimPrefix(fmt.Sprintf("%T", e.Fixes[0].Intent), "fixes.")
			found.Class = string(e.Fixes[0].Intent.Claim().Class)
		}
		f.Findings = append(f.Findings, found)
	}
}

// judge holds an offered fix to its promise once more.
func (f *File) judge(ctx context.Context, repo fs.FS, path string, src []byte, fix fixes.Fix, o check.Options) {
	after, err := fixes.Apply(path, src, fix.Edits)
	if err != nil {
		f.broken("%s: cannot be applied: %v", fix.Title, err)
		return
	}
	if _, err := dockerfile.Parse(path, after); err != nil {
		f.broken("%s: the fixed file does not parse: %v", fix.Title, err)
	}
	if err := check.Prove(ctx, repo, path, fix, o); err != nil {
		f.broken("%s: is outside its intent: %v", fix.Title, err)
	}
}

// fix makes every fix and looks again.
func (f *File) fix(ctx context.Context, repo fs.FS, path string, o check.Options) error {
	fixed, err := check.Fix(ctx, repo, path, func(check.Finding) bool { return true }, o)
	if err != nil {
		return err
	}
	f.Applied = len(fixed.Applied)
	if f.Applied == 0 {
		return nil
	}
	if _, err := dockerfile.Parse(path, fixed.After); err != nil {
		f.broken("the file with all fixes does not parse: %v", err)
	}
	again, err := check.Examine(ctx, check.Overlay(repo, fixed.Files()), []string{path}, o)
	if err != nil {
		return err
	}
	for _, s := range again.Skipped {
		if s.Failed {
			f.broken("the file with all fixes cannot be looked at: %s", s.Reason)
		}
	}
	for _, found := range again.Findings {
		if len(found.Fixes) > 0 {
			f.broken("a second run is not silent: line %d: %s: %s", found.Line, found.Check.Name, found.Fixes[0].Title)
		}
	}
	return nil
}

func (f *File) broken(format string, args ...any) {
	f.Broken = append(f.Broken, fmt.Sprintf(format, args...))
}

var (
	digits = regexp.MustCompile(`\d+`)
	quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"")
)

// reason is a refusal without what differs from file to file, so that equal ones can be counted.
func reason(text string) string {
	return digits.ReplaceAllString(quoted.ReplaceAllString(text, "…"), "N")
}
