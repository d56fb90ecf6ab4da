package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// formats are the values of --format.
var formats = []string{"text", "json", "sarif", "github", "html"}

// An output is a format with where it is written to, "" for standard output.
type output struct{ name, file string }

// outputsOf reads the values of --format: NAME or NAME=FILE.
func outputsOf(values []string) ([]output, error) {
	var out []output
	for _, v := range values {
		var o output
		var named bool
		o.name, o.file, named = strings.Cut(v, "=")
		if !slices.Contains(formats, o.name) {
			return nil, fmt.Errorf("format %q is none of %s", o.name, strings.Join(formats, ", "))
		}
		if named && o.file == "" {
			return nil, fmt.Errorf("--format %s names no file", v)
		}
		if slices.ContainsFunc(out, func(other output) bool { return other.file == o.file }) {
			const message = "--format %s goes where another format goes; give it a file, as in --format %s=FILE"
			return nil, fmt.Errorf(message, v, o.name)
		}
		out = append(out, o)
	}
	return out, nil
}

// input says where the Dockerfiles come from when not from the named paths.
type input struct {
	stdin bool
	path  string
}

func (i *input) flags(f *pflag.FlagSet) {
	f.BoolVar(&i.stdin, "stdin", false, "read one Dockerfile from standard input")
	f.StringVar(&i.path, "path", "", "where the Dockerfile of --stdin lies or would lie (default Dockerfile)")
}

// open opens what the paths name, or the file of standard input in its repository.
func (i input) open(cmd *cobra.Command, paths []string) (*checkout, error) {
	if !i.stdin {
		if i.path != "" {
			return nil, fmt.Errorf("--path goes with --stdin; name %s without it", i.path)
		}
		if len(paths) == 0 {
			paths = []string{"."}
		}
		return openCheckout(cmd.Context(), paths...)
	}
	if len(paths) > 0 {
		return nil, fmt.Errorf("--stdin reads one Dockerfile and takes no path besides --path")
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), dockerfile.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	if i.path == "" {
		i.path = "Dockerfile"
	}
	return openStdin(cmd.Context(), i.path, text)
}

// tellSkipped names what could not be looked at; ok is that there was nothing.
func tellSkipped(status io.Writer, skipped []check.Skip) (ok bool) {
	ok = true
	for _, s := range skipped {
		if s.Failed {
			fmt.Fprintf(status, "lighterman: %s:%d: cannot be read: %s\n", s.Path, max(1, s.Line), s.Reason)
			ok = false
		}
	}
	return ok
}
