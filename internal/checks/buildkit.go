package checks

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// BuildKit's own checks, by their names: docs.docker.com/reference/build-checks. Its linter finds them; here is what is
// said about each, and which have a fix. Those that another check of the catalogue covers go by that one's name, and
// their own is an alias there: JSONArgsRecommended, SecretsUsedInArgOrEnv, WorkdirRelativePath,
// MultipleInstructionsDisallowed, MaintainerDeprecated.
//
// Those that are about letters and taste, and those that many repositories break on purpose, run only when asked for.
var buildkitChecks = []*check.Check{
	builtIn("CopyIgnoredFile", "COPY or ADD takes a file that the ignore file keeps out of the build context",
		check.Warning, judgeCopyIgnored),
	builtIn("UndefinedVar", "a variable is used that nothing sets, so it is empty", check.Warning, judgeUndefinedVar),
	builtIn("UndefinedArgInFrom", "FROM uses a variable that no ARG above the first FROM declares",
		check.Warning, judgeUndefinedArg),
	builtIn("InvalidBaseImagePlatform", "the base image is not made for the platform it is built for",
		check.Warning, judgeBasePlatform),
	builtIn("DuplicateStageName", "two stages have the same name", check.Warning, judgeDuplicateStage,
		"DL3024", "AVD-DS-0012", "DS012", "CKV_DOCKER_11"),
	builtIn("ReservedStageName", "a stage has a name that builders keep for themselves", check.Warning, judgeReservedStage,
		"DL3063"),
	builtIn("NoEmptyContinuation", "a blank line stands inside an instruction, which will become an error",
		check.Warning, judgeBlankLine),
	builtIn("ExposeInvalidFormat", "EXPOSE names an address or a port of the host, which will become an error",
		check.Warning, judgeExposeFormat),
	builtIn("LegacyKeyValueFormat", "ENV or LABEL is written in the old form without an equals sign",
		check.Info, judgeLegacy),
	builtIn("RedundantTargetPlatform", "FROM asks for the platform that it takes anyway", check.Info, judgeRedundant,
		"DL3065"),
	asked(builtIn("FromPlatformFlagConstDisallowed", "FROM is bound to one platform, whatever the build is for",
		check.Info, judgeConstPlatform, "DL3029")),
	asked(builtIn("InvalidDefaultArgInFrom", "without build arguments FROM names no image", check.Info, judgeDefaultArg)),
	asked(builtIn("ConsistentInstructionCasing", "an instruction is written in another case than most",
		check.Info, judgeCasing)),
	asked(builtIn("FromAsCasing", "FROM and its AS are written in different cases", check.Info, judgeAsCasing)),
	asked(builtIn("StageNameCasing", "a stage name is not in lower case", check.Info, judgeStageCasing)),
	asked(builtIn("ExposeProtoCasing", "the protocol in EXPOSE is not in lower case", check.Info, judgeProtocol)),
	asked(builtIn("InvalidDefinitionDescription", "the comment above a stage or ARG is not of the form of a description",
		check.Info, judgeDescription)),
}

// A remark is what BuildKit's linter says about one instruction.
type remark struct {
	*check.Pass
	i      *dockerfile.Instruction
	detail string
}

// manyInOne are the rules that have something else to say on each remark about one instruction. Others repeat
// themselves, and what is done about them is done for all of the instruction.
var manyInOne = []string{"CopyIgnoredFile", "UndefinedVar", "UndefinedArgInFrom"}

// builtIn makes a check of one of BuildKit's rules.
func builtIn(rule, summary string, severity check.Severity, judge func(remark), aliases ...string) *check.Check {
	return &check.Check{
		Name: rule, Family: check.Hygiene, Summary: summary, Severity: severity, Aliases: aliases,
		Run: func(p *check.Pass) error {
			var last *dockerfile.Instruction
			for _, r := range p.Lint() {
				i := instructionOn(p.File, r.Line)
				if r.Rule != rule || i == nil || i == last && !slices.Contains(manyInOne, rule) {
					continue
				}
				judge(remark{p, i, r.Detail})
				last = i
			}
			return nil
		},
	}
}

// asked makes a check run only when it is asked for.
func asked(c *check.Check) *check.Check {
	c.OptIn = true
	return c
}

// instructionOn is the instruction that the 1-based line belongs to, nil when there is none.
func instructionOn(f *dockerfile.File, line int) *dockerfile.Instruction {
	n, found := slices.BinarySearchFunc(f.Instructions, line, func(i *dockerfile.Instruction, line int) int {
		switch {
		case i.EndLine() < line:
			return -1
		case i.Line() > line:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return f.Instructions[n]
}

// named is the word behind pattern in BuildKit's sentence.
func (r remark) named(pattern *pattern.Pattern) string {
	if m := pattern.FindStringSubmatch(r.detail); m != nil {
		return m[1]
	}
	return ""
}

// fix reports the finding with a fix that changes how the instruction is written and nothing that is built.
func (r remark) fix(message, title string, respell func(*dockerfile.File, *dockerfile.Instruction) ([]fixes.Edit, error)) {
	r.Offer(r.i.Code(), message, func() (fixes.Fix, error) {
		edits, err := respell(r.File, r.i)
		return fixes.Fix{Title: title, Intent: fixes.Respelled{}, Edits: edits}, err
	})
}

func judgeCopyIgnored(r remark) {
	source := r.named(ignoredSource)
	n := slices.IndexFunc(r.i.Words, func(w dockerfile.Word) bool { return path.Clean(w.Text) == source })
	if n < 0 || len(r.Builds) == 0 {
		return // it came out of a variable, whose value in a build is not known
	}
	message := fmt.Sprintf("%s takes `%s`, which %s keeps out of the build context, so the build does not find it",
		r.i.Keyword, r.i.Words[n].Text, ignoreName(r.Pass))
	r.Advise(r.i.Code(), message, "either the line or the ignore file is wrong, and which one only its author knows")
}

var ignoredSource = pattern.New(`file "([^"]*)" that is excluded`)

// ignoreName is the ignore file's path.
func ignoreName(p *check.Pass) string {
	for _, b := range p.Builds {
		if b.Ignore != "" {
			return b.Ignore
		}
	}
	return "the ignore file"
}

// unsetName finds the name of a variable in BuildKit's sentences, and suggested the one that it thinks is meant.
var (
	unsetName = pattern.New(`(?:variable '\$|argument ')(\w+)'`)
	suggested = pattern.New(`\(did you mean \$?(\w+)\?\)`)
)

// usesBare reports whether i takes the value of a variable as it is: ${name:-other} says what holds when there is none.
func usesBare(i *dockerfile.Instruction, name string) bool {
	text := i.Text()
	for _, fl := range i.Flags {
		text += " " + fl.Value
	}
	for _, h := range i.Heredocs {
		text += "\n" + h.Content
	}
	return regexp.MustCompile(`\$(?:` + name + `\b|\{` + name + `\})`).MatchString(text)
}

// meant is BuildKit's guess as a part of a sentence. For short names it guesses wildly.
func (r remark) meant() string {
	if name := r.named(suggested); name != "" && len(r.named(unsetName)) > 3 {
		return fmt.Sprintf(" (`%s` is set)", name)
	}
	return ""
}

func judgeUndefinedVar(r remark) {
	ref, ok := r.i.Stage.Image()
	base, known := r.Images.Lookup(ref)
	if _, sure := base.Sets(); !ok || !known || !sure || r.i.Stage.Windows() {
		return // the image may set it
	}
	name := r.named(unsetName)
	if !usesBare(r.i, name) {
		return
	}
	if slices.ContainsFunc(r.File.Args, func(i *dockerfile.Instruction) bool { return declares(i, name) }) {
		r.Advise(r.i.Code(), fmt.Sprintf("`$%s` is declared above the first FROM, where only FROM sees it, so it is empty here", name),
			fmt.Sprintf("`ARG %s` in the stage brings it in, if that is what is meant", name))
		return
	}
	message := fmt.Sprintf("nothing sets `$%s`%s, neither above nor in the base image, so it is empty here",
		name, r.meant())
	r.Advise(r.i.Code(), message, "what it should have held is a guess")
}

// declares reports whether an ARG declares a variable.
func declares(arg *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(arg.Words, func(w dockerfile.Word) bool {
		declared, _, _ := strings.Cut(w.Text, "=")
		return declared == name
	})
}

func judgeUndefinedArg(r remark) {
	name := r.named(unsetName)
	if !usesBare(r.i, name) {
		return
	}
	message := fmt.Sprintf("FROM uses `$%s`%s, which no ARG above the first FROM declares, so it is empty and "+
		"--build-arg does not set it", name, r.meant())
	r.Advise(r.i.Code(), message, "what it should have held is a guess")
}

// judgeBasePlatform speaks only where both platforms are certain: the image's, and the one that it is taken for.
func judgeBasePlatform(r remark) {
	ref, ok := r.i.Stage.Image()
	base, known := r.Images.Lookup(ref)
	if !ok || !known || len(base.On()) == 0 {
		return
	}
	wanted := r.i.Stage.Platform
	if wanted == "" && slices.ContainsFunc(r.Builds, forAMD64) {
		wanted = "linux/amd64"
	}
	if wanted == "" || strings.Contains(wanted, "$") {
		return
	}
	message := fmt.Sprintf("%s is published for %s only and is taken for %s: its programs do not start there without "+
		"emulation", ref, strings.Join(base.On(), ", "), wanted)
	r.Advise(r.i.Code(), message, "whether the image or the platform is meant only its author knows")
}

func judgeDuplicateStage(r remark) {
	message := fmt.Sprintf("an earlier stage is called `%s` too, so what names it below means this one and what names it "+
		"above the other", r.i.Stage.Name)
	r.Advise(r.i.Code(), message, "which of the two is meant where is a guess")
}

func judgeReservedStage(r remark) {
	message := fmt.Sprintf("`%s` is a name that builders keep for themselves, so FROM and --from may not mean this stage",
		r.i.Stage.Name)
	r.Advise(r.i.Code(), message, "another name has to be thought of, also where builds name the stage as their target")
}

func judgeBlankLine(r remark) {
	r.fix("a blank line stands between the lines of this "+r.i.Keyword+", which a coming release of BuildKit refuses",
		"Take out the blank lines", fixes.WithoutBlankLines)
}

func judgeExposeFormat(r remark) {
	r.fix("EXPOSE names an address or a port of the host, which is ignored today and will be an error: which port of the "+
		"host leads to the container is said when it is started", "Expose the container's port alone", fixes.ContainerPorts)
}

func judgeLegacy(r remark) {
	message := fmt.Sprintf("%s is written in the old form, in which everything behind the first word is one value; "+
		"with an equals sign one sees where a value ends", r.i.Keyword)
	r.fix(message, "Write the value behind an equals sign", func(f *dockerfile.File, i *dockerfile.Instruction) ([]fixes.Edit, error) {
		e, err := fixes.KeyValue(f, i)
		return []fixes.Edit{e}, err
	})
}

func judgeRedundant(r remark) {
	message := "FROM takes the image for the target platform anyway, so --platform=" + r.i.Stage.Platform +
		" says nothing"
	for _, arg := range r.File.Args {
		if strings.Contains(arg.Text(), "TARGETPLATFORM") {
			r.Advise(r.i.Code(), message, "an ARG of the file sets TARGETPLATFORM itself")
			return
		}
	}
	if platform := r.i.Stage.Platform; platform != "$TARGETPLATFORM" && platform != "${TARGETPLATFORM}" {
		r.Advise(r.i.Code(), message, "a builder that does not set TARGETPLATFORM takes what else is written")
		return
	}
	r.fix(message, "Leave the platform to the build", func(f *dockerfile.File, i *dockerfile.Instruction) ([]fixes.Edit, error) {
		return fixes.WithoutFlag(f, i, "platform")
	})
}

func judgeConstPlatform(r remark) {
	message := fmt.Sprintf("FROM is bound to %s, so the image is for that platform whichever one is asked for",
		r.i.Stage.Platform)
	r.Advise(r.i.Code(), message, "the stage may be meant for that platform alone; --platform=$BUILDPLATFORM is the "+
		"usual way for a stage that only builds")
}

func judgeDefaultArg(r remark) {
	message := fmt.Sprintf("without build arguments `%s` is not the name of an image, so a plain build fails",
		r.i.Stage.Base)
	r.Advise(r.i.Code(), message, "which default its ARG should have only its author knows")
}

func judgeCasing(r remark) {
	upper := strings.Contains(r.detail, "(uppercase)")
	message := fmt.Sprintf("`%s` is written in another case than most instructions of the file",
		r.File.Text(r.i.KeywordSpan))
	r.fix(message, "Write it like the others", func(f *dockerfile.File, i *dockerfile.Instruction) ([]fixes.Edit, error) {
		return fixes.KeywordCase(f, i, upper)
	})
}

func judgeAsCasing(r remark) {
	message := "FROM and its AS are written in different cases"
	if len(r.i.Words) == 3 {
		message = fmt.Sprintf("`%s` and `%s` are written in different cases", r.File.Text(r.i.KeywordSpan), r.i.Words[1].Text)
	}
	r.fix(message, "Write both in one case", fixes.AsCase)
}

func judgeStageCasing(r remark) {
	message := "the stage name is not in lower case, in which builders keep it and show it"
	r.fix(message, "Write the stage name in lower case", func(f *dockerfile.File, i *dockerfile.Instruction) ([]fixes.Edit, error) {
		return fixes.StageNameCase(f, i.Stage)
	})
}

func judgeProtocol(r remark) {
	const message = "the protocol in EXPOSE is not in lower case, as everywhere else"
	r.fix(message, "Write the protocol in lower case", fixes.ContainerPorts)
}

func judgeDescription(r remark) {
	if r.i.Lead.Empty() {
		return // BuildKit looks for a comment over blank lines too, against its own documentation
	}
	message := "the comment above is not a description: one begins with the name of the stage or argument, and any other " +
		"is set off by an empty line"
	r.Advise(r.i.Code(), message, "which of the two it is meant to be only its author knows")
}

// forAMD64 reports whether a build states that it is for linux/amd64 too.
func forAMD64(b buildcontext.Build) bool { return slices.Contains(b.Platforms, "linux/amd64") }
