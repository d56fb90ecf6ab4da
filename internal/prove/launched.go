package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// found checks that a program without a directory is found in the same place without a shell: the container's runtime
// does not look in directories of PATH that are relative, and does not know "~".
func (c *change) found(name string, i *dockerfile.Instruction) error {
	if strings.Contains(name, "/") {
		return nil
	}
	for s := i.Stage; s != nil; s = s.Parent {
		for _, j := range s.Instructions {
			for _, list := range settingsOf(j, "PATH") {
				if slices.ContainsFunc(strings.Split(list, ":"), func(dir string) bool { return !c.absolute(dir, 0) }) {
					return fmt.Errorf("PATH on line %d has a directory that only a shell finds", j.Line())
				}
			}
		}
	}
	return nil
}

// settingsOf are the values that an ENV or ARG gives a variable, without quotes and escapes.
func settingsOf(i *dockerfile.Instruction, name string) []string {
	if i.Keyword != "ENV" && i.Keyword != "ARG" {
		return nil
	}
	words := strings.Fields(strings.NewReplacer(`"`, "", "'", "", `\`, "").Replace(i.Text()))
	if i.Keyword == "ENV" && len(words) > 1 && words[0] == name {
		return words[1:2]
	}
	var out []string
	for _, w := range words {
		if key, value, ok := strings.Cut(w, "="); ok && key == name {
			out = append(out, value)
		}
	}
	return out
}

// ofImages are variables that images set to absolute directories.
var ofImages = []string{
	"HOME", "GOPATH", "GOROOT", "JAVA_HOME", "CARGO_HOME", "RUSTUP_HOME", "NVM_DIR", "NODE_PATH", "PNPM_HOME",
	"BUN_INSTALL", "GEM_HOME", "BUNDLE_PATH", "BUNDLE_BIN", "CONDA_DIR", "MAVEN_HOME", "GRADLE_HOME", "CATALINA_HOME",
}

// maxSettings bounds how many variables stand in one another's values.
const maxSettings = 8

// absolute reports whether a directory of PATH is known to begin with "/": by itself, or because all that sets the
// variable at its front says so.
func (c *change) absolute(dir string, depth int) bool {
	rest, variable := strings.CutPrefix(dir, "$")
	if !variable || depth > maxSettings {
		return strings.HasPrefix(dir, "/")
	}
	name := strings.FieldsFunc(rest, func(r rune) bool { return !strings.ContainsRune(letters, r) })
	if len(name) == 0 {
		return false
	}
	if name[0] == "PATH" {
		return true
	}
	var values []string
	for _, i := range c.before.Instructions {
		values = append(values, settingsOf(i, name[0])...)
	}
	for _, b := range c.Builds {
		if value, given := b.Args[name[0]]; given {
			values = append(values, value)
		}
		if slices.Contains(b.Varied, name[0]) {
			return false
		}
	}
	if len(values) == 0 {
		return slices.Contains(ofImages, name[0])
	}
	parts := strings.Split(strings.Join(values, ":"), ":")
	return !slices.ContainsFunc(parts, func(v string) bool { return !c.absolute(v, depth+1) })
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

// maxCalled bounds how many names one program is followed through.
const maxCalled = 50

// calledBefore are the names, patterns among them, that a program had before copies and links gave it the one that it is
// started by.
func (c *change) calledBefore(name string) ([]string, error) {
	names := []string{name}
	for k := 0; k < len(names); k++ {
		for _, i := range c.before.Instructions {
			more, err := sourcesFor(i, names[k])
			if err != nil {
				return nil, err
			}
			for _, n := range more {
				if !slices.Contains(names, n) {
					names = append(names, n)
				}
			}
		}
		if len(names) > maxCalled {
			return nil, fmt.Errorf("where %s comes from is not known", name)
		}
	}
	return names, nil
}

// sourcesFor are the names of what an instruction makes a file of that name of.
func sourcesFor(i *dockerfile.Instruction, name string) ([]string, error) {
	var out []string
	if i.Keyword == "COPY" || i.Keyword == "ADD" {
		var words []string
		for _, w := range i.Words {
			words = append(words, strings.Trim(w.Text, `"'`))
		}
		if n := len(words) - 1; n > 0 && path.Base(words[n]) == name {
			return lastParts(words[:n]), nil
		}
		return nil, nil
	}
	if i.Keyword != "RUN" {
		return nil, nil
	}
	for _, cmd := range callsOf(i) {
		var words []string
		for _, w := range cmd.Args() {
			if !strings.HasPrefix(w.Text, "-") {
				words = append(words, w.Text)
			}
		}
		at := slices.IndexFunc(words, func(w string) bool { return path.Base(w) == name })
		switch {
		case at < 0:
		case slices.Contains([]string{"cp", "mv", "ln", "install", "rsync"}, cmd.Name()):
			out = append(out, lastParts(slices.Delete(words, at, at+1))...)
		case slices.Contains(textTools, cmd.Name()) && strings.Contains(words[at], "/"):
			return nil, fmt.Errorf("line %d writes %s, which only a shell may be able to start", i.Line(), name)
		}
	}
	return out, nil
}

// callsOf are the commands of a RUN, as far as they can be read.
func callsOf(i *dockerfile.Instruction) []dockerfile.Command {
	if i.Form == dockerfile.ExecForm {
		return []dockerfile.Command{execCommand(i)}
	}
	script, err := i.Script()
	if err != nil {
		return nil
	}
	return script.Calls()
}

// textTools write what they read to files that their arguments name.
var textTools = strings.Fields("dd sed awk perl base64 xxd envsubst patch")

// lastParts are the names behind the last slashes.
func lastParts(paths []string) []string {
	var out []string
	for _, p := range paths {
		if base := path.Base(strings.Trim(p, `"'`)); base != "." && base != "/" && !strings.HasPrefix(base, "<<") {
			out = append(out, base)
		}
	}
	return out
}
