package ecosystem

import (
	"bytes"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxBrackets bounds how many tables and lists a TOML file may have: the parser goes down one level for each.
const maxBrackets = 20_000

// toml reads a TOML file and makes it an input. It reports false when the answer is unknown by then.
func (r *reading) toml(name string, v any) bool {
	data, ok := r.content(name)
	return ok && r.parseTOML(name, data, v)
}

func (r *reading) parseTOML(name string, data []byte, v any) bool {
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxBrackets {
		r.refuse("%s is nested too deeply", name)
		return false
	}
	if err := toml.Unmarshal(data, v); err != nil {
		r.refuse("%s is no valid TOML", name)
		return false
	}
	return true
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
