package prove

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// stepsBehind checks that no step that sees what the install left behind can need the cache: neither in the stage
// itself nor in those that stand on it or take what may hold root's files from it.
func (m mounting) stepsBehind() error {
	holds := map[*dockerfile.Stage]bool{m.run.Stage: true}
	for s := m.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if err := m.starts(i); err != nil {
				return err
			}
		}
	}
	for _, i := range m.before.Instructions[m.run.Index+1:] {
		switch i.Keyword {
		case "FROM":
			holds[i.Stage] = holds[i.Stage.Parent]
			continue
		case "ONBUILD":
			return fmt.Errorf("what the ONBUILD on line %d does in another image is not known", i.Line())
		}
		for _, t := range taken(i) {
			if strings.Contains(t.from, "$") {
				return fmt.Errorf("from where line %d copies is not known", i.Line())
			}
			home := []string{"/root"}
			if holds[m.before.Stage(t.from)] && (t.within(home) || t.above(home)) {
				return fmt.Errorf("line %d takes what may hold the cache", i.Line())
			}
		}
		if !holds[i.Stage] {
			continue
		}
		if err := m.stepBehind(i); err != nil {
			return err
		}
	}
	return nil
}

func (m mounting) stepBehind(i *dockerfile.Instruction) error {
	switch i.Keyword {
	case "RUN":
		return m.runs(i, m.unneeding)
	case "CMD", "ENTRYPOINT", "HEALTHCHECK":
		return m.starts(i)
	case "WORKDIR":
		if !path.IsAbs(i.Text()) || !ordinary(i.Text()) {
			return fmt.Errorf("the directory on line %d may have to do with the cache", i.Line())
		}
	case "SHELL", "VOLUME":
		return fmt.Errorf("what the %s on line %d has to do with the cache is not known", i.Keyword, i.Line())
	}
	return nil
}

// unneeding knows the commands that do not need the cache: besides those that make no settings, programs of the
// image's own, and those that look after its files.
func (m mounting) unneeding(words []string, dir string) bool {
	switch {
	case len(words) > 2 && words[0] == "rm":
		return inOrdinary(words[1:], dir, "-r -f -rf")
	case len(words) > 2 && among("chown chmod", words[0]):
		if words = words[1:]; words[0] == "-R" {
			words = words[1:]
		}
		return len(words) > 1 && words[0][0] != '-' && inOrdinary(words[1:], dir, "")
	case len(words) > 1 && words[0] == "npm" && words[1] == "prune":
		return !slices.ContainsFunc(words[2:], func(w string) bool { return !among(npmInstalls, w) })
	}
	return m.harmless(words, dir) || startsOwn(words) == nil
}

// servers are programs that serve an application or ask whether it is there, and starters those that start another.
const (
	servers  = `gunicorn uvicorn flask hypercorn daphne fastapi celery streamlit nginx curl wget exit true false`
	starters = `tini /sbin/tini /usr/bin/tini dumb-init /usr/bin/dumb-init docker-entrypoint.sh exec --`
)

var (
	programFile  = pattern.New(`^[\w./-]+$`)
	pythonModule = pattern.New(`^[A-Za-z_][\w.]*$`)
)

// startsOwn checks that a program which an image or a step starts is one of the application, or serves it.
func startsOwn(words []string) error {
	for len(words) > 0 && among(starters, words[0]) {
		words = words[1:]
	}
	next := func(k int) string {
		if k < len(words) {
			return words[k]
		}
		return ""
	}
	switch name := next(0); {
	case name == "", among(servers, path.Base(name)):
		return nil
	case name == "node":
		if file := next(1); programFile.MatchString(file) && !strings.HasPrefix(file, "-") {
			return nil
		}
	case name == "npm":
		if among("start test", next(1)) || among("run run-script", next(1)) && next(2) != "" {
			return nil
		}
	case among("python python3", name) && next(1) == "-m":
		top, _, _ := strings.Cut(next(2), ".")
		if pythonModule.MatchString(next(2)) && !among("pip venv ensurepip virtualenv site", top) {
			return nil
		}
	case among("python python3", name):
		if next(1) == "-u" {
			words = words[1:]
		}
		if file := next(1); programFile.MatchString(file) && path.Ext(file) == ".py" && file[0] != '-' {
			return nil
		}
	}
	return fmt.Errorf("whether `%s` needs the cache is not known", strings.Join(words, " "))
}

// starts checks what an image starts.
func (m mounting) starts(i *dockerfile.Instruction) error {
	if !among("CMD ENTRYPOINT HEALTHCHECK", i.Keyword) || i.Form == dockerfile.NoForm {
		return nil
	}
	words := texts(i)
	if i.Keyword == "HEALTHCHECK" && len(words) > 0 {
		words = words[1:]
	}
	if i.Form == dockerfile.ExecForm {
		return startsOwn(words)
	}
	script, err := i.Script()
	if err != nil {
		return err
	}
	for _, cmd := range script.Calls() {
		var words []string
		for _, w := range cmd.Words {
			if words = append(words, w.Text); strings.ContainsAny(w.Text, "~`*?(") {
				return errors.New("what the image starts is not known")
			}
		}
		if err := startsOwn(words); err != nil {
			return err
		}
	}
	return nil
}

var (
	plainMount = pattern.New(`--mount=type=cache,target=[\w./-]+(\s|$)`)
	// ofRoot matches what speaks of root's files, or of working from a cache.
	ofRoot = pattern.New(`(?i)offline|\bnpx\b|/root\b|\$\{?HOME\b|npm_config|pip_config|pip_(no_)?cache`)
)

// unnamed checks that nothing else in the file speaks of the cache, in whatever stage.
func (m mounting) unnamed() error {
	for _, i := range m.before.Instructions {
		text := plainMount.ReplaceAll([]byte(i.File().Text(i.Span)), []byte(" "))
		if ofRoot.Match(text) || m.downloadCache.words.Match(text) {
			return fmt.Errorf("line %d may have to do with the cache", i.Line())
		}
	}
	if !m.npm && bytes.Contains(m.Before, []byte("/root/.cache/pip")) && bytes.Contains(m.Before, []byte("alpine")) {
		return errors.New("another stage may keep what pip builds for another system in the same cache")
	}
	return nil
}
