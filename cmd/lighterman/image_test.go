package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/fsutil"
)

// TestImage builds deploy/Dockerfile for real and runs what came out as deploy/compose.yml has it run: as the image's user,
// on a file system that cannot be written, without a capability. It needs a daemon, runc, and root: "make image".
func TestImage(t *testing.T) {
	host := os.Getenv("BUILDKIT_HOST")
	if host == "" {
		t.Skip("NOT TRIED: no image was built, because BUILDKIT_HOST names no daemon; make deps-buildkit image")
	}
	img := buildImage(t, host)
	img.isConfigured(t)
	c := img.start(t)
	c.lives(t)
	c.isConfined(t)
	c.reviews(t)
	c.ends(t)
	t.Logf("%d bytes compressed, %d unpacked", img.compressed, img.unpacked)
	if *update && !t.Failed() {
		img.writeSizes(t)
	}
}

// A builtImage is what a build made, unpacked.
type builtImage struct {
	root       string // the root file system
	config     imageConfig
	compressed int64
	unpacked   int64
}

// imageConfig are the fields of an image's configuration that matter here. Healthcheck is Docker's own.
type imageConfig struct {
	User, WorkingDir      string
	Entrypoint, Cmd, Env  []string
	ExposedPorts, Volumes map[string]struct{}
	Labels                map[string]string
	Healthcheck           struct{ Test []string }
}

// digestPin is the digest behind a base image's tag. The bases that the tests build on imitate the real ones and have others.
var digestPin = regexp.MustCompile(`@sha256:[0-9a-f]{64}`)

func buildImage(t *testing.T, host string) *builtImage {
	t.Helper()
	c, err := client.New(t.Context(), host)
	must(t, err)
	defer c.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.Mkdir(file, 0o755))
	for _, name := range []string{"Dockerfile", "Dockerfile.dockerignore"} {
		text, err := os.ReadFile(filepath.Join(deploy, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(file, name), digestPin.ReplaceAll(text, nil), 0o644))
	}
	archive, err := os.Create(filepath.Join(dir, "root.tar"))
	must(t, err)
	solve(t, c, client.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: map[string]string{"build-arg:VERSION": "v0.0.0-trial"},
		LocalMounts:   map[string]fsutil.FS{"context": folder(t, filepath.Join("..", "..")), "dockerfile": folder(t, file)},
		Exports: []client.ExportEntry{
			{Type: client.ExporterOCI, OutputDir: filepath.Join(dir, "oci"), Attrs: map[string]string{"tar": "false"}},
			{Type: client.ExporterTar, Output: func(map[string]string) (io.WriteCloser, error) { return archive, nil }},
		},
	})
	img := &builtImage{root: filepath.Join(dir, "root")}
	must(t, os.Mkdir(img.root, 0o755))
	command(t, "tar", "--extract", "--same-owner", "--preserve-permissions", "--file", archive.Name(), "--directory", img.root)
	img.read(t, filepath.Join(dir, "oci"))
	return img
}

func folder(t *testing.T, dir string) fsutil.FS {
	t.Helper()
	f, err := fsutil.NewFS(dir)
	must(t, err)
	return f
}

// solve makes a build and tells what it said when it fails.
func solve(t *testing.T, c *client.Client, o client.SolveOpt) {
	t.Helper()
	var said bytes.Buffer
	status := make(chan *client.SolveStatus)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range status {
			for _, l := range s.Logs {
				said.Write(l.Data)
			}
		}
	}()
	_, err := c.Solve(t.Context(), nil, o, status)
	<-done
	if err != nil {
		t.Fatalf("build: %v\n%s", err, &said)
	}
}

// command runs a program and returns what it says on standard output.
func command(t *testing.T, words ...string) string {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(words, " "), err, out, &errs)
	}
	return string(out)
}

// read reads the image that was exported as an OCI layout.
func (i *builtImage) read(t *testing.T, dir string) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	must(t, err)
	list, err := index.IndexManifest()
	must(t, err)
	image, err := index.Image(list.Manifests[0].Digest)
	must(t, err)
	raw, err := image.RawConfigFile()
	must(t, err)
	var file struct{ Config imageConfig }
	must(t, json.Unmarshal(raw, &file))
	i.config = file.Config
	layers, err := image.Layers()
	must(t, err)
	for _, l := range layers {
		size, err := l.Size()
		must(t, err)
		i.compressed += size
		content, err := l.Uncompressed()
		must(t, err)
		n, err := io.Copy(io.Discard, content)
		must(t, errors.Join(err, content.Close()))
		i.unpacked += n
	}
}

// isConfigured holds what the image tells those who run it.
func (i *builtImage) isConfigured(t *testing.T) {
	t.Helper()
	c := i.config
	for what, ok := range map[string]bool{
		"another user than nonroot":   c.User == "65532:65532",
		"another program":             slices.Equal(append(c.Entrypoint, c.Cmd...), []string{"/usr/bin/lighterman", "serve"}),
		"another check of its health": slices.Equal(c.Healthcheck.Test, []string{"CMD", "/usr/bin/lighterman", "healthcheck"}),
		"no volume for its data":      has(c.Volumes, "/data"),
		"another port":                has(c.ExposedPorts, "8080/tcp"),
		"no data folder":              slices.Contains(c.Env, "LIGHTERMAN_DATA_DIR=/data"),
		"no version":                  c.Labels["org.opencontainers.image.version"] == "v0.0.0-trial",
	} {
		if !ok {
			t.Errorf("the image has %s: %+v", what, c)
		}
	}
}

func has(m map[string]struct{}, key string) bool { _, ok := m[key]; return ok }

// A container is the image's program, running.
type container struct {
	name, addr string
	state      []string // runc and where it keeps its state
	ended      chan error
	log        *journal
}

// start runs the image's program.
func (i *builtImage) start(t *testing.T) *container {
	t.Helper()
	bundle := t.TempDir()
	c := &container{
		name: "lighterman-trial-" + strconv.Itoa(os.Getpid()), addr: freeAddr(t), ended: make(chan error, 1), log: &journal{},
		state: []string{"runc", "--root", filepath.Join(bundle, "state")},
	}
	i.bundle(t, bundle, "LIGHTERMAN_ADDR="+c.addr)
	cmd := exec.Command(c.state[0], append(c.state[1:], "run", "--bundle", bundle, c.name)...)
	cmd.Stdout, cmd.Stderr = c.log, c.log
	must(t, cmd.Start())
	go func() { c.ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = exec.Command("runc", append(c.state[1:], "delete", "--force", c.name)...).Run() })
	return c
}

// bundle writes what runc is started with: its own defaults, hardened as deploy/compose.yml has it, on the machine's
// network, as the network of a container is the engine's work and not the image's.
func (i *builtImage) bundle(t *testing.T, dir string, env ...string) {
	t.Helper()
	command(t, "runc", "spec", "--bundle", dir)
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	must(t, err)
	var spec map[string]any
	must(t, json.Unmarshal(text, &spec))
	data := filepath.Join(dir, "data") // a new volume takes over what the image has there, the owner included
	command(t, "cp", "--archive", filepath.Join(i.root, "data"), data)
	var uid, gid int
	_, err = fmt.Sscanf(i.config.User, "%d:%d", &uid, &gid)
	must(t, err)
	process := spec["process"].(map[string]any)
	process["terminal"], process["noNewPrivileges"], process["capabilities"] = false, true, map[string]any{}
	process["user"] = map[string]any{"uid": uid, "gid": gid}
	process["args"], process["env"] = append(i.config.Entrypoint, i.config.Cmd...), append(i.config.Env, env...)
	process["cwd"] = i.config.WorkingDir
	spec["root"] = map[string]any{"path": i.root, "readonly": true}
	spec["mounts"] = append(spec["mounts"].([]any),
		map[string]any{"destination": "/data", "type": "bind", "source": data, "options": []string{"bind", "rw"}},
		map[string]any{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "nodev"}})
	linux := spec["linux"].(map[string]any)
	linux["namespaces"] = slices.DeleteFunc(linux["namespaces"].([]any), func(n any) bool {
		return n.(map[string]any)["type"] == "network"
	})
	text, err = json.Marshal(spec)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o644))
}

// lives holds that the image's own check of its health turns good, and that it is right.
func (c *container) lives(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for c.exec("", "/usr/bin/lighterman", "healthcheck") != nil {
		select {
		case err := <-c.ended:
			t.Fatalf("the server ended: %v\n%s", err, c.log)
		case <-ctx.Done():
			t.Fatalf("the server is not healthy after a minute:\n%s", c.log)
		case <-tick.C:
		}
	}
	resp, err := http.Get("http://" + c.addr + "/healthz")
	must(t, err)
	defer resp.Body.Close()
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(said) != "ok\n" {
		t.Errorf("/healthz: %s: %s", resp.Status, said)
	}
}

// exec runs a program in the container.
func (c *container) exec(stdin string, words ...string) error {
	cmd := exec.Command("runc", slices.Concat(c.state[1:], []string{"exec", c.name}, words)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), c.log, c.log
	return cmd.Run()
}

// isConfined holds who the program runs as and that it can do nothing more.
func (c *container) isConfined(t *testing.T) {
	t.Helper()
	var state struct{ Pid int }
	must(t, json.Unmarshal([]byte(command(t, append(c.state, "state", c.name)...)), &state))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", state.Pid))
	must(t, err)
	for _, line := range []string{"Uid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"} {
		if !strings.Contains(string(status), line+"\n") {
			t.Errorf("the process is not %q:\n%s", line, status)
		}
	}
}

// reviews holds that fixes are proven in there, which takes processes of their own.
func (c *container) reviews(t *testing.T) {
	t.Helper()
	const file = "FROM debian:12-slim\nRUN apt-get update && apt-get install -y curl\nUSER nobody\nCMD curl --version\n"
	_ = c.exec(file, "/usr/bin/lighterman", "review", "--stdin", "--path", "Dockerfile")
	if said := c.log.String(); !strings.Contains(said, "apt-lists-kept") || !strings.Contains(said, "checked: changes only one step") {
		t.Errorf("it reviews nothing in there:\n%s", said)
	}
}

// ends holds that the signal of "docker stop" ends it well.
func (c *container) ends(t *testing.T) {
	t.Helper()
	command(t, append(c.state, "kill", c.name, "TERM")...)
	select {
	case err := <-c.ended:
		if err != nil {
			t.Errorf("it ended with %v:\n%s", err, c.log)
		}
	case <-time.After(time.Minute):
		t.Errorf("it did not end within a minute:\n%s", c.log)
	}
}

const (
	readmePath   = "../../README.md"
	imageMark    = "<!-- image -->"
	imageMarkEnd = "<!-- /image -->"
)

// writeSizes writes into the README what the image weighs.
func (i *builtImage) writeSizes(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile(readmePath)
	must(t, err)
	head, rest, ok := strings.Cut(string(page), imageMark)
	_, foot, ok2 := strings.Cut(rest, imageMarkEnd)
	if !ok || !ok2 {
		t.Fatal("the README has no place for the image's size")
	}
	sizes := fmt.Sprintf("%.1f MB, %.1f MB unpacked", float64(i.compressed)/1e6, float64(i.unpacked)/1e6)
	must(t, os.WriteFile(readmePath, []byte(head+imageMark+sizes+imageMarkEnd+foot), 0o644))
}
