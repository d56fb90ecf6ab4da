package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/review"
)

// demoPage serves the demo's pull request as a page whose buttons do what GitHub's do.
type demoPage struct {
	pull   *githubtest.Pull
	author string
	settle func(context.Context) error // waits until lighterman has answered a push
	log    *slog.Logger
}

func (d demoPage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.show)
	mux.HandleFunc("POST /apply", d.apply)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (d demoPage) show(w http.ResponseWriter, _ *http.Request) {
	page, err := pageOf(d.pull)
	if err != nil {
		d.fail(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "same-origin")
	if err := report.HTML(w, page); err != nil {
		d.log.Error("write page", "error", err)
	}
}

// apply commits the suggestion of one thread to the pull request's branch: a push, a webhook, another review.
func (d demoPage) apply(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	id, err := commentOf(d.pull, r.FormValue("thread"))
	if err != nil {
		d.fail(w, http.StatusNotFound, err)
		return
	}
	if _, err := d.pull.ApplySuggestions(d.author, id); err != nil {
		d.fail(w, http.StatusConflict, err)
		return
	}
	if err := d.settle(r.Context()); err != nil {
		d.fail(w, http.StatusInternalServerError, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (d demoPage) fail(w http.ResponseWriter, status int, err error) {
	d.log.Error("demo page", "error", err)
	http.Error(w, err.Error(), status)
}

// commentOf is the comment that opened a thread.
func commentOf(pull *githubtest.Pull, thread string) (int64, error) {
	threads, err := pull.Threads()
	if err != nil {
		return 0, err
	}
	for _, t := range threads {
		if t.ID == thread && len(t.Comments) > 0 {
			return t.Comments[0].ID, nil
		}
	}
	return 0, fmt.Errorf("no thread %q", thread)
}

// pageOf is the pull request as it stands.
func pageOf(pull *githubtest.Pull) (report.Page, error) {
	page := report.Page{
		Title: fmt.Sprintf("%s #%d", pull.Title(), pull.Number()),
		Lead: fmt.Sprintf("%s wants to merge %s into %s/%s.",
			pull.Author(), pull.HeadBranch(), pull.Repo().Owner(), pull.Repo().Name()),
		Apply: "/apply",
	}
	var summaries []string
	for _, r := range pull.Reviews() {
		if r.Body != "" && r.Minimized == "" {
			summaries = append(summaries, r.Body)
		}
	}
	if runs := pull.CheckRuns(); len(runs) > 0 {
		last := runs[len(runs)-1]
		summaries = append(summaries, fmt.Sprintf("**Check run: %s** (%s)", last.Title, last.Conclusion), last.Summary, last.Text)
	}
	page.Summary = strings.Join(summaries, "\n\n")
	files, err := pull.Files()
	if err != nil {
		return page, err
	}
	threads, err := pull.Threads()
	if err != nil {
		return page, err
	}
	for _, f := range files {
		part, err := pageFile(f, threads)
		if err != nil {
			return page, err
		}
		page.Files = append(page.Files, part)
	}
	return page, nil
}

func pageFile(f githubtest.File, threads []githubtest.Thread) (report.PageFile, error) {
	diff, err := review.ParseDiff(f.Patch)
	if err != nil {
		return report.PageFile{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	out := report.PageFile{Path: f.Path, Hunks: diff.Rows()}
	for _, t := range threads {
		if t.Path != f.Path || len(t.Comments) == 0 {
			continue
		}
		start := t.StartLine
		if start == 0 {
			start = t.Line
		}
		out.Threads = append(out.Threads, report.PageThread{
			ID: t.ID, StartLine: start, Line: t.Line, Author: t.Comments[0].Author, Body: t.Comments[0].Body,
			Resolved: t.ResolvedBy != "" || t.Comments[0].Minimized != "",
		})
	}
	return out, nil
}
