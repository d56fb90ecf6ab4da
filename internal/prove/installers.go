package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A tool is a dependency manager: which of these files it reads at least, and the directories it writes.
type tool struct {
	commands  []string // "npm ci": the first words
	manifests []string // one of them has to be an input; none: it reads nothing
	writes    []string
}

// tools are the commands over which a copy of the sources may move down, each with what it is known to read.
var tools = []tool{
	{[]string{"npm ci", "npm install", "npm i", "npm clean-install"}, []string{"package.json"}, []string{"node_modules"}},
	{[]string{"yarn", "yarn install"}, []string{"package.json"}, []string{"node_modules"}},
	{[]string{"pnpm install", "pnpm i", "pnpm fetch"}, []string{"package.json", "pnpm-lock.yaml"}, []string{"node_modules"}},
	{[]string{"bun install", "bun i"}, []string{"package.json"}, []string{"node_modules"}},
	{[]string{"pip install", "pip3 install", "python -m pip install", "python3 -m pip install"}, nil, []string{".venv", "venv"}},
	{[]string{"go mod download", "go mod verify"}, []string{"go.mod"}, nil},
	{[]string{"bundle install"}, []string{"Gemfile"}, []string{".bundle", "bundle"}},
	{[]string{"composer install"}, []string{"composer.json"}, []string{"vendor"}},
	{[]string{"poetry install", "uv sync", "pdm install", "pipenv install"}, []string{"pyproject.toml", "Pipfile"}, []string{".venv"}},
	{[]string{
		"corepack enable", "corepack prepare", "npm cache clean", "yarn cache clean", "npm config set", "bundle config",
		"apt-get update", "apt-get install", "apt-get clean", "apk add", "rm -rf /var/lib/apt/lists/*",
		"npm install -g", "npm i -g", "go version", "node --version", "npm --version",
	}, nil, nil},
}

// installer finds the tool of a command: the one whose words match the most.
func installer(words []string) (tool, error) {
	var best tool
	length := 0
	for _, t := range tools {
		for _, command := range t.commands {
			if want := strings.Fields(command); len(want) > length && len(want) <= len(words) && slices.Equal(want, words[:len(want)]) {
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
	return best, nil
}

// requirements adds what pip reads: the files of -r and -c. A path as a requirement, or -e, reads the sources.
func requirements(t tool, words []string) (tool, error) {
	for k, w := range words {
		next := ""
		if k+1 < len(words) {
			next = words[k+1]
		}
		switch {
		case w == "-r", w == "--requirement", w == "-c", w == "--constraint":
			t.manifests = append(slices.Clone(t.manifests), path.Base(next))
		case strings.HasPrefix(w, "--requirement="), strings.HasPrefix(w, "--constraint="):
			t.manifests = append(slices.Clone(t.manifests), path.Base(w[strings.IndexByte(w, '=')+1:]))
		case strings.HasPrefix(w, "-r"), w == "-e", strings.HasPrefix(w, "--editable"), w == ".", strings.HasPrefix(w, "./"),
			strings.HasPrefix(w, ".["), strings.HasPrefix(w, "-e."), strings.HasSuffix(w, ".whl"):
			return tool{}, fmt.Errorf("pip %s reads the sources", w)
		}
	}
	return t, nil
}

// reads checks that one of the tool's manifests is among the inputs.
func (t tool) reads(inputs []string) error {
	if len(t.manifests) == 0 {
		return nil
	}
	for _, in := range inputs {
		if slices.Contains(t.manifests, path.Base(in)) {
			return nil
		}
	}
	return fmt.Errorf("%s reads %s, which is not copied before", t.commands[0], strings.Join(t.manifests, " or "))
}
