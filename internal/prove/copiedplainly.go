package prove

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/moby/buildkit/solver/pb"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// copiedPlainly: one ADD became COPY, and no source is anything that ADD would have fetched or unpacked.
func copiedPlainly() predicate {
	return predicate{text: plainText, image: plainImage}
}

func plainText(c *change) error {
	old, fixed, err := c.pair("ADD", "COPY")
	if err != nil {
		return err
	}
	if old.Keyword != "ADD" || fixed.Keyword != "COPY" {
		return errors.New("what is changed is not an ADD that became COPY")
	}
	if c.before.Text(dockerfile.Span{Start: old.KeywordSpan.End, End: old.Code().End}) !=
		c.after.Text(dockerfile.Span{Start: fixed.KeywordSpan.End, End: fixed.Code().End}) {
		return errors.New("more than the keyword is changed")
	}
	for _, fl := range old.Flags {
		if !slices.Contains([]string{"chown", "chmod", "link", "exclude"}, strings.ToLower(fl.Name)) {
			return fmt.Errorf("ADD --%s is not COPY", fl.Name)
		}
	}
	if len(old.Words) < 2 {
		return errors.New("the sources are not known")
	}
	for _, w := range old.Words[:len(old.Words)-1] {
		if err := c.plainSource(w.Text); err != nil {
			return err
		}
	}
	return nil
}

// plainSource checks one source in every build context.
func (c *change) plainSource(src string) error {
	switch {
	case strings.ContainsAny(src, "$*?[]\\\"'`"):
		return fmt.Errorf("the source %s is not a literal path", src)
	case strings.Contains(src, ":"), strings.HasSuffix(src, ".git"), strings.HasPrefix(src, "github.com/"):
		return fmt.Errorf("the source %s may be fetched from elsewhere", src)
	case strings.HasPrefix(src, "<<"):
		return errors.New("a here-document has no file to look at")
	case archiveName(src):
		return fmt.Errorf("the source %s is called like an archive", src)
	}
	return c.everyContext(func(b buildcontext.Build) error { return plainFile(b.Context, clean(src)) })
}

// everyContext asks every build of the file; without one nothing is known.
func (c *change) everyContext(holds func(buildcontext.Build) error) error {
	if len(c.Builds) == 0 {
		return errors.New("it is not known from which directory the file is built")
	}
	for _, b := range c.Builds {
		switch {
		case b.Unknown != "":
			return fmt.Errorf("it is not known how the file is built: %s", b.Unknown)
		case b.Context == nil:
			return errors.New("it is not known from which directory the file is built")
		}
		if err := holds(b); err != nil {
			return err
		}
	}
	return nil
}

// everyContextOnce is everyContext for what walks whole trees: a question asked again, in another world, has the same
// answer.
func (c *change) everyContextOnce(question string, holds func(buildcontext.Build) error) error {
	answer, asked := c.answers[question]
	if !asked {
		answer = c.everyContext(holds)
		c.answers[question] = answer
	}
	return answer
}

// clean is a COPY source as a name of the context's file system.
func clean(src string) string { return path.Clean("/" + src)[1:] + rootIfEmpty(src) }

func rootIfEmpty(src string) string {
	if path.Clean("/"+src) == "/" {
		return "."
	}
	return ""
}

var archiveNames = []string{
	".tar", ".tgz", ".gz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".zst", ".tzst", ".lzma", ".lz", ".z", ".taz", ".tlz",
}

func archiveName(name string) bool {
	return slices.Contains(archiveNames, strings.ToLower(path.Ext(name))) ||
		strings.Contains(strings.ToLower(path.Base(name)), ".tar.")
}

// plainFile checks that the name is a directory, which ADD does not look into, or a regular file that is no archive.
func plainFile(fsys fs.FS, name string) error {
	if err := unlinked(fsys, name); err != nil {
		return err
	}
	if info, err := fs.Lstat(fsys, name); err == nil && info.IsDir() {
		return nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	for prefix, keeper := range standIns {
		if bytes.HasPrefix(start, []byte(prefix)) {
			return fmt.Errorf("%s is kept in %s, so what it holds is not known", name, keeper)
		}
	}
	if isArchive(start) {
		return fmt.Errorf("%s is an archive", name)
	}
	return nil
}

// standIns begin what stands in a commit for a file that has other content once it is checked out: pointers of Git LFS,
// of its forerunner and of git-annex, and what git-crypt and transcrypt encrypt.
var standIns = map[string]string{
	"version https://git-lfs.github.com/": "Git LFS",
	"version https://hawser.github.com/":  "Git LFS",
	"/annex/objects/":                     "git-annex",
	"\x00GITCRYPT\x00":                    "git-crypt",
	"U2FsdGVkX1":                          "transcrypt",
}

// magics begin the compressed files that BuildKit unpacks: gzip, bzip2, xz and zstd.
var magics = []string{"\x1f\x8b", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd"}

// isArchive reports whether content that begins so may be unpacked by ADD: anything compressed, and what reads as a
// tar header, which old archives have without the word "ustar" (isArchivePath of BuildKit's file backend).
func isArchive(start []byte) bool {
	for _, magic := range magics {
		if bytes.HasPrefix(start, []byte(magic)) {
			return true
		}
	}
	// A skippable frame of zstd: 0x184D2A50 to 0x184D2A5F, little endian.
	if len(start) >= 4 && start[0]&0xf0 == 0x50 && bytes.Equal(start[1:4], []byte("\x2a\x4d\x18")) {
		return true
	}
	if len(start) >= 262 && string(start[257:262]) == "ustar" {
		return true
	}
	_, err := tar.NewReader(bytes.NewReader(start)).Next()
	return err == nil
}

func plainImage(_ *change, b, a image) error {
	n := prefix(b.steps, a.steps)
	if n >= len(b.steps) || n >= len(a.steps) {
		return errors.New("no step differs")
	}
	x, y, err := fileOps(b.steps[n], a.steps[n])
	if err != nil {
		return err
	}
	for _, action := range x.GetFile().Actions {
		if cp := action.GetCopy(); cp != nil {
			cp.AttemptUnpackDockerCompatibility = false
		}
	}
	if !proto.Equal(x, y) {
		return errors.New("the copy differs in more than whether archives are unpacked")
	}
	return rest(b, a, n+1, n+1)
}

// fileOps decodes two file steps on equal inputs; of linked copies the step that makes the layer.
func fileOps(b, a step) (x, y *pb.Op, err error) {
	if len(b.inner) == 1 && len(a.inner) == 1 && bytes.Equal(b.raw.Op, a.raw.Op) {
		b, a = b.inner[0], a.inner[0]
	}
	if x, err = b.op(); err != nil {
		return nil, nil, err
	}
	if y, err = a.op(); err != nil {
		return nil, nil, err
	}
	if x.GetFile() == nil || y.GetFile() == nil || !slices.Equal(b.raw.Inputs, a.raw.Inputs) {
		return nil, nil, errors.New("a step other than a copy differs")
	}
	return x, y, nil
}
