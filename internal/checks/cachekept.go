package checks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

// Six checks look for the cache that a package manager leaves in a layer. They differ in the manager, in where its
// cache is, and in what keeps the layer free of it: an option of the command, or a cleanup at the end of the step.
var (
	apkCacheKept = cacheKept{
		name: "apk-cache-kept", what: "the package index that `apk` fetched", programs: []string{"apk"},
		places: []string{"/var/cache/apk"}, aliases: []string{"DL3019", "AVD-DS-0025", "DS-0025", "DS025"},
		flag: "--no-cache", rule: fixes.ApkKeepsNothing, flagged: []string{"add"}, flagTitle: "Install without keeping the index",
		cleanup: "rm -rf /var/cache/apk/*",
	}.check()
	dnfCacheKept = cacheKept{
		name: "dnf-cache-kept", what: "the metadata and packages that %s fetched", programs: []string{"yum", "dnf", "microdnf", "zypper"},
		places: []string{"/var/cache/yum", "/var/cache/dnf", "/var/cache/zypp"},
		aliases: []string{"DL3032", "DL3036", "DL3040", "AVD-DS-0015", "DS-0015", "DS015", "AVD-DS-0019", "DS-0019", "DS019",
			"AVD-DS-0020", "DS-0020", "DS020"},
		cleanup: "%s clean all",
	}.check()
	pipCacheKept = cacheKept{
		name: "pip-cache-kept", what: "pip's cache of the packages it installed", programs: []string{"pip", "pip3"},
		places: []string{"~/.cache/pip"}, aliases: []string{"DL3042"},
		flag: "--no-cache-dir", rule: fixes.PipKeepsNothing, flagged: []string{"install", "download", "wheel"},
		flagTitle: "Install without keeping a cache",
	}.check()
	npmCacheKept = cacheKept{
		name: "npm-cache-kept", what: "npm's cache of the packages it installed", programs: []string{"npm"},
		places: []string{"~/.npm"}, cleanup: "npm cache clean --force",
	}.check()
	yarnCacheKept = cacheKept{
		name: "yarn-cache-kept", what: "yarn's cache of the packages it installed", programs: []string{"yarn"},
		places: []string{"/usr/local/share/.cache/yarn"}, aliases: []string{"DL3060"}, cleanup: "yarn cache clean",
		silent: modernYarn,
	}.check()
)

// A cacheKept describes one of these checks.
type cacheKept struct {
	name, what string // "%s" in what and cleanup stands for the program
	aliases    []string
	programs   []string
	places     []string // where the cache is, in the form of ecosystem.Makes
	flag       string   // the option that keeps the cache empty, "" when there is none
	flagged    []string // the verbs that take it
	rule       fixes.Rule
	flagTitle  string
	cleanup    string // the command that empties the cache, "" when the option does for all
	silent     func(*check.Pass) bool
}

func (k cacheKept) check() *check.Check {
	c := &check.Check{
		Name:     k.name,
		Family:   check.SmallerImage,
		Summary:  strings.NewReplacer("`", "", "%s", "yum, dnf or zypper").Replace(k.what) + " stays in the image",
		Severity: check.Warning,
		Aliases:  k.aliases,
	}
	if strings.Contains(k.what, " and ") {
		c.Summary = strings.TrimSuffix(c.Summary, "stays in the image") + "stay in the image"
	}
	c.Run = func(p *check.Pass) error { return k.run(p) }
	return c
}

func (k cacheKept) run(p *check.Pass) error {
	if k.silent != nil && k.silent(p) {
		return nil
	}
	for _, s := range p.File.Stages {
		if !shipped(p, s) {
			continue
		}
		for _, i := range s.Instructions {
			if run := bodyOf(i); run != nil {
				if cmds := k.keeps(i, run); len(cmds) > 0 {
					k.report(p, i, run, cmds)
				}
			}
		}
	}
	return nil
}

// keeps are the commands of a RUN whose cache is still there at its end, and not removed by a step directly below: that
// is late-cleanup's to say.
func (k cacheKept) keeps(i, run *dockerfile.Instruction) []placed {
	cmds, _ := placedCommands(run)
	var kept []placed
	for _, c := range cmds {
		for _, place := range k.places {
			if slices.Contains(ecosystem.Makes(c.Command, c.dir), place) && !mounted(run, place) &&
				!mountedBelow(run, place) && !keptEmpty(i, place) {
				kept = append(kept, c)
			}
			if patterns, _ := ecosystem.Removes(c.Command, c.dir); covered(patterns, place) {
				kept = nil
			}
		}
	}
	if i != run || len(kept) == 0 {
		return kept
	}
	for _, below := range cleanupsBelow(i) {
		cmds, _ := placedCommands(below)
		for _, c := range cmds {
			patterns, _ := ecosystem.Removes(c.Command, c.dir)
			if slices.ContainsFunc(k.places, func(place string) bool { return covered(patterns, place) }) {
				return nil
			}
		}
	}
	return kept
}

// covered reports whether one of the patterns takes a place away.
func covered(patterns []string, place string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return ecosystem.Covers(p, place) })
}

func (k cacheKept) report(p *check.Pass, i, run *dockerfile.Instruction, cmds []placed) {
	program := programOf(cmds[0].Command, k.programs)
	what := strings.ReplaceAll(k.what, "%s", "`"+program+"`")
	stays := "stays"
	if strings.Contains(k.what, " and ") {
		stays = "stay"
	}
	message := fmt.Sprintf("%s %s in the image, where nothing uses it", what, stays)
	if words, ok := k.options(cmds); ok {
		rewording{message: message, title: k.flagTitle, rule: k.rule, words: words}.report(p, i, run)
		return
	}
	k.clean(p, i, run, message, program)
}

// options are the words that keep the cache empty, when there is an option for all that is run.
func (k cacheKept) options(cmds []placed) (words []fixes.Rewording, ok bool) {
	for _, c := range cmds {
		n := slices.IndexFunc(c.Words, func(w dockerfile.Argument) bool { return slices.Contains(k.flagged, w.Text) })
		if k.flag == "" || n < 0 {
			return nil, false
		}
		words = append(words, fixes.Rewording{At: c.Words[n].Span, Text: k.flag})
	}
	return words, true
}

// clean offers a cleanup at the end of the step.
func (k cacheKept) clean(p *check.Pass, i, run *dockerfile.Instruction, message, program string) {
	command := strings.ReplaceAll(k.cleanup, "%s", program)
	if program == "zypper" {
		command = "zypper clean --all"
	}
	switch {
	case i != run:
		p.Advise(i.Code(), message, "ONBUILD is left alone: it takes effect in other builds")
		return
	case k.cleanup == "":
		p.Advise(i.Code(), message, "no option of the command keeps it empty")
		return
	}
	if reason := heirWorks(p, worksOffline); reason != "" {
		p.Advise(i.Code(), message, reason)
		return
	}
	p.Offer(i.Code(), message, func() (fixes.Fix, error) {
		edits, err := fixes.AppendCommand(p.File, run, command)
		return fixes.Fix{
			Title:  "Empty the cache in the same step",
			Intent: fixes.Appended{Command: command},
			Edits:  edits,
		}, err
	})
}

// programOf is the manager that a command calls, perhaps behind sudo or "python -m".
func programOf(c dockerfile.Command, programs []string) string {
	for _, w := range c.Words {
		if slices.Contains(programs, w.Text) {
			return w.Text
		}
	}
	return programs[0]
}

// modernYarn reports whether the file or the repository uses a yarn that keeps its cache elsewhere.
func modernYarn(p *check.Pass) bool {
	if asksForModernYarn.Match(p.File.Src) {
		return true
	}
	for _, b := range p.Builds {
		if b.Context != nil && slices.ContainsFunc(copiedDirs(p.File), func(dir string) bool {
			settings, err := fs.ReadFile(b.Context, path.Join(dir, "package.json"))
			_, missing := fs.Stat(b.Context, path.Join(dir, ".yarnrc.yml"))
			return missing == nil || err == nil && namesModernYarn.Match(settings)
		}) {
			return true
		}
	}
	return false
}

var (
	asksForModernYarn = pattern.New(`\byarn set version|\byarn@([2-9]|stable|berry|canary)`)
	namesModernYarn   = pattern.New(`"packageManager"\s*:\s*"yarn@[^1]`)
)

// copiedDirs are the directory of the build context and those that are copied out of it.
func copiedDirs(f *dockerfile.File) []string {
	dirs := []string{"."}
	for _, i := range f.Instructions {
		if _, elsewhere := i.Flag("from"); i.Keyword != "COPY" || elsewhere || len(i.Words) == 0 {
			continue
		}
		for _, w := range i.Words[:len(i.Words)-1] {
			if dir := path.Clean("/" + w.Text)[1:]; fs.ValidPath(dir) && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}
