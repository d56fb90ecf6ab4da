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
	for _, fl := range i.Flags {
		if fl.Name == "mount" && mountsShell.MatchString(fl.Value) {
			return fmt.Errorf("line %d mounts something where /bin/sh may lie", i.Line())
		}
	}
	for s := i.Stage; s != nil; s = s.Parent {
		for _, j := range s.Instructions {
			if s != i.Stage || j.Index < i.Index {
				if text := j.Text(); changesSh.MatchString(text) || bringsShell(j) {
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

var (
	mountsShell = pattern.New(`(target|dst|destination)=["']?/*((usr/)?s?bin/?|usr/?|lib\w*/?|usr/lib\w*/?)?["']?(,|$)|\$`)
	changesSh   = pattern.New(`bin/sh|dash|\bbinsh\b|bin/?["']?\s*(&&|;)`)
)

// bringsShell reports whether a COPY or ADD may put another shell in the place of /bin/sh.
func bringsShell(i *dockerfile.Instruction) bool {
	if i.Keyword != "COPY" && i.Keyword != "ADD" || len(i.Words) < 2 {
		return false
	}
	to := i.Words[len(i.Words)-1].Text
	if !path.IsAbs(to) {
		to = path.Join("/", i.Stage.Before(i).Workdir, to)
	}
	to = path.Clean(to)
	return strings.Contains(to, "$") || to == "/" && len(sourceNames(i)) > 0 ||
		slices.Contains([]string{"/bin", "/usr", "/usr/bin", "/lib"}, to) && slices.Contains(sourceNames(i), "sh")
}

// sourceNames are the last elements of the sources of a COPY that are not plainly single files.
func sourceNames(i *dockerfile.Instruction) (out []string) {
	out = []string{}
	for _, w := range i.Words[:len(i.Words)-1] {
		base := path.Base(w.Text)
		if _, from := i.Flag("from"); from && base != "/" && base != "." && path.Ext(base) == "" && !strings.Contains(base, "*") {
			continue // a program of another image, under its own name
		}
		if ext := path.Ext(base); ext == "" || strings.Contains(base, "*") || strings.Contains(w.Text, ".tar") || ext == ".tgz" {
			out = append(out, base)
		}
	}
	return out
}

// stopsEarly reports whether a reader is told to read less than everything, or nothing: an interpreter is known to read
// what it is given only when that is its program.
func stopsEarly(cmd dockerfile.Command) bool {
	args := cmd.Args()
	switch cmd.Name() {
	case "sh", "bash":
		for _, w := range args {
			switch {
			case w.Literal && among("-s - --", w.Text):
				return false
			case !w.Literal || !among("-e -x -ex -u -eu -eux", w.Text):
				return true
			}
		}
	case "python", "python3", "node", "ruby", "php":
		return len(args) > 0 && args[0].Text != "-"
	case "psql":
		return slices.ContainsFunc(args, func(w dockerfile.Argument) bool {
			return strings.HasPrefix(w.Text, "-c") || strings.HasPrefix(w.Text, "-f") ||
				strings.HasPrefix(w.Text, "--command") || strings.HasPrefix(w.Text, "--file")
		})
	case "jq":
		return slices.ContainsFunc(args, func(w dockerfile.Argument) bool {
			return earlyJq.MatchString(w.Text) || clusters.MatchString(w.Text) && strings.Contains(w.Text, "n")
		})
	case "tar":
		return slices.ContainsFunc(args, func(w dockerfile.Argument) bool {
			return strings.HasPrefix(w.Text, "--occurrence") || among("--fast-read -q", w.Text)
		})
	}
	return false
}

var earlyJq = pattern.New(`--null-input|\binputs?\b|\bhalt\b|\bfirst\b|\blimit\b|--stream`)

// failsLightly reports whether a sender is told to do something whose failure may be meant.
func failsLightly(cmd dockerfile.Command) bool {
	says := func(names string) bool {
		return slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool {
			name, _, _ := strings.Cut(w.Text, "=")
			return among(names, name)
		})
	}
	switch cmd.Name() {
	case "curl":
		return says("-N --no-buffer -r --range")
	case "wget":
		return says("--spider")
	case "openssl":
		return !says("enc base64 rand")
	case "gpg":
		return !says("--dearmor --export --armor -d --decrypt --enarmor")
	case "base64":
		return says("-i -di --ignore-garbage")
	case "sort":
		return says("-c -C --check")
	case "tar":
		return says("-d --diff --compare")
	}
	return false
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
			if k > 0 && (!slices.Contains(readers, name) || stopsEarly(cmd)) {
				return fmt.Errorf("%s may stop before it has read everything", cmd.Words[0].Text)
			}
			if k+1 < len(p) && (!slices.Contains(senders, name) || failsLightly(cmd)) {
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
