package main

import (
	"log/slog"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/internal/sweep"
)

// newReviewer is what reviews for an App. presets are owners whose presets every repository may extend.
func newReviewer(app *github.App, presets []string, engine check.Options, log *slog.Logger) *review.Reviewer {
	return &review.Reviewer{
		Forge: app, Library: review.NewLibrary(app.Reader(), app.InstallationOf), Owners: presets, Options: engine,
		Logger: log, Page: checks.Page,
	}
}

// newSweeper is what sweeps for an App, by the same configuration as r reviews.
func newSweeper(app *github.App, r *review.Reviewer) *sweep.Sweeper {
	return &sweep.Sweeper{Host: app, Options: r.Options, Settings: r.Settings, Version: version(), Logger: r.Logger}
}
