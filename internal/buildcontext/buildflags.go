package buildcontext

import "strings"

// buildFlags are the flags of a build, by their long names, and the words that are none.
type buildFlags struct {
	values map[string][]phrase
	others []word
	checks bool // --check: nothing is built
	pushes bool // --push, or an output that does
}

// shorts are the long names of short flags with a value.
var shorts = map[byte]string{'f': "file", 't': "tag", 'o': "output", 'm': "memory", 'c': "context", 'v': "volume"}

// valued are the long flags whose value may stand behind a space; those of docker, buildx, podman, buildah and kaniko. An
// unknown flag is taken for a switch: if it has a value after all, there is a word too many, and the line says nothing.
var valued = setOf(`file tag target build-arg platform build-context label annotation cache-from cache-to output secret
	ssh network add-host allow attest builder call cgroup-parent iidfile metadata-file no-cache-filter progress
	shm-size ulimit memory memory-swap cpu-shares cpu-period cpu-quota cpuset-cpus cpuset-mems isolation security-opt
	policy arch os variant authfile creds cert-dir format layer-label logfile manifest volume env device dns dns-option
	dns-search userns userns-uid-map userns-gid-map ignorefile runtime runtime-flag retry retry-delay timestamp unsetenv
	unsetlabel cap-add cap-drop jobs os-feature os-version sign-by from hooks-dir identity-label ipc pid uts sbom-output
	context dockerfile destination cache-repo cache-dir registry-mirror registry-certificate digest-file tar-path
	verbosity context-sub-path image-name-with-digest-file snapshot-mode git custom-platform`)

func setOf(names string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(names) {
		out[name] = true
	}
	return out
}

// flagsOf reads the words behind the command's name.
func flagsOf(words []word) buildFlags {
	f := buildFlags{values: map[string][]phrase{}}
	for n := 0; n < len(words); n++ {
		text := words[n].text
		name, value, glued := strings.Cut(strings.TrimLeft(text, "-"), "=")
		switch {
		case !strings.HasPrefix(text, "-") || text == "-" || strings.HasPrefix(text, hole):
			f.others = append(f.others, words[n])
			continue
		case !strings.HasPrefix(text, "--") && shorts[text[1]] != "":
			name, value, glued = shorts[text[1]], strings.TrimPrefix(text[2:], "="), len(text) > 2
		case strings.Contains(name, hole):
			f.others = append(f.others, word{phrase: unknownPhrase(words[n].String())})
			continue
		case !glued && !valued[name]:
			f.checks, f.pushes = f.checks || name == "check", f.pushes || name == "push"
			continue
		}
		p := phrase{value, words[n].holes}
		if !glued {
			if n++; n >= len(words) {
				break
			}
			p = words[n].phrase
		}
		f.values[name] = append(f.values[name], p)
		f.pushes = f.pushes || name == "push" && p.text != "false" || name == "output" && pushedOutput(p.text)
	}
	return f
}

// pushedOutput reports whether an output of a build is a registry; see docs.docker.com/build/exporters.
func pushedOutput(text string) bool {
	return strings.Contains(text, "type=registry") || strings.Contains(text, "push=true")
}

// context is the one word that is no flag. A word that is only a variable may hold flags; it is the context when there
// is no better one. ok is false when the line is no valid command.
func (f buildFlags) context(podman bool) (phrase, bool) {
	var plain, bare []word
	for _, w := range f.others {
		if w.bare() {
			bare = append(bare, w)
		} else {
			plain = append(plain, w)
		}
	}
	switch {
	case len(plain) == 1:
		return plain[0].phrase, true
	case len(plain) == 0 && len(bare) > 0:
		return bare[len(bare)-1].phrase, true
	}
	return literal("."), podman && len(plain) == 0
}

// loose is a variable that may hold further flags, "" when there is none.
func (f buildFlags) loose() string {
	variables := 0
	for _, w := range f.others {
		if w.bare() {
			variables++
		} else {
			variables += 2 // that one is the context
		}
	}
	for _, w := range f.others {
		if w.bare() && variables > 1 {
			return w.String()
		}
	}
	return ""
}

// last is the value of a flag of which the last counts.
func (f buildFlags) last(name string) phrase {
	all := f.values[name]
	if len(all) == 0 {
		return phrase{}
	}
	return all[len(all)-1]
}

// settings are the values of a flag that may be repeated: name=text. Of arguments only known ones count.
func (f buildFlags) settings(name string) map[string]string {
	out := map[string]string{}
	for _, p := range f.values[name] {
		key, text, ok := strings.Cut(p.text, "=")
		if (ok || name == "build-arg") && key != "" && !strings.Contains(key, hole) {
			set(out, key, phrase{text, p.holes}, name == "build-arg")
		}
	}
	return out
}
