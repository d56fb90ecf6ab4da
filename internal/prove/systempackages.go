package prove

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// A packager is a package manager of an operating system. It reads no file of the sources as long as it is given names.
type packager struct {
	programs []string
	options  options
	verbs    []string
}

var packagers = []packager{
	{
		programs: []string{"apt-get", "apt"},
		options: options{
			switches: `-y --yes --assume-yes -q -qq --quiet -yq -yqq -qy -qqy -qyy --no-install-recommends
				--no-install-suggests --fix-missing -m -f --fix-broken --allow-downgrades --allow-releaseinfo-change
				--no-upgrade --only-upgrade --purge --auto-remove --autoremove`,
			values: "-t --target-release -o --option",
		},
		verbs: []string{
			"update", "install", "upgrade", "dist-upgrade", "clean", "autoclean", "autoremove", "remove", "purge",
		},
	},
	{
		programs: []string{"apk"},
		options: options{
			switches: "--no-cache --update --update-cache -U --upgrade -u --latest -l --quiet -q --no-progress --purge",
			values:   "--virtual -t --repository -X",
		},
		verbs: []string{"add", "del", "update", "upgrade"},
	},
	{
		programs: []string{"dnf", "microdnf", "yum"},
		options: options{
			switches: "-y --assumeyes -q --quiet --nodocs --allowerasing --best --nobest --refresh",
			values:   "--setopt --enablerepo --disablerepo",
		},
		verbs: []string{"install", "update", "upgrade", "clean", "makecache", "remove"},
	},
}

var (
	// systemPackage matches a package by name, with a version or a release; it has no slash.
	systemPackage = pattern.New(`^\.?[A-Za-z0-9_][\w+.:~@=<>-]*$`)
	packageFile   = pattern.New(`\.(deb|apk|rpm)$`)
	// plainSetting matches the values of options that name no file and start no program.
	plainSetting = pattern.New(`^(\.?[\w.+~-]+|https?://[^$\s]+|Acquire::[\w:-]+=\d+|APT::Install-\w+=\w+|` +
		`(?i:dpkg)::Options::=--force-conf\w+|(install_weak_deps|tsflags|keepcache)=\w+)$`)
)

// systemEffect knows the package managers of operating systems and the commands that often stand beside them.
func systemEffect(program string, words []string, dir string) (effect, bool, error) {
	switch program {
	case "rm":
		return removal(words, dir)
	case "set":
		return effect{name: "set", dir: dir}, stricter.MatchString(strings.Join(words[1:], " ")), nil
	case "true", ":", "echo":
		return effect{name: program, dir: dir}, true, nil
	}
	for _, m := range packagers {
		if slices.Contains(m.programs, program) {
			return m.effect(words, dir)
		}
	}
	return effect{}, false, nil
}

func (m packager) effect(words []string, dir string) (effect, bool, error) {
	p, err := m.options.parse(words[0], words[1:])
	if err != nil {
		return effect{}, true, err
	}
	if len(p.rest) == 0 || !slices.Contains(m.verbs, p.rest[0]) {
		return effect{}, false, nil
	}
	for _, value := range p.values {
		if !plainSetting.MatchString(value) {
			return effect{}, true, fmt.Errorf("what %s does with %s is not known", words[0], value)
		}
	}
	for _, name := range p.rest[1:] {
		if !systemPackage.MatchString(name) || packageFile.MatchString(name) {
			return effect{}, true, fmt.Errorf("%s may read the sources: %s", words[0], name)
		}
	}
	return effect{name: words[0] + " " + p.rest[0], dir: dir, system: true}, true, nil
}

// caches matches what a step may remove: directories below those of the package managers' caches and temporary files.
var caches = pattern.New(`^(/var/lib/apt/lists|/var/cache/(apt|apk|dnf|yum|debconf)|/tmp|/var/tmp|` +
	`/(root|home/[\w-]+)/\.(cache|npm)|/usr/share/(doc|man))(/[\w.*?-]*)*$`)

// removal is an rm of nothing but caches.
func removal(words []string, dir string) (effect, bool, error) {
	e := effect{name: "rm", dir: dir}
	for _, w := range words[1:] {
		switch {
		case slices.Contains([]string{"-r", "-f", "-rf", "-fr", "-R", "-Rf", "-fR", "-v", "-rfv"}, w):
		case caches.MatchString(w) && !strings.Contains(w, ".."):
			if k := strings.IndexAny(w, "*?"); k >= 0 {
				w = w[:strings.LastIndexByte(w[:k], '/')]
			}
			e.writes = append(e.writes, w)
		default:
			return e, true, fmt.Errorf("rm may remove part of the sources: %s", w)
		}
	}
	return e, true, nil
}
