// Package page is how our own pages look, and what a browser may do with them: text and forms of our own, light or dark as
// the reader has it, wide or narrow, without a script, an image or anything else to be loaded.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed page.css
var look string

//go:embed page.html
var frame string

// A Set is pages that belong together.
type Set struct {
	pages *template.Template
	style string // the only one that the browser takes, by its hash
}

// New parses the templates of a set. They have what page.html defines, "head" and "tail" above all. style comes after the
// look that all pages share; "" adds nothing. It panics on what is no template.
func New(text, style string, functions template.FuncMap) *Set {
	all := look + style
	t := template.New("page").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(all) }})
	t = template.Must(t.Parse(frame))
	sum := sha256.Sum256([]byte(all))
	return &Set{
		pages: template.Must(t.Funcs(functions).Parse(text)),
		style: base64.StdEncoding.EncodeToString(sum[:]),
	}
}

// Show writes a page. target is where its forms may go besides us; "" is nowhere.
func (s *Set) Show(w http.ResponseWriter, status int, name string, values any, target string) error {
	var text bytes.Buffer
	if err := s.pages.ExecuteTemplate(&text, name, values); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return fmt.Errorf("make page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", s.policy(target))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the browser went away
	return nil
}

// policy lets a page have its own style and send forms to us and to target.
func (s *Set) policy(target string) string {
	if target != "" {
		target = " " + target
	}
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self'%s; base-uri 'none'; "+
		"frame-ancestors 'none'", s.style, target)
}
