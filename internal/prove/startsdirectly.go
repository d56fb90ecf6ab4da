package prove

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// inShell are words that mean something to a shell and nothing, or something else, to the system: builtins and
// reserved words of dash, bash and BusyBox's ash.
var inShell = strings.Fields(`
	. : [ [[ ]] { } ! alias bg bind break builtin caller case cd chdir command compgen complete compopt continue
	coproc declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function
	getopts hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly
	return select set shift shopt source suspend test then time times trap true type typeset ulimit umask unalias
	unset until wait while`)

// startsDirectly: of the configuration only Cmd or Entrypoint differs, from the words of one plain command in the
// default shell to an array of the same words.
func startsDirectly(intent fixes.StartsDirectly) predicate {
	return predicate{
		text:  func(c *change) error { return directText(c, intent) },
		image: func(c *change, b, a image) error { return directImage(c, b, a, intent) },
	}
}

func directText(c *change, intent fixes.StartsDirectly) error {
	if intent.Keyword != "CMD" && intent.Keyword != "ENTRYPOINT" {
		return fmt.Errorf("%s does not start the program", intent.Keyword)
	}
	old, fixed, err := c.pair(intent.Keyword)
	if err != nil {
		return err
	}
	if len(old.Stage.Before(old).Shell) > 0 {
		return errors.New("SHELL is set")
	}
	if len(old.Heredocs)+len(fixed.Heredocs) > 0 {
		return errors.New("a here-document stands in it")
	}
	words, err := single(old)
	if err != nil {
		return err
	}
	if words[0] == "exec" && len(words) > 1 {
		words = words[1:]
	}
	if err := program(words[0]); err != nil {
		return err
	}
	if err := c.ownBase(old.Stage); err != nil {
		return err
	}
	if !slices.Equal(words, intent.Words) {
		return fmt.Errorf("the words are %q, not %q", words, intent.Words)
	}
	if err := c.found(words[0], old); err != nil {
		return err
	}
	return c.executable(words[0])
}

// program checks that the first word is, for the system as for the shell, the name of a program.
func program(name string) error {
	switch {
	case name == "", strings.HasPrefix(name, "-"), strings.ContainsAny(name, "= \t\n"):
		return fmt.Errorf("%q is not the name of a program", name)
	case slices.Contains(inShell, name):
		return fmt.Errorf("%s is a word of the shell", name)
	}
	return nil
}

// executable checks that a file of the build context that the program may be starts without a shell: one without "#!"
// is read by the shell that cannot start it, and does not start otherwise. A name without a directory or an ending is
// most likely a program of the image, and then no context has to be known.
func (c *change) executable(name string) error {
	names, err := c.calledBefore(path.Base(name))
	if err != nil {
		return err
	}
	for _, i := range c.before.Instructions {
		for _, base := range names {
			if err := interpreted(i, base); err != nil {
				return err
			}
		}
	}
	ofImage := !strings.ContainsAny(name, "/.")
	found := false
	for _, b := range c.Builds {
		if ofImage && (b.Unknown != "" || b.Context == nil) {
			continue
		}
		if b.Unknown != "" || b.Context == nil {
			return fmt.Errorf("whether %s begins with #! is not known", name)
		}
		here, err := startsIn(b.Context, names)
		if err != nil {
			return err
		}
		found = found || here
	}
	if !found && path.Ext(name) != "" {
		return fmt.Errorf("whether %s begins with #! is not known", name)
	}
	return nil
}

// interpreted checks that a file of that name which the Dockerfile itself writes begins with "#!".
func interpreted(i *dockerfile.Instruction, base string) error {
	no := fmt.Errorf("line %d writes %s, which only a shell can start", i.Line(), base)
	for _, h := range i.Heredocs {
		named := func(w dockerfile.Word) bool { return path.Base(strings.Trim(w.Text, `"'`)) == base }
		here := h.Name == base || len(i.Words) > 0 && named(i.Words[len(i.Words)-1])
		if i.Keyword == "COPY" && here && !strings.HasPrefix(h.Content, "#!") {
			return no
		}
	}
	if i.Keyword != "RUN" {
		return nil
	}
	script, err := i.Script()
	if err != nil || strings.Contains(script.Text, "#!") {
		return nil
	}
	writes := false
	syntax.Walk(script.AST, func(n syntax.Node) bool {
		if r, ok := n.(*syntax.Redirect); ok && r.Word != nil {
			text := script.Text[r.Word.Pos().Offset():r.Word.End().Offset()]
			writes = writes || path.Base(strings.Trim(text, `"'`)) == base
		}
		return true
	})
	for _, cmd := range script.Calls() {
		writes = writes || cmd.Name() == "tee" && slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool {
			return path.Base(w.Text) == base
		})
	}
	if writes {
		return no
	}
	return nil
}

// startsIn checks every file of those names, which may be patterns, and reports whether there is one.
func startsIn(fsys fs.FS, names []string) (found bool, err error) {
	err = fs.WalkDir(fsys, ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		named := func(name string) bool {
			ok, err := path.Match(name, d.Name())
			return ok || err != nil
		}
		if d.IsDir() || !slices.ContainsFunc(names, named) {
			return nil
		}
		found = true
		return starts(fsys, at)
	})
	return found, err
}

// starts checks that a file begins with "#!" or is a program for Linux.
func starts(fsys fs.FS, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	if !bytes.HasPrefix(head[:n], []byte("#!")) && string(head[:n]) != "\x7fELF" {
		return fmt.Errorf("%s does not begin with #!, so only a shell can start it", name)
	}
	return nil
}

func directImage(c *change, b, a image, intent fixes.StartsDirectly) error {
	if err := sameSteps(b.steps, a.steps); err != nil {
		return fmt.Errorf("%s %w", b.name(), err)
	}
	old, fixed, err := configs(b, a)
	if err != nil {
		return err
	}
	field := map[string]string{"CMD": "config.Cmd", "ENTRYPOINT": "config.Entrypoint"}[intent.Keyword]
	different := fieldsThatDiffer(old, fixed)
	if len(different) == 0 && b.stage.Index != c.stage {
		return nil // a stage based on the changed one that sets its own
	}
	if !slices.Equal(different, []string{field}) {
		return fmt.Errorf("the configuration differs in %s", strings.Join(different, ", "))
	}
	if got := list(old[field]); len(got) != 3 || got[0] != "/bin/sh" || got[1] != "-c" || got[2] != c.old[0].Text() {
		return fmt.Errorf("it is started by %q, not by the default shell", got)
	}
	if got := list(fixed[field]); !slices.Equal(got, intent.Words) {
		return fmt.Errorf("it is started by %q", got)
	}
	return c.combination(b, fixed, intent)
}

// combination checks how CMD and ENTRYPOINT work together: a shell-form ENTRYPOINT takes no arguments, an array
// does; and an ENTRYPOINT of the file gets CMD's words as arguments, where it used to get a shell and a line.
func (c *change) combination(b image, fixed map[string]json.RawMessage, intent fixes.StartsDirectly) error {
	if intent.Keyword == "ENTRYPOINT" {
		if len(list(fixed["config.Cmd"])) > 0 {
			return errors.New("CMD would become its arguments")
		}
		return nil
	}
	entry := list(fixed["config.Entrypoint"])
	for s := b.stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Inner != nil && slices.Contains([]string{"ENTRYPOINT", "CMD", "SHELL"}, i.Inner.Keyword) {
				return fmt.Errorf("ONBUILD on line %d sets what starts the image", i.Line())
			}
			if i.Keyword == "ENTRYPOINT" && !passes(entry) {
				return errors.New("the words would become arguments of ENTRYPOINT")
			}
		}
	}
	return nil
}

// passes reports whether an entrypoint does nothing but start its arguments.
func passes(entry []string) bool {
	return len(entry) > 0 && slices.Contains([]string{"tini", "dumb-init", "catatonit"}, path.Base(entry[0])) &&
		(len(entry) == 1 || len(entry) == 2 && entry[1] == "--")
}

// list decodes a field of strings.
func list(raw json.RawMessage) []string {
	var out []string
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}
