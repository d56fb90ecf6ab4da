package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// pipeHidesFailure finds downloads and the like that are piped into a program which takes half of them, or nothing, for
// all.
var pipeHidesFailure = &check.Check{
	Name:     "pipe-hides-failure",
	Family:   check.Hygiene,
	Summary:  "a download before a pipe can fail without failing the step",
	Severity: check.Warning,
	Aliases:  []string{"DL4006"},
	Run:      runPipeHidesFailure,
}

func runPipeHidesFailure(p *check.Pass) error {
	for _, s := range p.File.Stages {
		for _, i := range s.Instructions {
			if i.Keyword == "RUN" {
				judgePipes(p, i)
			}
		}
	}
	return nil
}

// fetching are the programs whose failure is likely enough. The last ones fail on what such a program brought.
var fetching = [...]string{
	"curl", "wget", "aws", "gsutil", "git", "gpg", "openssl", "gunzip", "zcat", "xz", "xzcat", "zstd",
}

func judgePipes(p *check.Pass, i *dockerfile.Instruction) {
	script, err := i.Script()
	if err != nil || hasPipefail(i, script) {
		return
	}
	lists, ok := script.Lists()
	if !ok || len(lists) != 1 {
		return // where a failure goes in a longer script is the script's own affair
	}
	sender, reader := hiddenBy(lists[0])
	if sender == nil {
		return
	}
	message := fmt.Sprintf("when `%s` fails, `%s` is content with what it got until then, or with nothing: the step "+
		"succeeds, and the image lacks something", sender.Name(), reader.Name())
	fix, reason := pipefailFix(p, i)
	if reason != "" {
		p.Advise(i.Code(), message, reason)
		return
	}
	p.Report(i.Code(), message, fix)
}

// hasPipefail reports whether the shell is told to look at all of a pipeline.
func hasPipefail(i *dockerfile.Instruction, script *dockerfile.Script) bool {
	return slices.Contains(i.Stage.Before(i).Shell, "pipefail") || strings.Contains(script.Text, "pipefail")
}

// hiddenBy are the first command whose failure a pipeline hides, and the last one of the pipeline, which does not
// notice.
func hiddenBy(l dockerfile.List) (sender, reader *dockerfile.Command) {
	for _, pipeline := range l.Pipelines {
		last := &pipeline[len(pipeline)-1]
		if !slices.Contains(credulous[:], last.Name()) {
			continue
		}
		for _, c := range pipeline[:len(pipeline)-1] {
			if slices.Contains(fetching[:], c.Name()) {
				return &c, last
			}
		}
	}
	return nil, nil
}

// credulous are the programs that are content with half of what they should get, or nothing. What unpacks an archive or
// reads a key fails by itself then, and filters such as grep and head may stop before they have read everything.
var credulous = [...]string{
	"sh", "bash", "ash", "zsh", "tee", "cat", "python", "python2", "python3", "node", "ruby", "perl", "php", "jq",
	"base64", "sort", "uniq", "tr", "wc", "xargs", "psql", "mysql", "sqlite3", "debconf-set-selections",
}

func pipefailFix(p *check.Pass, i *dockerfile.Instruction) (fix fixes.Fix, reason string) {
	if len(i.Stage.Before(i).Shell) == 0 {
		if reason := noPipefail(p, i.Stage); reason != "" {
			return fix, reason
		}
	}
	fix, err := fixes.SetPipefail(p.File, i)
	if err != nil {
		return fix, err.Error()
	}
	return fix, ""
}

// noPipefail says why the base image's /bin/sh may not know the option.
func noPipefail(p *check.Pass, s *dockerfile.Stage) string {
	const bash = "`SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` above the step"
	ref, ok := s.Image()
	base, known := p.Images.Lookup(ref)
	if !ok || !known {
		return "whether the shell of the base image has the option pipefail is not known; where bash is there, " + bash +
			" sets it"
	}
	switch base.Shell {
	case "bash", "busybox":
		return ""
	case "dash":
		if has, _ := base.Has("bash"); has {
			return "the base image's /bin/sh is dash, which has no option pipefail; " + bash +
				" sets it, for the steps below too"
		}
		return "the base image's /bin/sh is dash, which has no option pipefail"
	}
	return "whether the base image's shell has the option pipefail is not known"
}
