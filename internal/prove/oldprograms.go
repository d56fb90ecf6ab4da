package prove

import (
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// An oldProgram is one that does not know the option which a rule adds, and would stop the build at it. Which images
// have it shows in their references: an image of the program's own by its version, any other by the release of its
// operating system.
type oldProgram struct {
	program, option string
	own             *pattern.Pattern // images that bring the program, whatever their system; nil: none
	old             *pattern.Pattern // of those, the ones that bring it too old
	systems         *pattern.Pattern // images of systems whose package of it is too old
}

// oldPrograms come from the release notes of the programs: apk 2.6.4 (Alpine 3.3), pip 6, RubyGems 2, Go 1.13, npm 5.7
// (Node 8.11) and npm 7 (Node 15), which passes over options that it does not know.
var oldPrograms = map[fixes.Rule]oldProgram{
	fixes.ApkKeepsNothing: {
		program: "apk", option: "--no-cache", systems: pattern.New(`alpine[:-]?v?(2|3\.[0-2])(\D|$)`),
	},
	fixes.PipKeepsNothing: {
		program: "pip", option: "--no-cache-dir",
		own: pattern.New(`(^|/)python:`), old: pattern.New(`:(2\.7\.[0-8]|3\.[34]\.[0-2]|3\.3\.[3-6])(\D|$)`),
		systems: pattern.New(`[:-](squeeze|wheezy|jessie|precise|trusty|utopic|vivid)` +
			`|debian:[678](\D|$)|ubuntu:(1[0-4]\.|15\.04)`),
	},
	fixes.GemNoDocuments: {
		program: "gem", option: "--no-document",
		own: pattern.New(`(^|/)ruby:`), old: pattern.New(`:1\.`),
		systems: pattern.New(`[:-](squeeze|wheezy|precise|trusty)|debian:[67](\D|$)|ubuntu:1[0-4]\.`),
	},
	fixes.WithoutDebugInfo: {
		program: "go", option: "-trimpath",
		own: pattern.New(`golang:`), old: pattern.New(`:1\.(\d|1[0-2])(\D|$)`),
		systems: pattern.New(`[:-](squeeze|wheezy|jessie|stretch|buster|precise|trusty|xenial|bionic)` +
			`|debian:([6-9]|10)(\D|$)|ubuntu:1\d\.|alpine[:-]?v?(2|3\.\d|3\.10)(\D|$)`),
	},
	fixes.FrozenInstall: {
		program: "npm", option: "ci",
		own: pattern.New(`(^|/)node:`), old: pattern.New(`:([0-9](\D|$)|argon|boron|carbon)`),
		systems: pattern.New(`[:-](wheezy|jessie|stretch|trusty|xenial|bionic)|debian:[7-9](\D|$)|ubuntu:1[0-8]\.`),
	},
	fixes.NoDevelopment: {
		program: "npm", option: "--omit=dev",
		own: pattern.New(`(^|/)node:`), old: pattern.New(`:(([0-9]|1[0-4])(\D|$)|argon|boron|carbon|dubnium|erbium|fermium)`),
		systems: pattern.New(`[:-](wheezy|jessie|stretch|buster|trusty|xenial|bionic|focal)|debian:([7-9]|10)(\D|$)` +
			`|ubuntu:(1\d|20)\.`),
	},
}

// knowsOption checks that the base image of a RUN is not one whose program is older than the option that a rule adds.
func (c *change) knowsOption(run *dockerfile.Instruction, rule fixes.Rule) error {
	p, ok := oldPrograms[rule]
	if !ok || run.Stage == nil || !strings.Contains(c.before.Text(run.Span), p.program) {
		return nil
	}
	ref, _ := run.Stage.Image()
	ref = strings.ToLower(ref)
	old := p.systems
	if p.own != nil && p.own.MatchString(ref) {
		old = p.old
	}
	if old.MatchString(ref) {
		return fmt.Errorf("the %s of %s does not know %s", p.program, ref, p.option)
	}
	return nil
}
