package dockerfile

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// handsOver are the ways in which a shell is given a script as its next word, without a profile that it would read.
var handsOver = []string{"-c", "-ec", "-ce", "-xc", "-ex -c", "-exc", "-xec", "-e -c", "-x -c", "-euc", "-euxc",
	"-eu -c", "-eux -c"}

// Inner splits the script that c gives to a shell of its own (sh -c 'a && b') like Chain. The commands have the span
// of c. ok is false for another command, and for a script that Chain would not split.
func (c Command) Inner() (cmds []Command, ok bool) {
	words, ok := c.Texts()
	if !ok || len(words) < 3 || len(words[len(words)-1]) > maxScript {
		return nil, false
	}
	lang, known := map[string]syntax.LangVariant{"sh": syntax.LangPOSIX, "dash": syntax.LangPOSIX, "ash": syntax.LangPOSIX,
		"bash": syntax.LangBash}[c.Name()]
	text, options := words[len(words)-1], strings.Join(words[1:len(words)-1], " ")
	if !known || !slices.Contains(handsOver, options) || nesting(text) > maxNesting {
		return nil, false
	}
	ast, err := syntax.NewParser(syntax.Variant(lang), syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, false
	}
	inner := &Script{Text: text, AST: ast, Bash: lang == syntax.LangBash}
	if cmds, ok = inner.Chain(); !ok {
		return nil, false
	}
	for k := range cmds {
		cmds[k].Span = c.Span
		for n := range cmds[k].Words {
			cmds[k].Words[n].Span = c.Span
		}
	}
	return cmds, true
}
