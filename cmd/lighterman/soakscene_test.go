package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

// A scene is a pull request and what people do on it, one thing after the other. It is the same for the same seed.
type scene struct {
	files map[string]string // of its first commit
	acts  []act
	// loose is set when the end depends on what was seen of the last act's middle: then only the findings are compared.
	loose bool
}

// An act is what somebody does.
type act struct {
	name string
	do   func(*githubtest.Pull) error
}

func (s scene) String() string {
	names := []string{"open"}
	for _, a := range s.acts {
		names = append(names, a.name)
	}
	return strings.Join(names, ", ")
}

// drawScene draws a small pull request of one to three Dockerfiles.
func drawScene(draw *rand.Rand) scene {
	s := scene{files: map[string]string{}}
	dirs := []string{"api", "web", "worker"}
	draw.Shuffle(len(dirs), func(i, j int) { dirs[i], dirs[j] = dirs[j], dirs[i] })
	dirs = dirs[:1+draw.IntN(3)]
	for name, text := range archived(demo.Change) {
		if slices.Contains(dirs, path.Dir(name)) {
			s.files[name] = text
		}
	}
	now := maps.Clone(s.files)
	for range draw.IntN(3) {
		s.acts = append(s.acts, drawAct(draw, now, len(s.acts)))
	}
	if len(s.acts) > 0 && draw.IntN(8) == 0 {
		first, second := pushing(draw, now, len(s.acts)), pushing(draw, now, len(s.acts)+1)
		s.loose = true
		s.acts = append(s.acts, act{first.name + " and " + second.name, func(p *githubtest.Pull) error {
			if err := first.do(p); err != nil {
				return err
			}
			return second.do(p)
		}})
	}
	return s
}

func drawAct(draw *rand.Rand, now map[string]string, n int) act {
	switch draw.IntN(10) {
	case 0, 1, 2:
		return pushing(draw, now, n)
	case 3, 4:
		return commanding(draw)
	case 5:
		return replying(draw)
	case 6, 7:
		return clicking(draw)
	case 8:
		return act{"re-run", func(p *githubtest.Pull) error { return p.RerequestSuite("robin") }}
	}
	return act{"close and reopen", func(p *githubtest.Pull) error {
		if err := p.Close("robin"); err != nil {
			return err
		}
		return p.Reopen("robin")
	}}
}

// pushing changes the Dockerfiles: lines are edited at random, or moved, or a file gets better.
func pushing(draw *rand.Rand, now map[string]string, n int) act {
	next := map[string]string{"touched.txt": fmt.Sprint("push ", n)}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		switch text := now[name]; {
		case path.Base(name) != "Dockerfile" || draw.IntN(3) == 0:
			continue
		case draw.IntN(3) == 0:
			next[name] = "# A comment above.\n" + text
		default:
			next[name] = strings.ReplaceAll(edited(draw, text), "\r\n", "\n")
		}
		now[name] = next[name]
	}
	return act{"push", func(p *githubtest.Pull) error {
		_, err := p.Repo().Push("topic", fmt.Sprint("Push ", n), next)
		return err
	}}
}

func commanding(draw *rand.Rand) act {
	words := []string{"help", "explain copy-order", "config", "review", "fix", "ignore copy-order because of this", "nonsense"}
	word := "/lighterman " + words[draw.IntN(len(words))]
	return act{word, func(p *githubtest.Pull) error {
		_, err := p.Comment("robin", word)
		return err
	}}
}

// replying answers in the first open thread.
func replying(draw *rand.Rand) act {
	words := []string{"/lighterman explain", "/lighterman ignore", "/lighterman ignore inline", "/lighterman fix", "Why?"}
	word := words[draw.IntN(len(words))]
	return act{"reply " + word, func(p *githubtest.Pull) error {
		threads, err := p.Threads()
		if err != nil {
			return err
		}
		n := slices.IndexFunc(threads, func(t githubtest.Thread) bool { return t.ResolvedBy == "" })
		if n < 0 {
			return nil
		}
		return p.Reply(threads[n].ID, "robin", word)
	}}
}

// clicking presses one of the buttons of the newest check run.
func clicking(draw *rand.Rand) act {
	which := draw.IntN(6)
	return act{"click", func(p *githubtest.Pull) error {
		runs := p.CheckRuns()
		if len(runs) == 0 || len(runs[len(runs)-1].Actions) == 0 {
			return fmt.Errorf("there is no button: %+v", runs)
		}
		last := runs[len(runs)-1]
		return p.Click(last.ID, last.Actions[which%len(last.Actions)].Identifier, "robin")
	}}
}

// open makes the repository and the pull request.
func (s scene) open(hub *githubtest.Server, name string) (*githubtest.Pull, error) {
	repo, err := hub.CreateRepo("acme", name, archived(demo.Base))
	if err != nil {
		return nil, err
	}
	repo.SetPermission("robin", "write")
	if _, err := repo.Push("topic", "Change", s.files); err != nil {
		return nil, err
	}
	return repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
}

// play is the scene up to its last act, with quiet after each, and then the last one.
func (s scene) play(hub *githubtest.Server, name string, quiet func() error, beforeLast func()) (*githubtest.Pull, error) {
	if len(s.acts) == 0 {
		beforeLast()
		return s.open(hub, name)
	}
	pull, err := s.open(hub, name)
	if err != nil {
		return nil, err
	}
	for n, a := range s.acts {
		if err := quiet(); err != nil {
			return nil, err
		}
		if n == len(s.acts)-1 {
			beforeLast()
		}
		if err := a.do(pull); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return pull, nil
}

// An undisturbed scene is how it ends when nothing goes wrong, and what the service asked GitHub for in the last act.
type undisturbed struct {
	picture
	requests []githubtest.Request
}

// rehearse plays a scene without a disturbance.
func (s scene) rehearse(ctx context.Context) (u undisturbed, err error) {
	st, err := setStage(ctx, io.Discard, unlimited(), -1, logs.logger)
	if err != nil {
		return u, err
	}
	go func() {
		for range st.outcomes {
		}
	}()
	defer func() {
		if end := st.stop(); err == nil {
			err = end
		}
		close(st.outcomes)
	}()
	quiet := func() error { return st.quiet(ctx) }
	pull, err := s.play(st.hub, "shop", quiet, st.hub.ForgetRequests)
	if err != nil {
		return u, err
	}
	if err := quiet(); err != nil {
		return u, err
	}
	u.requests = st.hub.Requests()
	u.picture, err = take(pull)
	return u, err
}

// quiet waits until nothing is under way any more.
func (s *stage) quiet(ctx context.Context) error {
	for {
		sent := len(s.hub.Deliveries())
		if err := s.hub.Wait(ctx); err != nil {
			return err
		}
		if err := s.service.queue.Idle(ctx); err != nil {
			return err
		}
		if len(s.hub.Deliveries()) == sent {
			return nil
		}
	}
}

// A picture is what of a pull request must not depend on what went wrong, and what must be there once.
type picture struct {
	lines    []string // what people see
	findings []string // of open threads
	said     []string // finding and text, of all threads
	answers  []string // comments of ours that answer one, and commits that do
	runs     []string // concluded check runs of the head
	open     int      // check runs that are not concluded
}

var (
	findingOf = regexp.MustCompile(`<!-- lighterman:v1 id=([0-9a-f]{16}) text=([0-9a-f]{16})`)
	answerOf  = regexp.MustCompile(`<!-- lighterman:v1 answer=(\d+) -->`)
	requestOf = regexp.MustCompile(`(?m)^Lighterman-Request: (.*)$`)
)

// take is the picture of a pull request as it stands.
func take(p *githubtest.Pull) (pic picture, err error) {
	threads, err := p.Threads()
	if err != nil {
		return pic, err
	}
	for _, t := range threads {
		pic.thread(t)
	}
	for _, c := range p.Comments() {
		pic.comment("comment", c)
	}
	for _, r := range p.Reviews() {
		if r.Body != "" {
			pic.lines = append(pic.lines, "review "+r.Body)
		}
	}
	for _, run := range p.CheckRuns() {
		if run.Status != "completed" {
			pic.open++
			continue
		}
		pic.runs = append(pic.runs, run.Conclusion+" "+run.Title)
	}
	pic.lines = append(pic.lines, pic.runs...)
	if err := pic.commits(p); err != nil {
		return pic, err
	}
	files, err := p.Files()
	for _, f := range files {
		pic.lines = append(pic.lines, fmt.Sprintf("file %s %s\n%s", f.Path, f.Status, f.Patch))
	}
	slices.Sort(pic.lines)
	slices.Sort(pic.findings)
	return pic, err
}

func (pic *picture) thread(t githubtest.Thread) {
	first := t.Comments[0]
	marks := findingOf.FindAllStringSubmatch(first.Body, -1)
	if marks == nil {
		pic.lines = append(pic.lines, "thread of nobody: "+first.Body)
		return
	}
	mark := marks[len(marks)-1] // others are of files alike
	pic.said = append(pic.said, mark[1]+" "+mark[2])
	state := "open"
	if t.ResolvedBy != "" {
		state = "resolved"
	} else {
		pic.findings = append(pic.findings, mark[1])
	}
	pic.lines = append(pic.lines, fmt.Sprintf("thread %s:%d-%d %s %s", t.Path, t.StartLine, t.Line, state, first.Minimized))
	for _, c := range t.Comments {
		pic.comment(fmt.Sprintf("thread %s:%d %s", t.Path, t.Line, mark[1]), c)
	}
}

func (pic *picture) comment(where string, c githubtest.Comment) {
	if m := answerOf.FindStringSubmatch(c.Body); m != nil {
		pic.answers = append(pic.answers, "comment "+m[1])
	}
	var emojis []string
	for _, r := range c.Reacted {
		if r.Emoji != "eyes" { // a courtesy, which nobody repeats
			emojis = append(emojis, r.Emoji)
		}
	}
	slices.Sort(emojis)
	body := answerOf.ReplaceAllString(c.Body, "<!-- answer -->")
	pic.lines = append(pic.lines, fmt.Sprintf("%s: %s: %s %v", where, c.Author, body, emojis))
}

// commits are those of the head branch, down to the base.
func (pic *picture) commits(p *githubtest.Pull) error {
	base, err := p.Base()
	if err != nil {
		return err
	}
	for at := p.Head(); at != base; {
		c, err := p.Repo().Show(at)
		if err != nil {
			return err
		}
		if m := requestOf.FindStringSubmatch(c.Message); m != nil {
			pic.answers = append(pic.answers, "commit "+m[1])
		}
		pic.lines = append(pic.lines, "commit "+requestOf.ReplaceAllString(c.Message, ""))
		at = c.Parents[0]
	}
	return nil
}

// twice counts what is in a list more often than once.
func twice(list []string) (n int) {
	seen := map[string]bool{}
	for _, s := range list {
		if seen[s] {
			n++
		}
		seen[s] = true
	}
	return n
}
