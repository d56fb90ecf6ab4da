package trial

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/tonistiigi/fsutil"

	"github.com/lighterman/lighterman/internal/pattern"
)

// An order is one build to be made.
type order struct {
	dir     string            // the build context's directory
	file    string            // the Dockerfile, beside which its own ignore file may lie
	target  string            // "" for the last stage
	args    map[string]string // build arguments
	mounts  map[string]string // further named contexts, as directories
	store   string            // where to export the image to; "" to leave it in the daemon
	noCache bool              // run every step
}

// A build is what came of an order.
type build struct {
	digest string   // of the image's manifest in the store; "" when nothing was exported
	ran    []string // the names of the Dockerfile's steps that ran, sorted
	log    []byte   // what they printed
	took   time.Duration
}

// maxLog is how much of a build's output is kept.
const maxLog = 1 << 20

// build makes a build.
func (d *Daemon) build(ctx context.Context, o order) (*build, error) {
	opt, err := o.options()
	if err != nil {
		return nil, err
	}
	status := make(chan *client.SolveStatus)
	done := make(chan *record)
	go func() { done <- follow(status) }()
	start := time.Now()
	resp, err := d.client.Solve(ctx, nil, opt, status)
	rec := <-done
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, tail(rec.log.Bytes()))
	}
	return &build{
		digest: resp.ExporterResponse[exptypes.ExporterImageDigestKey],
		ran:    rec.ran(),
		log:    rec.log.Bytes(),
		took:   time.Since(start),
	}, nil
}

func (o order) options() (client.SolveOpt, error) {
	opt := client.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: map[string]string{"filename": filepath.Base(o.file)},
		LocalMounts:   map[string]fsutil.FS{},
	}
	dirs := map[string]string{"context": o.dir, "dockerfile": filepath.Dir(o.file)}
	for name, dir := range o.mounts {
		opt.FrontendAttrs["context:"+name] = "local:" + name
		dirs[name] = dir
	}
	for name, dir := range dirs {
		dirFS, err := fsutil.NewFS(dir)
		if err != nil {
			return opt, fmt.Errorf("open %s: %w", dir, err)
		}
		opt.LocalMounts[name] = dirFS
	}
	if o.target != "" {
		opt.FrontendAttrs["target"] = o.target
	}
	for name, value := range o.args {
		opt.FrontendAttrs["build-arg:"+name] = value
	}
	if o.noCache {
		opt.FrontendAttrs["no-cache"] = ""
	}
	if o.store != "" {
		opt.Exports = []client.ExportEntry{{
			Type: client.ExporterOCI, OutputDir: o.store, Attrs: map[string]string{"tar": "false"},
		}}
	}
	return opt, nil
}

// A record is what a daemon tells while it builds.
type record struct {
	steps map[string]*client.Vertex
	log   bytes.Buffer
}

// follow reads what a daemon tells until it has nothing more to say.
func follow(status <-chan *client.SolveStatus) *record {
	r := &record{steps: map[string]*client.Vertex{}}
	for s := range status {
		for _, v := range s.Vertexes {
			r.steps[string(v.Digest)] = v
		}
		for _, l := range s.Logs {
			if r.log.Len() < maxLog {
				r.log.Write(l.Data)
			}
		}
	}
	return r
}

// instruction tells the Dockerfile's own steps from what BuildKit does beside them, such as "[internal] load build
// context" and "exporting to image".
var instruction = pattern.New(`^\[(?:[^\]]* )?\d+/\d+\] (.*)`)

// ran are the steps that ran, sorted: those that were neither taken from the cache nor a base image.
func (r *record) ran() []string {
	var out []string
	for v := range maps.Values(r.steps) {
		m := instruction.FindStringSubmatch(v.Name)
		if m != nil && v.Started != nil && !v.Cached && !strings.HasPrefix(m[1], "FROM ") {
			out = append(out, v.Name)
		}
	}
	slices.Sort(out)
	return out
}

// tail is the end of a build's output, for an error.
func tail(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if lines[0] == "" {
		return ""
	}
	lines = lines[max(0, len(lines)-8):]
	for n, l := range lines { // what a progress bar wrote over is not shown
		lines[n] = l[strings.LastIndexByte(strings.TrimRight(l, "\r"), '\r')+1:]
	}
	return "\n" + strings.Join(lines, "\n")
}

// exists reports whether there is something at a path.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
