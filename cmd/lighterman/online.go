package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/image/registry"
)

// asking says whether registries are asked about base images, and which. Without it nothing leaves this machine.
type asking struct {
	online bool
	hosts  []string
	cache  string
}

func (a *asking) flags(f *pflag.FlagSet) {
	f.BoolVar(&a.online, "online", false, "ask registries what base images are today: their digests, sizes and users")
	f.StringSliceVar(&a.hosts, "registry-host", nil,
		"a registry inside your own network that may be asked (may be repeated); others there are not")
	f.StringVar(&a.cache, "registry-cache", "", "where answers are kept for some hours (default: the user's cache folder)")
}

// facts are what is known of base images. strangers is whether the references come from people who may not see what the
// credentials of this machine open.
func (a asking) facts(strangers bool) image.Facts {
	if !a.online {
		return image.Bundled()
	}
	return registry.New(registry.Options{Dir: a.folder(), Hosts: a.hosts, Strangers: strangers})
}

// folder is where answers are kept; "" where this machine has no such place.
func (a asking) folder() string {
	if a.cache != "" {
		return a.cache
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "lighterman", "images")
}
