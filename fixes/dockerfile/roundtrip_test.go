package dockerfile_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// odd are files whose bytes are easy to lose.
var odd = map[string]string{
	"plain":                "FROM scratch\nCOPY a b\n",
	"no final newline":     "FROM scratch\nCOPY a b",
	"crlf":                 "# syntax=docker/dockerfile:1\r\nFROM scratch\r\nRUN a && \\\r\n  b\r\n",
	"bom":                  "\xef\xbb\xbfFROM scratch\nCOPY a b\n",
	"bom and directive":    "\xef\xbb\xbf# escape=`\nFROM scratch\nRUN a `\n  b\n",
	"escape":               "# escape=`\nFROM scratch\nRUN dir C:\\ && `\n\techo x\nCOPY a \\b\\\n",
	"tabs":                 "\tFROM scratch\n\t\tRUN\ta\t&& \\\n\t\tb\t\n",
	"comment inside":       "FROM scratch\nRUN a \\\n  # why\n\n  && b \\\n# end\n  && c\n",
	"heredoc":              "FROM scratch\nRUN <<EOF\nset -e\napt-get update\nEOF\nCMD [\"a\"]\n",
	"heredoc chomp":        "FROM scratch\nRUN <<-'EOF' bash\n\t\ta\n\tEOF\n",
	"two heredocs":         "FROM scratch\nCOPY <<a <<b /x/\nA\na\nB\nb\n",
	"empty heredoc at end": "FROM scratch\nRUN <<EOF\nEOF",
	"lone escape":          "FROM scratch\n\\\nRUN \\\n\\\n a\n",
	"trailing escape":      "FROM scratch\nRUN a \\\n",
	"onbuild":              "FROM scratch\nONBUILD RUN --mount=type=cache,target=/c a && b\n",
	"flags":                "FROM --platform=$X a AS b\nCOPY --from=b --chown=1:1 \\\n --link \\\n x /y\n",
	"json":                 "FROM scratch\nCMD [ \"a\" , \"b\\u0020c\" ]\nCOPY [\"a b\", \"/c\"]\n",
	"healthcheck":          "FROM scratch\nHEALTHCHECK --interval=3s CMD curl -f x || exit 1\nHEALTHCHECK NONE\n",
	"only blanks between":  "\n\n# a\n\n# b\nFROM scratch\n\n\n",
	"check comment":        "# check=skip=A\nFROM scratch\n# check=skip=B;error=true\nRUN a\n",
	"cr alone":             "FROM scratch\nRUN a\rb\n",
	"unicode space":        "FROM scratch\n\u00a0RUN a\n",
}

func TestRoundTrip(t *testing.T) {
	for name, src := range odd {
		t.Run(name, func(t *testing.T) { roundTrip(t, []byte(src)) })
	}
}

func TestRoundTripCorpus(t *testing.T) {
	n := 0
	for name, src := range corpus(t) {
		n++
		t.Run(name, func(t *testing.T) { roundTrip(t, src) })
	}
	if n == 0 {
		t.Fatal("testdata/corpus holds no Dockerfile")
	}
}

// corpus reads every Dockerfile of testdata/corpus but the templates and the one in a folder that is passed over, which
// are none.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	root := filepath.Join("..", "..", "testdata", "corpus")
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == "templates" || d.Name() == "passed-over") {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !dockerfile.Named(path) {
			return err
		}
		src, err := os.ReadFile(path)
		files[path] = src
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// roundTrip asserts that the segments of a file, joined, are its bytes.
func roundTrip(t *testing.T, src []byte) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", src)
	if err != nil {
		t.Fatal(err)
	}
	var joined bytes.Buffer
	at := 0
	for _, s := range f.Segments() {
		if s.Span.Start != at {
			t.Fatalf("%s segment starts at %d, the one before ends at %d", s.Kind, s.Span.Start, at)
		}
		at = s.Span.End
		joined.WriteString(f.Text(s.Span))
	}
	if !bytes.Equal(joined.Bytes(), src) {
		t.Fatalf("joined segments differ from the source\ngot  %q\nwant %q", joined.Bytes(), src)
	}
	within(t, f)
}

// within asserts that every span of every instruction lies inside it and maps to what it says.
func within(t *testing.T, f *dockerfile.File) {
	t.Helper()
	for _, i := range f.Instructions {
		if !strings.EqualFold(strings.ReplaceAll(f.Text(i.KeywordSpan), string(f.Escape), ""), i.Keyword) &&
			!strings.Contains(f.Text(i.KeywordSpan), "\n") {
			t.Errorf("keyword span of %s reads %q", i.Keyword, f.Text(i.KeywordSpan))
		}
		if i.Lead.End != i.Span.Start {
			t.Errorf("line %d: lead %v does not end where the instruction %v begins", i.Line(), i.Lead, i.Span)
		}
		spans := []dockerfile.Span{i.KeywordSpan, i.Code()}
		for _, w := range i.Words {
			spans = append(spans, w.Span)
		}
		for _, fl := range i.Flags {
			spans = append(spans, fl.Span)
		}
		for _, h := range i.Heredocs {
			spans = append(spans, h.Body, h.End)
		}
		if script, err := i.Script(); err == nil {
			for _, c := range script.Calls() {
				spans = append(spans, c.Span)
			}
		}
		for _, s := range spans {
			if !i.Span.Contains(s) {
				t.Errorf("line %d %s: span %v lies outside %v", i.Line(), i.Keyword, s, i.Span)
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, src := range odd {
		f.Add([]byte(src))
	}
	for _, src := range corpus(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 8<<10 {
			t.Skip("the shell parser's cost is tested elsewhere")
		}
		file, err := dockerfile.Parse("Dockerfile", src)
		if err != nil {
			var typed *dockerfile.Error
			if !asError(err, &typed) {
				t.Fatalf("%T is not *dockerfile.Error: %v", err, err)
			}
			if strings.Contains(typed.Msg, "could not be matched") {
				t.Fatalf("our reading differs from BuildKit's: %v", err)
			}
			return
		}
		roundTrip(t, file.Src)
	})
}
