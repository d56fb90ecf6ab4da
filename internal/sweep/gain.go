package sweep

import (
	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A Gain is what is known, without building anything, of what fixes save. Most of it is not: how long a step takes and how
// much it stores shows only when it runs, and is not guessed here.
type Gain struct {
	Bytes int64 // by which the compressed images get smaller, for linux/amd64
	Known int   // of how many fixes the bytes are known
}

// Plus is both gains together.
func (g Gain) Plus(h Gain) Gain { return Gain{g.Bytes + h.Bytes, g.Known + h.Known} }

// weigh is what is known of the fixes of a bundle: where an image is put on another base, and a registry was asked about
// both, the difference between the two.
func (b Bundle) weigh(o check.Options) (g Gain) {
	before := map[string][]byte{}
	for _, f := range b.Files {
		before[f.Path] = f.Before
	}
	for _, f := range b.Applied {
		if bytes := rebased(f.Fixes[0].Intent, before[f.Path], f.Path, o); bytes > 0 {
			g = g.Plus(Gain{bytes, 1})
		}
	}
	return g
}

// rebased is by how much the base of an image gets smaller, 0 when that is not known.
func rebased(intent fixes.Intent, text []byte, path string, o check.Options) int64 {
	split, ok := intent.(fixes.TwoStages)
	if !ok || o.Images == nil {
		return 0
	}
	file, err := dockerfile.Parse(path, text)
	if err != nil || len(file.Stages) != 1 {
		return 0
	}
	ref, _ := file.Final().Image()
	was, is := sizeOf(ref, o), sizeOf(split.Base, o)
	if was == 0 || is == 0 {
		return 0
	}
	return max(0, was-is)
}

// sizeOf is what a registry said that an image weighs.
func sizeOf(ref string, o check.Options) int64 {
	facts, _ := o.Images.Lookup(ref)
	return facts.Answer.Size("linux/amd64")
}
