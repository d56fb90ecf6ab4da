package image

import "strings"

// mirrors are registries that serve Docker Hub's images under their own names, and Docker Hub's own longer names.
var mirrors = [...]string{
	"docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/", "mirror.gcr.io/",
	"public.ecr.aws/docker/",
}

// A reference is an image reference taken apart.
type reference struct {
	name   string // the familiar name: "node", "nginxinc/nginx-unprivileged", "gcr.io/distroless/static"
	tag    string // "latest" when neither tag nor digest is given, "" when only the digest is
	digest string
}

// parse takes an image reference apart by the rules of github.com/distribution/reference: the first part is a registry
// when it has a dot or a colon or is "localhost", a colon after the last slash starts the tag, an "@" the digest.
func parse(ref string) reference {
	name, digest, _ := strings.Cut(strings.TrimSpace(ref), "@")
	r := reference{name: name, digest: digest}
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		r.name, r.tag = name[:at], name[at+1:]
	}
	if r.tag == "" && digest == "" {
		r.tag = "latest"
	}
	r.name = familiar(r.name)
	return r
}

// familiar is the short name of an image of Docker Hub; other names stay as they are.
func familiar(name string) string {
	for _, m := range mirrors {
		if rest, ok := strings.CutPrefix(name, m); ok {
			name = rest
			break
		}
	}
	return strings.TrimPrefix(name, "library/")
}
