package review

import (
	"bytes"
	"context"
	"errors"

	"github.com/lighterman/lighterman/internal/forge"
)

// maxOld is how many former commits are looked into.
const maxOld = 3

// A past reads files as they were at former heads.
type past struct {
	seen
	reviewer *Reviewer
	repo     forge.Repo
	last     string                // the head of the last review, "" when that is not known
	trees    map[string]forge.Tree // by commit; nil for one that is gone
	scores   map[[3]string]int     // by commit, and the paths then and now
}

// certain fits better than what comparing files finds out.
const certain = 101

// guesses are where the files of leads seem to be.
func (p *past) guesses(ctx context.Context, leads []lead, renamed map[string]string) ([]guess, error) {
	var out []guess
	for _, l := range leads {
		path, others := l.known(renamed)
		g := guess{l, path, certain}
		if len(others) > 0 {
			heir, fits, err := p.heir(ctx, l, others)
			if err != nil {
				return nil, err
			}
			if heir != "" {
				g.path, g.fits = heir, fits
			}
		}
		out = append(out, g)
	}
	return out, nil
}

// heir is the one of some files that the file of a lead became, "" when none of them did. The file is taken as the last review
// saw it; else, unless it seems to be there still, as it was when the thread was begun, which fits half as well: in between it
// was gone.
func (p *past) heir(ctx context.Context, l lead, paths []string) (path string, fits int, err error) {
	places := []struct{ commit, path string }{{p.last, l.at}}
	if !l.stays() {
		places = append(places, struct{ commit, path string }{l.Commit, l.Path})
	}
	for n, then := range places {
		tree, err := p.tree(ctx, then.commit)
		if err != nil {
			return "", 0, err
		}
		if tree == nil {
			continue
		}
		old, err := read(tree, then.path)
		if err != nil {
			p.trees[then.commit] = nil
		}
		if err = unlessLost(err); err != nil {
			return "", 0, err
		}
		if old == nil {
			continue
		}
		path, fits, err = p.best(tree, then.commit, then.path, paths)
		return path, fits / (n + 1), err
	}
	return "", 0, nil
}

// best is the path that fits best. Of two whose files fit as well it is the one that ends alike.
func (p *past) best(then forge.Tree, commit, was string, paths []string) (path string, most int, err error) {
	alike := 0
	for _, name := range paths {
		key := [3]string{commit, was, name}
		score, ok := p.scores[key]
		if !ok {
			if score, err = p.score(then, was, name); err != nil {
				return "", 0, err
			}
			p.scores[key] = score
		}
		if end := ending(was, name); score > most || score > 0 && score == most && end > alike {
			most, alike, path = score, end, name
		}
	}
	return path, most, nil
}

// ending is how many bytes two paths have in common at their end.
func ending(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// score says how well the file of a former commit fits one of the head.
func (p *past) score(then forge.Tree, was, name string) (int, error) {
	var all [4][]byte
	for n, one := range []struct {
		tree forge.Tree
		path string
	}{{then, was}, {p.seen.tree, was}, {then, name}, {p.seen.tree, name}} {
		var err error
		if all[n], err = read(one.tree, one.path); err != nil {
			return 0, unlessLost(err)
		}
	}
	return became(all[0], all[1], all[2], all[3]), nil
}

// tree is the repository at a commit, nil when there is none.
func (p *past) tree(ctx context.Context, commit string) (forge.Tree, error) {
	tree, ok := p.trees[commit]
	if ok || commit == "" || len(p.trees) == maxOld {
		return tree, nil
	}
	tree, err := p.reviewer.Forge.Tree(ctx, p.repo, commit)
	if err != nil {
		tree = nil
	}
	p.trees[commit] = tree
	return tree, unlessLost(err)
}

// read is the content of a file, nil when it is empty, or is none to be looked at.
func read(tree forge.Tree, name string) ([]byte, error) {
	data, known, err := text(tree, name)
	if !known || len(data) == 0 {
		return nil, err
	}
	return data, err
}

// unlessLost is an error that does not say that a commit is not there any more, as after a push by force, or cannot be
// listed: then nothing is known of it.
func unlessLost(err error) error {
	if errors.Is(err, forge.ErrGone) || errors.Is(err, forge.ErrTooLarge) {
		return nil
	}
	return err
}

// became says in percent how much of one file is in another that may be the same under a new name; 0 is none, or too little.
// was and is are the one before and now, before and now the other; nil is a file that is not there. Something may have
// taken its place, and it may have taken another's, as in a swap: unless the whole text is there, that has to be unlike it.
func became(was, is, before, now []byte) int {
	switch {
	case len(was) == 0 || bytes.Equal(is, was) || bytes.Equal(before, now):
		return 0
	case bytes.Equal(was, now):
		return 100
	case likeness(was, is) > 0 || likeness(before, now) > 0:
		return 0
	}
	return likeness(was, now)
}

// likeness is how much of the longer of two texts is lines of the other, in percent and below 100; 0 is less than half, which
// is where git takes it for another file.
func likeness(a, b []byte) int {
	left := map[string]int{}
	for _, l := range splitLines(string(a)) {
		left[l]++
	}
	same := 0
	for _, l := range splitLines(string(b)) {
		if left[l] > 0 {
			left[l]--
			same += len(l)
		}
	}
	if longer := max(len(a), len(b), 1); 2*same >= longer {
		return 99 * same / longer
	}
	return 0
}
