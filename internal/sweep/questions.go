package sweep

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/hidden"
	"github.com/lighterman/lighterman/internal/image"
)

// What a tag means changes while a repository does not. So a memory holds only as long as registries say what they said, and
// nothing is taken back because they say nothing.

// questions ask about each reference once in a sweep, so that all of it goes by the same answers.
type questions struct {
	facts image.Facts

	mu    sync.Mutex
	asked map[string]func() (image.Image, bool)
}

const (
	// maxAsked is how many answers are kept in a sweep; the others are asked for again, of facts that keep some too.
	maxAsked = 4096
	// maxAsking is how many are asked for at once.
	maxAsking = 8
)

func newQuestions(facts image.Facts) *questions {
	if facts == nil {
		return nil
	}
	return &questions{facts: facts, asked: map[string]func() (image.Image, bool){}}
}

// Lookup implements image.Facts.
func (q *questions) Lookup(ref string) (image.Image, bool) {
	q.mu.Lock()
	answer := q.asked[ref]
	if answer == nil {
		answer = sync.OnceValues(func() (image.Image, bool) { return q.facts.Lookup(ref) })
		if len(q.asked) < maxAsked {
			q.asked[ref] = answer
		}
	}
	q.mu.Unlock()
	return answer()
}

// answers are the digests of what was asked about, in short, by reference; "" where no registry said one. What a reference
// with a digest means never changes.
func (q *questions) answers() map[string]string {
	out := map[string]string{}
	if q == nil {
		return out
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for ref, answer := range q.asked {
		if !strings.Contains(ref, "@") {
			facts, _ := answer()
			out[ref] = shortDigest(facts)
		}
	}
	return out
}

func shortDigest(facts image.Image) string {
	if facts.Answer == nil {
		return ""
	}
	return hidden.Hash("digest", facts.Answer.Digest)
}

// same asks again, and reports whether nothing else is said than was. Not to answer is to say nothing else.
func (q *questions) same(ctx context.Context, said map[string]string) bool {
	if q == nil {
		return true
	}
	p := pool.New().WithMaxGoroutines(maxAsking)
	for ref := range said {
		if ctx.Err() == nil {
			p.Go(func() { q.Lookup(ref) })
		}
	}
	p.Wait()
	for ref, now := range q.answers() {
		if was, ok := said[ref]; ok && now != "" && now != was {
			return false
		}
	}
	return true
}

// silent reports whether one of the references of some marks was asked about, and no registry answered.
func (q *questions) silent(marks []string) bool {
	if len(marks) == 0 {
		return false
	}
	for ref, digest := range q.answers() {
		if digest == "" && slices.Contains(marks, refMark(ref)) {
			return true
		}
	}
	return false
}

// refMark names a reference in a note.
func refMark(ref string) string { return hidden.Hash("reference", ref)[:8] }

// unsure reports whether what a pull request pins cannot be told now, for want of an answer.
func (r *run) unsure(p proposed) Flag {
	pull := p.newest()
	wanted := slices.ContainsFunc(r.topics, func(t Topic) bool { return t.Name == p.topic.Name })
	if pull == nil || !wanted {
		return 0
	}
	if _, n, ok := noteOf(pull.Body); !ok || !r.questions.silent(n.asked) {
		return 0
	}
	return Unsure
}

// asked are the marks of the references whose digests a bundle writes.
func (b Bundle) asked() []string {
	var out []string
	for _, f := range b.Applied {
		intent, ok := f.Fixes[0].Intent.(fixes.Pinned)
		if !ok {
			continue
		}
		ref, _, _ := strings.Cut(intent.From, "@")
		if mark := refMark(ref); !slices.Contains(out, mark) {
			out = append(out, mark)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), maxPins)]
}
