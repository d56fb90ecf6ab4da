package prove

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

var (
	// containers matches a line that starts a container, or a program in one, and insideOne what such a program may be.
	containers = pattern.New(`(?i)(docker|podman|nerdctl|kubectl|compose|\boc\b|\$[({]?\w*(engine|container|runtime)\w*)` +
		`[^\n]*[ \t](run|exec|create)[ \t][^\n]*`)
	insideOne  = pattern.New(`\b(npm|npx|yarn|pnpm|node|sh|bash|make)\b|\.(sh|js)\b|node_modules`)
	otherStart = pattern.New(`(?m)^kind:[^\x00]*^\s*(- )?(command|args):`)
	// given matches settings that hold a command, and managers matches what of packages runs by a name.
	given = pattern.New(`(?im)^[\s{-]*["']?\w*(command|cmd|args|entrypoint|exec|script|release|hook)s?["']?\s*[:=]|` +
		`"\w*command"\s*:`)
	managers = pattern.New(`\b(npm|npx|yarn|pnpm)\b|node_modules`)
	// preloads matches a variable that has Node.js load something first.
	preloads = pattern.New(`NODE_OPTIONS[^\n]*(\s|["'=])(-r|--require|--import|--loader|--experimental-loader)\b`)
	// jobImage matches where CI jobs say in which image they run, and publicImage those that are none of the repository's.
	jobImage = pattern.New(`(?m)\bcontainer:\s*(?:image:\s*)?(\S+)|^\s*(?:- )?image:\s*(?:name:\s*)?(\S+)|` +
		`\b(inside)\b|\b(dockerfile)\b|\buses:\s*docker://(\S+)`)
	publicImage = pattern.New(`^["']?(docker\.io/)?(library/)?(cimg/\w+|circleci/node|node|postgres|redis|mysql|mariadb|` +
		`mongo|docker|alpine|debian|ubuntu|cypress/[\w-]+|mcr\.microsoft\.com/playwright|plugins/[\w-]+)([:"'@-]|$)`)
)

// Files by their names: those of CI, those that are for the developer's own machine, those that may start an image, and
// those that are passed over.
var (
	ciFile = pattern.New(`(^|/)(\.github/workflows|\.circleci|\.woodpecker|\.buildkite)/|` +
		`(^|/)(\.gitlab-ci|\.drone|\.travis|azure-pipelines|bitbucket-pipelines|Jenkinsfile|cloudbuild|buildspec)`)
	onHost = pattern.New(`(^|/)(\.vscode|\.idea|\.husky)/|` +
		`(^|/)(package|Taskfile|\.pre-commit-config|lefthook)\.\w+$`)
	starter = pattern.New(`\.(ya?ml|sh|bash|toml|tf|hcl|nomad|service|mk|env)$|(^|/)\.env[\w.]*$|(^|/)(bin|scripts?)/[\w-]+$|` +
		`(^|/)(Makefile|GNUmakefile|makefile|[Jj]ustfile|Jenkinsfile|Procfile|Tiltfile|Vagrantfile|Earthfile)$|` +
		`(^|/)(package|devcontainer|railway|app|[\w-]*(task|container|deploy)[\w-]*)\.json$|(Docker|Container)file[^/]*$`)
	passedOver = pattern.New(`(^|/)(vendor|testdata|\.git|dist)/|-lock\.ya?ml$|\.dockerignore$`)
)

// startedOtherwise checks that no file of the repository starts the image with a command of its own, or builds on it.
func (c *change) startedOtherwise(b buildcontext.Build, named *regexp.Regexp) error {
	return c.eachBeside(b, starter.MatchString, func(name string, text []byte) error {
		if c.anotherStart(name, strings.ReplaceAll(string(text), "\\\n", " "), named) {
			return fmt.Errorf("%s may start the image with another command, for which it needs development packages", name)
		}
		return nil
	})
}

// anotherStart reports whether a file may start an image with a command that needs packages.
func (c *change) anotherStart(name, text string, named *regexp.Regexp) bool {
	needs := func(text string) bool { return managers.MatchString(text) || named.MatchString(text) }
	base := path.Base(name)
	switch {
	case runsAnother(text, named), otherStart.MatchString(text), preloads.MatchString(text):
		return true
	case base == "devcontainer.json":
		return c.developedIn(path.Dir(name), text)
	case strings.Contains(base, "Dockerfile"), strings.Contains(base, "Containerfile"):
		return needsOnUnknown(text, needs)
	case ciFile.MatchString(name):
		return needs(text) && inOwnImage(text)
	case base == "Procfile":
		return needs(text)
	}
	return needs(text) && !onHost.MatchString(name) && given.MatchString(text)
}

// runsAnother reports whether a line may start something by its name in a container.
func runsAnother(text string, named *regexp.Regexp) bool {
	return slices.ContainsFunc(containers.FindAllString(text, -1), func(line string) bool {
		_, words, _ := strings.Cut(line, " ")
		return insideOne.MatchString(words) || named.MatchString(words)
	})
}

var developedBy = pattern.New(`(?i)"dockerfile"\s*:\s*"([^"]+)"`)

// developedIn reports whether a development container, described in a directory, may be the image or one beside it.
func (c *change) developedIn(dir, text string) bool {
	own := func(m []string) bool { return path.Join(dir, m[1]) == c.Path }
	return slices.ContainsFunc(developedBy.FindAllStringSubmatch(text, -1), own) ||
		strings.Contains(text, `"dockerComposeFile"`) && (path.Dir(dir) == "." || within(c.Path, path.Dir(dir)))
}

// inOwnImage reports whether a job may run in an image of the repository.
func inOwnImage(text string) bool {
	return slices.ContainsFunc(jobImage.FindAllStringSubmatch(text, -1), func(m []string) bool {
		image := strings.Join(m[1:], "")
		return !publicImage.MatchString(image)
	})
}

var (
	stageLine   = pattern.New(`(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?`)
	takenFrom   = pattern.New(`--from=(\S+)|\bfrom=([^\s,]+)`)
	installsOwn = pattern.New(`\b(npm (ci|i|install)|yarn install|yarn|pnpm (i|install))([ \t]+(--[\w=-]+|\d+))*[ \t]*(&&|\n)`)
	publicBases = pattern.New(`^(docker\.io/)?(library/)?(node|scratch|alpine|debian|ubuntu|nginx|caddy|httpd|busybox|python|` +
		`golang|php|ruby|rust|postgres|redis|mysql|mariadb|mongo|composer|oven/bun|denoland/deno|nginxinc/[\w-]+|` +
		`cypress/[\w-]+)([:@]|$)|^(gcr\.io/distroless|mcr\.microsoft\.com|cgr\.dev)/`)
)

// needsOnUnknown reports whether a stage of a Dockerfile needs packages, installs none, and stands on an image that may be
// one of the repository.
func needsOnUnknown(text string, needs func(string) bool) bool {
	known := map[string]bool{}
	lines := stageLine.FindAllStringSubmatchIndex(text, -1)
	for k, at := range lines {
		end := len(text)
		if k+1 < len(lines) {
			end = lines[k+1][0]
		}
		base, stage := strings.ToLower(text[at[2]:at[3]]), text[at[1]:end]
		public := known[base] || publicBases.MatchString(base)
		for _, m := range takenFrom.FindAllStringSubmatch(stage, -1) {
			from := strings.ToLower(m[1] + m[2])
			public = public && (known[from] || publicBases.MatchString(from))
		}
		if !public && needs(stage) && !installsOwn.MatchString(stage) {
			return true
		}
		if at[4] >= 0 {
			known[strings.ToLower(text[at[4]:at[5]])] = public
		}
		known[strconv.Itoa(k)] = public
	}
	return false
}
