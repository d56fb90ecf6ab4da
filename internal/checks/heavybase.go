package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
)

var heavyBase = &check.Check{
	Name:     "heavy-base",
	Family:   check.SmallerImage,
	Summary:  "the image is shipped on a base of which a slimmer variant exists",
	Severity: check.Info,
	Run:      runHeavyBase,
}

// runHeavyBase looks at the base of what is shipped. Where a registry was asked, the variant must be there and smaller.
func runHeavyBase(p *check.Pass) error {
	last := shippedStage(p)
	root := rootOf(last)
	for _, b := range basesOf(p) {
		if b.stage != root || b.stage.Windows() {
			continue
		}
		facts, _ := p.Images.Lookup(b.ref)
		if strings.Contains(facts.Slim, "jre") && !starts(last) {
			continue // it starts nothing, so it is there to build with
		}
		if facts.Slim == "" || usesHeavy(last, facts.Slim) || mentionsPackage(p, last, pythonManifests, sourceOnly) {
			continue
		}
		slim := strings.TrimSuffix(withoutDigest(b.ref), ":"+tagOf(b.ref)) + ":" + facts.Slim
		if saving, ok := saves(p, facts, slim); ok {
			p.Advise(b.at.Span, fmt.Sprintf("`%s` is the same release on the same libc %s", slim, saving),
				"whether the program uses something of the rest shows only when it runs")
		}
	}
	return nil
}

// rootOf is the stage at the end of s's chain of parents.
func rootOf(s *dockerfile.Stage) *dockerfile.Stage {
	for s.Parent != nil {
		s = s.Parent
	}
	return s
}

func withoutDigest(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	return name
}

// saves says in words what the slimmer variant saves. It reports false when it saves little, or is not there.
func saves(p *check.Pass, facts image.Image, slim string) (words string, ok bool) {
	other, _ := p.Images.Lookup(slim)
	if facts.Answer == nil && facts.Unanswered == "" {
		if strings.Contains(facts.Slim, "jre") {
			return "without the compiler and the development tools, which are shipped here", true
		}
		return "without most of the packages that are shipped here", true
	}
	const platform = "linux/amd64"
	full, less := facts.Answer.Size(platform), other.Answer.Size(platform)
	if less == 0 || less*5 > full*4 {
		return "", false
	}
	return fmt.Sprintf("in %s instead of %s (compressed, %s)", megabytes(less), megabytes(full), platform), true
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+500_000)/1_000_000) }

// heavyPrograms are those that the full images of languages have and the slim ones lack; kitPrograms what a Java
// development kit is there for.
var (
	heavyPrograms = []string{
		"gcc", "g++", "cc", "c++", "make", "cmake", "autoconf", "automake", "patch", "git", "hg", "svn", "curl", "wget",
		"node-gyp", "pkg-config", "file", "unzip", "ssh", "ssh-keyscan", "gpg", "mysql_config", "pg_config",
		// These compile, which wants libraries' headers and often a C compiler.
		"cargo", "rustc", "bundle", "bundler", "gem", "cpanm", "cpan", "carton", "pypy", "pypy3",
	}
	// sourceOnly are packages of Python that pip compiles, since they have no wheels.
	sourceOnly = naming(`mysqlclient psycopg2 psycopg[c] uwsgi pycurl python-ldap pygraphviz dbus-python gdal pyaudio
		netifaces pyodbc cassandra-driver python-snappy mod_wsgi pymssql`)
	kitPrograms = []string{
		"mvn", "mvnw", "gradle", "gradlew", "javac", "jar", "jlink", "jdeps", "jpackage", "sbt", "ant", "lein", "clojure",
		"kotlinc",
	}
)

// usesHeavy reports whether the shipped stage, or a stage it stands on, runs a program that the slim variant does not
// bring along, or has a step that cannot be read.
func usesHeavy(last *dockerfile.Stage, slim string) bool {
	programs := heavyPrograms
	if strings.Contains(slim, "jre") {
		programs = kitPrograms
	}
	for s := last; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if usesOne(i, programs) {
				return true
			}
		}
	}
	return false
}

// usesOne reports whether an instruction runs one of the programs, be it at run time.
func usesOne(i *dockerfile.Instruction, programs []string) bool {
	switch i.Keyword {
	case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
	default:
		return false
	}
	if i.Form == dockerfile.ExecForm {
		return slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool { return isProgram(w.Text, programs) })
	}
	script, err := i.Script()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(script.Calls(), func(c dockerfile.Command) bool {
		first := c.Words[:min(3, len(c.Words))] // it may be behind env, sudo or xargs
		return slices.ContainsFunc(first, func(w dockerfile.Argument) bool { return isProgram(w.Text, programs) })
	})
}

// isProgram reports whether a word is one of the programs, or a path to one.
func isProgram(word string, programs []string) bool {
	return slices.Contains(programs, word[strings.LastIndexByte(word, '/')+1:])
}
