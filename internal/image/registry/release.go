package registry

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lighterman/lighterman/internal/pattern"
)

const (
	// maxTried is how many tags are held against a digest.
	maxTried = 8
	// maxPages is how many pages of tags are read.
	maxPages = 3
)

// release is the tag of a version that names the same digest as latest, "" when none is found. Candidates are what the
// image says of itself, in variables and labels, and the highest versions among its tags; each is looked up, so that the
// answer is right or there is none.
func (c client) release(ctx context.Context, latest name.Tag, want v1.Hash, config *v1.ConfigFile, o []remote.Option) string {
	tried := map[string]bool{}
	try := func(candidates []string) string {
		for _, tag := range candidates {
			if tried[tag] || len(tried) >= maxTried || ctx.Err() != nil {
				continue
			}
			tried[tag] = true
			if desc, err := remote.Head(latest.Tag(tag), o...); err == nil && desc.Digest == want {
				return tag
			}
		}
		return ""
	}
	if tag := try(told(latest.RepositoryStr(), config)); tag != "" {
		return tag
	}
	return try(highest(c.tags(ctx, latest.Repository, o)))
}

var (
	version   = pattern.New(`^v?[0-9]+(\.[0-9]+){0,3}$`)
	versioned = pattern.New(`^v?[0-9]+(\.[0-9]+){0,3}`)
)

// told are the versions that an image says it is: of a variable named after it first, then of a label, then of other
// variables. PG_VERSION=17.2-1.pgdg120+1 says 17.2.
func told(repository string, config *v1.ConfigFile) []string {
	base := strings.ToUpper(strings.ReplaceAll(repository[strings.LastIndexByte(repository, '/')+1:], "-", "_"))
	var own, others []string
	for _, env := range config.Config.Env {
		key, value, _ := strings.Cut(env, "=")
		tag := versioned.FindString(value)
		switch {
		case !strings.HasSuffix(key, "_VERSION") || tag == "":
		case key == base+"_VERSION":
			own = append(own, tag)
		default:
			others = append(others, tag)
		}
	}
	if tag := config.Config.Labels["org.opencontainers.image.version"]; version.MatchString(tag) {
		own = append(own, tag)
	}
	return slices.Concat(own, others[:min(2, len(others))])
}

// tags are the first pages of a repository's tags.
func (c client) tags(ctx context.Context, repo name.Repository, o []remote.Option) []string {
	puller, err := remote.NewPuller(o...)
	if err != nil {
		return nil
	}
	lister, err := puller.Lister(ctx, repo)
	if err != nil {
		return nil
	}
	var out []string
	for page := 0; page < maxPages && lister.HasNext(); page++ {
		tags, err := lister.Next(ctx)
		if err != nil || tags == nil {
			return out
		}
		out = append(out, tags.Tags...)
	}
	return out
}

// highest are the tags that are versions and nothing else, the highest first, and of equal ones the most exact. Dates are
// no versions.
func highest(tags []string) []string {
	var out []string
	for _, tag := range tags {
		if version.MatchString(tag) && numbers(tag)[0] < 1900 {
			out = append(out, tag)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return slices.Compare(numbers(b), numbers(a)) })
	return out
}

// numbers are the parts of a version; one that is too large for a number is 0.
func numbers(tag string) []int {
	var out []int
	for part := range strings.SplitSeq(strings.TrimPrefix(tag, "v"), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = 0
		}
		out = append(out, n)
	}
	return out
}
