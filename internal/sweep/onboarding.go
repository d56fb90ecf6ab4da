package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// onboarding is the topic of the pull request that asks whether sweeps are wanted.
const onboarding = "onboarding"

// OnboardingBranch is the branch of that pull request.
const OnboardingBranch = config.DefaultBranchPrefix + onboarding

// An Invitation is what the onboarding pull request is made of.
type Invitation struct {
	// Repository is where it is opened: OWNER/.github, whose configuration holds for all, else the one repository with most
	// to gain. Files is that repository at its head.
	Repository *forge.Repository
	Files      fs.FS
	Proposal   forge.Proposal // how OnboardingBranch stands there
	Settings   config.Settings
	// Totals are what there is to gain, of each repository that was looked at. Their names are not told: some may be
	// private, and a pull request is for everybody who sees the repository that it is in.
	Totals  []RepoTotals
	Skipped map[Reason]int // how many repositories were not looked at
	Now     time.Time
}

// RepoTotals are what there is to gain in one repository.
type RepoTotals struct {
	Repo   forge.Repo
	Totals Totals
}

// MostToGain is the repository with most to gain, as far as anything can be fixed; of several the first.
func MostToGain(all []RepoTotals) (RepoTotals, bool) {
	if len(all) == 0 {
		return RepoTotals{}, false
	}
	best := slices.MaxFunc(all, func(a, b RepoTotals) int { return cmp.Compare(a.Totals.Fixable, b.Totals.Fixable) })
	return best, best.Totals.Fixable > 0
}

// Onboarding decides about the one pull request of an installation that asks whether sweeps are wanted: it shows what
// there is to gain and adds to the configuration, or makes one. Closed unmerged it means no, for ever; and where somebody
// decided in another way it is withdrawn. An error says that the configuration could not be read; one that cannot be used
// is none to add to.
func Onboarding(in Invitation) (Step, error) {
	step, _, err := in.decide()
	return step, err
}

// decide also tells what was decided about sweeps, as far as anything was.
func (in Invitation) decide() (Step, config.Sweeps, error) {
	p := proposed{Proposal: in.Proposal, topic: Topic{Name: onboarding}}
	step := Step{Topic: onboarding, Branch: in.Proposal.Branch, Act: Rest}
	c, err := config.Load(in.Files, in.Settings)
	if wrong := (*config.Error)(nil); errors.As(err, &wrong) {
		step.Why = "the configuration cannot be used: " + wrong.Problems[0].Error()
		return step, config.Sweeps{}, nil
	}
	if err != nil {
		return step, config.Sweeps{}, err
	}
	want, err := in.want(c, p)
	if err != nil {
		return step, c.Sweeps, err
	}
	s := stateOf(p, want, in.Repository, in.Now)
	step.Act, step.Why = Decide(s)
	if s.Flags&Wanted == 0 && want.why != "" {
		step.Why = want.why
	}
	if pull := p.newest(); pull != nil {
		step.Number = pull.Number
	}
	if step.Act != Rest {
		step.Motion = motion(step.Act, s, p, want, in.Repository, c.Sweeps)
	}
	return step, c.Sweeps, nil
}

// Onboard carries out what Onboarding decides, in a repository as it stands now. Of an ask only DryRun and Permit count. What
// waits for a permit or for the end of the quiet hours is Step.Waits.
func (s *Sweeper) Onboard(ctx context.Context, repo forge.Repo, totals []RepoTotals, skipped map[Reason]int, ask Ask) (Step, error) {
	step, err := Step{}, forge.ErrStale
	for n := 0; n < maxStale && errors.Is(err, forge.ErrStale); n++ {
		step, err = s.onboard(ctx, repo, Invitation{Totals: totals, Skipped: skipped}, ask)
	}
	if err != nil {
		return step, fmt.Errorf("ask in %s whether sweeps are wanted: %w", repo, err)
	}
	return step, nil
}

func (s *Sweeper) onboard(ctx context.Context, repo forge.Repo, in Invitation, ask Ask) (step Step, err error) {
	r := &run{Sweeper: s, out: &Outcome{}}
	if in.Repository, err = s.Host.Repository(ctx, repo); err != nil {
		return step, err
	}
	if why := passedOver(in.Repository); why != "" {
		return Step{Topic: onboarding, Branch: OnboardingBranch, Act: Rest, Why: "the repository is no place for it: " + string(why)}, nil
	}
	r.there, in.Now = in.Repository, r.now()
	tree, err := s.Host.Tree(ctx, in.Repository.Repo, in.Repository.Head)
	if err != nil {
		return step, err
	}
	watched := &forge.Watch{Tree: tree}
	in.Files, in.Settings = watched, r.settings(ctx)
	all, err := s.Host.Proposals(ctx, in.Repository.Repo, []string{OnboardingBranch})
	if err != nil || len(all) != 1 {
		return step, cmp.Or(err, fmt.Errorf("read one branch: got %d", len(all)))
	}
	in.Proposal = all[0]
	if step, r.sweeps, err = in.decide(); err != nil || watched.Failed() != nil {
		return step, cmp.Or(err, watched.Failed())
	}
	r.ask, r.out.Steps = ask, []Step{step}
	r.done, r.refused = map[string]Step{}, map[string]refusal{}
	err = r.write(ctx)
	return r.out.Steps[0], err
}

// want is what is to be proposed.
func (in Invitation) want(c *config.Config, p proposed) (wanted, error) {
	answered := slices.ContainsFunc(p.Pulls, func(pull forge.Pull) bool {
		return pull.State == forge.PullMerged || pull.State == forge.PullClosed && !pull.ByUs
	})
	sum := Totals{}
	for _, t := range in.Totals {
		sum.Add(t.Totals)
	}
	switch {
	case c.Sweeps.Decided:
		return wanted{why: "it was decided in the configuration whether sweeps are enabled"}, nil
	case answered:
		return wanted{why: "it was asked before, and answered"}, nil
	case sum.Fixable == 0:
		return wanted{why: "there is nothing to fix"}, nil
	}
	files, ok, err := in.agreeing(c)
	if err != nil || !ok {
		return wanted{why: "the configuration has to be changed by hand: sweeps: {enabled: true}"}, err
	}
	made := proposal{files: files, body: in.body(c, sum)}
	made.title = title("Let lighterman propose fixes to Dockerfiles", c.Sweeps.TitlePrefix, in.Repository.Subjects)
	made.note = note{topic: onboarding, bundle: bundleMark(onboarding, files)}
	made.message = made.title + "\n\nMerging this lets it open pull requests.\n\n" + bundleTrailer + made.note.bundle
	return made.wanted(in.Repository), nil
}

const firstConfiguration = `# What lighterman does here. The keys: https://github.com/lighterman/lighterman#configuration
sweeps:
  enabled: true
`

// agreeing is the configuration with sweeps enabled. It is not ok where that cannot be written without changing more.
func (in Invitation) agreeing(c *config.Config) (files []forge.FileText, ok bool, err error) {
	src, err := config.Find(in.Files)
	path, text := config.Files[0], firstConfiguration
	switch {
	case err == nil:
		path, text = src.Path, agreed(string(src.Text))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, err
	}
	after := map[string][]byte{path: []byte(text)}
	now, err := config.Load(check.Overlay(in.Files, after), in.Settings)
	if err != nil {
		return nil, false, nil
	}
	changes := config.Difference(c, now)
	if len(changes) != 1 || changes[0].Key != "sweeps.enabled" || changes[0].Is != "true" {
		return nil, false, nil
	}
	files, err = forge.FileTexts(in.Files, after)
	return files, true, err
}

var (
	sweepsBlock = regexp.MustCompile(`(?m)^sweeps:[ \t]*(#.*)?\r?\n([ \t]+)?`)
	sweepsFlow  = regexp.MustCompile(`(?m)^sweeps:[ \t]*\{[ \t]*(\})?`)
)

// agreed is a configuration's text with sweeps enabled. Whether it says so is for the caller to find out.
func agreed(text string) string {
	end := "\n"
	if strings.Contains(text, "\r\n") {
		end = "\r\n"
	}
	if m := sweepsFlow.FindStringSubmatchIndex(text); m != nil {
		if m[2] >= 0 {
			return text[:m[2]] + "enabled: true" + text[m[2]:]
		}
		return text[:m[1]] + "enabled: true, " + text[m[1]:]
	}
	if m := sweepsBlock.FindStringSubmatchIndex(text); m != nil {
		if m[4] < 0 {
			return text[:m[1]] + "  enabled: true" + end + text[m[1]:]
		}
		return text[:m[4]] + text[m[4]:m[5]] + "enabled: true" + end + text[m[4]:]
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += end
	}
	return text + "sweeps:" + end + "  enabled: true" + end
}

// body is what the pull request says, without its note.
func (in Invitation) body(c *config.Config, sum Totals) string {
	looked := len(in.Totals)
	said := fmt.Sprintf("lighterman looked at %s in %s. It found %s, and can fix %d of them: each fix was made in a copy, and "+
		"what BuildKit would build of it was compared with what it builds now.", counted(sum.Dockerfiles, "Dockerfile"),
		repositories(looked), counted(sum.Findings, "problem"), sum.Fixable)
	s := c.Sweeps
	const merging = "**Merging this** lets lighterman open pull requests with these fixes %s: one for each kind, at most %d at once in " +
		"a repository, looked at %s. Closing one of them declines just what it proposes; a commit on its branch makes it yours. " +
		"Nothing is ever merged by itself."
	const no = "**Closing this** means no, and it is not asked again. `sweeps: {enabled: false}` in the configuration says the same."
	if gain := sum.Gain.words(); gain != "" {
		said += " " + gain
	}
	return markdown.Paragraphs(said, fmt.Sprintf(merging, in.scope(), s.OpenPulls, scheduled(s.Schedule)), no,
		byTopic(sum), byCheck(sum, in.Settings.Checks), in.passedOver())
}

func repositories(n int) string {
	if n == 1 {
		return "one repository"
	}
	return fmt.Sprintf("%d repositories", n)
}

// scope says for whom the configuration holds.
func (in Invitation) scope() string {
	if in.Repository.Repo.Name == ".github" {
		return "in every repository of " + markdown.Code(in.Repository.Repo.Owner) + " on which it is installed, unless that one decides otherwise"
	}
	return "here; other repositories decide for themselves, or all at once in the repository `.github` of " +
		markdown.Code(in.Repository.Repo.Owner)
}

func scheduled(schedule string) string {
	if strings.Contains(schedule, " ") {
		return "on the schedule " + markdown.Code(schedule)
	}
	return schedule
}

// byTopic is what a merge of all fixes would change.
func byTopic(sum Totals) string {
	var b strings.Builder
	b.WriteString("| Pull request | Fixes | Files |\n| --- | ---: | ---: |\n")
	for _, t := range Topics(nil) {
		if c, ok := sum.Topics[t.Name]; ok {
			fmt.Fprintf(&b, "| %s | %d | %d |\n", subjects(t.Name).title, c.Fixable, c.Files)
		}
	}
	return b.String()
}

// byCheck lists what was found, what is found most first.
func byCheck(sum Totals, checks []*check.Check) string {
	about := map[string]*check.Check{}
	for _, c := range checks {
		about[c.Name] = c
	}
	names := slices.SortedFunc(maps.Keys(sum.Checks), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum.Checks[b].Findings, sum.Checks[a].Findings), strings.Compare(a, b))
	})
	var b strings.Builder
	for _, name := range names {
		c, n := about[name], sum.Checks[name]
		if c == nil {
			continue
		}
		fmt.Fprintf(&b, "| [%s](%s) | %s | %d | %d |\n", name, c.Page(), markdown.Cell(c.Summary), n.Findings, n.Fixable)
	}
	return markdown.Paragraphs("<details><summary>What was found, by check</summary>",
		"| Check | | Found | Fixed by this |\n| --- | --- | ---: | ---: |\n"+b.String(), "</details>")
}

// passedOver tells what was not looked at.
func (in Invitation) passedOver() string {
	var parts []string
	for _, r := range []Reason{Archived, Disabled, Empty, Mirrored, Forked, TooLarge, Misconfigured} {
		if n := in.Skipped[r]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d (%s)", n, r))
		}
	}
	if parts == nil {
		return ""
	}
	return "Not looked at: " + strings.Join(parts, ", ") + "."
}
