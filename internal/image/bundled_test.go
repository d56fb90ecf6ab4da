package image

import (
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

func TestBundled(t *testing.T) {
	for ref, want := range map[string]Image{
		"node:22":                                           {User: "root", Account: "node", UID: 1000, GID: 1000, Shell: "dash", Libc: "glibc", Adduser: "shadow"},
		"docker.io/library/node:22-alpine3.20":              {User: "root", Account: "node", UID: 1000, GID: 1000, Shell: "busybox", Libc: "musl", Adduser: "busybox"},
		"node@sha256:abc":                                   {User: "root", Account: "node", UID: 1000, GID: 1000},
		"ubuntu:24.04":                                      {User: "root", Account: "ubuntu", UID: 1000, GID: 1000, Shell: "dash", Libc: "glibc", Adduser: "shadow"},
		"ubuntu:22.04":                                      {User: "root", Shell: "dash", Libc: "glibc", Adduser: "shadow"},
		"php:8.3-fpm-alpine":                                {User: "root", Account: "www-data", UID: 82, GID: 82, Shell: "busybox", Libc: "musl", Adduser: "busybox"},
		"php:8.3-apache":                                    {User: "root", Account: "www-data", UID: 33, GID: 33, Shell: "dash", Libc: "glibc", Adduser: "shadow"},
		"scratch":                                           {User: "root", Shell: "none", Libc: "none", Adduser: "none"},
		"gcr.io/distroless/static-debian12":                 {User: "root", Account: "nonroot", UID: 65532, GID: 65532, Shell: "none", Libc: "none", Adduser: "none"},
		"gcr.io/distroless/cc-debian12:nonroot":             {User: "65532", Account: "nonroot", UID: 65532, GID: 65532, Shell: "none", Libc: "glibc", Adduser: "none"},
		"cgr.dev/chainguard/static:latest":                  {User: "65532"},
		"nginxinc/nginx-unprivileged:1.27":                  {User: "101", Account: "nginx", UID: 101, GID: 101},
		"mcr.microsoft.com/dotnet/aspnet:8.0":               {User: "root", Account: "app", UID: 1654, GID: 1654, Libc: "glibc"},
		"mcr.microsoft.com/dotnet/aspnet:6.0":               {User: "root"},
		"mcr.microsoft.com/dotnet/runtime:9.0.1-alpine3.20": {User: "root", Account: "app", UID: 1654, GID: 1654, Shell: "busybox", Libc: "musl", Adduser: "busybox"},
	} {
		got, ok := Bundled().Lookup(ref)
		got = Image{User: got.User, Account: got.Account, UID: got.UID, GID: got.GID, Shell: got.Shell, Libc: got.Libc, Adduser: got.Adduser}
		if !ok || got != want {
			t.Errorf("Lookup(%q) = %+v, %v; want %+v", ref, got, ok, want)
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
			!one(i.Adduser, "shadow", "busybox", "none") || !one(i.Entrypoint, "none", "passes", "own") {
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
