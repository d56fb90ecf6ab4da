package image

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for ref, want := range map[string]reference{
		"node":                                   {"node", "latest", ""},
		"node:22-alpine":                         {"node", "22-alpine", ""},
		"docker.io/library/node:22":              {"node", "22", ""},
		"library/node":                           {"node", "latest", ""},
		"index.docker.io/library/node:22":        {"node", "22", ""},
		"public.ecr.aws/docker/library/python:3": {"python", "3", ""},
		"docker.io/nginxinc/nginx-unprivileged":  {"nginxinc/nginx-unprivileged", "latest", ""},
		"localhost:5000/node":                    {"localhost:5000/node", "latest", ""},
		"registry.example:443/a/node:22":         {"registry.example:443/a/node", "22", ""},
		"node@sha256:abc":                        {"node", "", "sha256:abc"},
		"node:22@sha256:abc":                     {"node", "22", "sha256:abc"},
	} {
		if got := parse(ref); got != want {
			t.Errorf("parse(%q) = %+v, want %+v", ref, got, want)
		}
	}
}

// TestBundled looks facts up: user, account, shell, libc, account tools; "-" where nothing is known.
func TestBundled(t *testing.T) {
	for ref, want := range map[string]string{
		"node:22":                                           "root node:1000:1000 dash glibc shadow",
		"docker.io/library/node:22-alpine3.20":              "root node:1000:1000 busybox musl busybox",
		"node@sha256:abc":                                   "root node:1000:1000 - - -",
		"ubuntu:24.04":                                      "root ubuntu:1000:1000 dash glibc shadow",
		"ubuntu:22.04":                                      "root - dash glibc shadow",
		"php:8.3-fpm-alpine":                                "root www-data:82:82 busybox musl busybox",
		"php:8.3-apache":                                    "root www-data:33:33 dash glibc shadow",
		"scratch":                                           "root - none none none",
		"gcr.io/distroless/static-debian12":                 "root nonroot:65532:65532 none none none",
		"gcr.io/distroless/cc-debian12:nonroot":             "65532 nonroot:65532:65532 none glibc none",
		"cgr.dev/chainguard/static:latest":                  "65532 - - - -",
		"nginxinc/nginx-unprivileged:1.27":                  "101 nginx:101:101 dash glibc shadow",
		"mcr.microsoft.com/dotnet/aspnet:8.0":               "root app:1654:1654 - glibc -",
		"mcr.microsoft.com/dotnet/aspnet:6.0":               "root - - - -",
		"mcr.microsoft.com/dotnet/runtime:9.0.1-alpine3.20": "root app:1654:1654 busybox musl busybox",
	} {
		got, ok := Bundled().Lookup(ref)
		account := ""
		if got.Account != "" {
			account = fmt.Sprintf("%s:%d:%d", got.Account, got.UID, got.GID)
		}
		var facts []string
		for _, fact := range []string{got.User, account, got.Shell, got.Libc, got.Adduser} {
			facts = append(facts, cmp.Or(fact, "-"))
		}
		if said := strings.Join(facts, " "); !ok || said != want {
			t.Errorf("Lookup(%q) says %s, want %s", ref, said, want)
		}
	}
}

func TestStarts(t *testing.T) {
	for ref, want := range map[string]Image{
		"postgres:16":   {Entrypoint: "own", StepsDown: true},
		"node:22":       {Entrypoint: "passes"},
		"python:3.12":   {Entrypoint: "none"},
		"nginx:1.27":    {Port: 80},
		"golang:1.26":   {Entrypoint: "none"},
		"nginx@sha256:": {Port: 80},
	} {
		got, ok := Bundled().Lookup(ref)
		got = Image{Entrypoint: got.Entrypoint, StepsDown: got.StepsDown, Port: got.Port}
		if !ok || got != want {
			t.Errorf("Lookup(%q) = %+v, %v; want %+v", ref, got, ok, want)
		}
	}
}

func TestSlim(t *testing.T) {
	for ref, want := range map[string]string{
		"node:22":                       "22-slim",
		"node:22.1.0-bookworm":          "22.1.0-bookworm-slim",
		"node":                          "slim",
		"node:lts":                      "lts-slim",
		"node:22-slim":                  "",
		"node:22-alpine":                "",
		"node:22-bookworm-slim":         "",
		"node@sha256:abc":               "",
		"python:3.12":                   "3.12-slim",
		"python:3.12-bookworm":          "3.12-slim-bookworm",
		"python:3.12-windowsservercore": "",
		"debian:12":                     "12-slim",
		"debian":                        "stable-slim",
		"debian:bookworm-20240101":      "",
		"debian:experimental":           "",
		"eclipse-temurin:21":            "21-jre",
		"eclipse-temurin:21-jdk-alpine": "21-jre-alpine",
		"eclipse-temurin:21-jre":        "",
		"eclipse-temurin:17.0.9_9-jdk":  "17.0.9_9-jre",
		"golang:1.26":                   "",
		"php:8.4":                       "",
		"ubuntu:24.04":                  "",
	} {
		if got, _ := Bundled().Lookup(ref); got.Slim != want {
			t.Errorf("Lookup(%q).Slim = %q, want %q", ref, got.Slim, want)
		}
	}
}

func TestHas(t *testing.T) {
	for question, want := range map[string]string{
		"node:22 curl":                  "has",
		"node:22-slim curl":             "lacks",
		"node:22-alpine wget":           "has",
		"node:22-alpine bash":           "lacks",
		"nginx:1.27 curl":               "has",
		"gcr.io/distroless/static curl": "lacks",
		"scratch bash":                  "lacks",
		"ubuntu:24.04 wget":             "lacks",
		"node@sha256:abc bash":          "unknown",
		"eclipse-temurin:21 curl":       "unknown",
		"acme/app:1 curl":               "unknown",
	} {
		ref, program, _ := strings.Cut(question, " ")
		i, _ := Bundled().Lookup(ref)
		has, known := i.Has(program)
		got := map[bool]string{true: "has", false: "lacks"}[has]
		if !known {
			got = "unknown"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", question, got, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, ref := range []string{
		"", "localhost:5000/node", "ghcr.io/acme/node:22", "acme/node", "$BASE", "golang:1.26-windowsservercore-ltsc2022",
		"python:3.12-nanoserver", "mcr.microsoft.com/dotnet/aspnet:latest", "Node",
	} {
		if got, ok := Bundled().Lookup(ref); ok {
			t.Errorf("Lookup(%q) = %+v, want nothing", ref, got)
		}
	}
}

// TestRows holds the form of every row: known values, a page and a day.
func TestRows(t *testing.T) {
	source := regexp.MustCompile(`^https://\S+, \d{4}-\d\d-\d\d$`)
	one := func(value string, of ...string) bool { return value == "" || slices.Contains(of, value) }
	for _, r := range bundled() {
		i := r.image
		if !source.MatchString(i.Source) {
			t.Errorf("%s %v: source %q is not a page and a day", r.name, r.tags, i.Source)
		}
		if !one(i.Shell, "dash", "bash", "busybox", "none") || !one(i.Libc, "glibc", "musl", "none") ||
			!one(i.Adduser, "shadow", "busybox", "none") || !one(i.Entrypoint, "none", "passes", "own") ||
			!one(r.slim, "after", "before", "debian", "jre") ||
			!one(i.Manager, "apt", "apk", "dnf", "microdnf", "yum", "zypper", "pacman", "none") {
			t.Errorf("%s %v: a value outside its list: %+v", r.name, r.tags, i)
		}
		if i.Account != "" && (i.UID == 0 || i.GID == 0) {
			t.Errorf("%s %v: account %s without ids", r.name, r.tags, i.Account)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"node":                       "line 1",
		"# ok\nnode * colour=red":    `line 2: no such fact: "colour"`,
		"node * account=node":        "not name:uid:gid",
		"node * account=node:x:1000": "account",
		"node * account=node:1:x":    "account",
		"node * port=http":           "line 1",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read(%q): %v, want %q", text, err, want)
		}
	}
}
