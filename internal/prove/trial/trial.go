package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// A Change is what is to be tried: a fix, or several at once.
type Change struct {
	Check   string // the check that offers it; for several, with commas between
	Title   string
	Intents []fixes.Intent
	Edits   []fixes.Edit
}

// A Case is one Dockerfile with the changes to try on it.
type Case struct {
	Root    string             // the repository's directory
	Path    string             // the Dockerfile in it
	Source  []byte             // its text
	Build   buildcontext.Build // how it is built
	Changes []Change
}

// Nothing as Options.Touch means that nothing is built again.
const Nothing = "-"

// Options say how to try.
type Options struct {
	Touch    string       // the file of the build context to change before the rebuilds; "" for one chosen, or Nothing
	Rebuilds int          // how many rebuilds to time, of which the median is told; 0 for one
	Self     string       // a statically linked program that calls MaybeProbe; "" when no program is to be tried
	Progress func(string) // told what is being done; nil: nobody is
}

// Figures are what was measured of one file. What could not be measured is nil.
type Figures struct {
	Size    int64    `json:"size"`              // compressed bytes of the image's layers
	Reruns  []string `json:"reruns,omitempty"`  // the steps that ran again after the source file changed
	Rebuild *float64 `json:"rebuild,omitempty"` // seconds that took
}

// A Report is what came of a Case.
type Report struct {
	Path    string   `json:"path"`
	Build   string   `json:"build"`             // how it was built: the context and where that is said
	Touched string   `json:"touched,omitempty"` // the file that was changed before the rebuilds
	Before  Figures  `json:"before"`
	Noise   int      `json:"noise"` // attributes in which two builds of the file before differ
	Failed  string   `json:"failed,omitempty"`
	Results []Result `json:"results"`
}

// A Result is what came of one Change.
type Result struct {
	Check       string       `json:"check"`
	Title       string       `json:"title"`
	Expected    string       `json:"expected"`
	After       Figures      `json:"after"`
	Differences int          `json:"differences"`          // how many there are beyond the noise
	Unexpected  []Difference `json:"unexpected,omitempty"` // those that were not promised
	Lacking     []string     `json:"lacking,omitempty"`    // what was promised and is not there
	Program     string       `json:"program,omitempty"`    // how the image's program fares without a network
	Failed      string       `json:"failed,omitempty"`     // why the fixed file does not build, or could not be judged
	Verdict     Verdict      `json:"verdict"`
}

// A Verdict says whether the builds show what the proof says.
type Verdict string

// The verdicts.
const (
	Agrees    Verdict = "agrees"
	Disagrees Verdict = "disagrees"
	Untried   Verdict = "not tried" // the file before does not build, so there is nothing to compare with
)

// A run is a Case being tried.
type run struct {
	Case
	Options
	daemon *Daemon
	dir    string
	store  *store
	before *workspace
	first  *image
	noise  noise
	report *Report
}

// Try builds the case. An error means that it could not be tried at all; what a change did is in the report.
func (d *Daemon) Try(ctx context.Context, c Case, o Options) (*Report, error) {
	dir, err := os.MkdirTemp("", "lighterman-trial-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	r := &run{Case: c, Options: o, daemon: d, dir: dir,
		store:  &store{dir: filepath.Join(dir, "store"), layers: map[string][]change{}},
		report: &Report{Path: c.Path, Build: fmt.Sprintf("context %s, %s", c.Build.Dir, c.Build.Origin)}}
	if r.before, err = r.lay("before", c.Source, nil); err != nil {
		return nil, err
	}
	r.chooseTouched()
	if err := r.buildBefore(ctx); err != nil {
		return nil, err
	}
	for n, change := range c.Changes {
		result, err := r.try(ctx, fmt.Sprintf("after-%d", n), change)
		if err != nil {
			return nil, err
		}
		r.report.Results = append(r.report.Results, *result)
	}
	return r.report, nil
}

// lay makes a workspace of that name with what tools leave behind planted in it.
func (r *run) lay(name string, src []byte, edits []fixes.Edit) (*workspace, error) {
	w, err := lay(filepath.Join(r.dir, name), r.Root, r.Build, r.Path, src, edits)
	if err != nil {
		return nil, err
	}
	return w, w.mark()
}

func (r *run) chooseTouched() {
	switch r.Touch {
	case Nothing:
	case "":
		r.report.Touched = source(r.Build.Context)
	default:
		r.report.Touched = r.Touch
	}
}

func (r *run) order(w *workspace) order {
	return order{dir: w.context, file: w.file, target: r.Build.Target, args: r.Build.Args}
}

// buildBefore builds the file before, and once more for what a change to the sources costs. That it does not build is no
// error: some fixes promise just that.
func (r *run) buildBefore(ctx context.Context) error {
	first, err := r.clean(ctx, "before", r.before)
	if err != nil {
		r.report.Failed = err.Error()
		return ctx.Err()
	}
	r.first = first
	r.report.Before = r.measure(ctx, r.before, first)
	return ctx.Err()
}

// listen builds the file before once more, when there is something to compare it with, for what differs by itself.
func (r *run) listen(ctx context.Context) error {
	if r.noise != nil || r.first == nil {
		return nil
	}
	second, err := r.clean(ctx, "before, again", r.before)
	if err != nil {
		return fmt.Errorf("the file before builds once and not the second time: %w", err)
	}
	r.noise = noiseOf(r.first, second)
	r.report.Noise = len(r.noise)
	return nil
}

// clean builds a workspace without the cache and reads the image.
func (r *run) clean(ctx context.Context, what string, w *workspace) (*image, error) {
	r.Progress(fmt.Sprintf("%s: building %s", r.Path, what))
	o := r.order(w)
	o.noCache, o.store = true, r.store.dir
	b, err := r.daemon.build(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.store.image(b.digest)
}

// measure finds out what there is to measure of a workspace that was built into img.
func (r *run) measure(ctx context.Context, w *workspace, img *image) Figures {
	f := Figures{Size: img.size}
	if r.report.Touched == "" {
		return f
	}
	r.Progress(fmt.Sprintf("%s: building again with %s changed", r.Path, r.report.Touched))
	var all []time.Duration
	for range max(1, r.Rebuilds) {
		if err := w.touch(r.report.Touched); err != nil {
			return f
		}
		b, err := r.daemon.build(ctx, r.order(w))
		if err != nil {
			return f // a remark that breaks a build says nothing about the fix
		}
		f.Reruns = b.ran
		all = append(all, b.took)
	}
	slices.Sort(all)
	seconds := all[len(all)/2].Seconds()
	f.Rebuild = &seconds
	return f
}

// try builds the file with a change made.
func (r *run) try(ctx context.Context, name string, c Change) (*Result, error) {
	result := &Result{Check: c.Check, Title: c.Title}
	want, err := together(c.Intents)
	if err != nil {
		result.Failed, result.Verdict = err.Error(), Untried
		return result, nil
	}
	result.Expected = want.words
	if r.first == nil && !want.fails {
		result.Failed, result.Verdict = "the file before does not build", Untried
		return result, nil
	}
	src, err := fixes.Apply(r.Path, r.Source, c.Edits)
	if err != nil {
		return nil, err
	}
	w, err := r.lay(name, src, c.Edits)
	if err != nil {
		return nil, err
	}
	img, err := r.clean(ctx, "after: "+c.Title, w)
	if err != nil {
		result.Failed, result.Verdict = "the fixed file does not build: "+err.Error(), Disagrees
		return result, ctx.Err()
	}
	result.After = r.measure(ctx, w, img)
	if err := r.listen(ctx); err != nil {
		result.Failed, result.Verdict = err.Error(), Untried
		return result, ctx.Err()
	}
	r.judge(result, want, w, img)
	if want.probe && r.Self != "" && result.Verdict == Agrees {
		r.probe(ctx, result, w, img)
	}
	return result, ctx.Err()
}

// judge holds what was built against what was promised.
func (r *run) judge(result *Result, want expectation, w *workspace, img *image) {
	result.Verdict = Agrees
	if r.first == nil {
		return // as promised, and there is nothing to compare with
	}
	if want.fails {
		result.Lacking = []string{"the file before builds all the same"}
	}
	all := slices.DeleteFunc(r.noise.without(differences(r.first, img)), func(d Difference) bool {
		return w.edited[img.files[d.Path].Sum] // a file that the fix changes, copied into the image
	})
	result.Differences = len(all)
	for _, d := range all {
		if !want.allows(d) {
			result.Unexpected = append(result.Unexpected, d)
		}
	}
	if want.lacks != nil {
		result.Lacking = append(result.Lacking, want.lacks(all)...)
	}
	if len(result.Unexpected)+len(result.Lacking) > 0 {
		result.Verdict = Disagrees
	}
}

// probe starts the program of the image before and after.
func (r *run) probe(ctx context.Context, result *Result, w *workspace, img *image) {
	switch {
	case len(img.argv) == 0:
		result.Program = "not tried: the image starts nothing"
		return
	case r.Build.Target != "":
		result.Program = "not tried: the build stops at stage " + r.Build.Target
		return
	}
	r.Progress(fmt.Sprintf("%s: starting the program", r.Path))
	p := probe{r.daemon, r.Self}
	before, err := p.run(ctx, filepath.Join(r.dir, "probe-before"), r.order(r.before), r.first.argv)
	if err != nil {
		result.Program = "not tried: " + firstLine(err.Error())
		return
	}
	after, err := p.run(ctx, filepath.Join(r.dir, "probe-after"), r.order(w), img.argv)
	switch {
	case err != nil:
		result.Program = "not tried: " + firstLine(err.Error())
	case before == after:
		result.Program = after
	case before == runs || strings.HasPrefix(before, succeeds):
		result.Program, result.Verdict = fmt.Sprintf("%s before; after the fix it %s", before, after), Disagrees
	default:
		result.Program = "cannot be compared: without the fix it " + before
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
