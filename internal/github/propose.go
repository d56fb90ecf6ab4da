package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/redact"
)

// Propose carries out a motion. The branch is moved by GraphQL's updateRefs, because REST moves a branch forward or moves
// it by force but never compares where it was. All else is REST.
//
// A write whose outcome is unknown (a 5xx, a cut connection) is not repeated but returned as an error, and nothing after
// it is done. The next Proposals shows what did arrive, and a motion made before that is forge.ErrStale: the branch moved,
// or the pull request is there.
func (a *App) Propose(ctx context.Context, repo forge.Repo, m forge.Motion) (int, error) {
	i, err := a.installation(repo)
	if err != nil {
		return 0, err
	}
	p := &proposer{writer: writer{i, forge.Ref{Repo: repo, Number: m.Number}}, motion: m, tip: m.Tip}
	opened, err := p.permitted(ctx)
	return opened, doing(err, "propose %s in %s", m.Branch, repo)
}

// permitted carries the motion out if commits may be made, which is found out anew from time to time.
func (p *proposer) permitted(ctx context.Context) (opened int, err error) {
	may, err := p.mayPush(ctx, p.ref.Repo)
	switch {
	case err != nil:
		return 0, err
	case !may:
		return 0, fmt.Errorf("contents: write is not granted: %w", forge.ErrForbidden)
	}
	return p.propose(with(about(ctx, p.ref.Repo.Name), pushes))
}

// A proposer carries out one motion.
type proposer struct {
	writer
	motion forge.Motion
	tip    string // where the branch is, "" for nowhere
	place  place
}

func (p *proposer) propose(ctx context.Context) (opened int, err error) {
	m := p.motion
	if p.moves() || m.Number != 0 && !m.Answers() {
		if err := p.ready(ctx); err != nil {
			return 0, err
		}
	}
	if m.Commit != nil {
		if err := p.move(ctx, *m.Commit); err != nil {
			return 0, fmt.Errorf("move the branch: %w", err)
		}
	}
	if m.Open != nil {
		if opened, err = p.open(ctx, *m.Open); err != nil {
			return 0, fmt.Errorf("open the pull request: %w", err)
		}
		p.ref.Number = opened
	}
	if err := p.speak(ctx, opened != 0); err != nil {
		return opened, err
	}
	if m.Delete {
		return opened, wrapped(p.point(ctx, noCommit), "delete the branch")
	}
	return opened, nil
}

// moves reports whether the branch has to be where it was.
func (p *proposer) moves() bool {
	return p.motion.Commit != nil || p.motion.Open != nil || p.motion.Delete
}

// speak does what is to be done to the pull request, which may be fresh.
func (p *proposer) speak(ctx context.Context, fresh bool) error {
	m := p.motion
	if m.Dress != nil {
		if err := p.dress(ctx, *m.Dress); err != nil {
			return err
		}
	}
	if m.Text != nil {
		if err := p.edit(ctx, gogithub.PullRequest{Title: &m.Text.Title, Body: &m.Text.Body}); err != nil {
			return fmt.Errorf("edit the pull request: %w", err)
		}
	}
	if m.Say != "" {
		if err := p.say(ctx, m.Say, fresh); err != nil {
			return fmt.Errorf("comment: %w", err)
		}
	}
	if m.Tell != "" {
		if err := p.say(ctx, m.Tell, false); err != nil {
			return fmt.Errorf("comment: %w", err)
		}
	}
	for _, r := range m.React {
		if err := p.passOver(ctx, p.react(ctx, r)); err != nil {
			return err
		}
	}
	if m.Close {
		return wrapped(p.edit(ctx, gogithub.PullRequest{State: gogithub.String("closed")}), "close the pull request")
	}
	return nil
}

// workflows is the folder that nobody writes to without a permission that we never ask for.
const workflows = ".github/workflows/"

// noCommit is what updateRefs takes for a branch that is not there.
var noCommit = strings.Repeat("0", 40)

// A place is where a branch is, and what has to be known to move it.
type place struct {
	repo string // the repository's node id
	tip  string // "" for no branch
	tree string // of the parent of the commit to be made, "" when there is none or GitHub does not know it
	open bool   // the pull request that the motion is about, when there is one
}

const placeQuery = `query Place($owner: String!, $name: String!, $branch: String!, $parent: GitObjectID, $made: Boolean!,
  $number: Int!, $pull: Boolean!) {
  repository(owner: $owner, name: $name) {
    id
    ref(qualifiedName: $branch) { target { oid } }
    object(oid: $parent) @include(if: $made) { ... on Commit { tree { oid } } }
    pullRequest(number: $number) @include(if: $pull) { state }
  }
}`

func (p *proposer) look(ctx context.Context) (place, error) {
	var data struct {
		Repository *struct {
			ID          string
			Ref         *struct{ Target struct{ Oid string } }
			Object      *struct{ Tree struct{ Oid string } }
			PullRequest *struct{ State string }
		}
	}
	variables := map[string]any{
		"owner": p.ref.Repo.Owner, "name": p.ref.Repo.Name, "branch": p.refName(), "made": p.motion.Commit != nil,
		"number": p.motion.Number, "pull": p.motion.Number != 0,
	}
	if p.motion.Commit != nil {
		variables["parent"] = p.motion.Commit.Parent
	}
	if err := p.query(ctx, placeQuery, variables, &data); err != nil {
		return place{}, unseen(err)
	}
	r := data.Repository
	if r == nil {
		return place{}, fmt.Errorf("GraphQL knows no such repository: %w", forge.ErrGone)
	}
	found := place{repo: r.ID, open: r.PullRequest != nil && r.PullRequest.State == "OPEN"}
	if r.Ref != nil {
		found.tip = r.Ref.Target.Oid
	}
	if r.Object != nil {
		found.tree = r.Object.Tree.Oid
	}
	return found, nil
}

func (p *proposer) refName() string { return "refs/heads/" + p.motion.Branch }

// ready refuses what cannot come to a good end before anything is written.
func (p *proposer) ready(ctx context.Context) error {
	if c := p.motion.Commit; c != nil {
		for _, f := range c.Files {
			if strings.HasPrefix(strings.ToLower(f.Path), workflows) {
				return fmt.Errorf("%s is a workflow: %w", f.Path, forge.ErrForbidden)
			}
		}
	}
	found, err := p.look(ctx)
	if err != nil {
		return fmt.Errorf("look where the branch is: %w", err)
	}
	if p.moves() && found.tip != p.tip {
		return fmt.Errorf("the branch is at %q, not at %q: %w", found.tip, p.tip, forge.ErrStale)
	}
	if p.motion.Number != 0 && !found.open {
		return fmt.Errorf("#%d is not open any more: %w", p.motion.Number, forge.ErrStale)
	}
	p.place = found
	return nil
}

// move makes the commit and points the branch to it.
func (p *proposer) move(ctx context.Context, c forge.Commit) error {
	if p.place.tree == "" {
		return fmt.Errorf("GitHub knows no commit %s: %w", c.Parent, forge.ErrStale)
	}
	commit, err := p.commit(ctx, p.ref.Repo, c, p.place.tree)
	if err != nil {
		return err
	}
	return p.point(ctx, commit)
}

const pointMutation = `mutation Point($repo: ID!, $name: GitRefname!, $before: GitObjectID!, $after: GitObjectID!) {
  updateRefs(input: {
    repositoryId: $repo, refUpdates: [{name: $name, beforeOid: $before, afterOid: $after, force: true}]
  }) { clientMutationId }
}`

// point makes the branch point to a commit, or deletes it for noCommit, if it is where it was.
//
// How updateRefs says that the branch was elsewhere is not documented, nor how it says that a rule protects it. So a
// refusal is told by looking where the branch is: elsewhere, and the motion is stale; where it was, and we may not.
func (p *proposer) point(ctx context.Context, to string) error {
	before, after := p.tip, to
	if before == "" {
		before = noCommit
	}
	var data map[string]any
	err := p.query(ctx, pointMutation, map[string]any{
		"repo": p.place.repo, "name": p.refName(), "before": before, "after": after,
	}, &data)
	var refusal problems
	switch {
	case err == nil:
	case !errors.As(err, &refusal) || errors.As(err, new(*forge.LimitError)):
		return meaning(err)
	default:
		if err := p.reason(ctx, to, refusal); err != nil {
			return err
		}
	}
	p.tip = strings.TrimPrefix(to, noCommit)
	return nil
}

// reason says why a branch was not moved, nil when it is where it should be after all.
func (p *proposer) reason(ctx context.Context, to string, refusal problems) error {
	if only(refusal, "FORBIDDEN", "INSUFFICIENT_SCOPES") {
		return fmt.Errorf("%w: %w", forge.ErrForbidden, refusal)
	}
	found, err := p.look(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("look why the branch was not moved: %w", err)
	case found.tip == strings.TrimPrefix(to, noCommit):
		return nil
	case found.tip != p.tip:
		return fmt.Errorf("%w: %w", forge.ErrStale, refusal)
	}
	return fmt.Errorf("%w: %w", forge.ErrRules, refusal)
}

// open opens the pull request, for review where there are no drafts.
func (p *proposer) open(ctx context.Context, d forge.PullDraft) (int, error) {
	in := &gogithub.NewPullRequest{
		Title: &d.Title, Head: &p.motion.Branch, Base: &d.Base, Body: &d.Body, Draft: gogithub.Bool(d.Draft),
	}
	made, _, err := p.client.PullRequests.Create(ctx, p.ref.Repo.Owner, p.ref.Repo.Name, in)
	if d.Draft && answers(err, http.StatusUnprocessableEntity, "draft pull requests are not supported") {
		d.Draft = false
		return p.open(ctx, d)
	}
	return made.GetNumber(), unopened(err)
}

// answers reports whether an error is an answer of GitHub's with this status and one of these texts in it.
func answers(err error, status int, texts ...string) bool {
	var no *gogithub.ErrorResponse
	if !errors.As(err, &no) || no.Response.StatusCode != status {
		return false
	}
	said := strings.ToLower(no.Message + " " + strings.Join(messages(no), " "))
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(said, text) })
}

// unopened says what kept a pull request from being opened. There may be one already, or a branch is gone, or the base
// branch has the commit by now: then it is to be read anew how things stand.
func unopened(err error) error {
	stale := []string{"a pull request already exists", "no commits between", "pullrequest head invalid", "pullrequest base invalid"}
	if answers(err, http.StatusUnprocessableEntity, stale...) {
		return fmt.Errorf("%w: %w", forge.ErrStale, err)
	}
	return refusal(err)
}

// edit changes title and body, or the state.
func (p *proposer) edit(ctx context.Context, to gogithub.PullRequest) error {
	_, _, err := p.client.PullRequests.Edit(ctx, p.ref.Repo.Owner, p.ref.Repo.Name, p.ref.Number, &to)
	return refusal(err)
}

// markerLine is what a comment of ours is known by.
var markerLine = regexp.MustCompile(`(?m)^<!-- lighterman:.* -->\r?$`)

// say writes a comment, unless it is there: the answer to the request that wrote it may have been lost. A locked
// conversation is passed over.
func (p *proposer) say(ctx context.Context, body string, fresh bool) error {
	if !fresh {
		said, err := p.said(ctx, body)
		if err != nil || said {
			return err
		}
	}
	return p.passOver(ctx, p.reply(ctx, forge.Reply{Body: body}))
}

func (p *proposer) said(ctx context.Context, body string) (bool, error) {
	pull := &forge.Pull{Number: p.ref.Number}
	r := &proposalReader{installation: p.installation, repo: p.ref.Repo}
	if err := r.talkOf(ctx, []*forge.Pull{pull}); err != nil {
		return false, unseen(err)
	}
	known := strings.TrimSpace(body)
	if all := markerLine.FindAllString(body, -1); len(all) > 0 {
		known = strings.TrimSpace(all[len(all)-1])
	}
	return slices.ContainsFunc(pull.Comments, func(c forge.Comment) bool {
		return c.Ours && strings.Contains(c.Body, known)
	}), nil
}

const (
	// mostAssignees is how many people GitHub assigns (operation add-assignees-to-an-issue).
	mostAssignees = 10
	// mostNames bounds the labels, and the reviewers, that are tried one by one.
	mostNames = 20
	teamWord  = "team/"
)

// dress gives the pull request labels, assignees and reviewers. GitHub makes labels that are new, passes over assignees
// that it does not know, and refuses all reviewers for one of them; whom it refuses is left out.
func (p *proposer) dress(ctx context.Context, d forge.Dress) error {
	if err := p.each(ctx, "label", d.Labels, p.label); err != nil {
		return err
	}
	if names := d.Assignees[:min(len(d.Assignees), mostAssignees)]; len(names) > 0 {
		if err := p.leaveOut(ctx, "assign", names, p.assign(ctx, names)); err != nil {
			return err
		}
	}
	return p.each(ctx, "ask for a review", d.Reviewers, p.ask)
}

// each hands all names to do, and when they are refused each of them alone.
func (p *proposer) each(ctx context.Context, what string, names []string, do func(context.Context, []string) error) error {
	names = names[:min(len(names), mostNames)]
	if len(names) == 0 {
		return nil
	}
	err := do(ctx, names)
	if len(names) == 1 || !unwelcome(err) {
		return p.leaveOut(ctx, what, names, err)
	}
	for _, one := range names {
		if err := p.leaveOut(ctx, what, []string{one}, do(ctx, []string{one})); err != nil {
			return err
		}
	}
	return nil
}

// unwelcome reports whether GitHub does not take a name.
func unwelcome(err error) bool {
	var no *gogithub.ErrorResponse
	if errors.As(err, new(*forge.LimitError)) || !errors.As(err, &no) {
		return false
	}
	switch no.Response.StatusCode {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// leaveOut drops the error that says that names are not taken: a pull request is as good without them.
func (p *proposer) leaveOut(ctx context.Context, what string, names []string, err error) error {
	if !unwelcome(err) {
		return wrapped(meaning(err), what)
	}
	p.app.options.Logger.WarnContext(ctx, "names are left out", "pull_request", p.ref.String(), "to", what,
		"names", strings.Join(names, ", "), "error", redact.Text(err.Error()))
	return nil
}

// label sends the labels as GitHub describes it; go-github sends the bare list of earlier days.
func (p *proposer) label(ctx context.Context, names []string) error {
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", p.ref.Repo.Owner, p.ref.Repo.Name, p.ref.Number)
	req, err := p.client.NewRequest(http.MethodPost, path, map[string]any{"labels": names})
	if err != nil {
		return err
	}
	_, err = p.client.Do(ctx, req, nil)
	return err
}

func (p *proposer) assign(ctx context.Context, names []string) error {
	_, _, err := p.client.Issues.AddAssignees(ctx, p.ref.Repo.Owner, p.ref.Repo.Name, p.ref.Number, names)
	return err
}

func (p *proposer) ask(ctx context.Context, names []string) error {
	var in gogithub.ReviewersRequest
	for _, name := range names {
		if team, ok := strings.CutPrefix(name, teamWord); ok {
			in.TeamReviewers = append(in.TeamReviewers, team)
		} else {
			in.Reviewers = append(in.Reviewers, name)
		}
	}
	_, _, err := p.client.PullRequests.RequestReviewers(ctx, p.ref.Repo.Owner, p.ref.Repo.Name, p.ref.Number, in)
	return err
}
