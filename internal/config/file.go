package config

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/robfig/cron/v3"
)

// A file is what .github/lighterman.yml may say. The keys, the parser, the schema and what "lighterman config" prints
// are all read from these types; the doc tags are the schema's descriptions.
type file struct {
	Extends    references       `key:"extends" doc:"Presets under this file: OWNER/REPO, OWNER/REPO:path@ref, or ./path."`
	FailOn     failOn           `key:"fail-on" doc:"The severity from which findings fail a review."`
	Builder    builder          `key:"builder" doc:"What builds the images; fixes use only syntax that it takes."`
	Checks     map[string]level `key:"checks" doc:"Checks by name, or by another tool's id: on, off, or a severity."`
	Paths      paths            `key:"paths" doc:"Which Dockerfiles are looked at."`
	Builds     []build          `key:"builds" doc:"How Dockerfiles are built, where that is not found out."`
	Registries []registry       `key:"trusted-registries" doc:"The registries that base images may come from."`
	Comments   comments         `key:"comments" doc:"What a review of a pull request says."`
	Drafts     drafts           `key:"drafts" doc:"Drafts: the check run alone, comments too, or not looked at."`
	Bots       bots             `key:"bots" doc:"Bots' pull requests: lines they changed, everything, or not looked at."`
	Sweeps     sweeps           `key:"sweeps" doc:"Pull requests with fixes for the whole repository."`
}

type paths struct {
	Include []glob `key:"include" doc:"Only Dockerfiles under one of these, as in .gitignore."`
	Exclude []glob `key:"exclude" doc:"No Dockerfile under any of these, as in .gitignore."`
}

type build struct {
	Files     []glob            `key:"files" need:"true" doc:"The Dockerfiles that are built in this way."`
	Context   folder            `key:"context" doc:"The build context, from the repository's root."`
	Target    string            `key:"target" doc:"The stage to build; the last when left out."`
	Args      map[string]scalar `key:"args" doc:"Build arguments."`
	Platforms []platform        `key:"platforms" doc:"The platforms to build for."`
}

type comments struct {
	MaxInline amount `key:"max-inline" doc:"How many comments stand on the diff at most; the others are in the summary."`
}

// The kinds of values. One with words is one of these words; one with a rule says what is wrong with it.
type (
	failOn   string
	builder  string
	level    string
	family   string
	glob     string
	folder   string
	platform string
	registry string
	schedule string
	timeZone string
	scalar   string // a text or a number, as it is written
	amount   int
	drafts   string
	bots     string

	reference  string
	references []reference // or a single one
)

func (failOn) words() []string  { return []string{"info", "warning", "error", "never"} }
func (builder) words() []string { return []string{"buildkit", "buildah", "kaniko", "official-images"} }
func (level) words() []string   { return []string{"off", "on", "info", "warning", "error"} }
func (drafts) words() []string  { return []string{"check", "comment", "skip"} }
func (bots) words() []string    { return []string{"changed-lines", "all", "skip"} }
func (family) words() []string {
	return []string{"caching", "smaller-image", "non-root", "pinning", "context", "hygiene"}
}

const (
	leastAmount = 0
	mostAmount  = 50
)

func (a amount) rule() string {
	if a < leastAmount || a > mostAmount {
		return fmt.Sprintf("%d is not from %d to %d", int(a), leastAmount, mostAmount)
	}
	return ""
}

// Each brace multiplies the work of matching, so a pattern may have few: a service matches the patterns of strangers.
const (
	maxGlob    = 256
	maxBraces  = 3
	maxChoices = 20
)

func (g glob) rule() string {
	switch {
	case strings.Trim(string(g), "/") == "":
		return "a pattern of nothing matches nothing"
	case len(g) > maxGlob || strings.Count(string(g), "{") > maxBraces || strings.Count(string(g), ",") > maxChoices:
		const message = "the pattern has more than %d bytes, %d braces or %d commas; write several"
		return fmt.Sprintf(message, maxGlob, maxBraces, maxChoices)
	case !doublestar.ValidatePattern(g.pattern()):
		return fmt.Sprintf("%q is not a pattern: a bracket or brace is not closed, or there is a lone backslash", string(g))
	}
	return ""
}

// pattern is the glob from the root: as in .gitignore, one without a slash (but at its end) matches at any depth.
func (g glob) pattern() string {
	inner := strings.TrimSuffix(string(g), "/")
	if !strings.Contains(inner, "/") {
		return "**/" + inner
	}
	return strings.TrimPrefix(inner, "/")
}

// matches reports whether the file or a folder that it lies in matches.
func (g glob) matches(name string) bool {
	for {
		if ok, err := doublestar.Match(g.pattern(), name); ok && err == nil {
			return true
		}
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			return false
		}
		name = name[:slash]
	}
}

func matchesAny(globs []glob, name string) (n int, ok bool) {
	n = slices.IndexFunc(globs, func(g glob) bool { return g.matches(name) })
	return n, n >= 0
}

func (f folder) rule() string {
	if !fs.ValidPath(f.clean()) {
		return fmt.Sprintf("%q is not a folder of the repository: write it from the root, as in \"services/web\"", string(f))
	}
	return ""
}

// clean is the folder as package fs writes it.
func (f folder) clean() string {
	if f == "" {
		return ""
	}
	return path.Clean(string(f))
}

const platformForm = `^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?$`

var isPlatform = regexp.MustCompile(platformForm)

func (platform) form() string { return platformForm }

func (p platform) rule() string {
	if !isPlatform.MatchString(string(p)) {
		return fmt.Sprintf("%q is not a platform, as in linux/amd64 or linux/arm/v7", string(p))
	}
	return ""
}

const registryForm = `^(\*|[A-Za-z0-9*][A-Za-z0-9.*-]*(:[0-9]+)?(/[a-z0-9._/-]+)?)$`

var isRegistry = regexp.MustCompile(registryForm)

func (registry) form() string { return registryForm }

func (r registry) rule() string {
	if !isRegistry.MatchString(string(r)) {
		return fmt.Sprintf("%q is not a registry, as in ghcr.io, *.example.com or registry.example.com:5000", string(r))
	}
	return ""
}

const scheduleForm = `^(daily|weekly|monthly|\S+ \S+ \S+ \S+ \S+)$`

var isSchedule = regexp.MustCompile(scheduleForm)

func (schedule) form() string { return scheduleForm }

func (s schedule) rule() string {
	if !isSchedule.MatchString(string(s)) {
		return fmt.Sprintf("%q is not daily, weekly, monthly, or the five fields of cron", string(s))
	}
	if _, err := cron.ParseStandard(string(s)); strings.Contains(string(s), " ") && err != nil {
		return fmt.Sprintf("%q is not five fields of cron: %v", string(s), err)
	}
	return ""
}

func (z timeZone) rule() string {
	if _, err := time.LoadLocation(string(z)); err != nil || z == "" || z == "Local" {
		return fmt.Sprintf("%q is not a time zone, as in UTC or Europe/Berlin", string(z))
	}
	return ""
}
