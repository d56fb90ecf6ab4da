package buildcontext

import (
	"path"
	"strings"
)

func isDevcontainer(name string) bool {
	base := path.Base(name)
	return base == "devcontainer.json" || base == ".devcontainer.json"
}

// devcontainer is what the settings of a development container state; paths are relative to their file.
// See https://containers.dev/implementors/json_reference/.
func devcontainer(repo *snapshot, name string) []recipe {
	data, err := readText(repo, name)
	if err != nil {
		return nil
	}
	file, err := parseYAML(name, uncommented(data))
	if err != nil {
		return nil
	}
	build := file.get("build")
	r := recipe{origin: name, bases: []string{path.Dir(name)}, args: map[string]string{}}
	r.file, r.context = substitute(build.get("dockerfile").text()), substitute(build.get("context").text())
	if r.file.empty() {
		r.file, r.context = substitute(file.get("dockerFile").text()), substitute(file.get("context").text())
	}
	if r.target = substitute(build.get("target").text()); r.file.empty() || r.file.text == hole {
		return nil
	}
	if r.context.empty() {
		r.context = literal(".")
	}
	for _, p := range build.get("args").pairs() {
		set(r.args, p.key, substitute(p.value.text()), true)
	}
	return []recipe{r}
}

// uncommented is JSON without the comments that VS Code allows in it, and without tabs, which YAML does not take.
func uncommented(data []byte) []byte {
	var b strings.Builder
	text := strings.ReplaceAll(string(data), "\t", " ")
	for k := 0; k < len(text); k++ {
		switch {
		case text[k] == '"':
			end := k + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(text)-1)
			b.WriteString(text[k : end+1])
			k = end
		case strings.HasPrefix(text[k:], "//"):
			k += strings.IndexByte(text[k:]+"\n", '\n') - 1
		case strings.HasPrefix(text[k:], "/*"):
			k += 2 + strings.Index(text[k+2:]+"*/", "*/") + 1
		default:
			b.WriteByte(text[k])
		}
	}
	return []byte(b.String())
}
