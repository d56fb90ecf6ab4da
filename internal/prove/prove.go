package prove

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var _ check.Prover = (*Pool)(nil)

// A predicate decides for one kind of Intent. text sees the two files and what the build contexts hold; image sees
// one world and one stage that stands on the changed one. Both return why the promise is not shown to hold.
type predicate struct {
	read  func(c check.Case) (*change, error) // nil: read, which holds for fixes within one stage
	text  func(c *change) error
	image func(c *change, before, after image) error
	// split, in place of image, sees what one world builds of a file of one stage that became several.
	split func(c *change, before image, after []image) error
}

// predicateOf finds the predicate of an Intent.
func predicateOf(intent fixes.Intent) (predicate, error) {
	switch i := intent.(type) {
	case fixes.Unchanged:
		return unchanged(), nil
	case fixes.Reordered:
		return reordered(i), nil
	case fixes.MergedRuns:
		return mergedRuns(), nil
	case fixes.Appended:
		return appended(i), nil
	case fixes.CacheMounted:
		return cacheMounted(i), nil
	case fixes.RanByRoot:
		return ranByRoot(i), nil
	case fixes.Deferred:
		return deferred(i), nil
	case fixes.Reworded:
		return reworded(i), nil
	case fixes.RunsAs:
		return runsAs(i), nil
	case fixes.OwnedCopies:
		return ownedCopies(i), nil
	case fixes.CopiedPlainly:
		return copiedPlainly(), nil
	case fixes.Labelled:
		return labelled(i), nil
	case fixes.Rooted:
		return rooted(i), nil
	case fixes.Entered:
		return entered(i), nil
	case fixes.PipeFails:
		return pipeFails(), nil
	case fixes.Respelled:
		return respelled(), nil
	case fixes.StartsDirectly:
		return startsDirectly(i), nil
	case fixes.Pinned:
		return pinned(i), nil
	case fixes.TwoStages:
		return twoStages(i), nil
	}
	return predicate{}, fmt.Errorf("nothing can show that a promise of the kind %T holds", intent)
}

// Prove implements check.Prover.
func (p *Pool) Prove(ctx context.Context, c check.Case) error {
	if p.isClosed() {
		return errClosed
	}
	if i, ok := c.Intent.(fixes.Ignored); ok {
		return leavesOut(c, i)
	}
	if len(c.Others) > 0 {
		return fmt.Errorf("nothing can show that a change of %s keeps its promise", c.Others[0].Path)
	}
	pred, err := predicateOf(c.Intent)
	if err != nil {
		return err
	}
	if pred.read == nil {
		pred.read = read
	}
	ch, err := pred.read(c)
	if err != nil {
		return err
	}
	if err := pred.text(ch); err != nil {
		return err
	}
	before, after, err := p.images(ctx, ch)
	if err != nil {
		return err
	}
	return ch.compare(pred, before, after)
}

// images converts both files in every world.
func (p *Pool) images(ctx context.Context, c *change) (before, after reply, err error) {
	all, err := worlds(c.Case, c.before, c.workdir)
	if err != nil {
		return reply{}, reply{}, err
	}
	if before, err = p.file(ctx, c, c.before, all); err != nil {
		return reply{}, reply{}, err
	}
	after, err = p.file(ctx, c, c.after, all)
	return before, after, err
}

// file converts the changed stage and those behind it. What stands before it is the same text in both files, and no
// stage sees what stands behind it.
func (p *Pool) file(ctx context.Context, c *change, f *dockerfile.File, all []world) (reply, error) {
	if err := bounded(f, all); err != nil && !p.opts.bound {
		return reply{}, err
	}
	src, stages, err := named(f)
	if err != nil {
		return reply{}, err
	}
	req := request{Source: src, Stages: stages[c.stage:], Worlds: all}
	key, err := keyOf(req)
	if err != nil {
		return reply{}, err
	}
	if rep, ok := p.built.get(key); ok {
		return rep, nil
	}
	rep, err := p.convert(ctx, req)
	if err == nil && !rep.answers(len(all), len(stages)-c.stage) {
		err = errors.New("comparing what is built broke off")
	}
	if err == nil && rep.size() < maxRemembered {
		p.built.put(key, rep)
	}
	return rep, err
}

// maxRemembered is up to how many bytes of steps and configurations a reply is kept for the next fix of the same file.
const maxRemembered = 1 << 20

// size is how many bytes the reply is mostly made of.
func (r reply) size() (n int) {
	for _, s := range r.Steps {
		n += len(s.Op)
	}
	for _, images := range r.Results {
		for _, img := range images {
			n += len(img.Config) + 8*len(img.Steps)
		}
	}
	return n
}

// answers reports whether the reply is one to a request of so many worlds and stages: a child is not trusted.
func (r reply) answers(worlds, stages int) bool {
	outside := func(n int) func(int) bool { return func(k int) bool { return k < 0 || k >= n } }
	for k, s := range r.Steps {
		if slices.ContainsFunc(s.Inner, outside(k)) { // also keeps it from containing itself
			return false
		}
	}
	for _, images := range r.Results {
		for _, img := range images {
			if slices.ContainsFunc(img.Steps, outside(len(r.Steps))) {
				return false
			}
		}
		if len(images) != stages {
			return false
		}
	}
	return len(r.Results) == worlds
}

// A step is one operation on the root file system.
type step struct {
	key   string // equal keys mean equal operations on equal inputs, whatever the root file system was before
	raw   rawStep
	inner []step
}

// An image is what one stage builds in one world.
type image struct {
	stage  *dockerfile.Stage
	steps  []step
	config []byte
	head   string
}

// op decodes the step's operation.
func (s step) op() (*pb.Op, error) {
	var op pb.Op
	if err := op.UnmarshalVT(s.raw.Op); err != nil {
		return nil, fmt.Errorf("read a step: %w", err)
	}
	return &op, nil
}

// compare holds the images of both files against each other, world by world and stage by stage.
func (c *change) compare(pred predicate, before, after reply) error {
	shown := 0
	for w := range before.Results {
		ok, err := c.world(pred, before, after, w)
		if err != nil {
			return err
		}
		if ok {
			shown++
		}
	}
	if shown == 0 {
		return errors.New("the file builds for none of the base images and arguments that were tried: " + firstError(before))
	}
	return nil
}

// world compares one world. It reports false when neither file builds in it. A stage that was shown to be as promised
// counts as equal where later ones copy from it.
func (c *change) world(pred predicate, before, after reply, w int) (bool, error) {
	if pred.split != nil {
		return c.splits(pred, before, after, w)
	}
	same := map[string]string{}
	final := len(c.before.Stages) - 1 - c.stage
	if before.Results[w][final].Error != "" && after.Results[w][final].Error != "" {
		return false, nil
	}
	for k, stage := range c.before.Stages[c.stage:] {
		old, fixed := before.Results[w][k], after.Results[w][k]
		if old.Error != "" && fixed.Error != "" {
			continue
		}
		if old.Error != "" || fixed.Error != "" {
			return false, fmt.Errorf("one of the two files does not build: %s%s", old.Error, fixed.Error)
		}
		b, a := before.image(old, nil), after.image(fixed, same)
		b.stage, a.stage = stage, c.after.Stages[stage.Index]
		if err := c.images(pred, b, a); err != nil {
			return false, err
		}
		same[a.head] = b.head
	}
	return true, nil
}

// splits compares one world of a file of one stage that became several.
func (c *change) splits(pred predicate, before, after reply, w int) (bool, error) {
	old := before.Results[w][0]
	var stages []image
	for k, fixed := range after.Results[w] {
		if (old.Error == "") != (fixed.Error == "") {
			return false, fmt.Errorf("one of the two files does not build: %s%s", old.Error, fixed.Error)
		}
		img := after.image(fixed, nil)
		img.stage = c.after.Stages[k]
		stages = append(stages, img)
	}
	if old.Error != "" {
		return false, nil
	}
	b := before.image(old, nil)
	b.stage = c.before.Final()
	return true, pred.split(c, b, stages)
}

// images compares what one stage builds: as the predicate says when it stands on the changed stage, else nothing
// differs.
func (c *change) images(pred predicate, b, a image) error {
	if c.stands(b.stage) {
		return pred.image(c, b, a)
	}
	return equal(b, a)
}

// stands reports whether s is the changed stage or based on it.
func (c *change) stands(s *dockerfile.Stage) bool {
	for ; s != nil; s = s.Parent {
		if s.Index == c.stage {
			return true
		}
	}
	return false
}

// image puts an image together, with inputs that were shown to be the same called the same.
func (r reply) image(raw rawImage, same map[string]string) image {
	return image{steps: r.chain(raw.Steps, same), config: raw.Config, head: raw.Head}
}

func (r reply) chain(indexes []int, same map[string]string) []step {
	out := make([]step, 0, len(indexes))
	for _, k := range indexes {
		s := step{raw: r.Steps[k], inner: r.chain(r.Steps[k].Inner, same)}
		h := sha256.New()
		h.Write(s.raw.Op)
		for _, in := range s.raw.Inputs {
			if other, ok := same[in]; ok {
				in = other
			}
			h.Write([]byte("\x00input " + in))
		}
		for _, in := range s.inner {
			h.Write([]byte("\x00inner " + in.key))
		}
		s.key = hex.EncodeToString(h.Sum(nil))
		out = append(out, s)
	}
	return out
}

func firstError(r reply) string {
	for _, images := range r.Results {
		for _, img := range images {
			if img.Error != "" {
				return img.Error
			}
		}
	}
	return "nothing was built"
}

// equal says what differs first between two images, nil when nothing does.
func equal(b, a image) error {
	if err := sameSteps(b.steps, a.steps); err != nil {
		return fmt.Errorf("%s %w", b.name(), err)
	}
	if !bytes.Equal(b.config, a.config) {
		return fmt.Errorf("%s has another configuration: %s", b.name(), differs(b, a))
	}
	return nil
}

// name is what to call the image in a sentence.
func (m image) name() string {
	if m.stage.Name != "" {
		return "stage " + m.stage.Name
	}
	return fmt.Sprintf("stage %d", m.stage.Index)
}

func sameSteps(b, a []step) error {
	if n := prefix(b, a); n < len(b) || n < len(a) {
		return fmt.Errorf("has another step %d", n)
	}
	return nil
}

// prefix is how many steps are equal from the base on.
func prefix(b, a []step) int {
	n := 0
	for n < len(b) && n < len(a) && b[n].key == a[n].key {
		n++
	}
	return n
}

// differs names the fields of the configuration that differ.
func differs(b, a image) string {
	old, fixed, err := configs(b, a)
	if err != nil {
		return "unreadable"
	}
	return strings.Join(fieldsThatDiffer(old, fixed), ", ")
}

// configs decodes both configurations, the fields of "config" beside the others.
func configs(b, a image) (old, fixed map[string]json.RawMessage, err error) {
	if old, err = b.fields(); err == nil {
		fixed, err = a.fields()
	}
	return old, fixed, err
}

func (m image) fields() (map[string]json.RawMessage, error) {
	var all, inner map[string]json.RawMessage
	if err := json.Unmarshal(m.config, &all); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(all["config"], &inner); err != nil {
		return nil, err
	}
	delete(all, "config")
	for name, value := range inner {
		all["config."+name] = value
	}
	return all, nil
}

// fieldsThatDiffer are the names of the fields that are not equal, sorted.
func fieldsThatDiffer(b, a map[string]json.RawMessage) []string {
	var out []string
	for name := range b {
		if !bytes.Equal(b[name], a[name]) {
			out = append(out, name)
		}
	}
	for name := range a {
		if _, ok := b[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
