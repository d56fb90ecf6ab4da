package dockerfile

import (
	"path"
	"strconv"
	"strings"
)

// A Stage is one build stage: a FROM and what follows it.
type Stage struct {
	Index        int    // its place in File.Stages
	Name         string // lower case; "" when it has none
	Base         string // the base as written: an image, an earlier stage, or text with variables
	Platform     string // the value of --platform as written
	Parent       *Stage // the earlier stage that Base names, else nil
	From         *Instruction
	Instructions []*Instruction // those after FROM

	file *File
	end  State // after the instructions read so far, then after the last
}

// State is what the instructions before a point have set, as far as the Dockerfile alone tells.
type State struct {
	User    string // the last USER as written; "" when none was set: then the base image's user
	Workdir string // absolute and clean; "" when unknown: relative to the base image's, or made with variables
	Shell   []string
}

// stages groups the instructions and resolves bases.
func (f *File) stages() error {
	for _, i := range f.Instructions {
		switch {
		case i.Keyword == "FROM":
			f.Stages = append(f.Stages, f.stage(i))
		case len(f.Stages) == 0:
			f.Args = append(f.Args, i)
			continue
		default:
			s := f.Final()
			s.Instructions = append(s.Instructions, i)
		}
		i.Stage = f.Final()
		i.before = i.Stage.end
		i.Stage.end = i.Stage.end.after(i)
		if i.Inner != nil {
			i.Inner.Stage, i.Inner.before = i.Stage, i.before
		}
	}
	if len(f.Stages) == 0 {
		return &Error{Path: f.Path, Line: 1, Msg: "no FROM: nothing is built"}
	}
	return nil
}

func (f *File) stage(from *Instruction) *Stage {
	s := &Stage{Index: len(f.Stages), From: from, file: f}
	if len(from.Words) > 0 {
		s.Base = from.Words[0].Text
	}
	if len(from.Words) == 3 {
		s.Name = strings.ToLower(from.Words[2].Text)
	}
	if p, ok := from.Flag("platform"); ok {
		s.Platform = p.Value
	}
	if s.Parent = f.named(s.Base); s.Parent != nil {
		s.end = s.Parent.end
	}
	return s
}

// named is the last stage so far of that name; BuildKit compares without case, and FROM takes no stage numbers.
func (f *File) named(name string) *Stage {
	for k := len(f.Stages) - 1; k >= 0; k-- {
		if f.Stages[k].Name != "" && strings.EqualFold(f.Stages[k].Name, name) {
			return f.Stages[k]
		}
	}
	return nil
}

// Final is the last stage, the one that is built when no target is named.
func (f *File) Final() *Stage { return f.Stages[len(f.Stages)-1] }

// Stage finds the stage that COPY --from or --target names: by name, else by number. Nil when it is an image or a named
// context.
func (f *File) Stage(name string) *Stage {
	if s := f.named(name); s != nil {
		return s
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(f.Stages) {
		return f.Stages[n]
	}
	return nil
}

// Image is the reference of the image that the stage stands on at the end of its chain of parents, with the defaults of
// global ARGs put in. It reports false when a variable has no literal default.
func (s *Stage) Image() (string, bool) {
	for s.Parent != nil {
		s = s.Parent
	}
	return s.file.expandGlobal(s.Base)
}

// expandGlobal replaces $name and ${name} by literal defaults of the global ARGs; other forms are not expanded.
func (f *File) expandGlobal(text string) (string, bool) {
	for _, arg := range f.Args {
		for _, w := range arg.Words {
			name, value, ok := strings.Cut(w.Text, "=")
			value = strings.Trim(value, `"'`)
			if !ok || value == "" || len(value) > 256 || strings.ContainsAny(value, "$\\`") {
				continue
			}
			text = strings.ReplaceAll(text, "${"+name+"}", value)
			if strings.HasSuffix(text, "$"+name) {
				text = strings.TrimSuffix(text, "$"+name) + value
			}
			for _, next := range []string{":", "@", "/", "-", "."} {
				text = strings.ReplaceAll(text, "$"+name+next, value+next)
			}
		}
	}
	return text, !strings.Contains(text, "$")
}

// Windows reports whether the stage's base is, as far as its name tells, a Windows image, or its file is written with
// the Windows escape character.
func (s *Stage) Windows() bool {
	if s.file.Escape == '`' || strings.HasPrefix(strings.ToLower(s.Platform), "windows") {
		return true
	}
	base := s
	for base.Parent != nil {
		base = base.Parent
	}
	name := strings.ToLower(base.Base)
	for _, word := range []string{"windows", "nanoserver", "servercore", "dotnet/framework"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// Before is the state in which i, an instruction of s, runs.
func (s *Stage) Before(i *Instruction) State { return i.before }

// End is the state after the stage's last instruction.
func (s *Stage) End() State { return s.end }

func (st State) after(i *Instruction) State {
	switch i.Keyword {
	case "USER":
		st.User = strings.Trim(i.Text(), `"'`)
	case "WORKDIR":
		st.Workdir = join(st.Workdir, strings.Trim(i.Text(), `"'`))
	case "SHELL":
		st.Shell = nil
		for _, w := range i.Words {
			st.Shell = append(st.Shell, w.Text)
		}
	}
	return st
}

// maxPath is how long a path can be on Linux (PATH_MAX in linux/limits.h). Relative WORKDIRs add up, and every instruction
// would carry a copy of the sum.
const maxPath = 4096

// join is the directory that WORKDIR dir leads to from base, "" when it cannot be known.
func join(base, dir string) string {
	if strings.ContainsAny(dir, "$\\`") || len(base)+len(dir) > maxPath {
		return ""
	}
	if path.IsAbs(dir) {
		return path.Clean(dir)
	}
	if base == "" {
		return ""
	}
	return path.Join(base, dir)
}

// Shipped reports whether the stage is part of the final stage's own chain: what it leaves behind is in the image that
// is built when no target is named.
func (s *Stage) Shipped() bool {
	for t := s.file.Final(); t != nil; t = t.Parent {
		if t == s {
			return true
		}
	}
	return false
}
