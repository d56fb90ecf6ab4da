package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A downloadCache is the directory in which a manager that root runs keeps what it fetched, and from which nothing
// is used but by the next install: what is installed is a copy. That does not hold for the modules of Go, the crates
// of cargo and the repositories of Maven, Gradle and NuGet, which builds read in place, nor for uv and poetry, which
// may link into their cache or install below it.
type downloadCache struct {
	base  *pattern.Pattern // the images in which root has no settings of the manager
	words *pattern.Pattern // what speaks of the directory, in any file
	npm   bool             // else pip
}

var downloadCaches = map[string]downloadCache{
	"/root/.npm":       {officialImage("node", "alpine|slim"), pattern.New(`(^|[^\w\])])\.npm\b|_cacache`), true},
	"/root/.cache/pip": {officialImage("python", "slim"), pattern.New(`(^|[^\w\])])\.cache\b`), false},
}

// officialImage matches one of Docker's official images at a tag of Linux without triggers, in the given variants.
// On Alpine pip would keep what it builds from source under the names that it has on other systems.
func officialImage(name, variants string) *pattern.Pattern {
	return pattern.New(`^(docker\.io/)?(library/)?` + name + `(:(latest|lts|current|` + variants + `|\d+(\.\d+){0,2})` +
		`(-(` + variants + `|trixie|bookworm|bullseye|buster)[\d.]*)*)?(@sha256:[0-9a-f]{64})?$`)
}

// cacheMounted: one RUN, which is nothing but a plain install by root, gains a cache mount at the directory where
// the manager keeps what it fetches; nothing before it can have said otherwise, and nothing behind it or beside the
// file can need what is then no longer in the image. Only what is known to be harmless is let through, in the file
// and beside it.
func cacheMounted(intent fixes.CacheMounted) predicate {
	return predicate{
		text: func(c *change) error { return cacheMountedText(c, intent) },
		image: func(c *change, b, a image) error {
			n := prefix(b.steps, a.steps)
			if n >= len(b.steps) || n >= len(a.steps) {
				return errors.New("no step differs")
			}
			if err := mountsNothing(b.steps[n], []string{intent.Target}); err != nil {
				return err
			}
			if err := sameButCache(b.steps[n], a.steps[n], intent.Target); err != nil {
				return err
			}
			return rest(b, a, n+1, n+1)
		},
	}
}

// A mounting is the RUN that gains a cache mount, with what has to hold for it.
type mounting struct {
	*change
	downloadCache
	run *dockerfile.Instruction
}

func cacheMountedText(c *change, intent fixes.CacheMounted) error {
	cache, ok := downloadCaches[intent.Target]
	if !ok {
		return fmt.Errorf("nothing is known of a cache at %s", intent.Target)
	}
	old, fixed, err := c.pair("RUN")
	if err != nil {
		return err
	}
	if err := gainsMount(old, fixed, "type=cache,target="+intent.Target); err != nil {
		return err
	}
	m := mounting{c, cache, old}
	for _, holds := range []func() error{
		m.frontend, m.image, m.install, m.stepsBefore, m.manifests, m.stepsBehind, m.unnamed, m.beside,
	} {
		if err := holds(); err != nil {
			return err
		}
	}
	return nil
}

// gainsMount checks that a RUN without flags is written as before but for one --mount.
func gainsMount(old, fixed *dockerfile.Instruction, mount string) error {
	if len(old.Flags) > 0 {
		return fmt.Errorf("what the flags on line %d have to do with the cache is not known", old.Line())
	}
	if !slices.Equal([]string{"--mount=" + mount}, flagTexts(fixed)) {
		return fmt.Errorf("the flags on line %d differ by more than --mount=%s", old.Line(), mount)
	}
	was, is := old.File().Text(old.Span), fixed.File().Text(fixed.Span)
	if strings.Replace(is, " --mount="+mount, "", 1) != was {
		return errors.New("more than the flags of the RUN differs")
	}
	return nil
}

// frontends are those of which it is known that they take RUN --mount: Docker's from 1.2 on.
var frontends = pattern.New(`^(docker\.io/)?docker/dockerfile(-upstream)?:` +
	`(latest|1|1\.([2-9]|[1-9]\d)(\.\d+)?)(-labs)?(@sha256:[0-9a-f]{64})?$`)

func (m mounting) frontend() error {
	if syntax := strings.TrimSpace(m.before.Directive("syntax")); syntax != "" && !frontends.MatchString(syntax) {
		return fmt.Errorf("whether the frontend %s takes cache mounts is not known", syntax)
	}
	for _, b := range m.Builds {
		if _, given := b.Args["BUILDKIT_SYNTAX"]; given || slices.Contains(b.Varied, "BUILDKIT_SYNTAX") {
			return fmt.Errorf("%s chooses another frontend", b.Origin)
		}
		if b.Remote {
			return errors.New("the build context is fetched by the builder, so what is in it is not known")
		}
		if b.Command {
			return fmt.Errorf("%s starts the image with a command of its own, which may need the cache", b.Origin)
		}
	}
	return nil
}

// image checks that the stage stands on an official image, as root, with root's own home.
func (m mounting) image() error {
	ref, ok := m.run.Stage.Image()
	if !ok || !m.base.MatchString(ref) {
		const only = "what is set up in %s is not known: it is in Docker's images of node for npm, of python on Debian for pip"
		return fmt.Errorf(only, m.run.Stage.Base)
	}
	if user := m.Bases[ref].User; user != "" && !isRootName(user) {
		return fmt.Errorf("the base image runs as %s", user)
	}
	return m.ownBase(m.run.Stage)
}

// npmInstalls are the options of an install by npm that neither move nor read its cache, nor install elsewhere.
const npmInstalls = `--production --only=production --only=prod --omit=dev --omit=optional --omit=peer --include=dev
	--no-audit --no-fund --no-optional --ignore-scripts --no-progress --legacy-peer-deps --no-update-notifier --no-save
	--silent -s --quiet -q --verbose --loglevel=error --loglevel=warn --loglevel=verbose`

// pipInstalls are those of pip.
var pipInstalls = options{
	switches: `--upgrade -U --no-deps -q -qq --quiet -v --verbose --pre --require-hashes --no-compile --no-input
		--disable-pip-version-check --no-warn-script-location --prefer-binary`,
	values: "--root-user-action --progress-bar --only-binary --timeout --default-timeout --retries --upgrade-strategy",
	lists:  "-r --requirement -c --constraint",
}

// installs checks the words of a command that installs, and names the lists that it reads.
func (d downloadCache) installs(words []string) (lists []string, err error) {
	unknown := fmt.Errorf("what `%s` has to do with the cache is not known", strings.Join(words, " "))
	switch {
	case len(words) < 2:
	case d.npm && words[0] == "npm" && among("ci install i clean-install", words[1]):
		if !slices.ContainsFunc(words[2:], func(w string) bool { return !among(npmInstalls, w) }) {
			return nil, nil
		}
	case !d.npm && among("pip pip3", words[0]) && words[1] == "install":
		p, err := pipInstalls.parse("pip", unglued(words[2:]))
		if err == nil && !slices.ContainsFunc(p.rest, notPackage) && len(p.rest)+len(p.lists) > 0 {
			return p.lists, nil
		}
	}
	return nil, unknown
}

func notPackage(requirement string) bool {
	return !packageOrAddress(requirement) || strings.Contains(requirement, "/")
}

// install checks that the RUN is one plain install.
func (m mounting) install() error {
	words, err := m.words()
	if err == nil {
		_, err = m.installs(words)
	}
	return err
}

func (m mounting) words() ([]string, error) {
	if len(m.run.Heredocs) > 0 {
		return nil, fmt.Errorf("the step on line %d has a here-document", m.run.Line())
	}
	return single(m.run)
}

// manifests checks what the install reads: it runs no script of the repository, and its lists name nothing but
// packages.
func (m mounting) manifests() error {
	words, err := m.words()
	if err != nil {
		return err
	}
	lists, err := m.installs(words)
	if err != nil {
		return err
	}
	return m.everyContext(func(b buildcontext.Build) error {
		copied, err := m.copied(b.Context)
		if err != nil {
			return err
		}
		if m.npm {
			return m.packages(b.Context, copied, words)
		}
		return m.requirements(b.Context, copied, lists)
	})
}

// packages checks that a package stands where the install runs, and that none that is copied runs scripts.
func (m mounting) packages(fsys fs.FS, copied map[string]string, words []string) error {
	own := path.Join(m.workdir(m.run), "package.json")
	if copied[own] == "" {
		return fmt.Errorf("%s is not copied before the install", own)
	}
	for _, name := range copied {
		if path.Base(name) != "package.json" {
			continue
		}
		if err := noScripts(fsys, name, nil, words); err != nil {
			return fmt.Errorf("a script may use the cache: %w", err)
		}
	}
	return nil
}

// localIndex matches the lines of a list that let pip look for packages in directories, or not on the network.
var localIndex = pattern.New(`(?m)^\s*(-f|--find-links|--no-index)\b`)

func (m mounting) requirements(fsys fs.FS, copied map[string]string, names []string) error {
	l := lists{fsys: fsys}
	for _, name := range copied {
		l.inputs = append(l.inputs, name)
	}
	for _, name := range names {
		at := under(m.workdir(m.run), name)
		if copied[at] == "" {
			return fmt.Errorf("%s is not copied before the install", at)
		}
		if err := l.read(effect{name: "pip install"}, copied[at]); err != nil {
			return err
		}
	}
	for _, name := range l.seen {
		if text, err := fs.ReadFile(fsys, name); err != nil || localIndex.Match(text) {
			return fmt.Errorf("%s may name packages that are in the cache", name)
		}
	}
	return nil
}

// sameButCache checks that two steps are one command, and that the second has one more mount: a cache of its own.
func sameButCache(b, a step, target string) error {
	was, is := execOf(b), execOf(a)
	if was == nil || is == nil {
		return errors.New("a step is not a command")
	}
	is = proto.CloneOf(is)
	gained := 0
	is.Mounts = slices.DeleteFunc(is.Mounts, func(m *pb.Mount) bool {
		ours := m.MountType == pb.MountType_CACHE && m.Dest == target && pb.InputIndex(m.Input) == pb.Empty &&
			!m.Readonly && m.CacheOpt.GetSharing() == pb.CacheSharingOpt_SHARED
		if ours {
			gained++
		}
		return ours
	})
	if gained != 1 || !proto.Equal(was, is) || !slices.Equal(b.raw.Inputs, a.raw.Inputs) {
		return errors.New("the step differs by more than one cache mount")
	}
	return nil
}
