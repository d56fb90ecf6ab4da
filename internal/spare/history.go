package spare

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// The git history is needed by what derives a version from it: the build runs git, or a tool does that is configured in a
// file of the context. Commands that are not known may do so too.

// runsGit matches what a script or a program's source looks like when it asks git, or reads what git keeps.
var runsGit = pattern.New(`(?m)(?:^|[^\w./@-])git(?:\s+-{1,2}\S+(?:\s+[^\s-]\S*)?)*?\s+(?:describe|rev-parse|log|show|` +
	`rev-list|status|branch|tag|diff|ls-files|ls-tree|symbolic-ref|name-rev|shortlog|submodule|archive|for-each-ref|cat-file|` +
	`remote|stash|checkout|blame|worktree)\b|["']git["']|\.git/|\$\(GIT\)|simple-git|isomorphic-git|GitPython|import git\b|` +
	`git2::|go-git|git-version-gen|HEAD:`)

// harmless are programs that read no history, whatever their arguments, unless these are files that do.
var harmless = words(`
	: [ true false test echo printf cat head tail sort uniq wc cut tr sed awk grep egrep fgrep find ls du df stat file basename
	dirname realpath readlink pwd cd mkdir rmdir rm cp mv ln touch chmod chown chgrp install tee xxd base64 md5sum sha1sum
	sha256sum sha512sum tar unzip zip gzip gunzip bzip2 xz zstd curl wget gpg gpgv gpgconf dirmngr set unset export exit return
	shift read trap umask ulimit sleep date env id whoami uname arch nproc which command type hash ldd ldconfig strip upx
	adduser addgroup useradd groupadd usermod groupmod userdel deluser passwd chpasswd apt apt-get apt-cache apt-key
	apt-mark add-apt-repository dpkg dpkg-query dpkg-reconfigure apk yum dnf microdnf zypper rpm pacman update-ca-certificates
	update-alternatives locale-gen localedef update-locale debconf-set-selections corepack nvm n openssl ssh-keyscan setcap
	getcap getent tini nginx a2enmod a2dismod a2ensite phpize docker-php-ext-install docker-php-ext-enable
	docker-php-ext-configure pecl a2enconf crontab visudo envsubst jq yq rustup rustc freshclam ln sync fc-cache chsh dos2unix`)

// A tool is a program that builds, and what of the context's files says that the history goes into it.
type tool struct {
	programs string
	files    string // patterns of file names, in any directory
	needs    *pattern.Pattern
}

var tools = []tool{
	{"npm npx yarn pnpm bun bunx node vite next tsc webpack ng gulp grunt corepack prisma",
		"package.json *.config.js *.config.cjs *.config.mjs *.config.ts gulpfile.* Gruntfile.* webpack*.js rollup*.js " +
			"lerna.json .releaserc*",
		pattern.New(`(?i)"[^"]*(?:sentry|docusaurus|vitepress|vuepress|lerna|semantic-release|release-it|lefthook|` +
			`standard-version|changeset|nextra|starlight|antora|git-?(?:rev|hash|info|commit|version|describe|hooks))[^"]*"|` +
			`lastUpdated|buildId`)},
	{"pip pip3 python python3 uv poetry pdm pipenv hatch flit virtualenv twine build",
		"pyproject.toml setup.py setup.cfg Pipfile versioneer.py _version.py",
		pattern.New(`(?i)setuptools[-_.]scm|hatch[-_]vcs|source\s*=\s*["'](?:vcs|scm)|use_scm_version|versioneer|` +
			`versioningit|dynamic[-_]versioning|dunamai|\bpbr\b|git[-_]versioning|miniver|vcs[-_]versioning|flit[-_]scm|` +
			`python-semantic-release|vcversioner|setupmeta|incremental`)},
	{"cargo", "Cargo.toml build.rs",
		pattern.New(`(?i)vergen|shadow-rs|git2|git-version|git_version|git-testament|build-info|\bbuilt\b|rustc-tools|` +
			`gitversion|git-describe|bugreport`)},
	{"mvn mvnw", "pom.xml extensions.xml",
		pattern.New(`(?i)git-commit-id|buildnumber-maven|jgitver|git-versioning|gitflow|maven-scm|git-build-hook|spotless|` +
			`axion|license-maven|nisse`)},
	{"gradle gradlew", "build.gradle build.gradle.kts settings.gradle settings.gradle.kts",
		pattern.New(`(?i)\bgit\b|git-?version|grgit|jgit|nebula|axion|palantir|reckon|nyx|semver|spotless|versioning`)},
	{"dotnet msbuild nuget",
		"*.csproj *.fsproj *.vbproj Directory.* version.json GitVersion.yml *.props *.targets",
		pattern.New(`(?i)GitVersion|GitVersioning|MinVer|GitInfo|RelaxVersioner|SourceLink|versionHeightOffset|` +
			`publicReleaseRefSpec|SourceRevisionId|SourceControlInformation`)},
	{"go", "main.go root.go *version*.go *build*.go *info*.go magefile.go go.mod",
		pattern.New(`ReadBuildInfo|vcs\.revision|/versioninfo\b|getsentry/sentry-go`)},
	{"bundle bundler gem rake rails ruby", "*.gemspec Rakefile Gemfile",
		pattern.New("`git |git ls-files|\\bgit_version\\b")},
	{"composer php", "composer.json", pattern.New(`(?i)pretty-package-versions|ocramius|git-version|build-version`)},
	{"make gmake cmake ninja", "Makefile makefile GNUmakefile *.mk CMakeLists.txt *.cmake configure.ac",
		pattern.New(`(?i)\bgit\b|GIT_EXECUTABLE|git-version`)},
	{"mix", "mix.exs", pattern.New(`(?i)\bgit\b`)},
}

func words(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(text) {
		out[w] = true
	}
	return out
}

// maxFiles bounds how many files are looked into for one tool, maxNames among how many they are looked for.
const (
	maxFiles = 60
	maxNames = 50_000
)

// A historian looks for what needs the history in one build.
type historian struct {
	b        buildcontext.Build
	seen     map[string]bool
	followed *int // how many files were followed to
}

// historyNeeded looks at every command behind the first of the copies that would bring the history.
func historyNeeded(f *dockerfile.File, b buildcontext.Build, holders []int) (why string, sure bool) {
	h := historian{b: b, seen: map[string]bool{}, followed: new(int)}
	for _, i := range f.Instructions[slices.Min(holders):] {
		at := i
		if i.Inner != nil {
			i = i.Inner
		}
		if takesHistory(i) {
			return fmt.Sprintf("the %s on line %d takes the git history from another stage", i.Keyword, at.Line()), true
		}
		if !slices.Contains([]string{"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"}, i.Keyword) {
			continue
		}
		all := commands(i)
		if all == nil && i.Keyword == "RUN" {
			return fmt.Sprintf("the commands on line %d cannot be read, and may read the git history", at.Line()), false
		}
		for _, c := range all {
			if why, sure = h.command(c, i.Keyword == "RUN"); why != "" {
				return fmt.Sprintf("line %d: %s", at.Line(), why), sure
			}
		}
	}
	return "", false
}

// takesHistory reports whether a copy or a mount names .git, or something in it.
func takesHistory(i *dockerfile.Instruction) bool {
	var places []string
	if i.Keyword == "COPY" || i.Keyword == "ADD" {
		for _, w := range i.Words[:max(0, len(i.Words)-1)] {
			places = append(places, strings.Trim(w.Text, `"'`))
		}
	}
	for _, fl := range i.Flags {
		if strings.EqualFold(fl.Name, "mount") {
			places = append(places, strings.FieldsFunc(fl.Value, func(r rune) bool { return r == ',' || r == '=' })...)
		}
	}
	return slices.ContainsFunc(places, func(place string) bool {
		return slices.ContainsFunc(strings.Split(place, "/"), func(part string) bool {
			ok, err := path.Match(part, ".git")
			return part != "*" && (ok || err != nil)
		})
	})
}

// command is why a command may need the history. One that only starts when the container does is not looked into.
func (h historian) command(words []string, builds bool) (why string, sure bool) {
	if len(words) == 0 {
		return "", false
	}
	name := path.Base(words[0])
	if name == "git" {
		return gitNeeds(words)
	}
	stamped := func(w string) bool { return strings.HasPrefix(w, "-buildvcs") && w != "-buildvcs=false" }
	if slices.ContainsFunc(words, stamped) {
		return "go build is asked for the version of the sources", true
	}
	for k, w := range words {
		if !harmless[name] && runsGit.MatchString(w) {
			return fmt.Sprintf("what `%s` is given runs git", name), true
		}
		if k > 0 && name != "rm" && name != "rmdir" && slices.Contains(strings.Split(strings.Trim(w, `"'`), "/"), ".git") {
			return fmt.Sprintf("`%s` is given %s", name, w), true
		}
		if why := h.script(w); why != "" {
			return why, true
		}
	}
	if !builds {
		return "", false
	}
	if foreign(name, words) {
		return fmt.Sprintf("whether what `%s` starts reads the git history is not known", name), false
	}
	for _, t := range tools {
		if slices.Contains(strings.Fields(t.programs), name) {
			return h.tool(t)
		}
	}
	if harmless[name] || h.isFile(words[0]) || (name == "sh" || name == "bash") && len(words) > 1 && h.isFile(words[1]) {
		return "", false
	}
	return fmt.Sprintf("whether `%s` reads the git history is not known", name), false
}

// foreign reports whether a known program is there to start one that is not known.
func foreign(name string, words []string) bool {
	arg := func(k int) string { return append(words, "", "", "")[k] }
	switch name {
	case "go":
		return arg(1) == "generate" || arg(1) == "run" || arg(1) == "tool"
	case "npx", "bunx":
		first := slices.IndexFunc(words[1:], func(w string) bool { return !strings.HasPrefix(w, "-") })
		return first < 0 || !slices.Contains(started, words[1+first])
	case "pnpm", "yarn":
		return arg(1) == "dlx" || arg(1) == "exec" && !slices.Contains(started, arg(2))
	case "python", "python3", "python2":
		return arg(1) == "-m" && !slices.Contains([]string{"pip", "venv", "compileall", "ensurepip", "build"}, arg(2))
	case "uv", "poetry", "pdm", "pipenv":
		return arg(1) == "run" || arg(1) == "tool" || arg(1) == "x"
	case "uvx", "cargo":
		return name == "uvx" || arg(1) == "run" || arg(1) == "make" || arg(1) == "xtask"
	}
	return false
}

// started are packages that npx and the like may start: compilers and bundlers, whose settings are looked into.
var started = strings.Fields("prisma tsc vite next ng webpack tailwindcss esbuild rollup tsup playwright")

// gitNeeds tells what asks the history from what works without one.
func gitNeeds(words []string) (why string, sure bool) {
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "-") {
			continue
		}
		everywhere := slices.Contains(words, "--global") || slices.Contains(words, "--system")
		if w == "clone" || w == "config" && everywhere || w == "version" || w == "lfs" && slices.Contains(words, "install") {
			return "", false
		}
		return "git is run on the sources", true
	}
	if len(words) > 1 && words[1] == "--version" {
		return "", false
	}
	return "git is run on the sources", true
}

// isFile reports whether a word names a regular file of the context.
func (h historian) isFile(word string) bool {
	name := strings.TrimPrefix(path.Clean("/"+word), "/")
	if name == "" || !fs.ValidPath(name) {
		return false
	}
	info, err := fs.Stat(h.b.Context, name)
	return err == nil && info.Mode().IsRegular()
}

// script is why a file of the context that a command names may need the history: it runs git, or a tool that does.
func (h historian) script(word string) string {
	name := strings.TrimPrefix(path.Clean("/"+word), "/")
	if h.seen[name] || !h.isFile(word) {
		return ""
	}
	h.seen[name] = true
	text, err := readSmall(h.b.Context, name)
	if err != nil {
		return name + " cannot be read"
	}
	if runsGit.Match(text) {
		return name + " runs git"
	}
	if why := h.follow(name, text); why != "" {
		return why
	}
	for _, t := range tools {
		for _, program := range strings.Fields(t.programs) {
			if regexp.MustCompile(`(?m)^\s*(?:exec |sudo |\./)?` + regexp.QuoteMeta(program) + `\b`).Match(text) {
				if why, _ := h.tool(t); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// tool is why a tool may need the history, by the files that configure it.
func (h historian) tool(t tool) (why string, sure bool) {
	if h.seen[t.programs] {
		return "", false
	}
	h.seen[t.programs] = true
	found := buildcontext.Once(h.b, "names like "+t.files, func() names { return named(h.b.Context, strings.Fields(t.files)) })
	if !found.complete {
		return fmt.Sprintf("too many files say how `%s` builds", strings.Fields(t.programs)[0]), false
	}
	for _, name := range found.list {
		if why, sure := h.configured(t, name); why != "" {
			return why, sure
		}
	}
	return "", false
}

// names are some of the files of a context; complete is false when there are too many.
type names struct {
	list     []string
	complete bool
}

// named are the files of a context whose names match a pattern.
func named(context fs.FS, patterns []string) names {
	var found []string
	seen := 0
	err := fs.WalkDir(context, ".", func(name string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxNames || len(found) > maxFiles {
			return fs.ErrInvalid
		}
		if d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", ".venv", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		match := func(pattern string) bool {
			ok, _ := path.Match(pattern, d.Name()) // the patterns are well formed
			return ok
		}
		if !d.IsDir() && slices.ContainsFunc(patterns, match) {
			found = append(found, name)
		}
		return nil
	})
	return names{found, err == nil}
}

// configured is why a tool may need the history by one of its files.
func (h historian) configured(t tool, name string) (why string, sure bool) {
	text, err := readSmall(h.b.Context, name)
	if err != nil {
		return name + " cannot be read", false
	}
	text = withoutAddresses(text)
	if t.needs.Match(text) || runsGit.Match(text) {
		return fmt.Sprintf("%s says that the git history goes into what is built", name), true
	}
	if why := h.follow(name, withoutAddresses(text)); why != "" {
		return why, true
	}
	if path.Base(name) == "package.json" && hooks.Match(text) {
		return name + " has git hooks installed, which may fail without the history", false
	}
	if path.Base(name) != "package.json" {
		return "", false
	}
	for _, file := range programFile.FindAllString(string(text), -1) {
		if why := h.script(path.Join(path.Dir(name), file)); why != "" {
			return why, true
		}
	}
	return "", false
}

// hooks matches what installs git hooks after the packages; some releases fail where there is no repository.
var hooks = pattern.New(`"(?:pre|post)?(?:prepare|install)"\s*:\s*"[^"]*(?:husky|yorkie|git-hooks|lefthook)`)

// programFile matches what a package's scripts may start.
var programFile = pattern.New(`[\w@./-]+\.(?:[cm]?[jt]s|sh|py)\b`)

// addresses of repositories, and what says of which kind one is, speak of git without running it.
var addresses = pattern.New(`(?i)(?:git\+)?(?:https?|ssh|git)://[^\s"'<>)]*|git@[^\s"'<>)]*|"type"\s*:\s*"git"|` +
	`scm:git:[^\s<]*|type\s*=\s*["']git["']|\bgit\s*=\s*["'][^"']*["']`)

func withoutAddresses(text []byte) []byte { return addresses.ReplaceAll(text, nil) }
