package checks

import (
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var sudoCheck = &check.Check{
	Name:     "sudo",
	Family:   check.NonRoot,
	Summary:  "`sudo` runs a step's command, which root could run itself",
	Severity: check.Warning,
	Aliases:  []string{"DL3004", "CKV2_DOCKER_1", "AVD-DS-0010", "DS-0010", "DS010"},
	Run:      runSudo,
}

func runSudo(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if run := bodyOf(i); run != nil {
			sudoIn(p, i, run)
		}
	}
	return nil
}

// sudoIn reports the uses of sudo in one RUN. One that becomes another user than root is no matter of this check.
func sudoIn(p *check.Pass, i, run *dockerfile.Instruction) {
	r := rewording{
		message: "`sudo` in a build needs a user who may do everything without a password, and stays in the image with it; " +
			"switch to root with USER for such steps",
		title: "Let root run the command itself", rule: fixes.WithoutSudo,
	}
	cmds, _ := commands(run)
	for _, c := range cmds {
		if len(c.Words) < 2 || c.Name() != "sudo" || otherUser(c) {
			continue
		}
		r.words = append(r.words, fixes.Rewording{At: c.Words[0].Span, How: fixes.Instead})
	}
	if len(r.words) > 0 {
		r.report(p, i, run)
	}
}

// otherUser reports whether sudo is told to become another user, or only asked about itself.
func otherUser(c dockerfile.Command) bool {
	for _, w := range c.Args() {
		switch {
		case !strings.HasPrefix(w.Text, "-"):
			return false
		case strings.HasPrefix(w.Text, "--user"), strings.HasPrefix(w.Text, "-u"), strings.HasSuffix(w.Text, "u"),
			w.Text == "--version", w.Text == "-V", w.Text == "-l", w.Text == "-v":
			return true
		}
	}
	return false
}
