package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	remotetransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/lighterman/lighterman/internal/image"
)

// maxRequests is how many requests one look-up may make, redirects and tokens included.
const maxRequests = 40

// A budget is how many more requests a look-up may make. It travels with the context of its requests and notes when one
// was refused, since the client does not wrap all errors.
type budget struct {
	left   atomic.Int32
	inside atomic.Bool // a request was for an address inside
	much   atomic.Bool // there were too many requests, or bytes
}

type budgetKey struct{}

// budgetOf is the budget of the look-up that a request is part of.
func budgetOf(ctx context.Context) *budget {
	if b, ok := ctx.Value(budgetKey{}).(*budget); ok {
		return b
	}
	b := &budget{}
	b.left.Store(maxRequests)
	return b
}

// note remembers why a request was refused.
func (b *budget) note(err error) error {
	if errors.Is(err, errInside) {
		b.inside.Store(true)
	}
	if errors.Is(err, errTooLarge) || errors.Is(err, errTooMany) {
		b.much.Store(true)
	}
	return err
}

// refused is the error behind err, if a request was refused.
func (b *budget) refused(err error) error {
	switch {
	case err == nil:
		return nil
	case b.inside.Load():
		return errInside
	case b.much.Load():
		return errTooLarge
	}
	return err
}

// client speaks to registries.
type client struct {
	transport http.RoundTripper
	keychain  authn.Keychain
}

func newClient(o Options) client {
	return client{transport(hosts(o.Hosts), o.Proxy), o.Keychain}
}

// sized are the platforms whose compressed size is asked for: it costs a request each.
var sized = []string{"linux/amd64", "linux/arm64"}

// ask asks for everything about one reference.
func (c client) ask(ctx context.Context, ref name.Reference, day time.Time) (*image.Answer, family, error) {
	requests := budgetOf(context.Background())
	a, f, err := c.answer(context.WithValue(ctx, budgetKey{}, requests), ref, day)
	return a, f, requests.refused(err)
}

func (c client) answer(ctx context.Context, ref name.Reference, day time.Time) (*image.Answer, family, error) {
	options := []remote.Option{
		remote.WithTransport(c.transport), remote.WithAuthFromKeychain(c.keychain), remote.WithContext(ctx),
		remote.WithUserAgent("lighterman"), remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithPageSize(1000),
	}
	desc, err := remote.Get(ref, options...)
	if err != nil {
		return nil, family{}, err
	}
	a := &image.Answer{Day: day, Digest: desc.Digest.String()}
	a.Source = fmt.Sprintf("%s, %s", ref.Context().RegistryStr(), day.UTC().Format(time.DateOnly))
	config, err := c.platforms(a, desc)
	if err != nil {
		return nil, family{}, err
	}
	a.Config, a.Created = configOf(config), created(config, day)
	if text, err := json.Marshal(a); err != nil || len(text) > maxKeptSize {
		return nil, family{}, errTooLarge
	}
	if tag, ok := ref.(name.Tag); ok {
		if a.Tag = tag.TagStr(); a.Tag == "latest" {
			a.Tag = c.release(ctx, tag, desc.Digest, config, options)
		}
	}
	return a, familyOf(config), nil
}

// platforms fills in the platforms, and returns the configuration of the first of those that are measured, else of any.
func (c client) platforms(a *image.Answer, desc *remote.Descriptor) (*v1.ConfigFile, error) {
	if !desc.MediaType.IsIndex() {
		img, err := desc.Image()
		if err != nil {
			return nil, err
		}
		return c.single(a, img)
	}
	index, err := desc.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, m := range manifest.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" || len(a.Platforms) >= maxPlatforms { // attestations
			continue
		}
		a.Platforms = append(a.Platforms, image.Platform{Name: platformName(m.Platform), Digest: m.Digest.String()})
	}
	return c.measure(a, index)
}

// maxPlatforms bounds how many platforms of an index are kept.
const maxPlatforms = 64

// measure asks for the sizes, and for the configuration of one platform.
func (c client) measure(a *image.Answer, index v1.ImageIndex) (*v1.ConfigFile, error) {
	var first v1.Image
	for n, p := range a.Platforms {
		if !slices.Contains(sized, p.Name) {
			continue
		}
		img, err := manifestOf(index, p.Digest)
		if err != nil {
			return nil, err
		}
		if a.Platforms[n].Size, err = sizeOf(img); err != nil {
			return nil, err
		}
		if first == nil {
			first = img
		}
	}
	if first == nil && len(a.Platforms) > 0 {
		img, err := manifestOf(index, a.Platforms[0].Digest)
		if err != nil {
			return nil, err
		}
		first = img
	}
	if first == nil {
		return nil, errors.New("an index without an image")
	}
	return first.ConfigFile()
}

func manifestOf(index v1.ImageIndex, digest string) (v1.Image, error) {
	hash, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	return index.Image(hash)
}

// single fills in the one platform of an image that is no index.
func (c client) single(a *image.Answer, img v1.Image) (*v1.ConfigFile, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(img)
	if err != nil {
		return nil, err
	}
	p := platformName(&v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant})
	a.Platforms = []image.Platform{{Name: p, Digest: a.Digest, Size: size}}
	return config, nil
}

// maxLayer is how many bytes a layer may have before its size is no longer believed.
const maxLayer = 1 << 40

// sizeOf is the sum of an image's compressed layers.
func sizeOf(img v1.Image) (int64, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, layer := range manifest.Layers {
		if layer.Size < 0 || layer.Size > maxLayer {
			return 0, errors.New("a layer of no possible size")
		}
		sum += layer.Size
	}
	return sum, nil
}

// platformName is "linux/arm64" or "linux/arm/v7". The variant of arm64 is always the same and not said.
func platformName(p *v1.Platform) string {
	out := p.OS + "/" + p.Architecture
	if p.Variant != "" && p.Architecture != "arm64" {
		out += "/" + p.Variant
	}
	return out
}

// created is when an image was made. Images that are the same whenever they are built say a day long ago, or none.
func created(f *v1.ConfigFile, now time.Time) time.Time {
	if at := f.Created.UTC(); at.Year() >= 2013 && !at.After(now.Add(24*time.Hour)) {
		return at
	}
	return time.Time{}
}

func configOf(f *v1.ConfigFile) image.Config {
	c := f.Config
	out := image.Config{
		User: c.User, Workdir: c.WorkingDir, Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd, OnBuild: c.OnBuild,
		Healthcheck: c.Healthcheck != nil && len(c.Healthcheck.Test) > 0 && c.Healthcheck.Test[0] != "NONE",
	}
	for port := range c.ExposedPorts {
		out.Ports = append(out.Ports, port)
	}
	slices.Sort(out.Ports)
	return out
}

// A family is what the base of an image's layers tells about it.
type family struct {
	Libc    string
	Manager string
}

// familyOf reads an image's family off the first steps of its history, in which the makers of operating systems' images
// leave their mark. Layers are not read.
func familyOf(f *v1.ConfigFile) family {
	for _, h := range f.History[:min(2, len(f.History))] {
		switch by := h.CreatedBy; {
		case strings.Contains(by, "alpine-minirootfs"):
			return family{"musl", "apk"}
		case strings.Contains(by, "debian.sh"), strings.Contains(by, "debuerreotype"):
			return family{"glibc", "apt"}
		}
	}
	if f.Config.Labels["org.opencontainers.image.ref.name"] == "ubuntu" {
		return family{"glibc", "apt"}
	}
	return family{}
}

// unreachable reports whether the error is about the host and not about the image.
func unreachable(err error) bool {
	var status *remotetransport.Error
	switch {
	case errors.As(err, &status):
		return status.StatusCode == http.StatusTooManyRequests
	case errors.Is(err, errInside), errors.Is(err, errTooLarge):
		return false
	}
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network)
}

// reason says why there is no answer, as the end of "the registry was asked, and ...". What the registry wrote is not
// repeated: it may be anything.
func reason(ctx context.Context, err error, ref string, timeout time.Duration) string {
	var status *remotetransport.Error
	switch {
	case errors.Is(err, errInside):
		return "it lies inside the operator's network, where only registries are asked that the settings name"
	case errors.Is(err, errTooLarge):
		return "what it said was too much"
	case ctx.Err() != nil:
		return fmt.Sprintf("it did not answer within %s", timeout)
	case !errors.As(err, &status):
		return "it could not be reached"
	}
	switch status.StatusCode {
	case http.StatusNotFound:
		return "it does not know " + ref
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("it does not show %s to us (%d)", ref, status.StatusCode)
	case http.StatusTooManyRequests:
		return "it takes no more requests for now (429)"
	}
	return fmt.Sprintf("it answered with %d", status.StatusCode)
}
