package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

const (
	// maxDepth is how deep presets may name presets: what a repository names itself is 1 deep.
	maxDepth = 3
	// maxSources is how many files a configuration may be made of besides the repository's own.
	maxSources = 10
)

// ErrUnreachable is wrapped by a Fetch's error when there is no such repository, or the App may not read it. Which of
// the two it is, a code host does not say.
var ErrUnreachable = errors.New("it does not exist or is out of reach")

// ErrUnread is wrapped by a Fetch's error when a preset is not to be read here and now. That is no mistake of the file
// that names it.
var ErrUnread = errors.New("it is not read here")

// A Fetch reads a file of another repository. Of a Reference without Path it is what Find finds. Its error is an answer
// when it wraps fs.ErrNotExist, ErrUnreachable or ErrUnread, or is an *fs.PathError or an *Error; any other is Load's.
type Fetch func(Reference) (Source, error)

// Answers reports whether an error of Fetch says something about the file, so that asking again makes no difference.
func Answers(err error) bool {
	var about *fs.PathError
	var wrong *Error
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnread) ||
		errors.As(err, &about) || errors.As(err, &wrong)
}

// A loader puts the layers of one configuration on top of each other.
type loader struct {
	Settings
	repo fs.FS
	c    *Config
	left int                    // how many more files may be read
	got  map[Reference]*fetched // by key
}

type fetched struct {
	src Source
	err error
}

// load puts all layers on top of each other, up to the repository's own file.
func (l *loader) load() error {
	if err := l.organisation(); err != nil {
		return err
	}
	src, err := l.own()
	if err != nil || src == nil {
		return cmp.Or(err, l.c.takeHadolint(l.repo))
	}
	f, d, err := l.read(*src)
	if err != nil {
		return err
	}
	if err := l.presets(f, d, []Reference{src.Reference}, nil); err != nil {
		return err
	}
	if err := l.c.takeHadolint(l.repo); err != nil {
		return err
	}
	l.c.take(f, d)
	return nil
}

// own is the repository's own file, nil when there is none.
func (l *loader) own() (*Source, error) {
	if l.Source != nil {
		return l.Source, nil
	}
	src, err := Find(l.repo)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return &src, err
}

// organisation puts the organisation's default on the bottom, over its own presets. That there is none is nothing to
// speak of.
func (l *loader) organisation() error {
	if l.Organisation.Repo == "" {
		return nil
	}
	src, err := l.fetch(l.Organisation)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrUnreachable), errors.Is(err, ErrUnread):
		return nil
	case err != nil && !Answers(err):
		return err
	}
	var f file
	var d *decoder
	if err == nil {
		f, d, err = l.read(src)
	}
	if err != nil {
		l.c.Missing = append(l.c.Missing, first(l.Organisation, err, "the organisation's default is left out: "))
		return nil
	}
	return l.lay(f, d, []Reference{src.Reference}, nil)
}

// lay puts a file on top, over the presets that it names. chain are the files through which one came here, itself
// included.
func (l *loader) lay(f file, d *decoder, chain []Reference, outer *Problem) error {
	if err := l.presets(f, d, chain, outer); err != nil {
		return err
	}
	l.c.take(f, d)
	return nil
}

// first is the first problem of an error, with words before it.
func first(about Reference, err error, words string) Problem {
	var wrong *Error
	if !errors.As(err, &wrong) {
		return Problem{Reference: about, Msg: words + reason(err)}
	}
	p := wrong.Problems[0]
	p.Msg = words + p.Msg + andMore(len(wrong.Problems)-1)
	return p
}

func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}

// read decodes a file and holds its checks against the catalogue.
func (l *loader) read(src Source) (file, *decoder, error) {
	var f file
	d, err := decode(src, &f, false)
	if d.checks(f, l.c.Rules); len(d.problems) > 0 {
		return f, d, d.failed()
	}
	return f, d, err
}

// presets puts the presets that a file names on top of each other. What is wrong with one is told where the outermost
// file names it, at outer when that is another one, and the rest goes on without.
func (l *loader) presets(f file, d *decoder, chain []Reference, outer *Problem) error {
	for n, name := range f.Extends {
		ref, ok := name.parse()
		if !ok {
			continue // an item that is null
		}
		ref = within(ref, chain[len(chain)-1])
		at := d.lines[fmt.Sprintf("extends[%d]", n)]
		place := Problem{d.src.Reference, at.line, at.column, ""}
		if outer != nil {
			place = *outer
		}
		if err := l.preset(ref, append(chain[:len(chain):len(chain)], ref), place); err != nil {
			return err
		}
	}
	return nil
}

// within is a reference as the file that holds it means it: ./ stands for the repository and the commit of that file.
func within(ref, from Reference) Reference {
	if ref.Repo == "" {
		ref.Repo, ref.Ref = from.Repo, from.Ref
	}
	return ref
}

// preset puts one preset on top, over those that it names itself. What is wrong with it is a problem at place.
func (l *loader) preset(ref Reference, chain []Reference, place Problem) error {
	if why := l.refuses(ref, chain); why != "" {
		l.miss(place, why)
		return nil
	}
	src, err := l.fetch(ref)
	if err != nil && !Answers(err) {
		return err
	}
	if errors.Is(err, ErrUnread) {
		place.Msg = way(chain)
		l.c.Unread = append(l.c.Unread, place)
		return nil
	}
	var f file
	var d *decoder
	if err == nil {
		f, d, err = l.read(src)
	}
	if err != nil {
		l.fault(ref, chain, place, err)
		return nil
	}
	return l.lay(f, d, chain, &place)
}

// most is how many presets that cannot be taken are told of.
const most = 20

// refuses says why a preset is not even looked for, "" when it is.
func (l *loader) refuses(ref Reference, chain []Reference) string {
	same := func(r Reference) bool { return r.key() == ref.key() }
	switch {
	case slices.ContainsFunc(chain[:len(chain)-1], same):
		return "the presets go round in a circle: " + way(chain)
	case len(chain)-1 > maxDepth:
		return fmt.Sprintf("presets may name presets %d deep, and this goes on: %s", maxDepth, way(chain))
	case ref.Repo != "" && l.Owner != "" && !l.may(ref.Owner()):
		return fmt.Sprintf("%s belongs to somebody else; presets are taken from repositories of %s", way(chain), l.Owner)
	case l.left <= 0:
		return fmt.Sprintf("%s is one too many; a configuration is made of %d presets at most", way(chain), maxSources)
	}
	l.left--
	return ""
}

func (l *loader) may(owner string) bool {
	same := func(name string) bool { return strings.EqualFold(name, owner) }
	return same(l.Owner) || slices.ContainsFunc(l.Owners, same)
}

// way is how one comes to the last of some references; the first is the file where it began.
func way(chain []Reference) string {
	var out []string
	for _, ref := range chain[min(1, len(chain)-1):] {
		out = append(out, ref.String())
	}
	return strings.Join(out, " → ")
}

// fetch reads a file once.
func (l *loader) fetch(ref Reference) (Source, error) {
	if f := l.got[ref.key()]; f != nil {
		return f.src, f.err
	}
	f := &fetched{}
	switch {
	case ref.Repo == "":
		f.src, f.err = From(l.repo, ref)
		l.c.Local = append(l.c.Local, ref.Path)
	case l.Fetch == nil:
		f.err = ErrUnread
	default:
		f.src, f.err = l.Fetch(ref)
	}
	if f.err == nil && len(f.src.Text) > maxConfig {
		f.err = tooLarge(f.src.Reference, int64(len(f.src.Text)))
	}
	l.got[ref.key()] = f
	return f.src, f.err
}

// fault tells of a preset that could not be taken. Where it lies in the repository itself, it is told in its own lines.
func (l *loader) fault(ref Reference, chain []Reference, place Problem, err error) {
	var wrong *Error
	if !errors.As(err, &wrong) {
		l.miss(place, fmt.Sprintf("%s cannot be read: %s", way(chain), reason(err)))
		return
	}
	if ref.Repo == "" {
		l.c.Missing = append(l.c.Missing, wrong.Problems...)
		return
	}
	one := wrong.Problems[0]
	words := one.Msg
	if !ref.ours() {
		words = "it is no configuration of lighterman"
	}
	at := ""
	if one.Line > 0 {
		at = fmt.Sprintf(":%d:%d", one.Line, one.Column)
	}
	l.miss(place, fmt.Sprintf("%s%s: %s%s", way(chain), at, words, andMore(len(wrong.Problems)-1)))
}

// reason is an error of Fetch without what its place says already.
func reason(err error) string {
	var about *fs.PathError
	switch {
	case errors.Is(err, ErrUnreachable):
		return "the repository, or that version of it, " + strings.TrimPrefix(ErrUnreachable.Error(), "it ")
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.As(err, &about):
		return about.Err.Error()
	}
	return err.Error()
}

func (l *loader) miss(place Problem, words string) {
	if len(l.c.Missing) == most {
		return
	}
	place.Msg = words
	l.c.Missing = append(l.c.Missing, place)
}
