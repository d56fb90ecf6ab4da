package checks

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// sources says what the files that the image starts with do that may need root: listen on a low port, or write files. Only
// files that the command line names are looked into, and only for what is plain to see there.
func (l launch) sources(p *check.Pass) string {
	for _, name := range l.started() {
		o := l.file(p, name)
		if o.tree == nil {
			continue
		}
		text, err := o.head()
		if err != nil || bytes.HasPrefix(text, []byte("\x7fELF")) {
			continue
		}
		if port := listensOn(text); port != "" {
			return fmt.Sprintf("%s speaks of port %s, and ports below 1024 may need root", o.file, port)
		}
		if m := writing.FindSubmatch(text); m != nil {
			return fmt.Sprintf("%s writes files (%s), and where it does may be open to root only", o.file,
				bytes.Trim(m[1], " (.,"))
		}
	}
	return l.settings(p)
}

// settingFiles are the main sources of programs that are built, and what servers of Java and .NET are set by.
var settingFiles = strings.Fields(`main.go cmd/*/main.go src/main.rs src/bin/*.rs application*.properties application*.y*ml
	src/main/resources/application*.properties src/main/resources/application*.y*ml
	*/src/main/resources/application*.properties */src/main/resources/application*.y*ml appsettings*.json */appsettings*.json
	*/*/appsettings*.json`)

// listenURL finds the port of an address that a .NET server is set to.
var listenURL = pattern.New(`"Urls?"\s*:\s*"[^"]*:([0-9]{1,5})[/;"]`)

// literalWrite matches calls that write a file of a literal name, anywhere but in /tmp.
var literalWrite = pattern.New(`((?:os|fs|File)(?:\.|::)(?:WriteFile|Create|OpenFile|MkdirAll|Mkdir|write|create|create_dir_all)` +
	`\("(?:[^/"]|/[^t"])[^"]*")`)

// settings says what the sources and settings of the program, which no command line names, tell of ports and files.
func (l launch) settings(p *check.Pass) string {
	for _, b := range p.Builds {
		for _, name := range together(b.Context, settingFiles) {
			if reason := setting(b.Context, name); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// file is a file that a command line names, relative to where the program starts.
func (l launch) file(p *check.Pass, name string) origin {
	if !path.IsAbs(name) {
		name = "./" + name
	}
	if o := l.origin(p, name); o.tree != nil {
		return o
	}
	o, _ := contextFile(p, []string{strings.TrimPrefix(path.Clean("/"+name), "/")})
	return o
}

// started are the files that the command lines may start, as they are named there: node's and python's scripts, settings of
// servers, and the modules "app:app" and "-m app".
func (l launch) started() []string {
	var out []string
	for _, i := range l.starting() {
		words := startWords(i)
		for k, w := range words {
			w = strings.Trim(w, `"'`)
			module, _, attribute := strings.Cut(w, ":")
			switch {
			case attribute && moduleName.MatchString(module), k > 0 && words[k-1] == "-m":
				file := strings.ReplaceAll(module, ".", "/")
				out = append(out, file+".py", file+"/__init__.py", file+"/__main__.py")
			case w == "flask" || w == "fastapi":
				out = append(out, "app.py", "wsgi.py", "main.py")
			case w == "gunicorn":
				out = append(out, "gunicorn.conf.py")
			case w == ".":
				out = append(out, "index.js", "server.js", "main.js")
			default:
				_, value, joined := strings.Cut(w, "=")
				if joined && strings.HasPrefix(w, "-") {
					w = value
				}
				out = append(out, w, w+".js")
			}
		}
	}
	return out
}

// startWords are the words of an instruction that starts something, those of all its commands where a shell reads them.
func startWords(i *dockerfile.Instruction) []string {
	if i.Form == dockerfile.ExecForm {
		return texts(i.Words)
	}
	var out []string
	cmds, _ := commands(i)
	for _, c := range cmds {
		for _, w := range c.Words {
			out = append(out, w.Text)
		}
	}
	return out
}

var moduleName = pattern.New(`^[A-Za-z_][\w.]*$`)

var (
	// portName finds what is called a port, or listens, with a number behind it: listen(80), port=80, bind = ":80", PORT || 80.
	portName = pattern.New(
		`(\w*(?:[Ll]isten|LISTEN|[Bb]ind|BIND|[Pp]ort|PORT|[Aa]ddr|ADDR)\w*)["'\])]*\s*(?:[:=(,]|\|\||\?\?)+\s*["'(]*(?:int\()?` +
			`(?:[\w.*\[\]]*:)?([0-9]{1,5})(?:[^0-9.\w]|$)`)
	// notPort are words that end like one.
	notPort = pattern.New(`(?i)(?:im|ex|re|sup|trans|pass|view)ports?$`)
)

// listensOn is the low port that a source speaks of, "" for none.
func listensOn(text []byte) string {
	for _, m := range portName.FindAllSubmatch(text, -1) {
		if low(string(m[2])) && !notPort.Match(m[1]) {
			return string(m[2])
		}
	}
	return ""
}

// writing matches calls that make files.
var writing = pattern.New(`((?:FileHandler|RotatingFile|createWriteStream|writeFile|appendFile|mkdirSync|fs\.mkdir|` +
	`os\.mkdir|makedirs|\.mkdir\(|sqlite|lowdb|shelve\.open|UPLOAD_FOLDER|File\.write|FileUtils)\w*|` +
	`\bopen\([^)\n]*,\s*(?:mode=)?["'][rb+]*[wax])`)

// wellKnown are the low ports that servers are commonly told to listen on.
var wellKnown = strings.Fields("21 22 23 25 53 67 69 80 110 123 143 161 389 443 465 514 587 636 853 989 990 993 995")

// shortPort matches -p80.
var shortPort = pattern.New(`^-[pP]=?([0-9]{1,5})$`)

// toldPort is a low port among the words of the command lines, "" for none.
func (l launch) toldPort() string {
	for _, i := range l.starting() {
		for k, w := range startWords(i) {
			w = strings.Trim(w, `"'`)
			if m := shortPort.FindStringSubmatch(w); m != nil && low(m[1]) {
				return m[1]
			}
			if k > 0 && slices.Contains(wellKnown, w) {
				return w
			}
		}
	}
	return ""
}

// setting says what one such file tells.
func setting(context fs.FS, name string) string {
	text, err := readHead(context, name)
	if err != nil {
		return ""
	}
	port := listensOn(text)
	if m := listenURL.FindSubmatch(text); m != nil && low(string(m[1])) {
		port = string(m[1])
	}
	if port != "" {
		return fmt.Sprintf("%s speaks of port %s, and ports below 1024 may need root", name, port)
	}
	if m := literalWrite.FindSubmatch(text); m != nil {
		return fmt.Sprintf("%s writes files (%s), and where it does may be open to root only", name, m[1])
	}
	return ""
}

// keyTools make files that only their owner can read, and directories that only their owner can enter.
var keyTools = strings.Fields(`ssh-keygen certtool mkcert cfssl cfssljson step certstrap easyrsa minica certbot age-keygen
	dropbearkey wg`)

// secretOutput are the commands of openssl and gpg that write private keys.
var secretOutput = pattern.New(`^(genrsa|req|genpkey|ecparam|pkcs12|rsa|ec|pkey|gendsa|--gen-key|--full-gen-key|` +
	`--quick-gen-key|--export-secret.*|--decrypt|-d)$`)

// makesPrivate reports whether a command makes files that others cannot read.
func makesPrivate(name string, words []string) bool {
	name = path.Base(name)
	return slices.Contains(keyTools, name) ||
		(name == "openssl" || name == "gpg") && slices.ContainsFunc(words, secretOutput.MatchString)
}
