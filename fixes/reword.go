package fixes

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Reworded promises that in one RUN the words of commands changed as Rule says, wherever that applies, and nothing else
// differs.
type Reworded struct {
	Rule Rule
}

// A Rule names one way in which the words of a command may change; package prove knows what is allowed for each.
type Rule string

// The rules.
const (
	ApkKeepsNothing  Rule = "apk-no-cache"     // apk add gains --no-cache
	PipKeepsNothing  Rule = "pip-no-cache-dir" // pip install gains --no-cache-dir
	GemNoDocuments   Rule = "gem-no-document"  // gem install gains --no-document
	AssumesYes       Rule = "assume-yes"       // an install gains -y, zypper -n
	NoRecommends     Rule = "no-recommends"    // apt-get install gains --no-install-recommends
	StableApt        Rule = "apt-get"          // apt becomes apt-get or apt-cache
	WithoutSudo      Rule = "no-sudo"          // sudo goes where root runs the command already
	FailsOnHTTPError Rule = "curl-fail"        // curl gains --fail
	WithoutCgo       Rule = "no-cgo"           // go build gains CGO_ENABLED=0
	WithoutDebugInfo Rule = "no-debug-info"    // go build gains -trimpath -ldflags="-s -w"
	WithoutSymbols   Rule = "no-symbols"       // the -ldflags of a go build gain -s -w
	FrozenInstall    Rule = "frozen-install"   // npm install becomes npm ci, yarn install gains --frozen-lockfile
	NoDevelopment    Rule = "no-development"   // an install gains the option that leaves development packages out
)

// ruled says what each rule changes, for people.
var ruled = map[Rule]string{
	ApkKeepsNothing:  "checked: changes only that apk keeps no package index",
	PipKeepsNothing:  "checked: changes only that pip keeps no cache",
	GemNoDocuments:   "checked: changes only that gem installs no documentation",
	AssumesYes:       "checked: changes only that the install does not ask",
	NoRecommends:     "changes what is installed: packages that are only recommended are left out",
	StableApt:        "checked: changes only the program's name, to the interface that stays as it is",
	WithoutSudo:      "checked: changes only that root runs the command itself",
	FailsOnHTTPError: "checked: changes only that an error page of the server fails the step",
	WithoutCgo:       "checked: changes only that the program is built without cgo; one that needs C code no longer builds",
	WithoutDebugInfo: "checked: changes only what the program says about itself: no symbol table, no build paths",
	WithoutSymbols:   "checked: changes only what the program says about itself: no symbol table, no debug information",
	FrozenInstall:    "checked: changes only how the install treats the lock file, which agrees with its manifest: it is kept",
	NoDevelopment:    "changes what is installed: packages for development are left out",
}

// Claim implements Intent.
func (i Reworded) Claim() Claim { return Claim{Intended, ruled[i.Rule]} }

// A Rewording is one change to the words of a command.
type Rewording struct {
	At   dockerfile.Span // a word as found in a Command
	How  Place
	Text string // one or more words, as written in a script
}

// A Place says where new words stand.
type Place int

// The places.
const (
	Behind  Place = iota // behind the word
	Before               // before it
	Instead              // in its place; with an empty Text the word goes
)

// Reword changes words of the commands of a RUN, in shell or exec form, wherever in its script they stand. It refuses to
// change anything but words: afterwards the script has as many commands as before, and those not meant are the same.
func Reword(f *dockerfile.File, run *dockerfile.Instruction, words ...Rewording) ([]Edit, error) {
	if err := rewordable(f, run); err != nil {
		return nil, err
	}
	var edits []Edit
	for _, w := range words {
		e, err := w.edit(f, run)
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	if err := sound(f, edits, 0); err != nil {
		return nil, err
	}
	return edits, keepsOthers(f, run, words, edits)
}

func rewordable(f *dockerfile.File, run *dockerfile.Instruction) error {
	if err := own(f, run); err != nil {
		return err
	}
	switch {
	case run.Keyword != "RUN":
		return refuse("%s on line %d is not a RUN", run.Keyword, run.Line())
	case run.Stage.Windows():
		return refuse("what a command means in a Windows stage is not known")
	}
	return nil
}

// edit makes the edit of one rewording.
func (w Rewording) edit(f *dockerfile.File, run *dockerfile.Instruction) (Edit, error) {
	text := w.Text
	if w.How == Instead && text == "" {
		return removeWord(f, run, w.At)
	}
	if run.Form == dockerfile.ExecForm {
		var all []string
		for word := range strings.FieldsSeq(text) {
			quoted, err := wordIn(f, run, w.At, word)
			if err != nil {
				return Edit{}, err
			}
			all = append(all, quoted)
		}
		text = strings.Join(all, ", ")
	} else if _, err := wordIn(f, run, w.At, text); err != nil {
		return Edit{}, err
	}
	sep := " "
	if run.Form == dockerfile.ExecForm {
		sep = ", "
	}
	switch w.How {
	case Behind:
		return edit(f, point(w.At.End), sep+text), nil
	case Before:
		return edit(f, point(w.At.Start), text+sep), nil
	}
	return edit(f, w.At, text), nil
}

// removeWord takes a word out together with the blanks behind it, or, when it is the last of its line, before it.
func removeWord(f *dockerfile.File, run *dockerfile.Instruction, at dockerfile.Span) (Edit, error) {
	if _, err := wordIn(f, run, at, "x"); err != nil {
		return Edit{}, err
	}
	if run.Form == dockerfile.ExecForm {
		return Edit{}, refuse("a word of an array is not taken out")
	}
	cut := at
	for cut.End < run.Span.End && (f.Src[cut.End] == ' ' || f.Src[cut.End] == '\t') {
		cut.End++
	}
	if cut.End == at.End || f.Src[cut.End] == f.Escape || f.Src[cut.End] == '\n' || f.Src[cut.End] == '\r' {
		cut.End = at.End
		for f.Src[cut.Start-1] == ' ' || f.Src[cut.Start-1] == '\t' {
			cut.Start--
		}
	}
	return edit(f, cut, ""), nil
}

// keepsOthers refuses edits after which a command that holds none of the words is another.
func keepsOthers(f *dockerfile.File, run *dockerfile.Instruction, words []Rewording, edits []Edit) error {
	src, err := Apply(f.Path, f.Src, edits)
	if err != nil {
		return err
	}
	g, err := dockerfile.Parse(f.Path, src)
	if err != nil {
		return err
	}
	if run.Form == dockerfile.ExecForm {
		return nil
	}
	old, err := run.Script()
	if err != nil {
		return refuse("%v", err)
	}
	fixed, err := g.Instructions[run.Index].Script()
	if err != nil {
		return refuse("the result would be another script: %v", err)
	}
	b, a := old.Calls(), fixed.Calls()
	if len(b) != len(a) {
		return refuse("the result would be other commands than meant")
	}
	for k := range b {
		if more, meant := moreWords(b[k], words); !meant && !sameCommand(b[k], a[k]) || size(b[k])+more != size(a[k]) {
			return refuse("the result would be other commands than meant")
		}
	}
	return nil
}

// moreWords is how many words a command gains, and whether it holds one that is changed.
func moreWords(c dockerfile.Command, words []Rewording) (more int, meant bool) {
	for _, w := range words {
		if c.Span.Contains(w.At) {
			meant = true
			more += countWords(w.Text)
			if w.How == Instead {
				more--
			}
		}
	}
	return more, meant
}

// countWords is how many words a shell reads in a text.
func countWords(text string) (n int) {
	for _, err := range syntax.NewParser().WordsSeq(strings.NewReader(text)) {
		if err != nil {
			return -1
		}
		n++
	}
	return n
}

// size is how many words and assignments a command has.
func size(c dockerfile.Command) int { return len(c.Words) + len(c.Call.Assigns) }
