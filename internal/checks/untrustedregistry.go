package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
)

var untrustedRegistry = &check.Check{
	Name:     "untrusted-registry",
	Family:   check.Pinning,
	Summary:  "the base image comes from a registry that the repository's configuration does not name",
	Severity: check.Error,
	Aliases:  []string{"DL3026"},
	Run:      runUntrustedRegistry,
}

func runUntrustedRegistry(p *check.Pass) error {
	if len(p.Registries) == 0 {
		return nil // nobody decided anything
	}
	for _, b := range basesOf(p) {
		host, name := hostOf(b.ref)
		if slices.ContainsFunc(p.Registries, func(r string) bool { return trusts(r, host, name) }) {
			continue
		}
		const message = "`%s` comes from %s, which is none of the registries that base images may come from here, so " +
			"nobody answers for what it holds"
		const refused = "what stands in for it, or whether it may be used, is yours to say"
		p.Advise(b.at.Span, fmt.Sprintf(message, b.ref, host), refused)
	}
	return nil
}

// hostOf takes a reference apart into its registry and the name there, by the rules of
// github.com/distribution/reference: the first part is a registry when it has a dot or a colon or is "localhost";
// otherwise Docker Hub is meant.
func hostOf(ref string) (host, name string) {
	name, _, _ = strings.Cut(ref, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	host, rest, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io", hubName(name)
	}
	if dockerHub(host) {
		return "docker.io", hubName(rest)
	}
	return host, rest
}

// hubName is a name on Docker Hub in full: what has no owner is an official image.
func hubName(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return "library/" + name
}

func dockerHub(host string) bool {
	return slices.Contains([]string{"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com",
		"hub.docker.com"}, host)
}

// trusts reports whether an entry of trusted-registries covers an image: a registry, where * stands for any part of the
// name, perhaps with the beginning of the images' names.
func trusts(entry, host, name string) bool {
	wantHost, wantName, _ := strings.Cut(entry, "/")
	if dockerHub(wantHost) {
		wantHost = "docker.io"
	}
	matched, err := path.Match(strings.ToLower(wantHost), strings.ToLower(host))
	if err != nil || !matched {
		return false
	}
	wantName = strings.TrimSuffix(wantName, "/")
	return wantName == "" || name == wantName || strings.HasPrefix(name, wantName+"/")
}
