package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// pipeFails: the script of one RUN is the old one behind "set -o pipefail &&", the shell knows that option, and no
// pipeline in it is one whose first commands may end early or with a failure that means nothing.
func pipeFails() predicate {
	return predicate{
		text: pipeFailsText,
		image: func(c *change, b, a image) error {
			n := prefix(b.steps, a.steps)
			if n >= len(b.steps) || n >= len(a.steps) {
				return errors.New("no step differs")
			}
			if err := sameButScript(b.steps[n], a.steps[n], c.old[0], c.fixed[0]); err != nil {
				return err
			}
			return rest(b, a, n+1, n+1)
		},
	}
}

func pipeFailsText(c *change) error {
	old, fixed, err := c.pair("RUN")
	if err != nil {
		return err
	}
	if err := sameFlags(old, fixed); err != nil {
		return err
	}
	script, err := old.Script()
	if err != nil {
		return err
	}
	after, err := fixed.Script()
	if err != nil {
		return err
	}
	switch {
	case len(old.Heredocs)+len(fixed.Heredocs) > 0:
		return errors.New("a here-document stands in it")
	case after.Text != "set -o pipefail && "+script.Text:
		return errors.New("the script is not the old one behind set -o pipefail")
	case strings.Contains(script.Text, "\r"):
		return fmt.Errorf("the shell takes the carriage return on line %d as text", old.Line())
	}
	if err := c.knowsPipefail(old); err != nil {
		return err
	}
	return readToTheEnd(script)
}

// knowsPipefail checks that the shell of i is bash or BusyBox's, which have the option.
func (c *change) knowsPipefail(i *dockerfile.Instruction) error {
	if shell := i.Stage.Before(i).Shell; len(shell) > 0 {
		if path.Base(shell[0]) != "bash" {
			return fmt.Errorf("whether %s knows pipefail is not known", shell[0])
		}
		return nil
	}
	for s := i.Stage; s != nil; s = s.Parent {
		for _, j := range s.Instructions {
			if s != i.Stage || j.Index < i.Index {
				if text := j.Text(); strings.Contains(text, "bin/sh") || strings.Contains(text, "dash") {
					return fmt.Errorf("line %d may change what /bin/sh is", j.Line())
				}
			}
		}
	}
	if err := c.ownBase(i.Stage); err != nil {
		return err
	}
	ref, ok := i.Stage.Image()
	if shell := c.Bases[ref].Shell; !ok || shell != "bash" && shell != "busybox" {
		return errors.New("whether the base image's /bin/sh knows pipefail is not known")
	}
	return nil
}

// senders end with success once all was read, and with a failure only when something went wrong; none goes on for
// ever. readers read all that they are given.
var (
	senders = []string{
		"curl", "wget", "echo", "printf", "cat", "gunzip", "zcat", "xz", "xzcat", "bzip2", "gzip", "zstd", "tar", "base64",
		"openssl", "sha256sum", "sort", "tr", "cut", "gpg",
	}
	readers = []string{
		"tar", "sh", "bash", "tee", "apt-key", "gpg", "gunzip", "gzip", "bunzip2", "xz", "zstd", "sha256sum", "sha512sum",
		"md5sum", "cpio", "base64", "sort", "wc", "tr", "cut", "chpasswd", "debconf-set-selections", "patch", "jq", "psql",
		"python", "python3", "node", "ruby", "php",
	}
)

// readToTheEnd checks every pipeline of the script: they are operands of one && list, made of known commands.
func readToTheEnd(script *dockerfile.Script) error {
	lists, ok := script.Lists()
	if !ok || len(lists) != 1 || script.HasComments() {
		return errors.New("the script is more than commands joined by &&")
	}
	pipes := 0
	for _, p := range lists[0].Pipelines {
		pipes += len(p) - 1
		for k, cmd := range p {
			name := cmd.Name()
			if k > 0 && !slices.Contains(readers, name) {
				return fmt.Errorf("%s may stop before it has read everything", cmd.Words[0].Text)
			}
			if k+1 < len(p) && !slices.Contains(senders, name) {
				return fmt.Errorf("%s may end with a failure that means nothing", cmd.Words[0].Text)
			}
		}
	}
	all := 0
	syntax.Walk(script.AST, func(n syntax.Node) bool {
		if b, ok := n.(*syntax.BinaryCmd); ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) {
			all++
		}
		return true
	})
	if pipes == 0 || all != pipes {
		return errors.New("a pipeline stands where its failure may be meant")
	}
	return nil
}
