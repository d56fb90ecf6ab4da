package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A memory is what a sweep found out that holds as long as nothing changed. It saves work and decides nothing: all that
// people did is read anew each time.
type memory struct {
	Version  string                `json:"version"` // of the engine
	Tree     string                `json:"tree"`
	Branch   string                `json:"branch"`
	Made     time.Time             `json:"made"` // when the engine was run
	Outside  []outside             `json:"outside,omitempty"`
	Sweeps   config.Sweeps         `json:"sweeps"`
	Mutes    string                `json:"mutes"` // the mark of what was declined
	Topics   map[string]remembered `json:"topics,omitempty"`
	Totals   Totals                `json:"totals"`
	Answers  map[string]string     `json:"answers,omitempty"`  // what was said of image references: questions.answers
	Prefixes []string              `json:"prefixes,omitempty"` // what branches began with
	Refused  map[string]refusal    `json:"refused,omitempty"`  // by branch
	// Dashboard is the number of the issue; 0 where there is none.
	Dashboard int `json:"dashboard,omitempty"`
}

// An outside is a configuration file of another repository, by a hash of what it says.
type outside struct {
	config.Reference
	Says string
}

// A remembered is a wanted without its bundle.
type remembered struct {
	Bundle  string `json:"bundle"`
	Title   string `json:"title"`
	Text    string `json:"text"`
	Content string `json:"content"`
}

// A refusal is that a rule of the repository did not let us make a branch.
type refusal struct {
	Mark string    `json:"mark"` // of how everything stood
	At   time.Time `json:"at"`
}

// standing is the mark of what has to change for a branch that was refused to be tried again before a month is over.
func (r *run) standing() string {
	text, err := json.Marshal(r.sweeps)
	if err != nil {
		return ""
	}
	return hidden.Hash("standing", r.there.Head, string(text))
}

// ruledOut reports whether a branch was refused as everything stands.
func (r *run) ruledOut(branch string) bool {
	was, ok := r.refused[branch]
	return ok && was.Mark == r.standing() && r.now().Sub(was.At) < r.remembered()
}

// remembered is how long a memory is used.
func (r *run) remembered() time.Duration { return cmp.Or(r.Remember, 30*24*time.Hour) }

// maxPrefixes is how many former prefixes of branches are looked up.
const maxPrefixes = 3

// encode is the memory as JSON. Of one that is too large to be kept only what does not depend on the tree is.
func (m memory) encode() []byte {
	out, err := json.Marshal(m)
	if err == nil && len(out) > MaxMemory {
		out, err = json.Marshal(memory{Prefixes: m.Prefixes, Dashboard: m.Dashboard})
	}
	if err != nil {
		return nil
	}
	return out
}

// rediscover finds out what branches began with where nobody remembers: by our pull requests.
func (r *run) rediscover(ctx context.Context) error {
	branches, err := r.Host.Opened(ctx, r.there.Repo)
	for _, branch := range branches {
		for _, t := range Topics(nil) {
			prefix, ok := strings.CutSuffix(branch, t.Name)
			if ok && prefix != "" && !slices.Contains(r.prefixes, prefix) && len(r.prefixes) < maxPrefixes {
				r.prefixes = append(r.prefixes, prefix)
			}
		}
	}
	return err
}

// recall reads a memory. What it says of the engine's work is used only when valid; former prefixes of branches and the
// dashboard's number always are.
func (r *run) recall(ctx context.Context) error {
	var m memory
	if len(r.ask.Memory) > MaxMemory || json.Unmarshal(r.ask.Memory, &m) != nil {
		return nil
	}
	r.prefixes = m.Prefixes[:min(len(m.Prefixes), maxPrefixes)]
	maps.Copy(r.refused, m.Refused)
	r.dashboard.number = m.Dashboard
	keep, age := r.remembered(), r.now().Sub(m.Made)
	if r.Version == "" || m.Version != r.Version || m.Tree == "" || m.Tree != r.there.Tree || m.Branch != r.there.Branch || age < 0 || age > keep {
		return nil
	}
	settings := r.settings(ctx)
	for _, o := range m.Outside {
		src, err := settings.Fetch(o.Reference)
		if err != nil && !config.Answers(err) {
			return fmt.Errorf("read %s: %w", o.Reference, err)
		}
		if outsideMark(src, err) != o.Says {
			return nil
		}
	}
	if !r.questions.same(ctx, m.Answers) {
		return nil
	}
	r.memory, r.sweeps = &m, m.Sweeps
	return nil
}

func outsideMark(src config.Source, err error) string {
	if err != nil {
		return hidden.Hash("nothing")
	}
	return hidden.Hash("text", src.Path, string(src.Text))
}

// settings are what the configuration is loaded with. What is read of other repositories is noted.
func (r *run) settings(ctx context.Context) config.Settings {
	s := config.Settings{Checks: r.Options.Checks}
	if r.Sweeper.Settings != nil {
		s = r.Sweeper.Settings(ctx, r.there.Repo)
	}
	fetch := s.Fetch
	s.Fetch = func(ref config.Reference) (config.Source, error) {
		if fetch == nil {
			return config.Source{}, config.ErrUnread
		}
		src, err := fetch(ref)
		same := func(o outside) bool { return o.Reference == ref }
		if (err == nil || config.Answers(err)) && !slices.ContainsFunc(r.outside, same) {
			r.outside = append(r.outside, outside{ref, outsideMark(src, err)})
		}
		return src, err
	}
	return s
}

// remember is what the next sweep is told.
func (r *run) remember() []byte {
	if len(r.ask.Families) > 0 {
		return r.ask.Memory // what is wanted of the others would be forgotten
	}
	m := memory{Version: r.Version, Tree: r.there.Tree, Branch: r.there.Branch, Made: r.now(), Outside: r.outside, Sweeps: r.sweeps, Totals: r.out.Totals}
	m.Mutes, m.Topics, m.Answers = r.wantedFor, map[string]remembered{}, r.questions.answers()
	if r.looked == nil && r.memory != nil {
		m.Made, m.Outside, m.Answers = r.memory.Made, r.memory.Outside, r.memory.Answers
	}
	for topic, w := range r.wanted {
		if w.bundle != "" {
			m.Topics[topic] = remembered{w.bundle, w.title, w.text, w.content}
		}
	}
	m.Dashboard, m.Refused = r.dashboard.number, maps.Clone(r.refused)
	maps.DeleteFunc(m.Refused, func(branch string, _ refusal) bool { return !r.ruledOut(branch) })
	for _, prefix := range append([]string{r.sweeps.BranchPrefix}, r.prefixes...) {
		if !slices.Contains(m.Prefixes, prefix) && len(m.Prefixes) < maxPrefixes {
			m.Prefixes = append(m.Prefixes, prefix)
		}
	}
	return m.encode()
}
