package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// An effect is what one command that is moved over reads and writes. Paths are those of the image.
type effect struct {
	name      string   // the command's first words, for people
	words     []string // all of them
	dir       string   // where it runs
	manifests []string // a file that matches one of these names has to stand in dir or above it
	wide      bool     // it works on all such files that are copied before, wherever they stand
	lists     []string // files that it reads: lists of requirements
	links     []string // directories that it reads, and that the copy must not bring
	files     []string // files that it reads besides these
	maybe     []string // files that it reads when they are there
	writes    []string // what it writes to or removes
	beside    []string // what it writes beside each manifest
	system    bool     // it writes where the system keeps its programs
	alters    bool     // it may change a manifest or a lock file
	module    string   // what "python -m" runs, which it looks for in dir first
	also      []string // files that it reads beside each manifest when they are there
	lacks     []string // options without which it may read the sources; what stands in the manifest decides
}

// options are what is known of the options of a command, each a list of words. An option on none of the lists makes the
// command unknown.
type options struct {
	switches string // take no value, other than behind "="
	values   string // take a value that says nothing about files
	many     string // take all words up to the next option, which say nothing about files
	dirs     string // take the directory in which the command works
	lists    string // take a file that is read
	links    string // take an address, or a directory that is read
	places   string // take a file or directory that is written
}

// parsed is a command line taken apart.
type parsed struct {
	rest          []string // what is no option
	dir           string
	lists, places []string // values of options of that kind
	links         []string
	values, seen  []string // values that say nothing about files, and the options that were given
}

// parse takes the words behind a program apart.
func (o options) parse(program string, args []string) (parsed, error) {
	var p parsed
	for k := 0; k < len(args); k++ {
		if !strings.HasPrefix(args[k], "-") {
			p.rest = append(p.rest, args[k])
			continue
		}
		name, value, joined := strings.Cut(args[k], "=")
		p.seen = append(p.seen, name)
		if slices.Contains(strings.Fields(o.switches), name) {
			continue
		}
		if slices.Contains(strings.Fields(o.many), name) {
			for ; k+1 < len(args) && !strings.HasPrefix(args[k+1], "-"); k++ {
			}
			continue
		}
		if !joined && k+1 < len(args) {
			k++
			value = args[k]
		}
		if value == "" || !p.take(o, name, value) {
			return p, fmt.Errorf("%s may read more than manifests: its option %s is not known", program, name)
		}
	}
	return p, nil
}

// take notes the value of an option. It reports whether the option is known.
func (p *parsed) take(o options, name, value string) bool {
	on := func(list string) bool { return slices.Contains(strings.Fields(list), name) }
	switch {
	case on(o.values):
		p.values = append(p.values, value)
		return !strings.HasPrefix(value, "-")
	case on(o.dirs):
		p.dir = value
	case on(o.lists):
		p.lists = append(p.lists, value)
	case on(o.links):
		if !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://") {
			p.links = append(p.links, value)
		}
	case on(o.places):
		p.places = append(p.places, value)
	default:
		return false
	}
	return true
}

// under is name as seen from dir.
func under(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", dir, name)
}

func allUnder(dir string, names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, under(dir, name))
	}
	return out
}

// effectOf finds out what a command does in a directory.
func effectOf(words []string, dir string) (effect, error) {
	program := path.Base(words[0])
	for _, know := range []func(string, []string, string) (effect, bool, error){pipEffect, systemEffect, mavenEffect,
		dotnetEffect, gradleEffect,
		scriptedEffect, toolEffect} {
		if e, ok, err := know(program, words, dir); ok || err != nil {
			e.words = words
			return e, err
		}
	}
	return effect{}, fmt.Errorf("%s is not known to read nothing but manifests", strings.Join(words, " "))
}

var (
	pipProgram    = pattern.New(`^pip(\d(\.\d+)?)?$`)
	pythonProgram = pattern.New(`^python(\d(\.\d+)?)?$`)
)

// pipInstall are the options of "pip install" (pip.pypa.io/en/stable/cli/pip_install).
var pipInstall = options{
	switches: `--no-cache-dir --upgrade -U --no-deps -q -qq -qqq --quiet -v -vv -vvv --verbose --pre --require-hashes
		--no-compile --compile --force-reinstall --ignore-installed -I --break-system-packages --no-input --no-clean
		--disable-pip-version-check --no-warn-script-location --no-warn-conflicts --use-pep517 --no-build-isolation
		--prefer-binary --user --ignore-requires-python --no-color --isolated --no-python-version-warning --no-index`,
	values: `-i --index-url --extra-index-url --trusted-host --no-binary --only-binary --progress-bar --root-user-action
		--retries --timeout --default-timeout --platform --python-version --implementation --abi --upgrade-strategy
		--use-feature --use-deprecated --proxy`,
	lists:  "-r --requirement -c --constraint",
	places: "-t --target --prefix --root --cache-dir -w --wheel-dir -d --dest",
	links:  "-f --find-links",
}

// pipVerbs are the commands of pip that fetch packages.
var pipVerbs = []string{"install", "wheel", "download"}

// pipEffect knows pip, also as "python -m pip", and the making of virtual environments.
func pipEffect(program string, words []string, dir string) (effect, bool, error) {
	e, args, module := effect{dir: dir}, words[1:], ""
	if pythonProgram.MatchString(program) && len(args) > 1 && args[0] == "-m" {
		module, args = args[1], args[2:]
		e.module, program = module, module
	}
	switch {
	case module == "venv", program == "virtualenv":
		return environment(e, program, args)
	case !pipProgram.MatchString(program) || len(args) == 0 || !slices.Contains(pipVerbs, args[0]):
		return e, false, nil
	}
	e.name = program + " " + args[0]
	p, err := pipInstall.parse("pip", unglued(args[1:]))
	if err != nil {
		return e, true, err
	}
	for _, requirement := range p.rest {
		if !packageOrAddress(requirement) {
			return e, true, fmt.Errorf("pip %s reads the sources", requirement)
		}
	}
	e.lists, e.writes = allUnder(dir, p.lists), allUnder(dir, p.places)
	e.links = allUnder(dir, p.links)
	if args[0] != "install" && len(p.places) == 0 {
		return e, true, fmt.Errorf("%s writes packages where it runs", e.name)
	}
	elsewhere := slices.ContainsFunc(p.seen, func(s string) bool {
		return slices.Contains([]string{"-t", "--target", "--prefix", "--root"}, s)
	})
	if own := path.Dir(path.Dir(words[0])); strings.Contains(words[0], "/") {
		e.writes = append(e.writes, under(dir, own)) // /opt/venv/bin/pip
	}
	e.system = !elsewhere && (!strings.Contains(words[0], "/") || within(path.Clean(words[0]), "/usr"))
	return e, true, nil
}

// unglued parts the values that are written directly behind a short option of pip: -rrequirements.txt.
func unglued(args []string) []string {
	var out []string
	for _, a := range args {
		if len(a) > 2 && a[0] == '-' && strings.IndexByte("rctw", a[1]) >= 0 {
			out = append(out, a[:2], a[2:])
			continue
		}
		out = append(out, a)
	}
	return out
}

var pipPackage = pattern.New(`^[A-Za-z0-9][\w.-]*(\[[\w.,-]*\])?([=<>!~]=?=?[\w.*+!-]+(,[=<>!~]=?=?[\w.*+!-]+)*)?$`)

// packageOrAddress reports whether a requirement is a package by name or an address, rather than a file.
func packageOrAddress(requirement string) bool {
	if strings.Contains(requirement, "://") {
		return !strings.Contains(requirement, "file:")
	}
	return pipPackage.MatchString(requirement) && !archiveName(requirement) && !strings.HasSuffix(requirement, ".whl")
}

// environment is the making of a virtual environment.
func environment(e effect, program string, args []string) (effect, bool, error) {
	known := options{switches: `--system-site-packages --upgrade-deps --copies --symlinks --clear --without-pip`,
		values: "--prompt -p --python"}
	p, err := known.parse(program, args)
	if err == nil && len(p.rest) == 0 {
		err = fmt.Errorf("where %s makes an environment is not known", program)
	}
	e.name, e.writes = program, allUnder(e.dir, p.rest)
	return e, true, err
}
