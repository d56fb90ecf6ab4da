package buildcontext

import (
	"path"
	"strings"
)

const workflowDir = ".github/workflows"

// buildAction is the action whose inputs are read; see https://github.com/docker/build-push-action#inputs.
const buildAction = "docker/build-push-action@"

func isWorkflow(name string) bool {
	return path.Dir(name) == workflowDir && (strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml"))
}

// workflows lists what the workflows say about a Dockerfile.
func workflows(repo *snapshot, dockerfilePath string) []stated {
	entries, _ := repo.ReadDir(workflowDir) // without that directory there are no workflows
	var out []stated
	for _, e := range entries {
		name := path.Join(workflowDir, e.Name())
		if !isWorkflow(name) || !e.Type().IsRegular() {
			continue
		}
		file, err := readYAML(repo, name, buildAction)
		if err != nil {
			continue // states nothing
		}
		for _, job := range file.get("jobs").pairs() {
			out = append(out, builtBy(job, name, dockerfilePath)...)
		}
	}
	return out
}

// builtBy lists what the steps of a job say.
func builtBy(job pair, name, dockerfilePath string) []stated {
	var out []stated
	for _, s := range job.value.get("steps").list() {
		if !strings.HasPrefix(s.get("uses").text(), buildAction) {
			continue
		}
		st := step{origin: name + ", job " + job.key, with: s.get("with")}
		if got, ok := st.stated(dockerfilePath); ok {
			out = append(out, got)
		}
	}
	return out
}

// A step is a step that uses the build action.
type step struct {
	origin string
	with   value
}

// stated is what the step says, if it builds that Dockerfile.
func (s step) stated(dockerfilePath string) (stated, bool) {
	context, file := s.with.get("context").text(), s.with.get("file").text()
	context, remote := remoteContext(context)
	if strings.Contains(context, "://") {
		return stated{}, false // another repository
	}
	named := file
	if file == "" {
		named = path.Join(context, defaultDockerfile)
	} else if remote {
		named = path.Join(context, file)
	}
	found, ok := unify(named, dockerfilePath)
	if !ok {
		return stated{}, false
	}
	out := stated{origin: s.origin, remote: remote, args: s.args(), platforms: s.platforms()}
	if out.target = s.with.get("target").text(); hasExpression(out.target) {
		out.target = ""
	}
	for expression, text := range found {
		context = strings.ReplaceAll(context, expression, text)
	}
	dir, inside := clean(".", context)
	if hasExpression(context) || !inside {
		out.unknown = "its context is " + context
	}
	out.dir = dir
	return out, true
}

// remoteContext reads the action's context. Left out it is the repository itself, fetched by the builder; the template
// {{defaultContext}} says the same, with a directory behind a colon. remote is true for both.
func remoteContext(context string) (dir string, remote bool) {
	if context == "" {
		return ".", true
	}
	rest, ok := strings.CutPrefix(context, "{{defaultContext}}")
	if !ok {
		return context, false
	}
	return path.Join(".", strings.TrimPrefix(rest, ":")), true
}

// args are the build arguments with known values: lines of name=value.
func (s step) args() map[string]string {
	out := map[string]string{}
	for _, line := range strings.Split(s.with.get("build-args").text(), "\n") {
		name, text, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !hasExpression(line) {
			out[name] = text
		}
	}
	return out
}

// platforms are listed with commas or on lines of their own.
func (s step) platforms() []string {
	text := s.with.get("platforms").text()
	if hasExpression(text) {
		return nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \n", r) })
}

func hasExpression(text string) bool { return strings.Contains(text, "${{") }

// unify matches a path that may hold one expression against a known path, and returns what the expression must then be:
// services/${{ matrix.name }}/Dockerfile is services/api/Dockerfile when the expression is api. A path that is nothing
// but an expression says nothing, so it matches none.
func unify(pattern, name string) (map[string]string, bool) {
	before, rest, ok := strings.Cut(pattern, "${{")
	if !ok {
		return nil, path.Clean(pattern) == name
	}
	inner, after, ok := strings.Cut(rest, "}}")
	before = strings.TrimPrefix(before, "./")
	if !ok || before == "" && after == "" || hasExpression(after) {
		return nil, false
	}
	middle, ok := strings.CutPrefix(name, before)
	if ok {
		middle, ok = strings.CutSuffix(middle, after)
	}
	if !ok || middle == "" || before == "" && after == "/"+path.Base(name) && strings.Contains(middle, "/") {
		return nil, false
	}
	return map[string]string{"${{" + inner + "}}": middle}, true
}
