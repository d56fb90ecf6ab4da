package prove

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A world is what a Dockerfile does not say itself and a build depends on.
type world struct {
	Base     []byte // the configuration of every base image, as JSON
	Args     map[string]string
	Platform string
}

// maxWorlds bounds in how many worlds one file is converted.
const maxWorlds = 96

// A baseConfig is what a base image brings along.
type baseConfig struct {
	User       string   `json:",omitempty"`
	WorkingDir string   `json:",omitempty"`
	Env        []string `json:",omitempty"`
	Entrypoint []string `json:",omitempty"`
	OnBuild    []string `json:",omitempty"`
}

const systemPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// bases are the base images under which a promise must hold: a plain one, one that sets what the following steps see,
// one with triggers, and the real one as far as it is known.
func bases(user string) []baseConfig {
	out := []baseConfig{
		{Env: []string{systemPath}},
		{
			User: "1234", WorkingDir: "/base", Entrypoint: []string{"/base-entrypoint"},
			Env: []string{"PATH=/base/bin:/usr/bin", "HOME=/base/home", "BASE=set", "VERSION=0.1"},
		},
		{Env: []string{systemPath}, OnBuild: []string{"RUN base-trigger", "COPY base-trigger /base-trigger/"}},
	}
	if user != "" && !isRootName(user) { // root is whom a plain one runs as
		out = append(out, baseConfig{Env: []string{systemPath}, User: user})
	}
	return out
}

// worlds are all worlds of a case; before and after declare the same arguments. With a workdir, base images work there.
// The plain base and the real one meet every set of arguments, the other two one each, so that every base and every set
// occurs, and the odd base together with arguments.
func worlds(c check.Case, f *dockerfile.File, workdir string) ([]world, error) {
	var out []world
	sets := argSets(c, f)
	for _, base := range bases(c.BaseUser) {
		met := sets
		switch {
		case len(base.OnBuild) > 0:
			met = sets[:1]
		case base.WorkingDir != "":
			met = sets[min(1, len(sets)-1):min(2, len(sets))]
		}
		if workdir != "" {
			base.WorkingDir = workdir
		}
		config := map[string]any{
			"config": base,
			"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + strings.Repeat("0", 64)}},
		}
		text, err := json.Marshal(config)
		if err != nil {
			return nil, err
		}
		for _, platform := range platformsOf(c) {
			for _, args := range met {
				out = append(out, world{Base: text, Args: args, Platform: platform})
			}
		}
	}
	if len(out) > maxWorlds {
		const many = "the file is built in %d different ways, more than the %d that are compared"
		return nil, fmt.Errorf(many, len(out), maxWorlds)
	}
	return out, nil
}

// platformsOf are the platforms that the builds state, or linux/amd64 when none does.
func platformsOf(c check.Case) []string {
	var out []string
	for _, b := range c.Builds {
		out = append(out, b.Platforms...)
	}
	if len(out) == 0 {
		return []string{"linux/amd64"}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// argSets are the sets of build arguments: none, every declared one, and those of each build.
func argSets(c check.Case, f *dockerfile.File) []map[string]string {
	out := []map[string]string{{}}
	sets := []map[string]string{everyArg(f)}
	for _, b := range c.Builds {
		sets = append(sets, b.Args)
	}
	for _, set := range sets {
		same := func(other map[string]string) bool { return maps.Equal(set, other) }
		if len(set) > 0 && !slices.ContainsFunc(out, same) {
			out = append(out, set)
		}
	}
	return out
}

// everyArg gives each declared argument a value of its own: octal digits, so that it can stand for a port, a tag, a
// user or a mode. Arguments that BuildKit sets or interprets itself are left alone.
func everyArg(f *dockerfile.File) map[string]string {
	out := map[string]string{}
	for _, i := range f.Instructions {
		if i.Keyword != "ARG" {
			continue
		}
		for _, w := range i.Words {
			name, _, _ := strings.Cut(w.Text, "=")
			if !reserved(name) && out[name] == "" {
				out[name] = fmt.Sprintf("%o", 0o101+len(out))
			}
		}
	}
	return out
}

func reserved(name string) bool {
	name = strings.ToUpper(name)
	for _, prefix := range []string{"BUILD", "TARGET", "SOURCE_DATE_EPOCH"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasSuffix(name, "_PROXY")
}
