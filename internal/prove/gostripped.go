package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// strippable checks that a go build is an ordinary one of code of the build context, and that nothing is known to look
// into what it builds: no later step, no code and no other file of the repository.
func (r rewrite) strippable() error {
	for _, check := range []func() error{
		r.ordinaryBuild, r.ordinaryGo, r.buildsContext, r.leftAlone, r.debuggedElsewhere,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return r.eachGoFile(func(name string, text []byte) error {
		switch {
		case path.Base(name) == "go.mod" && needsInside.Match(text):
			module := strings.TrimSpace(string(needsInside.Find(text)))
			return fmt.Errorf("%s in %s may need the program as it was built", module, name)
		case path.Ext(name) == ".go" && looksInside.Match(text):
			return fmt.Errorf("%s may need the program as it was built (%s)", name, looksInside.Find(text))
		}
		return nil
	})
}

var (
	// looksInside matches code that reads programs, itself perhaps, or loads plugins, or starts what reads them.
	looksInside = pattern.New(`"(plugin|debug/(dwarf|elf|gosym|macho|pe)|-ldflags|-trimpath)"|` +
		`"(dlv|gdb|lldb|objdump|objcopy|addr2line|perf|nm|readelf|strip|file)"|\bOpenExecutable\(|` +
		`<(execinfo|backtrace|bfd|libunwind|elfutils/\w+)\.h>`)
	// needsInside matches modules that do: symbolizers, loaders, debuggers, hosts of plugins.
	needsInside = pattern.New(`github\.com/(ianlancetaylor/cgosymbolizer|benesch/cgosymbolizer|pkujhd/goloader|` +
		`dearplain/goloader|go-delve/delve|luraproject/lura|krakendio/[\w-]+|devopsfaith/krakend)|` +
		`(?m)^(require)?\s*github\.com/google/pprof\s+\S+\s*$`)
)

// What an ordinary build may say to the go command (go help build): switches, and flags with a value.
const (
	plainGoFlags  = "-a -v -x -work -modcacherw -trimpath"
	valuedGoFlags = "-o -mod -modfile -tags -p -buildvcs -installsuffix -ldflags"
)

// ordinaryBuild checks the flags and packages of the build. The flag -C, which has to be the first one, is not among
// those that are known, and a package that is not of the context is another program.
func (r rewrite) ordinaryBuild() error {
	words := r.was[r.sets+2:]
	k := 0
	for ; k < len(words) && strings.HasPrefix(strings.Trim(words[k].Text, `"'`), "-"); k++ {
		name, value, inOne := strings.Cut(words[k].Text, "=")
		name = "-" + strings.TrimLeft(name, "-")
		switch {
		case among(plainGoFlags, name):
			continue
		case !among(valuedGoFlags, name):
			return fmt.Errorf("what %s says to the build is not known", words[k].Text)
		case !inOne && k+1 < len(words):
			k++
			value = words[k].Text
		}
		if name == "-tags" && forDebugging.MatchString(value) {
			return fmt.Errorf("%s may be for debugging", words[k].Text)
		}
	}
	for _, w := range words[min(k, len(words)):] {
		if !ownPackage.MatchString(strings.Trim(w.Text, `"'`)) && !r.inModule(w.Text) {
			return fmt.Errorf("whether %s is code of the build context is not known", w.Text)
		}
	}
	return nil
}

var (
	forDebugging = pattern.New(`(?i)debug|dlv|delve|trace|prof`)
	ownPackage   = pattern.New(`^(\.|\.{1,2}/[^@]*|[\w./-]*\.go)$`)
)

// inModule reports whether a package is named by the path of a module of the context.
func (r rewrite) inModule(name string) bool {
	found := false
	err := r.eachGoFile(func(file string, text []byte) error {
		if m := moduleLine.FindSubmatch(text); path.Base(file) == "go.mod" && m != nil {
			found = found || within(name, string(m[1])) && !strings.Contains(name, "@")
		}
		return nil
	})
	return err == nil && found
}

var (
	// goBases are images whose settings of Go are known: its own, and systems that have it as a package.
	goBases = pattern.New(`^((docker\.io|mirror\.gcr\.io|public\.ecr\.aws/docker)/)?(library/)?` +
		`(golang|alpine|debian|ubuntu|fedora)([:@]|$)|^mcr\.microsoft\.com/oss/go/|^cgr\.dev/chainguard/(go|wolfi-base)([:@]|$)`)
	// goSettings match what gives the go command other settings, or is another one.
	goSettings = pattern.New(`GOFLAGS|GOENV|\bgo/env\b|\bgo\.env\b|GO_EXTLINK|GOTOOLDIR|` +
		`(?i)gccgo|\bgo1\.(\d|1[0-2])(\.\d+)?\.linux`)
)

// ordinaryGo checks that nothing says otherwise to the go command than its words do.
func (r rewrite) ordinaryGo() error {
	if m := goSettings.FindString(string(r.Before)); m != "" {
		return fmt.Errorf("%s may say otherwise", m)
	}
	if ref, ok := r.run.Stage.Image(); !ok || !goBases.MatchString(strings.ToLower(ref)) {
		return fmt.Errorf("what %s says to the go command is not known", ref)
	}
	script, err := r.run.Script()
	if err != nil {
		return err
	}
	for _, cmd := range script.Calls() {
		name := cmd.Name()
		unread := func(w dockerfile.Argument) bool {
			return name == "set" && w.Text == "-a" || name == "export" && !assigns.MatchString(w.Text)
		}
		if slices.ContainsFunc(cmd.Args(), unread) {
			return fmt.Errorf("what %s sets may say otherwise", name)
		}
	}
	return nil
}

var assigns = pattern.New(`^[A-Za-z_]\w*(=|$)`)
