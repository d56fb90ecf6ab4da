package prove

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// forTests matches tests and directories of them, and notShipped other files that the program does not read: manifests, and
// the settings of tools that check and test.
var (
	forTests = pattern.New(`(^|/)(tests?|__tests__|__mocks__|spec|e2e|cypress|\.storybook|\.github)/|` +
		`\.(test|spec|stories)\.\w+/?$`)
	notShipped = pattern.New(`(^|/)(package(-lock)?|jsconfig|nodemon)\.json$|` +
		`(^|/)(commitlint|cypress|eslint|jest|karma|lint-staged|playwright|prettier|release|stylelint|vitest)\.config\.\w+$|` +
		`(^|/)\.(eslint|prettier|mocha|nyc|c8|commitlint|lintstaged|stylelint|husky|release|cz|jshint|xo)rc(\.\w+)?$|` +
		`(^|/)(docker-)?compose[\w.-]*\.ya?ml$`)
)

// browsers matches files that are sent to browsers as they are.
var browsers = pattern.New(`(^|/)(public|static|assets|wwwroot)/|\.min\.\w+$`)

// readAtRunTime are the ends of names of files that a program may be made of, read or start.
var readAtRunTime = strings.Fields(`.js .cjs .mjs .ts .cts .mts .jsx .tsx .json .html .ejs .pug .hbs .vue .css .sh .yaml .yml
	.toml .env`)

// loaded are those that Node.js loads as code.
var loaded = strings.Fields(".js .cjs .mjs .ts .cts .mts .jsx .tsx")

// loadsNone checks that no file of the context that may belong to the program names one of the packages, and that its
// code loads only its own files, parts of Node.js and packages that stay.
func loadsNone(context fs.FS, p nodePackage, named *regexp.Regexp) error {
	files := map[string]bool{}
	_, err := eachSource(context, func(name string) bool {
		passed := forTests.MatchString(name) || notShipped.MatchString(name)
		files[name] = !passed && slices.Contains(readAtRunTime, path.Ext(name))
		return files[name]
	}, func(name string, text []byte) error {
		if m := named.FindSubmatch(text); m != nil {
			return fmt.Errorf("%s names %s, which is a development package", name, m[1])
		}
		if !slices.Contains(loaded, path.Ext(name)) || browsers.MatchString(name) {
			return nil
		}
		if m := startsOthers.Find(text); m != nil {
			return fmt.Errorf("%s may start other programs or read which packages there are (%s)", name, m)
		}
		return module{name, files, p}.loads(string(text))
	})
	return err
}

// startsOthers matches code that may start programs, or finds packages in another way than by their names.
var startsOthers = pattern.New(`devDependencies|child_process|createRequire|node_modules|["'` + "`" + `](npm|npx|yarn|pnpm)\b|` +
	`[(,]\s*require\s*[,)]|=\s*require\s*[;,\n]|\beval\(|process\.binding|mainModule|Module\._|` +
	`["'` + "`" + `][\w./-]*\b(tests?|__tests__|__mocks__|spec|e2e)/[\w./-]*["'` + "`" + `]`)

// A module is a file of code, among the files of its context that are looked at, in a package.
type module struct {
	name  string
	files map[string]bool
	p     nodePackage
}

var (
	loadings   = pattern.New(`\b(?:require(?:\.resolve)?|import)\s*\(\s*([^)]*)`)
	statements = pattern.New(`\b(?:import|export)\b[^;"'()` + "`" + `]*?\bfrom\s*(["'][^"'\n]+["'])|\bimport\s*(["'][^"'\n]+["'])`)
	literal    = pattern.New("^[\"'`]([^\"'`$\\\\]+)[\"'`]\\s*(,|$)")
	// ofDirectory matches the name of a file of the same directory, all of which are looked at.
	ofDirectory = pattern.New(`^path\.(join|resolve)\(__dirname, *\w+$`)
)

// loads checks all that the code of the file loads.
func (m module) loads(text string) error {
	for _, found := range append(loadings.FindAllStringSubmatch(text, -1), statements.FindAllStringSubmatch(text, -1)...) {
		what := strings.TrimSpace(strings.Join(found[1:], ""))
		name := literal.FindStringSubmatch(what)
		if name == nil && ofDirectory.MatchString(what) {
			continue
		}
		if name == nil || !m.has(name[1]) {
			return fmt.Errorf("%s loads %s, and whether that needs development packages is not known", m.name, what)
		}
	}
	return nil
}

// ofNode are the parts of Node.js that start nothing.
var ofNode = strings.Fields(`assert async_hooks buffer cluster constants console crypto diagnostics_channel dns domain
	events fs http http2 https net os path perf_hooks process punycode querystring readline stream string_decoder sys test timers tls tty url
	util v8 worker_threads zlib`)

// has reports whether a name in the file is that of another one that is looked at, of a part of Node.js, or of a package
// that stays.
func (m module) has(name string) bool {
	if strings.HasPrefix(name, ".") {
		if path.Base(name) == "package.json" {
			return true
		}
		at := path.Join(path.Dir(m.name), name)
		ends := append([]string{"", ".json", "/index.json"}, loaded...)
		for _, end := range loaded {
			ends = append(ends, "/index"+end)
		}
		return !browsers.MatchString(at) && slices.ContainsFunc(ends, func(end string) bool { return m.files[at+end] })
	}
	parts := strings.SplitN(strings.TrimPrefix(name, "node:"), "/", 3)
	if slices.Contains(ofNode, parts[0]) {
		return true
	}
	of := parts[0]
	if strings.HasPrefix(of, "@") && len(parts) > 1 {
		of += "/" + parts[1]
	}
	return m.p.Dependencies[of] != "" || m.p.OptionalDependencies[of] != ""
}
