package prove

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil/types"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var _ check.Linter = (*Pool)(nil)

// lintPlatform is the platform for which files are linted.
const lintPlatform = "linux/amd64"

// Lint implements check.Linter. The result of the last files is remembered: whoever verifies a fix and then makes it
// lints the same text twice.
func (p *Pool) Lint(ctx context.Context, c check.LintCase) ([]check.Remark, error) {
	req := lintRequest{Source: offline(string(c.File.Src)), Ignores: c.Ignores, Args: unset(c.File)}
	req.Bases = map[string]lintBase{}
	for ref, b := range c.Bases {
		req.Bases[ref] = lintBase{b.Env, b.Platforms}
	}
	key, err := keyOf(req)
	if err != nil {
		return nil, err
	}
	if remarks, ok := p.lints.get(key); ok {
		return remarks, nil
	}
	if err := bounded(c.File, []world{{Args: req.Args}}); err != nil && !p.opts.bound {
		return nil, err
	}
	rep, err := p.convert(ctx, request{Lint: &req})
	if err != nil {
		return nil, err
	}
	if len(rep.Remarks) > maxRemarks { // a child is not trusted
		return nil, errors.New("more than one file can give rise to")
	}
	p.lints.put(key, rep.Remarks)
	return rep.Remarks, nil
}

// offline takes from a file what makes BuildKit ask a host for its SSH key (llb.Git), user@host:path and ssh://: the
// linter has no network, and any other source does.
func offline(text string) string {
	text = strings.ReplaceAll(text, "ssh://", "ftp://")
	return userAtHost.ReplaceAllStringFunc(text, func(at string) string {
		if strings.HasPrefix(at, "@sha") {
			return at
		}
		return "_" + at[1:]
	})
}

var userAtHost = pattern.New(`@[\w.-]+:`)

// A lintRequest asks a child to lint one file.
type lintRequest struct {
	Source  string
	Ignores []string
	Args    map[string]string
	Bases   map[string]lintBase
}

// A lintBase is what is known of a base image.
type lintBase struct{ Env, Platforms []string }

// unset gives a value to every build argument that the file declares without one, since an empty name of a base image
// or an empty port would end the linting. It is octal digits, as in everyArg.
func unset(f *dockerfile.File) map[string]string {
	out, given := map[string]string{}, map[string]bool{}
	for _, i := range f.Instructions {
		if i.Keyword != "ARG" {
			continue
		}
		for _, w := range i.Words {
			name, value, _ := strings.Cut(w.Text, "=")
			given[name] = given[name] || strings.Trim(value, `"'`) != ""
			if !reserved(name) {
				out[name] = unknownValue
			}
		}
	}
	for name := range given {
		if given[name] {
			delete(out, name)
		}
	}
	return out
}

// unknownValue stands for values that are not known.
const unknownValue = "101"

// maxRemarks is how many remarks on one file are kept.
const maxRemarks = 5000

// lintFile answers a lintRequest. What BuildKit says of the ignore file has to hold for each of them.
func lintFile(ctx context.Context, req lintRequest) reply {
	ignores := req.Ignores
	if len(ignores) == 0 {
		ignores = []string{""}
	}
	remarks, err := lintWith(ctx, req, ignores[0])
	if err != nil {
		return reply{Error: err.Error()}
	}
	for _, ignore := range ignores[1:] {
		if !slices.ContainsFunc(remarks, ignored) {
			break
		}
		others, err := lintWith(ctx, req, ignore)
		if err != nil {
			return reply{Error: err.Error()}
		}
		remarks = slices.DeleteFunc(remarks, func(r check.Remark) bool { return ignored(r) && !slices.Contains(others, r) })
	}
	return reply{Remarks: remarks[:min(len(remarks), maxRemarks)]}
}

func ignored(r check.Remark) bool { return r.Rule == linter.RuleCopyIgnoredFile.Name }

// lintWith lints the file with one ignore file. Where the file does not build, what was found until then is all there
// is.
func lintWith(ctx context.Context, req lintRequest, ignore string) ([]check.Remark, error) {
	platform := platforms.MustParse(lintPlatform)
	caps := pb.Caps.CapSet(pb.Caps.All())
	c, err := dockerui.NewClient(gateway{ignore: []byte(ignore), caps: caps})
	if err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	c.LinterConfig = &linter.Config{ExperimentalAll: true}
	args := make(map[string]string, len(req.Args)) // the frontend writes to it
	for k, v := range req.Args {
		args[k] = v
	}
	results, err := dockerfile2llb.DockerfileLint(ctx, []byte(req.Source), dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildArgs: args},
		Client:         c,
		SourceMap:      &llb.SourceMap{Data: []byte(req.Source), Definition: &llb.Definition{}},
		TargetPlatform: &platform,
		LLBCaps:        &caps,
		MetaResolver:   lintResolver(req.Bases),
	})
	if err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	return remarksOf(results), nil
}

// remarksOf takes what is needed, in an order of its own: BuildKit's depends on maps and goroutines.
func remarksOf(results *lint.LintResults) []check.Remark {
	var out []check.Remark
	for _, w := range results.Warnings {
		r := check.Remark{Rule: w.RuleName, Detail: w.Detail}
		if w.Location != nil && len(w.Location.Ranges) > 0 && w.Location.Ranges[0].Start != nil {
			r.Line = int(w.Location.Ranges[0].Start.Line)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b check.Remark) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Rule, b.Rule), strings.Compare(a.Detail, b.Detail))
	})
	return slices.Compact(out)
}

// lintResolver is a registry in which every image exists, with the variables that are known of it. It never returns an
// error, which would end the linting.
type lintResolver map[string]lintBase

// ResolveImageConfig implements llb.ImageMetaResolver.
func (r lintResolver) ResolveImageConfig(
	_ context.Context, ref string, opt sourceresolver.Opt,
) (string, digest.Digest, []byte, error) {
	platform := platforms.MustParse(lintPlatform)
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		platform = *opt.ImageOpt.Platform
	}
	var env []string
	for name, base := range r {
		if named, err := reference.ParseNormalizedNamed(name); err != nil || reference.TagNameOnly(named).String() != ref {
			continue
		}
		platform = published(platform, base.Platforms)
		for _, variable := range base.Env {
			if variable != "PATH" {
				env = append(env, variable+"="+unknownValue)
			}
		}
	}
	text, err := json.Marshal(map[string]any{
		"os": platform.OS, "architecture": platform.Architecture, "variant": platform.Variant,
		"config": map[string]any{"Env": append(env, systemPath)},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + strings.Repeat("0", 64)}},
	})
	return ref, "", text, err
}

// published is the wanted platform when the image has it, or may, and else its first.
func published(wanted ocispecs.Platform, all []string) ocispecs.Platform {
	first := wanted
	for n, name := range all {
		p, err := platforms.Parse(name)
		if err != nil || p.OS == wanted.OS && p.Architecture == wanted.Architecture {
			return wanted
		}
		if n == 0 {
			first = p
		}
	}
	return first
}

// A gateway is a BuildKit daemon that holds nothing but an ignore file. What linting does not call is left nil.
type gateway struct {
	client.Client
	ignore []byte
	caps   apicaps.CapSet
}

// BuildOpts implements client.Client.
func (g gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{Opts: map[string]string{}, LLBCaps: g.caps, Caps: gwpb.Caps.CapSet(nil)}
}

// Inputs implements client.Client.
func (g gateway) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

// Solve implements client.Client.
func (g gateway) Solve(context.Context, client.SolveRequest) (*client.Result, error) {
	result := client.NewResult()
	result.SetRef(ignoreFile{text: g.ignore})
	return result, nil
}

// An ignoreFile is a file system with one file.
type ignoreFile struct {
	client.Reference
	text []byte
}

// ReadFile implements client.Reference.
func (i ignoreFile) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	if req.Filename != dockerui.DefaultDockerignoreName {
		return nil, fs.ErrNotExist
	}
	return i.text, nil
}

// StatFile implements client.Reference.
func (i ignoreFile) StatFile(context.Context, client.StatRequest) (*types.Stat, error) {
	return nil, fs.ErrNotExist
}
