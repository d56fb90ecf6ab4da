package checks

import (
	"cmp"
	"io/fs"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// deprecatedMaintainer finds MAINTAINER, for which builders ask to use a label.
var deprecatedMaintainer = &check.Check{
	Name:     "deprecated-maintainer",
	Family:   check.Hygiene,
	Summary:  "MAINTAINER is deprecated: tools read the author from a label",
	Severity: check.Info,
	Aliases:  []string{"MaintainerDeprecated", "DL4000", "AVD-DS-0022", "DS022", "CKV_DOCKER_6"},
	Run:      runDeprecatedMaintainer,
}

func runDeprecatedMaintainer(p *check.Pass) error {
	const message = "MAINTAINER is deprecated since Docker 1.13 and fills a field that few tools show: " +
		"an author is named in a label"
	for _, i := range p.File.Instructions {
		if i.Keyword != "MAINTAINER" {
			continue
		}
		if reason := cmp.Or(labelledAlready(p.File, i), labelledByBuild(p)); reason != "" {
			p.Advise(i.Code(), message, reason)
			continue
		}
		p.Offer(i.Code(), message, func() (fixes.Fix, error) { return fixes.LabelMaintainer(p.File, i) })
	}
	return nil
}

// labelledAlready says what else of the file names an author.
func labelledAlready(f *dockerfile.File, maintainer *dockerfile.Instruction) string {
	for _, i := range f.Instructions {
		switch {
		case (i.Keyword == "LABEL" || i.Keyword == "ONBUILD") && strings.Contains(i.Text(), fixes.AuthorsLabel):
			return "a label names the author already, and whether it is the same one has to be seen"
		case i.Keyword == "MAINTAINER" && i != maintainer:
			return "another MAINTAINER stands in the file, and which of them is to be named has to be seen"
		}
	}
	return ""
}

// labelledByBuild says which file that tells how the image is built gives it the label as well.
func labelledByBuild(p *check.Pass) string {
	for _, b := range p.Builds {
		name, _, _ := strings.Cut(b.Origin, ",")
		if text, err := fs.ReadFile(p.Repo, name); b.Stated && err == nil && strings.Contains(string(text), fixes.AuthorsLabel) {
			return name + " names the author in a label, and whether it is the same one has to be seen"
		}
	}
	return ""
}
