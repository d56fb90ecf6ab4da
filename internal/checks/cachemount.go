package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// cacheMount finds installs whose downloads no cache mount keeps. It runs only when it is asked for: where every build
// starts with an empty builder, as in much CI, a cache mount gains nothing.
var cacheMount = &check.Check{
	Name:     "cache-mount",
	Family:   check.Caching,
	Summary:  "an install downloads everything again when its step runs again, for want of a cache mount",
	Severity: check.Info,
	OptIn:    true,
	Run:      runCacheMount,
}

// A downloader is how a package manager keeps what it downloads.
type downloader struct {
	programs []string
	verbs    []string
	target   string // the cache of root; "" when a mount there is no matter of one step
	refused  string // why there is no fix without a target
}

const readInPlace = "builds read what it fetches in place, so every step that does would need the mount; the page has an example"

var downloaders = []downloader{
	{[]string{"npm"}, []string{"ci", "install", "i", "clean-install"}, "/root/.npm", ""},
	{[]string{"pip", "pip3"}, []string{"install", "wheel", "download"}, "/root/.cache/pip", ""},
	{[]string{"uv"}, []string{"sync", "pip"}, "", "uv may link what it installs into its cache; the page has an example"},
	{[]string{"poetry"}, []string{"install", "sync"}, "", "poetry may install below its cache; the page has an example"},
	{[]string{"yarn"}, []string{"install"}, "", "where yarn keeps its cache depends on its release; the page has an example"},
	{[]string{"pnpm"}, []string{"install", "i", "fetch"}, "", "pnpm links packages from its store, and copies them from a mount; the page has an example"},
	{[]string{"composer"}, []string{"install"}, "", "where composer keeps its cache depends on the image; the page has an example"},
	{[]string{"go"}, []string{"mod", "build", "install"}, "", readInPlace},
	{[]string{"cargo"}, []string{"build", "fetch", "install"}, "", readInPlace},
	{[]string{"mvn", "mvnw"}, []string{"package", "verify", "install", "dependency:go-offline"}, "", readInPlace},
	{[]string{"gradle", "gradlew"}, []string{"build", "assemble", "bootJar", "installDist"}, "", readInPlace},
	{[]string{"dotnet"}, []string{"restore", "publish", "build"}, "", readInPlace},
	{[]string{"apt-get", "apt"}, []string{"install"}, "", "Debian's images empty apt's cache behind every install; the page says what else has to change"},
}

func runCacheMount(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if s.Windows() {
			continue
		}
		for _, i := range s.Instructions {
			if i.Keyword == "RUN" && !hasCache(i) {
				uncached(p, i)
			}
		}
	}
	return nil
}

// hasCache reports whether a RUN has a cache mount already, wherever it is: whoever wrote it knows of them.
func hasCache(run *dockerfile.Instruction) bool {
	return slices.ContainsFunc(run.Flags, func(fl dockerfile.Flag) bool {
		return strings.EqualFold(fl.Name, "mount") && strings.Contains(fl.Value, "type=cache")
	})
}

// uncached reports the first install of a RUN.
func uncached(p *check.Pass, run *dockerfile.Instruction) {
	cmds, _ := commands(run)
	for _, c := range cmds {
		words := managerWords(c)
		n := slices.IndexFunc(downloaders, func(d downloader) bool {
			return len(words) > 1 && slices.Contains(d.programs, words[0]) && slices.ContainsFunc(words[1:], func(w string) bool {
				return slices.Contains(d.verbs, w)
			})
		})
		if n < 0 {
			continue
		}
		d := downloaders[n]
		message := fmt.Sprintf("`%s` downloads everything again whenever its step runs again; a cache mount would keep what it "+
			"fetched on the builder", spoken(c))
		if d.target == "" {
			p.Advise(run.Code(), message, d.refused)
			return
		}
		p.Offer(run.Code(), message, func() (fixes.Fix, error) {
			edit, intent, err := fixes.MountCache(p.File, run, d.target)
			return fixes.Fix{Title: "Keep the downloads in a cache mount", Intent: intent, Edits: []fixes.Edit{edit}}, err
		})
		return
	}
}

// managerWords are a command's words from the package manager's name on, also behind "python -m".
func managerWords(c dockerfile.Command) []string {
	var words []string
	for _, w := range c.Words {
		words = append(words, w.Text)
	}
	if len(words) > 2 && strings.HasPrefix(path.Base(words[0]), "python") && words[1] == "-m" {
		words = words[2:]
	}
	if len(words) > 0 {
		words[0] = path.Base(words[0])
	}
	return words
}
