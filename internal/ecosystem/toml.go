package ecosystem

import (
	"bytes"
	"strings"

	"github.com/BurntSushi/toml"
)

// The bounds of a TOML file. The parser goes down one level for each bracket, and takes time by the square of the number
// of parts of a key.
const (
	maxBrackets   = 20_000
	maxKeyParts   = 40
	maxQuotedDots = 500
)

// toml reads a TOML file and makes it an input. It reports false when the answer is unknown by then.
func (r *reading) toml(name string, v any) bool {
	data, ok := r.content(name)
	return ok && r.parseTOML(name, data, v)
}

func (r *reading) parseTOML(name string, data []byte, v any) bool {
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxBrackets || longKeys(data) {
		r.refuse("%s is nested too deeply", name)
		return false
	}
	if err := toml.Unmarshal(data, v); err != nil {
		r.refuse("%s is no valid TOML", name)
		return false
	}
	return true
}

// longKeys reports whether a text may hold a key of very many parts. Parts in quotes may hold what sets others apart, so
// the dots behind a quote are counted for the whole text.
func longKeys(data []byte) bool {
	run, quoted := 0, 0
	last := byte(0)
	for _, c := range data {
		switch c {
		case '.':
			if run++; last == '"' || last == '\'' {
				quoted++
			}
		case ',', '=', '[', ']', '{', '}', '#', '\n':
			run = 0
		}
		if run > maxKeyParts || quoted > maxQuotedDots {
			return true
		}
		if c != ' ' && c != '\t' {
			last = c
		}
	}
	return false
}

// table is the table at a dotted path below a decoded one; nil when there is none.
func table(v any, path string) map[string]any {
	for _, key := range strings.Split(path, ".") {
		t, _ := v.(map[string]any)
		v = t[key]
	}
	t, _ := v.(map[string]any)
	return t
}

// texts are the strings of a decoded list.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
