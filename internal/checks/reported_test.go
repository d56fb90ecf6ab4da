package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// reported are issues in which people told other tools that they were wrong: a warning about a file that is right, or a
// file that could not be read or was broken by a rewrite. Each is a case of that name, in our own words.
const reported = `
	hadolint-28 hadolint-67 hadolint-70 hadolint-177 hadolint-250 hadolint-261 hadolint-287 hadolint-328 hadolint-345
	hadolint-350 hadolint-370 hadolint-400 hadolint-405 hadolint-407 hadolint-408 hadolint-422 hadolint-441 hadolint-497
	hadolint-500 hadolint-522 hadolint-662 hadolint-671 hadolint-682 hadolint-699 hadolint-723 hadolint-736 hadolint-761
	hadolint-806 hadolint-915 hadolint-923 hadolint-928 hadolint-943 hadolint-957 hadolint-960 hadolint-975 hadolint-977
	hadolint-983 hadolint-1003 hadolint-1014 hadolint-1019 hadolint-1028 hadolint-1042 hadolint-1051 hadolint-1067
	hadolint-1084 hadolint-1095 hadolint-1137 hadolint-1139 hadolint-1165 hadolint-1175
	buildkit-5504 buildkit-5884 buildkit-6512 buildkit-6926 buildx-3059 docker-docs-20440 docker-docs-22465 moby-34773
	moby-52125 ddev-6462 modsecurity-crs-docker-316 Rackula-2348
	appshield-129 appshield-147 trivy-1620 trivy-1902 trivy-1946 trivy-3966 checkov-1450 checkov-6310 checkov-6567
	kics-3762 kics-7053 kics-7414 semgrep-5410 semgrep-rules-2735 semgrep-rules-3436 droast-16 droast-56
	dockerfile-utils-105 dockerfile-utils-111 dockerfmt-19 dockerfmt-42 dockfmt-23 dprint-1083 language-docker-95
	language-docker-99 vs-shell-format-304 vscode-docker-3327 vscode-docker-3950
`

// TestReported holds that each of them is a case.
func TestReported(t *testing.T) {
	have := map[string]bool{}
	for _, dir := range []string{casesDir, othersBreakDir} {
		archives, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range archives {
			for _, name := range open(t, path).cases {
				name, _, _ = strings.Cut(strings.TrimSuffix(name, ".Dockerfile"), "/")
				have[name] = true
			}
		}
	}
	for name := range strings.FieldsSeq(reported) {
		if !have[name] {
			t.Errorf("no case is called %s", name)
		}
	}
}

// TestQuietUnlessAsked holds that nobody hears of what many repositories do on purpose without having asked.
func TestQuietUnlessAsked(t *testing.T) {
	for name, text := range map[string]string{
		"buildkit-6022: the file is for one platform": "FROM --platform=linux/amd64 debian:12-slim\nRUN true\nUSER 1000\n",
		"moby-49928: the caller names the base":       "ARG REGISTRY\nARG BASE\nFROM ${REGISTRY}/${BASE}:1\nRUN true\nUSER 1000\n",
		"buildx-2704: so does the build file":         "ARG VERSION\nFROM debian:${VERSION}\nRUN true\nUSER 1000\n",
		"k0s-5374: and the makefile":                  "ARG BUILDIMAGE\nFROM $BUILDIMAGE AS build\nRUN true\nUSER 1000\n",
		"hadolint-1207: several steps":                "FROM debian:12-slim\nRUN true\nRUN false\nRUN true\nUSER 1000\n",
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Checks = checks.All()
			result, err := check.Examine(t.Context(), repository{"Dockerfile": text}, []string{"Dockerfile"}, o)
			if err != nil || len(result.Findings) > 0 || len(result.Skipped) > 0 {
				t.Errorf("%v %v %v", result.Findings, result.Skipped, err)
			}
		})
	}
}
