package prove

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// A tool is a dependency manager: what it reads and what it writes.
type tool struct {
	commands  []string // "npm ci": the first words
	manifests []string // one of these files has to be there; none: it reads nothing
	options   options
	needs     []string         // options, or "this|that", without which it may read the sources: the manifest decides
	also      []string         // files that it reads beside each manifest when they are there
	forbids   []string         // options that a free one must not have
	words     *pattern.Pattern // what other words may be; nil: there are none
	usually   string           // the list that it reads when "env" is among its words and none is named
	beside    []string         // directories that it writes beside each manifest
	writes    []string         // what else it writes
	alters    bool             // it may change a manifest or a lock file
	free      bool             // other words may follow, as long as they name nothing in the sources
	system    bool             // it writes where the system keeps its programs
}

var (
	npmOptions = options{
		switches: `--production --prod --dev --no-audit --audit --no-fund --fund --legacy-peer-deps --strict-peer-deps
			--force -f --silent -s --quiet -q --verbose -d -dd -ddd --no-optional --unsafe-perm --prefer-offline
			--prefer-online --no-save --no-progress --progress --ignore-scripts --no-color --no-update-notifier
			--engine-strict --foreground-scripts --no-bin-links --if-present --frozen-lockfile`,
		values: `--omit --include --only --loglevel --registry --fetch-timeout --fetch-retries --maxsockets --cpu --os
			--libc --install-strategy`,
		dirs: "--prefix -C", places: "--cache",
	}
	yarnOptions = options{
		switches: `--frozen-lockfile --immutable --immutable-cache --check-cache --production --prod --ignore-scripts
			--non-interactive --silent -s --pure-lockfile --ignore-engines --ignore-optional --ignore-platform
			--no-progress --check-files --prefer-offline --inline-builds --verbose --force --no-bin-links --json`,
		values: "--network-timeout --network-concurrency --mode --registry", dirs: "--cwd", places: "--cache-folder",
	}
	pnpmOptions = options{
		switches: `--frozen-lockfile --no-frozen-lockfile --prod -P --production --dev -D --offline --prefer-offline
			--ignore-scripts --no-optional --shamefully-hoist --recursive -r --silent -s --force --no-color --color
			--strict-peer-dependencies --no-strict-peer-dependencies --ignore-pnpmfile --stream --use-stderr`,
		values: `--reporter --network-concurrency --loglevel --registry --child-concurrency --fetch-timeout
			--filter -F`,
		dirs: "--dir -C", places: "--store-dir",
	}
	bunOptions = options{
		switches: `--frozen-lockfile --production -p --no-save --ignore-scripts --no-progress --silent --verbose --no-cache
			--no-verify --no-summary --force -f --save-text-lockfile`,
		values: "--omit --backend --registry --network-concurrency --concurrent-scripts --linker --filter --cpu --os",
		dirs:   "--cwd",
	}
)

// tools are the commands over which a copy of the sources may move down, each with what it is known to read. pip and
// the operating systems' own managers are known elsewhere.
var tools = slices.Concat(generalTools, scriptedTools())

var generalTools = []tool{
	{
		commands: []string{"npm ci", "npm clean-install"}, manifests: []string{"package.json"}, options: npmOptions,
		beside: []string{"node_modules"},
	},
	{
		commands: []string{"npm install", "npm i"}, manifests: []string{"package.json"}, options: npmOptions,
		beside: []string{"node_modules"}, alters: true,
	},
	{
		commands: []string{"yarn", "yarn install"}, manifests: []string{"package.json"}, options: yarnOptions,
		beside: []string{"node_modules", ".yarn/cache", ".yarn/unplugged", ".pnp.cjs"}, alters: true,
	},
	{
		commands: []string{"bun install", "bun i", "bun ci"}, manifests: []string{"package.json"}, options: bunOptions,
		beside: []string{"node_modules"}, alters: true,
	},
	{
		commands: []string{"pnpm install", "pnpm i", "pnpm fetch"}, manifests: []string{"package.json", "pnpm-lock.yaml"},
		options: pnpmOptions, beside: []string{"node_modules"}, alters: true,
	},
	{
		commands: []string{"go mod download", "go mod verify"}, manifests: []string{"go.mod", "go.work"},
		options: options{switches: "-x -json -modcacherw"}, writes: []string{"/go/pkg/mod"},
	},
	{commands: []string{"corepack prepare"}, manifests: []string{"package.json"}, free: true, system: true},
	{
		commands: []string{
			"corepack enable", "npm cache clean", "yarn cache clean", "npm config set", "npm install -g", "npm i -g",
			"npm install --global", "go version", "node --version", "npm --version",
		},
		free: true, system: true,
	},
}

// toolEffect finds the tool of a command, the one whose words match the most, and what it does.
func toolEffect(program string, words []string, dir string) (effect, bool, error) {
	words = verbFirst(append([]string{program}, words[1:]...))
	best, length := known(words)
	if length == 0 {
		return effect{}, false, nil
	}
	e := effect{
		name: strings.Join(words[:length], " "), dir: dir, manifests: best.manifests, beside: best.beside,
		writes: best.writes, alters: best.alters, system: best.system, also: best.also,
	}
	if best.free {
		for _, option := range best.forbids {
			if slices.Contains(words, option) {
				return e, true, fmt.Errorf("%s writes into the sources with %s", e.name, option)
			}
		}
		return e, true, free(words[length:], program)
	}
	p, err := best.options.parse(program, words[length:])
	if err != nil {
		return e, true, err
	}
	if len(p.rest) > 0 && length == 1 {
		return e, false, nil
	}
	if best.usually != "" && words[1] == "env" && len(p.lists) == 0 {
		p.lists = []string{best.usually}
	}
	if best.words != nil {
		for _, v := range p.values {
			if local(v) || strings.Contains(v, "$") {
				return e, true, fmt.Errorf("%s may read the sources: %s", program, v)
			}
		}
		p.rest = slices.DeleteFunc(p.rest, best.words.MatchString)
	}
	if len(p.rest) > 0 {
		return e, true, fmt.Errorf("%s may read more than manifests: %s", program, p.rest[0])
	}
	for _, option := range best.needs {
		given := func(o string) bool { return slices.Contains(p.seen, o) }
		if !slices.ContainsFunc(strings.Split(option, "|"), given) {
			e.lacks = append(e.lacks, option)
		}
	}
	e.lists = allUnder(dir, p.lists)
	e.writes = append(slices.Clone(e.writes), allUnder(dir, p.places)...)
	if p.dir != "" {
		e.dir = under(dir, p.dir)
		e.lists = allUnder(e.dir, p.lists)
	}
	return e, true, nil
}

// known finds a tool by the first words and how many they are.
func known(words []string) (best tool, length int) {
	for _, t := range slices.Concat(tools, otherTools) {
		for _, command := range t.commands {
			if want := strings.Fields(command); len(want) > length && begins(words, want) {
				best, length = t, len(want)
			}
		}
	}
	return best, length
}

// directoryFirst are the options that select a directory and may stand before the verb: npm --prefix web ci.
var directoryFirst = []string{"--prefix", "-C", "--cwd", "--dir", "--working-dir"}

// verbFirst puts such an option behind the verb.
func verbFirst(words []string) []string {
	if len(words) < 3 {
		return words
	}
	name, _, joined := strings.Cut(words[1], "=")
	n := 3
	if joined {
		n = 2
	}
	if !slices.Contains(directoryFirst, name) || len(words) <= n {
		return words
	}
	return slices.Concat(words[:1], words[n:n+1], words[1:n], words[n+1:])
}

// begins reports whether words start with want.
func begins(words, want []string) bool {
	return len(words) >= len(want) && slices.Equal(words[:len(want)], want)
}

// free checks words of which it is only known that a path among them would be read.
func free(words []string, program string) error {
	for _, w := range words {
		name, _, _ := strings.Cut(w, "=")
		if local(w) || slices.Contains(directoryFirst, name) || name == "--location" && w != "--location=global" || w == "-L" {
			return fmt.Errorf("%s may read more than manifests: %s", program, w)
		}
	}
	return nil
}

// local reports whether a word names something in the sources.
func local(w string) bool {
	return w != "" && strings.ContainsRune("./~", rune(w[0])) || strings.Contains(w, "file:") || archiveName(w) ||
		strings.HasPrefix(w, "-") && strings.Contains(w, "/") && !strings.Contains(w, "://")
}
