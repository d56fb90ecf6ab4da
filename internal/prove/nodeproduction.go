package prove

import (
	"encoding/json"
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
// starts a program of the repository. The packages are tools that no program loads unless it names them, and the program
// names none of them, loads nothing but what it depends on, and starts nothing.
func noDevelopment(r rewrite) error {
	if err := productionForm(r); err != nil {
		return err
	}
	start, err := r.onlyStarts()
	if err != nil {
		return err
	}
	if err := r.undisturbed(); err != nil {
		return err
	}
	return r.eachPackage(func(b buildcontext.Build, dir string, p nodePackage) error {
		if err := r.installsAlone(b, dir, p); err != nil {
			return err
		}
		program, err := startedProgram(start, p)
		if err != nil {
			return err
		}
		if err := r.startsWhereInstalled(b, path.Join(dir, program), program); err != nil {
			return err
		}
		if err := onlyTools(p); err != nil {
			return err
		}
		named, err := naming(slices.Sorted(maps.Keys(p.DevDependencies)))
		if err != nil {
			return err
		}
		if err := settingsNameNone(b.Context, dir, named); err != nil {
			return err
		}
		if err := r.startedOtherwise(b, named); err != nil {
			return err
		}
		return loadsNone(b.Context, p, named)
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

// duringInstall are the scripts that npm and yarn run when they install the package that they stand in
// (docs.npmjs.com/cli/using-npm/scripts).
const duringInstall = "preinstall install postinstall prepublish preprepare prepare postprepare dependencies"

// installsAlone checks that the install is an ordinary one of one package, and that nothing of the package runs during it.
func (r rewrite) installsAlone(b buildcontext.Build, dir string, p nodePackage) error {
	if len(p.DevDependencies) == 0 {
		return errors.New("the package has no development dependencies")
	}
	if len(p.Workspaces) > 0 {
		return errors.New("the package has workspaces")
	}
	if err := r.classicNode(b, dir, p); err != nil {
		return err
	}
	if err := plainNodeSettings(b.Context, dir); err != nil {
		return err
	}
	if slices.ContainsFunc(r.was, func(w dockerfile.Argument) bool { return w.Text == "--ignore-scripts" }) {
		return nil
	}
	if _, err := fs.Stat(b.Context, path.Join(dir, "binding.gyp")); err == nil {
		return errors.New("the package is compiled during the install (binding.gyp), perhaps with development packages")
	}
	for _, name := range strings.Fields(duringInstall) {
		if p.Scripts[name] != "" {
			return fmt.Errorf("the %s script of the package may need development packages", name)
		}
	}
	return nil
}

// plainSettings match the lines of an .npmrc that say nothing about what is run: where packages come from, and how much
// is said meanwhile.
var plainSettings = pattern.New(`^\s*($|[#;]|//|(@[\w-]+:)?registry\s*=|(save-\w+|engine-strict|audit|fund|loglevel|progress|` +
	`update-notifier|legacy-peer-deps|strict-ssl|fetch-[\w-]+|always-auth|cache|prefer-\w+)\s*=)`)

// plainNodeSettings checks that settings beside the package have no options for the program, and that the lock file is
// of the manager that installs.
func plainNodeSettings(context fs.FS, dir string) error {
	text, err := fs.ReadFile(context, path.Join(dir, ".npmrc"))
	for line := range strings.Lines(string(text)) {
		if err == nil && !plainSettings.MatchString(strings.TrimRight(line, "\r\n")) {
			return errors.New(".npmrc may say how the program is started")
		}
	}
	text, err = fs.ReadFile(context, path.Join(dir, "yarn.lock"))
	if err == nil && !strings.Contains(string(text), "# yarn lockfile v1") {
		return errors.New("yarn.lock is not of yarn 1, whose option this is")
	}
	return nil
}

// developing match packages that are for developers' hands only: they check, test, format, watch or release. Packages that
// others load by their name (drivers, view engines, transpilers and what these are given) are not among them.
var developing = pattern.New(`^(@types/.+|(@[\w-]+/)?eslint([-.].+)?|@eslint/.+|@typescript-eslint/.+|typescript-eslint|` +
	`@jest/.+|(jest|prettier|mocha|chai|karma|jasmine|stylelint|cz)(-.+)?|@prettier/.+|@stylistic/.+|ts-jest|sinon(-chai)?|supertest|` +
	`nyc|c8|istanbul|ava|tap|tape|vitest|@vitest/.+|cypress|@playwright/test|nodemon|husky|lint-staged|pretty-quick|@commitlint/.+|` +
	`commitlint|commitizen|standard|xo|standard-version|semantic-release|@semantic-release/.+|release-it|npm-run-all2?|` +
	`concurrently|rimraf|cross-env|nock|jshint|markdownlint(-cli2?)?|depcheck|npm-check-updates|@faker-js/faker|proxyquire)$`)

// onlyTools checks that the development packages are such.
func onlyTools(p nodePackage) error {
	for _, name := range slices.Sorted(maps.Keys(p.DevDependencies)) {
		if !developing.MatchString(name) {
			return fmt.Errorf("whether the program does without %s is not known", name)
		}
	}
	return nil
}

// naming matches text that names one of the packages.
func naming(packages []string) (*regexp.Regexp, error) {
	quoted := make([]string, len(packages))
	for k, p := range packages {
		quoted[k] = regexp.QuoteMeta(p)
	}
	return regexp.Compile(`(?:^|[^\w@/.-]|node_modules/(?:\.bin/)?)(` + strings.Join(quoted, "|") + `)(?:$|[^\w-])`)
}

// settingsNameNone checks that package.json names the packages in nothing but its scripts and the settings of tools.
func settingsNameNone(context fs.FS, dir string, named *regexp.Regexp) error {
	text, err := fs.ReadFile(context, path.Join(dir, "package.json"))
	if err != nil {
		return fmt.Errorf("read package.json in the build context: %w", err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("package.json cannot be read: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !among(ofTools, key) && named.Match(all[key]) {
			return fmt.Errorf("%q in package.json names a development package", key)
		}
	}
	return nil
}

// ofTools are the keys of a package.json that a program does not read: tools do, and people.
const ofTools = `name description keywords devDependencies scripts eslintConfig prettier jest mocha nyc c8 ava tap vitest husky
	lint-staged commitlint config nodemonConfig standard xo stylelint release release-it overrides resolutions engines`
