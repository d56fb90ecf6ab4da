package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/lighterman/lighterman/"

// arrows lists what each of our packages may import of ours. It is the authority: a missing arrow is a wall.
var arrows = map[string][]string{
	// The public half: text first, then changes to it. Neither knows what a check or a code host is.
	"fixes/dockerfile": {},
	"fixes":            {"fixes/dockerfile"},

	// Facts. They look at files and know nothing of checks, so that a check can be tested with any facts.
	"internal/buildcontext": {"fixes/dockerfile"},
	"internal/ecosystem":    {"fixes/dockerfile"},
	"internal/image":        {},
	"internal/spare":        {"fixes/dockerfile", "internal/buildcontext"},
	"internal/secret":       {},

	// The engine. A check does not know other checks; the set is handed in. prove implements an interface of check's, so
	// that BuildKit's converter is linked only where fixes are really offered.
	"internal/check":  {"fixes", "fixes/dockerfile", "internal/buildcontext", "internal/image"},
	"internal/checks": {"fixes", "fixes/dockerfile", "internal/check", "internal/buildcontext", "internal/ecosystem", "internal/image", "internal/spare", "internal/secret"},
	"internal/prove":  {"fixes", "fixes/dockerfile", "internal/check", "internal/buildcontext", "internal/spare"},

	// The harness that measures the engine from outside.
	"internal/corpus": {"fixes", "fixes/dockerfile", "internal/check"},

	// What a repository decided, as plain values of the engine's; nobody else knows that it was YAML.
	"internal/config": {"internal/check", "internal/buildcontext"},

	// The pull request. review decides and hands a finished plan to a Forge; it never sees the host's client, and not the
	// catalogue either.
	"internal/forge":  {},
	"internal/review": {"fixes", "fixes/dockerfile", "internal/check", "internal/forge", "internal/buildcontext", "internal/ecosystem", "internal/config", "internal/spare", "internal/markdown", "internal/hidden"},
	"internal/sweep":  {"fixes", "fixes/dockerfile", "internal/image", "internal/check", "internal/forge", "internal/config", "internal/markdown", "internal/hidden"},
	"internal/github": {"internal/forge", "internal/redact"},

	// How what others said is shown and not obeyed.
	"internal/markdown": {},

	// By what our own texts on a code host are known again.
	"internal/hidden": {},

	// What credentials look like, for whoever writes down what others say.
	"internal/redact": {},

	// The service. It knows that there is work and whose, not what the work is.
	"internal/queue":        {"internal/forge"},
	"internal/queue/pgtest": {},
	"internal/server":       {"internal/forge", "internal/queue", "internal/page"},

	// Our own pages. admin shows what the queue remembers and the code host tells, and acts through interfaces of its own; it
	// does not know the server, which mounts it as any handler.
	"internal/page":  {},
	"internal/admin": {"internal/forge", "internal/queue", "internal/page"},

	// What is counted, and under which names. Who counts does not know it: it is told through interfaces of theirs.
	"internal/metrics": {},

	// The same for traces.
	"internal/trace": {},

	// What people read. The page of a pull request shows the same comments the bot posts.
	"internal/report": {"fixes", "fixes/dockerfile", "internal/check", "internal/review", "internal/sweep", "internal/sweep/stock"},

	// A piece of the standard library that is missing, for all.
	"internal/pattern": {},

	// This table, and nothing else.
	"internal": {},

	// A GitHub for tests and the demo: it stands in for the other side of the wire, so it may know nothing of ours.
	"internal/githubtest": {},
}

// owners says which of our packages may import an outside module: one each, so that replacing it is one folder's work.
// Tests may use what they like.
var owners = map[string][]string{
	"github.com/moby/buildkit/frontend/dockerfile/parser":         {"fixes/dockerfile"},
	"github.com/moby/buildkit/frontend/dockerfile/instructions":   {"fixes/dockerfile", "internal/prove"},
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb": {"internal/prove"},
	"github.com/moby/buildkit/frontend/dockerfile/linter":         {"internal/prove"},
	"github.com/moby/buildkit/client":                             {"internal/prove"},
	"github.com/containerd/log":                                   {"internal/prove"},
	"github.com/tonistiigi/fsutil":                                {"internal/prove"},
	"mvdan.cc/sh/v3":                                              {"fixes/dockerfile", "fixes", "internal/prove"},
	"github.com/google/go-github/v60":                             {"internal/github"},
	"github.com/bradleyfalzon/ghinstallation/v2":                  {"internal/github"},
	"github.com/riverqueue/river":                                 {"internal/queue"},
	"modernc.org/sqlite":                                          {"internal/queue"},
	"github.com/jackc/pgx/v5":                                     {"internal/queue"},
	"github.com/sourcegraph/conc":                                 {"internal/check", "internal/review", "internal/sweep", "internal/server", "internal/prove", "internal/queue", "internal/corpus", "cmd/lighterman"},
	"go.yaml.in/yaml/v4":                                          {"internal/config", "internal/buildcontext", "internal/ecosystem", "cmd/lighterman"},
	"github.com/BurntSushi/toml":                                  {"internal/ecosystem", "internal/prove"},
	"github.com/spf13/cobra":                                      {"cmd/lighterman"},
	"github.com/bluekeyes/go-gitdiff":                             {"internal/review"},
	"github.com/moby/patternmatcher":                              {"internal/buildcontext"},
	"github.com/hashicorp/hcl/v2":                                 {"internal/buildcontext"},
	"github.com/zclconf/go-cty":                                   {"internal/buildcontext"},
	"github.com/google/go-containerregistry":                      {"internal/image"},
	"github.com/owenrumney/go-sarif/v3":                           {"internal/report"},
	"github.com/dustin/go-humanize":                               {"internal/report"},
	"github.com/bmatcuk/doublestar/v4":                            {"internal/config"},
	"github.com/robfig/cron/v3":                                   {"internal/config"},
	"github.com/prometheus/client_golang":                         {"internal/metrics"},
	"go.opentelemetry.io/otel":                                    {"internal/trace"},
	"github.com/agnivade/levenshtein":                             {"internal/config"},
	"github.com/zricethezav/gitleaks/v8":                          {"internal/secret"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

// TestArrows holds the import table.
func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "cmd/") {
			continue // main may import everything
		}
		allowed, ok := arrows[name]
		if !ok {
			if parent, found := parentOf(name); found {
				allowed, ok = append(slices.Clone(arrows[parent]), parent), true
			}
		}
		if !ok {
			t.Errorf("%s is not in the table: say what it may import, and why", name)
			continue
		}
		for _, path := range p.Imports {
			ours, isOurs := strings.CutPrefix(path, module)
			if isOurs && !slices.Contains(allowed, ours) && !within(ours, name) && !slices.Contains(everywhere, ours) {
				t.Errorf("%s imports %s: there is no such arrow", name, ours)
			}
		}
	}
}

// everywhere are packages that stand for a piece of a language's library: each may be imported by all of ours.
var everywhere = []string{"internal/pattern"}

// parentOf finds the package of the table below which name lies: the nearest one.
func parentOf(name string) (string, bool) {
	nearest := ""
	for parent := range arrows {
		if within(name, parent) && len(parent) > len(nearest) {
			nearest = parent
		}
	}
	return nearest, nearest != ""
}

func within(name, parent string) bool { return strings.HasPrefix(name, parent+"/") }

// TestOwners holds the table of outside modules.
func TestOwners(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, path := range p.Imports {
			for outside, who := range owners {
				if (path == outside || within(path, outside)) && !slices.ContainsFunc(who, func(w string) bool { return w == name || within(name, w) }) {
					t.Errorf("%s imports %s, which belongs to %s", name, path, strings.Join(who, ", "))
				}
			}
		}
	}
}

// packages are ours, with the imports of their non-test files.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
