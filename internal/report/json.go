package report

import (
	"encoding/json"
	"io"
)

// JSONVersion is the version of the JSON format. It changes when a field is taken away or means something else; new
// fields may appear without.
const JSONVersion = 1

// The JSON format. An id stays the same when lines move. Lines and columns count from 1, columns in bytes; an edit
// replaces whole lines, and one with end_line below start_line inserts before start_line. fix is null when none is
// offered, and refused then says why, where that is known. unused_ignores are looked for with --verbose.
type (
	document struct {
		Version  int           `json:"version"`
		Files    int           `json:"files"`
		Findings []jsonFinding `json:"findings"`
		Errors   []jsonError   `json:"errors"`
		Unused   []jsonUnused  `json:"unused_ignores"`
	}
	jsonFinding struct {
		ID       string   `json:"id"`
		Check    string   `json:"check"`
		Path     string   `json:"path"`
		Line     int      `json:"line"`
		Column   int      `json:"column"`
		EndLine  int      `json:"end_line"`
		Severity string   `json:"severity"`
		Message  string   `json:"message"`
		Proof    string   `json:"proof"`
		Fix      *jsonFix `json:"fix"`
		Refused  string   `json:"refused"`
	}
	jsonFix struct {
		Title string     `json:"title"`
		Edits []jsonEdit `json:"edits"`
	}
	jsonEdit struct {
		Path      string `json:"path"`
		StartLine int    `json:"start_line"`
		EndLine   int    `json:"end_line"`
		New       string `json:"new"`
	}
	jsonUnused struct {
		Path    string `json:"path"`
		Line    int    `json:"line"`
		Name    string `json:"name"`
		Unknown bool   `json:"unknown"`
	}
	jsonError struct {
		Path   string `json:"path"`
		Line   int    `json:"line"`
		Reason string `json:"reason"`
		Failed bool   `json:"failed"`
	}
)

// JSON writes v as one object, the format of JSONVersion.
func JSON(w io.Writer, v View) error {
	doc := document{Version: JSONVersion, Files: v.Files, Findings: []jsonFinding{}, Errors: []jsonError{},
		Unused: []jsonUnused{}}
	secret := v.secrecy()
	for _, f := range v.Findings {
		out := jsonFinding{
			ID: f.ID, Check: f.Check.Name, Path: f.Path, Line: f.Line, Column: v.column(f), EndLine: f.EndLine,
			Severity: f.Check.Severity.String(), Message: f.Message, Proof: "advice", Refused: f.Refused,
		}
		if secret.hidden(v, f) {
			out.Refused = unshown
		} else if len(f.Fixes) > 0 {
			out.Proof = string(f.Fixes[0].Intent.Claim().Class)
			out.Fix = &jsonFix{Title: f.Fixes[0].Title, Edits: []jsonEdit{}}
			for _, e := range v.edits(f) {
				out.Fix.Edits = append(out.Fix.Edits, jsonEdit(e))
			}
		}
		doc.Findings = append(doc.Findings, out)
	}
	for _, s := range v.Skipped {
		doc.Errors = append(doc.Errors, jsonError(s))
	}
	for _, u := range v.Unused {
		doc.Unused = append(doc.Unused, jsonUnused(u))
	}
	return writeJSON(w, doc)
}

// writeJSON writes a document as people can read it.
func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
