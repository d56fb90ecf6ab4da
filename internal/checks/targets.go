package checks

import (
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// destination is where a COPY or ADD puts what it brings, as a clean absolute path; dir reports whether that is written
// as a directory. It is "" when it cannot be known from the file alone.
func destination(i *dockerfile.Instruction) (to string, dir bool) {
	if len(i.Words) < 2 && len(i.Heredocs) == 0 || len(i.Words) == 0 {
		return "", false
	}
	text := i.Words[len(i.Words)-1].Text
	dir = strings.HasSuffix(text, "/") || path.Base(text) == "." || path.Base(text) == ".." || len(i.Words) > 2
	return absolutePath(i, text), dir
}

// absolutePath is a path written in i, as seen from the working directory there; "" when that or the path is not known.
func absolutePath(i *dockerfile.Instruction, text string) string {
	if text == "" || strings.ContainsAny(text, "$\\`\"'*?[") {
		return ""
	}
	if path.IsAbs(text) {
		return path.Clean(text)
	}
	if dir := i.Stage.Before(i).Workdir; dir != "" {
		return path.Join(dir, text)
	}
	return ""
}

// target is the path at which COPY or ADD puts one file. A destination without a file's extension is taken for a
// directory that exists.
func target(i *dockerfile.Instruction, source string) string {
	to, dir := destination(i)
	if to == "" {
		return ""
	}
	if dir || path.Ext(to) == "" {
		return path.Join(to, path.Base(source))
	}
	return to
}
