package report

import (
	"io"
	"strings"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/sweep/stock"
)

// A Sweep is what is told of a sweep.
type Sweep struct {
	Stock   stock.Stock
	At      time.Time // when it was made
	Version string    // of the program
}

// SweepVersion is the version of the JSON format of a sweep. It changes as JSONVersion does.
const SweepVersion = 1

// SweepFormat is what a sweep's JSON calls itself, in its first field.
const SweepFormat = "lighterman-sweep"

// The JSON format of a sweep. Everything is in a fixed order: repositories by name, checks by how often they find
// something, families and topics as they are always shown. What stands in a finding is what review says of it, and so is an
// error; fix is null when none is offered. by_proof counts the findings with a proven fix by the class of its proof. Of a
// repository with very many findings or errors only the first are listed; the counts have all of them. skipped is null for
// a repository that was looked at, else why it was not: unreadable, configuration (one that cannot be used), size (too many
// files to be listed), archived, disabled, empty, mirror or fork.
//
// A gain is what is known without building: by how many bytes compressed images for linux/amd64 get smaller, and for how
// many fixes that is known; registries know it (--online), and only where an image changes its base.
type (
	jsonSweep struct {
		Format       string           `json:"format"`
		Version      int              `json:"version"`
		Program      string           `json:"program"`
		At           time.Time        `json:"at"`
		Totals       jsonTotals       `json:"totals"`
		Checks       []jsonCheck      `json:"checks"`
		Families     []jsonFamily     `json:"families"`
		Merges       []jsonMerge      `json:"merges"`
		Spread       []jsonBin        `json:"spread"`
		Skipped      map[string]int   `json:"skipped"`
		Repositories []jsonRepository `json:"repositories"`
	}
	jsonTotals struct {
		Repositories int      `json:"repositories"`
		Looked       int      `json:"looked_at"`
		Clean        int      `json:"clean"`
		Files        int      `json:"files"`
		Findings     int      `json:"findings"`
		Fixable      int      `json:"fixable"`
		Fixes        int      `json:"fixes"`
		Changed      int      `json:"changed_dockerfiles"`
		Gain         jsonGain `json:"gain"`
	}
	jsonGain struct {
		Bytes int64 `json:"bytes"`
		Known int   `json:"known_for"`
	}
	jsonCheck struct {
		Check        string         `json:"check"`
		Family       string         `json:"family"`
		Severity     string         `json:"severity"`
		Page         string         `json:"page"`
		Findings     int            `json:"findings"`
		Fixable      int            `json:"fixable"`
		ByProof      map[string]int `json:"by_proof"`
		Repositories int            `json:"repositories"`
	}
	jsonFamily struct {
		Family   string         `json:"family"`
		Findings int            `json:"findings"`
		Fixable  int            `json:"fixable"`
		ByProof  map[string]int `json:"by_proof"`
	}
	jsonMerge struct {
		Topic        string   `json:"topic"`
		Family       string   `json:"family"`
		Fixes        int      `json:"fixes"`
		Dockerfiles  int      `json:"dockerfiles"`
		Files        int      `json:"files"`
		Repositories int      `json:"repositories,omitempty"`
		Gain         jsonGain `json:"gain"`
	}
	jsonBin struct {
		From         int  `json:"from"`
		To           *int `json:"to"` // null: any number
		Repositories int  `json:"repositories"`
	}
	jsonRepository struct {
		Name     string           `json:"name"`
		URL      string           `json:"url"`
		At       time.Time        `json:"at"`
		Skipped  *string          `json:"skipped"`
		Reason   string           `json:"reason"`
		Files    int              `json:"files"`
		Total    int              `json:"total_findings"`
		Fixable  int              `json:"fixable"`
		Changed  int              `json:"changed_dockerfiles"`
		Merges   []jsonMerge      `json:"merges"`
		Findings []jsonSweepFound `json:"findings"`
		Errors   []jsonError      `json:"errors"`
	}
	jsonSweepFound struct {
		ID       string        `json:"id"`
		Check    string        `json:"check"`
		Family   string        `json:"family"`
		Path     string        `json:"path"`
		Line     int           `json:"line"`
		EndLine  int           `json:"end_line"`
		Severity string        `json:"severity"`
		Message  string        `json:"message"`
		Proof    string        `json:"proof"`
		Fix      *jsonSweepFix `json:"fix"`
		Refused  string        `json:"refused"`
	}
	jsonSweepFix struct {
		Title string `json:"title"`
	}
)

// SweepJSON writes a sweep as one object, the format of SweepVersion.
func SweepJSON(w io.Writer, s Sweep) error {
	t := s.Stock
	doc := jsonSweep{
		Format: SweepFormat, Version: SweepVersion, Program: s.Version, At: s.At.UTC(),
		Totals: jsonTotals{
			Repositories: len(t.Entries), Looked: t.Looked, Clean: t.Clean, Files: t.Files, Findings: t.Findings,
			Fixable: t.Fixable, Fixes: t.Fixes(), Changed: t.Mended, Gain: jsonGain(t.Gain()),
		},
		Checks: []jsonCheck{}, Merges: []jsonMerge{}, Skipped: map[string]int{}, Repositories: []jsonRepository{},
	}
	for _, c := range t.Checks {
		doc.Checks = append(doc.Checks, jsonCheck{
			Check: c.Check.Name, Family: string(c.Check.Family), Severity: c.Check.Severity.String(), Page: pageOf(c.Check),
			Findings: c.Findings, Fixable: c.Fixable(), ByProof: byProof(c.Proven), Repositories: c.Repositories,
		})
	}
	for _, f := range t.Families {
		doc.Families = append(doc.Families, jsonFamily{string(f.Family), f.Findings, f.Fixable(), byProof(f.Proven)})
	}
	for _, m := range t.Merges {
		doc.Merges = append(doc.Merges, jsonMergeOf(m.Merge, m.Repositories))
	}
	for _, b := range t.Spread {
		doc.Spread = append(doc.Spread, jsonBinOf(b))
	}
	for _, p := range t.Passed {
		doc.Skipped[string(p.Reason)] = p.Repositories
	}
	for _, e := range t.Entries {
		doc.Repositories = append(doc.Repositories, jsonRepositoryOf(e))
	}
	return writeJSON(w, doc)
}

// pageOf is where the page of a check is read.
func pageOf(c *check.Check) string { return home + "/blob/main/internal/checks/" + c.Name + ".md" }

func byProof(proven map[fixes.Class]int) map[string]int {
	out := map[string]int{}
	for class, n := range proven {
		out[string(class)] = n
	}
	return out
}

func jsonMergeOf(m stock.Merge, repositories int) jsonMerge {
	return jsonMerge{
		Topic: m.Topic.Name, Family: string(m.Topic.Family), Fixes: m.Fixes, Dockerfiles: m.Dockerfiles, Files: m.Files,
		Repositories: repositories, Gain: jsonGain(m.Gain),
	}
}

func jsonBinOf(b stock.Bin) jsonBin {
	out := jsonBin{From: b.From, Repositories: b.Repositories}
	if b.To >= b.From {
		out.To = &b.To
	}
	return out
}

func jsonRepositoryOf(e stock.Entry) jsonRepository {
	out := jsonRepository{
		Name: e.Name, URL: e.URL, At: e.At.UTC(), Reason: e.Detail, Files: e.Files, Total: e.Findings(), Fixable: e.Fixable(),
		Changed: e.Mended, Merges: []jsonMerge{}, Findings: []jsonSweepFound{}, Errors: []jsonError{},
	}
	if e.Passed != "" {
		why := string(e.Passed)
		out.Skipped = &why
	}
	for _, m := range e.Merges {
		out.Merges = append(out.Merges, jsonMergeOf(m, 0))
	}
	for _, f := range e.Found {
		out.Findings = append(out.Findings, jsonFoundOf(f))
	}
	for _, s := range e.Skips {
		out.Errors = append(out.Errors, jsonError(s))
	}
	return out
}

func jsonFoundOf(f stock.Found) jsonSweepFound {
	out := jsonSweepFound{
		ID: f.ID, Check: f.Check, Family: string(f.Family), Path: f.Path, Line: f.Line, EndLine: f.EndLine,
		Severity: f.Severity.String(), Message: f.Message, Proof: "advice", Refused: f.Refused,
	}
	if f.Title != "" {
		out.Proof, out.Fix = string(f.Class), &jsonSweepFix{f.Title}
	}
	return out
}

// IsSweep reports whether a file's text begins as one that SweepHTML or SweepJSON wrote.
func IsSweep(text []byte) bool {
	head := string(text[:min(len(text), 2048)])
	return strings.HasPrefix(head, "{\n  \"format\": \""+SweepFormat+"\"") ||
		strings.HasPrefix(head, "<!doctype html>") && strings.Contains(head, SweepMark)
}
