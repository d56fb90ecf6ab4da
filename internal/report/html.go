package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/lighterman/lighterman/internal/review"
)

// A Page is a pull request as people see it: the diff with the review's threads in place.
type Page struct {
	Title   string
	Lead    string // one line under the title
	Summary string // the review's body, in Markdown
	Files   []PageFile
	Apply   string // URL to which the button of a suggestion posts its thread's id; "" for a page without buttons
}

// A PageFile is one file of a Page.
type PageFile struct {
	Path    string
	Hunks   [][]review.Row
	Threads []PageThread
}

// A PageThread is one thread of a PageFile, on the lines StartLine to Line of the new file; Line is 0 for one that is
// outdated and stands on no line any more.
type PageThread struct {
	ID        string
	StartLine int
	Line      int
	Author    string
	Body      string // Markdown
	Resolved  bool
}

// placed is a thread with the file it is shown in.
type placed struct {
	File   PageFile
	Thread PageThread
}

//go:embed page.html
var pageText string

// look is what our pages have in common: colours, light and dark, and the frame.
//
//go:embed look.css
var look string

//go:embed page.css
var pageStyle string

// HTML writes the page as one document that needs nothing else: no script, no font, no image from elsewhere.
func HTML(w io.Writer, p Page) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"style":    func() template.CSS { return template.CSS(look + pageStyle) },
		"markdown": func(body string) template.HTML { return markdown(body, nil) },
		"comment":  commentHTML,
		"under":    under,
		"adrift":   adrift,
		"sign":     func(op byte) string { return string(op) },
		"kind":     func(op byte) string { return map[byte]string{'+': "add", '-': "del", ' ': "same"}[op] },
		"button":   func(t PageThread) bool { return p.Apply != "" && !t.Resolved && t.Line > 0 && suggests(t.Body) },
		"open":     func() int { return open(p) },
		"apply":    func() string { return p.Apply },
		"thread":   func(f PageFile, t PageThread) placed { return placed{f, t} },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("page template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// open counts the threads that are not resolved.
func open(p Page) int {
	n := 0
	for _, f := range p.Files {
		for _, t := range f.Threads {
			if !t.Resolved {
				n++
			}
		}
	}
	return n
}

// under are the threads that end on a row's line; they are shown below it.
func under(f PageFile, r review.Row) []PageThread {
	var out []PageThread
	for _, t := range f.Threads {
		if r.New > 0 && t.Line == r.New {
			out = append(out, t)
		}
	}
	return out
}

// adrift are the threads for which the page has no line.
func adrift(f PageFile) []PageThread {
	shown := map[int]bool{}
	for _, rows := range f.Hunks {
		for _, r := range rows {
			shown[r.New] = r.New > 0
		}
	}
	var out []PageThread
	for _, t := range f.Threads {
		if !shown[t.Line] {
			out = append(out, t)
		}
	}
	return out
}

func suggests(body string) bool { return strings.Contains(body, "```suggestion\n") }

// commentHTML renders a thread's body; its suggestion is shown against the lines it replaces.
func commentHTML(f PageFile, t PageThread) template.HTML {
	var old []string
	for _, rows := range f.Hunks {
		for _, r := range rows {
			if r.New >= t.StartLine && r.New <= t.Line && r.New > 0 {
				old = append(old, r.Text)
			}
		}
	}
	return markdown(t.Body, old)
}
