package review

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// A scene is a changed file with findings.
type scene struct {
	file     File
	findings []check.Finding
}

func drawScene(t *rapid.T) scene {
	before := drawText(t, "before")
	after := drawEdited(t, before)
	if after == "" {
		after = "FROM alpine\n"
	}
	if rapid.IntRange(0, 3).Draw(t, "new file") == 0 {
		before = ""
	}
	s := scene{file: File{Path: "app/Dockerfile", Text: []byte(after), Diff: mustDiff(t, before, after), Before: map[string]bool{}}}
	s.findings = drawFindings(t, s.file.Path, after, 14)
	for _, f := range s.findings {
		if rapid.Bool().Draw(t, "old") {
			s.file.Before[f.ID] = true
		}
	}
	return s
}

func (s scene) opinion(t interface{ Fatal(...any) }) *Opinion {
	o, err := Compose([]File{s.file}, &check.Result{Findings: s.findings}, audience{inline: maxInline}, merged(string(s.file.Text)))
	if err != nil {
		t.Fatal(err)
	}
	o.Head = "0123456789abcdef"
	return o
}

func TestEverySuggestionAppliesToItsPromise(t *testing.T) {
	shown, merges := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		var batch []*Suggestion
		var edits []fixes.Fix
		for _, c := range s.opinion(t).Comments {
			if c.Suggestion == nil {
				continue
			}
			shown++
			placed(t, s.file, c)
			if c.StartLine != c.Suggestion.StartLine || c.Line != c.Suggestion.Line {
				t.Fatalf("the comment stands on %d to %d, its suggestion replaces %+v", c.StartLine, c.Line, c.Suggestion)
			}
			fix := c.Finding.Fixes[0]
			same(t, s.file.Text, fix.Edits, ApplySuggestions(s.file.Text, []*Suggestion{blockIn(t, c)}))
			for _, other := range batch {
				if c.Suggestion.overlaps(other) {
					t.Fatalf("%+v overlaps %+v", c.Suggestion, other)
				}
			}
			batch = append(batch, blockIn(t, c))
			edits = append(edits, fix)
		}
		if all, ok := mergeAll(edits); ok {
			merges++
			same(t, s.file.Text, all, ApplySuggestions(s.file.Text, batch))
		}
	})
	if shown == 0 || merges == 0 {
		t.Errorf("%d suggestions were shown, %d batches of them can be merged by their bytes", shown, merges)
	}
}

// mergeAll merges fixes by their own bytes; it reports false when that leaves an order to guess.
func mergeAll(all []fixes.Fix) ([]fixes.Edit, bool) {
	var edits []fixes.Edit
	for _, fix := range all {
		var err error
		if edits, err = fixes.Merge(edits, fix); err != nil {
			return nil, false
		}
	}
	return edits, len(all) > 1
}

// placed asserts GitHub's rules for the lines of a comment.
func placed(t *rapid.T, f File, c Comment) {
	if !f.Diff.Shows(c.StartLine, c.Line) {
		t.Fatalf("lines %d to %d are not in one hunk of %v", c.StartLine, c.Line, f.Diff.Hunks)
	}
	if c.Suggestion != nil && f.Diff.Cuts(c.StartLine, c.Line) {
		t.Fatalf("there are deleted lines among %d to %d", c.StartLine, c.Line)
	}
}

func same(t *rapid.T, text []byte, edits []fixes.Edit, got []byte) {
	want, err := fixes.Apply("app/Dockerfile", text, edits)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("applied to\n%q the suggestions give\n%q, the fixes\n%q", text, got, want)
	}
	if len(edits) > 0 && bytes.Equal(got, text) {
		t.Fatal("the suggestion changes nothing")
	}
}

// blockIn reads a comment's suggestion back out of its body as CommonMark has it: from the opening fence to the first
// line with at least as many backticks and nothing else.
func blockIn(t *rapid.T, c Comment) *Suggestion {
	lines := splitLines(c.Body + "\n")
	for n, l := range lines {
		fence := strings.TrimSuffix(l, "suggestion\n")
		if fence == l || strings.Trim(fence, "`") != "" {
			continue
		}
		for m := n + 1; m < len(lines); m++ {
			if end := strings.TrimSpace(lines[m]); len(end) >= len(fence) && strings.Trim(end, "`") == "" {
				return &Suggestion{c.StartLine, c.Line, strings.Join(lines[n+1:m], "")}
			}
		}
	}
	t.Fatalf("no suggestion in\n%s", c.Body)
	return nil
}

func TestEveryFindingIsToldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		o := s.opinion(t)
		ours, rest := Select([]File{s.file}, s.findings)
		if len(o.Comments) != len(ours) || o.Elsewhere != len(rest) || len(ours)+len(rest) != len(s.findings) {
			t.Fatalf("%d findings: %d comments and %d elsewhere", len(s.findings), len(o.Comments), o.Elsewhere)
		}
		inline, worst := 0, check.Error
		for n, c := range o.Comments {
			if !strings.HasPrefix(c.Body, markdown.Capital(c.Finding.Message)+".\n\n") || !strings.HasPrefix(c.Entry, markdown.Capital(c.Finding.Message)+".\n\n") {
				t.Fatalf("message missing from %q or %q", c.Body, c.Entry)
			}
			if c.Finding.Check.Severity > worst {
				t.Fatalf("comment %d is worse than the one before it", n)
			}
			worst = c.Finding.Check.Severity
			if c.Line > 0 {
				inline++
				placed(t, s.file, c)
			}
			if len(c.Body) > maxBody || len(c.Entry) > maxBody {
				t.Fatal("body too long")
			}
		}
		if inline > maxInline {
			t.Fatalf("%d comments on the diff", inline)
		}
	})
}

// example makes a finding on line with one fix.
func example(name string, line int, text string, edits ...fixes.Edit) check.Finding {
	f := check.Finding{Check: testChecks[0], Path: "Dockerfile", Line: line, EndLine: line, Message: name, ID: name}
	lines := splitLines(text)
	f.At.Start = len(strings.Join(lines[:line-1], ""))
	f.At.End = f.At.Start + len(lines[line-1])
	for n := range edits {
		edits[n].Path = cmp.Or(edits[n].Path, "Dockerfile")
	}
	if len(edits) > 0 {
		f.Fixes = []fixes.Fix{{Title: "Fix " + name, Intent: fixes.Unchanged{}, Edits: edits}}
	}
	return f
}

// replace is the edit that replaces the first occurrence of old.
func replace(text, old, fresh string) fixes.Edit {
	at := strings.Index(text, old)
	return fixes.Edit{Start: at, End: at + len(old), New: fresh}
}

func insertBefore(text, mark, fresh string) fixes.Edit {
	at := strings.Index(text, mark)
	return fixes.Edit{Start: at, End: at, New: fresh}
}

func TestConflictingSuggestionsGiveWay(t *testing.T) {
	asked := 0
	const text = "FROM node\nCOPY . .\nRUN npm ci\nCMD x\n"
	better := example("first", 2, text, replace(text, "COPY . .\nRUN npm ci\n", "RUN npm ci\nCOPY . .\n"))
	worse := example("second", 3, text, replace(text, "npm ci\n", "npm ci && rm -rf /x\n"))
	third := example("third", 4, text, replace(text, "CMD x", "CMD y"))
	s := scene{file: File{Path: "Dockerfile", Text: []byte(text), Diff: mustDiff(t, "", text)}}
	s.findings = []check.Finding{better, worse, third}
	counted := func(path string, found []check.Finding) (*check.Combined, error) {
		asked++
		return merged(text)(path, found)
	}
	o, err := Compose([]File{s.file}, &check.Result{Findings: s.findings}, audience{inline: maxInline}, counted)
	if err != nil || asked != 1 {
		t.Fatalf("combined %d times, error %v; want once, for overlapping suggestions are not put together", asked, err)
	}
	if o.Comments[0].Suggestion == nil || o.Comments[1].Suggestion != nil || o.Comments[2].Suggestion == nil {
		t.Fatalf("suggestions are %v, %v, %v", o.Comments[0].Suggestion, o.Comments[1].Suggestion, o.Comments[2].Suggestion)
	}
	c := o.Comments[1]
	if c.Line != 3 || !strings.Contains(c.Body, "offered once the other suggestion for these lines is in") {
		t.Errorf("line %d:\n%s", c.Line, c.Body)
	}
}

func TestCombineIsAskedForTheShownAndToldOfTheRest(t *testing.T) {
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, "", exampleText)}}
	s.findings = []check.Finding{
		example("covered", 3, exampleText, replace(exampleText, "COPY . .\nRUN npm ci\n", "RUN npm ci\nCOPY . .\n")),
		example("advice", 1, exampleText),
		example("last", 4, exampleText, replace(exampleText, "CMD x", "CMD y")),
		example("better", 2, exampleText, replace(exampleText, "COPY . .", "COPY a .")),
	}
	s.findings[3].Check = testChecks[2]
	var asked []string
	listed := func(path string, found []check.Finding) (*check.Combined, error) {
		for _, f := range found {
			asked = append(asked, fmt.Sprintf("%s %d", f.ID, len(f.Fixes)))
		}
		return merged(exampleText)(path, found)
	}
	_, err := Compose([]File{s.file}, &check.Result{Findings: s.findings}, audience{inline: maxInline}, listed)
	want := []string{"better 1", "last 1", "covered 0", "advice 0"}
	if err != nil || !slices.Equal(asked, want) || len(s.findings[0].Fixes) != 1 {
		t.Errorf("asked for %v, want %v; error %v", asked, want, err)
	}
}

func TestSuggestionThatWasNotProvenWithTheOthersGivesWay(t *testing.T) {
	const text = "FROM node\nCOPY . .\nRUN npm ci\nCMD x\n"
	s := scene{file: File{Path: "Dockerfile", Text: []byte(text), Diff: mustDiff(t, "", text)}}
	s.findings = []check.Finding{
		example("first", 2, text, replace(text, "COPY . .", "COPY a .")),
		example("second", 3, text, replace(text, "npm ci", "npm i")),
		example("third", 4, text, replace(text, "CMD x", "CMD y")),
	}
	combine := func(path string, found []check.Finding) (*check.Combined, error) {
		for n := range found {
			if found[n].ID == "second" {
				found[n].Fixes = nil
			}
		}
		return merged(text)(path, found)
	}
	o, err := Compose([]File{s.file}, &check.Result{Findings: s.findings}, audience{inline: maxInline}, combine)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []bool{true, false, true} {
		if got := o.Comments[n].Suggestion != nil; got != want {
			t.Errorf("comment %d has a suggestion: %t, want %t", n, got, want)
		}
	}
	boom := fmt.Errorf("no tree")
	if _, err := Compose([]File{s.file}, &check.Result{Findings: s.findings}, audience{inline: maxInline},
		func(string, []check.Finding) (*check.Combined, error) { return nil, boom }); err != boom {
		t.Errorf("error = %v, want %v", err, boom)
	}
}

func TestInsertionsThatMeetAreOneBatch(t *testing.T) {
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, "", exampleText)}}
	s.findings = []check.Finding{
		example("first", 3, exampleText, insertBefore(exampleText, "CMD", "RUN rm x\n")),
		example("second", 4, exampleText, insertBefore(exampleText, "CMD", "USER node\n")),
	}
	o := s.opinion(t)
	var batch []*Suggestion
	for _, c := range o.Comments {
		if c.Suggestion == nil {
			t.Fatalf("no suggestion in\n%s", c.Body)
		}
		batch = append(batch, c.Suggestion)
	}
	const want = "FROM node\nCOPY . .\nRUN npm ci\nRUN rm x\nUSER node\nCMD x\n"
	if got := ApplySuggestions(s.file.Text, batch); string(got) != want {
		t.Errorf("the batch gives\n%s", got)
	}
}

func TestCommentOnALongInstructionStandsOnItsFirstLine(t *testing.T) {
	text := "FROM node\n" + strings.Repeat("RUN x\n", 40)
	d := mustDiff(t, "", text)
	for _, tt := range []struct{ found, want Hunk }{
		{Hunk{2, 11}, Hunk{2, 11}}, {Hunk{2, 12}, Hunk{2, 2}}, {Hunk{40, 60}, Hunk{40, 41}}, {Hunk{50, 51}, Hunk{}},
	} {
		if got := standing(d, tt.found); got != tt.want {
			t.Errorf("finding on %v stands on %v, want %v", tt.found, got, tt.want)
		}
	}
}

func TestTwinsInOneFileStayApart(t *testing.T) {
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, "", exampleText)}}
	for line := 2; line <= 3; line++ {
		f := example("twin", line, exampleText)
		f.ID = fmt.Sprint("twin ", line)
		s.findings = append(s.findings, f)
	}
	if o := s.opinion(t); len(o.Comments) != 2 {
		t.Errorf("comments are %+v", o.Comments)
	}
}

func TestChangeThatIsNoSuggestionIsShownWhenShort(t *testing.T) {
	const text = "FROM node\r\nADD . .\r\n"
	f := File{Path: "Dockerfile", Text: []byte(text)}
	short := example("short", 2, text, replace(text, "ADD", "COPY")).Fixes[0]
	if got, want := change(f, short), "```diff\n@@\n FROM node\n-ADD . .\n+COPY . .\n```"; got != want {
		t.Errorf("change is %q, want %q", got, want)
	}
	for name, fresh := range map[string]string{"lines": strings.Repeat("x\n", maxChange), "bytes": strings.Repeat("x", maxBlock)} {
		if got := change(f, example("long", 2, text, replace(text, "ADD", fresh)).Fixes[0]); got != "" {
			t.Errorf("a change of too many %s is shown: %q", name, got)
		}
	}
}

// TestChangeOfAnotherFile shows what is added to it under its name, with nothing in it that Markdown would interpret.
func TestChangeOfAnotherFile(t *testing.T) {
	const text = "FROM node\nADD . .\n"
	f := File{Path: "Dockerfile", Text: []byte(text)}
	both := example("both", 2, text, fixes.Edit{Path: "a/.dockerignore", Start: 5, End: 5, New: "\r\n.git\r\n**/`x`\r\n"}, replace(text, "ADD", "COPY")).Fixes[0]
	want := "```diff\n@@\n FROM node\n-ADD . .\n+COPY . .\n```\n\nAdded to `a/.dockerignore`:\n\n```\n.git\n**/`x`\n```"
	if got := change(f, both); got != want {
		t.Errorf("change is %q, want %q", got, want)
	}
	both.Edits = both.Edits[:1]
	if got := change(f, both); got != want[strings.Index(want, "Added"):] {
		t.Errorf("change is %q", got)
	}
	both.Edits[0].New = strings.Repeat("x\n", 2*maxChange)
	if got := change(f, both); got != "" {
		t.Errorf("too long a change is shown: %q", got)
	}
}

// TestChangeOfALineWithASecretIsNotShown: what becomes of the line would repeat it.
func TestChangeOfALineWithASecretIsNotShown(t *testing.T) {
	const text = "FROM node\nRUN curl https://u:hunter2@x\n"
	f := File{Path: "Dockerfile", Text: []byte(text), private: map[int]bool{2: true}}
	if got := change(f, example("s", 2, text, replace(text, "curl", "curl -f")).Fixes[0]); got != "" {
		t.Errorf("change is %q", got)
	}
	if got := change(f, example("s", 2, text, replace(text, "FROM node", "FROM node:22")).Fixes[0]); got == "" || strings.Contains(got, "hunter2") {
		t.Errorf("change is %q", got)
	}
}

func TestFamilyIsOneComment(t *testing.T) {
	const note = "# NOTE: THIS DOCKERFILE IS GENERATED VIA \"apply-templates.sh\"\n"
	var files []File
	var found []check.Finding
	for n := range 9 {
		text := fmt.Sprintf("%sFROM python:3.%d\nADD . .\n", note, n)
		if n == 8 {
			text = strings.TrimPrefix(text, note)
		}
		f := File{Path: fmt.Sprintf("3.%d/Dockerfile", n), Text: []byte(text), Diff: mustDiff(t, "", text)}
		files = append(files, f)
		one := example("adds", 2, text)
		one.Path, one.ID = f.Path, f.Path
		found = append(found, one)
	}
	o, err := Compose(files, &check.Result{Findings: found}, audience{inline: maxInline}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Comments) != 2 || o.Comments[0].Finding.Path != "3.0/Dockerfile" || o.Comments[1].Finding.Path != "3.8/Dockerfile" {
		t.Fatalf("comments are %+v", o.Comments)
	}
	want := "The same in `3.1/Dockerfile`, `3.2/Dockerfile`, `3.3/Dockerfile`, `3.4/Dockerfile`, `3.5/Dockerfile`, 2 more."
	if !strings.Contains(o.Comments[0].Body, want) || strings.Contains(o.Comments[1].Body, "The same in") {
		t.Errorf("bodies are\n%s\n\n%s", o.Comments[0].Body, o.Comments[1].Body)
	}
}

func TestOverlongWordsStayWithinTheLimit(t *testing.T) {
	long := strings.Repeat("@", 1<<20)
	f := example("long", 2, exampleText, replace(exampleText, "COPY . .", strings.Repeat("`", 9000)))
	f.Message, f.Fixes[0].Title, f.Fixes[0].Intent = long, long, fixes.Appended{Command: long}
	none := example("none", 3, exampleText)
	none.Message, none.Refused = long, long
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, "", exampleText)}}
	s.findings = []check.Finding{f, none}
	for _, c := range s.opinion(t).Comments {
		if c.Line == 0 || len(c.Body) > maxBody || len(c.Entry) > maxBody {
			t.Errorf("line %d, body of %d bytes, entry of %d", c.Line, len(c.Body), len(c.Entry))
		}
	}
}

func TestTenThousandFindingsTakeNoTime(t *testing.T) {
	text := "FROM node\n" + strings.Repeat("ADD x y\n", 10000)
	s := scene{file: File{Path: "Dockerfile", Text: []byte(text), Diff: mustDiff(t, text, text), Before: map[string]bool{}}}
	for n := range 10000 {
		start := len("FROM node\n") + n*len("ADD x y\n")
		f := check.Finding{Check: testChecks[0], Path: "Dockerfile", ID: fmt.Sprint(n), Message: fmt.Sprint("f", n), Line: n + 2, EndLine: n + 2}
		f.At.Start, f.At.End = start, start+len("ADD x y\n")
		f.Fixes = []fixes.Fix{{Title: "Use COPY", Edits: []fixes.Edit{{Path: "Dockerfile", Start: start, End: start + 3, New: "COPY"}}}}
		s.findings = append(s.findings, f)
	}
	o := s.opinion(t)
	body := Reconcile(o, &forge.Standing{Checkless: true}).Review.Body
	if len(o.Comments) != 10000 || len(body) > maxBody || !strings.Contains(body, " more did not fit here.") {
		t.Errorf("%d comments, body of %d bytes", len(o.Comments), len(body))
	}
	if strings.Count(o.Comments[maxWorked-1].Entry, "```diff") != 1 || strings.Count(o.Comments[maxWorked].Entry, "```diff") != 0 {
		t.Error("the fixes of the first findings, and of no more, are shown")
	}
}

func TestSelect(t *testing.T) {
	const before = "FROM node\nRUN a && \\\n    b\nRUN c\nRUN d\n"
	const text = "FROM node\nRUN a && \\\n    B\nRUN c\nRUN d\n"
	f := File{Path: "Dockerfile", Text: []byte(text), Diff: mustDiff(t, before, text), Before: map[string]bool{}}
	touched, caused, old := example("touched", 2, text), example("caused", 4, text), example("old", 5, text)
	f.Before[touched.ID], f.Before[old.ID] = true, true
	elsewhere := example("elsewhere", 3, text)
	elsewhere.Path = "other/Dockerfile"
	all := []check.Finding{touched, caused, old, elsewhere}
	if got := ids(Select([]File{f}, all)); got != "touched caused | old elsewhere" {
		t.Errorf("selected %q", got)
	}
	f.Before = nil
	if got := ids(Select([]File{f}, all)); got != "touched | caused old elsewhere" {
		t.Errorf("without the file as it was: selected %q", got)
	}
	f.Diff = nil
	if got := ids(Select([]File{f}, all)); got != "touched caused old | elsewhere" {
		t.Errorf("without a diff: selected %q", got)
	}
}

func ids(ours, rest []check.Finding) string {
	var words []string
	for _, f := range ours {
		words = append(words, f.ID)
	}
	words = append(words, "|")
	for _, f := range rest {
		words = append(words, f.ID)
	}
	return strings.Join(words, " ")
}
