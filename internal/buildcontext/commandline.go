package buildcontext

import (
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// A script is a text with command lines in it that may build images.
type script struct {
	origin string
	bases  []string // the directories in which it may be run, the most likely one first
	lost   bool     // the directory is not known
	make   bool
	values func(name string) (phrase, bool) // of variables that are set outside; nil for none
	github func(expression string) phrase

	set  map[string]phrase // variables set by the script; one that is set twice is a hole
	dir  phrase            // where a command runs, seen from the base
	dirs []phrase          // of the subshells around it
	out  []recipe
}

// maxCommands bounds how many builds one text states, and maxSubstituted how deep substitutions are looked into.
const (
	maxCommands    = 500
	maxSubstituted = 4
)

// mayBuild is what a text must hold to be worth reading.
func mayBuild(text string) bool {
	return strings.Contains(text, "build") || strings.Contains(text, "buildah") || strings.Contains(text, "kaniko")
}

// recipes is what a text states.
func (s script) recipes(text string) []recipe {
	if !mayBuild(text) || len(s.bases) == 0 {
		return nil
	}
	s.set, s.dir = map[string]phrase{}, literal(".")
	if s.lost {
		s.dir = unknownPhrase("working-directory")
	}
	s.read(text, maxSubstituted)
	return s.out
}

// read follows a text command by command.
func (s *script) read(text string, depth int) {
	l := lexer{text: text, make: s.make, value: s.value, github: s.github, out: s.command}
	l.inner = func(inner string) {
		if depth > 0 && mayBuild(inner) {
			outside := s.dir
			s.read(inner, depth-1)
			s.dir = outside
		}
	}
	l.run()
}

// value is what a variable is known to hold.
func (s *script) value(name string) (phrase, bool) {
	switch name {
	case "PWD", "CURDIR":
		return literal("."), s.dir.known() // paths are seen from there
	case "CI_PROJECT_DIR", "GITHUB_WORKSPACE", "BUILD_SOURCESDIRECTORY", "WORKSPACE", "TRAVIS_BUILD_DIR":
		return literal("."), s.dir.text == "." && s.bases[0] == "."
	}
	if p, ok := s.set[name]; ok {
		return p, p.known()
	}
	if s.values != nil {
		return s.values(name)
	}
	return phrase{}, false
}

// wrappers are words that may stand before a command.
var wrappers = map[string]bool{
	"sudo": true, "time": true, "exec": true, "command": true, "nohup": true, "env": true, "then": true, "do": true,
	"else": true, "if": true, "elif": true, "while": true, "until": true, "!": true, "{": true, "retry": true,
	"travis_retry": true, "-E": true, "-": true, "run:": true, "script:": true, "cmd:": true, "cmds:": true,
}

var assignment = pattern.New(`^[A-Za-z_][A-Za-z0-9_]*\+?=`)

// command takes one command line in.
func (s *script) command(separator byte, words []word) {
	defer s.nest(separator)
	if n := len(words); n > 0 && words[n-1].text == redirected {
		words = words[:n-1]
	}
	for len(words) > 0 {
		if s.make {
			words[0].text = strings.TrimLeft(words[0].text, "@-+")
		}
		if words[0].text != "" && !wrappers[words[0].text] && !assignment.MatchString(words[0].text) {
			break
		}
		if assignment.MatchString(words[0].text) {
			s.assign(words[0], len(words) == 1)
		}
		words = words[1:]
	}
	if len(words) == 0 || len(s.out) >= maxCommands {
		return
	}
	switch words[0].text {
	case "export", "local", "declare", "readonly", "set":
		for _, w := range words[1:] {
			s.assign(w, true)
		}
	case "cd", "pushd":
		s.enter(words[1:])
	case "popd":
		s.dir = unknownPhrase("popd")
	case "sh", "bash", "eval", "bat":
		s.shell(words[1:])
	default:
		s.build(words)
	}
}

// nest follows subshells, whose changes of directory end with them.
func (s *script) nest(separator byte) {
	switch n := len(s.dirs); {
	case separator == '(' && n < maxRows:
		s.dirs = append(s.dirs, s.dir)
	case separator == ')' && n > 0:
		s.dir, s.dirs = s.dirs[n-1], s.dirs[:n-1]
	}
}

// assign notes what a variable is set to. stays is false for one that is set for a single command: it is not seen by
// the words of that command.
func (s *script) assign(w word, stays bool) {
	if !stays || !assignment.MatchString(w.text) {
		return
	}
	name, text, _ := strings.Cut(w.text, "=")
	p := phrase{text, w.holes}
	if old, ok := s.set[name]; ok && old.String() != p.String() || strings.HasSuffix(name, "+") {
		p = unknownPhrase("$" + name)
	}
	s.set[strings.TrimSuffix(name, "+")] = p
}

// enter is a change of directory.
func (s *script) enter(args []word) {
	if len(args) != 1 || !args[0].known() || path.IsAbs(args[0].text) || strings.HasPrefix(args[0].text, "-") ||
		strings.HasPrefix(args[0].text, "~") || !s.dir.known() {
		s.dir = unknownPhrase("cd")
		return
	}
	s.dir = literal(path.Join(s.dir.text, args[0].text))
}

// shell is a shell that is given a script as a word: sh -c "…", and sh "…" of a Jenkinsfile.
func (s *script) shell(args []word) {
	for _, w := range args {
		if w.quoted && strings.Contains(w.text, " ") && mayBuild(w.text) {
			outside := s.dir
			s.read(w.String(), 0)
			s.dir = outside
		}
	}
}

// builder is how the words before the flags name a program that builds: docker build, docker buildx build, podman build,
// buildah bud. The number of those words is 0 for any other program.
func builder(words []word) (n int, podman bool) {
	name := path.Base(words[0].text)
	if !words[0].known() {
		name = engine(words[0])
	}
	n = 1
	for n < len(words) && strings.HasPrefix(words[n].text, "-") {
		if global[words[n].text] {
			n++
		}
		n++
	}
	if n >= len(words) {
		return 0, false
	}
	sub := words[n].text
	if n+1 < len(words) && (sub == "buildx" || sub == "image" || sub == "builder") {
		n++
		for n < len(words) && strings.HasPrefix(words[n].text, "-") {
			if words[n].text == "--builder" {
				n++
			}
			n++
		}
		if n == len(words) {
			return 0, false
		}
		sub = words[n].text
	}
	switch {
	case (name == "docker" || name == "nerdctl" || name == "finch" || name == "docker-buildx") && sub == "build",
		name == "docker" && sub == "b" && words[n-1].text == "buildx":
		return n + 1, false
	case name == "podman" && sub == "build",
		name == "buildah" && (sub == "bud" || sub == "build" || sub == "build-using-dockerfile"):
		return n + 1, true
	}
	return 0, false
}

// global are docker's own flags with a value.
var global = map[string]bool{"-H": true, "--host": true, "--context": true, "-c": true, "--config": true, "-l": true,
	"--log-level": true, "--root": true, "--storage-driver": true, "--namespace": true, "-n": true}

// engine is the program that a variable is named after: $(CONTAINER_TOOL), ${DOCKER}.
func engine(w word) string {
	name := strings.ToLower(w.String())
	switch {
	case !w.bare() || len(w.holes) != 1:
		return ""
	case strings.Contains(name, "buildah"):
		return "buildah"
	case strings.Contains(name, "podman"):
		return "podman"
	case strings.Contains(name, "docker"), strings.Contains(name, "container"), strings.Contains(name, "engine"):
		return "docker"
	}
	return ""
}

// build takes a command line in that builds an image.
func (s *script) build(words []word) {
	if strings.HasSuffix(words[0].text, "kaniko/executor") {
		s.kaniko(words[1:])
		return
	}
	n, podman := builder(words)
	if n == 0 {
		return
	}
	f := flagsOf(words[n:])
	if call := f.last("call"); f.checks || !call.empty() && call.text != "build" {
		return // it looks at the file and builds nothing
	}
	context, ok := f.context(podman)
	r := recipe{origin: s.origin, context: context, file: f.last("file"), target: f.last("target"), podman: podman,
		args: f.settings("build-arg"), named: f.settings("build-context"), loose: f.loose(),
		pushed: f.pushes, tags: f.values["tag"]}
	if p := f.last("platform"); p.known() && !p.empty() {
		r.platforms = strings.Split(p.text, ",")
	}
	if !ok || isURL(context.text) || r.file.text == hole || r.file.text == "-" {
		return
	}
	s.place(r)
}

// place adds a recipe that is seen from where the command runs.
func (s *script) place(r recipe) {
	for _, base := range s.bases {
		if dir, ok := s.dir.below(base); ok && dir.known() {
			r.bases = append(r.bases, dir.text)
		}
	}
	if len(r.bases) == 0 {
		r.adrift = "the directory it is run in is not known"
	}
	s.out = append(s.out, r)
}

// kaniko takes a call of kaniko's executor in.
func (s *script) kaniko(words []word) {
	f := flagsOf(words)
	r := recipe{origin: s.origin, context: f.last("context"), file: f.last("dockerfile"), target: f.last("target"),
		args: f.settings("build-arg"), loose: f.loose()}
	r.context.text = strings.TrimPrefix(r.context.text, "dir://")
	if r.context.empty() || isURL(r.context.text) || r.file.text == hole {
		return
	}
	s.place(r)
}
