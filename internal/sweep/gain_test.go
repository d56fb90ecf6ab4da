package sweep

import (
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/image"
)

// sizes are images of which a registry told the size.
type sizes map[string]int64

func (s sizes) Lookup(ref string) (image.Image, bool) {
	n, ok := s[ref]
	if !ok {
		return image.Image{}, false
	}
	return image.Image{Answer: &image.Answer{Platforms: []image.Platform{{Name: "linux/amd64", Size: n}}}}, true
}

// TestGainIsOnlyWhatIsKnown takes the bytes from the two bases, and from nothing else.
func TestGainIsOnlyWhatIsKnown(t *testing.T) {
	split := fixes.TwoStages{Base: "tiny", Program: "/app"}
	known := sizes{"golang:1.26": 300, "tiny": 2, "small": 1}
	for name, tt := range map[string]struct {
		text   string
		intent fixes.Intent
		images image.Facts
		want   Gain
	}{
		"both bases are known":  {"FROM golang:1.26\n", split, known, Gain{298, 1}},
		"the old one is not":    {"FROM golang:1.25\n", split, known, Gain{}},
		"the new one is not":    {"FROM golang:1.26\n", fixes.TwoStages{Base: "x"}, known, Gain{}},
		"the new one is larger": {"FROM small\n", split, known, Gain{}},
		"it is of several":      {"FROM golang:1.26\nFROM golang:1.26\n", split, known, Gain{}},
		"nobody was asked":      {"FROM golang:1.26\n", split, image.Bundled(), Gain{}},
		"there are no facts":    {"FROM golang:1.26\n", split, nil, Gain{}},
		"the base stays":        {"FROM golang:1.26\n", fixes.RunsAs{User: "app"}, known, Gain{}},
		"the file is none":      {"FORM golang:1.26\n", split, known, Gain{}},
		"the text is not there": {"", split, known, Gain{}},
		"the base is in an ARG": {"ARG GO=1.26\nFROM golang:$GO\n", split, known, Gain{298, 1}},
		"an ARG has no default": {"ARG GO\nFROM golang:$GO\n", split, known, Gain{}},
		"the base is no image":  {"FROM scratch\n", split, known, Gain{}},
	} {
		b := Bundle{Files: []forge.FileText{{Path: "Dockerfile", Before: []byte(tt.text)}},
			Applied: []check.Finding{{Path: "Dockerfile", Fixes: []fixes.Fix{{Intent: tt.intent}}}}}
		if got := b.weigh(check.Options{Images: tt.images}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
