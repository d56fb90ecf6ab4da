package prove

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// downloadCaches are directories in which a package manager that root runs keeps what it fetched, and from which nothing
// is used but by the next install: what is installed is a copy. The modules of Go, the crates of cargo and the
// repositories of Maven, Gradle and NuGet are none of them: builds read them in place.
var downloadCaches = map[string][]string{
	"/root/.npm":            {"npm"},
	"/root/.cache/pip":      {"pip", "pip3"},
	"/root/.cache/uv":       {"uv"},
	"/root/.cache/pypoetry": {"poetry"},
}

// cacheMounted: one RUN differs, by a cache mount at the directory of a manager that its script calls as root, and no
// other step, file or setting has to do with that directory.
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

func cacheMountedText(c *change, intent fixes.CacheMounted) error {
	managers, ok := downloadCaches[intent.Target]
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
	if err := knowsMounts(c.before); err != nil {
		return err
	}
	if err := calls(old, managers); err != nil {
		return err
	}
	if err := asRoot(c.BaseUser, old); err != nil {
		return err
	}
	if err := c.cacheLeftAlone(old, intent.Target); err != nil {
		return err
	}
	if err := c.notNeeded(old, cleanup{removes: []string{intent.Target}}); err != nil {
		return fmt.Errorf("the cache would no longer be in the image: %w", err)
	}
	return nil
}

// gainsMount checks that a RUN is written as before but for one --mount behind its flags.
func gainsMount(old, fixed *dockerfile.Instruction, mount string) error {
	if !slices.Equal(append(flagTexts(old), "--mount="+mount), flagTexts(fixed)) {
		return fmt.Errorf("the flags on line %d differ by more than --mount=%s behind them", old.Line(), mount)
	}
	was, is := old.File().Text(old.Span), fixed.File().Text(fixed.Span)
	if strings.Replace(is, " --mount="+mount, "", 1) != was {
		return errors.New("more than the flags of the RUN differs")
	}
	return nil
}

// frontends are those of which it is known that they take RUN --mount: Docker's from 1.2 on.
var frontends = pattern.New(`^(docker\.io/)?docker/dockerfile(-upstream)?:(latest|1|1\.([2-9]|[1-9]\d)(\.\d+)?)(-labs)?(@sha256:[0-9a-f]{64})?$`)

func knowsMounts(f *dockerfile.File) error {
	if syntax := strings.TrimSpace(f.Directive("syntax")); syntax != "" && !frontends.MatchString(syntax) {
		return fmt.Errorf("whether the frontend %s takes cache mounts is not known", syntax)
	}
	return nil
}

// cacheLeftAlone checks that nothing says where the cache is, or that there is to be none: the script, a variable or a
// settings file of the build context.
func (c *change) cacheLeftAlone(run *dockerfile.Instruction, target string) error {
	script, err := run.Script()
	if err != nil {
		return err
	}
	text := strings.ToLower(script.Text)
	for _, word := range []string{"cache", "home", "~/", "/root"} {
		if strings.Contains(text, word) {
			return fmt.Errorf("the script on line %d speaks of %s, which may have to do with the cache", run.Line(), word)
		}
	}
	for _, i := range c.before.Instructions {
		if i == run {
			continue
		}
		if (i.Keyword == "ENV" || i.Keyword == "ARG") && movesCache.MatchString(i.Text()) {
			return fmt.Errorf("a variable on line %d may say where the cache is", i.Line())
		}
		if i.Index < run.Index && strings.Contains(i.File().Text(i.Span), target) {
			return fmt.Errorf("line %d has to do with %s as well", i.Line(), target)
		}
	}
	return c.noCacheSettings()
}

// movesCache matches variables that say where managers keep things.
var movesCache = pattern.New(`(?i)cache|(^|\s)(HOME|XDG_\w+)\s*[=\s]|userconfig|config_file`)

// noCacheSettings checks that no settings file of a build context speaks of a cache.
func (c *change) noCacheSettings() error {
	if len(c.Builds) == 0 {
		return errors.New("the build context is not known, so neither are the settings in it")
	}
	settings := []string{".npmrc", "pip.conf", "uv.toml", "poetry.toml", "pyproject.toml"}
	for _, b := range c.Builds {
		if b.Unknown != "" || b.Context == nil || b.Remote {
			return errors.New("the build context is not known, so neither are the settings in it")
		}
		_, err := eachSource(b.Context, func(name string) bool { return slices.Contains(settings, path.Base(name)) },
			func(name string, text []byte) error {
				if bytes.Contains(bytes.ToLower(text), []byte("cache")) {
					return fmt.Errorf("%s may say where the cache is", name)
				}
				return nil
			})
		if err != nil {
			return err
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
		ours := m.MountType == pb.MountType_CACHE && m.Dest == target && pb.InputIndex(m.Input) == pb.Empty && !m.Readonly &&
			m.CacheOpt.GetSharing() == pb.CacheSharingOpt_SHARED
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
