package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A tool is a dependency manager: what it reads and the directories it writes.
type tool struct {
	commands  []string // "npm ci": the first words
	manifests []string // one of these files has to be an input; none: it reads nothing
	lists     []string // all of these, too
	writes    []string
	dir       string // where it works, below the working directory; "" for there
}

// tools are the commands over which a copy of the sources may move down, each with what it is known to read.
var tools = []tool{
	{
		commands: []string{
			"npm ci", "npm install", "npm i", "npm clean-install", "yarn", "yarn install", "bun install", "bun i",
		},
		manifests: []string{"package.json"}, writes: []string{"node_modules"},
	},
	{
		commands:  []string{"pnpm install", "pnpm i", "pnpm fetch"},
		manifests: []string{"package.json", "pnpm-lock.yaml"}, writes: []string{"node_modules"},
	},
	{
		commands: []string{"pip install", "pip3 install", "python -m pip install", "python3 -m pip install"},
		writes:   []string{".venv", "venv"},
	},
	{commands: []string{"go mod download", "go mod verify"}, manifests: []string{"go.mod"}},
	{commands: []string{"bundle install"}, manifests: []string{"Gemfile"}, writes: []string{".bundle", "bundle"}},
	{commands: []string{"composer install"}, manifests: []string{"composer.json"}, writes: []string{"vendor"}},
	{
		commands:  []string{"poetry install", "uv sync", "pdm install", "pipenv install"},
		manifests: []string{"pyproject.toml", "Pipfile"}, writes: []string{".venv"},
	},
	{commands: []string{
		"corepack enable", "corepack prepare", "npm cache clean", "yarn cache clean", "npm config set", "bundle config",
		"apt-get update", "apt-get install", "apt-get clean", "apk add",
		"npm install -g", "npm i -g", "go version", "node --version", "npm --version",
	}},
}

// installer finds the tool of a command: the one whose words match the most.
func installer(words []string) (tool, error) {
	var best tool
	length := 0
	for _, t := range tools {
		for _, command := range t.commands {
			if want := strings.Fields(command); len(want) > length && begins(words, want) {
				best, length = t, len(want)
			}
		}
	}
	if length == 0 || words[0] == "yarn" && length == 1 && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		return tool{}, fmt.Errorf("%s is not known to read nothing but manifests", strings.Join(words, " "))
	}
	if slices.Contains([]string{"pip", "pip3", "python", "python3"}, words[0]) {
		return requirements(best, words)
	}
	dir, rest, err := place(words[length:])
	if err != nil {
		return tool{}, fmt.Errorf("where %s works is not known", words[0])
	}
	best.dir = dir
	for _, w := range rest {
		if local(w) {
			return tool{}, fmt.Errorf("%s may read more than manifests: %s", words[0], w)
		}
	}
	return best, nil
}

// begins reports whether words start with want.
func begins(words, want []string) bool {
	return len(words) >= len(want) && slices.Equal(words[:len(want)], want)
}

// elsewhereOptions are the options by which a manager works in another directory.
var elsewhereOptions = []string{"--prefix", "-C", "--cwd", "--dir", "--directory", "--project", "--working-dir"}

// place takes the option that names another directory out of a command's words.
func place(words []string) (dir string, rest []string, err error) {
	for k := 0; k < len(words); k++ {
		name, value, joined := strings.Cut(words[k], "=")
		if !slices.Contains(elsewhereOptions, name) {
			rest = append(rest, words[k])
			continue
		}
		if !joined && k+1 < len(words) {
			k++
			value = words[k]
		}
		dir = path.Clean(value)
		if value == "" || path.IsAbs(dir) || strings.HasPrefix(dir, "..") {
			return "", nil, fmt.Errorf("where %s works is not known", words[0])
		}
	}
	return dir, rest, nil
}

// local reports whether a word names something in the sources.
func local(w string) bool {
	return w != "" && strings.ContainsRune("./~", rune(w[0])) || strings.Contains(w, "file:") || archiveName(w) ||
		strings.HasPrefix(w, "-") && strings.Contains(w, "/") && !strings.Contains(w, "://")
}

// requirements adds what pip reads: the files of -r and -c. A path as a requirement, or -e, reads the sources.
func requirements(t tool, words []string) (tool, error) {
	for k := slices.Index(words, "install") + 1; k < len(words); k++ {
		name, value, joined := strings.Cut(words[k], "=")
		switch {
		case slices.Contains([]string{"-r", "--requirement", "-c", "--constraint"}, name):
			if !joined && k+1 < len(words) {
				k++
				value = words[k]
			}
			t.lists = append(t.lists, value)
		case strings.HasPrefix(name, "-r"), strings.HasPrefix(name, "-e"), strings.HasPrefix(name, "--editable"),
			local(words[k]), strings.HasSuffix(words[k], ".whl"):
			return tool{}, fmt.Errorf("pip %s reads the sources", words[k])
		}
	}
	return t, nil
}

// reads checks that what the tool reads is among the inputs.
func (t tool) reads(inputs []string) error {
	has := func(manifest string) bool {
		end := "/" + path.Join(t.dir, path.Base(manifest))
		return slices.ContainsFunc(inputs, func(in string) bool { return strings.HasSuffix("/"+in, end) })
	}
	for _, list := range t.lists {
		if !has(list) {
			return fmt.Errorf("%s reads %s, which is not copied before", t.commands[0], list)
		}
	}
	if len(t.manifests) > 0 && !slices.ContainsFunc(t.manifests, has) {
		return fmt.Errorf("%s reads %s, which is not copied before", t.commands[0], strings.Join(t.manifests, " or "))
	}
	return nil
}
