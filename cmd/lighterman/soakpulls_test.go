package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/review"
)

// TestSoakPulls opens random pull requests: random Dockerfiles of the corpus, edited, added, renamed and deleted at random.
// GitHub refuses nothing, every suggestion makes the file that its fix promised, alone and in a batch, what was dismissed is
// not said again when its file is renamed, and a second look writes nothing.
func TestSoakPulls(t *testing.T) {
	pulls := soaking(t, 10_000)
	var s soakCount
	p := pool.New().WithMaxGoroutines(2)
	const portion = 40
	for first := 0; first < pulls; first += portion {
		p.Go(func() {
			if err := s.portion(t.Context(), first, min(first+portion, pulls)); err != nil {
				t.Error(err)
			}
		})
	}
	p.Wait()
	figures("pull-requests", s.pulls.Load(), "refused", s.refused.Load(), "suggestions", s.suggestions.Load(),
		"broken-promises", s.broken.Load(), "second-run-writes", s.writes.Load(), "said-twice", s.twice.Load(),
		"dismissed", s.dismissed.Load(), "said-again", s.resaid.Load())
	if s.refused.Load()+s.broken.Load()+s.writes.Load()+s.twice.Load()+s.resaid.Load() > 0 || s.pulls.Load() != int64(pulls) {
		t.Fail()
	}
	if s.suggestions.Load() < int64(pulls)/2 {
		t.Errorf("only %d suggestions in %d pull requests", s.suggestions.Load(), pulls)
	}
}

// soakCount is what was counted.
type soakCount struct {
	pulls, refused, suggestions, broken, writes, twice, dismissed, resaid atomic.Int64
}

// unlimited is a GitHub without limits of rates.
func unlimited() githubtest.Options {
	return githubtest.Options{Limits: githubtest.Unlimited()}
}

// portion opens the pull requests first to last-1 in a repository of its own.
func (c *soakCount) portion(ctx context.Context, first, last int) (err error) {
	s, err := setStage(ctx, io.Discard, unlimited(), -1, logs.logger)
	if err != nil {
		return err
	}
	defer func() {
		if end := s.stop(); err == nil {
			err = end
		}
	}()
	draw := rand.New(rand.NewPCG(uint64(first), 1))
	base, err := someOfTheCorpus(draw)
	if err != nil {
		return err
	}
	repo, err := s.hub.CreateRepo("acme", fmt.Sprint("soak-", first), base)
	if err != nil {
		return err
	}
	for n := first; n < last; n++ {
		pr := soakPull{soakCount: c, stage: s, repo: repo, draw: rand.New(rand.NewPCG(uint64(n), 2)), name: fmt.Sprint("pull-", n)}
		if err := pr.run(ctx, base); err != nil {
			return fmt.Errorf("pull request %d: %w", n, err)
		}
		c.pulls.Add(1)
	}
	return nil
}

// A soakPull is one random pull request.
type soakPull struct {
	*soakCount
	*stage
	repo *githubtest.Repo
	draw *rand.Rand
	name string
}

func (p soakPull) run(ctx context.Context, base map[string]string) error {
	work := change(p.draw, base)
	if _, err := p.repo.Commit(p.name, work); err != nil {
		return err
	}
	p.hub.ForgetRequests()
	pull, err := p.repo.OpenPull(githubtest.PullOptions{Title: p.name, Author: "robin", Head: p.name})
	if err != nil {
		return err
	}
	out, err := p.settled(ctx, pull)
	if err != nil {
		return err
	}
	p.count422()
	if err := p.promises(pull, out); err != nil {
		return err
	}
	if err := p.again(ctx, pull); err != nil {
		return err
	}
	switch p.draw.IntN(5) {
	case 0, 1:
		err = p.batch(ctx, pull)
	case 2:
		err = p.rename(ctx, pull)
	}
	if err != nil {
		return err
	}
	return p.countTwice(pull)
}

// again has the pull request looked at once more.
func (p soakPull) again(ctx context.Context, pull *githubtest.Pull) error {
	if err := pull.Close("robin"); err != nil {
		return err
	}
	if err := pull.Reopen("robin"); err != nil {
		return err
	}
	_, err := p.settled(ctx, pull)
	p.countWrites()
	return err
}

// rename dismisses some of what is said of a file, and renames it: that is not said again, and the rest once.
func (p soakPull) rename(ctx context.Context, pull *githubtest.Pull) error {
	threads, err := pull.Threads()
	if err != nil || len(threads) == 0 {
		return err
	}
	name := threads[p.draw.IntN(len(threads))].Path
	said := map[string]int{} // how often a text may stand open
	for _, t := range threads {
		switch {
		case t.Path != name || t.ResolvedBy != "":
		case p.draw.IntN(2) == 0:
			said[sayings(t)]++
		default:
			said[sayings(t)] += 0
			p.dismissed.Add(1)
			if err := pull.Resolve(t.ID, "somebody"); err != nil {
				return err
			}
		}
	}
	text, err := p.repo.ReadFile(pull.Head(), name)
	if err != nil {
		return err
	}
	moved := path.Join(path.Dir(name), fmt.Sprintf("renamed%d.Dockerfile", p.draw.IntN(9)))
	move := githubtest.Commit{Message: "Rename", Files: map[string]string{moved: text}, Delete: []string{name}}
	if _, err := p.repo.Commit(p.name, move); err != nil {
		return err
	}
	if _, err := p.settled(ctx, pull); err != nil {
		return err
	}
	p.count422()
	if threads, err = pull.Threads(); err != nil {
		return err
	}
	for _, t := range threads {
		if most, known := said[sayings(t)]; t.Path == moved && t.ResolvedBy == "" && known {
			if said[sayings(t)]--; most <= 0 {
				p.resaid.Add(1)
				fmt.Printf("%s: %s: dismissed as %s and said again: %s\n", p.name, moved, name, sayings(t))
			}
		}
	}
	return p.again(ctx, pull)
}

// sayings is what a thread says, without its marker.
func sayings(t githubtest.Thread) string {
	words, _, _ := strings.Cut(t.Comments[0].Body, "<!-- lighterman")
	return words
}

// settled is the outcome of the review of the head, once nothing is left to do.
func (p soakPull) settled(ctx context.Context, pull *githubtest.Pull) (review.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.hub.Wait(ctx); err != nil {
		return review.Outcome{}, err
	}
	for {
		select {
		case <-ctx.Done():
			return review.Outcome{}, fmt.Errorf("no review in time: %w", ctx.Err())
		case out := <-p.outcomes:
			if out.Head == pull.Head() && out.End != review.MovedOn && out.End != review.Closed {
				return out, p.service.queue.Idle(ctx)
			}
		}
	}
}

func (p soakPull) count422() {
	for _, r := range p.hub.Requests() {
		if r.Status == 422 {
			p.refused.Add(1)
			fmt.Printf("%s: %s %s was refused\n", p.name, r.Method, r.Path)
		}
	}
	p.hub.ForgetRequests()
}

// countWrites counts the writes since the last count, and the refusals too.
func (p soakPull) countWrites() {
	for _, r := range p.hub.Requests() {
		if wrote(r) {
			p.writes.Add(1)
			fmt.Printf("%s: a second look wrote: %s %s %s\n", p.name, r.Method, r.Path, r.Operation)
		}
	}
	p.count422()
}

func wrote(r githubtest.Request) bool {
	query, ok := strings.CutPrefix(r.Operation, "graphql:")
	reading := r.Method == "GET" || ok && slices.Contains([]string{
		"Standing", "Blobs", "Comments", "Repository", "Proposals", "Opened", "Talked", "Talk", "Place",
		"Viewer", "Issue",
	}, query)
	return !reading && !r.Token
}

// promises checks every suggestion that can be clicked against the fix that it shows.
func (p soakPull) promises(pull *githubtest.Pull, out review.Outcome) error {
	all, err := pull.Suggestions()
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Outdated || s.Resolved {
			continue
		}
		p.suggestions.Add(1)
		if err := p.promise(pull, out, s); err != nil {
			p.broken.Add(1)
			fmt.Printf("%s: %s:%d: %v\n", p.name, s.Path, s.Line, err)
		}
	}
	return nil
}

func (p soakPull) promise(pull *githubtest.Pull, out review.Outcome, s githubtest.Suggestion) error {
	files, err := pull.Preview(s.CommentID)
	if err != nil {
		return err
	}
	got := files[s.Path]
	if _, err := dockerfile.Parse(s.Path, []byte(got)); err != nil {
		return fmt.Errorf("it does not parse: %w", err)
	}
	old, err := pull.Repo().ReadFile(pull.Head(), s.Path)
	if err != nil {
		return err
	}
	for _, c := range out.Opinion.Comments {
		if c.Finding.Path != s.Path || c.Suggestion == nil || c.Line != s.Line {
			continue
		}
		want, err := fixes.Apply(s.Path, []byte(old), c.Finding.Fixes[0].Edits)
		if err == nil && string(want) == got {
			return nil
		}
	}
	return fmt.Errorf("it makes a file that no fix promised:\n%s", got)
}

// batch clicks all suggestions at once: the file parses, nothing is refused, and what was applied is not told again.
func (p soakPull) batch(ctx context.Context, pull *githubtest.Pull) error {
	all, err := pull.Suggestions()
	if err != nil {
		return err
	}
	var ids []int64
	for _, s := range all {
		if !s.Outdated && !s.Resolved {
			ids = append(ids, s.CommentID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := pull.ApplySuggestions("robin", ids...); err != nil {
		p.broken.Add(1)
		fmt.Printf("%s: the batch: %v\n", p.name, err)
		return nil
	}
	out, err := p.settled(ctx, pull)
	if err != nil {
		return err
	}
	p.count422()
	still, err := pull.Suggestions()
	if err != nil {
		return err
	}
	for _, s := range still {
		if slices.Contains(ids, s.CommentID) && !s.Resolved && !s.Outdated {
			p.broken.Add(1)
			fmt.Printf("%s: %s:%d: applied and still offered\n", p.name, s.Path, s.Line)
		}
	}
	return p.promises(pull, out)
}

// countTwice counts open threads that say the same of the same lines.
func (p soakPull) countTwice(pull *githubtest.Pull) error {
	threads, err := pull.Threads()
	seen := map[string]bool{}
	for _, t := range threads {
		marker := t.Comments[0].Body[strings.LastIndex(t.Comments[0].Body, "<!-- "):]
		id, _, _ := strings.Cut(marker, " text=")
		if t.ResolvedBy == "" && seen[id] {
			p.twice.Add(1)
			fmt.Printf("%s: said twice: %s\n", p.name, t.Comments[0].Body)
		}
		seen[id] = seen[id] || t.ResolvedBy == ""
	}
	return err
}

// someOfTheCorpus is a repository of a few of the corpus's own.
func someOfTheCorpus(draw *rand.Rand) (map[string]string, error) {
	const root = "../../testdata/corpus"
	var all []string
	groups, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		repos, err := os.ReadDir(path.Join(root, g.Name()))
		if err != nil {
			return nil, err
		}
		for _, r := range repos {
			if r.IsDir() {
				all = append(all, path.Join(g.Name(), r.Name()))
			}
		}
	}
	files := map[string]string{"README.md": "# Soak\n"}
	for range 8 {
		dir := all[draw.IntN(len(all))]
		text, err := githubtest.Text(os.DirFS(path.Join(root, dir)))
		if err != nil {
			return nil, err
		}
		for name, content := range text {
			files[path.Join(path.Base(dir), name)] = content
		}
	}
	return files, nil
}

// change is a random commit on top of base.
func change(draw *rand.Rand, base map[string]string) githubtest.Commit {
	c := githubtest.Commit{Message: "Change", Files: map[string]string{}}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(base)) {
		if check.Subject(name) && fs.ValidPath(name) {
			names = append(names, name)
		}
	}
	for range 1 + draw.IntN(4) {
		name := names[draw.IntN(len(names))]
		text := base[name]
		if fresh, ok := c.Files[name]; ok {
			text = fresh
		}
		switch draw.IntN(12) {
		case 0:
			c.Delete = append(c.Delete, name)
			delete(c.Files, name)
		case 1, 2:
			moved := path.Join(path.Dir(name), fmt.Sprintf("moved%d.Dockerfile", draw.IntN(3)))
			c.Delete, c.Files[moved] = append(c.Delete, name), edited(draw, text)
			delete(c.Files, name)
		case 3, 4, 5:
			c.Files[path.Join(fmt.Sprint("new", draw.IntN(5)), "Dockerfile")] = edited(draw, text)
		default:
			c.Files[name] = edited(draw, text)
		}
	}
	c.Files["touched.txt"] = fmt.Sprint(draw.Uint64())
	c.Delete = slices.DeleteFunc(c.Delete, func(name string) bool { _, kept := c.Files[name]; return kept })
	slices.Sort(c.Delete)
	c.Delete = slices.Compact(c.Delete)
	return c
}

// habits are lines that people write and checks know.
var habits = []string{
	"COPY . .", "ADD . /app", "RUN apt-get update && apt-get install -y curl", "RUN apt-get update", "RUN pip install flask",
	"RUN npm install", "RUN npm ci", "CMD npm start", "CMD [\"node\", \"server.js\"]", "USER root", "USER 1000", "WORKDIR app",
	"WORKDIR /srv", "ENV KEY value", "EXPOSE 8080/TCP", "# a comment", "", "RUN cd /tmp && make", "RUN curl -sL x.sh | sh",
	"RUN sudo make install", "MAINTAINER somebody", "RUN chown -R node:node /app", "RUN go build -o app .", "from alpine as x",
	"COPY --from=build /x /y", "RUN <<EOF\napt-get update\nEOF", "RUN a && \\\n    b", "RUN echo '``` `x`'", "HEALTHCHECK NONE",
}

// edited is a text after random edits of its lines.
func edited(draw *rand.Rand, text string) string {
	lines := slices.Collect(strings.Lines(text))
	for range draw.IntN(5) {
		at := draw.IntN(len(lines) + 1)
		switch draw.IntN(5) {
		case 0:
			if at < len(lines) && len(lines) > 1 {
				lines = slices.Delete(lines, at, at+1)
			}
		case 1:
			if at < len(lines) {
				lines = slices.Insert(lines, at, lines[at])
			}
		case 2:
			if at+1 < len(lines) {
				lines[at], lines[at+1] = lines[at+1], lines[at]
			}
		default:
			lines = slices.Insert(lines, at, habits[draw.IntN(len(habits))]+"\n")
		}
	}
	out := strings.Join(lines, "")
	switch draw.IntN(15) {
	case 0:
		return strings.ReplaceAll(out, "\n", "\r\n")
	case 1:
		return strings.TrimRight(out, "\n")
	case 2:
		return "# syntax=docker/dockerfile:1\n# A comment that moves every line.\n" + out
	}
	return out
}
