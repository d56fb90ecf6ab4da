package config_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
)

// examples are configuration files, and what is wrong with them: nothing, or the beginnings of the lines that say so.
// loose marks what the schema cannot tell.
var examples = []struct {
	name, text string
	wrong      []string
	loose      bool
}{
	{name: "nothing", text: ""},
	{name: "a comment", text: "# later\n"},
	{name: "null", text: "checks:\npaths:\n  include:\nbuilds:\nfail-on:\ncomments: ~\n"},
	{name: "all", text: `
fail-on: error
builder: kaniko
checks: {copy-order: off, DL3009: error, cache-mount: on}
paths: {include: [services/], exclude: ["*.dev.Dockerfile", legacy/**]}
builds:
  - files: [web/Dockerfile]
    context: .
    target: prod
    args: {VERSION: 1.20, DEBUG: false, NAME: web}
    platforms: [linux/amd64, linux/arm/v7]
trusted-registries: [docker.io, "*.example.com", "registry.example.com:5000/base"]
comments: {max-inline: 0}
drafts: comment
bots: all
extends: [acme/presets, "acme/presets:docker/strict.yml", "acme/presets:x.yaml@release/1.x", acme/presets@v1]
sweeps: {enabled: true, schedule: 0 6 * * 1-5, time-zone: Europe/Berlin, families: [caching, non-root], quiet-hours: "22:00-06:30",
  title-prefix: "[docker]", branch-prefix: bot/docker-, labels: [docker, "good first issue"], assignees: [robin],
  reviewers: [sam-o, team/platform.eng], draft: true, open-pulls: 1}
`},
	{name: "YAML 1.1", text: "checks: {copy-order: false, cache-mount: true}\n"},
	{name: "JSON", text: `{"fail-on": "never", "checks": {"copy-order": "info"}}`},

	{name: "unknown key", text: "chekcs: {}\n", wrong: []string{`1:1: there is no key "chekcs"; did you mean "checks"?`}},
	{name: "unknown key, nothing near", text: "sweeps:\n  colour: red\n",
		wrong: []string{`2:3: there is no key "colour"; there are enabled, schedule, time-zone, quiet-hours, families`}},
	{name: "several at once", text: "fail_on: error\nbuilder: docker\npaths: []\ncomments: {max-inline: many}\n", wrong: []string{
		`1:1: there is no key "fail_on"; did you mean "fail-on"?`,
		`2:10: builder is "docker", which is none of buildkit, buildah, kaniko, official-images`,
		`3:8: paths takes a mapping, not a list`,
		`4:24: comments.max-inline takes a whole number, not the text "many"`}},
	{name: "a list", text: "- a\n", wrong: []string{"1:1: the file takes a mapping, not a list"}},
	{name: "a text", text: "warning\n", wrong: []string{`1:1: the file takes a mapping, not the text "warning"`}},
	{name: "unknown severity", text: "fail-on: eror\n",
		wrong: []string{`1:10: fail-on is "eror", which is none of info, warning, error, never; did you mean "error"?`}},
	{name: "unknown check", text: "checks:\n  copy-ordr: off\n",
		wrong: []string{`2:3: no check is called "copy-ordr"; did you mean "copy-order"?`}},
	{name: "unknown check, nothing near", text: "checks: {DL9999: off}\n",
		wrong: []string{`1:10: no check is called "DL9999"; lighterman explain lists them`}},
	{name: "the same check twice", text: "checks: {DL3009: off, dl3009: on}\n", loose: true,
		wrong: []string{`1:23: DL3009 and dl3009 are both the check apt-lists-kept; keep one of them`}},
	{name: "level", text: "checks: {copy-order: none}\n",
		wrong: []string{`1:22: checks.copy-order is "none", which is none of off, on, info, warning, error; did you mean "on"?`}},
	{name: "level as a mapping", text: "checks:\n  copy-order:\n    severity: off\n",
		wrong: []string{`3:5: checks.copy-order takes on, off or a severity, not a mapping`}},
	{name: "a key twice", text: "fail-on: error\nfail-on: info\n", loose: true, wrong: []string{`2:1: fail-on is set twice`}},
	{name: "a check twice", text: "checks:\n  copy-order: on\n  copy-order: off\n", loose: true,
		wrong: []string{`3:3: checks.copy-order is set twice`}},
	{name: "an item of the wrong kind", text: "paths:\n  exclude: [a, 1, {b: c}]\n",
		wrong: []string{`2:16: paths.exclude[1] takes a text, not the number 1`, `2:19: paths.exclude[2] takes a text, not a mapping`}},
	{name: "not a list", text: "paths: {exclude: legacy}\n", wrong: []string{`1:18: paths.exclude takes a list, not the text "legacy"`}},
	{name: "a broken pattern", text: "paths: {include: ['a[']}\n", loose: true, wrong: []string{`1:19: paths.include[0]: "a[" is not a pattern`}},
	{name: "an empty pattern", text: "paths: {include: ['']}\n", wrong: []string{`1:19: paths.include[0]: a pattern of nothing`}},
	{name: "a pattern that costs too much", text: "paths: {include: ['{a,b}{a,b}{a,b}{a,b}']}\n", loose: true,
		wrong: []string{`1:19: paths.include[0]: the pattern has more than 256 bytes, 3 braces or 20 commas`}},
	{name: "a build of nothing", text: "builds:\n  - context: web\n", wrong: []string{`2:5: builds[0] needs "files"`}},
	{name: "outside", text: "builds: [{files: [a], context: ../b}]\n", loose: true,
		wrong: []string{`1:32: builds[0].context: "../b" is not a folder of the repository`}},
	{name: "platform", text: "builds: [{files: [a], platforms: [amd64]}]\n",
		wrong: []string{`1:35: builds[0].platforms[0]: "amd64" is not a platform`}},
	{name: "arguments as a list", text: "builds: [{files: [a], args: [A=b]}]\n", wrong: []string{`1:29: builds[0].args takes a mapping, not a list`}},
	{name: "registry", text: "trusted-registries: ['https://ghcr.io']\n",
		wrong: []string{`1:22: trusted-registries[0]: "https://ghcr.io" is not a registry`}},
	{name: "too many", text: "comments: {max-inline: 500}\n", wrong: []string{`1:24: comments.max-inline: 500 is not from 0 to 50`}},
	{name: "not whole", text: "comments: {max-inline: 1.5}\n", wrong: []string{`1:24: comments.max-inline takes a whole number, not the number 1.5`}},
	{name: "quoted truth", text: "sweeps: {enabled: 'yes'}\n", wrong: []string{`1:19: sweeps.enabled takes true or false, not the text "yes"`}},
	{name: "schedule", text: "sweeps: {schedule: hourly}\n", wrong: []string{`1:20: sweeps.schedule: "hourly" is not daily, weekly, monthly`}},
	{name: "cron", text: "sweeps: {schedule: 0 25 * * *}\n", loose: true, wrong: []string{`1:20: sweeps.schedule: "0 25 * * *" is not five fields of cron`}},
	{name: "cron with a zone", text: "sweeps: {schedule: 'TZ=0 * * * *'}\n", loose: true, wrong: []string{`1:20: sweeps.schedule: `}},
	{name: "time zone", text: "sweeps: {time-zone: Mars/Olympus}\n", loose: true, wrong: []string{`1:21: sweeps.time-zone: "Mars/Olympus" is not a time zone`}},
	{name: "quiet hours", text: "sweeps: {quiet-hours: 22-6}\n",
		wrong: []string{`1:23: sweeps.quiet-hours: "22-6" are no hours of a day, as in 22:00-06:00`}},
	{name: "hours of no day", text: "sweeps: {quiet-hours: '22:00-24:00'}\n", wrong: []string{`1:23: sweeps.quiet-hours: "22:00-24:00" are no hours`}},
	{name: "no hours", text: "sweeps: {quiet-hours: '22:00-22:00'}\n", loose: true, wrong: []string{`1:23: sweeps.quiet-hours: "22:00-22:00" are no hours`}},
	{name: "branches", text: "sweeps: {branch-prefix: ../x}\n", wrong: []string{`1:25: sweeps.branch-prefix: "../x" cannot begin the name of a branch`}},
	{name: "a branch with a gap", text: "sweeps: {branch-prefix: a//b}\n", wrong: []string{`1:25: sweeps.branch-prefix: "a//b" cannot`}},
	{name: "a locked branch", text: "sweeps: {branch-prefix: a.lock/}\n", loose: true, wrong: []string{`1:25: sweeps.branch-prefix: "a.lock/" cannot`}},
	{name: "titles", text: "sweeps: {title-prefix: \"a\\nb\"}\n", wrong: []string{`1:24: sweeps.title-prefix: "a\nb" is not one line of 1 to 40 characters`}},
	{name: "labels", text: "sweeps: {labels: ['']}\n", wrong: []string{`1:19: sweeps.labels[0]: "" is not a label`}},
	{name: "people", text: "sweeps: {assignees: ['@robin'], reviewers: [team/a/b]}\n", wrong: []string{
		`1:22: sweeps.assignees[0]: "@robin" is not somebody's login, which is written without @`,
		`1:45: sweeps.reviewers[0]: "team/a/b" is neither somebody's login, without @, nor team/NAME`}},
	{name: "one preset", text: "extends: acme/presets\n"},
	{name: "no preset", text: "extends: []\n"},
	{name: "presets", text: "extends: [acme, acme/x/y, 'acme/x:y', 'acme/x:y.yml@', 3]\n", wrong: []string{
		`1:11: extends[0]: "acme" names no preset, as in OWNER/REPO,`, `1:17: extends[1]: "acme/x/y" names`,
		`1:27: extends[2]: "acme/x:y" names`, `1:39: extends[3]: "acme/x:y.yml@" names`, `1:56: extends[4] takes a text, not the number 3`}},
	{name: "a preset by number", text: "extends: 3\n", wrong: []string{`1:10: extends takes a text or a list, not the number 3`}},
	{name: "preset as mapping", text: "extends: {a: b}\n", wrong: []string{`1:10: extends takes a text or a list, not a mapping`}},
	{name: "an address", text: "extends: https://example.com/a.yml\n", wrong: []string{`1:10: extends[0]: "https://example.com/a.yml" names`}},
	{name: "presets outside", text: "extends: [./../x.yml, 'acme/..', 'acme/x:../y.yml', 'acme/x:a/../y.yml', 'acme/x:/y.yml', 'acme/x@../..', 'acme/x@a//b', 'acme/x@a..b']\n",
		loose: true, wrong: []string{`1:11: extends[0]: "./../x.yml" names`, `1:23: extends[1]`, `1:34: extends[2]`, `1:53: extends[3]`, `1:74: extends[4]`,
			`1:91: extends[5]`, `1:107: extends[6]`, `1:122: extends[7]`}},
	{name: "drafts", text: "drafts: on\n", wrong: []string{`1:9: drafts is "on", which is none of check, comment, skip`}},
	{name: "bots", text: "bots: changed_lines\n",
		wrong: []string{`1:7: bots is "changed_lines", which is none of changed-lines, all, skip; did you mean "changed-lines"?`}},
	{name: "family", text: "sweeps: {families: [cacheing]}\n",
		wrong: []string{`1:21: sweeps.families[0] is "cacheing", which is none of caching`}},
	{name: "an alias", text: "paths:\n  include: &a [x]\n  exclude: *a\n", loose: true, wrong: []string{`3:12: *a stands for something else; write it out`}},
	{name: "a merge", loose: true, text: "comments:\n  <<: {max-inline: 3}\n", wrong: []string{`2:3: there is no key "<<"; there are max-inline`}},
	{name: "two documents", text: "fail-on: error\n---\nfail-on: info\n", loose: true, wrong: []string{` one document was expected, not several`}},
	{name: "not YAML", text: "checks: {\n", loose: true, wrong: []string{`2:1: not YAML: `}},
	{name: "a tab", text: "paths:\n\tinclude: []\n", loose: true, wrong: []string{`2:1: not YAML: `}},
}

const name = ".github/lighterman.yml"

func TestExamples(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			_, err := config.Load(repo(name, e.text), config.Settings{Checks: catalogue()})
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(e.wrong) {
				t.Fatalf("got\n%s\nwant %q", strings.Join(got, "\n"), e.wrong)
			}
			for n, line := range got {
				if !strings.HasPrefix(line, name+":"+e.wrong[n]) {
					t.Errorf("got\n%s\nwant\n%s:%s", line, name, e.wrong[n])
				}
			}
		})
	}
}

// TestSchemaTakesWhatTheParserTakes holds the examples against the schema, through a validator of somebody else.
func TestSchemaTakesWhatTheParserTakes(t *testing.T) {
	schema := compiled(t)
	for _, e := range examples {
		if e.loose {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			var v any
			if err := yaml.Unmarshal([]byte(e.text), &v); err != nil {
				t.Fatal(err)
			}
			if v == nil {
				return
			}
			plain, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			v, err = jsonschema.UnmarshalJSON(bytes.NewReader(plain))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); (err == nil) != (e.wrong == nil) {
				t.Errorf("the schema says %v, the parser %q", err, e.wrong)
			}
		})
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema(catalogue())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lighterman.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("lighterman.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func load(t *testing.T, s config.Settings, files ...string) *config.Config {
	t.Helper()
	s.Checks = catalogue()
	c, err := config.Load(repo(files...), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const effective = `fail-on: never                # --fail-on
builder: buildah              # .github/lighterman.yml:2
checks:
  copy-order: error           # .github/lighterman.yml:4
  apt-lists-kept: warning     # .github/lighterman.yml:5
  cache-mount: info           # .github/lighterman.yml:6
paths:
  include: []                 # default
  exclude:                    # .github/lighterman.yml:7
    - legacy/                 # .github/lighterman.yml:7
    - "*.old"                 # .github/lighterman.yml:7
builds:
  - files: ["web/**"]         # .github/lighterman.yml:9
    context: services/web     # .github/lighterman.yml:10
    args:                     # .github/lighterman.yml:11
      A: "1.20"               # .github/lighterman.yml:11
trusted-registries:           # .hadolint.yaml:2
  - docker.io
comments:
  max-inline: 10              # default
drafts: check                 # default
bots: changed-lines           # default
sweeps:
  enabled:                    # default
  schedule: weekly            # default
  time-zone: UTC              # default
  quiet-hours:                # default
  families:                   # default
    - caching
    - smaller-image
    - non-root
    - pinning
    - context
    - hygiene
  title-prefix:               # default
  branch-prefix: lighterman/  # default
  labels: []                  # default
  assignees: []               # default
  reviewers: []               # default
  draft: false                # default
  open-pulls: 3               # default
  dashboard: none             # default
`

// TestWrite prints what holds with its origins, and what is printed says the same again.
func TestWrite(t *testing.T) {
	text := "fail-on: error\nbuilder: buildah\nchecks:\n  copy-order: error\n  DL3009: on\n  cache-mount: on\n" +
		"paths: {exclude: [legacy/, '*.old']}\nbuilds:\n  - files: [web/**]\n    context: ./services/web\n    args: {A: 1.20}\n"
	c := load(t, config.Settings{FailOn: "never"}, name, text, ".hadolint.yaml", "ignored: [DL3009]\ntrustedRegistries: [docker.io]\n")
	var out bytes.Buffer
	if err := c.Write(&out); err != nil {
		t.Fatal(err)
	}
	quotes := strings.NewReplacer("'", `"`)
	if diff := cmp.Diff(effective, quotes.Replace(out.String())); diff != "" {
		t.Error(diff)
	}
	var again bytes.Buffer
	if err := load(t, config.Settings{}, name, out.String()).Write(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bare(out.String()), bare(again.String())); diff != "" {
		t.Error(diff)
	}
}

// bare is a printed configuration without the origins.
func bare(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		before, _, _ := strings.Cut(line, "#")
		out = append(out, strings.TrimSpace(before))
	}
	return strings.Join(out, "\n")
}

func TestOptions(t *testing.T) {
	c := load(t, config.Settings{}, name, "checks: {copy-order: off, DL3009: error, X1: on}\nbuilder: kaniko\ntrusted-registries: [ghcr.io]\n")
	o := c.Options(check.Options{Ignored: []string{"other"}})
	if diff := cmp.Diff([]string{"other", "copy-order"}, o.Ignored); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cache-mount"}, o.Enabled); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]check.Severity{"apt-lists-kept": check.Error}, o.Severities); diff != "" {
		t.Error(diff)
	}
	if o.Builder != check.Kaniko || len(o.Registries) != 1 {
		t.Errorf("builder %s, registries %v", o.Builder, o.Registries)
	}
}

func TestOnlyTheChecksThatAreNamed(t *testing.T) {
	on := func(s config.Settings) (names []string) {
		c := load(t, s, ".hadolint.yaml", "ignored: [DL3009]\n")
		for _, r := range c.Rules {
			if r.On {
				names = append(names, r.Check.Name+" "+r.Origin)
			}
		}
		return names
	}
	got := on(config.Settings{Only: []string{"x1", "apt-lists-kept"}})
	if diff := cmp.Diff([]string{"apt-lists-kept --check", "cache-mount --check"}, got); diff != "" {
		t.Error(diff)
	}
	got = on(config.Settings{Only: []string{"X1"}, Others: true})
	if diff := cmp.Diff([]string{"copy-order default", "cache-mount --check"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := config.Load(repo(), config.Settings{Checks: catalogue(), Only: []string{"copy"}}); err == nil {
		t.Error("a check that does not exist was taken")
	}
}

// TestWhatComesWithTimeRunsWhenItIsNamed holds that such a check is left to sweeps until --check names it, on or off before.
func TestWhatComesWithTimeRunsWhenItIsNamed(t *testing.T) {
	known := append(catalogue(), &check.Check{Name: "stale-digest", Aging: true})
	for _, tt := range []struct {
		text   string
		only   []string
		others bool
		aging  bool
	}{
		{"", nil, false, false},
		{"checks: {stale-digest: error}\n", nil, false, false},
		{"", []string{"copy-order"}, true, false},
		{"", []string{"stale-digest"}, false, true},
		{"", []string{"stale-digest"}, true, true},
		{"checks: {stale-digest: off}\n", []string{"copy-order", "stale-digest"}, false, true},
	} {
		c, err := config.Load(repo(name, tt.text), config.Settings{Checks: known, Only: tt.only, Others: tt.others})
		if err != nil {
			t.Fatal(err)
		}
		o := c.Options(check.Options{})
		if left := slices.Contains(o.Ignored, "stale-digest"); o.Aging != tt.aging || tt.aging && left {
			t.Errorf("%q, --check %q: aging %t, want %t; ignored: %q", tt.text, tt.only, o.Aging, tt.aging, o.Ignored)
		}
	}
	if !(&config.Config{}).Options(check.Options{Aging: true}).Aging {
		t.Error("a sweep's own wish is lost")
	}
}

func TestPaths(t *testing.T) {
	c := load(t, config.Settings{}, name, "paths:\n  include: [services/, '*.Dockerfile']\n  exclude:\n    - legacy\n    - /services/old/*/Dockerfile\n    - services/{a,b}/**\n")
	for path, want := range map[string]string{
		"services/web/Dockerfile":            "",
		"services/Dockerfile":                "",
		"x.Dockerfile":                       "",
		"deep/down/x.Dockerfile":             "",
		"Dockerfile":                         name + ":2",
		"more/services/Dockerfile":           "", // without a slash but at its end it matches at any depth, as in .gitignore
		"services/legacy/Dockerfile":         name + ":4",
		"services/old/1/Dockerfile":          name + ":5",
		"services/old/1/2/Dockerfile":        "",
		"services/a/Dockerfile":              name + ":6",
		"services/legacy.d/Dockerfile":       "",
		"services/c/legacy/d/e/x.Dockerfile": name + ":4",
	} {
		if got := c.Excludes(path); got != want || c.Keeps(path) != (want == "") {
			t.Errorf("%s: excluded by %q, want %q", path, got, want)
		}
	}
}

func TestBuilds(t *testing.T) {
	c := load(t, config.Settings{}, name, `builds:
  - files: [web/*Dockerfile]
    context: web/
    args: {A: 1}
  - files: [Dockerfile]
    target: prod
    platforms: [linux/arm64]
`)
	got := c.Stated("web/Dockerfile")
	if len(got) != 2 || got[0].Dir != "web" || got[0].Args["A"] != "1" || got[0].Origin != name+":2" ||
		got[1].Dir != "" || got[1].Target != "prod" || got[1].Platforms[0] != "linux/arm64" {
		t.Errorf("got %+v", got)
	}
	if got := c.Stated("other.Dockerfile"); got != nil {
		t.Errorf("got %+v", got)
	}
}

func TestWhereItIsLookedFor(t *testing.T) {
	for _, file := range config.Files {
		if c := load(t, config.Settings{}, file, "fail-on: info\n"); c.FailOn != check.Info || !config.Wanted(file) {
			t.Errorf("%s is not read", file)
		}
	}
	_, err := config.Load(repo(config.Files[0], "", config.Files[2], ""), config.Settings{})
	if err == nil || !strings.Contains(err.Error(), "keep one of them") {
		t.Errorf("of two files: %v", err)
	}
	_, err = config.Load(repo(config.Files[0], strings.Repeat("#", 1<<17)), config.Settings{})
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("of a large file: %v", err)
	}
	c := load(t, config.Settings{Source: &config.Source{Reference: config.Reference{Path: "x.yml"}, Text: []byte("fail-on: info")}}, name, "fail-on: bad")
	if c.FailOn != check.Info {
		t.Error("the file that was given is not read")
	}
}

func FuzzLoad(f *testing.F) {
	for _, e := range examples {
		f.Add(e.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// The text is also its own organisation's default and every preset that it names.
		s := config.Settings{Checks: catalogue(), Organisation: config.Reference{Repo: "acme/.github"}, Owner: "acme"}
		s.Fetch = func(ref config.Reference) (config.Source, error) {
			return config.Source{Reference: ref, Text: []byte(text)}, nil
		}
		c, err := config.Load(repo(name, text), s)
		if err != nil {
			return
		}
		if changes := config.Difference(c, c); changes != nil || len(c.Missing) > 30 {
			t.Errorf("differs from itself: %+v; missing %v", changes, c.Missing)
		}
		var out bytes.Buffer
		if err := c.Write(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(repo(name, out.String()), config.Settings{Checks: catalogue()}); err != nil {
			t.Errorf("what was printed is not taken: %v\n%s", err, out.String())
		}
	})
}

// TestCalm tells the quiet hours, through midnight and in their time zone.
func TestCalm(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 25, hour, minute, 0, 0, time.UTC) }
	for _, tt := range []struct {
		hours, zone string
		at          time.Time
		want        bool
	}{
		{"22:00-06:00", "UTC", at(22, 0), true},
		{"22:00-06:00", "UTC", at(5, 59), true},
		{"22:00-06:00", "UTC", at(6, 0), false},
		{"22:00-06:00", "UTC", at(12, 0), false},
		{"09:30-17:00", "UTC", at(9, 29), false},
		{"09:30-17:00", "UTC", at(9, 30), true},
		{"09:30-17:00", "UTC", at(17, 0), false},
		{"22:00-06:00", "Asia/Tokyo", at(12, 59), false},
		{"22:00-06:00", "Asia/Tokyo", at(13, 0), true},
		{"", "UTC", at(0, 0), false},
	} {
		if got := (config.Sweeps{Quiet: tt.hours, TimeZone: tt.zone}).Calm(tt.at); got != tt.want {
			t.Errorf("%s %s at %s: %t", tt.hours, tt.zone, tt.at, got)
		}
	}
}

// TestSweepsDecided tells what was switched off from what nobody decided, and both read back as what was written.
func TestSweepsDecided(t *testing.T) {
	for _, tt := range []struct {
		text             string
		enabled, decided bool
		written          string
	}{
		{"", false, false, "enabled:"},
		{"sweeps: {enabled: }\n", false, false, "enabled:"},
		{"sweeps: {enabled: false}\n", false, true, "enabled: false"},
		{"sweeps: {enabled: true}\n", true, true, "enabled: true"},
	} {
		c := load(t, config.Settings{}, name, tt.text)
		for range 2 {
			if c.Sweeps.Enabled != tt.enabled || c.Sweeps.Decided != tt.decided {
				t.Errorf("%q: enabled %t, decided %t", tt.text, c.Sweeps.Enabled, c.Sweeps.Decided)
			}
			var out bytes.Buffer
			if err := c.Write(&out); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(bare(out.String())+"\n", "\n"+tt.written+"\n") {
				t.Errorf("%q is written as\n%s", tt.text, out.String())
			}
			c = load(t, config.Settings{}, name, out.String())
		}
	}
}
