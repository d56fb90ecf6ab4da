package checks

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// secretInEnv finds build arguments and environment variables that are named like secrets. It gives advice only: who
// passes the value, and how, is outside the Dockerfile. The value itself is never repeated: findings stand on the name.
var secretInEnv = &check.Check{
	Name:     "secret-in-env",
	Family:   check.Hygiene,
	Summary:  "a secret is passed through ARG or ENV, which keep it readable in the image or its build records",
	Severity: check.Warning,
	Private:  true,
	Aliases:  []string{"SecretsUsedInArgOrEnv", "DL3064"},
	Run:      runSecretInEnv,
}

func runSecretInEnv(p *check.Pass) error {
	seen := map[string]bool{}
	for _, i := range p.File.Instructions {
		if i.Keyword != "ARG" && i.Keyword != "ENV" {
			continue
		}
		for _, s := range assignments(i) {
			key := i.Keyword + " " + s.name
			if !seen[key] && s.secret(i.Keyword) && !toldBetter(i, s) {
				seen[key] = true
				adviseSecret(p, i, s)
			}
		}
	}
	return nil
}

func adviseSecret(p *check.Pass, i *dockerfile.Instruction, s assignment) {
	where := "stays in the image's configuration, where everyone who can pull the image reads it"
	switch {
	case i.Keyword == "ARG" && i.Stage != nil && i.Stage.Shipped():
		where = "is written into the image's history, where everyone who can pull the image reads it"
	case i.Keyword == "ARG" || !i.Stage.Shipped():
		where = "is kept in the build cache and the build's provenance, where it outlives the build"
	}
	message := fmt.Sprintf("%s `%s` is named like a secret, and its value %s", i.Keyword, s.name, where)
	p.Advise(s.at, message, outside(p, s.name))
}

// outside says how a value comes from outside: the line for the Dockerfile, and what those who build it write, by the files
// that say how it is built.
func outside(p *check.Pass, name string) string {
	id := strings.ToLower(name)
	const mount = "the value has to come from outside: mount it into the step that needs it with " +
		"`RUN --mount=type=secret,id=%s,env=%s`, built with %s, or set it when the container starts"
	return fmt.Sprintf(mount, id, name, handed(p, id, name))
}

// handed is what hands a secret to the build.
func handed(p *check.Pass, id, name string) string {
	for _, b := range p.Builds {
		file, _, _ := strings.Cut(b.Origin, ",")
		switch {
		case strings.HasPrefix(file, ".github/workflows/"):
			return fmt.Sprintf("`secrets: %s=${{ secrets.%s }}` in %s", id, name, file)
		case b.Service:
			return fmt.Sprintf("`secrets: [%s]` under build and `environment: %s` under the secret in %s", id, name, file)
		}
	}
	return fmt.Sprintf("`--secret id=%s,env=%s`", id, name)
}

// toldBetter reports whether the value itself is a credential of a known kind, of which secret-value speaks.
func toldBetter(i *dockerfile.Instruction, s assignment) bool {
	all, err := credentials(i)
	return err == nil && slices.ContainsFunc(all, func(c credential) bool { return c.at == s.at })
}

// A assignment is one name, with its value, that an ARG or ENV sets.
type assignment struct {
	name  string
	value string
	set   bool            // whether a value is given at all
	at    dockerfile.Span // of the name alone
}

// assignments are the names that an instruction sets. "ENV name value" is the old form of one assignment.
func assignments(i *dockerfile.Instruction) []assignment {
	var out []assignment
	for n, w := range i.Words {
		name, value, set := strings.Cut(w.Text, "=")
		if i.Keyword == "ENV" && n == 0 && !set {
			value = strings.TrimSpace(strings.TrimPrefix(i.Text(), name))
			return []assignment{{name, unquoted(value), value != "", w.Span}}
		}
		at := dockerfile.Span{Start: w.Span.Start, End: min(w.Span.Start+len(name), w.Span.End)}
		out = append(out, assignment{name, unquoted(value), set, at})
	}
	return out
}

func unquoted(value string) string {
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		return value[1 : len(value)-1]
	}
	return value
}

// secret reports whether the assignment holds, or is there to be given, a secret. An ENV without a value is a
// placeholder that the container's start fills in; an ARG without one is asked for when building.
func (s assignment) secret(keyword string) bool {
	parts := nameParts(s.name)
	if !secretName(parts) {
		return false
	}
	if s.value == "" {
		return keyword == "ARG"
	}
	return !harmlessValue(s.value)
}

// nonSecret are words that make of a name something that may be read by all, or not a secret at all: PUBLIC_KEY,
// SECRET_KEY_BASE_DUMMY, ALLOW_EMPTY_PASSWORD.
var nonSecret = [...]string{
	"PUBLIC", "PUBLISHABLE", "PUB", "DUMMY", "FAKE", "EXAMPLE", "PLACEHOLDER", "ALLOW", "ENABLE", "ENABLED",
	"DISABLE", "DISABLED", "REQUIRE", "REQUIRED", "SKIP", "HAS", "IS", "NO", "USE", "WITHOUT",
}

// secretNouns are what a secret's name ends with.
var secretNouns = [...]string{
	"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS", "APIKEY", "AUTHTOKEN",
	"ACCESSTOKEN", "SECRETKEY", "PRIVATEKEY", "ACCESSKEY",
}

// secretPairs are secrets that two words name; the first alone or the second alone is not one.
var secretPairs = [...]string{
	"API KEY", "API KEYS", "PRIVATE KEY", "SECRET KEY", "ACCESS KEY", "ENCRYPTION KEY", "SIGNING KEY",
	"MASTER KEY", "LICENSE KEY", "DEPLOY KEY", "SSH KEY", "JWT KEY", "AUTH KEY", "ACCOUNT KEY", "STORAGE KEY",
	"HMAC KEY", "APP KEY", "KEY BASE", "DB PASS", "DATABASE PASS", "MYSQL PASS", "POSTGRES PASS", "PG PASS",
	"REDIS PASS", "MONGO PASS", "RABBITMQ PASS", "SMTP PASS", "MAIL PASS", "EMAIL PASS", "FTP PASS",
	"ADMIN PASS", "ROOT PASS", "USER PASS", "AUTH PASS", "DB PWD", "MYSQL PWD", "POSTGRES PWD", "SA PWD",
	"ADMIN PWD", "ROOT PWD", "USER PWD", "GITHUB PAT", "GH PAT", "GITLAB PAT", "AZURE PAT", "DEVOPS PAT",
}

// tails are words after the noun that leave the name a secret's: API_KEY_BASE64, AWS_ACCESS_KEY_ID.
var tails = [...]string{"VALUE", "BASE64", "B64", "STRING", "TEXT", "RAW", "PROD", "DEV", "STAGING", "TEST"}

// secretName reports whether the words of a name are those of a secret: what it is called last decides, so that
// TOKEN_URL, PASSWORD_FILE, SECRET_NAME, AUTH_MODE and KEY_DIR are none.
func secretName(parts []string) bool {
	for len(parts) > 1 && slices.Contains(tails[:], parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	if n := len(parts); n > 2 && strings.Join(parts[n-3:], " ") == "ACCESS KEY ID" {
		parts = parts[:n-1]
	}
	open := func(word string) bool { return slices.Contains(nonSecret[:], word) }
	if len(parts) == 0 || slices.ContainsFunc(parts, open) || bundledForBrowsers(parts) {
		return false
	}
	last := parts[len(parts)-1]
	if slices.Contains(secretNouns[:], last) {
		return true
	}
	return len(parts) > 1 && slices.Contains(secretPairs[:], parts[len(parts)-2]+" "+last)
}

// bundledForBrowsers reports whether a name begins as those do that a bundler writes into the page for all to read.
func bundledForBrowsers(parts []string) bool {
	return parts[0] == "VITE" || len(parts) > 1 && parts[0] == "REACT" && parts[1] == "APP"
}

// nameParts are the words of a name in upper case: GITHUB_TOKEN, githubToken and github-token are all two. Digits at
// the end of a word do not count, as in PASSWORD2, but for the name of an encoding.
func nameParts(name string) []string {
	var parts []string
	between := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, part := range strings.FieldsFunc(name, between) {
		for _, word := range humps(part) {
			word = strings.ToUpper(word)
			if word != "BASE64" && word != "B64" {
				word = strings.TrimRight(word, "0123456789")
			}
			if word != "" {
				parts = append(parts, word)
			}
		}
	}
	return parts
}

// humps splits camel case: "AWSSecretKey" is AWS, Secret, Key.
func humps(word string) []string {
	runes := []rune(word)
	var out []string
	start := 0
	for k := 1; k < len(runes); k++ {
		rises := unicode.IsUpper(runes[k]) && !unicode.IsUpper(runes[k-1])
		falls := unicode.IsUpper(runes[k]) && k+1 < len(runes) && unicode.IsLower(runes[k+1])
		if rises && unicode.IsLower(runes[k-1]) || falls {
			out = append(out, string(runes[start:k]))
			start = k
		}
	}
	return append(out, string(runes[start:]))
}

// harmlessValue reports whether a value is plainly none: a switch, a path to a file, a word that stands for nothing.
func harmlessValue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "undefined", "unset", "dummy", "placeholder",
		"example", "fake", "empty", "todo":
		return true
	}
	return knownToAll(value) || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "<") && strings.HasSuffix(value, ">") ||
		strings.Trim(value, "*xX.-_") == ""
}
