package review

import (
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// A desk is a code host with one pull request, in memory. It counts what it is asked.
type desk struct {
	host
	change     forge.Change
	tree       fstest.MapFS
	base       fstest.MapFS            // what stands on the base branch
	past       map[string]fstest.MapFS // former heads, by commit
	asked      []string
	fails      map[string]error // by name of the method, or of the file that cannot be read
	tip        string           // the head commit
	head       string           // the head by the time that the standing is read; "" for tip
	count      int              // how many files are changed, when there are more than are listed
	closed     bool
	draft      bool
	bot        bool
	ours       bool
	fork       bool
	pushless   bool
	orphan     bool // the repository that the branch was in is gone
	pushed     []forge.Commit
	baseCommit string
	settings   map[string]string // blobs of the base branch's configuration
	writer     string            // who may push besides ann
	late       int               // how many readings do not show what was said on the pull request
	behind     int               // how many readings show nothing of what we wrote
	breaks     int               // after how many writes the process dies; 0 is never
	refuses    bool              // comments on the diff
	prefetch   []string
	neighbours map[string]fstest.MapFS // other repositories, by "owner/name@commit"
	through    map[string]int64        // the installation by which an owner's were asked for last
}

func (d *desk) ask(what string) error {
	d.asked = append(d.asked, what)
	return d.fails[what]
}

func (d *desk) Change(context.Context, forge.Ref) (*forge.Change, error) {
	c := d.change
	return &c, d.ask("Change")
}

func (d *desk) Standing(context.Context, forge.Ref) (*forge.Standing, error) {
	st := d.host.standing()
	if d.late--; d.late >= 0 {
		st.Comments = nil
	}
	if d.behind--; d.behind >= 0 {
		st.Threads, st.Reviews, st.Checks = nil, nil, nil
	}
	st.Ref, st.Open, st.Draft, st.Bot, st.Ours = d.change.Ref, !d.closed, d.draft, d.bot, d.ours
	st.Source, st.Fork, st.Branch, st.Recent = &d.change.Ref.Repo, d.fork, "topic", d.pushed
	st.Settings, st.Pushless = d.settings, d.pushless
	if d.orphan {
		st.Source, st.Fork = nil, true
	}
	st.Base, st.Head, st.Author, st.Count = d.baseCommit, cmp.Or(d.head, d.tip), author, max(d.count, len(d.change.Files))
	return st, d.ask("Standing")
}

func (d *desk) Tree(_ context.Context, repo forge.Repo, commit string) (forge.Tree, error) {
	if repo != d.change.Ref.Repo {
		return d.neighbour(repo, commit)
	}
	if commit == d.baseCommit {
		return shelf{d.base, d}, d.ask("Tree base")
	}
	if old, ok := d.past[commit]; ok {
		return shelf{old, d}, d.ask("Tree past")
	}
	if commit != d.tip && commit != d.change.Head {
		return nil, fmt.Errorf("no commit %s: %w", commit, forge.ErrGone)
	}
	return shelf{d.tree, d}, d.ask("Tree")
}

func (d *desk) MayWrite(_ context.Context, _ forge.Repo, login string) (bool, error) {
	return login == "ann" || login == d.writer, d.ask("MayWrite")
}

func (d *desk) MergeBase(_ context.Context, _ forge.Repo, base, _ string) (string, error) {
	return base, d.ask("MergeBase")
}

func (d *desk) Push(_ context.Context, _ forge.Repo, c forge.Commit) (string, error) {
	if err := d.ask("Push"); err != nil {
		return "", err
	}
	d.pushed = append(d.pushed, c)
	return "3333333333333333333333333333333333333333", nil
}

func (d *desk) React(_ context.Context, _ forge.Ref, r forge.Reaction) error {
	d.react(r)
	return d.ask("React")
}

func (d *desk) Publish(_ context.Context, _ forge.Ref, p forge.Plan) error {
	if err := d.ask("Publish"); err != nil {
		return err
	}
	if d.refuses && p.Review != nil && len(p.Review.Comments) > 0 {
		return fmt.Errorf("line could not be resolved: %w", forge.ErrRefused)
	}
	if d.breaks > 0 {
		return d.breakOff(p)
	}
	return d.publish(p)
}

// breakOff carries a plan out write by write, in the order in which Publish does, and stops after some of them.
func (d *desk) breakOff(p forge.Plan) error {
	for _, one := range steps(p) {
		if err := d.publish(one); err != nil {
			return err
		}
		if d.breaks--; d.breaks == 0 {
			return errors.New("cut off")
		}
	}
	return nil
}

// steps are plans of one write each.
func steps(p forge.Plan) []forge.Plan {
	var out []forge.Plan
	if p.Review != nil {
		out = append(out, forge.Plan{Review: p.Review})
	}
	for _, e := range p.Edit {
		out = append(out, forge.Plan{Edit: []forge.CommentEdit{e}})
	}
	for _, e := range p.EditBody {
		out = append(out, forge.Plan{EditBody: []forge.ReviewEdit{e}})
	}
	for _, id := range p.Resolve {
		out = append(out, forge.Plan{Resolve: []string{id}})
	}
	for _, id := range p.Minimize {
		out = append(out, forge.Plan{Minimize: []string{id}})
	}
	if p.Check != nil {
		out = append(out, forge.Plan{Check: p.Check})
	}
	for _, r := range p.Replies {
		out = append(out, forge.Plan{Replies: []forge.Reply{r}})
	}
	for _, r := range p.Reactions {
		out = append(out, forge.Plan{Reactions: []forge.Reaction{r}})
	}
	for n := range out {
		out[n].Head = p.Head
	}
	return out
}

// A shelf is the desk's tree.
type shelf struct {
	fstest.MapFS
	desk *desk
}

// Stat does not follow links, and ReadFile refuses them, as a forge.Tree does.
func (s shelf) Stat(name string) (fs.FileInfo, error) { return s.MapFS.Lstat(name) }

func (s shelf) ReadFile(name string) ([]byte, error) {
	if info, err := s.Stat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	if err := s.desk.fails[name]; err != nil {
		return nil, err
	}
	return s.MapFS.ReadFile(name)
}

func (s shelf) Prefetch(paths []string) error {
	s.desk.prefetch = paths
	return s.desk.ask("Prefetch")
}

var _ forge.Tree = shelf{}

// newDesk is a pull request that turns the files of before into those of after.
func newDesk(before, after map[string]string) *desk {
	d := &desk{tree: fstest.MapFS{}, through: map[string]int64{}}
	d.canResolve = true
	d.tip, d.baseCommit = "1111111111111111111111111111111111111111", "base"
	d.change.Ref = forge.Ref{Repo: forge.Repo{Owner: "o", Name: "r"}, Number: 7}
	d.push(before, after)
	return d
}

// next pushes another commit: what stood at the head is still there by its id.
func (d *desk) next(before, after map[string]string) {
	if d.past == nil {
		d.past = map[string]fstest.MapFS{}
	}
	d.past[d.tip] = d.tree
	d.tip = fmt.Sprintf("%040d", len(d.past))
	d.push(before, after)
}

// push replaces the files of the head.
func (d *desk) push(before, after map[string]string) {
	defer func() {
		if d.change.Head = ""; len(d.change.Files) > 0 {
			d.change.Head = d.tip
		}
	}()
	d.change.Files = nil
	d.settings, d.base = map[string]string{}, fstest.MapFS{}
	for name, text := range before {
		d.base[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	for _, name := range config.Names() {
		if text, ok := before[name]; ok {
			d.settings[name] = fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text)))
		}
	}
	names := map[string]bool{}
	for name := range before {
		names[name] = true
	}
	d.tree = fstest.MapFS{}
	for name, text := range after {
		names[name] = true
		d.tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	for _, name := range sorted(names) {
		old, was := before[name]
		now, is := after[name]
		c := forge.ChangedFile{Path: name, Status: forge.Modified, Patch: patchOf(old, now)}
		c.Lines = strings.Count(c.Patch, "\n+") + strings.Count(c.Patch, "\n-")
		switch {
		case was && is && old == now:
			continue
		case !was:
			c.Status = forge.Added
		case !is:
			c.Status = forge.Removed
		}
		d.change.Files = append(d.change.Files, c)
	}
}

func sorted(names map[string]bool) []string {
	var out []string
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// adds offers to turn ADD into COPY; exposes offers a fix that changes what is built; broad advises where everything is copied beside a package.json; rootly advises where
// the last stage sets no user.
var (
	adds = &check.Check{Name: "add-for-local-files", Severity: check.Warning, Run: func(p *check.Pass) error {
		for _, i := range p.File.Instructions {
			if i.Keyword == "ADD" {
				p.Report(i.Span, "ADD does more than this needs", fixes.Fix{
					Title: "Use COPY", Intent: fixes.CopiedPlainly{},
					Edits: []fixes.Edit{{Path: p.File.Path, Start: i.KeywordSpan.Start, End: i.KeywordSpan.End, New: "COPY"}},
				})
			}
		}
		return nil
	}}
	exposes = &check.Check{Name: "exposes", Severity: check.Info, Run: func(p *check.Pass) error {
		for _, i := range p.File.Instructions {
			if i.Keyword == "EXPOSE" {
				p.Report(i.Span, "nothing listens there", fixes.Fix{
					Title: "Expose nothing", Intent: fixes.RunsAs{User: "x"},
					Edits: []fixes.Edit{{Path: p.File.Path, Start: i.Span.Start, End: i.Span.End}},
				})
			}
		}
		return nil
	}}
	broad = &check.Check{Name: "copy-order", Severity: check.Warning, Run: func(p *check.Pass) error {
		_, err := fs.ReadFile(p.Repo, "package.json")
		for _, i := range p.File.Instructions {
			if err == nil && i.Text() == ". ." {
				p.Advise(i.Span, "every change reinstalls every dependency", "a person must decide")
			}
		}
		return nil
	}}
	rootly = &check.Check{Name: "root-user", Severity: check.Error, Run: func(p *check.Pass) error {
		if !slices.ContainsFunc(p.File.Instructions, func(i *dockerfile.Instruction) bool { return i.Keyword == "USER" }) {
			p.Advise(p.File.Instructions[0].Span, "the program runs as root", "the account is not known")
		}
		return nil
	}}
)

// trusting is a prover that believes everything.
type trusting struct{}

func (trusting) Prove(context.Context, check.Case) error { return nil }

func options(checks ...*check.Check) check.Options {
	return check.Options{Checks: checks, Prover: trusting{}}
}

// maxInline is how many comments stand on the diff at most.
const maxInline = 10

func settings(checks ...*check.Check) Settings {
	return Settings{Options: options(checks...), MaxInline: maxInline}
}

func write(t interface{ Fatal(...any) }, dir string, files map[string]string) {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
