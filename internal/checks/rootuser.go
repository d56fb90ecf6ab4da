package checks

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// rootUser finds images whose program runs as root.
//
// Of 109 repositories that added a USER, 28 took it back in the same file: files the user could not read or write,
// ports, entrypoints that change user themselves, names that Kubernetes cannot check. So the fix is offered only when
// every step of the image and the program it starts are of a kind known to work without root.
var rootUser = &check.Check{
	Name:     "root-user",
	Family:   check.NonRoot,
	Summary:  "the image runs its program as root",
	Severity: check.Warning,
	Aliases:  []string{"DL3002", "CKV_DOCKER_3", "CKV_DOCKER_8", "AVD-DS-0002", "DS002"},
	Run:      runRootUser,
}

// userNeverUsed is the same where the file shows that another user was meant: it creates one.
var userNeverUsed = &check.Check{
	Name:     "user-never-used",
	Family:   check.NonRoot,
	Summary:  "a user is created and never switched to, so the image runs its program as root",
	Severity: check.Warning,
	Run: func(p *check.Pass) error {
		return runRoot(p, func(l launch) bool { return l.createsUnused(p) })
	},
}

func runRootUser(p *check.Pass) error {
	return runRoot(p, func(l launch) bool { return !l.createsUnused(p) })
}

// createsUnused reports whether the stage creates one account and never sets a USER. One that starts through a script or a
// program that steps down may use the account there.
func (l launch) createsUnused(p *check.Pass) bool {
	made, reason := l.created()
	if made == nil || reason != "" || l.lastUser() != nil {
		return false
	}
	starts := l.program(p)
	return !strings.Contains(starts, "on purpose") && !strings.Contains(starts, ".sh:")
}

// runRoot reports the image that runs as root, if it is one of those meant.
func runRoot(p *check.Pass, meant func(launch) bool) error {
	s := shippedStage(p)
	l := launchOf(p, s)
	if !meant(l) {
		return nil
	}
	user := s.End().User
	switch {
	case s.Windows():
	case user != "" && !isRoot(user):
	case user == "" && l.known && l.base.User != "" && !isRoot(l.base.User):
	case l.known && l.base.StepsDown && l.entrypoint == nil:
	case strings.HasPrefix(l.ref, "mcr.microsoft.com/devcontainers/"): // their metadata makes the editor work as vscode
	case ofAction(p): // its user must be root: docs.github.com, "Dockerfile support for GitHub Actions"
	case l.ref == "scratch" && l.entrypoint == nil && l.cmd == nil: // files to export or to copy from; nothing runs
	default:
		reportRoot(p, l)
	}
	return nil
}

// actionImage finds the Dockerfile in the metadata of a GitHub action.
var actionImage = pattern.New(`(?m)^\s*image:\s*["']?([^\s"'#]+)`)

// ofAction reports whether a GitHub action is built from the file.
func ofAction(p *check.Pass) bool {
	for dir := path.Dir(p.File.Path); ; dir = path.Dir(dir) {
		for _, name := range []string{"action.yml", "action.yaml"} {
			head, err := readHead(p.Repo, path.Join(dir, name))
			if m := actionImage.FindSubmatch(head); err == nil && m != nil && path.Join(dir, string(m[1])) == p.File.Path {
				return true
			}
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// shippedStage is the stage whose image is used: the last, unless every known build names another.
func shippedStage(p *check.Pass) *dockerfile.Stage {
	var last *dockerfile.Stage
	for _, b := range p.Builds {
		s := p.File.Stage(b.Target)
		if b.Target == "" || s == nil {
			return p.File.Final()
		}
		if last == nil || s.Index > last.Index {
			last = s
		}
	}
	if last == nil {
		return p.File.Final()
	}
	return last
}

// isRoot reports whether a USER is root, with any group.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	id, err := strconv.Atoi(name)
	return name == "root" || err == nil && id == 0
}

func reportRoot(p *check.Pass, l launch) {
	at := l.stage.From.Code()
	message := "the image runs its program as root, so whoever takes over the program owns the whole container"
	stated := l.lastUser()
	switch made, _ := l.created(); {
	case stated == nil && made != nil && l.base.User != "":
		message = fmt.Sprintf("the file creates the user %s and never switches to it, so the program runs as root", made.names[0])
	case stated != nil:
		at = stated.Code()
	case l.base.User == "":
		message = fmt.Sprintf("no USER is set, so the program runs as whatever user %s has, "+
			"which is root unless that image says otherwise", l.says())
	}
	fix, reason := l.unprivileged(p, stated)
	if reason != "" {
		p.Advise(at, message, reason)
		return
	}
	p.Report(at, message, fix)
}

// lastUser is the USER in force, nil when none is stated.
func (l launch) lastUser() *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, i := range l.steps() {
		if i.Keyword == "USER" {
			last = i
		}
	}
	return last
}

// unprivileged is the fix, or why there is none.
func (l launch) unprivileged(p *check.Pass, stated *dockerfile.Instruction) (fixes.Fix, string) {
	if !l.known || l.base.User == "" {
		return fixes.Fix{}, fmt.Sprintf("which user %s runs as and which accounts it has is not known", l.says())
	}
	for _, s := range p.File.Stages {
		if s.Parent == l.stage {
			return fixes.Fix{}, fmt.Sprintf("the stage on line %d goes on from this one, as the same user", s.From.Line())
		}
	}
	after := l.lastStep()
	if after == stated {
		return fixes.Fix{}, "USER root is the last step, after everything that could need it, so it seems meant"
	}
	who, reason := l.account(p, stated)
	if reason == "" {
		reason = l.needsRoot(p, who)
	}
	if reason != "" {
		return fixes.Fix{}, reason
	}
	edits, err := fixes.SetUser(p.File, after, who.user, who.create)
	if err != nil {
		return fixes.Fix{}, err.Error()
	}
	return fixes.Fix{
		Title:  "Run as an unprivileged user",
		Intent: fixes.RunsAs{User: who.user, Create: who.create},
		Edits:  edits,
	}, ""
}

// lastStep is the last instruction of the stage that may need root, or that sets the user.
func (l launch) lastStep() *dockerfile.Instruction {
	last := l.stage.From
	for _, i := range l.stage.Instructions {
		if slices.Contains([]string{"RUN", "COPY", "ADD", "WORKDIR", "USER"}, i.Keyword) {
			last = i
		}
	}
	return last
}

// needsRoot says what in the image may need root, or belong to root, when the program runs. Everything that is not
// known to be harmless counts.
func (l launch) needsRoot(p *check.Pass, who account) string {
	for _, find := range []func() string{
		func() string { return l.overruled(p) },
		func() string { return l.ports(p) },
		func() string { return l.ownedByRoot(who) },
		func() string { return l.program(p) },
		func() string { return l.sources(p) },
		func() string { return storesItself(p) },
		func() string { return l.homeless(p) },
		func() string { return inCluster(p) },
		func() string { return heir(p) },
		func() string { return l.handedIn(p) },
	} {
		if reason := find(); reason != "" {
			return reason
		}
	}
	return ""
}

// overruled says what outside the Dockerfile decides about the user, or hands in files of other owners.
func (l launch) overruled(p *check.Pass) string {
	for _, b := range p.Builds {
		switch {
		case b.Powers != "":
			return fmt.Sprintf("%s gives the container %s, which a user other than root may not have the use of",
				b.Origin, b.Powers)
		case b.User != "":
			return fmt.Sprintf("%s sets the user itself", b.Origin)
		case b.Command:
			return fmt.Sprintf("%s starts something else than the image says, which may need root", b.Origin)
		case strings.HasSuffix(b.Origin, "devcontainer.json"):
			return fmt.Sprintf("%s makes a development container of it, which is set up as root", b.Origin)
		case len(b.Mounts) > 0:
			return fmt.Sprintf("%s mounts %s, whose owner is not known", b.Origin, b.Mounts[0])
		}
	}
	return ""
}

// inCluster says which manifest gives the container what is root's: volumes, low ports, powers.
func inCluster(p *check.Pass) string {
	for _, name := range p.Once("which manifests give what is root's", manifestsForRoot) {
		return fmt.Sprintf("%s gives a container a port below 1024 or powers that another user may not have the use of", name)
	}
	for _, name := range p.Once("which manifests mount volumes", manifestsWithVolumes) {
		return fmt.Sprintf("%s mounts a volume, whose owner is not known", name)
	}
	return ""
}

// manifests name what a program depends on.
var manifests = [...]string{"package.json", "requirements.txt", "pyproject.toml", "go.mod", "Gemfile", "Cargo.toml"}

// inHome matches dependencies that keep what they download while they are installed in the home of whoever installs.
var inHome = pattern.New(`"(puppeteer|cypress)"\s*:`)

// storesItself says whether the program keeps its data in a file of its own, or has parts of itself in root's home.
func storesItself(p *check.Pass) string {
	for _, b := range p.Builds {
		for _, name := range manifests {
			head, err := readHead(b.Context, name)
			if err != nil {
				continue
			}
			if bytes.Contains(bytes.ToLower(head), []byte("sqlite")) {
				return fmt.Sprintf("%s depends on SQLite, whose file the program has to write", name)
			}
			if m := inHome.FindSubmatch(head); m != nil {
				return fmt.Sprintf("%s depends on %s, which is installed into root's home", name, m[1])
			}
		}
	}
	return ""
}

// downloads matches libraries that keep what they download when the program runs in the home of whoever runs it.
var downloads = pattern.New(`(?im)^\W*(transformers|sentence[-_]transformers|huggingface[-_]hub|diffusers|nltk|openai-whisper|gensim|` +
	`easyocr|fastembed|torchvision|tensorflow[-_]hub)\b`)

// homeless says whether the program downloads into the home of an account that the file creates without one.
func (l launch) homeless(p *check.Pass) string {
	for _, i := range l.steps() {
		cmds, _ := commands(i)
		for _, c := range cmds {
			line := c.Name() + " " + strings.Join(argumentsOf(c), " ")
			without := c.Name() == "useradd" && !homed.MatchString(line) || homelessUser.MatchString(line)
			if i.Keyword != "RUN" || !without {
				continue
			}
			for _, b := range p.Builds {
				for _, name := range manifests {
					head, err := readHead(b.Context, name)
					if m := downloads.FindSubmatch(head); err == nil && m != nil {
						return fmt.Sprintf("%s downloads into its user's home, which line %d does not make", m[1], i.Line())
					}
				}
			}
		}
	}
	return ""
}

// homed matches a useradd that makes a home, homelessUser an adduser that does not.
var (
	homelessUser = pattern.New(`^adduser\b.*\s(?:-[a-zA-Z]*H|--no-create-home|--system)\b`)
	homed        = pattern.New(`^useradd\b.*\s(?:-[a-zA-Z]*m[a-zA-Z]*|--create-home)\b`)
)

func argumentsOf(c dockerfile.Command) []string {
	var out []string
	for _, w := range c.Args() {
		out = append(out, w.Text)
	}
	return out
}
