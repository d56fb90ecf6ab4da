package trial

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// A file is what one path of an image's file system holds. Times are not compared: they differ with every build.
type file struct {
	Type  string // "file", "directory", "link" or a device
	Mode  string // permissions with the set-user-ID, set-group-ID and sticky bits
	Owner string // "0:0"
	Link  string // what a symbolic link points to
	Sum   string // the SHA-256 of the content
	Attrs string // extended attributes, such as capabilities
}

// An image is what a build made: the flattened file system, the configuration, and what it weighs.
type image struct {
	files  map[string]file
	config map[string]string // by field: "User", "Env"; values as JSON
	argv   []string          // the program that it starts
	size   int64             // compressed bytes of all layers
}

// A store is an OCI layout on disk into which builds are exported. Layers that several images share are kept, and read,
// once.
type store struct {
	dir    string
	layers map[string][]change
}

// A change is one entry of a layer.
type change struct {
	name string
	file file
	gone bool // a whiteout: the name, and what is below it, is gone
	only bool // an opaque directory: what lower layers have below it is gone
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// manifest holds the fields of an index and of a manifest.
type manifest struct {
	Manifests []struct {
		descriptor
		Annotations map[string]string `json:"annotations"`
	} `json:"manifests"`
	Config descriptor   `json:"config"`
	Layers []descriptor `json:"layers"`
}

// open opens a blob.
func (s *store) open(ref string) (*os.File, error) {
	d, err := digest.Parse(ref) // also keeps a path out of it
	if err != nil {
		return nil, fmt.Errorf("read the exported image: %w", err)
	}
	return os.Open(filepath.Join(s.dir, "blobs", d.Algorithm().String(), d.Encoded()))
}

func (s *store) decode(ref string, into any) error {
	f, err := s.open(ref)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(into); err != nil {
		return fmt.Errorf("read the exported image: %w", err)
	}
	return nil
}

// image reads the image of that digest, which may be an index with attestations beside it.
func (s *store) image(ref string) (*image, error) {
	var m manifest
	if err := s.decode(ref, &m); err != nil {
		return nil, err
	}
	for _, sub := range m.Manifests {
		if sub.Annotations["vnd.docker.reference.type"] == "" {
			return s.image(sub.Digest)
		}
	}
	img := &image{files: map[string]file{}}
	if err := s.configure(img, m.Config.Digest); err != nil {
		return nil, err
	}
	for _, l := range m.Layers {
		changes, err := s.layer(l)
		if err != nil {
			return nil, err
		}
		img.size += l.Size
		apply(img.files, changes)
	}
	return img, nil
}

// configure reads the configuration: what a container is started with, and the platform.
func (s *store) configure(img *image, ref string) error {
	var all map[string]json.RawMessage
	if err := s.decode(ref, &all); err != nil {
		return err
	}
	var inner map[string]json.RawMessage
	if err := json.Unmarshal(all["config"], &inner); err != nil && len(all["config"]) > 0 {
		return fmt.Errorf("read the image's configuration: %w", err)
	}
	img.config = map[string]string{}
	for name, value := range inner {
		img.config[name] = string(value)
	}
	for _, name := range []string{"os", "architecture", "variant", "author"} {
		if value, ok := all[name]; ok {
			img.config[name] = string(value)
		}
	}
	for _, name := range []string{"Entrypoint", "Cmd"} {
		var words []string
		_ = json.Unmarshal(inner[name], &words) // absent or null: none
		img.argv = append(img.argv, words...)
	}
	return nil
}

// layer reads the entries of a layer.
func (s *store) layer(l descriptor) ([]change, error) {
	if known, ok := s.layers[l.Digest]; ok {
		return known, nil
	}
	f, err := s.open(l.Digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(l.MediaType, "gzip") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("read a layer: %w", err)
		}
		defer z.Close()
		r = z
	} else if strings.Contains(l.MediaType, "zstd") {
		return nil, errors.New("read a layer: it is compressed with zstd, which is not read here")
	}
	changes, err := entries(tar.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("read a layer: %w", err)
	}
	s.layers[l.Digest] = changes
	return changes, nil
}

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// entries reads a layer's archive. A hard link is given as the file that it is another name of.
func entries(r *tar.Reader) ([]change, error) {
	var out []change
	seen := map[string]file{}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean("/" + h.Name)
		dir, base := path.Split(name)
		switch {
		case base == opaque:
			out = append(out, change{name: path.Clean(dir), only: true})
			continue
		case strings.HasPrefix(base, whiteout):
			out = append(out, change{name: path.Join(dir, strings.TrimPrefix(base, whiteout)), gone: true})
			continue
		}
		f, err := entry(h, r, seen)
		if err != nil {
			return nil, err
		}
		seen[name] = f
		out = append(out, change{name: name, file: f})
	}
}

func entry(h *tar.Header, content io.Reader, seen map[string]file) (file, error) {
	if h.Typeflag == tar.TypeLink {
		if f, ok := seen[path.Clean("/"+h.Linkname)]; ok {
			return f, nil
		}
		return file{Type: "hard link", Link: h.Linkname}, nil // to a file of a lower layer, which builders do not write
	}
	f := file{
		Type:  kind(h),
		Mode:  fmt.Sprintf("%04o", h.Mode&0o7777),
		Owner: fmt.Sprintf("%d:%d", h.Uid, h.Gid),
		Link:  h.Linkname,
		Attrs: attributes(h.PAXRecords),
	}
	if f.Type == "file" {
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			return f, err
		}
		f.Sum = hex.EncodeToString(sum.Sum(nil))
	}
	return f, nil
}

func kind(h *tar.Header) string {
	switch h.Typeflag {
	case tar.TypeReg:
		return "file"
	case tar.TypeDir:
		return "directory"
	case tar.TypeSymlink:
		return "link"
	}
	return fmt.Sprintf("%c %d:%d", h.Typeflag, h.Devmajor, h.Devminor)
}

// attributes are the extended attributes among the archive's records, in one line.
func attributes(records map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if attr, ok := strings.CutPrefix(name, "SCHILY.xattr."); ok {
			out = append(out, fmt.Sprintf("%s=%x", attr, records[name]))
		}
	}
	return strings.Join(out, " ")
}

// apply puts a layer on top of what lower ones left.
func apply(files map[string]file, layer []change) {
	for _, c := range layer {
		switch {
		case c.gone:
			removeTree(files, c.name, true)
		case c.only:
			removeTree(files, c.name, false)
		}
	}
	for _, c := range layer {
		if c.gone || c.only {
			continue
		}
		if old, ok := files[c.name]; ok && old.Type == "directory" && c.file.Type != "directory" {
			removeTree(files, c.name, true)
		}
		files[c.name] = c.file
	}
}

// removeTree removes what is below a name and, where so asked, the name itself.
func removeTree(files map[string]file, name string, itself bool) {
	if f, ok := files[name]; ok && f.Type != "directory" && itself {
		delete(files, name)
		return
	}
	below := strings.TrimSuffix(name, "/") + "/"
	maps.DeleteFunc(files, func(n string, _ file) bool {
		return strings.HasPrefix(n, below) && n != "/" || itself && n == name
	})
}
