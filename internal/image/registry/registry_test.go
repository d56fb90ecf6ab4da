package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lighterman/lighterman/internal/image"
)

// A house is a registry in this process.
type house struct {
	*httptest.Server
	requests atomic.Int32
	seen     sync.Map // paths
}

// open starts a registry; before, when it answers true, has answered the request itself.
func open(t *testing.T, before func(http.ResponseWriter, *http.Request) bool) *house {
	t.Helper()
	h := &house{}
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h.requests.Add(1)
		h.seen.Store(req.Method+" "+req.URL.Path, true)
		if before == nil || !before(w, req) {
			inner.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *house) host() string { return strings.TrimPrefix(h.URL, "http://") }

// ref is a reference in the registry.
func (h *house) ref(rest string) string { return h.host() + "/" + rest }

func (h *house) tag(t *testing.T, rest string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(h.ref(rest))
	must(t, err)
	return tag
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is an image of one layer of that size, with that configuration.
func made(t *testing.T, size int64, change func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	img, err := random.Image(size, 1)
	must(t, err)
	config, err := img.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if change != nil {
		change(config)
	}
	img, err = mutate.ConfigFile(img, config)
	must(t, err)
	return img
}

func (h *house) push(t *testing.T, rest string, img v1.Image) string {
	t.Helper()
	must(t, remote.Write(h.tag(t, rest), img))
	digest, err := img.Digest()
	must(t, err)
	return digest.String()
}

// settings are options that allow the house and nothing else.
func (h *house) settings() Options {
	return Options{Hosts: []string{h.host()}, Keychain: anonymous{}, Proxy: direct, Timeout: 5 * time.Second}
}

func direct(*http.Request) (*url.URL, error) { return nil, nil }

type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

func TestIndex(t *testing.T) {
	h := open(t, nil)
	amd := made(t, 3000, func(c *v1.ConfigFile) {
		c.Config.User, c.Config.WorkingDir = "65532", "/srv"
		c.Config.Env = []string{"A=b"}
		c.Config.Entrypoint, c.Config.Cmd = []string{"/run"}, []string{"-x"}
		c.Config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "true"}}
		c.Config.ExposedPorts = map[string]struct{}{"8080/tcp": {}, "443/tcp": {}}
		c.Config.OnBuild = []string{"RUN x"}
		c.History = []v1.History{{CreatedBy: "ADD alpine-minirootfs-3.22.0-x86_64.tar.gz / # buildkit"}}
	})
	arm, riscv := made(t, 5000, nil), made(t, 7000, nil)
	platform := func(arch, variant string) v1.Descriptor {
		return v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch, Variant: variant}}
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd, Descriptor: platform("amd64", "")},
		mutate.IndexAddendum{Add: arm, Descriptor: platform("arm64", "v8")},
		mutate.IndexAddendum{Add: riscv, Descriptor: platform("riscv64", "")},
		mutate.IndexAddendum{Add: made(t, 10, nil), Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}},
	)
	must(t, remote.WriteIndex(h.tag(t, "acme/app:1.2"), index))
	want, err := index.Digest()
	must(t, err)

	got, ok := New(h.settings()).Lookup(h.ref("acme/app:1.2"))
	a := got.Answer
	if !ok || a == nil {
		t.Fatalf("no answer: %q", got.Unanswered)
	}
	if a.Digest != want.String() || a.Tag != "1.2" || len(a.Platforms) != 3 || a.Platforms[1].Name != "linux/arm64" {
		t.Errorf("answer %+v, want digest %s of three platforms", a, want)
	}
	if a.Size("linux/amd64") == 0 || a.Size("linux/arm64") == 0 || a.Size("linux/riscv64") != 0 {
		t.Errorf("sizes %+v: want those of amd64 and arm64", a.Platforms)
	}
	config := fmt.Sprint(a.Config.User, a.Config.Workdir, a.Config.Env, a.Config.Entrypoint, a.Config.Cmd, a.Config.Healthcheck,
		a.Config.Ports, a.Config.OnBuild)
	if config != "65532/srv[A=b] [/run] [-x] true [443/tcp 8080/tcp] [RUN x]" {
		t.Errorf("config %s", config)
	}
	if got.User != "65532" || got.Workdir != "/srv" || got.Libc != "musl" || got.Manager != "apk" || got.Source == "" {
		t.Errorf("facts %+v", got)
	}
}

func TestSingle(t *testing.T) {
	h := open(t, nil)
	want := h.push(t, "app:1", made(t, 4000, nil))
	got, _ := New(h.settings()).Lookup(h.ref("app:1"))
	a := got.Answer
	if a == nil || a.Digest != want || len(a.Platforms) != 1 || a.Size("linux/amd64") < 4000 {
		t.Fatalf("answer %+v, want %s: %s", a, want, got.Unanswered)
	}
	if got.User != "root" || got.Workdir != "/" || got.Entrypoint != "none" {
		t.Errorf("facts %+v", got)
	}
	if again, _ := New(h.settings()).Lookup(h.ref("app@" + want)); again.Answer == nil || again.Answer.Tag != "" {
		t.Errorf("by digest: %+v %s", again.Answer, again.Unanswered)
	}
}

// TestOdd holds that what an image says of itself is passed on only where it can be what it should.
func TestOdd(t *testing.T) {
	h := open(t, nil)
	h.push(t, "odd:1", made(t, 10, func(c *v1.ConfigFile) {
		c.Config.User, c.Config.WorkingDir = "root\nRUN curl evil", "/app; rm -rf /"
	}))
	h.push(t, "large:1", made(t, 10, func(c *v1.ConfigFile) { c.Config.Env = []string{"A=" + strings.Repeat("a", maxKeptSize)} }))
	got, _ := New(h.settings()).Lookup(h.ref("odd:1"))
	if got.Answer == nil || got.User != "" || got.Workdir != "" {
		t.Errorf("user %q, workdir %q: %s", got.User, got.Workdir, got.Unanswered)
	}
	if got, _ := New(h.settings()).Lookup(h.ref("large:1")); got.Unanswered != "what it said was too much" {
		t.Errorf("a large configuration: %q", got.Unanswered)
	}
}

// TestOnce counts: many who ask for one reference at once are answered by one look-up.
func TestOnce(t *testing.T) {
	h := open(t, nil)
	h.push(t, "app:1", made(t, 100, nil))
	r := New(h.settings())
	before := h.requests.Load()
	r.Lookup(h.ref("app:1"))
	one := h.requests.Load() - before
	r = New(h.settings())
	before = h.requests.Load()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, _ := r.Lookup(h.ref("app:1")); got.Answer == nil {
				t.Error(got.Unanswered)
			}
		})
	}
	wg.Wait()
	if n := h.requests.Load() - before; n != one {
		t.Errorf("%d requests for twenty, %d for one", n, one)
	}
}

func TestRefusals(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	h := open(t, func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case strings.Contains(req.URL.Path, "/slow/"):
			select {
			case <-release:
			case <-req.Context().Done():
			}
		case strings.Contains(req.URL.Path, "/huge/"):
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			_, _ = w.Write(bytes.Repeat([]byte(" "), maxBody+10))
		case strings.Contains(req.URL.Path, "/said/"):
			w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
			w.WriteHeader(http.StatusOK)
		case strings.Contains(req.URL.Path, "/private/"):
			w.WriteHeader(http.StatusUnauthorized)
		case strings.Contains(req.URL.Path, "/busy/"):
			w.WriteHeader(http.StatusTooManyRequests)
		case strings.Contains(req.URL.Path, "/broken/"):
			http.Error(w, "`; DROP", http.StatusInternalServerError)
		case strings.Contains(req.URL.Path, "/junk/"):
			_, _ = io.WriteString(w, "{]")
		case strings.Contains(req.URL.Path, "/round/"):
			http.Redirect(w, req, req.URL.Path+"/more", http.StatusTemporaryRedirect)
		case strings.Contains(req.URL.Path, "/elsewhere/"):
			http.Redirect(w, req, "http://169.254.169.254/latest/meta-data", http.StatusTemporaryRedirect)
		default:
			return false
		}
		return true
	})
	for ref, want := range map[string]string{
		"gone:1":        "it does not know " + h.ref("gone:1"),
		"slow/app:1":    "it did not answer within 50ms",
		"huge/app:1":    "what it said was too much",
		"said/app:1":    "what it said was too much",
		"private/app:1": "it does not show " + h.ref("private/app:1") + " to us (401)",
		"busy/app:1":    "it takes no more requests for now (429)",
		"broken/app:1":  "it answered with 500",
		"junk/app:1":    "it could not be reached",
		"round/app:1":   "what it said was too much",
		"elsewhere/a:1": "it could not be reached",
	} {
		t.Run(ref, func(t *testing.T) {
			o := h.settings()
			if strings.HasPrefix(ref, "slow") {
				o.Timeout = 50 * time.Millisecond
			}
			got, known := New(o).Lookup(h.ref(ref))
			if known || got.Answer != nil || !strings.HasPrefix(got.Unanswered, want) {
				t.Errorf("%+v %q, want %q", got.Answer, got.Unanswered, want)
			}
		})
	}
}

// TestInside holds that a registry of the operator's own network is not spoken to, be it named by address or by name,
// unless it is allowed; nor is one to which another leads.
func TestInside(t *testing.T) {
	h := open(t, nil)
	h.push(t, "app:1", made(t, 100, nil))
	before := h.requests.Load()
	port := h.host()[strings.LastIndexByte(h.host(), ':'):]
	for _, ref := range []string{h.ref("app:1"), "localhost" + port + "/app:1", "[::1]" + port + "/app:1"} {
		o := h.settings()
		o.Hosts = []string{"registry.example"}
		if got, _ := New(o).Lookup(ref); !strings.Contains(got.Unanswered, "inside the operator's network") {
			t.Errorf("%s: %q", ref, got.Unanswered)
		}
	}
	if n := h.requests.Load(); n != before {
		t.Errorf("%d requests were made", n-before)
	}
	token := open(t, func(w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+h.URL+`/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	if got, _ := New(token.settings()).Lookup(token.ref("app:1")); got.Unanswered != "it could not be reached" {
		t.Errorf("a token service inside: %q", got.Unanswered)
	}
	if n := h.requests.Load(); n != before {
		t.Errorf("the token service was asked")
	}
}

// TestRedirect holds the same of redirects, which the client below refuses in part by itself.
func TestRedirect(t *testing.T) {
	var asked atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inner.Close()
	port := inner.URL[strings.LastIndexByte(inner.URL, ':'):]
	for _, to := range []string{inner.URL, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port} {
		outer := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		defer outer.Close()
		web := http.Client{Transport: transport(hosts{strings.TrimPrefix(outer.URL, "http://")}, direct)}
		resp, err := web.Get(outer.URL)
		if !errors.Is(err, errInside) {
			t.Errorf("%s: %v", to, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestProxy holds that a proxy, which may lie inside, is not the way in.
func TestProxy(t *testing.T) {
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	via, err := url.Parse(proxy.URL)
	must(t, err)
	o := Options{Keychain: anonymous{}, Timeout: 5 * time.Second, Proxy: http.ProxyURL(via)}
	for _, ref := range []string{"10.0.0.1/app:1", "localhost:5000/app:1", via.Host + "/app:1", "169.254.169.254/a:1"} {
		if got, _ := New(o).Lookup(ref); !strings.Contains(got.Unanswered, "inside") {
			t.Errorf("%s: %q", ref, got.Unanswered)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the proxy was asked %d times", n)
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "172.16.0.1": true, "172.32.0.1": false, "192.168.1.1": true,
		"169.254.169.254": true, "100.100.100.200": true, "100.128.0.1": false, "192.0.0.192": true, "0.0.0.0": true,
		"224.0.0.1": true, "255.255.255.255": true, "198.18.0.1": true, "8.8.8.8": false, "1.1.1.1": false,
		"::1": true, "::": true, "fe80::1": true, "fe80::1%eth0": true, "fd00:ec2::254": true, "fc00::1": true, "ff02::1": true,
		"::ffff:10.0.0.1": true, "::ffff:8.8.8.8": false, "64:ff9b::a00:1": true, "2002:a00:1::": true, "::10.0.0.1": true,
		"fec0::1": true, "2606:4700:4700::1111": false, "2001:4860:4860::8888": false, "2001:0:1::": true,
	} {
		if got := inside(netip.MustParseAddr(text)); got != want {
			t.Errorf("inside(%s) = %v", text, got)
		}
	}
}

// TestKeychain asks a registry that wants a password.
func TestKeychain(t *testing.T) {
	h := open(t, func(w http.ResponseWriter, req *http.Request) bool {
		if user, password, _ := req.BasicAuth(); user == "robin" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	auth := &authn.Basic{Username: "robin", Password: "secret"}
	img := made(t, 100, nil)
	must(t, remote.Write(h.tag(t, "app:1"), img, remote.WithAuth(auth)))
	o := h.settings()
	o.Keychain = keys{h.host(): auth}
	if got, _ := New(o).Lookup(h.ref("app:1")); got.Answer == nil {
		t.Errorf("with the password: %q", got.Unanswered)
	}
	got, _ := New(h.settings()).Lookup(h.ref("app:1"))
	if got.Answer != nil || !strings.Contains(got.Unanswered, "(401)") || strings.Contains(got.Unanswered, "secret") {
		t.Errorf("without: %q", got.Unanswered)
	}
}

// TestStrangers holds that credentials of the operator are not used for what strangers name, but for own registries.
func TestStrangers(t *testing.T) {
	auth := &authn.Basic{Username: "robin", Password: "secret"}
	chain := ownOnly{keys{"registry.example:5000": auth, "own.example:5000": auth}, hosts{"own.example"}}
	for host, want := range map[string]authn.Authenticator{"registry.example:5000": authn.Anonymous, "own.example:5000": auth} {
		reg, err := name.NewRegistry(host)
		must(t, err)
		if got, err := chain.Resolve(reg); err != nil || got != want {
			t.Errorf("%s: %v %v", host, got, err)
		}
	}
}

type keys map[string]authn.Authenticator

func (k keys) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if a, ok := k[r.RegistryStr()]; ok {
		return a, nil
	}
	return authn.Anonymous, nil
}

// TestMovedTag asks again when an answer is old, in memory and on disk, and not before.
func TestMovedTag(t *testing.T) {
	h := open(t, nil)
	now := time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)
	o := h.settings()
	o.Dir, o.MaxAge, o.Now = t.TempDir(), time.Hour, func() time.Time { return now }
	r := New(o)
	digest := func() string {
		got, _ := r.Lookup(h.ref("app:1"))
		if got.Answer == nil {
			t.Fatal(got.Unanswered)
		}
		return got.Answer.Digest
	}
	first := h.push(t, "app:1", made(t, 100, nil))
	if got := digest(); got != first {
		t.Fatalf("%s, want %s", got, first)
	}
	second := h.push(t, "app:1", made(t, 200, nil))
	if got := digest(); got != first {
		t.Errorf("asked again at once")
	}
	now = now.Add(30 * time.Minute)
	r = New(o)
	if got := digest(); got != first {
		t.Errorf("what is on disk is not used")
	}
	now = now.Add(time.Hour)
	if got := digest(); got != second {
		t.Errorf("an old answer is believed")
	}
	now = now.Add(-24 * time.Hour)
	if got := digest(); got != second {
		t.Errorf("an answer of the future is believed")
	}
}

// TestDisk holds that what is on disk is not trusted.
func TestDisk(t *testing.T) {
	d := disk{t.TempDir()}
	good := said{Ref: "a", Answer: &image.Answer{Digest: "sha256:" + strings.Repeat("a", 64)}}
	d.write(good)
	if got, ok := d.read("a"); !ok || got.Answer.Digest != good.Answer.Digest {
		t.Errorf("read %+v %v", got, ok)
	}
	for text, what := range map[string]string{
		"":                                    "nothing",
		"{":                                   "half a file",
		`{"Ref":"b"}`:                         "another reference",
		`{"Ref":"a","Answer":{"Digest":"x"}}`: "no digest",
		`{"Ref":"a","Unanswered":"no"}`:       "no answer",
	} {
		must(t, os.WriteFile(d.path("a"), []byte(text), 0o600))
		if _, ok := d.read("a"); ok {
			t.Errorf("%s is read", what)
		}
	}
	for n := range maxKept + 10 {
		must(t, os.WriteFile(d.path(fmt.Sprint(n)), nil, 0o600))
	}
	d.write(good)
	if entries, err := os.ReadDir(d.dir); err != nil || len(entries) > maxKept {
		t.Errorf("%d files are kept: %v", len(entries), err)
	}
	disk{}.write(good)
	disk{d.path("a") + "/not a folder"}.write(good)
}

func TestRelease(t *testing.T) {
	h := open(t, nil)
	versions := func(env ...string) func(*v1.ConfigFile) {
		return func(c *v1.ConfigFile) { c.Config.Env = env }
	}
	named := made(t, 100, versions("YARN_VERSION=1.22.22", "NODE_VERSION=24.11.1"))
	other := made(t, 110, nil)
	for _, tag := range []string{"node:latest", "node:24.11.1", "node:24", "node:lts"} {
		h.push(t, tag, named)
	}
	h.push(t, "node:25.0.0", other)
	alpine := made(t, 120, nil)
	for _, tag := range []string{"alpine:latest", "alpine:3.22.2", "alpine:3.22", "alpine:3"} {
		h.push(t, tag, alpine)
	}
	h.push(t, "alpine:20260127", other)
	h.push(t, "alpine:3.21.9", other)
	h.push(t, "acme/tool:latest", made(t, 130, versions("PG_VERSION=17.2-1.pgdg120+1")))
	h.push(t, "acme/tool:17.2", other)
	h.push(t, "acme/tool:stable", other)
	for ref, want := range map[string]string{
		"node": "24.11.1", "node:latest": "24.11.1", "alpine": "3.22.2", "acme/tool": "", "node:lts": "lts",
	} {
		if got, _ := New(h.settings()).Lookup(h.ref(ref)); got.Answer == nil || got.Answer.Tag != want {
			t.Errorf("%s: %+v %s, want tag %q", ref, got.Answer, got.Unanswered, want)
		}
	}
}

func TestHighest(t *testing.T) {
	got := strings.Join(highest([]string{"3", "3.9", "3.22", "latest", "v4", "3.22.2", "20260101", "3.22-slim", "1.2.3.4.5"}), " ")
	if want := "v4 3.22.2 3.22 3.9 3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestDown holds that hosts that do not answer are not waited for again and again.
func TestDown(t *testing.T) {
	h := open(t, nil)
	h.Close()
	o := h.settings()
	r := New(o)
	if got, _ := r.Lookup(h.ref("a:1")); got.Unanswered != "it could not be reached" {
		t.Errorf("first: %q", got.Unanswered)
	}
	if got, _ := r.Lookup(h.ref("b:1")); !strings.Contains(got.Unanswered, "a moment ago") {
		t.Errorf("second: %q", got.Unanswered)
	}
}

// TestFallback holds that the table answers where no registry does, and that what cannot be asked for is not.
func TestFallback(t *testing.T) {
	o := Options{Keychain: anonymous{}, Proxy: direct, Hosts: []string{}, Timeout: time.Millisecond}
	r := New(o)
	for _, ref := range []string{"scratch", ""} {
		if got, _ := r.Lookup(ref); got.Unanswered != "" {
			t.Errorf("%q: %q", ref, got.Unanswered)
		}
	}
	if got, _ := r.Lookup("Not a name!"); got.Unanswered != "Not a name! is not the name of an image" {
		t.Errorf("%q", got.Unanswered)
	}
	r.down["index.docker.io"] = time.Now().Add(time.Hour)
	got, known := r.Lookup("node:22")
	if !known || got.Account != "node" || got.Unanswered == "" {
		t.Errorf("%+v %v", got, known)
	}
}
