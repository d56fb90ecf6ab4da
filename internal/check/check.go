// Package check says what a check is, and runs checks.
//
// A Check is a value with a function. The function sees one parsed Dockerfile and its repository through a Pass and
// reports what it finds; it knows nothing of GitHub, of diffs or of other checks. Examine runs every check on every
// file, then keeps of the offered fixes only those that hold: Verify applies each one and looks again, and a Prover
// compares what is built before and after with what the fix promised. A finding is never dropped because its fix was
// refused; the reason is kept with it.
package check

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/image"
)

// Severity orders findings by how much they matter.
type Severity int

// The severities, least first.
const (
	Info Severity = iota + 1
	Warning
	Error
)

var severities = [...]string{Info: "info", Warning: "warning", Error: "error"}

// String is "info", "warning" or "error".
func (s Severity) String() string {
	if s < Info || s > Error {
		return fmt.Sprintf("Severity(%d)", int(s))
	}
	return severities[s]
}

// ParseSeverity reads what String writes.
func ParseSeverity(name string) (Severity, error) {
	for s := Info; s <= Error; s++ {
		if severities[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("severity %q is none of info, warning, error", name)
}

// A Family is what a fix is for. Fixes of one family come together when a whole repository is swept.
type Family string

// The families, in the order in which they are shown.
const (
	Caching      Family = "caching"       // steps stay cached, and fetch what they did before
	SmallerImage Family = "smaller-image" // less is stored
	NonRoot      Family = "non-root"      // less runs as root
	Pinning      Family = "pinning"       // what is built tomorrow is what is built today
	Context      Family = "context"       // what of the repository gets into the build
	Hygiene      Family = "hygiene"       // everything else
)

// Families lists all of them.
func Families() []Family { return []Family{Caching, SmallerImage, NonRoot, Pinning, Context, Hygiene} }

// A Check looks for one kind of problem.
type Check struct {
	Name     string   // says what is wrong, never changes: kebab-case, or BuildKit's name of its own: "FromAsCasing"
	Family   Family   // what its fixes are for
	Summary  string   // one line for tables: what it says, lower case, no full stop
	Severity Severity // what its findings count as
	Private  bool     // a line it reports may hold a secret: whoever shows one shows no more of it than Finding.At
	OptIn    bool     // it runs only when it is asked for: Options.Enabled
	Aging    bool     // what it finds comes with time, not with a change: it runs only with Options.Aging
	Aliases  []string // what other tools call it, for their ignore comments: "DL3009", "JSONArgsRecommended"
	Run      func(*Pass) error
}

// pages is where the page of each check is read: why it matters, what is not reported, before and after.
const pages = "https://github.com/lighterman/lighterman/blob/main/internal/checks/"

// Page is the address of the check's page.
func (c *Check) Page() string { return pages + c.Name + ".md" }

// A Pass is one check looking at one file.
type Pass struct {
	Check  *Check
	File   *dockerfile.File
	Repo   fs.FS                // the whole repository
	Builds []buildcontext.Build // the ways the file is built; empty when unknown
	Images image.Facts          // may know nothing; never nil
	Today  time.Time            // what is held against ends of life
	// Registries are those that base images may come from, as the repository's owner decided; empty when nothing was.
	Registries []string

	report   func(Finding)
	lint     func() []Remark
	counting bool // only whether there are findings is asked
}

// Lint is what BuildKit's own checks say about the file, in the order of its lines; nothing when no Linter is there.
// All of them are run, whatever the file's "# check=" comments say.
func (p *Pass) Lint() []Remark { return p.lint() }

// BuildsOf lists the ways in which a file of a repository that Once hands over is built; empty when unknown.
func BuildsOf(repo fs.FS, f *dockerfile.File) []buildcontext.Build { return contextsOf(repo).Find(f) }

// Report records a finding at an instruction (or a part of it) with the fixes it offers, best first. With none, use
// Advise and say why.
func (p *Pass) Report(at dockerfile.Span, message string, fx ...fixes.Fix) {
	p.report(Finding{Check: p.Check, Path: p.File.Path, At: at, Message: message, Fixes: fx})
}

// Advise records a finding for which no fix is offered; refused says why, as the end of "no fix: ...".
func (p *Pass) Advise(at dockerfile.Span, message, refused string) {
	p.report(Finding{Check: p.Check, Path: p.File.Path, At: at, Message: message, Refused: refused})
}

// Offer records a finding with the fix that is worked out by work, whose error says why there is none. Where a fix is tried
// out only the findings count, and nothing is worked out.
func (p *Pass) Offer(at dockerfile.Span, message string, work func() (fixes.Fix, error)) {
	if p.counting {
		p.Report(at, message)
		return
	}
	fix, err := work()
	if err != nil {
		p.Advise(at, message, err.Error())
		return
	}
	p.Report(at, message, fix)
}

// OfferAbout is Offer for a finding that is another one when what it is about differs, though the words are the same.
func (p *Pass) OfferAbout(at dockerfile.Span, about, message string, work func() (fixes.Fix, error)) {
	same := *p
	same.report = func(f Finding) {
		f.About = about
		p.report(f)
	}
	same.Offer(at, message, work)
}

// A Finding is one thing that one check found in one place.
type Finding struct {
	Check   *Check
	Path    string
	At      dockerfile.Span // bytes of the file
	Line    int             // 1-based first and last line of At
	EndLine int
	Message string // one sentence: what is wrong here and what it costs
	About   string // what tells it from another finding in the same words, which is found at another time; mostly ""
	// ID identifies the finding across line moves: check, path, the words of the instruction it stands on, About, and an
	// ordinal for twins. It holds no line number and no white space. Kin is the same without the path: what a finding of
	// another file has in common that would be this one if the file were renamed.
	ID  string
	Kin string
	// Fixes are what is offered, best first. After Examine each of them was verified and proven.
	Fixes []fixes.Fix
	// Refused is why there is no fix, or why the one that was tried did not hold; "" when there is one.
	Refused string
	// Withdrawn are the proof classes that the fixes promised which did not hold.
	Withdrawn []fixes.Class

	words string // of the instruction; they may hold what must not be repeated
	nth   string // among its twins
}

// maxWords is up to which size in bytes the words of an instruction are told again under another path.
const maxWords = 64 << 10

// Under is the ID that the finding would have if its file stood under another path. It is "" when that is not known, and
// where the instruction is too long.
func (f Finding) Under(path string) string {
	if f.nth == "" || len(f.words) > maxWords {
		return ""
	}
	return id(f.Check, path, f.words, f.nth)
}

// A Skip is a file that could not be looked at, or a check that failed on it.
type Skip struct {
	Path   string
	Line   int // 1-based; 0 for the whole file
	Reason string
	Failed bool // an error rather than a file that is rightly passed over (a template)
}

// A Suppressed is a finding that somebody asked not to hear of.
type Suppressed struct {
	Finding
	Inline bool // by a comment in the file, not for the whole repository
}

// An Unused is an ignore comment of ours, or an entry of a configuration, that keeps nothing from being said.
type Unused struct {
	Path string
	Line int
	Name string // the check that it names
	// Unknown says that there is no check of that name.
	Unknown bool
}

// A Result is what a run found.
type Result struct {
	Files    int // how many files were looked at
	Findings []Finding
	Skipped  []Skip
	// Suppressed and Unused are filled in by a run with Options.Audit.
	Suppressed []Suppressed
	Unused     []Unused
}

// Options say what Run and Examine look for and with what.
type Options struct {
	Checks      []*Check
	Images      image.Facts // nil: nothing is known
	Today       time.Time   // zero: the clock's day
	Prover      Prover      // nil: no fix is offered
	Linter      Linter      // nil: BuildKit's own checks find nothing
	Ignored     []string    // names or aliases of checks that are off for the whole repository
	Enabled     []string    // names or aliases of the checks that run only when they are asked for, and are
	Concurrency int         // how many passes run at once; 0: one per CPU
	// Severities are what the findings of checks count as, by the check's name, in place of its own severity.
	Severities map[string]Severity
	Builder    Builder  // fixes use only syntax that it takes
	Registries []string // the registries that base images may come from; empty: nothing was decided
	// Keeps reports whether a Dockerfile is looked at when a repository is searched for them; nil: every one is.
	Keeps func(path string) bool
	// Stated are the ways of building a Dockerfile that the repository's owner stated outright; nil: none.
	Stated func(path string) []buildcontext.Override
	// Audit also lists what was suppressed, and the ignore comments that suppress nothing. Checks that are ignored for
	// the whole repository run all the same then, to be listed as suppressed.
	Audit bool

	// Aging also runs the checks of what comes with time: for those who look after a whole repository.
	Aging bool

	counting bool // only whether there are findings is asked
}

// Subject reports whether a file of the repository is a Dockerfile to look at.
func (o Options) Subject(name string) bool { return Subject(name) && o.Kept(name) }

// Kept reports whether a Dockerfile is one of those that are looked at.
func (o Options) Kept(name string) bool { return o.Keeps == nil || o.Keeps(name) }

// A Case is a fix put before a Prover: one file before and after, and what the difference must be.
type Case struct {
	Path     string
	Before   []byte
	After    []byte
	Intent   fixes.Intent
	Builds   []buildcontext.Build // what the graph cannot see is looked up there
	BaseUser string               // the user of the final base image where known, else ""
	Bases    map[string]Base      // what is known of the base images, by reference
	// Others are the other files that the fix changes, and Shared the Dockerfiles whose builds may read one of them, Path
	// among them. Both are empty for a fix of Path alone. Repo is the whole repository before the change.
	Others []Changed
	Shared []Shared
	Repo   fs.FS
}

// A Changed is a file that a fix changes.
type Changed struct {
	Path   string
	Before []byte // nil for a file that does not exist yet
	After  []byte
}

// A Shared is a Dockerfile that is, or may be, built with a file that a fix changes.
type Shared struct {
	Path   string
	Text   []byte
	File   *dockerfile.File     // nil when Text is not one that can be read
	Before []buildcontext.Build // the ways of building it without the change; empty when none is known
	After  []buildcontext.Build // the same with it
}

// A Prover decides whether a fix keeps its promise. A nil error means that the promise was shown to hold; any other
// says why not, as the end of "no fix: ...".
type Prover interface {
	Prove(ctx context.Context, c Case) error
}
