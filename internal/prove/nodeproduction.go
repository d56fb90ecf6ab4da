package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// noDevelopment: an install of npm or yarn gains the option that leaves development packages out, in a stage that only
// starts a program of the repository which names none of them.
func noDevelopment(r rewrite) error {
	if err := productionForm(r); err != nil {
		return err
	}
	start, err := r.onlyStarts()
	if err != nil {
		return err
	}
	return r.eachPackage(func(b buildcontext.Build, dir string, p nodePackage) error {
		if len(p.DevDependencies) == 0 {
			return errors.New("the package has no development dependencies")
		}
		if len(p.Workspaces) > 0 {
			return errors.New("the package has workspaces")
		}
		if err := r.installsAlone(p); err != nil {
			return err
		}
		if err := r.classicNode(b, dir, p); err != nil {
			return err
		}
		program, err := startedProgram(start, p)
		if err != nil {
			return err
		}
		if _, err := fs.Stat(b.Context, path.Join(dir, program)); err != nil {
			return fmt.Errorf("%s is not in the build context, so it is built, perhaps with development packages", program)
		}
		if err := startedOtherwise(r.repository(b)); err != nil {
			return err
		}
		return namesNone(b.Context, slices.Sorted(maps.Keys(p.DevDependencies)))
	})
}

// productionForm checks the words.
func productionForm(r rewrite) error {
	added, err := r.added()
	if err != nil {
		return err
	}
	at := r.sets
	verbs := map[string]string{"npm": "ci install i clean-install", "yarn": "install"}
	option := map[string]string{"npm": "--omit=dev", "yarn": "--production"}[r.was[at].Text]
	if option == "" || !r.was[at].Literal {
		return fmt.Errorf("%s is another program", r.was[at].Text)
	}
	if len(r.was) < at+2 || !among(verbs[r.was[at].Text], r.was[at+1].Text) {
		return errors.New("the command does not install the package")
	}
	if word := added[at+2]; len(added) != 1 || word != option {
		return fmt.Errorf("%s is not all that is added, behind the verb", option)
	}
	return r.onlyOptions(at+2, npmSwitchesAll)
}

// npmSwitchesAll are options that say nothing about development packages.
const npmSwitchesAll = `--no-audit --no-fund --silent -s --quiet -q --verbose --ignore-scripts --no-progress --prefer-offline
	--unsafe-perm --loglevel=error --loglevel=warn --no-update-notifier --frozen-lockfile --non-interactive --legacy-peer-deps`

// installsAlone checks that nothing of the package runs during the install.
func (r rewrite) installsAlone(p nodePackage) error {
	if slices.ContainsFunc(r.was, func(w dockerfile.Argument) bool { return w.Text == "--ignore-scripts" }) {
		return nil
	}
	for _, name := range []string{"preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"} {
		if p.Scripts[name] != "" {
			return fmt.Errorf("the %s script of the package may need development packages", name)
		}
	}
	return nil
}

// onlyStarts checks that nothing but the start of the program comes after the install, and returns how it starts.
func (r rewrite) onlyStarts() ([]string, error) {
	f := r.before
	if r.run.Stage != f.Final() {
		return nil, errors.New("the stage is not the last")
	}
	for _, b := range r.Builds {
		if b.Command || b.Target != "" && f.Stage(b.Target) != r.run.Stage || len(b.Mounts) > 0 {
			return nil, errors.New("a build of the file starts something else")
		}
	}
	if len(r.run.Stage.Instructions) == 0 {
		return nil, errors.New("the stage starts nothing")
	}
	var start []string
	for _, i := range f.Instructions[r.run.Index+1:] {
		switch i.Keyword {
		case "RUN":
			if !tidies(i) {
				return nil, fmt.Errorf("line %d may need development packages", i.Line())
			}
		case "ONBUILD", "ENTRYPOINT", "HEALTHCHECK":
			return nil, fmt.Errorf("line %d may need development packages", i.Line())
		case "CMD":
			start = started(i)
		}
	}
	if cmds, err := chain(r.run); err != nil || !behindTidy(cmds, r) {
		return nil, errors.New("the same step may need development packages")
	}
	if len(start) == 0 {
		return nil, errors.New("what the image starts is not known")
	}
	return start, nil
}

// tidies reports whether a RUN only looks after files and accounts.
func tidies(i *dockerfile.Instruction) bool {
	cmds, err := chain(i)
	return err == nil && !slices.ContainsFunc(cmds, func(c dockerfile.Command) bool { return !tidy(c) })
}

func tidy(c dockerfile.Command) bool {
	words, ok := c.Texts()
	return ok && (among("chown chmod mkdir rm ls useradd groupadd adduser addgroup", words[0]) ||
		begins(words, []string{"npm", "cache", "clean"}) || begins(words, []string{"yarn", "cache", "clean"}))
}

// behindTidy reports whether behind the install the same step only tidies up.
func behindTidy(cmds []dockerfile.Command, r rewrite) bool {
	seen := false
	for _, c := range cmds {
		if slices.EqualFunc(c.Words, r.was[r.sets:], sameWord) {
			seen = true
			continue
		}
		if seen && !tidy(c) {
			return false
		}
	}
	return seen
}

// started are the words that a CMD starts with.
func started(i *dockerfile.Instruction) []string {
	if i.Form == dockerfile.ExecForm {
		return texts(i)
	}
	words, err := single(i)
	if err != nil {
		return nil
	}
	return words
}

var nodeScript = pattern.New(`^node ([\w./-]+\.(?:js|cjs|mjs))$`)

// startedProgram is the file that is started, perhaps through the package's start script.
func startedProgram(start []string, p nodePackage) (string, error) {
	line := strings.Join(start, " ")
	if line == "npm start" || line == "npm run start" || line == "yarn start" {
		if p.Scripts["prestart"] != "" || p.Scripts["poststart"] != "" {
			return "", errors.New("the prestart or poststart script of the package may need development packages")
		}
		line = p.Scripts["start"]
	}
	m := nodeScript.FindStringSubmatch(line)
	if m == nil {
		return "", fmt.Errorf("whether %q needs development packages is not known", line)
	}
	return strings.TrimPrefix(m[1], "./"), nil
}

// notShipped matches files that the program does not read: tests and the settings of tools.
var notShipped = pattern.New(`(^|/)(tests?|__tests__|spec|e2e|cypress|\.storybook|\.github)/|` +
	`\.(test|spec|stories)\.\w+$|(^|/)(package(-lock)?|tsconfig[\w.]*|jsconfig|composer)\.json$|` +
	`(^|/)(babel|commitlint|cypress|eslint|jest|karma|lint-staged|nyc|playwright|postcss|prettier|rollup|tailwind|tsup|` +
	`vite|vitest|webpack[\w.]*)\.config\.\w+$|(^|/)\.\w+rc(\.\w+)?$|(^|/)(Gruntfile|gulpfile)\b`)

// namesNone checks that no source file names one of the packages.
func namesNone(context fs.FS, packages []string) error {
	quoted := make([]string, len(packages))
	for k, p := range packages {
		quoted[k] = regexp.QuoteMeta(p)
	}
	named, err := regexp.Compile(`(?:^|[^\w@/.-]|node_modules/(?:\.bin/)?)(` + strings.Join(quoted, "|") + `)(?:$|[^\w-])|devDependencies`)
	if err != nil {
		return err
	}
	_, err = eachSource(context, func(name string) bool {
		return !notShipped.MatchString(name) && slices.Contains(readAtRunTime, path.Ext(name))
	}, func(name string, text []byte) error {
		if m := named.FindSubmatch(text); m != nil {
			if len(m[1]) == 0 {
				return fmt.Errorf("%s reads which packages are for development", name)
			}
			return fmt.Errorf("%s names %s, which is a development package", name, m[1])
		}
		return nil
	})
	return err
}

// readAtRunTime are the ends of names of files that a program may be made of, read or start.
var readAtRunTime = strings.Fields(".js .cjs .mjs .ts .jsx .tsx .json .html .ejs .pug .hbs .vue .css .sh .yaml .yml .toml")

var (
	otherCommand = pattern.New(`\bdocker(-compose| compose| container)?\s+(run|exec)\b[^\n]*\b(npm|npx|yarn|node|sh|bash)\b`)
	otherStart   = pattern.New(`(?m)^kind:[^\x00]*^\s*(- )?(command|args):`)
)

// startedOtherwise checks that no file of the repository starts the image with a command of its own.
func startedOtherwise(repository fs.FS) error {
	_, err := eachSource(repository, func(name string) bool {
		return slices.Contains([]string{".yml", ".yaml", ".sh"}, path.Ext(name)) ||
			slices.Contains([]string{"Makefile", "makefile", "justfile", "Taskfile", "Jenkinsfile", "package.json"}, path.Base(name))
	}, func(name string, text []byte) error {
		if otherCommand.Match(text) || otherStart.Match(text) {
			return fmt.Errorf("%s may start the image with another command, for which it needs development packages", name)
		}
		return nil
	})
	return err
}

// repository is all that lies beside a Dockerfile, as far as it is known.
func (c *change) repository(b buildcontext.Build) fs.FS {
	if c.Repo != nil {
		return c.Repo
	}
	return b.Context
}
