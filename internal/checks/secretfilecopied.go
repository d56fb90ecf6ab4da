package checks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
	"github.com/lighterman/lighterman/internal/secret"
	"github.com/lighterman/lighterman/internal/spare"
)

// secretFileCopied finds copies that bring a file with secrets into the image: one that is named, or one that lies in the
// repository in a directory that is copied.
var secretFileCopied = &check.Check{
	Name:     "secret-file-copied",
	Family:   check.Context,
	Summary:  "a file with secrets is copied into the image: `.env`, a private key, `.npmrc` with a token, `.git`",
	Severity: check.Warning,
	Aliases:  []string{"AVD-DS-0031", "DS031"},
	Run:      runSecretFileCopied,
}

func runSecretFileCopied(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if i.Stage == nil || !i.Stage.Shipped() || !fromContext(i) {
			continue
		}
		if named := namedSecrets(p, i); len(named) > 0 {
			p.Advise(i.Code(), secretMessage(named),
				"a file that is copied by its name is needed: mount it into the step that reads it with RUN --mount=type=secret, or "+
					"give it to the container when it starts")
			continue
		}
		for _, b := range p.Builds {
			if b.Unknown == "" && adviseLying(p, i, b) {
				break
			}
		}
	}
	return nil
}

func secretMessage(names []string) string {
	shown := names[:min(len(names), 3)]
	list := listed(shown)
	if more := len(names) - len(shown); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return "this copy puts " + list + " into the image, so everyone who can pull the image has the secrets in it"
}

// namedSecrets are the files with secrets that an instruction names. One that is in no context is told by its name alone:
// git ignores what is kept from others.
func namedSecrets(p *check.Pass, i *dockerfile.Instruction) []string {
	var out []string
	for _, w := range i.Words[:len(i.Words)-1] {
		name := strings.TrimPrefix(path.Clean("/"+strings.Trim(w.Text, `"'`)), "/")
		if name == "" || strings.ContainsAny(name, "$*?[\\") {
			continue
		}
		if namedSecret(p, name) || besideCertificate(p, i, name) {
			out = append(out, name)
		}
	}
	return out
}

// besideCertificate reports whether a key that is in no context is copied together with the certificate of its name. A
// certificate is for all to see; the other half of the pair is not.
func besideCertificate(p *check.Pass, i *dockerfile.Instruction, name string) bool {
	stem, ok := strings.CutSuffix(name, ".key")
	if !ok || inContext(p, name) { // it can be looked into, and was
		return false
	}
	return slices.ContainsFunc(i.Words[:len(i.Words)-1], func(w dockerfile.Word) bool {
		text := strings.TrimPrefix(path.Clean("/"+strings.Trim(w.Text, `"'`)), "/")
		return slices.Contains([]string{stem + ".crt", stem + ".cert", stem + ".cer", stem + ".pem"}, text)
	})
}

func namedSecret(p *check.Pass, name string) bool {
	for _, b := range p.Builds {
		if b.Unknown != "" {
			continue
		}
		if info, err := fs.Stat(b.Context, name); err == nil && !(path.Base(name) == ".git" && info.IsDir()) {
			return !info.IsDir() && holdsSecret(b.Context, name)
		}
	}
	return secretByName(name)
}

var (
	sshKey         = pattern.New(`^id_(rsa|dsa|ecdsa|ed25519)$`)
	keyFile        = pattern.New(`(?i)^(.*[-_.])?(private|privkey|server|tls|ssl)([-_.].*)?\.(key|pem)$`)
	serviceAccount = pattern.New(`(?i)service[-_]?account.*\.json$|firebase-adminsdk.*\.json$`)
	// logins are files that hold nothing but users and passwords.
	logins = map[string]bool{".netrc": true, ".git-credentials": true, ".pypirc": true, ".pgpass": true}
)

// secretByName reports whether a file of that path holds secrets, as far as its name tells.
func secretByName(name string) bool {
	base := path.Base(name)
	return base == ".git" || spare.EnvFile(base) || sshKey.MatchString(base) || keyFile.MatchString(base) ||
		serviceAccount.MatchString(base) || logins[base] || strings.HasSuffix(name, ".aws/credentials")
}

// maxSecretFile is the size in bytes above which a file is not looked into.
const maxSecretFile = 64 << 10

// mayHoldSecret reports whether it is worth a closer look whether a file holds secrets. Nearly all names are not.
func mayHoldSecret(base string) bool {
	switch strings.ToLower(path.Ext(base)) {
	case ".pem", ".key", ".json", ".yml", ".npmrc", ".netrc", ".git-credentials", ".pypirc", ".pgpass", "":
		return true
	}
	return strings.HasPrefix(base, ".env") || strings.HasPrefix(base, "id_")
}

// holdsSecret reports whether a file of a context holds secrets. Only files whose name may be of that kind are read.
func holdsSecret(context fs.FS, name string) bool {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	env, npm := spare.EnvFile(base), base == ".npmrc" || base == ".yarnrc.yml"
	key := ext == ".pem" || ext == ".key" || sshKey.MatchString(base)
	if !env && !npm && !key && ext != ".json" && !secretByName(name) {
		return false
	}
	if ext == ".json" && !serviceAccount.MatchString(base) && !strings.Contains(strings.ToLower(base), "credential") &&
		!strings.Contains(strings.ToLower(base), "key") {
		return false
	}
	info, err := fs.Stat(context, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSecretFile {
		return false
	}
	text, err := fs.ReadFile(context, name)
	if err != nil {
		return false
	}
	switch {
	case env:
		return envSecret(string(text))
	case npm:
		return npmToken.Match(text)
	case key:
		return strings.Contains(string(text), "PRIVATE KEY-----")
	case ext == ".json":
		return strings.Contains(string(text), `"private_key"`) && strings.Contains(string(text), "PRIVATE KEY")
	}
	return logins[base] && len(text) > 0 || strings.HasSuffix(name, ".aws/credentials") && strings.Contains(string(text), "secret")
}

// npmToken matches a literal credential in the settings of npm or yarn.
var npmToken = pattern.New(`(?m)^[^#;\n]*(?:_authToken|_password|_auth|npmAuthToken|npmAuthIdent)["']?\s*[=:]\s*["']?[^\s$"'{]{8,}`)

// envSecret reports whether a file of environment variables gives one that is named like a secret a value that is one.
func envSecret(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		name, value, ok := strings.Cut(line, "=")
		value = unquoted(strings.TrimSpace(value))
		if !ok || line[0] == '#' || value == "" || strings.ContainsAny(value, "$") {
			continue
		}
		if secretName(nameParts(name)) && !harmlessValue(value) && !strings.ContainsAny(value, " <>") {
			return true
		}
	}
	found, err := secret.Find(text)
	return err == nil && len(found) > 0
}

// adviseLying tells of secrets that lie in a directory that is copied, in one way of building the file.
func adviseLying(p *check.Pass, i *dockerfile.Instruction, b buildcontext.Build) bool {
	var names []string
	for _, w := range i.Words[:len(i.Words)-1] {
		if dir, ok := wholeDirectory(b, strings.Trim(w.Text, `"'`)); ok {
			names = append(names, lying(p.Repo, b, dir)...)
		}
	}
	if len(names) == 0 {
		return false
	}
	message := secretMessage(names)
	spared := !slices.ContainsFunc(names, func(n string) bool { _, ok := spare.ParsePattern(n); return !ok })
	switch {
	case b.Remote:
		p.Advise(i.Code(), message, "the builder fetches the commit itself, to which no ignore file is applied")
	case !spared:
		p.Advise(i.Code(), message, "whether the program reads it is not known; give it to the container when it starts, and have "+
			"what was committed replaced")
	default:
		fix, err := ignoring(p.Repo, ignoreFile(b), names)
		if err != nil {
			p.Advise(i.Code(), message, err.Error())
			break
		}
		p.Report(i.Code(), message, fix)
	}
	return true
}

// rehearsal reports whether a name is one of those whose keys and variables open nothing.
func rehearsal(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "doc") || strings.HasSuffix(name, "docs") ||
		slices.ContainsFunc(rehearsals, func(word string) bool { return strings.Contains(name, word) })
}

var rehearsals = []string{"test", "spec", "fixture", "example", "sample", "mock", "demo", "snakeoil"}

// maxLying bounds how many files of a directory are passed by, maxLyingFound how many are told.
const (
	maxLying      = 3_000
	maxLyingFound = 20
)

// lying are the committed files with secrets in a directory of a context.
func lying(repo fs.FS, b buildcontext.Build, dir string) []string {
	return buildcontext.Once(b, "files with secrets in "+dir, func() []string { return secretsIn(repo, b, dir) })
}

func secretsIn(repo fs.FS, b buildcontext.Build, dir string) []string {
	var out []string
	seen := 0
	_ = fs.WalkDir(b.Context, dir, func(name string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxLying || len(out) == maxLyingFound {
			return fs.SkipAll // what is found so far is enough to speak of
		}
		if name != dir && d.IsDir() && (passedOver(d.Name()) || rehearsal(d.Name())) {
			return fs.SkipDir
		}
		if d.Type().IsRegular() && mayHoldSecret(d.Name()) && !rehearsal(d.Name()) && holdsSecret(b.Context, name) &&
			!spare.Untracked(repo, path.Join(b.Dir, name)) {
			out = append(out, name)
		}
		return nil
	})
	return out
}
