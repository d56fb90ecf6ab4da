package ecosystem

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
)

var composerOptions = options{
	switches: []string{"--no-scripts", "--no-autoloader", "--no-dev", "--dev", "--no-interaction", "-n", "--prefer-dist",
		"--prefer-source", "--no-progress", "--no-plugins", "--quiet", "-q", "--ignore-platform-reqs", "-o",
		"--optimize-autoloader", "--classmap-authoritative", "-a", "--apcu-autoloader", "--no-suggest", "--no-ansi", "--ansi",
		"-v", "-vv", "-vvv", "--verbose", "--no-cache", "--profile", "--audit", "--no-audit", "--no-security-blocking"},
	values: []string{"--working-dir", "-d", "--ignore-platform-req", "--prefer-install"},
}

// composer knows the composer command; see https://getcomposer.org/doc/03-cli.md#install-i.
func composer(words []string) verdict {
	program := words[0]
	if path.Base(program) == "php" && len(words) > 1 {
		words = words[1:]
	}
	if base := path.Base(words[0]); base != "composer" && base != "composer.phar" {
		return verdict{}
	}
	o := composerOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-V", "-g", "--global")
	p := o.parse(words[1:])
	sub := first(p.rest)
	if sub == "global" && len(p.rest) > 2 && (p.rest[1] == "require" || p.rest[1] == "config") {
		return tool(p.rest[2:])
	}
	switch sub {
	case "":
		if p.has("--version", "-V") {
			return verdict{kind: harmless}
		}
	case "self-update", "selfupdate", "clear-cache", "clearcache", "cc", "diagnose", "about":
		return verdict{kind: harmless}
	case "config":
		if p.has("-g", "--global") {
			return verdict{kind: harmless}
		}
	case "install", "i":
		v := composerInstall(p)
		if phar := words[0]; strings.HasSuffix(phar, ".phar") && !path.IsAbs(phar) {
			v.unknown = either(v.unknown, "it starts "+phar+", which may be part of the sources")
		}
		return v
	case "update", "u", "upgrade", "require", "remove":
		v := composerInstall(p)
		v.unknown = "composer " + sub + " changes composer.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

func composerInstall(p parsed) verdict {
	v := verdict{kind: install, manager: "composer", addsTo: []string{"composer"}, unknown: p.doubt(),
		dir: p.value("--working-dir", "-d")}
	if len(p.rest) > 1 {
		v.unknown = either(v.unknown, "its word "+p.rest[1]+" is not known")
	}
	v.read = func(r *reading) {
		c := composition{reading: r, given: p, name: path.Join(r.dir, "composer.json")}
		r.optional(r.dir, "composer.lock", "auth.json")
		if home := r.variable("COMPOSER_HOME"); home != "" && !r.outside(home) {
			r.refuse("the variable COMPOSER_HOME may make the install read other files")
		}
		data, ok := r.content(c.name)
		if !ok {
			r.writes(path.Join(r.dir, "vendor"))
			return
		}
		if json.Unmarshal(data, &c.all) != nil {
			r.refuse("%s is no valid JSON", c.name)
			return
		}
		c.places()
		c.repositories()
		c.plugins()
		c.steps()
		c.version()
	}
	return v
}

// A composition is the reading of one composer.json; see https://getcomposer.org/doc/04-schema.md.
type composition struct {
	*reading
	given parsed
	name  string
	all   map[string]any
}

// places says where packages and their programs go.
func (c composition) places() {
	vendor := c.place("COMPOSER_VENDOR_DIR", "vendor-dir", "vendor")
	for _, dir := range []string{vendor, c.place("COMPOSER_BIN_DIR", "bin-dir", vendor)} {
		if strings.ContainsAny(dir, "$~{") {
			c.refuse("where composer puts packages is not known: %s", dir)
			return
		}
		c.writes(join(c.dir, dir))
	}
}

// place is a directory as a variable, the settings or the usual say.
func (c composition) place(variable, key, usual string) string {
	set, _ := table(c.all, "config")[key].(string)
	return either(c.variable(variable), either(set, usual))
}

// repositories refuses those that are directories.
func (c composition) repositories() {
	var all []any
	switch v := c.all["repositories"].(type) {
	case nil:
	case []any:
		all = v
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, v[key])
		}
	default:
		c.refuse("the repositories of %s cannot be read", c.name)
	}
	for _, repository := range all {
		c.repository(repository)
	}
}

// repository refuses one that is a directory, or holds an address that is.
func (c composition) repository(v any) {
	r, ok := v.(map[string]any)
	if !ok && v != false {
		c.refuse("the repositories of %s cannot be read", c.name)
	}
	if kind := r["type"]; kind == "path" || kind == "artifact" {
		c.refuse("%s takes packages from %v, which is part of the sources", c.name, r["url"])
		return
	}
	for _, key := range slices.Sorted(maps.Keys(r)) {
		switch inner := r[key].(type) {
		case string:
			if key == "url" && !remoteAddress.MatchString(inner) {
				c.refuse("%s takes packages from %s, which may be part of the sources", c.name, inner)
			}
		case map[string]any:
			c.repository(inner)
		case []any:
			c.inner(inner)
		}
	}
}

// inner looks at the packages that a repository lists itself.
func (c composition) inner(list []any) {
	for _, item := range list {
		if _, ok := item.(map[string]any); ok {
			c.repository(item)
		}
	}
}

// composerTame are plugins that write nothing but into vendor and read nothing but what lies there, as long as no
// autoloader is made, and those that only add commands. Flex is looked at in plugins.
var composerTame = []string{"symfony/flex", "symfony/runtime", "composer/package-versions-deprecated",
	"ocramius/package-versions", "phpstan/extension-installer", "rector/extension-installer",
	"infection/extension-installer",
	"pestphp/pest-plugin", "php-http/discovery", "ergebnis/composer-normalize",
	"dealerdirect/phpcodesniffer-composer-installer"}

// plugins refuses plugins that may read the sources; see https://getcomposer.org/doc/06-config.md#allow-plugins. Scripts
// can be left out by a flag, plugins run all the same.
func (c composition) plugins() {
	if c.given.has("--no-plugins") {
		return
	}
	allowed, ok := table(c.all, "config")["allow-plugins"]
	if !ok {
		lock := path.Join(c.dir, "composer.lock")
		if data, there := c.peek(lock); there && (data == nil || strings.Contains(string(data), `"composer-plugin"`)) {
			c.refuse("%s may hold plugins, which may read the sources", lock)
		}
		return
	}
	if allowed == true {
		c.refuse("%s allows all plugins, which may read the sources", c.name)
	}
	set, _ := allowed.(map[string]any)
	for _, plugin := range slices.Sorted(maps.Keys(set)) {
		if set[plugin] == false {
			continue
		}
		if !slices.Contains(composerTame, plugin) || c.all["type"] == "phpcodesniffer-standard" {
			c.refuse("the plugin %s may read the sources", plugin)
		}
		if plugin == "symfony/flex" {
			c.flex()
		}
	}
}

// flex looks at what Symfony Flex goes by: it writes the files of recipes that symfony.lock does not hold, and keeps
// package.json and importmap.php up to date.
func (c composition) flex() {
	if name := path.Join(c.dir, "symfony.lock"); !c.exists(name) {
		c.refuse("the plugin symfony/flex writes into the sources without %s", name)
	} else {
		c.add(name)
	}
	for _, name := range []string{"package.json", "importmap.php", ".env.dist"} {
		if name = path.Join(c.dir, name); c.there(name) {
			c.refuse("the plugin symfony/flex reads %s and writes beside it", name)
		}
	}
	if table(c.all, "extra.symfony")["endpoint"] != nil {
		c.refuse("%s says where the plugin symfony/flex takes recipes from", c.name)
	}
}

// steps refuses scripts and an autoloader: both look at the sources.
func (c composition) steps() {
	scripts := table(c.all, "scripts")
	for _, event := range slices.Sorted(maps.Keys(scripts)) {
		runs := strings.HasPrefix(event, "pre-") || strings.HasPrefix(event, "post-") || event == "init" || event == "command"
		if runs && !c.given.has("--no-scripts") {
			c.refuse("the install runs the %s script of %s, which may read the sources; --no-scripts leaves it out",
				event, c.name)
		}
	}
	if loads := c.all["autoload"] != nil || c.all["autoload-dev"] != nil; loads && !c.given.has("--no-autoloader") {
		c.refuse("composer install without --no-autoloader makes an autoloader from the sources; composer dump-autoload does " +
			"so behind the copy")
	}
}

// version says that the version of the project is taken from .git when it is not said; see
// https://getcomposer.org/doc/articles/versions.md. It stands in what composer writes about what is installed.
func (c composition) version() {
	if c.all["version"] != nil || c.variable("COMPOSER_ROOT_VERSION") != "" {
		return
	}
	for dir := c.dir; ; dir = path.Dir(dir) {
		c.absent = append(c.absent, path.Join(dir, ".git"))
		if dir == "." {
			return
		}
	}
}
