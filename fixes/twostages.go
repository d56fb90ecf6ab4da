package fixes

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// TwoStages promises that the one stage of a file builds by the same steps as before and is not what ships any more: a
// second stage on Base has only Program, at the same path, and starts it in the same way.
type TwoStages struct {
	Base    string
	Program string // absolute and clean
}

// Claim implements Intent.
func (TwoStages) Claim() Claim {
	return Claim{Intended, "checked: the program is built by the same steps and starts in the same way; of the old image it " +
		"alone ships, without a shell, sources or tools"}
}

// SecondStage names the file's one stage and appends another on base, with the program that the first one starts and
// with what says how it runs: USER, EXPOSE, LABEL and the like move there, ENV is repeated there unless only building
// reads it.
func SecondStage(f *dockerfile.File, base string) (Fix, error) {
	s := f.Final()
	name := s.Name
	switch {
	case len(f.Stages) != 1:
		return Fix{}, refuse("the file has several stages already")
	case s.Windows():
		return Fix{}, refuse("a Windows stage is not split")
	case name == "":
		name = "build"
	case name != "build" && name != "builder":
		return Fix{}, refuse("whoever builds the stage %s by its name would get nothing that starts", name)
	}
	program, err := startedBy(s)
	if err != nil {
		return Fix{}, err
	}
	out, err := splitOf(s)
	if err != nil {
		return Fix{}, err
	}
	from := s.From
	lines := []string{
		cased("FROM", from) + " " + base,
		cased("WORKDIR", from) + " " + s.End().Workdir,
		cased("COPY", from) + " --from=" + name + " " + program + " " + program,
	}
	edits := out.edits(f, lines)
	if s.Name == "" {
		edits = append(edits, edit(f, point(from.Body.End), " "+cased("AS", from)+" build"))
	}
	edits, err = checked(f, len(lines)+len(out.second)-len(out.moved), edits...)
	return Fix{
		Title: "Ship the program in a stage of its own", Intent: TwoStages{base, program}, Edits: edits, Whole: true,
	}, err
}

// startedBy is the path of the program that a stage starts: the first word of ENTRYPOINT, or of CMD without one.
func startedBy(s *dockerfile.Stage) (string, error) {
	var start *dockerfile.Instruction
	for _, i := range s.Instructions {
		if i.Keyword == "ENTRYPOINT" || i.Keyword == "CMD" && (start == nil || start.Keyword == "CMD") {
			start = i
		}
	}
	switch {
	case start == nil:
		return "", refuse("nothing says what the image starts")
	case start.Form != dockerfile.ExecForm || len(start.Words) == 0:
		return "", refuse("%s on line %d needs a shell, which the other base does not have", start.Keyword, start.Line())
	}
	program, dir := start.Words[0].Text, s.End().Workdir
	switch {
	case dir == "":
		return "", refuse("no WORKDIR says where the program is built and runs")
	case !strings.Contains(program, "/"):
		return "", refuse("where %s lies is left to the PATH", program)
	case !plainPath.MatchString(program):
		return "", refuse("the program's path is not written plainly")
	case !path.IsAbs(program):
		return path.Join(dir, program), nil
	}
	return path.Clean(program), nil
}

// A split is what of a stage says how its container runs.
type split struct {
	from   *dockerfile.Instruction   // the last that stays
	moved  []*dockerfile.Instruction // leave the first stage
	second []*dockerfile.Instruction // stand in the second one: those, and the ENVs that both need
}

func splitOf(s *dockerfile.Stage) (split, error) {
	var out split
	last := -1
	for _, i := range s.Instructions {
		if slices.Contains([]string{"RUN", "COPY", "ADD"}, i.Keyword) {
			last = i.Index
		}
	}
	for _, i := range s.Instructions {
		moves, also := i.Index > last || i.Keyword != "ENV", true
		switch i.Keyword {
		case "RUN", "COPY", "ADD", "WORKDIR", "ARG":
			out.from = i
			continue
		case "CMD", "ENTRYPOINT", "EXPOSE", "LABEL", "STOPSIGNAL":
		case "ENV":
			also = !ForBuilding(i)
			moves = moves && also
		case "USER":
			if i.Index < last {
				return split{}, refuse("the user on line %d takes part in the build", i.Line())
			}
		default:
			return split{}, refuse("what the %s on line %d needs is not known in another image", i.Keyword, i.Line())
		}
		if also && (strings.Contains(i.Text(), "$") || !moves && len(i.Comments) > 0) {
			return split{}, refuse("the %s on line %d may mean something else in another stage", i.Keyword, i.Line())
		}
		if moves {
			out.moved = append(out.moved, i)
		} else {
			out.from = i
		}
		if also {
			out.second = append(out.second, i)
		}
	}
	if out.from == nil {
		return split{}, refuse("nothing is built")
	}
	return out, nil
}

// forBuilding are the variables that only the go command reads (go help environment).
var forBuilding = words(`CGO_ENABLED GOOS GOARCH GOARM GOAMD64 GOPROXY GOPRIVATE GONOPROXY GONOSUMDB GOSUMDB GO111MODULE
	GOCACHE GOMODCACHE GOFLAGS`)

// ForBuilding reports whether only the go command reads what an ENV sets.
func ForBuilding(env *dockerfile.Instruction) bool {
	if env.Keyword != "ENV" || len(env.Words) == 0 {
		return false
	}
	for _, w := range env.Words {
		name, _, ok := strings.Cut(w.Text, "=")
		if !ok || !forBuilding[name] {
			return false
		}
	}
	return true
}

// edits take what moves out of the first stage, and put lines, which begin the second, and what belongs there behind it.
func (s split) edits(f *dockerfile.File, lines []string) []Edit {
	var edits []Edit
	start, eol := s.from.Span.End, f.EOL()
	at := start
	var kept strings.Builder
	for _, i := range s.moved {
		cut := i.Outer()
		if i.Index < s.from.Index {
			edits = append(edits, cutOut(f, cut))
			continue
		}
		kept.WriteString(f.Text(dockerfile.Span{Start: at, End: cut.Start}))
		at = cut.End
	}
	kept.WriteString(f.Text(dockerfile.Span{Start: at, End: len(f.Src)}))
	text := strings.Trim(kept.String(), " \t\r\n")
	if text != "" {
		text = eol + text + eol
	}
	text += eol + strings.Join(append(lines, s.lines(f)...), eol)
	if !unended(f) {
		text += eol
	}
	return append(edits, edit(f, dockerfile.Span{Start: start, End: len(f.Src)}, text))
}

// lines are the instructions of the second stage, each that moves with the comments above it.
func (s split) lines(f *dockerfile.File) []string {
	var out []string
	for _, i := range s.second {
		span := i.Code()
		if slices.Contains(s.moved, i) {
			span.Start = i.Outer().Start
		}
		if i.Lead.Start < i.Lead.End && span.Start == i.Lead.Start {
			out = append(out, "")
		}
		out = append(out, f.Text(span))
	}
	return out
}
