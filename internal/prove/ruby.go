package prove

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// rubyTools are those of Ruby.
var rubyTools = []tool{
	{
		commands: []string{"bundle install", "bundle"}, manifests: []string{"Gemfile", "gems.rb"}, alters: true, system: true,
		options: options{
			switches: `--deployment --no-deployment --quiet -q --no-cache --frozen --no-prune --clean --local --full-index
				--redownload --force --prefer-local --verbose --no-color --system`,
			values: "--jobs -j --retry", many: "--without --with", places: "--path",
		},
		beside: []string{".bundle", "vendor/bundle"},
		also:   []string{"Gemfile.lock", "gems.locked", ".ruby-version", ".tool-versions"},
	},
	{commands: []string{"gem install", "gem update"}, free: true, system: true,
		forbids: []string{"-g", "--file", "-l", "--local"}},
}

// bundleEffect knows "bundle config", whose path is where gems go.
func bundleEffect(program string, words []string, dir string) (effect, bool, error) {
	if program != "bundle" || len(words) < 3 || words[1] != "config" {
		return effect{}, false, nil
	}
	e := effect{name: "bundle config", dir: dir, beside: []string{".bundle"}}
	var rest []string
	for _, w := range words[2:] {
		if !strings.HasPrefix(w, "-") && w != "set" {
			rest = append(rest, w)
		}
	}
	switch {
	case len(rest) > 1 && rest[0] == "path":
		e.writes = allUnder(dir, rest[1:])
	case len(rest) == 0 || !harmlessSetting.MatchString(rest[0]):
		return e, true, fmt.Errorf("what bundle config sets may make the install read more than manifests")
	}
	return e, true, nil
}

var harmlessSetting = pattern.New(`^(without|with|deployment|frozen|jobs|retry|clean|no_prune|timeout|` +
	`force_ruby_platform|specific_platform|silence_root_warning|disable_\w+|build\.[\w-]+)$`)

const (
	rubyText  = `(?:"[^"\\#]*"|'[^'\\#]*')`
	rubyValue = `(?:` + rubyText + `|:\w+\??|true|false|nil|\d[\d.]*|%[wi][\[(][\w\s.-]*[\])]|ENV\[` + rubyText + `\])`
	rubyAsks  = `(?:!?(?:ENV\[` + rubyText + `\]|ENV\.key\?\(` + rubyText + `\)|RUBY_VERSION|RUBY_ENGINE|RUBY_PLATFORM)` +
		`(?: *(?:==|!=|>=|<=|<|>) *` + rubyText + `)?)`
)

var (
	// rubyDeclares matches a line of a Gemfile that declares something with plain values.
	rubyDeclares = pattern.New(`^(source|gem|ruby|groups?|platforms?|git|github)[ (]\s*(?:(?:` +
		rubyValue + `|\w+:\s|=>|\|\||[,\[\](){}\s])+)( do)?(?: (?:if|unless) ` + rubyAsks + `)?$`)
	rubyFrame  = pattern.New(`^(?:end|else|(?:if|unless|elsif) ` + rubyAsks + `)$`)
	rubySource = pattern.New(`^git_source\(:\w+\) ?(?:do \|\w+\||` +
		`\{ ?\|\w+\| ?["']https://[^"'#]*#\{\w+\}(?:\.git)?["'] ?\})$`)
	rubySourced = pattern.New(`^(?:repo(?:_name)? = "#\{repo(?:_name)?\}/#\{repo(?:_name)?\}" ` +
		`unless repo(?:_name)?\.include\?\(["']/["']\)|` +
		`["']https://[^"'#]*#\{\w+\}(?:\.git)?["'])$`)
	rubyIncludes = pattern.New(`^eval_gemfile[ (]\s*["']([\w./-]+)["']\)?$`)
	rubyNames    = pattern.New(`^ruby[ (]\s*file: ["']([\w./-]+)["']\)?$`)
	rubyPlace    = pattern.New(`\bpath(?::|["' ]*=>)|["']file:|` +
		`\bgit(?::|["' ]*=>| ) *["'](?:[./~]|[\w-]+/)|^git ["'](?:[./~]|[\w-]+/)`)
)

// gemfile checks that a Gemfile declares nothing but gems that come from elsewhere (bundler.io/man/gemfile.5.html).
func gemfile(fsys fs.FS, name string, inputs []string, seen ...string) error {
	if slices.Contains(seen, name) {
		return nil
	}
	if !covered(name, inputs) {
		return fmt.Errorf("the install also reads %s, which is not copied before", name)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	for _, line := range rubyLines(string(data)) {
		if m := rubyIncludes.FindStringSubmatch(line); m != nil {
			if err := gemfile(fsys, path.Join(path.Dir(name), m[1]), inputs, append(seen, name)...); err != nil {
				return err
			}
			continue
		}
		if m := rubyNames.FindStringSubmatch(line); m != nil {
			if !covered(path.Join(path.Dir(name), m[1]), inputs) {
				return fmt.Errorf("the install also reads %s, which is not copied before", m[1])
			}
			continue
		}
		known := slices.ContainsFunc([]*pattern.Pattern{rubyDeclares, rubyFrame, rubySource, rubySourced},
			func(form *pattern.Pattern) bool { return form.MatchString(line) })
		if !known || rubyPlace.MatchString(line) {
			return fmt.Errorf("%s holds Ruby code that may read the sources: %s", name, strings.Fields(line)[0])
		}
	}
	return vendoredGems(fsys, path.Join(path.Dir(name), "vendor/cache"), inputs)
}

// vendoredGems checks that gems that are kept with the sources are inputs.
func vendoredGems(fsys fs.FS, dir string, inputs []string) error {
	if _, err := fs.Stat(fsys, dir); err == nil && !allCovered(fsys, dir, inputs) {
		return fmt.Errorf("the install also reads %s, which is not copied before", dir)
	}
	return nil
}

// rubyLines are the lines of a program, without comments, those that end in a comma joined with the next. A "#" in a text
// is taken for a comment, too, which leaves a text that does not end.
func rubyLines(text string) []string {
	var out []string
	open := ""
	for line := range strings.Lines(text) {
		if k := strings.Index(" "+line, " #"); k >= 0 {
			line = line[:k]
		}
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		open = strings.TrimSpace(open + " " + line)
		if strings.HasSuffix(line, ",") || strings.HasSuffix(line, "[") || strings.HasSuffix(line, "(") {
			continue
		}
		out, open = append(out, open), ""
	}
	if open != "" {
		out = append(out, open)
	}
	return out
}
