package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	wheelName = "greeting-1.0-py3-none-any.whl"
	sdistName = "salute-1.0.tar.gz"
	noiseSize = 4 << 20
)

// index is a package index (PEP 503) with two packages: greeting comes ready made, and salute has to be built, which is
// what pip keeps a copy of.
func index() http.Handler {
	mux := http.NewServeMux()
	offer(mux, "greeting", wheelName, makeWheel())
	offer(mux, "salute", sdistName, makeSdist())
	return mux
}

func offer(mux *http.ServeMux, project, file string, data []byte) {
	mux.HandleFunc("GET /simple/"+project+"/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="/simple/files/%s#sha256=%x">%s</a>`, file, sha256.Sum256(data), file)
	})
	mux.HandleFunc("GET /simple/files/"+file, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(data)
	})
}

// noise are bytes that no compression shrinks, so that a copy too many is seen in an image's size. They are the same each
// time.
func noise() []byte {
	out := make([]byte, noiseSize)
	source := rand.New(rand.NewPCG(1, 2))
	for n := range out {
		out[n] = byte(source.Uint32())
	}
	return out
}

// backend builds salute's wheel without any package but Python's own.
const backend = `import os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "salute-1.0-py3-none-any.whl"
    info = "salute-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.write("salute.py")
        wheel.write("salute.bin")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: salute\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
`

// makeSdist makes the source distribution of salute.
func makeSdist() []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"PKG-INFO", []byte("Metadata-Version: 2.1\nName: salute\nVersion: 1.0\n")},
		{"pyproject.toml", []byte("[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n")},
		{"backend.py", []byte(backend)},
		{"salute.py", []byte("def salute():\n    return \"salute\"\n")},
		{"salute.bin", noise()},
	} {
		header := &tar.Header{Name: "salute-1.0/" + f.name, Mode: 0o644, Size: int64(len(f.data)), ModTime: time.Unix(1e9, 0)}
		if err := w.WriteHeader(header); err != nil {
			panic(err)
		}
		must(w.Write(f.data))
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// makeWheel makes the package greeting. The same bytes come out each time.
func makeWheel() []byte {
	const info = "greeting-1.0.dist-info/"
	files := []struct {
		name string
		data []byte
	}{
		{"greeting/__init__.py", []byte("def hello():\n    return \"hello\"\n")},
		{info + "METADATA", []byte("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")},
		{info + "WHEEL", []byte("Wheel-Version: 1.0\nGenerator: registry\nRoot-Is-Purelib: true\nTag: py3-none-any\n")},
	}
	var out, record bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name string, data []byte) {
		w := must(z.Create(name))
		must(w.Write(data))
	}
	for _, f := range files {
		add(f.name, f.data)
		sum := sha256.Sum256(f.data)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.data))
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	add(info+"RECORD", record.Bytes())
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}
