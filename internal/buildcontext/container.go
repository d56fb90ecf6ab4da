package buildcontext

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// A container is what a compose service says about the container it starts.
type container struct {
	service bool // there is one: the build is a compose service's
	user    string
	mounts  []string // absolute paths in the container
	ports   []string // the container's side, without a protocol
	powers  string   // a key that grants what is for root, "" for none
	command bool     // whether a command is given in place of the image's CMD
	relied  string   // the key that makes it a service meant to stay up: "restart", "deploy"; "" for none
	waited  string   // a service that waits until it is healthy, "" for none
	probe   []string // the healthcheck's test: {"CMD", ...}, {"CMD-SHELL", script}, {"NONE"}; nil for none
}

// containerOf reads a service; lists of an override file add to those of the base file.
func containerOf(layers []layer) container {
	c := container{service: true}
	for k := len(layers) - 1; k >= 0; k-- {
		s := layers[k].service
		c.user = cmp.Or(s.get("user").text(), c.user)
		c.command = c.command || s.get("command").there() || s.get("entrypoint").there()
		c.powers = cmp.Or(c.powers, powerOf(s))
		c.relied = cmp.Or(c.relied, reliedOn(s))
		if probe := probeOf(s.get("healthcheck")); probe != nil {
			c.probe = probe
		}
		for _, v := range s.get("volumes").list() {
			c.mounts = appendNew(c.mounts, mountTarget(v))
		}
		for _, v := range s.get("secrets").list() {
			c.mounts = appendNew(c.mounts, secretTarget(v))
		}
		for _, v := range s.get("ports").list() {
			c.ports = appendNew(c.ports, containerPort(v))
		}
	}
	return c
}

// reliedOn says what makes a service one that is meant to stay up.
func reliedOn(service value) string {
	if text := service.get("restart").text(); text != "" && text != "no" && text != "false" {
		return "restart"
	}
	deploy := service.get("deploy")
	for _, key := range []string{"replicas", "mode", "update_config", "restart_policy", "placement"} {
		if deploy.get(key).there() {
			return "deploy"
		}
	}
	return ""
}

// waitedFor are the services that another one waits for until they are healthy, and which one that is.
func waitedFor(services []pair) map[string]string {
	out := map[string]string{}
	for _, s := range services {
		for _, d := range s.value.get("depends_on").pairs() {
			if d.value.get("condition").text() == "service_healthy" {
				out[d.key] = s.key
			}
		}
	}
	return out
}

// probeOf is the test of a healthcheck section. A plain text is a script for the shell; one that only sets times keeps
// the image's own test.
func probeOf(v value) []string {
	if v.get("disable").text() == "true" {
		return []string{"NONE"}
	}
	test := v.get("test")
	if text := test.text(); text != "" {
		return []string{"CMD-SHELL", text}
	}
	var out []string
	for _, item := range test.list() {
		out = append(out, item.text())
	}
	return out
}

// powers are the keys of a service that are about what root may do on the machine, or about files that come and go while
// the container runs (develop writes them as the image's user).
var powers = [...]string{
	"privileged", "cap_add", "devices", "device_cgroup_rules", "volumes_from", "pid", "group_add", "develop",
}

// powerOf is the first such key of a service, "" when there is none.
func powerOf(service value) string {
	for _, key := range powers {
		if v := service.get(key); v.there() && v.text() != "false" {
			return key
		}
	}
	if service.get("network_mode").text() == "host" {
		return "network_mode host"
	}
	return ""
}

func appendNew(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// mountTarget is where a volume is mounted: "./data:/data:ro", "/data", or the long form. A tmpfs is nobody's files.
func mountTarget(v value) string {
	if v.isMap() {
		if v.get("type").text() == "tmpfs" {
			return ""
		}
		return v.get("target").text()
	}
	parts := strings.Split(v.text(), ":")
	if len(parts) == 1 {
		return parts[0]
	}
	for _, part := range parts[1:] {
		if path.IsAbs(part) {
			return part
		}
	}
	return v.text() // a form with variables: that something is mounted is known
}

// secretTarget is where a secret is mounted; one that comes from a file keeps that file's owner.
func secretTarget(v value) string {
	name := v.text()
	if v.isMap() {
		if name = v.get("target").text(); name == "" {
			name = v.get("source").text()
		}
	}
	if name == "" || path.IsAbs(name) {
		return name
	}
	return "/run/secrets/" + name
}

// containerPort is the container's side of a port: "8080:80/tcp", "127.0.0.1:8080:80", "80", or the long form.
func containerPort(v value) string {
	if v.isMap() {
		return v.get("target").text()
	}
	text := v.text()
	port, _, _ := strings.Cut(text[strings.LastIndexByte(text, ':')+1:], "/")
	return port
}
