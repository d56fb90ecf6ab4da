package githubtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Suggestion is the first suggestion block of a comment, and the lines that its button would replace.
type Suggestion struct {
	CommentID int64
	ThreadID  string
	Path      string
	StartLine int // at the head; 0 once outdated, as Line
	Line      int
	New       []string // the lines that take their place; none deletes them
	Outdated  bool
	Resolved  bool
}

// Suggestions are those of all submitted comments, in the order of Threads.
func (p *Pull) Suggestions() ([]Suggestion, error) {
	threads, err := p.Threads()
	var all []Suggestion
	for _, t := range threads {
		for _, c := range t.Comments {
			if block, ok := suggestionBlock(c.Body); ok {
				all = append(all, Suggestion{
					CommentID: c.ID, ThreadID: t.ID, Path: t.Path, StartLine: t.StartLine, Line: t.Line, New: block,
					Outdated: t.Outdated, Resolved: t.ResolvedBy != "",
				})
			}
		}
	}
	return all, err
}

// Reasons for which GitHub's page does not offer to apply a suggestion, in its words.
var (
	ErrOutdated = errors.New("this suggestion is outdated")
	ErrNoChange = errors.New("no changes were made to the code")
	ErrClosed   = errors.New("suggestions cannot be applied while the pull request is closed")
	ErrTwice    = errors.New("only one suggestion per line can be applied in a batch")
	ErrDeleted  = errors.New("suggestions cannot be applied on deleted lines")
	ErrNoRight  = errors.New("only those who can push to the head branch apply suggestions")
	ErrNoBlock  = errors.New("the comment holds no suggestion")
)

// ApplySuggestions does what the button below a suggestion does, or with several comments the one for a batch: it
// replaces whole lines by the block's lines, literally, in one commit by the person who clicks, pushes it to the head
// branch and tells the webhook. The lines of a block end with "\n" whatever the file uses. It returns the commit.
func (p *Pull) ApplySuggestions(by string, commentIDs ...int64) (string, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.state != "open" {
		return "", ErrClosed
	}
	if p.head != p.repo && !p.modifiable && by != p.head.owner {
		return "", ErrNoRight
	}
	files, err := p.preview(commentIDs)
	if err != nil {
		return "", err
	}
	return p.head.push(p.headBranch, Commit{Message: p.suggestionMessage(len(commentIDs)), Author: by, Files: files})
}

// Preview is the files that ApplySuggestions would commit.
func (p *Pull) Preview(commentIDs ...int64) (map[string]string, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.preview(commentIDs)
}

func (p *Pull) preview(commentIDs []int64) (map[string]string, error) {
	var edits []lineEdit
	for _, id := range commentIDs {
		e, err := p.lineEdit(id)
		if err != nil {
			return nil, fmt.Errorf("apply the suggestion of comment %d: %w", id, err)
		}
		edits = append(edits, e)
	}
	return p.applied(edits)
}

func (p *Pull) suggestionMessage(n int) string {
	title := "Update from code review"
	if n > 1 {
		title = "Apply suggestions from code review"
	}
	return fmt.Sprintf("%s\n\nCo-authored-by: %s <%d+%s@users.noreply.github.com>", title, p.s.Bot(), botUserID, p.s.Bot())
}

// A lineEdit replaces the lines start to end of a file, counted from 1.
type lineEdit struct {
	path       string
	start, end int
	lines      []string
}

func (p *Pull) lineEdit(commentID int64) (lineEdit, error) {
	t, c := p.comment(commentID)
	if c == nil {
		return lineEdit{}, ErrNoBlock
	}
	block, ok := suggestionBlock(c.body)
	if !ok || !t.review.visible("") {
		return lineEdit{}, ErrNoBlock
	}
	if t.side != "RIGHT" {
		return lineEdit{}, ErrDeleted
	}
	start, line, ok, err := p.place(t)
	if err == nil && !ok {
		err = ErrOutdated
	}
	return lineEdit{t.path, start, line, block}, err
}

// applied is the new content of the files that the edits change.
func (p *Pull) applied(edits []lineEdit) (map[string]string, error) {
	slices.SortStableFunc(edits, func(a, b lineEdit) int { return a.start - b.start })
	byPath := make(map[string][]lineEdit)
	for _, e := range edits {
		byPath[e.path] = append(byPath[e.path], e)
	}
	files := make(map[string]string)
	for path, edits := range byPath {
		old, err := p.repo.readFile(p.headSHA, path)
		if err != nil {
			return nil, err
		}
		if files[path], err = replaceLines(old, edits); err != nil {
			return nil, fmt.Errorf("apply suggestions to %s: %w", path, err)
		}
	}
	return files, nil
}

// replaceLines makes the edits, which are sorted. That a block at the end of a file without a final line end adds none
// is an assumption.
func replaceLines(old string, edits []lineEdit) (string, error) {
	lines := slices.Collect(strings.Lines(old))
	var out strings.Builder
	next := 1
	for _, e := range edits {
		if e.start < next {
			return "", ErrTwice
		}
		was := strings.Join(lines[e.start-1:e.end], "")
		now := strings.Join(e.lines, "\n")
		if len(e.lines) > 0 && strings.HasSuffix(was, "\n") {
			now += "\n"
		}
		if now == was {
			return "", ErrNoChange
		}
		out.WriteString(strings.Join(lines[next-1:e.start-1], ""))
		out.WriteString(now)
		next = e.end + 1
	}
	out.WriteString(strings.Join(lines[next-1:], ""))
	return out.String(), nil
}

// suggestionBlock finds the first fenced block whose info string is "suggestion", by CommonMark's rules for fences: up
// to three spaces before it, closed by a fence of the same character at least as long, or by the end of the text.
func suggestionBlock(body string) (lines []string, ok bool) {
	var fence, info string
	for line := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
		mark, rest := fenceOf(line)
		switch {
		case fence == "" && mark != "":
			fence, info, lines = mark, rest, nil
		case fence != "" && mark != "" && rest == "" && mark[0] == fence[0] && len(mark) >= len(fence):
			if info == "suggestion" {
				return lines, true
			}
			fence = ""
		case fence != "":
			lines = append(lines, line)
		}
	}
	return lines, fence != "" && info == "suggestion"
}

// fenceOf splits a line that may open or close a fenced block into the fence and the trimmed words after it.
func fenceOf(line string) (mark, rest string) {
	text := strings.TrimLeft(line, " ")
	if len(line)-len(text) > 3 {
		return "", ""
	}
	for _, c := range []string{"`", "~"} {
		rest := strings.TrimLeft(text, c)
		mark := text[:len(text)-len(rest)]
		if len(mark) >= 3 && !(c == "`" && strings.Contains(rest, "`")) {
			return mark, strings.TrimSpace(rest)
		}
	}
	return "", ""
}
