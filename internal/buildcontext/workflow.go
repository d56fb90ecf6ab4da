package buildcontext

import (
	"path"
	"strings"
)

const workflowDir = ".github/workflows"

// buildAction is the action whose inputs are read; see https://github.com/docker/build-push-action#inputs.
const buildAction = "docker/build-push-action@"

func isWorkflow(name string) bool { return path.Dir(name) == workflowDir && isYAML(name) }

// workflow lists what the jobs of a workflow state.
func workflow(repo *snapshot, name string) []recipe {
	file, err := readYAML(repo, name, buildAction)
	if err != nil {
		return nil // states nothing
	}
	var out []recipe
	for _, j := range file.get("jobs").pairs() {
		if len(out) > maxRecipes {
			return out
		}
		out = append(out, jobOf(file, j, name+", job "+j.key).recipes()...)
	}
	return out
}

// A job is one job of a workflow.
type job struct {
	origin string
	steps  []value
	env    []value   // the sections that set variables, the nearest first
	rows   []binding // what its matrix may be; one empty row without a matrix
}

func jobOf(file value, j pair, origin string) job {
	return job{origin: origin, steps: j.value.get("steps").list(), env: []value{j.value.get("env"), file.get("env")},
		rows: rowsOf(j.value.get("strategy").get("matrix"))}
}

// recipes is what the job's steps state, in every row of its matrix.
func (j job) recipes() []recipe {
	var out []recipe
	for _, s := range j.steps {
		if !strings.HasPrefix(s.get("uses").text(), buildAction) {
			continue
		}
		for _, row := range j.rows {
			if len(out) > maxRecipes {
				return out
			}
			st := step{origin: j.origin, with: s.get("with"), row: row, env: j.env}
			out = append(out, st.recipes()...)
		}
	}
	return out
}

// A step is a step that uses the build action, in one row of the matrix.
type step struct {
	origin string
	with   value
	row    binding
	env    []value
}

// recipes is what the step states: at most one recipe.
func (s step) recipes() []recipe {
	r := recipe{origin: s.origin, bases: []string{"."}, file: s.input("file"), target: s.input("target"),
		args: s.args(), platforms: s.platforms()}
	r.context, r.remote = remoteContext(s.input("context"))
	r.named, r.loose = s.named()
	if isURL(r.context.text) || r.file.text == hole {
		return nil // another repository, or any file
	}
	if r.remote {
		r.within = true
	}
	return []recipe{r}
}

// input is an input of the action with what is known of its expressions put in.
func (s step) input(key string) phrase { return s.expand(s.with.get(key).text()) }

// expand puts in what the matrix and the environment say; other expressions are holes.
func (s step) expand(text string) phrase {
	out := phrase{}
	for {
		before, rest, ok := strings.Cut(text, "${{")
		out = out.plus(literal(before))
		if !ok {
			return out
		}
		inner, after, _ := strings.Cut(rest, "}}")
		out = out.plus(s.value(inner))
		text = after
	}
}

// value is what an expression is: a matrix value, a variable that the workflow sets, or a hole.
func (s step) value(inner string) phrase {
	name := strings.TrimSpace(inner)
	if key, ok := strings.CutPrefix(name, "matrix."); ok {
		if text, known := s.row.text(key); known {
			return literal(text)
		}
	}
	if key, ok := strings.CutPrefix(name, "env."); ok {
		for _, env := range s.env {
			if text := env.get(key).text(); text != "" && !strings.Contains(text, "${{") {
				return literal(text)
			}
		}
	}
	return unknownPhrase("${{" + inner + "}}")
}

// remoteContext reads the action's context. Left out it is the repository itself, fetched by the builder; the template
// {{defaultContext}} says the same, with a directory behind a colon. remote is true for both.
func remoteContext(context phrase) (dir phrase, remote bool) {
	if context.empty() {
		return literal("."), true
	}
	rest, ok := strings.CutPrefix(context.text, "{{defaultContext}}")
	if !ok {
		return context, false
	}
	return phrase{path.Join(".", strings.TrimPrefix(rest, ":")), context.holes}, true
}

// lines are the non-empty lines of an input that is a list.
func (s step) lines(key string) []string {
	var out []string
	for _, line := range strings.Split(s.with.get(key).text(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// args are the build arguments with known values: lines of name=value.
func (s step) args() map[string]string {
	out := map[string]string{}
	for _, line := range s.lines("build-args") {
		if name, text, ok := strings.Cut(line, "="); ok {
			if p := s.expand(text); p.known() {
				out[name] = p.text
			}
		}
	}
	return out
}

// named are the named contexts: lines of name=value. An expression may hold more of them.
func (s step) named() (map[string]string, string) {
	out, loose := map[string]string{}, ""
	for _, line := range s.lines("build-contexts") {
		name, text, ok := strings.Cut(line, "=")
		if p := s.expand(name); ok && p.known() {
			out[p.text] = s.expand(text).String()
		} else {
			loose = line
		}
	}
	return out, loose
}

// platforms are listed with commas or on lines of their own.
func (s step) platforms() []string {
	text := s.input("platforms")
	if !text.known() {
		return nil
	}
	return strings.FieldsFunc(text.text, func(r rune) bool { return strings.ContainsRune(", \n", r) })
}
