package fixes_test

import (
	"errors"
	"testing"

	"github.com/lighterman/lighterman/fixes"
)

func TestIgnore(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"new":                 {"", ".git\nb\n"},
		"appended":            {"a\n", "a\n.git\nb\n"},
		"no line end at last": {"a", "a\n.git\nb"},
		"crlf":                {"a\r\nc\r\n", "a\r\nc\r\n.git\r\nb\r\n"},
		"crlf, unended":       {"a\r\nc", "a\r\nc\r\n.git\r\nb"},
		"a comment at last":   {"a\n# c", "a\n# c\n.git\nb"},
		"byte order mark":     {"\ufeffa\n\n", "\ufeffa\n\n.git\nb\n"},
	} {
		e, err := fixes.Ignore("x/.dockerignore", []byte(c.text), []string{".git", "b"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := fixes.Apply("x/.dockerignore", []byte(c.text), []fixes.Edit{e})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
		}
	}
	for _, bad := range [][]string{{}, {""}, {"# a"}, {"!a"}, {"a\nb"}, {" a"}, {`a\`}, {"a", "a"}} {
		if _, err := fixes.Ignore(".dockerignore", nil, bad); !errors.Is(err, fixes.ErrRefused) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
