package checks

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var uncheckedDownload = &check.Check{
	Name:     "unchecked-download",
	Family:   check.Pinning,
	Summary:  "what is downloaded is taken as it comes: an error page, unencrypted, or without its certificate checked",
	Severity: check.Warning,
	Aliases: []string{"CKV2_DOCKER_2", "CKV2_DOCKER_3", "CKV2_DOCKER_4", "CKV2_DOCKER_5", "CKV2_DOCKER_6", "CKV2_DOCKER_12",
		"CKV2_DOCKER_13", "CKV2_DOCKER_14", "CKV2_DOCKER_16"},
	Run: runUncheckedDownload,
}

func runUncheckedDownload(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		switch i.Keyword {
		case "RUN":
			downloadsIn(p, i)
		case "ADD":
			added(p, i)
		case "ENV", "ARG":
			for _, s := range assignments(i) {
				if unverifies(s) {
					p.Advise(i.Code(), "`"+s.name+"` turns the check of certificates off for every program that looks at it, "+
						"so anybody on the way can replace what is fetched", "which certificate is meant is yours to say")
				}
			}
		}
	}
	return nil
}

// added reports an ADD of a file from the web whose content nothing checks.
func added(p *check.Pass, i *dockerfile.Instruction) {
	if _, ok := i.Flag("checksum"); ok || len(i.Words) < 2 {
		return
	}
	for _, w := range i.Words[:len(i.Words)-1] {
		source := strings.Trim(w.Text, `"'`)
		if remote(source) && strings.HasPrefix(source, "http") && !strings.Contains(source, ".git") && !nearby.MatchString(source) {
			p.Advise(i.Code(), "ADD takes what the server has on the day of the build; with --checksum it takes only the file "+
				"that was meant", "the checksum of the file is not known here")
			return
		}
	}
}

// unverifies reports whether a variable turns the check of certificates off.
func unverifies(s assignment) bool {
	switch s.name {
	case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY":
		return s.value == "0"
	case "GIT_SSL_NO_VERIFY", "NPM_CONFIG_STRICT_SSL":
		return strings.EqualFold(s.value, "true") == (s.name == "GIT_SSL_NO_VERIFY") && s.value != ""
	}
	return false
}

// downloadsIn reports the worst of what the downloads of one RUN leave unchecked.
func downloadsIn(p *check.Pass, run *dockerfile.Instruction) {
	cmds, _ := commands(run)
	for _, look := range []func(dockerfile.Command) string{unverified, unencrypted, executed(run)} {
		for _, c := range cmds {
			if message := look(c); message != "" && !local(c) {
				p.Advise(run.Code(), message, "what the other end offers is not known here")
				return
			}
		}
	}
	r := rewording{
		message: "without `--fail` curl takes the server's error page for the file, and the build goes on with it",
		title:   "Fail when the server answers with an error", rule: fixes.FailsOnHTTPError,
	}
	for _, c := range cmds {
		if c.Name() == "curl" && takesErrorPages(run, c) && !local(c) {
			r.words = append(r.words, fixes.Rewording{At: c.Words[0].Span, Text: "-f"})
		}
	}
	if len(r.words) > 0 {
		r.report(p, run, run)
	}
}

// unverified says that a command does not check the certificate of the server.
func unverified(c dockerfile.Command) string {
	const message = "turns the check of certificates off, so anybody on the way can replace what is fetched"
	has := func(words ...string) bool {
		return slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return slices.Contains(words, w.Text) })
	}
	text := strings.Join(words(c), " ")
	switch c.Name() {
	case "curl":
		if has("-k", "--insecure") || slices.ContainsFunc(c.Args(), insecureCluster) {
			return "`curl --insecure` " + message
		}
	case "wget":
		if has("--no-check-certificate") {
			return "`wget --no-check-certificate` " + message
		}
	case "git":
		if sslVerify.MatchString(text) {
			return "`http.sslVerify=false` " + message
		}
	case "npm", "yarn", "pnpm":
		if strictSSL.MatchString(text) {
			return "`strict-ssl=false` " + message
		}
	case "pip", "pip3":
		if has("--trusted-host") || strings.Contains(text, "--trusted-host=") {
			return "`pip --trusted-host` " + message
		}
	}
	return ""
}

// insecureCluster reports whether a word is a bundle of curl's options with -k among them, and no value.
func insecureCluster(w dockerfile.Argument) bool {
	return insecure.MatchString(w.Text)
}

var (
	commentLine = pattern.New(`(?m)^\s*#.*$`)
	insecure    = pattern.New(`^-[fsSLOgJ#]*k[fsSLOgJ#o]*$`)
	sslVerify   = pattern.New(`(?i)http\.sslverify[= ]"?false`)
	strictSSL   = pattern.New(`strict-ssl[= ]"?false`)
	intoShell   = pattern.New(`^\|\s*(sudo\s+(-E\s+)?)?(/bin/|/usr/bin/)?(sh|bash|ash|dash|zsh|python3?|perl)\b`)
)

// executed looks for a download that goes straight into a shell.
func executed(run *dockerfile.Instruction) func(dockerfile.Command) string {
	return func(c dockerfile.Command) string {
		if run.Form != dockerfile.ExecForm && slices.Contains([]string{"curl", "wget"}, c.Name()) &&
			intoShell.MatchString(behind(run, c)) {
			return "whatever the server has on the day of the build is run as it comes; a fixed version with its checksum is not"
		}
		return ""
	}
}

// behind is the text of a RUN behind a command.
func behind(run *dockerfile.Instruction, c dockerfile.Command) string {
	text := run.File().Text(dockerfile.Span{Start: c.Span.End, End: run.Span.End})
	return strings.TrimLeft(commentLine.ReplaceAllString(text, ""), " \t\\\r\n")
}

// unencrypted says that a command downloads without encryption what is then used.
func unencrypted(c dockerfile.Command) string {
	if !slices.Contains([]string{"curl", "wget"}, c.Name()) {
		return ""
	}
	for _, w := range c.Args() {
		if strings.HasPrefix(strings.Trim(w.Text, `"'`), "http://") {
			return "the download is neither encrypted nor signed, so anybody on the way can replace it; use https where the server has it"
		}
	}
	return ""
}

func words(c dockerfile.Command) (out []string) {
	for _, w := range c.Words {
		out = append(out, w.Text)
	}
	return out
}

// nearby matches addresses of the same machine or network, where a server answers as its owner likes.
var nearby = pattern.New(`https?://(localhost|127\.|\[::1\]|0\.0\.0\.0|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|` +
	`169\.254\.|[^/:.$]+([:/]|$)|[^/]*\.(local|internal|lan|svc)([:/]|$))|https?://\$|https?://"?\$`)

// local reports whether a command talks to a server nearby, or to one that a variable names.
func local(c dockerfile.Command) bool {
	return slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
		return nearby.MatchString(strings.Trim(w.Text, `"'`))
	})
}

// takesErrorPages reports whether a curl writes what it gets to a file or a pipe and takes an error page as well.
func takesErrorPages(run *dockerfile.Instruction, c dockerfile.Command) bool {
	writes, url := piped(run, c), false
	for _, w := range c.Args() {
		text := strings.Trim(w.Text, `"'`)
		name, _, _ := strings.Cut(text, "=")
		switch {
		case slices.Contains([]string{"-f", "--fail", "--fail-with-body", "-w", "--write-out", "-I", "--head", "-i",
			"--include", "-X", "--request", "-d", "--data", "-T"}, name),
			bundle.MatchString(text) && strings.ContainsAny(text, "fwIi"), strings.HasPrefix(name, "$"):
			return false
		case text == "-o" || text == "-O" || name == "--output" || name == "--remote-name", bundle.MatchString(text) && strings.ContainsAny(text, "oO"):
			writes = true
		case strings.Contains(text, "://"):
			url = true
		}
	}
	return writes && url && !slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return w.Text == "/dev/null" })
}

// bundle matches several of curl's one-letter options in one word.
var bundle = pattern.New(`^-[A-Za-z#]{2,}$`)

// piped reports whether a command's output goes into a pipe or a file.
func piped(run *dockerfile.Instruction, c dockerfile.Command) bool {
	if run.Form == dockerfile.ExecForm {
		return false
	}
	if c.Stmt != nil && len(c.Stmt.Redirs) > 0 {
		return true
	}
	rest := behind(run, c)
	return strings.HasPrefix(rest, "|") && !strings.HasPrefix(rest, "||")
}
