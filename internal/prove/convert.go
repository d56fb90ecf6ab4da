package prove

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// convert answers a request: every stage in every world. It never touches the network.
func convert(ctx context.Context, req request) reply {
	g := &graph{seen: map[string]int{}}
	var out reply
	for _, w := range req.Worlds {
		images := make([]rawImage, len(req.Stages))
		for k, stage := range req.Stages {
			img, err := g.image(ctx, req.Source, w, stage)
			if err != nil {
				img = rawImage{Error: err.Error()}
			}
			images[k] = img
		}
		out.Results = append(out.Results, images)
	}
	out.Steps = g.steps
	return out
}

// image converts one stage in one world.
func (g *graph) image(ctx context.Context, source []byte, w world, stage string) (rawImage, error) {
	platform, err := platforms.Parse(w.Platform)
	if err != nil {
		return rawImage{}, err
	}
	caps := pb.Caps.CapSet(pb.Caps.All())
	args := make(map[string]string, len(w.Args)) // the frontend writes to it
	for k, v := range w.Args {
		args[k] = v
	}
	result, err := dockerfile2llb.Dockerfile2LLB(ctx, source, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildArgs: args, Target: stage},
		TargetPlatform: &platform,
		LLBCaps:        &caps,
		MetaResolver:   resolver{w.Base},
	})
	if err != nil {
		return rawImage{}, err
	}
	definition, err := result.State.Marshal(ctx, llb.WithCaps(caps))
	if err != nil {
		return rawImage{}, err
	}
	img, err := g.walk(definition)
	if err != nil {
		return rawImage{}, err
	}
	config := *result.Image
	config.History = nil
	img.Config, err = json.Marshal(config)
	return img, err
}

// resolver is a registry in which every image exists and has the same configuration. BuildKit stops at the first
// image whose configuration it cannot get, so there is an answer for all of them.
type resolver struct{ base []byte }

// ResolveImageConfig implements llb.ImageMetaResolver.
func (r resolver) ResolveImageConfig(
	_ context.Context, ref string, opt sourceresolver.Opt,
) (string, digest.Digest, []byte, error) {
	var config map[string]any
	if err := json.Unmarshal(r.base, &config); err != nil {
		return "", "", nil, fmt.Errorf("base image configuration: %w", err)
	}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		config["os"], config["architecture"] = opt.ImageOpt.Platform.OS, opt.ImageOpt.Platform.Architecture
		config["variant"] = opt.ImageOpt.Platform.Variant
	}
	text, err := json.Marshal(config)
	return ref, "", text, err
}
