package checks_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

const seedDir = "../../testdata/seed"

// advice is what a technique promises when it is for a person to follow.
const advice fixes.Class = "advice"

// A technique is something that people who explain how production Dockerfiles are written tell their readers to do.
type technique struct {
	name    string      // what they say
	archive string      // testdata/seed: a file that goes against it, and good ones that follow it
	check   string      // what notices
	class   fixes.Class // how the fix is proven, or advice
}

// techniques are in the order in which a reader meets them.
var techniques = []technique{
	// Layer caching and the order of instructions.
	{"go.mod and go.sum are copied before go mod download", "manifests-go", "copy-order", fixes.Equivalent},
	{"package.json is copied before npm install", "manifests-npm", "copy-order", fixes.Equivalent},
	{"requirements.txt is copied before pip install", "manifests-pip", "copy-order", fixes.Equivalent},
	{"what changes rarely stands above what changes often", "rarely-first", "volatile-early", fixes.Equivalent},

	// Stages and base images.
	{"the compiler stays behind in a build stage", "multi-stage", "build-tools-shipped", fixes.Intended},
	{"the base image is no larger than it must be", "smaller-base", "heavy-base", advice},
	{"what was linked against glibc is not run on musl", "musl", "stage-libc-mismatch", advice},

	// Users.
	{"USER drops root", "user", "root-user", fixes.Intended},
	{"a user that was created is switched to", "user-created", "user-never-used", fixes.Intended},
	{"distroless images run as their nonroot user", "user-distroless", "root-user", fixes.Intended},
	{"USER stands below the installation of packages", "user-after-packages", "needs-root", fixes.Intended},

	// The build context, and health.
	{"the ignore file keeps out what the build does not need", "ignore-file", "leaky-context", fixes.Intended},
	{"a container that hangs is noticed", "healthcheck", "healthcheck-missing", advice},
	{"the health check asks with what the image has", "healthcheck-tool", "unhealthy-healthcheck", advice},

	// A Go program.
	{"CGO_ENABLED=0 makes the program static", "cgo", "go-dynamic-binary", fixes.Intended},
	{"-ldflags \"-s -w\" leaves debug information out", "debug-info", "go-debug-info", fixes.Intended},

	// A Python program.
	{"packages are built in a stage of their own", "builder-for-wheels", "build-tools-shipped", advice},
	{"--no-cache-dir keeps downloads out of the image", "pip-cache", "pip-cache-kept", fixes.Intended},
	{"dependencies have versions", "pinned-dependencies", "unpinned-packages", advice},
	{"the stages share one base image", "same-base", "stage-libc-mismatch", advice},

	// Size.
	{"commands that belong together are chained", "chained", "apt-update-alone", fixes.Intended},
	{"what a step leaves behind is not removed by a later one", "later-cleanup", "late-cleanup", fixes.Intended},
	{"package lists are removed in the step that fetched them", "same-layer", "apt-lists-kept", fixes.Intended},

	// Security.
	{"base images are pinned by digest", "digests", "unpinned-base", fixes.Intended},
	{"images are scanned for known vulnerabilities", "scanned", "unscanned-image", advice},
	{"no secret is an environment variable or a build argument", "secret-variables", "secret-in-env", advice},
	{"no secret is in a copied file", "secret-files", "secret-file-copied", fixes.Intended},
	{"nobody's tools are installed", "few-packages", "unneeded-packages", advice},
	{"recommended packages are left out", "no-recommends", "apt-recommends", fixes.Intended},
	{"COPY is used where ADD does nothing more", "copy-over-add", "add-for-local-files", fixes.Same},
}

// TestSeed holds that each technique is one that a check knows: the file that goes against it is found, the fix is made,
// proven as promised and silent in turn, and files that follow the technique hear nothing.
func TestSeed(t *testing.T) {
	for _, k := range techniques {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			c := checks.Named(k.check)
			if c == nil {
				t.Fatalf("no check is named %s", k.check)
			}
			a := open(t, filepath.Join(seedDir, k.archive+".txtar"))
			a.runAll(t, c)
			found := 0
			for _, dockerfile := range a.cases {
				found += a.promised(t, c, dockerfile, k.class)
			}
			if found == 0 {
				t.Error("nothing goes against the technique")
			}
		})
	}
}

// promised counts the findings of a case, each of which must offer a fix of the class, or none.
func (a *archive) promised(t *testing.T, c *check.Check, path string, class fixes.Class) int {
	t.Helper()
	result, err := check.Examine(t.Context(), a.repo, []string{path}, asked(a.repo, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		got := advice
		if len(f.Fixes) > 0 {
			got = f.Fixes[0].Intent.Claim().Class
		}
		if got != class {
			t.Errorf("%s:%d: the fix is %v, want %v; no fix: %s", path, f.Line, got, class, f.Refused)
		}
	}
	return len(result.Findings)
}

// TestSeedFiles holds that whole files which follow the techniques hear no warning from what looks for them.
func TestSeedFiles(t *testing.T) {
	var looking []*check.Check
	for _, k := range techniques {
		if c := checks.Named(k.check); c != nil && !slices.Contains(looking, c) {
			looking = append(looking, c)
		}
	}
	a := open(t, filepath.Join(seedDir, "complete.txtar"))
	for _, path := range a.cases {
		t.Run(path, func(t *testing.T) {
			result, err := check.Examine(t.Context(), a.repo, []string{path}, asked(a.repo, options(looking...)))
			if err != nil || len(result.Skipped) > 0 {
				t.Fatalf("%v %v", err, result.Skipped)
			}
			for _, f := range result.Findings {
				if f.Check.Severity > check.Info {
					t.Errorf("%s:%d: %s: %s", path, f.Line, f.Check.Name, f.Message)
				}
			}
		})
	}
}
