// Command registry keeps the images that the test's builds start from, on this machine's loopback address only. Beside
// them it serves a Python package index with two packages that it makes itself, for where there is no other.
//
//	registry serve DIR             serve until it is killed; images lie in DIR
//	registry push TAR REF [K=V…]   push a root file system as a one-layer image with that environment
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const addr = "127.0.0.1:5055"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(args[1])
	case len(args) >= 3 && args[0] == "push":
		return push(args[1], args[2], args[3:])
	}
	return fmt.Errorf("usage: registry serve DIR | registry push TAR REF [K=V…]")
}

func serve(dir string) error {
	images, err := remember(registry.New(
		registry.WithBlobHandler(registry.NewDiskBlobHandler(filepath.Join(dir, "blobs"))),
		registry.Logger(log.New(os.Stderr, "", log.LstdFlags))), filepath.Join(dir, "manifests"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", images)
	mux.Handle("/simple/", index())
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

func push(tar, ref string, env []string) error {
	layer, err := tarball.LayerFromFile(tar)
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH,
		Config:  v1.Config{Env: env, Cmd: []string{"bash"}},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{must(layer.DiffID())}},
		History: []v1.History{{CreatedBy: "debootstrap"}},
	})
	if err != nil {
		return err
	}
	to, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(to, img)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
