package checks

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

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

// addForLocalFiles finds ADD where COPY does exactly the same.
var addForLocalFiles = &check.Check{
	Name:     "add-for-local-files",
	Family:   check.Context,
	Summary:  "ADD copies plain files, for which COPY is enough and never unpacks or downloads",
	Severity: check.Info,
	Aliases:  []string{"DL3020", "CKV_DOCKER_4", "AVD-DS-0005", "DS005"},
	Run:      runAddForLocalFiles,
}

func runAddForLocalFiles(p *check.Pass) error {
	for _, s := range p.File.Stages {
		for _, i := range s.Instructions {
			if i.Keyword == "ADD" && !needsAdd(i) {
				judgeAdd(p, i)
			}
		}
	}
	return nil
}

// needsAdd reports whether the instruction says that it is about what only ADD does.
func needsAdd(i *dockerfile.Instruction) bool {
	for _, fl := range i.Flags {
		if !slices.Contains([]string{"chown", "chmod", "link", "exclude"}, strings.ToLower(fl.Name)) {
			return true
		}
	}
	if len(i.Heredocs) > 0 || len(i.Words) < 2 {
		return true
	}
	return slices.ContainsFunc(i.Words[:len(i.Words)-1], func(w dockerfile.Word) bool {
		return remote(w.Text) || archiveName(w.Text) || strings.HasPrefix(strings.Trim(w.Text, `"'`), "$") // often a URL
	})
}

// remote reports whether a source is, or looks like, a URL or a Git repository.
func remote(source string) bool {
	return strings.Contains(source, ":") || strings.HasPrefix(source, "github.com/") ||
		strings.HasSuffix(source, ".git") || strings.Contains(source, ".git#")
}

// packedNames are the extensions of packed files.
var packedNames = [...]string{
	".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tlz", ".gz", ".bz2", ".xz", ".zst", ".lzma",
}

// archiveName reports whether a file of that name is expected to be a packed one.
func archiveName(name string) bool {
	name = strings.ToLower(strings.Trim(path.Base(name), `"'`))
	return strings.Contains(name, ".tar") || slices.Contains(packedNames[:], path.Ext(name))
}

func judgeAdd(p *check.Pass, i *dockerfile.Instruction) {
	const message = "ADD is used for plain files, where it would also unpack an archive that takes their place; " +
		"COPY only copies"
	reason, unpacks := plainSources(p, i)
	if unpacks {
		return
	}
	if reason != "" {
		p.Advise(i.Code(), message, reason)
		return
	}
	p.Offer(i.Code(), message, func() (fixes.Fix, error) {
		edit, err := fixes.ReplaceKeyword(p.File, i, "COPY")
		return fixes.Fix{
			Title:  "Copy plain files with COPY",
			Intent: fixes.CopiedPlainly{},
			Edits:  []fixes.Edit{edit},
		}, err
	})
}

// plainSources says why the sources are not known to be plain files, and whether one of them is known to be unpacked.
// It must hold for every way in which the file is built.
func plainSources(p *check.Pass, i *dockerfile.Instruction) (reason string, unpacks bool) {
	if len(p.Builds) == 0 {
		return "the build context is not known, so a source may be an archive", false
	}
	for _, w := range i.Words[:len(i.Words)-1] {
		if strings.ContainsAny(w.Text, "$\\`\"'") {
			return fmt.Sprintf("%s is not literal and may name a URL or an archive", w.Text), false
		}
		if strings.ContainsAny(w.Text, "*?[") {
			return fmt.Sprintf("%s may match an archive, which ADD unpacks", w.Text), false
		}
		for _, b := range p.Builds {
			if reason, unpacks = plainSource(b, w.Text); reason != "" || unpacks {
				return reason, unpacks
			}
		}
	}
	return "", false
}

// plainSource looks at one source in one build's context, which describes a symbolic link as one. A directory is copied
// as it is, archives in it included.
func plainSource(b buildcontext.Build, source string) (reason string, unpacks bool) {
	name := path.Clean("/" + source)[1:]
	if name == "" {
		name = "."
	}
	if b.Unknown != "" || b.Context == nil {
		return "the build context is not known, so a source may be an archive", false
	}
	info, err := fs.Stat(b.Context, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s is not in the build context (%s)", source, b.Origin), false
	case err != nil:
		return fmt.Sprintf("%s could not be read", source), false
	case info.IsDir():
		return "", false
	case !info.Mode().IsRegular():
		return fmt.Sprintf("%s is not a regular file, and may lead to an archive", source), false
	}
	head, err := readHead(b.Context, name)
	if err != nil {
		return fmt.Sprintf("%s could not be read", source), false
	}
	if bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/")) {
		return fmt.Sprintf("%s is kept in Git LFS, so what it holds is not known", source), false
	}
	return "", packed(head)
}

// packers are the first bytes of what BuildKit's ADD decompresses: gzip, bzip2, xz, zstd.
var packers = [...]string{"\x1f\x8b", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd"}

// packed reports whether a file that begins so is unpacked by ADD: compressed, or a tar by the test that BuildKit
// makes. Compressed files that hold no tar are counted too; ADD leaves them alone, and telling would mean decompressing.
func packed(head []byte) bool {
	for _, magic := range packers {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	if len(head) > 3 && head[0]&0xf0 == 0x50 && bytes.HasPrefix(head[1:], []byte("\x2a\x4d\x18")) {
		return true // zstd's skippable frame
	}
	_, err := tar.NewReader(bytes.NewReader(head)).Next()
	return err == nil
}

// readHead reads the first bytes of a file, at most maxHead.
func readHead(tree fs.FS, name string) ([]byte, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxHead))
}
