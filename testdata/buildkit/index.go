package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
)

const (
	wheelName = "greeting-1.0-py3-none-any.whl"
	wheelData = 4 << 20 // bytes that no compression shrinks, so that keeping the download is seen in the image's size
)

// index is a package index (PEP 503) that has one package, greeting.
func index() http.Handler {
	wheel := makeWheel()
	tag := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(wheel)))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/greeting/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="/simple/files/%s#sha256=%x">%s</a>`, wheelName, sha256.Sum256(wheel), wheelName)
	})
	mux.HandleFunc("GET /simple/files/"+wheelName, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", tag) // pip keeps what it may ask for again
		w.Header().Set("Cache-Control", "max-age=31536000")
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(wheel)
	})
	return mux
}

// makeWheel makes the package: a module that greets, and a file of noise. The same bytes come out each time.
func makeWheel() []byte {
	noise := make([]byte, wheelData)
	source := rand.New(rand.NewPCG(1, 2))
	for n := range noise {
		noise[n] = byte(source.Uint32())
	}
	const info = "greeting-1.0.dist-info/"
	files := []struct {
		name string
		data []byte
	}{
		{"greeting/__init__.py", []byte("def hello():\n    return \"hello\"\n")},
		{"greeting/noise.bin", noise},
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
