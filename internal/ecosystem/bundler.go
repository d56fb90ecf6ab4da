package ecosystem

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lighterman/lighterman/internal/pattern"
)

var bundleOptions = options{
	switches: []string{"--deployment", "--no-deployment", "--quiet", "-q", "--no-cache", "--frozen", "--no-prune",
		"--clean", "--local", "--full-index", "--redownload", "--force", "--prefer-local", "--system", "--verbose", "-V", "--no-color",
		"--global"},
	values: []string{"--jobs", "-j", "--retry", "--path", "--trust-policy", "--shebang"},
}

// remembered are the flags that bundler writes into its settings beside the Gemfile.
var remembered = []string{"--deployment", "--no-deployment", "--path", "--system", "--clean", "--no-prune", "--frozen",
	"--without", "--with", "--shebang"}

// bundler knows the bundle command (see https://bundler.io/man/bundle-install.1.html) and what stands beside it.
func bundler(words []string) verdict {
	switch path.Base(words[0]) {
	case "gem":
		return gem(words[1:])
	case "bundle", "bundler":
	default:
		return verdict{}
	}
	args, groups := withoutGroups(words[1:])
	o := bundleOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-v")
	p := o.parse(jobs(args))
	switch sub := first(p.rest); {
	case sub == "config":
		return bundleConfig(p, groups)
	case sub == "install", sub == "" && !p.has("--version", "-v"):
		return bundleInstall(p, groups)
	case sub == "", sub == "version":
		return verdict{kind: harmless}
	case sub == "update", sub == "add":
		v := bundleInstall(p, groups)
		v.unknown = "bundle " + sub + " changes Gemfile.lock, which a later copy of the sources would undo"
		return v
	case sub == "cache", sub == "package":
		v := bundleInstall(p, groups)
		v.unknown = "bundle " + sub + " writes into the sources"
		return v
	}
	return verdict{}
}

// gemPlaces are options of "gem install" that read or write files.
var gemPlaces = []string{"-g", "--file", "-l", "--local", "-i", "--install-dir", "-n", "--bindir"}

// gem is the gem command: what it installs by name reads nothing of the project.
func gem(args []string) verdict {
	sub := first(args)
	if sub == "install" || sub == "i" || sub == "update" {
		for _, a := range args[1:] {
			if strings.HasSuffix(a, ".gem") || strings.ContainsAny(a, "/$") && !strings.Contains(a, "://") ||
				slices.Contains(gemPlaces, a) || strings.HasPrefix(a, "--file=") {
				return verdict{}
			}
		}
		return verdict{kind: harmless}
	}
	if sub == "cleanup" || sub == "env" || sub == "--version" {
		return verdict{kind: harmless}
	}
	return verdict{}
}

// jobs separates the number that is written directly behind -j.
func jobs(args []string) []string {
	var out []string
	for _, a := range args {
		if len(a) > 2 && strings.HasPrefix(a, "-j") {
			out = append(out, "-j", a[2:])
			continue
		}
		out = append(out, a)
	}
	return out
}

// withoutGroups takes out --without and --with, which take all the words up to the next flag.
func withoutGroups(args []string) (rest []string, found bool) {
	for k := 0; k < len(args); k++ {
		name, _, inline := strings.Cut(args[k], "=")
		if name != "--without" && name != "--with" {
			rest = append(rest, args[k])
			continue
		}
		for found = true; !inline && k+1 < len(args) && !strings.HasPrefix(args[k+1], "-"); k++ {
		}
	}
	return rest, found
}

// bundleTame matches the settings that name no file; see https://bundler.io/man/bundle-config.1.html. Those of gems'
// own builds and of hosts are among them.
var bundleTame = pattern.New(`^(without|with|only|deployment|frozen|jobs|retry|timeout|clean|no_prune|no_install|` +
	`force_ruby_platform|specific_platform|silence_\w+|disable_\w+|prefer_patch|auto_install|cache_all\w*|ignore_\w+|` +
	`build(\.|__)[\w.-]+|mirror(\.|__).*|ssl_\w+|user_agent|global_gem_cache|redirect|path(\.|__)system|` +
	`app_config|silence_root_warning|bundler_version|version|allow_\w+|jobs|update_requires_all_flag|` +
	`[\w-]+((\.|__)[\w-]+)+)$`)

// bundleConfig is "bundle config", which writes the project's own settings or the user's.
func bundleConfig(p parsed, groups bool) verdict {
	args := p.rest[1:]
	if len(args) > 0 && args[0] == "set" {
		args = args[1:]
	}
	key := strings.ToLower(first(args))
	builds := strings.HasPrefix(key, "build.")
	if !builds && (p.unknown != "" || groups || len(args) < 2) || key == "unset" || key == "get" || key == "list" {
		return verdict{}
	}
	if key != "path" && !bundleTame.MatchString(key) || strings.HasPrefix(key, "local.") {
		return verdict{}
	}
	v := verdict{kind: install, manager: "bundle config", prepares: true,
		sets: "BUNDLE_" + strings.ToUpper(strings.ReplaceAll(key, ".", "__")) + "=" + strings.Join(args[1:], " ")}
	v.read = func(r *reading) {
		if !p.has("--global") {
			r.bundleSettings()
		}
	}
	return v
}

// bundleSettings says that bundler writes the settings of the project.
func (r *reading) bundleSettings() {
	if at := r.variable("BUNDLE_APP_CONFIG"); at != "" {
		r.writes(join(r.dir, at))
		return
	}
	r.writes(path.Join(r.dir, ".bundle"))
}

func bundleInstall(p parsed, groups bool) verdict {
	v := verdict{kind: install, manager: "bundle", addsTo: []string{"bundle"}, unknown: p.doubt()}
	if len(p.rest) > 1 {
		v.unknown = either(v.unknown, "its word "+p.rest[1]+" is not known")
	}
	v.read = func(r *reading) {
		g := gemfile{reading: r}
		file := "Gemfile"
		if r.exists(path.Join(r.dir, "gems.rb")) {
			file = "gems.rb"
			r.optional(r.dir, "gems.locked")
		}
		g.read(path.Join(r.dir, file))
		r.optional(r.dir, "Gemfile.lock", ".ruby-version", ".tool-versions")
		r.tree(path.Join(r.dir, "vendor/cache"))
		if at := p.value("--path"); at != "" {
			r.writes(join(r.dir, at))
		}
		if groups || p.has(remembered...) {
			r.bundleSettings()
		}
		r.bundlePlaces(p.has("--deployment") && p.value("--path") == "")
	}
	return v
}

// bundlePlaces reads the settings of the project and of variables, and says where gems go.
func (r *reading) bundlePlaces(deployment bool) {
	settings := map[string]string{}
	for name, text := range r.env {
		settings[name] = text
	}
	if name := path.Join(r.dir, ".bundle/config"); r.exists(name) {
		data, _ := r.content(name)
		var own map[string]string
		if yaml.Load(data, &own) != nil {
			r.refuse("%s cannot be read", name)
		}
		maps.Copy(settings, own)
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		key, ok := strings.CutPrefix(name, "BUNDLE_")
		key = strings.ToLower(key)
		if !ok || key == "path" || key == "deployment" {
			continue
		}
		if !bundleTame.MatchString(key) || strings.HasPrefix(key, "local_") {
			r.refuse("the setting %s may make the install read other files", name)
		}
	}
	at := settings["BUNDLE_PATH"]
	if at == "" && (deployment || slices.Contains([]string{"1", "true"}, settings["BUNDLE_DEPLOYMENT"])) {
		at = "vendor/bundle"
	}
	if home := r.variable("GEM_HOME"); home != "" {
		r.writes(join(r.dir, home))
	}
	if strings.Contains(at, "$") {
		r.refuse("the variable BUNDLE_PATH has a value that is not known")
	} else if at != "" {
		r.writes(join(r.dir, at))
	}
}

// A gemfile is the reading of a Gemfile, a program of which only declarations are known; see
// https://bundler.io/man/gemfile.5.html.
type gemfile struct {
	*reading
	seen  map[string]bool
	names map[string]bool // variables that hold texts
}

// read looks at a Gemfile and at those it includes.
func (g *gemfile) read(name string) {
	if g.unknown != "" || g.seen[name] {
		return
	}
	if g.seen == nil {
		g.seen, g.names = map[string]bool{}, map[string]bool{}
	}
	g.seen[name] = true
	data, ok := g.content(name)
	if !ok {
		return
	}
	tokens, ok := rubyTokens(string(data))
	if !ok {
		g.refuse("%s holds Ruby code that may read other files", name)
		return
	}
	for _, s := range rubyStatements(tokens) {
		if !g.statement(path.Dir(name), s) {
			g.refuse("%s holds Ruby code that may read other files: %s", name, first(words(s)))
		}
	}
}

// words are the identifiers of a statement.
func words(statement []rubyToken) []string {
	var out []string
	for _, t := range statement {
		if t.kind == 'i' {
			out = append(out, t.text)
		}
	}
	return out
}

var (
	// gemSource matches the shape of the statement that says what "github:" means.
	gemSource = pattern.New(`^git_source \(? ?: ?\)? (\{ \| (\w+) \| (v|s) \}|do \| \w+ \|)$`)
	// gemName matches the lines that stand in such a block.
	gemName   = pattern.New(`^((\w+) = v( (unless|if) \w+ \. include\? \( s \))?|v)$`)
	evaluates = pattern.New(`^eval_gemfile \(? ?(s|File \. (join \( __dir__ , s|expand_path \( s , __dir__) \))` +
		`( \))?$`)
	rubyFile = pattern.New(`^ruby \(? ?(k s|File \. read \( s \)( \. (strip|chomp))?)( \))?$`)
)

// statement reports whether a statement is known. Files that it names become inputs.
func (g *gemfile) statement(dir string, s []rubyToken) bool {
	form := shape(s)
	switch {
	case form == "end", form == "else", gemName.MatchString(form), gemSource.MatchString(form):
		return true
	case evaluates.MatchString(form):
		if name, ok := g.within(dir, firstOf(s, 's')); ok {
			g.read(name)
		}
		return true
	case rubyFile.MatchString(form):
		if name, ok := g.within(g.dir, firstOf(s, 's')); ok {
			g.required(name)
		}
		return true
	case s[0].kind != 'i':
		return false
	}
	switch s[0].text {
	case "gemspec":
		g.gemspec(dir)
		return true
	case "plugin":
		g.refuse("a plugin of bundler may read the sources")
		return true
	case "path":
		g.refuse("the Gemfile takes gems from %s, which is part of the sources", either(firstOf(s, 's'), "a directory"))
		return true
	case "if", "unless", "elsif":
		return condition(s[1:])
	case "source", "git", "github", "gem", "group", "groups", "platform", "platforms", "ruby":
		return g.declaration(s)
	}
	if len(s) > 2 && s[1].kind == 'p' && s[1].text == "=" && condition(s[2:]) {
		g.names[s[0].text] = true
		return true
	}
	return false
}

// firstOf is the first value of a kind.
func firstOf(s []rubyToken, kind byte) string {
	for _, t := range s {
		if t.kind == kind {
			return t.text
		}
	}
	return ""
}

// gemspec refuses the project's own gem: its specification is a program that lists the sources.
func (g *gemfile) gemspec(dir string) {
	if found, err := fs.Glob(g.context, path.Join(dir, "*.gemspec")); err == nil {
		for _, name := range found {
			if g.exists(name) {
				g.add(name)
			}
		}
	}
	g.refuse("the Gemfile names the project's own gem by gemspec, a program that reads the sources")
}

// conditions are the words that may stand in a condition: it asks for variables and for the Ruby that runs.
var conditions = strings.Fields(`ENV fetch key? RUBY_VERSION RUBY_ENGINE RUBY_PLATFORM nil? to_s to_i empty? include?
	start_with? end_with? downcase true false nil and or not Gem Version new win_platform? RbConfig CONFIG host_os`)

// condition reports whether an expression asks for nothing but variables.
func condition(s []rubyToken) bool {
	return len(s) > 0 && !slices.ContainsFunc(s, func(t rubyToken) bool {
		return t.kind == 'v' || t.kind == 'i' && !slices.Contains(conditions, t.text) ||
			t.kind == 'p' && (t.text == "=" || t.text == "{" || t.text == "|")
	})
}

// gemKeys are the options of gems that name no place in the file system; those of git do when their value is one.
var gemKeys = strings.Fields(`require group groups platform platforms git github gist bitbucket gitlab branch tag ref glob
	submodules source force_ruby_platform engine engine_version patchlevel optional`)

// declaration reports whether a statement declares sources, groups or gems with plain values.
func (g *gemfile) declaration(s []rubyToken) bool {
	asks := func(t rubyToken) bool { return t.kind == 'i' && (t.text == "if" || t.text == "unless") }
	if k := slices.IndexFunc(s, asks); k > 0 {
		if !condition(s[k+1:]) {
			return false
		}
		s = s[:k]
	}
	if last := s[len(s)-1]; last.kind == 'i' && last.text == "do" {
		s = s[:len(s)-1]
	}
	key := s[0].text
	for k := 1; k < len(s); k++ {
		t := s[k]
		arrow := k+1 < len(s) && s[k+1].kind == 'p' && s[k+1].text == "=>"
		switch {
		case t.kind == 'k', arrow && (t.kind == ':' || t.kind == 's'):
			if key = t.text; key == "path" {
				g.refuse("the Gemfile takes a gem from %s, which is part of the sources", firstOf(s[k+1:], 's'))
			} else if !slices.Contains(gemKeys, key) {
				return false
			} else if (key == "git" || key == "source") && !literal(s[k+1:]) {
				return false
			}
		case t.kind == 's' && (key == "git" || key == "source"):
			if !remoteAddress.MatchString(t.text) {
				g.refuse("the Gemfile takes gems from %s, which may be part of the sources", t.text)
			}
		case t.kind == 'v', t.kind == 'i' && !g.names[t.text] && !slices.Contains(conditions, t.text),
			t.kind == 'p' && !slices.Contains([]string{",", "=>", "(", ")", "[", "]", "{", "}", ".", "||"}, t.text):
			return false
		}
	}
	return true
}

// literal reports whether a value is a text as it stands.
func literal(s []rubyToken) bool {
	if len(s) > 0 && s[0].kind == 'p' && s[0].text == "=>" {
		s = s[1:]
	}
	return len(s) > 0 && s[0].kind == 's' && (len(s) == 1 || s[1].kind == 'p' && strings.Contains(",)}", s[1].text))
}

var remoteAddress = pattern.New(`^((https?|ssh|git)://|git@[\w.-]+:)`)
