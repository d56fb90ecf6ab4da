package checks

import (
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var aptInScript = &check.Check{
	Name:     "apt-in-script",
	Family:   check.Hygiene,
	Summary:  "`apt` is for people at a terminal; its interface may change, that of `apt-get` does not",
	Severity: check.Info,
	Aliases:  []string{"DL3027", "CKV_DOCKER_9"},
	Run:      runAptInScript,
}

func runAptInScript(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if run := bodyOf(i); run != nil {
			aptCalls(p, i, run)
		}
	}
	return nil
}

// aptCalls reports the calls of apt in one RUN.
func aptCalls(p *check.Pass, i, run *dockerfile.Instruction) {
	r := rewording{title: "Call the stable interface of apt", rule: fixes.StableApt}
	cmds, _ := commands(run)
	for _, c := range cmds {
		words := c.Words
		if c.Name() == "sudo" {
			words = c.Args()
		}
		if len(words) < 2 || !words[0].Literal || words[0].Text != "apt" {
			continue
		}
		twin := stableTwin(words[1:])
		if r.message == "" {
			r.message = fmt.Sprintf("`apt` says of itself that scripts cannot rely on its command line; `%s` keeps its own as it is", twin)
		}
		r.words = append(r.words, fixes.Rewording{At: words[0].Span, How: fixes.Instead, Text: twin})
	}
	if len(r.words) > 0 {
		r.report(p, i, run)
	}
}

// stableTwin is the program that does what apt is told to.
func stableTwin(args []dockerfile.Argument) string {
	for _, w := range args {
		if strings.HasPrefix(w.Text, "-") {
			continue
		}
		switch w.Text {
		case "show", "search", "policy", "depends", "rdepends", "showsrc":
			return "apt-cache"
		}
		break
	}
	return "apt-get"
}
