package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// leavesInside are commands that do not look into a program that they are given, if they are given one.
const leavesInside = `apt-get apt apk yum dnf microdnf update-ca-certificates adduser addgroup useradd groupadd usermod
	setcap mkdir chmod chown chgrp cp mv rm rmdir ln ls echo printf touch cd set export true : curl wget tar unzip sed cat ldconfig
	install exit`

// leftAlone checks that no later step that has the program may look into it.
func (r rewrite) leftAlone() error {
	holds := map[*dockerfile.Stage]bool{r.run.Stage: true}
	for _, i := range r.before.Instructions[r.run.Index:] {
		if i.Keyword == "FROM" && holds[i.Stage.Parent] {
			holds[i.Stage] = true
		}
		for _, t := range taken(i) {
			holds[i.Stage] = holds[i.Stage] || holds[r.before.Stage(t.from)]
		}
		if holds[i.Stage] && forDebugging.MatchString(i.Stage.Name) {
			return fmt.Errorf("the stage %s may be for debugging", i.Stage.Name)
		}
		if holds[i.Stage] && (i.Keyword == "RUN" && !r.leavesProgram(i) || !r.onlyStarted(i)) {
			return fmt.Errorf("line %d may look into the program", i.Line())
		}
	}
	return nil
}

// leavesProgram reports whether no command of a RUN, behind the build if it is in the same one, looks into programs.
func (r rewrite) leavesProgram(i *dockerfile.Instruction) bool {
	if i.Form == dockerfile.ExecForm {
		return i == r.run || len(i.Words) > 0 && among(leavesInside, path.Base(i.Words[0].Text))
	}
	script, err := i.Script()
	if err != nil {
		return false
	}
	seen := i != r.run
	return !slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool {
		behind := seen
		seen = seen || slices.EqualFunc(cmd.Words, r.was[r.sets:], sameWord)
		return behind && !r.leaves(cmd)
	})
}

// wrappers start the program that they are given.
const wrappers = "exec tini dumb-init catatonit su-exec gosu env nice"

// onlyStarted reports whether what a container starts, or asks for its health, gives the program to no other that is not
// known to start it. What is left for other builds is not looked at.
func (r rewrite) onlyStarted(i *dockerfile.Instruction) bool {
	if !among("CMD ENTRYPOINT HEALTHCHECK", i.Keyword) {
		return i.Keyword != "ONBUILD"
	}
	cmds := []dockerfile.Command{execCommand(i)}
	if i.Form != dockerfile.ExecForm {
		script, err := i.Script()
		if err != nil {
			return false
		}
		cmds = script.Calls()
	}
	return !slices.ContainsFunc(cmds, func(cmd dockerfile.Command) bool {
		given := slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool { return strings.Contains(w.Text, r.output()) })
		name := path.Base(cmd.Name())
		return given && name != r.output() && !among(wrappers, name)
	})
}

// leaves reports whether one command does not look into the program.
func (r rewrite) leaves(cmd dockerfile.Command) bool {
	args := cmd.Args()
	switch name := cmd.Name(); name {
	case "go":
		return len(args) > 0 && (among("build install test vet mod generate env list clean get fmt work", args[0].Text) ||
			args[0].Text == "version" && len(args) == 1)
	case "git":
		return looksOnly(cmd)
	case "curl", "wget", "tar", "unzip", "sed", "cat":
		return !slices.ContainsFunc(args, func(w dockerfile.Argument) bool { return strings.Contains(w.Text, r.output()) })
	default:
		return len(cmd.Words) == 0 || among(leavesInside, name)
	}
}

// output is the name of the file that the build writes, or of its directory.
func (r rewrite) output() string {
	for k, w := range r.was {
		if value, ok := strings.CutPrefix(w.Text, "-o="); ok {
			return path.Base(value)
		}
		if w.Text == "-o" && k+1 < len(r.was) {
			return path.Base(r.was[k+1].Text)
		}
	}
	return "/go/bin"
}

var (
	// debuggers match what files of the repository say when programs are debugged, traced or taken apart.
	debuggers = pattern.New(`\b(dlv|delve|gdb|gdbserver|lldb|bpftrace|addr2line|objdump|objcopy|readelf|` +
		`dump_syms|upload-dif)\b|\bu(ret)?probe:|\bperf (record|report|probe|top|stat)\b|debug-files|elf-symbols|parca|\bbeyla\b|` +
		`autoinstrumentation-go|DYNAMIC_INSTRUMENTATION|OTEL_GO_AUTO|only-keep-debug|\bgo tool (nm|objdump|addr2line)\b|` +
		`buildmode[= ]plugin|govulncheck[^\n]*-mode[= ]binary|"mode":\s*"remote"|GOTRACEBACK\W+(crash|core)`)
	// operating match the names of the files that may say so.
	operating = pattern.New(`\.(ya?ml|sh|bash|toml|tf|hcl|nomad|service|mk|bt)$|(^|/)(launch|tasks|devcontainer)\.json$|` +
		`(^|/)(Makefile|GNUmakefile|makefile|[Jj]ustfile|Jenkinsfile|Procfile|Tiltfile|Vagrantfile|Earthfile)$|` +
		`(^|/)(bin|scripts?)/[\w-]+$|(Docker|Container)file[^/]*$`)
	dockerfileName = pattern.New(`(Docker|Container)file[^/]*$`)
	pluginMode     = pattern.New(`buildmode[= ]plugin`)
)

// debuggedElsewhere checks that no file of the repository debugs programs. Another Dockerfile does so only when it stands on
// an image that may be this one, or builds plugins.
func (r rewrite) debuggedElsewhere() error {
	for _, b := range r.Builds {
		err := r.eachBeside(b, operating.MatchString, func(name string, text []byte) error {
			m := debuggers.Find(text)
			other := dockerfileName.MatchString(name) && !pluginMode.Match(text) &&
				!needsOnUnknown(string(text), debuggers.MatchString)
			if m == nil || other {
				return nil
			}
			return fmt.Errorf("%s may look into the program (%s)", name, m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
