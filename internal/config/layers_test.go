package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
)

// A shelf holds files of other repositories by reference, and counts how often each is asked for.
type shelf struct {
	files map[string]string
	asked map[string]int
	fails map[string]error
}

func (s *shelf) fetch(ref config.Reference) (config.Source, error) {
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	s.asked[ref.String()]++
	if err := s.fails[ref.String()]; err != nil {
		return config.Source{}, err
	}
	text, ok := s.files[ref.String()]
	if ref.Path == "" {
		ref.Path = config.Files[0]
	}
	if !ok {
		return config.Source{}, fmt.Errorf("read %s: %w", ref, fs.ErrNotExist)
	}
	return config.Source{Reference: ref, Text: []byte(text)}, nil
}

func organised(files map[string]string) (config.Settings, *shelf) {
	s := &shelf{files: files}
	return config.Settings{
		Checks: catalogue(), Owner: "acme", Organisation: config.Reference{Repo: "acme/.github"}, Fetch: s.fetch,
	}, s
}

// stands is what a configuration prints for a key, with its origin.
func stands(t *testing.T, c *config.Config, key string) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Write(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if before, after, _ := strings.Cut(line, " # "); strings.HasPrefix(strings.TrimSpace(before), key) {
			return strings.TrimSpace(before) + " # " + strings.TrimSpace(after)
		}
	}
	return ""
}

// TestLayers puts all layers on top of each other: what stands higher wins, key by key and check by check; a list takes
// the place of the one beneath.
func TestLayers(t *testing.T) {
	s, _ := organised(map[string]string{
		"acme/.github": "extends: acme/base:lighterman/low.yml\nfail-on: error\nbuilder: buildah\n" +
			"checks: {copy-order: error, DL3009: error}\ncomments: {max-inline: 3}\n",
		"acme/base:lighterman/low.yml":    "fail-on: never\nbots: all\ndrafts: skip\nsweeps: {enabled: true, schedule: daily, families: [caching]}\n",
		"acme/presets:a.yml@v1":           "extends: ./b.yml\ncomments: {max-inline: 4}\npaths: {exclude: [a, b], include: [c]}\nbuilds: [{files: [x], target: t}]\n",
		"acme/presets:b.yml@v1":           "comments: {max-inline: 5}\nchecks: {cache-mount: on}\ntrusted-registries: [a.io, b.io]\n",
		"acme/presets":                    "trusted-registries: [c.io, d.io]\ndrafts: comment\n",
		"acme/presets:.github/other.yaml": "builder: nothing that is read\n",
	})
	files := repo(name, "extends: [acme/presets:a.yml@v1, acme/presets]\nchecks:\n  copy-order: info\npaths: {exclude: [z]}\nsweeps: {families: []}\n",
		".hadolint.yaml", "ignored: [DL3009]\n")
	c, err := config.Load(files, s)
	if err != nil || len(c.Missing) > 0 || len(c.Unread) > 0 {
		t.Fatal(err, c.Missing, c.Unread)
	}
	for key, want := range map[string]string{
		"fail-on":        "fail-on: error # acme/.github:.github/lighterman.yml:2",
		"builder":        "builder: buildah # acme/.github:.github/lighterman.yml:3",
		"copy-order":     "copy-order: info # .github/lighterman.yml:3",
		"apt-lists-kept": "apt-lists-kept: off # .hadolint.yaml:1",
		"cache-mount":    "cache-mount: info # acme/presets:b.yml@v1:2",
		"max-inline":     "max-inline: 4 # acme/presets:a.yml@v1:2",
		"include":        "include: # acme/presets:a.yml@v1:3",
		"- c":            "- c # acme/presets:a.yml@v1:3",
		"exclude":        "exclude: # .github/lighterman.yml:4",
		"- z":            "- z # .github/lighterman.yml:4",
		"- a":            "",
		"- b":            "",
		"- files":        `- files: ["x"] # acme/presets:a.yml@v1:4`,
		"- c.io":         "- c.io # acme/presets:.github/lighterman.yml:1",
		"- a.io":         "",
		"drafts":         "drafts: comment # acme/presets:.github/lighterman.yml:2",
		"bots":           "bots: all # acme/base:lighterman/low.yml:2",
		"enabled":        "enabled: true # acme/base:lighterman/low.yml:4",
		"schedule":       "schedule: daily # acme/base:lighterman/low.yml:4",
		"families":       "families: [] # .github/lighterman.yml:5",
		"time-zone":      "time-zone: UTC # default",
	} {
		if got := stands(t, c, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

// TestNoOrganisation holds that an organisation without a default is nothing to speak of, and one that cannot be asked
// an error.
func TestNoOrganisation(t *testing.T) {
	for want, err := range map[string]error{
		"": nil, "gone": fmt.Errorf("read: %w", config.ErrUnreachable), "unread": config.ErrUnread, "no answer": errors.New("no answer"),
	} {
		s, shelf := organised(nil)
		shelf.fails = map[string]error{"acme/.github": err}
		c, got := config.Load(repo(), s)
		if (got != nil) != (want == "no answer") || got == nil && len(c.Missing)+len(c.Unread) > 0 {
			t.Errorf("%v: error %v, config %+v", err, got, c)
		}
	}
	s, _ := organised(map[string]string{"acme/.github": "fail-on: info\nchekcs: {}\n"})
	c, err := config.Load(repo(name, "builder: kaniko\n"), s)
	if err != nil || c.FailOn != check.Warning || c.Builder != check.Kaniko {
		t.Fatalf("a broken default: %v, %+v", err, c)
	}
	const want = `acme/.github:.github/lighterman.yml:2:1: the organisation's default is left out: there is no key "chekcs"; did you mean "checks"?`
	if len(c.Missing) != 1 || c.Missing[0].Error() != want {
		t.Errorf("told %v", c.Missing)
	}
}

// TestPresetsThatCannotBeTaken are told on the line that names them, and everything else holds.
func TestPresetsThatCannotBeTaken(t *testing.T) {
	const on = "checks: {cache-mount: on}\n"
	for want, c := range map[string]struct {
		files map[string]string
		local []string
		own   string
		fails error
	}{
		"2:11: acme/x:a.yml cannot be read: there is no such file":                                                               {nil, nil, "acme/x:a.yml", nil},
		"2:11: acme/x:a.yml cannot be read: the repository, or that version of it, does not exist or is out of reach":            {nil, nil, "acme/x:a.yml", config.ErrUnreachable},
		"2:11: acme/x:a.yml cannot be read: is a symbolic link":                                                                  {nil, nil, "acme/x:a.yml", &fs.PathError{Op: "read", Path: "a.yml", Err: errors.New("is a symbolic link")}},
		"2:11: Other/x belongs to somebody else; presets are taken from repositories of acme":                                    {nil, nil, "Other/x", nil},
		`2:11: acme/x:2:1: there is no key "chekcs"; did you mean "checks"?`:                                                     {map[string]string{"acme/x": "\nchekcs: {}\n"}, nil, "acme/x", nil},
		`2:11: acme/x:lighterman.yml:1:1: there is no key "a"; there are ` + strings.Join(config.Keys(), ", ") + ` (and 1 more)`: {map[string]string{"acme/x:lighterman.yml": "a: 1\nb: 2\n"}, nil, "acme/x:lighterman.yml", nil},
		"2:11: acme/x:secrets.yml:1:1: it is no configuration of lighterman":                                                     {map[string]string{"acme/x:secrets.yml": "password: hunter2\n"}, nil, "acme/x:secrets.yml", nil},
		"2:11: acme/a → acme/b:lighterman.yml:1:1: the file takes a mapping, not the text \"x\"":                                 {map[string]string{"acme/a": "extends: acme/b:lighterman.yml\n", "acme/b:lighterman.yml": "x\n"}, nil, "acme/a", nil},
		"2:11: the presets go round in a circle: acme/a → acme/b → Acme/A":                                                       {map[string]string{"acme/a": "extends: acme/b\n", "acme/b": "extends: Acme/A\n"}, nil, "acme/a", nil},
		"2:11: presets may name presets 3 deep, and this goes on: acme/1 → acme/2 → acme/3 → acme/4":                             {map[string]string{"acme/1": "extends: acme/2\n", "acme/2": "extends: acme/3\n", "acme/3": "extends: acme/4\n"}, nil, "acme/1", nil},
		"2:11: acme/a → Other/b belongs to somebody else; presets are taken from repositories of acme":                           {map[string]string{"acme/a": "extends: Other/b\n"}, nil, "acme/a", nil},
		"2:11: ./a.yml cannot be read: there is no such file":                                                                    {nil, nil, "./a.yml", nil},
		"2:11: the presets go round in a circle: ./.github/lighterman.yml":                                                       {nil, nil, "./.github/lighterman.yml", nil},
		"2:11: acme/x: 65537 bytes are more than the 65536 of a configuration":                                                   {map[string]string{"acme/x": strings.Repeat("#", 65537)}, nil, "acme/x", nil},
	} {
		t.Run(c.own, func(t *testing.T) {
			s, shelf := organised(c.files)
			shelf.fails = map[string]error{c.own: c.fails}
			got, err := config.Load(repo(append(c.local, name, "builder: kaniko\nextends: ['"+c.own+"', './ok.yml']\n", "ok.yml", on)...), s)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Missing) != 1 || got.Missing[0].Error() != name+":"+want {
				t.Errorf("got\n%v\nwant\n%s", got.Missing, want)
			}
			if got.Builder != check.Kaniko || !got.Rules[2].On {
				t.Errorf("the rest does not hold: %+v", got)
			}
		})
	}
}

// TestPresetsOfTheRepositoryItself are told of in their own lines.
func TestPresetsOfTheRepositoryItself(t *testing.T) {
	c, err := config.Load(repo(name, "extends: ./lib/a.yml\n", "lib/a.yml", "fail-on: info\nextends: ./lib/b.yml\n", "lib/b.yml", "\nfail-on: eror\nx: 1\n"),
		config.Settings{Checks: catalogue()})
	if err != nil || len(c.Missing) != 2 || !strings.HasPrefix(c.Missing[0].Error(), `lib/b.yml:2:10: fail-on is "eror"`) {
		t.Fatalf("%v, %v", err, c.Missing)
	}
	if got := stands(t, c, "fail-on"); got != "fail-on: info # lib/a.yml:1" {
		t.Error(got)
	}
}

// TestPresetsThatAreNotRead are no mistake.
func TestPresetsThatAreNotRead(t *testing.T) {
	c, err := config.Load(repo(name, "extends: acme/x\nfail-on: info\n"), config.Settings{Checks: catalogue()})
	if err != nil || c.FailOn != check.Info || len(c.Missing) != 0 {
		t.Fatal(err, c)
	}
	if want := name + ":1:10: acme/x"; len(c.Unread) != 1 || c.Unread[0].Error() != want {
		t.Errorf("got %v, want %s", c.Unread, want)
	}
}

// TestPresetsAreBounded holds how many files are read, however they name each other, and that each is read once.
func TestPresetsAreBounded(t *testing.T) {
	files := map[string]string{}
	var all []string
	for n := range 15 {
		ref := fmt.Sprintf("acme/%d", n)
		all = append(all, ref)
		files[ref] = "extends: [acme/x, acme/y, acme/z]\n"
	}
	files["acme/x"], files["acme/y"], files["acme/z"] = "{}", "{}", "{}"
	s, shelf := organised(files)
	c, err := config.Load(repo(name, "extends: ["+strings.Join(all, ", ")+"]\n"), s)
	if err != nil {
		t.Fatal(err)
	}
	delete(shelf.asked, "acme/.github")
	want := map[string]int{"acme/0": 1, "acme/1": 1, "acme/2": 1, "acme/x": 1, "acme/y": 1, "acme/z": 1}
	if diff := cmp.Diff(want, shelf.asked); diff != "" {
		t.Error(diff)
	}
	if len(c.Missing) == 0 || len(c.Missing) > 20 || !strings.Contains(c.Missing[0].Error(), "acme/2 → acme/y is one too many; a configuration is made of 10 presets at most") {
		t.Errorf("told %v", c.Missing)
	}
}

// TestHostileFiles holds that what is made to cost time or memory costs little, in our own file and in a preset.
func TestHostileFiles(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for n := range 20 {
		bomb += fmt.Sprintf("%c: &%[1]c [*%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c]\n", 'b'+n, 'a'+n)
	}
	half := strings.Repeat("a", 30<<10)
	for name, text := range map[string]string{
		"a bomb":                bomb + "paths: {include: *u}\n",
		"a bomb of merges":      "x: &x {a: 1}\ny: &y {<<: [*x, *x]}\nz: {<<: [*y, *y]}\n",
		"an alias of itself":    "paths: &p {include: *p}\n",
		"brackets":              strings.Repeat("[", 60<<10),
		"closed brackets":       strings.Repeat("[", 30<<10) + strings.Repeat("]", 30<<10),
		"indents":               strings.Repeat("- ", 30<<10),
		"question marks":        strings.Repeat("? ", 30<<10),
		"many keys":             strings.Repeat("a: 1\n", 10<<10),
		"many presets":          "extends: [" + strings.Repeat("./a.yml, ", 6<<10) + "./a.yml]\n",
		"many paths":            "paths:\n  include: [" + strings.Repeat("a, ", 20<<10) + "a]\n",
		"a long name":           "checks: {" + half + ": on, " + half + ": off}\n",
		"a long text":           "builder: " + half + "\n",
		"a long preset":         "extends: acme/x:" + half + ".yml\n",
		"comments of no end":    strings.Repeat("#", 60<<10),
		"no text":               "\x00\xff\xfe",
		"tags":                  "checks: !!python/object:os.system {a: on}\n",
		"a number of no end":    "comments: {max-inline: " + strings.Repeat("9", 60<<10) + "}\n",
		"a pattern of no end":   "paths: {include: ['" + strings.Repeat("{a,", 20<<10) + "']}\n",
		"a pattern that recurs": "paths: {include: ['" + strings.Repeat("**/", 80) + "x']}\n",
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			s, _ := organised(map[string]string{"acme/.github": text, "acme/x": text})
			for _, own := range []string{text, "extends: acme/x\n"} {
				c, err := config.Load(repo(".github/lighterman.yml", own, ".hadolint.yaml", "ignored: [DL3009]\n"), s)
				if c != nil {
					c.Keeps(strings.Repeat("a/", 100) + "Dockerfile")
				}
				for _, p := range missing(c, err) {
					if len(p.Msg) > 40<<10 {
						t.Errorf("a message of %d bytes", len(p.Msg))
					}
				}
			}
			if took := time.Since(begin); took > time.Minute { // what is not bounded takes hours
				t.Errorf("it took %s", took)
			}
		})
	}
}

func missing(c *config.Config, err error) []config.Problem {
	var wrong *config.Error
	if errors.As(err, &wrong) {
		return wrong.Problems
	}
	return c.Missing
}

// TestOwners may be widened by who runs the service.
func TestOwners(t *testing.T) {
	s, _ := organised(map[string]string{"shared/x": "fail-on: info\n"})
	s.Owners = []string{"Shared"}
	c, err := config.Load(repo(name, "extends: shared/x\n"), s)
	if err != nil || c.FailOn != check.Info {
		t.Error(err, c.Missing)
	}
}

// TestPresetThatCannotBeAskedFor is an error: a review without it would say something else the next time.
func TestPresetThatCannotBeAskedFor(t *testing.T) {
	s, shelf := organised(map[string]string{"acme/a": "extends: acme/b\n"})
	shelf.fails = map[string]error{"acme/b": errors.New("no answer")}
	if _, err := config.Load(repo(name, "extends: acme/a\n"), s); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("got %v", err)
	}
}
