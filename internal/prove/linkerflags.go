package prove

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// withoutSymbols: the linker's flags of a go build, literal text, gain -s -w in front, and nothing among them says
// otherwise.
func withoutSymbols(r rewrite) error {
	at, err := r.oneWord()
	if err != nil {
		return err
	}
	flags, err := r.flagsIn(at)
	if err != nil {
		return err
	}
	if err := knownLinkerFlags(flags); err != nil {
		return err
	}
	if err := r.buildsGo("-gcflags --gcflags -race -cover -msan -asan -buildmode --buildmode -toolexec -linkshared"); err != nil {
		return err
	}
	return r.strippable()
}

// oneWord is the place of the one word that differs.
func (r rewrite) oneWord() (int, error) {
	if len(r.was) != len(r.is) {
		return 0, errors.New("the command has more words than before")
	}
	found := -1
	for k := range r.was {
		switch {
		case sameWord(r.was[k], r.is[k]):
		case found >= 0:
			return 0, errors.New("more than one word of the command differs")
		default:
			found = k
		}
	}
	if found < r.sets+2 || !r.was[found].Literal || !r.is[found].Literal {
		return 0, errors.New("the word that differs is not a literal one of the build's flags")
	}
	return found, nil
}

// goSwitches are the flags of go build that take no value (go help build).
const goSwitches = "-a -n -v -x -work -trimpath -modcacherw -buildvcs"

// flagsIn takes the linker's flags out of the word at, and checks that it is the only one that holds some.
func (r rewrite) flagsIn(at int) (string, error) {
	option, name, flags := at, "", r.was[at].Text
	if among("-ldflags --ldflags", r.was[at-1].Text) {
		option--
	} else {
		name, flags, _ = strings.Cut(flags, "=")
		if name += "="; !among("-ldflags= --ldflags=", name) {
			return "", errors.New("the word that differs does not hold the linker's flags")
		}
	}
	if r.is[at].Text != name+"-s -w "+flags {
		return "", errors.New("-s -w is not all that the linker's flags gain, in front")
	}
	before := r.was[option-1].Text
	if strings.HasPrefix(before, "-") && !strings.Contains(before, "=") && !among(goSwitches, before) {
		return "", fmt.Errorf("%s may be the value of %s", r.was[option].Text, before)
	}
	given := 0
	for _, w := range r.was {
		if strings.Contains(w.Text, "-ldflags") {
			given++
		}
	}
	if given != 1 {
		return "", errors.New("the linker's flags are given more than once")
	}
	return flags, nil
}

// knownLinkerFlags checks that flags, taken apart as the go command does it, are such that say nothing about symbols or
// about how programs are put together. The first begins with "-": else it would name packages.
func knownLinkerFlags(flags string) error {
	if !strings.HasPrefix(flags, "-") {
		return errors.New("the linker's flags are for some packages only")
	}
	words, err := goFields(flags)
	if err != nil {
		return err
	}
	for k := 0; k < len(words); k++ {
		name, _, inOne := strings.Cut(words[k], "=")
		switch name = strings.TrimPrefix(name, "-"); {
		case !slices.Contains([]string{"-X", "-extldflags", "-linkmode", "-buildid", "-checklinkname"}, "-"+strings.TrimPrefix(name, "-")):
			return fmt.Errorf("what %s says to the linker is not known", words[k])
		case !inOne:
			k++
		}
	}
	return nil
}

// goFields splits flags at white space; a field that begins with a quote goes to the next one (cmd/internal/quoted).
func goFields(text string) (out []string, err error) {
	for {
		text = strings.TrimLeft(text, " \t\n\r")
		if text == "" {
			return out, nil
		}
		end, skip := strings.IndexAny(text, " \t\n\r"), 0
		if text[0] == '"' || text[0] == '\'' {
			if end = strings.IndexByte(text[1:], text[0]); end < 0 {
				return nil, errors.New("a quote among the linker's flags is not closed")
			}
			text, skip = text[1:], 1
		}
		if end < 0 {
			end = len(text)
		}
		out, text = append(out, text[:end]), text[end+skip:]
	}
}
