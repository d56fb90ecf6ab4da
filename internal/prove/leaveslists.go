package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// namesManager matches a word that may call apt, by name and not as part of a file's path, and any path of its lists.
var namesManager = pattern.New(
	`(^|[^\w./-]|/s?bin/)(apt|apt-get|aptitude|apt-cache|apt-file|apt-fast|nala)($|[^\w/.:=-])|/var/lib/apt\b`)

// withoutLists are the verbs of apt that work without package lists (apt-get(8)).
var withoutLists = strings.Fields(`
	update clean autoclean auto-clean distclean dist-clean remove purge autoremove auto-remove autopurge`)

// selfContained are programs, besides those of mergedRuns, that neither call apt nor run files of the repository.
// Builtins of the shell are among them.
var selfContained = strings.Fields(`
	: [ test true false cd echo printf export set unset local read shift wait sleep pwd exit umask ulimit trap type which
	command hash return
	awk base64 cmp comm cut diff expand expr fold getent groups hostname id join link locale md5sum mkfifo mknod
	mv nl od paste patch printenv readlink realpath rsync sha1sum sha256sum sha512sum shred split stat sync tac test
	uname unlink unzip whoami yes zip file
	chpasswd passwd chsh groupdel deluser delgroup visudo setcap debconf-set-selections add-apt-repository apt-key
	apt-config dpkg-deb dpkg-query dpkg-divert dpkg-statoverride deb-systemd-helper systemctl service
	ssh-keygen ssh-keyscan
	a2enmod a2dismod a2ensite a2dissite a2enconf a2disconf phpenmod phpdismod nginx apachectl
	clang cc ld ar pkg-config configure autoreconf libtoolize ninja meson rustc tsc sqlite3 virtualenv pipx
	mamba micromamba
	cabal stack opam luarocks mix rebar3 dos2unix envsubst gpg gpgconf keytool openssl nproc`)

// ofRepository are programs that may run what stands in files of the repository, with the files that say so besides
// those which are named.
var ofRepository = map[string][]string{
	"make": {"Makefile", "makefile", "GNUmakefile"}, "npm": packageJSON, "npx": packageJSON, "yarn": packageJSON,
	"pnpm": packageJSON, "bun": packageJSON, "node": nil, "corepack": nil, "python": nil, "python3": nil, "perl": nil,
	"php": nil, "composer": {"composer.json"}, "ruby": nil, "rake": {"Rakefile"}, "bundle": {"Rakefile"}, "R": nil,
	"Rscript": nil, "poetry": {"pyproject.toml"}, "pdm": {"pyproject.toml"}, "uv": {"pyproject.toml"}, "go": nil,
	"mvn": nil, "java": nil, "dotnet": nil, "cmake": {"CMakeLists.txt"},
}

var packageJSON = []string{"package.json"}

// leavesLists says why a command may need the lists of a manager.
func (c *change) leavesLists(cmd dockerfile.Command, clean cleanup) error {
	const needs = "installs from the files that are removed"
	name := cmd.Name()
	if firstWord(cmd) == "[" {
		name = "test"
	}
	if name == "" {
		return fmt.Errorf("runs %s, which may install from the files that are removed", firstWord(cmd))
	}
	if slices.Contains(clean.managers, name) {
		if verb, ok := aptVerb(cmd); !ok || !slices.Contains(withoutLists, verb) {
			return errors.New(needs)
		}
		return nil
	}
	if name != "rm" && name != "echo" && slices.ContainsFunc(cmd.Args(), namesIt) {
		return errors.New(needs)
	}
	own := strings.Contains(cmd.Words[0].Text, "/") && path.Base(path.Dir(cmd.Words[0].Text)) != "bin"
	beside, runs := ofRepository[name]
	switch {
	case own:
		return c.repositoryRuns(cmd, []string{name}, true)
	case runs:
		return c.repositoryRuns(cmd, beside, false)
	case name == "find" && slices.ContainsFunc(cmd.Args(), isShell):
	case slices.Contains(system, name), slices.Contains(programs, name), slices.Contains(selfContained, name):
		return nil
	case slices.Contains([]string{".", "source"}, name) && len(cmd.Words) == 2 && onlySettings(cmd.Words[1].Text):
		return nil
	}
	return fmt.Errorf("runs %s, which is not known to leave the removed files alone", name)
}

func firstWord(cmd dockerfile.Command) string {
	if len(cmd.Words) == 0 {
		return "a command"
	}
	return cmd.Words[0].Text
}

// namesIt reports whether a word may be, or hold, a call of apt or a path of its lists.
func namesIt(w dockerfile.Argument) bool { return namesManager.MatchString(w.Text) }

func isShell(w dockerfile.Argument) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "zsh", "env"}, path.Base(w.Text))
}

// onlySettings reports whether a file that is read into the shell is known to hold only settings.
func onlySettings(name string) bool {
	return slices.Contains([]string{"os-release", "lsb-release", "activate", "nvm.sh", "envvars"}, path.Base(name))
}

// aptVerb is the verb of a call of apt whose words can be read.
func aptVerb(cmd dockerfile.Command) (verb string, ok bool) {
	args, ok := cmd.Texts()
	if !ok {
		return firstLiteral(cmd)
	}
	for n := 1; n < len(args); n++ {
		switch {
		case args[n] == "-o" || args[n] == "-c" || args[n] == "-t":
			n++
		case !strings.HasPrefix(args[n], "-"):
			return args[n], true
		}
	}
	return "", false
}

// firstLiteral is the verb where it stands before anything that is not literal.
func firstLiteral(cmd dockerfile.Command) (verb string, ok bool) {
	for _, w := range cmd.Args() {
		switch {
		case !w.Literal:
			return "", false
		case !strings.HasPrefix(w.Text, "-"):
			return w.Text, true
		}
	}
	return "", false
}

// talk matches the options of "apt-get update" that change nothing in which lists there are afterwards: one that names
// other sources fetches only a part.
var talk = pattern.New(`^(-[qy]+|--yes|--quiet|--assume-yes|--allow-releaseinfo-change|--fix-missing)$`)

// fetches reports whether a command makes all lists anew.
func fetches(cmd dockerfile.Command, clean cleanup) bool {
	args, ok := cmd.Texts()
	if !ok || !slices.Contains(clean.managers, cmd.Name()) {
		return false
	}
	found := false
	for n := 1; n < len(args); n++ {
		switch {
		case slices.Contains(clean.refresh, args[n]) && !found:
			found = true
		case args[n] == "-o" && n+1 < len(args) && strings.HasPrefix(args[n+1], "Acquire::"):
			n++
		case !talk.MatchString(args[n]):
			return false
		}
	}
	return found
}

// surely are the statements that run before all that stands behind them, and successfully if that runs at all: those at
// the top level and the first of an and-list; of the last list all.
func surely(stmts []*syntax.Stmt) map[*syntax.Stmt]bool {
	sure := map[*syntax.Stmt]bool{}
	for n, s := range stmts {
		addSure(sure, s, n == len(stmts)-1)
	}
	return sure
}

func addSure(sure map[*syntax.Stmt]bool, s *syntax.Stmt, all bool) {
	if s.Negated || s.Background || s.Coprocess || s.Disown {
		return
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.CallExpr:
		sure[s] = true
	case *syntax.BinaryCmd:
		if cmd.Op != syntax.AndStmt {
			return
		}
		addSure(sure, cmd.X, all)
		if all {
			addSure(sure, cmd.Y, all)
		}
	}
}

// repositoryRuns looks into the files of the build context which a command names, or that its program runs besides, and
// into those that they name in turn.
func (c *change) repositoryRuns(cmd dockerfile.Command, names []string, own bool) error {
	names = slices.Clone(names)
	for _, w := range cmd.Args() {
		if w.Literal && !strings.HasPrefix(w.Text, "-") {
			names = append(names, path.Base(w.Text), moduleFile(w.Text))
		}
	}
	return c.everyContextOnce("lists "+strings.Join(names, "/"), func(b buildcontext.Build) error {
		found := 0
		for depth := 0; depth < maxDepth && len(names) > 0; depth++ {
			var next []string
			n, err := eachSource(b.Context, func(name string) bool { return slices.Contains(names, path.Base(name)) },
				func(name string, text []byte) error {
					next = append(next, mentioned(string(text))...)
					return withoutApt(name, text, depth == 0)
				})
			if err != nil {
				return err
			}
			names, found = next, found+n
			if own && found == 0 {
				return fmt.Errorf("runs %s, which is not known to leave the removed files alone", firstWord(cmd))
			}
		}
		return nil
	})
}

// maxDepth is how far files are followed to those that they name.
const maxDepth = 3

// moduleFile is the file of a module of Python: "deps.py" for tools.deps.
func moduleFile(module string) string { return module[strings.LastIndex(module, ".")+1:] + ".py" }

var (
	scriptFile = pattern.New(`[\w.-]+\.(?:sh|bash|mk|py|js|mjs|cjs|rb|pl)\b`)
	pythonFile = pattern.New(`(?m)^\s*(?:import|from)\s+([\w.]+)`)
)

// mentioned are the names of scripts that a text has.
func mentioned(text string) []string {
	out := scriptFile.FindAllString(text, -1)
	for _, m := range pythonFile.FindAllStringSubmatch(text, -1) {
		out = append(out, moduleFile(m[1]))
	}
	return out
}

// withoutApt checks that a file does not name apt, or, where it may not be run, fetches lists itself.
func withoutApt(name string, text []byte, runs bool) error {
	if namesManager.Match(text) && (runs || !fetchesLists.Match(text)) {
		return fmt.Errorf("runs %s, which may install from the files that are removed", name)
	}
	return nil
}
