package checks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// unscannedImage finds images that a workflow publishes although nothing in the repository scans images. It is about the
// repository and not about a change, so it runs only when it is asked for.
var unscannedImage = asked(&check.Check{
	Name:     "unscanned-image",
	Family:   check.Hygiene,
	Summary:  "a workflow publishes this image, and nothing looks for known vulnerabilities in it",
	Severity: check.Info,
	Run:      runUnscannedImage,
})

func runUnscannedImage(p *check.Pass) error {
	var told []*dockerfile.Stage
	for _, b := range p.Builds {
		workflow, job, _ := strings.Cut(b.Pushed, ", ")
		s := runStage(p, b)
		if s == nil || slices.Contains(told, s) || path.Dir(workflow) != ".github/workflows" {
			continue
		}
		if text, err := fs.ReadFile(p.Repo, workflow); err != nil || callsAway.Match(text) {
			continue
		}
		if scans(p.Repo) {
			return nil
		}
		told = append(told, s)
		p.Advise(s.From.Code(), fmt.Sprintf("%s publishes this image, and nothing in the repository looks through images for known "+
			"vulnerabilities, so others find them first", workflow), fmt.Sprintf("it is a step for the workflow: behind the build of "+
			"%s one that scans what was built, such as Trivy, Grype or Docker Scout, and fails on what is critical", job))
	}
	return nil
}

var (
	// callsAway matches a job that another repository's workflow does: what happens there is not known.
	callsAway = pattern.New(`(?m)^\s*uses:\s*["']?[\w.-]+/[\w.-]+/\.github/workflows/`)
	// scanner matches what looks through images for vulnerabilities, or is called so.
	scanner = pattern.New(`(?i)\b(trivy|grype|anchore|docker[/ ]scout|snyk|clair|clairctl|dependency-?track|osv-scanner|` +
		`twistcli|prisma-?cloud|sysdig|xray|jf docker|wiz-?cli|lacework|aqua(sec)?|qualys|neuvector|roxctl|stackrox|checkmarx|` +
		`dockle|cve-bin-tool|(image|container|vuln\w*|security)[-_ ]?scan\w*|scan[-_ ](the[-_ ])?(image|container)s?)\b`)
	// scannerFile matches files that only a scanner reads.
	scannerFile = pattern.New(`(?i)^\.?(trivy|trivyignore|grype|snyk|anchore|clair)([._-].*)?$`)
	// pipelineFile matches files that say what runs when something is pushed, or that such files call.
	pipelineFile = pattern.New(`(?i)\.(ya?ml|sh|bash|ps1|groovy|hcl|star|toml|mk|just)$|^(Jenkinsfile|Makefile|justfile)`)
)

// pipelineDirs are where files lie that say what runs when something is pushed; "." is the root alone.
var pipelineDirs = []string{
	".", ".github", ".circleci", ".gitlab", ".buildkite", ".tekton", ".woodpecker", ".azure", ".azure-pipelines", ".ci", "ci",
	"scripts", "hack", "tools", "build", "deploy",
}

// maxPipelines bounds how many files are looked through, maxPipeline their size in bytes.
const (
	maxPipelines = 500
	maxPipeline  = 256 << 10
)

// scans reports whether something in the repository scans images, as far as the files of its pipelines tell. One that
// cannot be read may.
func scans(repo fs.FS) bool {
	found, seen := false, 0
	for _, dir := range pipelineDirs {
		_ = fs.WalkDir(repo, dir, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fs.SkipDir // there is no such directory
			case d.IsDir() && dir == "." && name != ".", d.IsDir() && passedOver(d.Name()):
				return fs.SkipDir
			case d.IsDir() || !scannerFile.MatchString(d.Name()) && !pipelineFile.MatchString(d.Name()):
				return nil
			}
			if seen++; seen > maxPipelines || scannerFile.MatchString(d.Name()) || scansIn(repo, name) {
				found = true
				return fs.SkipAll
			}
			return nil
		})
	}
	return found
}

func scansIn(repo fs.FS, name string) bool {
	info, err := fs.Stat(repo, name)
	if err != nil || info.Size() > maxPipeline {
		return true
	}
	text, err := fs.ReadFile(repo, name)
	return err != nil || scanner.Match(text)
}
