package prove

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// composerTools are those of PHP.
var composerTools = []tool{
	{
		commands: []string{"composer install", "composer i"}, manifests: []string{"composer.json"}, beside: []string{"vendor"},
		options: options{
			switches: `--no-scripts --no-autoloader --no-dev --no-interaction -n --prefer-dist --no-progress --no-plugins --quiet
				-q --ignore-platform-reqs --no-suggest --no-ansi --ansi -v -vv -vvv --verbose --no-cache -o
				--optimize-autoloader --classmap-authoritative -a --audit --no-audit`,
			values: "--ignore-platform-req --prefer-install", dirs: "--working-dir -d",
		},
		needs: []string{"--no-scripts", "--no-autoloader"}, alters: true,
		also: []string{"composer.lock", "auth.json"},
	},
	{
		commands: []string{"composer global require", "composer self-update", "composer clear-cache", "composer --version"},
		free:     true, system: true,
	},
}

// composerPlugins are plugins that write nothing but into vendor and read nothing but what lies there, as long as no
// autoloader is made, and those that only add commands.
var composerPlugins = strings.Fields(`symfony/flex symfony/runtime composer/package-versions-deprecated
	ocramius/package-versions phpstan/extension-installer rector/extension-installer infection/extension-installer
	pestphp/pest-plugin php-http/discovery ergebnis/composer-normalize dealerdirect/phpcodesniffer-composer-installer`)

// composition checks that a composer.json makes its install read nothing of the sources (getcomposer.org/doc/04-schema.md).
func composition(fsys fs.FS, name string, inputs []string, e effect) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	var all map[string]any
	if json.Unmarshal(data, &all) != nil {
		return fmt.Errorf("%s is not valid JSON", name)
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(table(all, "scripts"))), composerEvent.MatchString) &&
		slices.Contains(e.lacks, "--no-scripts") {
		return fmt.Errorf("%s reads the sources without --no-scripts", e.name)
	}
	if slices.Contains(e.lacks, "--no-autoloader") && (all["autoload"] != nil || all["autoload-dev"] != nil) {
		return fmt.Errorf("%s reads the sources without --no-autoloader", e.name)
	}
	config := table(all, "config")
	if config["vendor-dir"] != nil || config["bin-dir"] != nil {
		return fmt.Errorf("%s says where packages go", name)
	}
	if place := repositoryPlace(all["repositories"]); place != "" {
		return fmt.Errorf("%s takes packages from %s, which may be part of the sources", name, place)
	}
	if slices.Contains(e.words, "--no-plugins") {
		return nil
	}
	return composerAllows(fsys, name, config["allow-plugins"], inputs, all)
}

// composerEvent matches the events that composer has scripts for (getcomposer.org/doc/articles/scripts.md).
var composerEvent = pattern.New(`^(pre-|post-|init$|command$)`)

var networkAddress = pattern.New(`^((https?|ssh|git)://|git@[\w.-]+:)`)

// repositoryPlace is a place of the file system that repositories name, "" when there is none.
func repositoryPlace(v any) string {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == "path" || v["type"] == "artifact" {
			return fmt.Sprint(v["url"])
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[key].(string); ok && key == "url" && !networkAddress.MatchString(text) {
				return text
			}
			if place := repositoryPlace(v[key]); place != "" {
				return place
			}
		}
	case []any:
		for _, item := range v {
			if place := repositoryPlace(item); place != "" {
				return place
			}
		}
	}
	return ""
}

// composerAllows checks the plugins that may run (getcomposer.org/doc/06-config.md#allow-plugins). When nothing is said,
// older ones than 2.2 run all.
func composerAllows(fsys fs.FS, name string, allowed any, inputs []string, all map[string]any) error {
	dir := path.Dir(name)
	switch set := allowed.(type) {
	case nil:
		lock, err := fs.ReadFile(fsys, path.Join(dir, "composer.lock"))
		if err == nil && strings.Contains(string(lock), `"composer-plugin"`) {
			return fmt.Errorf("%s says nothing of the plugins in the lock file", name)
		}
	case bool:
		if set {
			return fmt.Errorf("%s allows all plugins, which may read the sources", name)
		}
	case map[string]any:
		for _, plugin := range slices.Sorted(maps.Keys(set)) {
			if set[plugin] != false && (!slices.Contains(composerPlugins, plugin) || all["type"] == "phpcodesniffer-standard") {
				return fmt.Errorf("the plugin %s may read the sources", plugin)
			}
			if plugin == "symfony/flex" && set[plugin] != false && !flexLeaves(fsys, dir, inputs, all) {
				return fmt.Errorf("the plugin %s may read the sources", plugin)
			}
		}
	default:
		return fmt.Errorf("%s allows all plugins, which may read the sources", name)
	}
	return nil
}

// flexLeaves reports whether Symfony Flex finds nothing to write: all recipes are locked, and there is no file that it
// keeps up to date.
func flexLeaves(fsys fs.FS, dir string, inputs []string, all map[string]any) bool {
	for _, name := range []string{"package.json", "importmap.php", ".env.dist"} {
		if _, err := fs.Lstat(fsys, path.Join(dir, name)); err == nil {
			return false
		}
	}
	return covered(path.Join(dir, "symfony.lock"), inputs) && table(all, "extra", "symfony")["endpoint"] == nil
}

// versioned checks that composer finds no .git from which it would take the project's version.
func (p *placed) versioned(b buildcontext.Build, e effect, root string) error {
	if !strings.HasPrefix(e.name, "composer i") || b.Remote {
		return nil
	}
	name, ok := p.nameOf(path.Join(root, "composer.json"))
	if !ok {
		return nil
	}
	var project map[string]any
	data, err := fs.ReadFile(b.Context, name)
	if err == nil && json.Unmarshal(data, &project) == nil && project["version"] != nil {
		return nil
	}
	for dir := root; within(dir, p.into()); dir = path.Dir(dir) {
		if git, ok := p.nameOf(path.Join(dir, ".git")); ok && !b.Hides(git) {
			return fmt.Errorf("composer takes the version from %s, which is not in the ignore file", git)
		}
		if dir == "/" {
			break
		}
	}
	return nil
}
