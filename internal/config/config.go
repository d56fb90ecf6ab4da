package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

// Files are the names under which our configuration is looked for; there may be one of them.
var Files = []string{".github/lighterman.yml", ".github/lighterman.yaml", ".lighterman.yml", ".lighterman.yaml"}

// Names are all files that this package looks for in a repository, but for the presets that they name.
func Names() []string { return slices.Concat(Files, hadolintFiles) }

// Wanted reports whether this package may read a file of a repository.
func Wanted(name string) bool {
	return slices.Contains(Files, name) || slices.Contains(hadolintFiles, name)
}

// Preset reports whether a file may be a preset, as far as its name says.
func Preset(name string) bool {
	ext := path.Ext(name)
	return (ext == ".yml" || ext == ".yaml") && Reference{Repo: "x", Path: name}.ours()
}

// maxConfig is the size in bytes above which a configuration file is refused.
const maxConfig = 64 << 10

// DefaultInline is how many comments stand on the diff at most when nothing else is said.
const DefaultInline = 10

// Never is a severity that no finding has.
const Never = check.Error + 1

// A Config is what holds for a repository.
type Config struct {
	FailOn     check.Severity // the severity from which findings fail a review; Never for none
	Builder    check.Builder
	Rules      []Rule // one for each check, in the order of the catalogue
	Registries []string
	MaxInline  int
	Drafts     Drafts
	Bots       Bots
	Sweeps     Sweeps
	// Missing are presets, and the organisation's default, that were to be taken and could not be: what is wrong with
	// them, where they are named. Unread are those that Fetch would not read: how one comes to them from there.
	Missing []Problem
	Unread  []Problem
	// Local are the presets of the repository itself that were read or looked for, by path.
	Local []string
	// Ignored are names that the hadolint configuration ignores and that are checks of ours, for those who want to know
	// whether they still have an effect.
	Ignored []Entry

	include, exclude []glob
	builds           []build
	origins          map[string]string // where a value comes from, by key: "checks.copy-order"
}

// A Rule is what was decided about one check.
type Rule struct {
	Check    *check.Check
	On       bool
	Severity check.Severity
	Origin   string
	Named    bool // by --check, which asks for what the check does even when it is Aging
}

// Drafts is what becomes of a draft.
type Drafts string

// The values of Drafts.
const (
	DraftsCheck   Drafts = "check"   // the check run alone
	DraftsComment Drafts = "comment" // as if it were none
	DraftsSkip    Drafts = "skip"    // it is not looked at
)

// Bots is what becomes of the pull requests of other bots.
type Bots string

// The values of Bots.
const (
	BotsChangedLines Bots = "changed-lines" // only findings in lines that the pull request changed
	BotsAll          Bots = "all"           // as if a person had opened them
	BotsSkip         Bots = "skip"          // they are not looked at
)

// An Entry is a name in a list of a file.
type Entry struct {
	Name string
	Path string
	Line int
}

// A Source is the text of a configuration file.
type Source struct {
	Reference
	Text []byte
}

// Settings say what Load goes by besides the repository's files.
type Settings struct {
	Checks []*check.Check // the catalogue
	Source *Source        // in place of the repository's own file; nil looks for it
	// Organisation is the configuration under the repository's own, such as OWNER/.github; the zero one is none.
	Organisation Reference
	Owner        string   // who the repository belongs to: presets of others are refused; "" when that is not known
	Owners       []string // others whose presets may be taken
	Fetch        Fetch    // reads files of other repositories; nil reads none
	FailOn       string   // --fail-on; "" when it was not given
	Only         []string // --check: only these checks; none means all
	Others       bool     // the checks that Only does not name stay as they are
	Timing       Timing   // of sweeps, in the place of the defaults
}

const (
	defaultOrigin = "default"
	onlyOrigin    = "--check"
)

// Load reads the configuration of a repository. The error of a file that is wrong is an *Error; a preset that is wrong,
// and what cannot be had of an organisation, is left out and told in Missing.
func Load(repo fs.FS, s Settings) (*Config, error) {
	l := &loader{Settings: s, repo: repo, c: defaults(s.Checks), left: maxSources, got: map[Reference]*fetched{}}
	l.c.Sweeps.Schedule = cmp.Or(s.Timing.Schedule, l.c.Sweeps.Schedule)
	l.c.Sweeps.TimeZone = cmp.Or(s.Timing.TimeZone, l.c.Sweeps.TimeZone)
	if err := l.load(); err != nil {
		return nil, err
	}
	return l.c, l.c.takeFlags(s)
}

// Default is the configuration of a repository that has none.
func Default(checks []*check.Check) *Config { return defaults(checks) }

func defaults(checks []*check.Check) *Config {
	c := &Config{FailOn: check.Warning, Builder: check.BuildKit, MaxInline: DefaultInline, origins: map[string]string{}}
	c.Drafts, c.Bots = DraftsCheck, BotsChangedLines
	c.Sweeps = Sweeps{Schedule: "weekly", TimeZone: "UTC", Families: family("").words(),
		BranchPrefix: DefaultBranchPrefix, OpenPulls: defaultOpenPulls, Dashboard: NoDashboard}
	for _, known := range checks {
		c.Rules = append(c.Rules, Rule{Check: known, On: !known.OptIn, Severity: known.Severity, Origin: defaultOrigin})
	}
	return c
}

// Find reads a repository's configuration; the error wraps fs.ErrNotExist when there is none.
func Find(repo fs.FS) (Source, error) {
	var found *Source
	for _, name := range Files {
		text, err := readFile(repo, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Source{}, err
		}
		if found != nil {
			words := "there is " + found.Path + " too; keep one of them"
			return Source{}, &Error{[]Problem{{Reference: Reference{Path: name}, Msg: words}}}
		}
		found = &Source{Reference{Path: name}, text}
	}
	if found == nil {
		return Source{}, fmt.Errorf("find a configuration: %w", fs.ErrNotExist)
	}
	return *found, nil
}

// From reads the file that a reference names from its repository, for a Fetch.
func From(repo fs.FS, ref Reference) (Source, error) {
	src, err := Source{}, error(nil)
	if ref.Path == "" {
		src, err = Find(repo)
		ref.Path = src.Path
	} else {
		src.Text, err = readFile(repo, ref.Path)
	}
	var wrong *Error
	if errors.As(err, &wrong) {
		for n := range wrong.Problems {
			ref.Path = wrong.Problems[n].Path
			wrong.Problems[n].Reference = ref
		}
	}
	return Source{ref, src.Text}, err
}

func readFile(repo fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(repo, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if info.Size() > maxConfig {
		return nil, tooLarge(Reference{Path: name}, info.Size())
	}
	text, err := fs.ReadFile(repo, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

func tooLarge(ref Reference, size int64) error {
	const message = "%d bytes are more than the %d of a configuration"
	return &Error{[]Problem{{Reference: ref, Msg: fmt.Sprintf(message, size, maxConfig)}}}
}

// take puts a file on top: single values and each check by themselves, a list in place of the one that was there.
func (c *Config) take(f file, d *decoder) {
	set := func(key string) bool { return d.origin(key) != "" }
	c.takeOrigins(d)
	c.takeChecks(f, d)
	if set("fail-on") {
		c.FailOn = severity(string(f.FailOn))
	}
	if set("builder") {
		c.Builder = check.Builder(f.Builder)
	}
	if set("trusted-registries") {
		c.Registries = plain(f.Registries)
	}
	if set("comments.max-inline") {
		c.MaxInline = int(f.Comments.MaxInline)
	}
	if set("paths.include") {
		c.include = f.Paths.Include
	}
	if set("paths.exclude") {
		c.exclude = f.Paths.Exclude
	}
	if set("builds") {
		c.builds = f.Builds
	}
	if set("drafts") {
		c.Drafts = Drafts(f.Drafts)
	}
	if set("bots") {
		c.Bots = Bots(f.Bots)
	}
	c.takeSweeps(f.Sweeps, set)
}

// takeOrigins notes where the values of a file stand. What stood in a list that the file replaces is gone.
func (c *Config) takeOrigins(d *decoder) {
	lists := append([]string{"paths.include", "paths.exclude", "builds", "trusted-registries"}, sweepLists...)
	for _, key := range lists {
		if d.origin(key) != "" {
			c.forget(key)
		}
	}
	for key := range d.lines {
		if at := d.origin(key); at != "" {
			c.origins[key] = at
		}
	}
}

// forget drops where the items of a list stood.
func (c *Config) forget(key string) {
	maps.DeleteFunc(c.origins, func(item, _ string) bool { return strings.HasPrefix(item, key+"[") })
}

// origin is the place of a key, "" when the file does not have it or gives it no value.
func (d *decoder) origin(key string) string {
	at, ok := d.lines[key]
	if !ok || d.silent[key] {
		return ""
	}
	return fmt.Sprintf("%s:%d", d.src.where(), at.line)
}

// checks holds the names of the checks against the catalogue.
func (d *decoder) checks(f file, rules []Rule) {
	told := map[string]string{} // which key speaks of a check
	for _, key := range slices.Sorted(maps.Keys(f.Checks)) {
		at := d.lines["checks."+key]
		found := rulesFor(rules, key)
		if len(found) == 0 {
			d.problems = append(d.problems, Problem{d.src.Reference, at.line, at.column, unknownCheck(key, rules)})
		}
		for _, n := range found {
			name := rules[n].Check.Name
			if other := told[name]; other != "" && key != name && other != name {
				d.problems = append(d.problems, Problem{d.src.Reference, at.line, at.column,
					fmt.Sprintf("%s and %s are both the check %s; keep one of them", other, key, name)})
			}
			told[name] = key
		}
	}
}

func unknownCheck(key string, rules []Rule) string {
	var names []string
	for _, r := range rules {
		names = append(names, r.Check.Name)
	}
	return UnknownCheck(key, names)
}

// UnknownCheck says that no check goes by a name, and which one was probably meant.
func UnknownCheck(name string, names []string) string {
	return fmt.Sprintf("no check is called %q%s", name, cmp.Or(guess(name, names), "; lighterman explain lists them"))
}

// rulesFor are the indexes of the checks that go by a name.
func rulesFor(rules []Rule, name string) []int {
	var out []int
	for n, r := range rules {
		if r.Check.GoesBy(name) {
			out = append(out, n)
		}
	}
	return out
}

// takeChecks decides about the checks that the file names: by another tool's id first, so that our own names win.
func (c *Config) takeChecks(f file, d *decoder) {
	for _, own := range []bool{false, true} {
		for _, key := range slices.Sorted(maps.Keys(f.Checks)) {
			for _, n := range rulesFor(c.Rules, key) {
				if (c.Rules[n].Check.Name == key) == own && f.Checks[key] != "" {
					c.decide(n, f.Checks[key], d.origin("checks."+key))
				}
			}
		}
	}
}

func (c *Config) decide(n int, l level, origin string) {
	r := &c.Rules[n]
	r.On, r.Origin = l != "off", origin
	if l != "on" && l != "off" {
		r.Severity = severity(string(l))
	}
}

// severity is a word of failOn or level as the engine has it.
func severity(word string) check.Severity {
	s, err := check.ParseSeverity(word)
	if err != nil {
		return Never
	}
	return s
}

func plain[T ~string](list []T) []string {
	out := make([]string, len(list))
	for n, item := range list {
		out[n] = string(item)
	}
	return out
}

// takeFlags puts what a command was told on top.
func (c *Config) takeFlags(s Settings) error {
	if s.FailOn != "" {
		if words := failOn("").words(); !slices.Contains(words, s.FailOn) {
			return fmt.Errorf("severity %q is none of %s", s.FailOn, strings.Join(words, ", "))
		}
		c.FailOn, c.origins["fail-on"] = severity(s.FailOn), "--fail-on"
	}
	if len(s.Only) == 0 {
		return nil
	}
	for _, name := range s.Only {
		found := rulesFor(c.Rules, name)
		if len(found) == 0 {
			return errors.New(unknownCheck(name, c.Rules))
		}
		for _, n := range found {
			c.Rules[n].Named = true
		}
	}
	for n := range c.Rules {
		if r := &c.Rules[n]; r.On != r.Named && (r.Named || !s.Others) {
			r.On, r.Origin = r.Named, onlyOrigin
		}
	}
	return nil
}

// Options are o narrowed to what was decided.
func (c *Config) Options(o check.Options) check.Options {
	o.Severities = map[string]check.Severity{}
	for _, r := range c.Rules {
		switch {
		case !r.On && !r.Check.OptIn:
			o.Ignored = append(o.Ignored[:len(o.Ignored):len(o.Ignored)], r.Check.Name)
		case r.On && r.Check.OptIn:
			o.Enabled = append(o.Enabled[:len(o.Enabled):len(o.Enabled)], r.Check.Name)
		}
		if r.Severity != r.Check.Severity {
			o.Severities[r.Check.Name] = r.Severity
		}
		o.Aging = o.Aging || r.Named && r.Check.Aging
	}
	o.Builder, o.Registries, o.Keeps, o.Stated = c.Builder, c.Registries, c.Keeps, c.Stated
	return o
}

// Keeps reports whether a Dockerfile is looked at, as far as paths say.
func (c *Config) Keeps(name string) bool {
	_, out := matchesAny(c.exclude, name)
	_, in := matchesAny(c.include, name)
	return !out && (in || len(c.include) == 0)
}

// Excludes says where it is said that a Dockerfile is not looked at, "" when it is looked at.
func (c *Config) Excludes(name string) string {
	if c.Keeps(name) {
		return ""
	}
	if n, ok := matchesAny(c.exclude, name); ok {
		return c.origins[fmt.Sprintf("paths.exclude[%d]", n)]
	}
	return c.origins["paths.include"]
}

// Stated are the ways of building a Dockerfile that the configuration states.
func (c *Config) Stated(name string) []buildcontext.Override {
	var out []buildcontext.Override
	for n, b := range c.builds {
		if _, ok := matchesAny(b.Files, name); !ok {
			continue
		}
		o := buildcontext.Override{Origin: c.origins[fmt.Sprintf("builds[%d]", n)], Dir: b.Context.clean(), Target: b.Target}
		for key, text := range b.Args {
			if o.Args == nil {
				o.Args = map[string]string{}
			}
			o.Args[key] = string(text)
		}
		o.Platforms = plain(b.Platforms)
		out = append(out, o)
	}
	return out
}

// Unused are the names that the hadolint configuration ignores without effect on us: of those that are checks of ours,
// the ones that are not among what was suppressed in the whole repository.
func (c *Config) Unused(suppressed []check.Suppressed) []check.Unused {
	var out []check.Unused
	for _, e := range c.Ignored {
		used := slices.ContainsFunc(suppressed, func(s check.Suppressed) bool { return s.Check.GoesBy(e.Name) })
		if !used {
			out = append(out, check.Unused{Path: e.Path, Line: e.Line, Name: e.Name})
		}
	}
	return out
}
