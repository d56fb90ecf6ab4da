package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
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

// newSweeper is what sweeps for an App, by the same configuration as r reviews, and where that does not say when, as when does.
func newSweeper(app *github.App, r *review.Reviewer, when config.Timing) *sweep.Sweeper {
	settings := func(ctx context.Context, repo forge.Repo) config.Settings {
		s := r.Settings(ctx, repo)
		s.Timing = when
		return s
	}
	made := strings.TrimSpace(version() + " " + when.Schedule + " " + when.TimeZone) // a memory has the schedule in it
	return &sweep.Sweeper{Host: app, Options: r.Options, Settings: settings, Version: made, Logger: r.Logger}
}
