package buildcontext

import (
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

func isTiltfile(name string) bool {
	base := path.Base(name)
	return base == "Tiltfile" || strings.HasSuffix(base, ".tiltfile") || strings.HasSuffix(base, ".Tiltfile")
}

var dockerBuild = pattern.New(`(?m)^[^#\n]*?\bdocker_build(?:_with_restart)?\(`)

// tilt is what the docker_build calls of a Tiltfile state. Only literal arguments are read.
// See https://docs.tilt.dev/api.html#api.docker_build.
func tilt(repo *snapshot, name string) []recipe {
	data, err := readText(repo, name)
	if err != nil {
		return nil
	}
	var out []recipe
	for _, at := range dockerBuild.FindAllIndex(data, maxCommands) {
		call := callOf(string(data[at[1]:]))
		context, ok := call.argument(1, "context")
		if !ok || isURL(context.text) {
			continue
		}
		r := recipe{origin: name, bases: []string{path.Dir(name)}, context: context}
		r.file, _ = call.argument(2, "dockerfile")
		r.target, _ = call.argument(-1, "target")
		if _, inline := call.named["dockerfile_contents"]; inline || r.file.text == hole {
			continue
		}
		for _, key := range []string{"only", "ignore"} {
			if _, ok := call.named[key]; ok {
				r.doubt = key + "= of " + name + " changes what the context holds"
			}
		}
		out = append(out, r)
	}
	return out
}

// A call is the arguments of a function call of a Tiltfile, as written.
type call struct {
	inOrder []string
	named   map[string]string
}

// maxCall bounds the length of a call in bytes.
const maxCall = 8 << 10

var keyword = pattern.New(`^([A-Za-z_][A-Za-z0-9_]*)\s*=([^=].*)$`)

// callOf splits what follows an opening bracket into arguments, up to the bracket that closes it.
func callOf(text string) call {
	text = text[:min(len(text), maxCall)]
	c := call{named: map[string]string{}}
	depth, start, quote := 0, 0, byte(0)
	for k := 0; k < len(text); k++ {
		switch b := text[k]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '\'' || b == '"':
			quote = b
		case b == '(' || b == '[' || b == '{':
			depth++
		case b == ',' && depth == 0:
			c.add(text[start:k])
			start = k + 1
		case b == ')' || b == ']' || b == '}':
			if depth--; depth < 0 {
				c.add(text[start:k])
				return c
			}
		}
	}
	return call{}
}

func (c *call) add(text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
	if found := keyword.FindStringSubmatch(text); found != nil {
		c.named[found[1]] = strings.TrimSpace(found[2])
	} else if text != "" {
		c.inOrder = append(c.inOrder, text)
	}
}

// argument is an argument by its place or its name: a hole when it is no literal text.
func (c call) argument(n int, name string) (phrase, bool) {
	text, ok := c.named[name]
	if !ok && n >= 0 && n < len(c.inOrder) {
		text, ok = c.inOrder[n], true
	}
	if !ok {
		return phrase{}, false
	}
	inner := strings.Trim(text, `"'`)
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '"' && text[0] != '\'' || strings.ContainsAny(inner, `"'`) {
		return unknownPhrase(text), true
	}
	return literal(inner), true
}
