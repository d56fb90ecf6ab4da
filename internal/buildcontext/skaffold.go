package buildcontext

import (
	"path"
	"strings"
)

func isSkaffold(name string) bool {
	base := path.Base(name)
	return isYAML(base) && (base == "skaffold.yaml" || base == "skaffold.yml" || strings.HasPrefix(base, "skaffold.") ||
		strings.HasPrefix(base, "skaffold-"))
}

// skaffold is what the artifacts of a skaffold.yaml state, those of its profiles included.
// See https://skaffold.dev/docs/references/yaml/.
func skaffold(repo *snapshot, name string) []recipe {
	data, err := readText(repo, name)
	if err != nil {
		return nil
	}
	var out []recipe
	for _, text := range strings.SplitN(string(data), "\n---", maxStating) {
		file, err := parseYAML(name, []byte(text))
		if err != nil {
			continue
		}
		sections := []value{file.get("build")}
		for _, profile := range file.get("profiles").list() {
			sections = append(sections, profile.get("build"))
		}
		for _, s := range sections {
			for _, artifact := range s.get("artifacts").list() {
				out = append(out, artifactRecipe(name, artifact)...)
			}
		}
	}
	return out
}

// artifactRecipe is what one artifact states: at most one recipe. One without a builder is built from its Dockerfile.
func artifactRecipe(name string, artifact value) []recipe {
	docker := artifact.get("docker")
	if kaniko := artifact.get("kaniko"); kaniko.there() {
		docker = kaniko
	}
	for _, other := range []string{"buildpacks", "bazel", "jib", "ko", "custom"} {
		if artifact.get(other).there() {
			return nil
		}
	}
	r := recipe{origin: name + ", artifact " + artifact.get("image").text(), bases: []string{path.Dir(name)}, within: true,
		context: templated(artifact.get("context").text()), file: templated(docker.get("dockerfile").text()),
		target: templated(docker.get("target").text()), args: map[string]string{}}
	for _, p := range docker.get("buildArgs").pairs() {
		set(r.args, p.key, templated(p.value.text()), true)
	}
	if isURL(r.context.text) || r.file.text == hole {
		return nil
	}
	return []recipe{r}
}

// templated is a text in which {{…}} stands for a value of the moment.
func templated(text string) phrase {
	return between(text, "{{", func(inner string) phrase { return unknownPhrase("{{" + inner + "}}") })
}
