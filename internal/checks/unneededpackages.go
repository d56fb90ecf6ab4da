package checks

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

var unneededPackages = &check.Check{
	Name:     "unneeded-packages",
	Family:   check.SmallerImage,
	Summary:  "editors and tools for debugging are installed in the image that ships",
	Severity: check.Info,
	Run:      runUnneededPackages,
}

// forTerminals are packages that programs do not use: editors, monitors, documentation, and tools to look at networks and
// processes. A name stands for its whole family ("vim-tiny").
var forTerminals = pattern.New(`^(vim|neovim|nano|emacs|htop|atop|iotop|iftop|nmon|tmux|screen|mc|man-db|manpages|less|tree|` +
	`strace|ltrace|gdb|tcpdump|nmap|telnet|traceroute|mtr|lsof|net-tools|iputils-ping|iputils|dnsutils|bind-tools|` +
	`bash-completion|cowsay|figlet|neofetch)(-[a-z0-9-]+)?$`)

func runUnneededPackages(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if !shipped(p, s) || developmentName.MatchString(s.Name) || workplace(p.File.Path) {
			continue
		}
		for _, i := range s.Instructions {
			if i.Keyword == "RUN" {
				unneededIn(p, i)
			}
		}
	}
	return nil
}

// workplace reports whether a Dockerfile is, by its path, for people to work in.
func workplace(path string) bool {
	return strings.Contains(path, ".devcontainer") || strings.Contains(path, "toolbox") || strings.Contains(path, "debug") ||
		strings.HasSuffix(path, ".dev")
}

func unneededIn(p *check.Pass, run *dockerfile.Instruction) {
	cmds, _ := placedCommands(run)
	var found []string
	for _, c := range cmds {
		for _, made := range append(ecosystem.Makes(c.Command, c.dir), ecosystem.RPMPackages(c.Command)...) {
			_, name, ok := strings.Cut(made, ":")
			if ok && forTerminals.MatchString(name) && !usedElsewhere(p.File, run, name) {
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 {
		return
	}
	names, ship, them := shipping(found)
	p.Advise(run.Code(), fmt.Sprintf("%s %s with the image, where the program does not use %s: more to update, to scan, and for an "+
		"intruder to work with", names, ship, them), "whether somebody needs them there is yours to say")
}

// usedElsewhere reports whether the rest of the file names the package or its program.
func usedElsewhere(f *dockerfile.File, run *dockerfile.Instruction, name string) bool {
	program, _, _ := strings.Cut(name, "-")
	named := regexp.MustCompile(`\b` + regexp.QuoteMeta(program) + `\b`)
	for _, i := range f.Instructions {
		text := f.Text(i.Span)
		if i == run {
			text = strings.Replace(text, name, "", 1)
		}
		if named.MatchString(text) {
			return true
		}
	}
	return false
}
