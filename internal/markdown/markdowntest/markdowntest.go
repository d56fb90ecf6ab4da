// Package markdowntest renders Markdown for tests, as GitHub does as far as they care.
package markdowntest

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// Render is what GitHub-flavoured Markdown makes of text.
func Render(t interface{ Fatal(...any) }, text string) string {
	var out bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Reference is what GitHub looks for in rendered text.
var Reference = regexp.MustCompile(`(?i)[@#]\w|gh-\d`)
