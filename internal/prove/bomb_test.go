package prove

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// TestOrdinaryFilesAreBounded: no file of the corpus is taken for a bomb.
func TestOrdinaryFilesAreBounded(t *testing.T) {
	tried := 0
	err := fs.WalkDir(os.DirFS("../../testdata"), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !dockerfile.Named(at) {
			return err
		}
		src, err := os.ReadFile("../../testdata/" + at)
		if err != nil {
			return err
		}
		f, err := dockerfile.Parse(at, src)
		if err != nil {
			return nil
		}
		tried++
		if err := bounded(f, everyWorld(t, f)); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		return nil
	})
	if err != nil || tried == 0 {
		t.Fatal(tried, err)
	}
}

func everyWorld(t testing.TB, f *dockerfile.File) []world {
	t.Helper()
	all, err := worlds(check.Case{}, f, "")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// FuzzBounded holds the bound to what BuildKit makes of a file: no variable of the image is longer than it says.
func FuzzBounded(f *testing.F) {
	for _, text := range bombs() {
		f.Add(text)
	}
	for _, text := range []string{
		"FROM a\nENV a=1 b=$a$a c=${a:-$b} d=${b//1/$a$b}\nENV a=2 b=$a$a\n",
		"FROM 0\nENV 0=\\$000\n",
		"FROM a\nENV a=\x99\x99\x99 b=$a$a\n",
		"FROM a\nENV a=12345\nENV a=1 b=$a$a\n",
		"ARG v=123\nFROM a\nARG v\nARG w=$v$v\nENV x=$w$v y ${w}z\nENV old $x $x $x\n",
		"FROM a AS b\nENV a=12\nONBUILD ENV a=$a$a$a\nFROM b\nENV a=$a$a\n",
		"FROM a\nENV a=xyxy\nENV b=${a/*/<\\$0\\$0>} c=${a//x*/12} d=${a%y*} e=${a#x} f=\"$a '$a' \\$a\" g='$a'\n",
		"# escape=`\nFROM a\nENV a=1 b=`$a$a\n",
		"FROM a\nENV k=a\nENV $k=$k$k$k \"q\"=$k\n",
		"FROM a\nENV a=${PATH}${HOME:+$PATH}${BASE}${VERSION}$1$@\n",
		"FROM a\nARG TARGETARCH BUILDPLATFORM TARGETSTAGE\nENV a=$TARGETARCH$BUILDPLATFORM$TARGETSTAGE\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.Count(text, "$") > 40 {
			return
		}
		file, err := dockerfile.Parse("Dockerfile", []byte(text))
		if err != nil {
			return
		}
		all := everyWorld(t, file)
		all = all[:min(4, len(all))]
		b, err := measure(file, all)
		if err != nil || b.cost > 1<<18 {
			return // large ones are slow
		}
		src, names, err := named(file)
		if err != nil {
			return
		}
		rep := convert(context.Background(), request{Source: src, Stages: names, Worlds: all})
		for _, images := range rep.Results {
			for k, img := range images {
				within1(t, b.stages[file.Stages[k]], img)
			}
		}
	})
}

// within1 checks one image's variables against their bounds.
func within1(t *testing.T, env sizes, img rawImage) {
	t.Helper()
	var config struct{ Config struct{ Env []string } }
	if img.Error != "" {
		return
	}
	if err := json.Unmarshal(img.Config, &config); err != nil {
		t.Fatal(err)
	}
	for _, kv := range config.Config.Env {
		name, value, _ := strings.Cut(kv, "=")
		if got, bound := len(value), env.get(name); got > bound {
			t.Errorf("%s is %d bytes, bound %d", name, got, bound)
		}
	}
}
