package image

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLifetimes(t *testing.T) {
	for ref, want := range map[string]string{
		"node:18":                                "node 18 2025-04-30",
		"docker.io/library/node:18.20.1":         "node 18 2025-04-30",
		"node:18-alpine3.14":                     "node 18 2025-04-30, alpine 3.14 2023-05-01",
		"python:3.12-slim-buster":                "python 3.12 2028-10-31, debian buster 2024-06-30",
		"python:3.8.10":                          "python 3.8 2024-10-07",
		"debian:buster-20230101-slim":            "debian buster 2024-06-30",
		"debian:10.4":                            "debian 10 2024-06-30",
		"alpine:3.18.2":                          "alpine 3.18 2025-05-09",
		"postgres:9.6-alpine":                    "postgres 9.6 2021-11-11",
		"openjdk:8-jdk-alpine":                   "openjdk 8 2022-07-31",
		"tomcat:9.0-jdk11-openjdk-slim-buster":   "tomcat 9.0 2027-03-31, debian buster 2024-06-30",
		"ubuntu:20.04":                           "ubuntu 20.04 2030-04-30",
		"mcr.microsoft.com/dotnet/sdk:6.0.1":     "mcr.microsoft.com/dotnet/sdk 6.0 2024-11-12",
		"node:18@sha256:abc":                     "node 18 2025-04-30",
		"acme/app:2-buster":                      "debian buster 2024-06-30",
		"centos:7.9.2009":                        "centos 7 2024-06-30",
		"node:lts":                               "",
		"node:latest":                            "",
		"node":                                   "",
		"python:3":                               "",
		"python:3-slim":                          "",
		"python:latest":                          "",
		"debian:stable-slim":                     "",
		"alpine:3":                               "",
		"alpine:edge":                            "",
		"acme/node:18":                           "",
		"acme/focal:noble":                       "",
		"node@sha256:abc":                        "",
		"golang:1.26":                            "",
		"gcr.io/distroless/static-debian12":      "",
		"mcr.microsoft.com/dotnet/sdk:latest":    "",
		"registry.example:443/node:18":           "",
		"php:8-fpm":                              "",
		"quay.io/centos/centos:stream9":          "quay.io/centos/centos stream9 2027-05-31",
		"mysql:8":                                "",
		"eclipse-temurin:17":                     "",
		"public.ecr.aws/docker/library/ruby:2.7": "ruby 2.7 2023-03-31",
	} {
		var said []string
		for _, l := range Lifetimes(ref) {
			said = append(said, l.Name+" "+l.Cycle+" "+l.Last.Format(time.DateOnly))
		}
		if got := strings.Join(said, ", "); got != want {
			t.Errorf("Lifetimes(%q) = %q, want %q", ref, got, want)
		}
	}
}

// TestLifetimeRows holds the form of every row: a page, a day, and days that can be.
func TestLifetimeRows(t *testing.T) {
	source := regexp.MustCompile(`^https://\S+, \d{4}-\d\d-\d\d$`)
	for name, p := range lifetimes() {
		if !source.MatchString(p.source) || len(p.cycles) == 0 {
			t.Errorf("%s: source %q, %d releases", name, p.source, len(p.cycles))
		}
		for cycle, last := range p.cycles {
			if last.Year() < 2010 || last.Year() > 2040 {
				t.Errorf("%s %s ends in %d", name, cycle, last.Year())
			}
		}
	}
	if _, err := readLifetimes("node source=x@y 18=soon"); err == nil {
		t.Error("a day that is none was read")
	}
}
