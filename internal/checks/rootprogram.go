package checks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// program says why what the image starts is not known to run without root.
func (l launch) program(p *check.Pass) string {
	switch {
	case l.entrypoint == nil && l.cmd == nil:
		return "what the image runs is not said here"
	case l.entrypoint == nil && l.base.Entrypoint == "":
		return fmt.Sprintf("what the ENTRYPOINT of %s does is not known", l.says())
	case l.entrypoint == nil && l.base.Entrypoint == "own":
		return "" // the words are arguments of a program that is not started as root on purpose
	}
	if l.entrypoint == nil {
		return l.starts(p, l.cmd)
	}
	if l.cmd == nil || l.entrypoint.Form == dockerfile.ShellForm {
		return l.starts(p, l.entrypoint)
	}
	if l.continues(p, l.entrypoint) {
		return cmp.Or(l.starts(p, l.entrypoint), l.starts(p, l.cmd))
	}
	return l.runs(p, slices.Concat(texts(l.entrypoint.Words), texts(l.cmd.Words)))
}

// continues reports whether CMD is a command line of its own behind this ENTRYPOINT: an init, or a script that ends in
// running its arguments. Otherwise it is arguments.
func (l launch) continues(p *check.Pass, i *dockerfile.Instruction) bool {
	return forwards(i) || len(i.Words) > 0 && l.origin(p, i.Words[0].Text).tree != nil
}

// starts judges one CMD or ENTRYPOINT.
func (l launch) starts(p *check.Pass, i *dockerfile.Instruction) string {
	if i.Form == dockerfile.ExecForm {
		return l.runs(p, texts(i.Words))
	}
	script, err := i.Script()
	if err != nil {
		return "its shell script could not be read"
	}
	for _, c := range script.Calls() {
		if reason := l.call(p, c); reason != "" {
			return reason
		}
	}
	return ""
}

// call judges one command of a shell script.
func (l launch) call(p *check.Pass, c dockerfile.Command) string {
	if !c.Plain() {
		return fmt.Sprintf("%s sets variables or writes to files", commandName(c))
	}
	var words []string
	for _, w := range c.Words {
		words = append(words, w.Text)
	}
	if slices.ContainsFunc(words, private.MatchString) {
		return fmt.Sprintf("%s uses root's home, which no other user can enter", words[0])
	}
	if words[0] == "exec" && len(words) > 1 {
		words = words[1:]
	}
	if words[0] == `"$@"` || slices.Contains(shellSteps[:], words[0]) {
		return ""
	}
	return l.runs(p, words)
}

// shellSteps are commands of an entrypoint script that work for every user.
var shellSteps = [...]string{
	"set", "echo", "printf", "export", "cd", "test", "[", ":", "true", "false", "shift", "sleep", "date",
	"exit",
}

// runners are programs that read and run what they are given and need nothing of root themselves.
var runners = [...]string{
	"node", "bun", "python", "python3", "java", "dotnet", "ruby", "uvicorn", "gunicorn", "hypercorn", "daphne",
	"granian", "waitress-serve", "fastapi", "flask",
}

// switchers are programs that start as root to become somebody else, or to look after programs of several users.
var switchers = [...]string{
	"gosu", "su-exec", "setpriv", "su", "sudo", "runuser", "chroot", "s6-svscan", "s6-setuidgid", "init",
	"supervisord", "runsvdir", "runit", "cron", "crond", "sshd", "systemd",
}

var python = pattern.New(`^python3\.\d+$`)

// runs judges a command line.
func (l launch) runs(p *check.Pass, words []string) string {
	if len(words) == 0 {
		return "what the image runs is not said here"
	}
	name := path.Base(words[0])
	if name == "tini" || name == "dumb-init" {
		rest := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return strings.HasPrefix(w, "-") })
		if len(rest) == 0 {
			return ""
		}
		return l.runs(p, words[slices.Index(words, rest[0]):])
	}
	switch at := slices.IndexFunc(words, writesTo); {
	case at >= 0:
		return fmt.Sprintf("%s is told of %s, which may have to be written", name, words[at])
	case slices.Contains(switchers[:], name):
		return fmt.Sprintf("%s starts as root on purpose and decides itself who runs what", name)
	case name == "npm" || name == "yarn" || name == "pnpm":
		return l.packageScript(p, words)
	case slices.Contains(runners[:], name) || python.MatchString(name):
		return ""
	}
	return l.ownProgram(p, words[0])
}

// written matches arguments that name what a program writes: places of root, files of the kind that programs write, and
// steps of frameworks that store files.
var written = pattern.New(
	`(^|[=:])/(var|run|data)(/|$)|\.(db|log|pid|sock|sqlite3?)$|manage\.py$|^(collectstatic|migrate)$`)

func writesTo(word string) bool { return written.MatchString(word) }

// daemons are programs that people build themselves and that need root's powers, low ports, or a directory of their
// own.
var daemons = [...]string{
	"bird", "buildkitd", "caddy", "clair", "cni", "consul", "containerd", "coredns", "dnsmasq", "dockerd",
	"envoy", "etcd", "frr", "haproxy", "influxd", "kubelet", "minio", "named", "nginx", "node_exporter",
	"nomad", "openvpn", "prometheus", "restic", "runc", "tailscaled", "telegraf", "traefik", "unbound",
	"vault", "watchtower", "wg", "wireguard",
}

// ownProgram judges a program that the image brings.
func (l launch) ownProgram(p *check.Pass, program string) string {
	o := l.origin(p, program)
	switch name := path.Base(program); {
	case slices.Contains(daemons[:], name):
		return fmt.Sprintf("%s is known to need root, or to write where only root may", name)
	case o.tree != nil:
		return l.scriptFile(p, o)
	case path.Ext(program) == "" && (o.stage || l.built(program)):
		return ""
	}
	return fmt.Sprintf("whether %s runs without root is not known", program)
}

// built reports whether a RUN names the program as its output.
func (l launch) built(program string) bool {
	for _, i := range l.steps() {
		script, err := i.Script()
		if i.Keyword != "RUN" || err != nil {
			continue
		}
		dir := i.Stage.Before(i).Workdir
		for _, c := range script.Calls() {
			args := c.Args()
			for n := range args {
				if n > 0 && args[n-1].Text == "-o" && joined(dir, args[n].Text) == joined(l.workdir(), program) {
					return true
				}
			}
		}
	}
	return false
}

func joined(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// scriptFile judges a file of the repository that the image starts with.
func (l launch) scriptFile(p *check.Pass, o origin) string {
	head, err := o.head()
	if err != nil || len(head) == maxHead {
		return fmt.Sprintf("%s could not be read", o.file)
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return ""
	case bytes.HasPrefix(line, []byte("#!")) && bytes.HasSuffix(bytes.TrimRight(line, " \r"), []byte("sh")):
		return l.shellFile(p, o.file, head)
	}
	return fmt.Sprintf("whether %s runs without root is not known", o.file)
}

// shellFile reads a shell script as the builder would read it in a here-document.
func (l launch) shellFile(p *check.Pass, name string, text []byte) string {
	const end = "LIGHTERMAN_END"
	wrapped := "FROM scratch\nRUN <<'" + end + "'\n" + string(text) + "\n" + end + "\n"
	f, err := dockerfile.Parse(name, []byte(wrapped))
	if err != nil || len(f.Final().Instructions) != 1 {
		return fmt.Sprintf("%s could not be read", name)
	}
	script, err := f.Final().Instructions[0].Script()
	if err != nil {
		return fmt.Sprintf("%s could not be read", name)
	}
	for _, c := range script.Calls() {
		if reason := l.call(p, c); reason != "" {
			return fmt.Sprintf("%s: %s", name, reason)
		}
	}
	return ""
}

// packageScript judges "npm start" and the like by the script that package.json gives it.
func (l launch) packageScript(p *check.Pass, words []string) string {
	args := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool {
		return w == "run" || w == "run-script" || w == "--"
	})
	if len(args) != 1 || len(p.Builds) == 0 {
		return fmt.Sprintf("what %s runs is not known", strings.Join(words, " "))
	}
	for _, b := range p.Builds {
		var manifest struct{ Scripts map[string]string }
		text, err := fs.ReadFile(b.Context, "package.json")
		if err != nil || json.Unmarshal(text, &manifest) != nil || manifest.Scripts[args[0]] == "" {
			return fmt.Sprintf("what %s runs is not known", strings.Join(words, " "))
		}
		if manifest.Scripts["pre"+args[0]] != "" || manifest.Scripts["post"+args[0]] != "" {
			return fmt.Sprintf("%s runs further scripts", strings.Join(words, " "))
		}
		if _, err := fs.Stat(b.Context, ".yarnrc.yml"); err == nil {
			return "Yarn may keep the packages in root's home"
		}
		script := strings.Fields(manifest.Scripts[args[0]])
		if script[0] != "node" || strings.ContainsAny(manifest.Scripts[args[0]], "&|;<>$`()") {
			return fmt.Sprintf("whether %q, which %s runs, works without root is not known", script[0],
				strings.Join(words, " "))
		}
	}
	return ""
}
