package checks

import (
	"io/fs"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// manifestPlaces are where manifests of Kubernetes are kept.
var manifestPlaces = strings.Fields(`*.yaml *.yml k8s/*.y*ml kubernetes/*.y*ml deploy/*.y*ml deployment/*.y*ml manifests/*.y*ml
	k8s/*/*.y*ml kubernetes/*/*.y*ml deploy/*/*.y*ml manifests/*/*.y*ml charts/*/templates/*.y*ml helm/*/templates/*.y*ml
	chart/templates/*.y*ml`)

// workload and arguments find manifests that start containers, and the key that takes CMD's place
// (kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container).
var (
	workload  = pattern.New(`(?m)^kind:\s*(?:Pod|Deployment|StatefulSet|DaemonSet|Job|CronJob|ReplicaSet)\b`)
	arguments = pattern.New(`(?m)^[\s-]+args:`)
	// lasting finds volumes that keep the owner they have, and grouped what gives them to the container's group.
	lasting = pattern.New(`(?m)^[\s-]+(?:persistentVolumeClaim|volumeClaimTemplates|hostPath):`)
	grouped = pattern.New(`(?m)^\s+fsGroup:`)
	// rootly finds low ports of containers, and powers that only root has the use of.
	rootly = pattern.New(`(?m)^[\s-]+(?:containerPort:\s*[0-9]{1,3}|privileged:\s*true|hostNetwork:\s*true|hostPID:\s*true)\s*$|` +
		`^\s+capabilities:\s*\n\s+add:`)
)

// manifestsWithArguments lists the manifests that give a container arguments.
func manifestsWithArguments(repo fs.FS) []string {
	return manifestsThat(repo, func(text []byte) bool { return arguments.Match(text) })
}

// manifestsForRoot lists the manifests that give a container a low port or powers of root.
func manifestsForRoot(repo fs.FS) []string {
	return manifestsThat(repo, func(text []byte) bool { return rootly.Match(text) })
}

// manifestsWithVolumes lists the manifests that mount volumes of whatever owner.
func manifestsWithVolumes(repo fs.FS) []string {
	return manifestsThat(repo, func(text []byte) bool { return lasting.Match(text) && !grouped.Match(text) })
}

func manifestsThat(repo fs.FS, are func(text []byte) bool) []string {
	var out []string
	for _, name := range together(repo, manifestPlaces) {
		text, err := readHead(repo, name)
		if err == nil && workload.Match(text) && are(text) {
			out = append(out, name)
		}
	}
	return out
}

// together are the files that match the patterns, read together where they are behind a network.
func together(files fs.FS, patterns []string) []string {
	var out []string
	for _, pattern := range patterns {
		found, _ := fs.Glob(files, pattern) // the patterns are well formed
		out = append(out, found...)
	}
	if tree, ok := files.(buildcontext.Prefetcher); ok && len(out) > 0 {
		_ = tree.Prefetch(out) // what could not be read together is read one by one
	}
	return out
}
