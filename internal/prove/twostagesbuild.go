package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// builtSteps checks that the steps of the stage are copies of the build context and runs of the go command, of which the
// last builds the program, and that the program has no cgo.
func builtSteps(s *dockerfile.Stage, program string) error {
	var last *dockerfile.Instruction
	for _, i := range s.Instructions {
		var err error
		switch i.Keyword {
		case "RUN":
			last, err = i, builds(i)
		case "COPY":
			last = i
			if len(i.Flags)+len(i.Heredocs) > 0 || i.Form == dockerfile.ExecForm {
				err = fmt.Errorf("the COPY on line %d does not only copy the build context", i.Line())
			} else if !besideSystem(i) {
				err = fmt.Errorf("the COPY on line %d may change what the program finds in its image", i.Line())
			}
		case "ENV", "ARG":
			err = harmlessEnv(i)
		}
		if err != nil {
			return err
		}
	}
	if last == nil || last.Keyword != "RUN" {
		return errors.New("the last step does not build the program")
	}
	for _, m := range cgoSet.FindAllStringSubmatch(string(s.From.File().Src), -1) {
		if strings.Trim(m[1], `"'`) != "0" {
			return errors.New("cgo may be on, and then the program needs the C library of its image")
		}
	}
	return writesProgram(last, program)
}

// besideSystem reports whether a COPY puts its files into a directory of the program's own: not among certificates, time
// zones and the like, and not over the whole image.
func besideSystem(i *dockerfile.Instruction) bool {
	if len(i.Words) == 0 {
		return false
	}
	to, dir := i.Words[len(i.Words)-1].Text, i.Stage.Before(i).Workdir
	if strings.ContainsAny(to, "$\\\"'`") || !path.IsAbs(to) && dir == "" {
		return false
	}
	if !path.IsAbs(to) {
		to = path.Join(dir, to)
	}
	to = path.Clean(to)
	system := slices.ContainsFunc(strings.Fields("/etc /usr /lib /lib64 /run /var /dev /proc /sys"), func(at string) bool {
		return within(to, at)
	})
	return to != "/" && (!system || within(to, "/usr/src/"+path.Base(to)) || within(to, "/usr/src/app"))
}

var cgoSet = pattern.New(`CGO_ENABLED[= ]\s*([^\s;&|]*)`)

// findings are variables that say where things are found, or how Go builds.
const findings = "PATH HOME GOPATH GOROOT GOBIN GOFLAGS GOEXPERIMENT GOENV GOWORK GOTOOLCHAIN SSL_CERT_FILE ZONEINFO"

// harmlessEnv checks that an ENV, or an ARG, does not say where programs lie, and how Go builds only as this package knows.
func harmlessEnv(i *dockerfile.Instruction) error {
	for _, w := range i.Words {
		name, _, ok := strings.Cut(w.Text, "=")
		switch {
		case !ok && i.Keyword == "ENV":
			return fmt.Errorf("the ENV on line %d is in the old form", i.Line())
		case among(findings, name),
			strings.HasPrefix(name, "LD_"), i.Keyword == "ARG" && strings.HasPrefix(name, "GO"),
			strings.HasPrefix(name, "CGO_") && name != "CGO_ENABLED":
			return fmt.Errorf("the %s on line %d says where Go or the program finds things", i.Keyword, i.Line())
		}
	}
	return nil
}

// builds checks that a RUN only gets packages and modules and builds: nothing it does makes Go code or tells Go how to
// build.
func builds(run *dockerfile.Instruction) error {
	cmds, err := chainOf(run)
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		words, ok := cmd.Texts()
		verb := ""
		if len(words) > 1 {
			verb = words[1]
		}
		switch {
		case cmd.Name() == "go" && cmd.Words[0].Text == "go" && len(cmd.Words) > 1 && cmd.Words[1].Text == "build":
			if err := goFlags(cmd); err != nil {
				return err
			}
		case ok && words[0] == "go" && len(words) > 2 && verb == "mod" && among("download verify tidy", words[2]):
		case ok && words[0] == "go" && among("vet test version", verb):
		case ok && words[0] == "apk" && verb == "add", ok && words[0] == "apt-get" && among("update install", verb):
		case ok && len(words) > 2 && words[0] == "rm" && strings.HasPrefix(words[2], "/var/lib/apt/lists/"):
		default:
			return fmt.Errorf("what %s on line %d does to the program is not known", cmd.Words[0].Text, run.Line())
		}
	}
	return nil
}

// chainOf are the commands of a RUN that runs one after the other, in the default shell.
func chainOf(run *dockerfile.Instruction) ([]dockerfile.Command, error) {
	no := fmt.Errorf("the step on line %d is not a plain list of commands", run.Line())
	if len(run.Stage.Before(run).Shell) > 0 || len(run.Heredocs) > 0 {
		return nil, no
	}
	for _, fl := range run.Flags {
		kind, target := mountOf(fl)
		if kind != "cache" || !within(target, "/root/.cache") && !within(target, "/go/pkg") {
			return nil, fmt.Errorf("the step on line %d has a mount or another flag", run.Line())
		}
	}
	script, err := run.Script()
	if err != nil {
		return nil, no
	}
	if !andList(script) {
		return nil, no
	}
	cmds := script.Calls()
	for _, cmd := range cmds {
		for _, a := range cmd.Call.Assigns {
			value := script.Text[a.Pos().Offset():a.End().Offset()]
			if !buildSetting.MatchString(value) {
				return nil, fmt.Errorf("%s on line %d may say how the program is built", value, run.Line())
			}
		}
	}
	return cmds, nil
}

// andList reports whether a script is one list of commands joined by "&&", with nothing else to them than assignments.
func andList(s *dockerfile.Script) bool {
	plain := len(s.AST.Stmts) == 1
	syntax.Walk(s.AST, func(n syntax.Node) bool {
		stmt, ok := n.(*syntax.Stmt)
		if !ok {
			return plain
		}
		switch cmd := stmt.Cmd.(type) {
		case *syntax.CallExpr:
			plain = plain && bare(stmt) && len(cmd.Args) > 0
		case *syntax.BinaryCmd:
			plain = plain && bare(stmt) && cmd.Op == syntax.AndStmt
		default:
			plain = false
		}
		return plain
	})
	return plain
}

// buildSetting matches the variables of the go command that leave a program for Linux as it is.
var buildSetting = pattern.New(
	`^(CGO_ENABLED=["']?0["']?|GOOS=["']?linux["']?|GOARCH=["']?(amd64|arm64)["']?|GO111MODULE=on)$`)

// mountOf is the type and the target of a --mount flag.
func mountOf(fl dockerfile.Flag) (kind, target string) {
	if !strings.EqualFold(fl.Name, "mount") {
		return "", ""
	}
	for field := range strings.SplitSeq(fl.Value, ",") {
		switch key, value, _ := strings.Cut(field, "="); strings.ToLower(key) {
		case "type":
			kind = value
		case "target", "dst", "destination":
			target = path.Clean(value)
		}
	}
	return kind, target
}

// goFlags checks the words of a go build: options that are known to leave a program self-contained, and one package.
func goFlags(cmd dockerfile.Command) error {
	packages := 0
	for k := 2; k < len(cmd.Words); k++ {
		w := cmd.Words[k]
		name, _, joined := strings.Cut(w.Text, "=")
		name = strings.Replace(name, "--", "-", 1)
		switch {
		case !strings.HasPrefix(name, "-"):
			if packages++; packages > 1 || !w.Literal || strings.Contains(w.Text, "...") ||
				strings.Contains(w.Text, "node_modules") {
				return errors.New("which one program go build makes is not known")
			}
		case among("-trimpath -v -a -x", name):
		case among("-o -ldflags -tags -mod -p -gcflags -installsuffix -buildvcs", name):
			if name != "-buildvcs" && !joined {
				k++
			}
			if k >= len(cmd.Words) || strings.Contains(w.Text+cmd.Words[k].Text, "linkmode") {
				return fmt.Errorf("go build %s is not understood", w.Text)
			}
		default:
			return fmt.Errorf("go build %s may make a program that needs more than itself", w.Text)
		}
	}
	return nil
}

// writesProgram checks that the last command of a RUN builds the program without cgo and writes it to its path.
func writesProgram(run *dockerfile.Instruction, program string) error {
	cmds, err := chainOf(run)
	if err != nil {
		return err
	}
	cmd := cmds[len(cmds)-1]
	if cmd.Name() != "go" || len(cmd.Words) < 2 || cmd.Words[1].Text != "build" {
		return errors.New("the last step does not build the program")
	}
	if !strings.Contains(string(run.File().Src), "CGO_ENABLED") || !cgoOff(run, cmd) {
		const on = "cgo is not switched off (CGO_ENABLED=0), and with it the program may need the C library of its image"
		return errors.New(on)
	}
	var outputs []string
	for k, w := range cmd.Words {
		if w.Text == "-o" && k+1 < len(cmd.Words) && cmd.Words[k+1].Literal {
			outputs = append(outputs, cmd.Words[k+1].Text)
		}
		if name, ok := strings.CutPrefix(w.Text, "-o="); ok && w.Literal {
			outputs = append(outputs, name)
		}
	}
	dir := run.Stage.Before(run).Workdir
	if len(outputs) != 1 || dir == "" || strings.HasSuffix(outputs[0], "/") {
		return errors.New("where go build puts the program is not said by -o")
	}
	at := outputs[0]
	if !path.IsAbs(at) {
		at = path.Join(dir, at)
	}
	if at = path.Clean(at); at != program {
		return fmt.Errorf("go build writes %s, and %s is what starts", at, program)
	}
	return nil
}

// cgoOff reports whether CGO_ENABLED=0 stands before a command or in an ENV above it.
func cgoOff(run *dockerfile.Instruction, cmd dockerfile.Command) bool {
	for _, a := range cmd.Call.Assigns {
		if a.Name != nil && a.Name.Value == "CGO_ENABLED" {
			return true // chainOf checked that it is 0
		}
	}
	return slices.ContainsFunc(run.Stage.Instructions, func(i *dockerfile.Instruction) bool {
		return i.Keyword == "ENV" && i.Index < run.Index && slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool {
			return strings.Trim(w.Text, `"`) == "CGO_ENABLED=0" || w.Text == `CGO_ENABLED="0"`
		})
	})
}
