package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

// healthcheckMissing finds images that compose keeps running without asking them anything. It is for images that a compose
// file builds: Kubernetes has probes of its own and ignores the image's.
var healthcheckMissing = &check.Check{
	Name:     "healthcheck-missing",
	Family:   check.Hygiene,
	Summary:  "a compose file keeps this image running, and nothing tells it when the program hangs",
	Severity: check.Info,
	Aliases:  []string{"DL3057", "CKV_DOCKER_2", "AVD-DS-0026", "DS026"},
	Run:      runHealthcheckMissing,
}

func runHealthcheckMissing(p *check.Pass) error {
	var seen []*dockerfile.Stage
	for _, b := range p.Builds {
		s := runStage(p, b)
		if s == nil || slices.Contains(seen, s) || !unasked(p, b, s) {
			continue
		}
		seen = append(seen, s)
		l := launchOf(p, s)
		if !plainBase(l) || l.swapped(p) || s.Windows() {
			continue
		}
		message := fmt.Sprintf("%s keeps this image running, and neither has a health check: a program that hangs counts as "+
			"running", b.Origin)
		if b.Waited != "" {
			message = fmt.Sprintf("%s is waited for by %s until it is healthy, and neither it nor this image has a health check: "+
				"compose does not start %s then", b.Origin, b.Waited, b.Waited)
		}
		p.Advise(s.From.Code(), message, l.probeAdvice())
	}
	return nil
}

// unasked reports whether a build is that of a compose service that is meant to stay up and answers on a port, while
// nothing asks it: neither the stage, nor this service, nor any other that runs the same stage.
func unasked(p *check.Pass, b buildcontext.Build, s *dockerfile.Stage) bool {
	if !b.Service || b.Relied == "" && b.Waited == "" || healthcheckOf(s) != nil {
		return false
	}
	if b.Waited == "" && !slices.ContainsFunc(append(slices.Clone(b.Ports), exposedBy(s)...), web) {
		return false
	}
	return !slices.ContainsFunc(p.Builds, func(o buildcontext.Build) bool { return runStage(p, o) == s && o.Probe != nil })
}

// exposedBy are the ports that an image says it listens on.
func exposedBy(s *dockerfile.Stage) []string {
	var out []string
	for _, stage := range lineage(s) {
		for _, i := range stage.Instructions {
			for _, w := range i.Words {
				if i.Keyword == "EXPOSE" {
					out = append(out, w.Text)
				}
			}
		}
	}
	return out
}

// silentPorts are those of protocols that curl and wget do not speak: ssh, mail, names, databases, queues.
var silentPorts = strings.Fields("22 25 53 69 110 123 143 389 465 514 587 636 993 995 1883 1194 3306 5060 5432 6379 9092 11211 " +
	"27017 51820")

// web reports whether a port may be one that answers HTTP.
func web(port string) bool {
	number, protocol, _ := strings.Cut(port, "/")
	return protocol != "udp" && !slices.Contains(silentPorts, number)
}

// plainBase reports whether the base image is known to have no health check: the registry says so, or it is one of
// Docker's official images, which have none as a rule of that collection, of distroless or of .NET.
func plainBase(l launch) bool {
	if !l.known {
		return false
	}
	if l.base.Answer != nil {
		return !l.base.Answer.Config.Healthcheck
	}
	return !strings.Contains(l.base.Name, "/") || strings.HasPrefix(l.base.Name, "gcr.io/distroless/") ||
		strings.HasPrefix(l.base.Name, "mcr.microsoft.com/dotnet/")
}
