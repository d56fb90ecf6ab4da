package buildcontext

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

const workflowDir = ".github/workflows"

// buildAction is the action whose inputs are read; see https://github.com/docker/build-push-action#inputs.
const buildAction = "docker/build-push-action@"

func isWorkflow(name string) bool { return path.Dir(name) == workflowDir && isYAML(name) }

// workflow lists what the jobs of a workflow state.
func workflow(repo *snapshot, name string) []recipe {
	file, err := readYAML(repo, name, buildAction, "build")
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
	pushes string // the commands of its scripts that push images
	dir    string // where its scripts run, "" for the root
	steps  []value
	env    []value   // the sections that set variables, the nearest first
	rows   []binding // what its matrix may be; one empty row without a matrix
}

func jobOf(file value, j pair, origin string) job {
	dir := j.value.get("defaults").get("run").get("working-directory").text()
	if dir == "" {
		dir = file.get("defaults").get("run").get("working-directory").text()
	}
	steps := j.value.get("steps").list()
	return job{origin: origin, pushes: pushesOf(steps), dir: dir, steps: steps,
		env: []value{j.value.get("env"), file.get("env")}, rows: rowsOf(j.value.get("strategy").get("matrix"))}
}

// recipes is what the job's steps state, in every row of its matrix.
func (j job) recipes() []recipe {
	var out []recipe
	for _, s := range j.steps {
		run, action := s.get("run").text(), strings.HasPrefix(s.get("uses").text(), buildAction)
		if !action && !mayBuild(run) {
			continue
		}
		for _, row := range j.rowsFor(run, s.get("with")) {
			if len(out) > maxRecipes {
				return out
			}
			st := step{origin: j.origin, pushes: j.pushes, with: s.get("with"), row: row,
				env: append([]value{s.get("env")}, j.env...)}
			if action {
				out = append(out, st.recipes()...)
				continue
			}
			dir := s.get("working-directory").text()
			if dir == "" {
				dir = j.dir
			}
			out = append(out, st.commands(run, dir)...)
		}
	}
	return out
}

// maxExpanded bounds how many bytes of scripts are read for one step, over all rows of the matrix.
const maxExpanded = 4 << 20

// rowsFor are the rows that a step is looked at in: one where none makes a difference.
func (j job) rowsFor(run string, with value) []binding {
	text := run
	for _, p := range with.pairs() {
		text += p.value.text()
	}
	switch {
	case !strings.Contains(text, "matrix."):
		return j.rows[:1]
	case len(text)*len(j.rows) > maxExpanded:
		return []binding{nil}
	}
	return j.rows
}

// A step is a step of a job, in one row of the matrix.
type step struct {
	origin string
	pushes string // those of the job
	with   value
	row    binding
	env    []value // the sections that set variables, the nearest first
}

// commands is what the step's script states.
func (s step) commands(text, dir string) []recipe {
	in, ok := s.expand(dir).below(".")
	c := script{origin: s.origin, github: s.value, values: literals(s.env...), bases: []string{in.orNothing()}}
	c.lost = !ok || !in.known()
	out := c.recipes(text)
	for n, r := range out {
		out[n].pushed = r.pushed || slices.ContainsFunc(r.tags, s.pushed)
	}
	return out
}

// pushCommand matches a command that pushes an image, to the end of its line.
var pushCommand = pattern.New(`(?m)\b(docker|podman|buildah|nerdctl)\s+(image\s+)?push\b.*$`)

// pushesOf are the commands in the scripts of a job that push images.
func pushesOf(steps []value) string {
	var out []string
	for _, s := range steps {
		out = append(out, pushCommand.FindAllString(s.get("run").text(), -1)...)
	}
	return strings.Join(out, "\n")
}

// pushed reports whether the job pushes an image of that name. With a part that is not known, any push may be it.
func (s step) pushed(tag phrase) bool {
	return s.pushes != "" && (!tag.known() || strings.Contains(s.expand(s.pushes).text, tag.text))
}

// recipes is what a step with the build action states: at most one recipe.
func (s step) recipes() []recipe {
	r := recipe{origin: s.origin, bases: []string{"."}, file: s.input("file"), target: s.input("target"),
		args: s.args(), platforms: s.platforms(), pushed: s.pushesItself()}
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

// pushesItself reports whether the action is told to push, at least now and then.
func (s step) pushesItself() bool {
	push := s.with.get("push").text()
	return push != "" && push != "false" || pushedOutput(s.with.get("outputs").text())
}

// input is an input of the action with what is known of its expressions put in.
func (s step) input(key string) phrase { return s.expand(s.with.get(key).text()) }

// expand puts in what the matrix and the environment say; other expressions are holes.
func (s step) expand(text string) phrase { return between(text, "${{", s.value) }

// value is what an expression is: a matrix value, a variable that the workflow sets, or a hole.
func (s step) value(inner string) phrase {
	name := strings.TrimSpace(inner)
	if key, ok := strings.CutPrefix(name, "matrix."); ok {
		if text, known := s.row.text(key); known || s.row != nil && !s.row.has(key) {
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

// args are the build arguments: lines of name=value.
func (s step) args() map[string]string {
	out := map[string]string{}
	for _, line := range s.lines("build-args") {
		if name, text, ok := strings.Cut(line, "="); ok {
			set(out, name, s.expand(text), true)
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
