# Every target is a plain command; "make help" lists them.
GO      ?= go
ROOT    := $(if $(filter 0,$(shell id -u)),,sudo)
PACKAGES := postgresql chromium dash busybox systemd
SCALE   ?= 1
LONGEST ?= 12h
BROWSER := testdata/browser
BUILDKIT := testdata/buildkit/buildkit.sh
DEPLOY  := testdata/deploy
# What starts no goroutine. The service runs all of it in several at once, and so do the tests of who does that, the whole
# catalogue in internal/corpus and cmd/lighterman: with the race detector, which would make the cases here six times slower.
ALONE   := ./fixes/... ./internal/checks ./internal/ecosystem
# How many tests of a package run beside each other: most of those that may, wait for a service more than they compute.
BESIDE  := 4

# One way of compiling for all targets but the race detector's, which needs cgo: what one made, the next takes from the cache.
export CGO_ENABLED = 0
export GOFLAGS += -trimpath

.PHONY: build test test-race soak lint update demo bench deps deps-system deps-modules deps-buildkit proofs image test-deploy test-browser pictures fuzz help
.DEFAULT_GOAL := build

build: ## Build bin/lighterman.
	$(GO) build -ldflags='-s -w' -o bin/lighterman ./cmd/lighterman

test: ## Run every test, what is concurrent with the race detector, and the soak tests at a fiftieth (make deps).
	@$(MAKE) --no-print-directory test-deploy
	$(GO) test -vet=off $(ALONE)
	@$(MAKE) --no-print-directory -j2 test-race soak SCALE=0.02 LONGEST=10m # one computes while the other waits

test-race: ## Test what is concurrent, with the race detector.
	CGO_ENABLED=1 $(GO) test -vet=off -race -parallel $(BESIDE) -timeout 15m $$($(GO) list ./... | grep -vxF "$$($(GO) list $(ALONE))")

test-deploy: ## Test the Helm chart, the compose files, the alerts by the libraries of those who read them.
	cd $(DEPLOY) && $(GO) test -vet=off ./...

soak: ## Run the long tests at full size, or at SCALE of it: random pull requests, kills, pushes, a burst. Hours.
	$(GO) test -vet=off ./cmd/lighterman -run '^TestSoak' -soak $(SCALE) -count 1 -timeout $(LONGEST) -v

lint: ## gofmt, vet, staticcheck, a tidy and verified go.mod.
	@unformatted=$$(gofmt -l cmd fixes internal $(DEPLOY)); test -z "$$unformatted" || { echo "gofmt -w $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) mod verify
	cd $(DEPLOY) && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) mod verify

update: ## Rewrite goldens and the README's tables. Read the diff before keeping it.
	$(GO) test ./fixes ./internal/buildcontext ./internal/ecosystem ./internal/checks ./internal/report ./cmd/lighterman -update

demo: build ## Show the whole product: a server, a GitHub double, a pull request, its review, on a page.
	./bin/lighterman demo

bench: ## Run the benchmarks; feed two runs to benchstat.
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## Fuzz the Dockerfile layer and the edits, a minute each.
	$(GO) test -run '^$$' -fuzz FuzzRoundTrip -fuzztime 60s ./fixes/dockerfile
	$(GO) test -run '^$$' -fuzz FuzzApply -fuzztime 60s ./fixes

deps: deps-system deps-modules ## Install what the tests use besides Go and git: PostgreSQL's server, Chromium, playwright-core.

deps-system:
	$(ROOT) apt-get update -qq
	RUNLEVEL=1 $(ROOT) apt-get install -y -qq --no-install-recommends $(PACKAGES)

deps-modules:
	$(GO) mod download
	cd $(DEPLOY) && $(GO) mod download
	cd $(BROWSER) && npm ci --no-audit --no-fund

deps-buildkit: ## Make a BuildKit daemon and the images that real builds start from; needs root. Minutes, and 4 GB.
	$(ROOT) apt-get update -qq
	RUNLEVEL=1 $(ROOT) apt-get install -y -qq --no-install-recommends runc debootstrap curl
	$(BUILDKIT) deps

proofs: ## Build every kind of fix for real, before and after, and rewrite the README's table of it (make deps-buildkit).
	$(BUILDKIT) start
	BUILDKIT_HOST=$$($(BUILDKIT) host) $(GO) test ./internal/prove/trial -count=1 -v -timeout 60m -update; \
	status=$$?; $(BUILDKIT) prune; $(BUILDKIT) stop; exit $$status

image: ## Build deploy/Dockerfile for real, run what comes out, and write its size into the README (make deps-buildkit).
	$(BUILDKIT) start
	BUILDKIT_HOST=$$($(BUILDKIT) host) $(GO) test ./cmd/lighterman -run '^TestImage$$' -count=1 -v -timeout 30m -update; \
	status=$$?; $(BUILDKIT) stop; exit $$status

test-browser: build ## Test the demo's, the set-up and the admin page and a sweep's report in headless Chromium.
	cd $(BROWSER) && node --test

pictures: build ## Take the README's pictures anew: the demo's page, and the report of a sweep over testdata/corpus.
	cd $(BROWSER) && PICTURE=$(CURDIR)/testdata/demo/page.png SWEEP_PICTURE=$(CURDIR)/testdata/demo/sweep.png node --test

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
