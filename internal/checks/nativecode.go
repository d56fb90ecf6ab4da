package checks

import (
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// tied is something copied that only works on a base like the one it was made on.
type tied struct {
	what    string              // the beginning of a sentence: "the program that cargo builds"
	libc    bool                // it needs the C library
	program bool                // it is linked to the C library's symbols, of which an older release lacks some
	release func(string) string // the part of a reference's version that it is bound to; nil for none
}

// tiedIn is what an instruction copies from a home that is tied to it. What is not recognised is not: sources, web pages,
// archives of bytecode and static programs work everywhere.
func (m mismatches) tiedIn(a home, copied *dockerfile.Instruction) []tied {
	var out []tied
	for _, w := range copied.Words[:len(copied.Words)-1] {
		source := w.Text
		if strings.ContainsAny(source, "$\\`\"'*?[") {
			continue
		}
		source = path.Join("/", source)
		if shipsRuntime(a.facts.Name, source) {
			out = append(out, tied{what: "the program that is copied from " + source, libc: true, program: true})
		}
		if a.stage == nil {
			continue
		}
		for _, made := range m.compiledIn(a) {
			if within(source, made.at) || within(made.at, source) && source != "/" {
				out = append(out, tied{what: made.what(), libc: true, program: true})
			}
		}
		out = append(out, m.installedAt(a, copied, source)...)
	}
	return out
}

// runtimes are where images have programs that are linked to the C library, by the image's name.
var runtimes = map[string][]string{
	"node":            {"/usr/local/bin/node"},
	"python":          {"/usr/local/bin/python", "/usr/local/bin/python3", "/usr/local/lib/libpython3.so"},
	"ruby":            {"/usr/local/bin/ruby"},
	"php":             {"/usr/local/bin/php", "/usr/local/sbin/php-fpm", "/usr/local/lib/php/extensions"},
	"eclipse-temurin": {"/opt/java/openjdk"},
	"amazoncorretto":  {"/usr/lib/jvm"},
	"nginx":           {"/usr/sbin/nginx"},
	"redis":           {"/usr/local/bin/redis-server", "/usr/local/bin/redis-cli"},
	"postgres":        {"/usr/local/bin/psql", "/usr/local/bin/postgres", "/usr/lib/postgresql"},
}

func shipsRuntime(name, source string) bool {
	return slices.ContainsFunc(runtimes[name], func(at string) bool { return within(source, at) })
}

// A product of a compiler: what made it, and where it lies.
type compiled struct{ by, at string }

// what it is called in a sentence. A Go program needs the C library when one of its packages does, as net does.
func (c compiled) what() string {
	if c.by == "go" {
		return "the program that go builds, with cgo on,"
	}
	return "the program that " + c.by + " builds"
}

// compiledIn is madeIn, once for each stage.
func (m mismatches) compiledIn(a home) []compiled {
	made, ok := m.made[a.stage]
	if !ok {
		made = madeIn(a)
		m.made[a.stage] = made
	}
	return made
}

// maxCompiled bounds how many programs of one stage are told apart.
const maxCompiled = 100

// madeIn are the programs that a stage compiles and links to its C library, as far as its commands say where they lie.
func madeIn(a home) []compiled {
	text := stageText(a.stage)
	if static.MatchString(text) {
		return nil
	}
	cgo := usesCgo(a, text)
	var out []compiled
	for _, run := range runsOf(a.stage) {
		cmds, ok := placedCommands(run)
		if !ok {
			continue
		}
		for _, c := range cmds {
			if by := linker(a, c, cgo); by != "" && len(out) < maxCompiled {
				for _, at := range outputsOf(by, c) {
					out = append(out, compiled{by, at})
				}
			}
		}
	}
	return out
}

// stageText is all that a stage and those it stands on say.
func stageText(s *dockerfile.Stage) string {
	var b strings.Builder
	for ; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			b.WriteString(i.Keyword + " " + i.Text() + "\n")
		}
	}
	return b.String()
}

var (
	// static matches what makes a linker leave nothing to the C library of the base.
	static = pattern.New(`(?:^|[\s"'=,])-?-static(?:[\s"',]|$)|crt-static|static-executable|linux-musl|-musl\b|\bnetgo\b`)
	// withoutCgo and withCgo match the setting that decides whether Go links to the C library.
	withoutCgo = pattern.New(`\bCGO_ENABLED["']?[=\s]["']?0`)
	withCgo    = pattern.New(`\bCGO_ENABLED["']?[=\s]["']?1`)
	// cToolsAdded matches the install of a C compiler on Alpine.
	cToolsAdded = pattern.New(`\bapk\b[^\n]*\badd\b[^\n]*\b(gcc|g\+\+|build-base|musl-dev|alpine-sdk|clang)\b`)
)

// linker is the name of the tool whose product the command makes when that is linked to the C library, else "".
func linker(a home, c placed, cgo bool) string {
	words := c.texts()
	if len(words) < 2 {
		return ""
	}
	switch name := c.Name(); name {
	case "cargo":
		// On musl Rust links everything into the program (doc.rust-lang.org/reference/linkage.html).
		if a.facts.Libc == "glibc" && (words[1] == "build" || words[1] == "install") {
			return "cargo"
		}
	case "go":
		if cgo && (words[1] == "build" || words[1] == "install") {
			return "go"
		}
	case "gcc", "g++", "cc", "c++", "clang", "clang++", "ghc", "crystal", "nim":
		return name
	}
	return ""
}

// linksCgo reports whether what Go builds in a stage is linked to the C library.
func linksCgo(a home) bool {
	text := stageText(a.stage)
	return !static.MatchString(text) && usesCgo(a, text)
}

// usesCgo reports whether Go links to the C library as soon as a package can: it is not told to leave that, and there is
// a C compiler (pkg.go.dev/cmd/cgo).
func usesCgo(a home, text string) bool {
	if withoutCgo.MatchString(text) || strings.Contains(text, "GOARCH") && !withCgo.MatchString(text) {
		return false // cross-compiling leaves it as well
	}
	has, known := a.facts.Has("gcc")
	return has && known || cToolsAdded.MatchString(text) || withCgo.MatchString(text)
}

// texts are the command's words.
func (c placed) texts() []string {
	var out []string
	for _, w := range c.Words {
		out = append(out, w.Text)
	}
	return out
}

// outputsOf are the absolute paths at which a command of that tool leaves programs.
func outputsOf(by string, c placed) []string {
	var out []string
	words := c.texts()
	for n, w := range words {
		switch {
		case w == "-o" && n+1 < len(words):
			out = append(out, from(c.dir, words[n+1]))
		case strings.HasPrefix(w, "-o="), strings.HasPrefix(w, "--root="):
			_, value, _ := strings.Cut(w, "=")
			out = append(out, from(c.dir, value))
		case w == "--root" && n+1 < len(words):
			out = append(out, from(c.dir, words[n+1]))
		}
	}
	switch {
	case by == "cargo" && words[1] == "build" && c.dir != "":
		out = append(out, path.Join(c.dir, "target/release"), path.Join(c.dir, "target/debug"))
	case by == "cargo" && len(out) == 0:
		out = append(out, "/usr/local/cargo/bin")
	case by == "go" && words[1] == "install":
		out = append(out, "/go/bin")
	}
	return slices.DeleteFunc(out, func(at string) bool { return at == "" })
}

// from is a path as seen from a directory, "" when that is not known.
func from(dir, name string) string {
	switch {
	case strings.ContainsAny(name, "$\\`\"'*?[{"):
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	case dir == "":
		return ""
	}
	return path.Join(dir, name)
}

var (
	pythonPlace = pattern.New(`(^|/)(site-packages|dist-packages|\.?venv|virtualenv|env)(/|$)|^/root/\.local(/|$)`)
	nodePlace   = pattern.New(`(^|/)node_modules(/|$)`)
	rubyPlace   = pattern.New(`^/usr/local/bundle(/|$)|(^|/)vendor/bundle(/|$)`)
)

// installedAt are the natives among the installed packages that lie at a source.
func (m mismatches) installedAt(a home, copied *dockerfile.Instruction, source string) []tied {
	switch {
	case a.facts.Name == "python" && (pythonPlace.MatchString(source) || m.prefixed(a.stage, source)):
		compiled := m.mentions(a.stage, "pip", pythonManifests, pythonNatives)
		return []tied{{what: "what pip installed", libc: compiled, release: minor}}
	case a.facts.Name == "ruby" && rubyPlace.MatchString(source):
		compiled := m.mentions(a.stage, "gem", []string{"Gemfile.lock", "Gemfile"}, rubyNatives)
		return []tied{{what: "what bundler installed", libc: compiled, release: minor}}
	case a.facts.Name == "node" && nodePlace.MatchString(source) && !m.reinstalls(copied):
		if name := m.node(); name != "" {
			return []tied{{what: "the package " + name + " that was installed", libc: true, release: major}}
		}
	}
	return nil
}

// prefixed reports whether pip was told to install below a source, where it makes a directory for its release of Python.
func (m mismatches) prefixed(s *dockerfile.Stage, source string) bool {
	found, ok := m.prefixes[s]
	if !ok {
		found = pipPrefixes(s)
		m.prefixes[s] = found
	}
	return slices.ContainsFunc(found, func(at string) bool { return within(at, source) || within(source, at) && source != "/" })
}

// pipPrefixes are the directories that pip is told to install below: --prefix and --root, not --target, in which packages
// lie for any release.
func pipPrefixes(s *dockerfile.Stage) []string {
	var out []string
	for _, run := range runsOf(s) {
		cmds, _ := placedCommands(run)
		for _, c := range cmds {
			words := c.texts()
			if !slices.ContainsFunc(words, func(w string) bool { return path.Base(w) == "pip" || path.Base(w) == "pip3" }) {
				continue
			}
			for n, w := range words {
				option, value, ok := strings.Cut(w, "=")
				if !ok && n+1 < len(words) {
					value = words[n+1]
				}
				if at := from(c.dir, value); at != "" && at != "/" && (option == "--prefix" || option == "--root") {
					out = append(out, at)
				}
			}
		}
	}
	return out
}

// mentions is mentionsPackage, once for each stage and kind.
func (m mismatches) mentions(s *dockerfile.Stage, kind string, manifests []string, names func() *pattern.Pattern) bool {
	key := kind + strconv.Itoa(s.Index)
	found, ok := m.named[key]
	if !ok {
		found = mentionsPackage(m.Pass, s, manifests, names)
		m.named[key] = found
	}
	return found
}

// reinstalls reports whether the packages are installed anew behind the copy.
func (m mismatches) reinstalls(copied *dockerfile.Instruction) bool {
	last, ok := m.rebuilt[copied.Stage]
	if !ok {
		for _, i := range copied.Stage.Instructions {
			if i.Keyword == "RUN" && rebuilds.MatchString(i.Text()) {
				last = i.Index
			}
		}
		m.rebuilt[copied.Stage] = last
	}
	return last > copied.Index
}

var rebuilds = pattern.New(`\b(npm|pnpm|yarn|bun)\s+(ci|i|install|rebuild)\b`)

var pythonManifests = []string{
	"requirements.txt", "pyproject.toml", "Pipfile", "poetry.lock", "uv.lock", "Pipfile.lock",
}

// pythonNatives and rubyNatives match packages that do not work without their compiled part.
var (
	pythonNatives = naming(`numpy pandas scipy scikit-learn matplotlib pillow lxml cryptography cffi psycopg2
		psycopg2-binary psycopg-binary asyncpg mysqlclient pydantic pydantic-core uvloop httptools grpcio orjson bcrypt
		argon2-cffi pynacl torch tensorflow onnxruntime opencv-python opencv-python-headless pyarrow polars duckdb
		shapely h5py gevent greenlet psutil tiktoken tokenizers regex lz4 zstandard`)
	rubyNatives = naming(`nokogiri pg mysql2 sqlite3 bcrypt bootsnap msgpack puma ffi nio4r racc google-protobuf grpc oj
		hiredis`)
)

// naming matches a text that names one of the packages, as the commands and the manifests of pip and bundler do. It is
// made when it is first asked for: few files need it, and every start of the program would pay.
func naming(packages string) func() *pattern.Pattern {
	return sync.OnceValue(func() *pattern.Pattern { return namesOne(strings.Fields(packages)) })
}

func namesOne(packages []string) *pattern.Pattern {
	names := strings.ReplaceAll(regexp.QuoteMeta(strings.Join(packages, " ")), " ", "|")
	return pattern.New(`(?im)(?:^|[\s"'=])(?:` + names + `)(?:$|[\s"'=<>~!\[;,(])`)
}

// mentionsPackage reports whether a command of the stage, or a manifest in the context, names one of the packages.
func mentionsPackage(p *check.Pass, s *dockerfile.Stage, manifests []string, names func() *pattern.Pattern) bool {
	for _, run := range runsOf(s) {
		if names().MatchString(run.Text()) {
			return true
		}
	}
	for _, b := range p.Builds {
		for _, name := range manifests {
			if b.Context != nil && names().Match(manifest(b.Context, name)) {
				return true
			}
		}
	}
	return false
}

// maxManifest bounds what is read of one manifest.
const maxManifest = 1 << 20

// manifest is the text of a file, nil when it cannot be read.
func manifest(tree fs.FS, name string) []byte {
	f, err := tree.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil
	}
	return text
}

// nodeNatives are packages that a program needs at run time and that do not work without their compiled part.
var nodeNatives = []string{
	"bcrypt", "sharp", "sqlite3", "better-sqlite3", "canvas", "argon2", "re2", "isolated-vm", "snappy", "zeromq", "libxmljs2",
	"node-pty", "lmdb", "leveldown", "pg-native", "couchbase", "@napi-rs/canvas", "@node-rs/bcrypt", "@node-rs/argon2",
}

// nodeNative is one of them that the project depends on, "" when there is none.
func nodeNative(p *check.Pass) string {
	for _, b := range p.Builds {
		if b.Context == nil {
			continue
		}
		var project struct{ Dependencies map[string]any }
		if json.Unmarshal(manifest(b.Context, "package.json"), &project) != nil {
			continue
		}
		for _, name := range nodeNatives {
			if _, ok := project.Dependencies[name]; ok {
				return name
			}
		}
	}
	return ""
}
