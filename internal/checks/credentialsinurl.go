package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// credentialsInURL finds user:password@ in addresses. It gives advice only, and never stands on the address.
var credentialsInURL = &check.Check{
	Name:     "credentials-in-url",
	Family:   check.Hygiene,
	Summary:  "an address holds a user and a password, which stay in the image's history",
	Severity: check.Error,
	Private:  true,
	Run:      runCredentialsInURL,
}

func runCredentialsInURL(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if !slices.Contains([]string{"RUN", "ADD", "COPY", "ENV", "ARG", "LABEL", "CMD", "ENTRYPOINT", "HEALTHCHECK"}, i.Keyword) {
			continue
		}
		lines := map[int]bool{}
		for _, at := range userInfos(p.File, i) {
			if told, err := toldAsValue(i, at); err != nil || told {
				continue // secret-value says more about it, and says what could not be read
			}
			if line := p.File.Line(at.Start); !lines[line] {
				lines[line] = true
				adviseURL(p, i, at)
			}
		}
	}
	return nil
}

// toldAsValue reports whether what stands in the address is a credential of a known kind.
func toldAsValue(i *dockerfile.Instruction, at dockerfile.Span) (bool, error) {
	all, err := credentials(i)
	return slices.ContainsFunc(all, func(c credential) bool { return c.span.Overlaps(at) }), err
}

func adviseURL(p *check.Pass, i *dockerfile.Instruction, at dockerfile.Span) {
	stand, remedy := standing(i, at, nil, 0), ""
	name, assigned := assignedAt(i, at)
	switch {
	case assigned && i.Keyword != "LABEL":
		stand = name.at
		id := strings.ToLower(name.name)
		const mount = "mount the address into the step that needs it with `RUN --mount=type=secret,id=%s,env=%s`, or set it when " +
			"the container starts"
		remedy = fmt.Sprintf(mount, id, name.name)
	default:
		remedy = "keep the user and the password in a netrc file, which git, curl -n, wget and pip read, and mount it into the step: " +
			"`RUN --mount=type=secret,id=netrc,target=/root/.netrc`, built with `--secret id=netrc,src=$HOME/.netrc`"
	}
	where := "stay in the image's history"
	if i.Stage == nil || !i.Stage.Shipped() {
		where = "stay in the build cache"
	}
	p.Advise(stand, "an address on this line holds a user and a password, which "+where+" for everyone who gets at it",
		"they are known already and have to be replaced; then "+remedy)
}

// userInfo matches an address with a user and a password, or with a user that is long enough to be a token.
var userInfo = pattern.New(`\b([a-z][a-z0-9+.-]{1,20})://([^\s/:@"'<>|\\]{1,200})(?::([^\s/@"'<>|\\]{1,200}))?@([A-Za-z0-9._-]+|\[)`)

// userInfos are the places in an instruction's text of what an address gives away.
func userInfos(f *dockerfile.File, i *dockerfile.Instruction) []dockerfile.Span {
	span := i.Code()
	text := f.Text(span)
	var out []dockerfile.Span
	for _, m := range userInfo.FindAllStringSubmatchIndex(text, 50) {
		user, password, host := text[m[4]:m[5]], "", text[m[8]:m[9]]
		end := m[5]
		if m[6] >= 0 {
			password, end = text[m[6]:m[7]], m[7]
		}
		if givesAway(user, password, host) && !commented(f, i, span.Start+m[0]) {
			out = append(out, dockerfile.Span{Start: span.Start + m[4], End: span.Start + end})
		}
	}
	for _, m := range connection.FindAllStringSubmatchIndex(text, 50) {
		host, password := text[m[2]:m[3]], text[m[4]:m[5]]
		if !madeLater.MatchString(password) && !ownMachine(host) && !knownToAll(password) && !commented(f, i, span.Start+m[0]) {
			out = append(out, dockerfile.Span{Start: span.Start + m[4], End: span.Start + m[5]})
		}
	}
	return out
}

// connection matches what says to a .NET program, or to one that knows ODBC, how to reach a database, with its password.
var connection = pattern.New(`(?i)\b(?:server|data source|host)\s*=\s*([^\s,;:"']{1,200})[^;"'\n]{0,50};` +
	`(?:[^;"'\n]+;)*?\s*(?:password|pwd)\s*=\s*([^;"'\s<>]{1,200})`)

// commented reports whether an offset lies in a comment inside the instruction.
func commented(_ *dockerfile.File, i *dockerfile.Instruction, at int) bool {
	return slices.ContainsFunc(i.Comments, func(c dockerfile.Span) bool { return c.Start <= at && at < c.End })
}

var madeLater = pattern.New("[$`{}%*]|\\.\\.\\.")

// givesAway reports whether a user and a password are more than stand-ins or what everybody knows.
func givesAway(user, password, host string) bool {
	if madeLater.MatchString(user) || madeLater.MatchString(password) || ownMachine(host) {
		return false
	}
	if password == "" || strings.EqualFold(password, "x-oauth-basic") {
		return len(user) >= 20 && strings.ContainsAny(user, "0123456789") && strings.ContainsAny(user, letters)
	}
	return !strings.EqualFold(user, password) && !knownToAll(password)
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// ownMachine reports whether a host is the machine itself or one of the documentation.
func ownMachine(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || host == "[" || strings.HasPrefix(host, "127.") || host == "0.0.0.0" || host == "host.docker.internal" {
		return true
	}
	for _, tail := range []string{"example.com", "example.org", "example.net", ".example", ".invalid", ".localhost", "yourdomain.com"} {
		if host == tail || strings.HasSuffix(host, tail) {
			return true
		}
	}
	return host == "host" || host == "hostname" || host == "example"
}

// knownWords are passwords that stand for one, or that everybody knows.
var knownWords = [...]string{
	"password", "passwd", "pass", "pwd", "pw", "secret", "token", "changeme", "change-me", "change_me", "root", "admin", "administrator",
	"user", "username", "postgres", "mysql", "mariadb", "mongo", "redis", "guest", "test", "testing", "tester", "dev", "demo", "example",
	"dummy", "fake", "placeholder", "foo", "bar", "foobar", "xxx", "xxxx", "default", "db", "app", "none", "todo", "build", "ci",
	"development", "local", "your-password", "your_password", "yourpassword", "mypassword", "my-password", "1234", "12345", "123456",
}

// knownToAll reports whether a value keeps no secret: it stands for one, or is a default of development.
func knownToAll(value string) bool {
	value = strings.ToLower(value)
	return slices.Contains(knownWords[:], value) || strings.Trim(value, "x*.-_0") == "" || strings.HasPrefix(value, "your")
}
