package trial

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
)

// An expectation is what an Intent says about two builds.
type expectation struct {
	words  string                          // what may differ, for people: "nothing", "only config.User"
	allows func(d Difference) bool         // whether a difference is part of the promise
	lacks  func(all []Difference) []string // what the promise says must differ, and does not
	fails  bool                            // the file before is promised not to build
	probe  bool                            // whether the program still starts is to be tried
}

// expected is what an Intent says; ok is false for one that nothing is known of, which then proves nothing.
func expected(intent fixes.Intent) (e expectation, ok bool) {
	switch i := intent.(type) {
	case fixes.Unchanged, fixes.Respelled, fixes.Reordered, fixes.MergedRuns, fixes.CopiedPlainly, fixes.Pinned,
		fixes.Rooted, fixes.Entered, fixes.PipeFails, fixes.Deferred:
		return nothing("nothing"), true
	case fixes.OwnedCopies:
		return nothing("nothing but the size"), true
	case fixes.Appended:
		return leaves(cleaned(i.Command)), true
	case fixes.CacheMounted:
		return leaves([]string{i.Target}), true
	case fixes.RunsAs:
		return runsAs(i), true
	case fixes.StartsDirectly:
		return starts(i), true
	case fixes.RanByRoot:
		return ranByRoot(), true
	case fixes.Labelled:
		return labelled(i), true
	case fixes.TwoStages:
		return twoStages(i), true
	case fixes.Ignored:
		return ignored(i.Patterns), true
	case fixes.Reworded:
		return reworded(i.Rule)
	}
	return expectation{}, false
}

// nothing expects that all is as it was.
func nothing(words string) expectation {
	return expectation{words: words, allows: func(Difference) bool { return false }}
}

// leaves expects that files below the directories go, and nothing else.
func leaves(dirs []string) expectation {
	return expectation{
		words:  "only files below " + strings.Join(dirs, ", ") + " go",
		allows: func(d Difference) bool { return d.What == removed && below(d.Path, dirs) },
	}
}

// below reports whether a path is one of the directories or lies in one.
func below(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
}

// cleaners are commands that empty a manager's cache, and where it is.
var cleaners = map[string][]string{
	"apt-get clean":            {"/var/cache/apt"},
	"npm cache clean --force":  {"/root/.npm", "/home/node/.npm"},
	"yarn cache clean":         {"/usr/local/share/.cache", "/root/.cache/yarn", "/root/.yarn", "/tmp"},
	"yarn cache clean --all":   {"/usr/local/share/.cache", "/root/.cache/yarn", "/root/.yarn", "/tmp"},
	"dnf clean all":            {"/var/cache/dnf", "/var/cache/libdnf5"},
	"microdnf clean all":       {"/var/cache/dnf", "/var/cache/yum"},
	"yum clean all":            {"/var/cache/yum", "/var/cache/dnf"},
	"zypper clean --all":       {"/var/cache/zypp"},
	"rm -rf /var/cache/apk/*":  {"/var/cache/apk"},
	"pip cache purge":          {"/root/.cache/pip"},
	"rm -rf /root/.cache/pip":  {"/root/.cache"},
	"composer clear-cache":     {"/root/.composer", "/root/.cache/composer", "/tmp"},
	"pnpm store prune":         {"/root/.local/share/pnpm", "/root/.cache/pnpm"},
	"bun pm cache rm":          {"/root/.bun"},
	"poetry cache clear --all": {"/root/.cache/pypoetry"},
}

// cleaned are the directories that a cleanup empties: those of a known cleaner, else the absolute arguments of rm.
func cleaned(command string) []string {
	if dirs, ok := cleaners[command]; ok {
		return dirs
	}
	words := strings.Fields(command)
	if len(words) == 0 || words[0] != "rm" {
		return nil
	}
	var dirs []string
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "/") && len(w) > 1 {
			dirs = append(dirs, strings.TrimSuffix(w, "/*"))
		}
	}
	return dirs
}

// ignored expects that files which the patterns match go, wherever the context was copied to.
func ignored(patterns []string) expectation {
	return expectation{
		words: "only files that match " + strings.Join(patterns, ", ") + " go",
		allows: func(d Difference) bool {
			return d.What == removed && slices.ContainsFunc(patterns, func(p string) bool { return matches(d.Path, p) })
		},
	}
}

// matches reports whether some part of a path, or of that of a directory above it, matches an ignore file's pattern.
func matches(name, pattern string) bool {
	pattern = strings.Trim(strings.TrimPrefix(pattern, "**/"), "/")
	parts := strings.Split(strings.Trim(name, "/"), "/")
	length := strings.Count(pattern, "/") + 1
	for n := 0; n+length <= len(parts); n++ {
		if ok, err := path.Match(pattern, strings.Join(parts[n:n+length], "/")); err == nil && ok {
			return true
		}
	}
	return false
}

// accounts are the files that programs which make an account write, the old versions that they keep included.
var accounts = []string{
	"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
	"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
	"/var/log/faillog", "/var/log/lastlog", "/etc/.pwd.lock",
}

// runsAs expects another user and, when an account is made, the files that hold accounts.
func runsAs(i fixes.RunsAs) expectation {
	e := setsConfig("User", i.User)
	e.probe = true
	if i.Create == "" {
		return e
	}
	e.words += ", and the files of accounts"
	only := e.allows
	owned := handed(i.Create)
	e.allows = func(d Difference) bool {
		switch {
		case only(d), slices.Contains(accounts, d.Path):
			return true
		case d.What == added:
			return strings.HasPrefix(d.Path, "/home/") || d.Path == "/home" || below(d.Path, owned)
		}
		return d.What == owner && below(d.Path, owned)
	}
	return e
}

// handed are the paths that the command which makes the account also gives to it.
func handed(create string) []string {
	var out []string
	for _, command := range strings.Split(create, "&&") {
		words := strings.Fields(command)
		if len(words) > 0 && slices.Contains([]string{"chown", "mkdir", "install"}, words[0]) {
			for _, w := range words[1:] {
				if strings.HasPrefix(w, "/") && len(w) > 1 {
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// setsConfig expects that one field of the configuration has that value afterwards, and that no other differs.
func setsConfig(field string, value any) expectation {
	want, _ := json.Marshal(value) // strings and lists of them
	is := func(d Difference) bool { return d.What == config && d.Path == field && d.After == string(want) }
	return expectation{
		words:  fmt.Sprintf("only config.%s, which is %s", field, want),
		allows: is,
		lacks: func(all []Difference) []string {
			if slices.ContainsFunc(all, is) {
				return nil
			}
			return []string{"config." + field + " is not " + string(want)}
		},
	}
}

// ranByRoot expects that the step which could not work does, once root runs it.
func ranByRoot() expectation {
	e := nothing("the step that needs root fails before, and builds afterwards")
	e.fails = true
	return e
}

// labelled expects that the author's field is empty and a label tells it.
func labelled(i fixes.Labelled) expectation {
	told := func(d Difference) bool {
		var labels map[string]string
		return d.What == config && d.Path == "Labels" && json.Unmarshal([]byte(d.After), &labels) == nil &&
			labels[fixes.AuthorsLabel] == i.Value
	}
	return expectation{
		words:  "only the author, which a label tells",
		allows: func(d Difference) bool { return told(d) || d.What == config && d.Path == "author" && d.After == "" },
		lacks: func(all []Difference) []string {
			if slices.ContainsFunc(all, told) {
				return nil
			}
			return []string{"the label does not say " + i.Value}
		},
	}
}

func starts(i fixes.StartsDirectly) expectation {
	field := "Cmd"
	if i.Keyword == "ENTRYPOINT" {
		field = "Entrypoint"
	}
	e := setsConfig(field, i.Words)
	e.probe = true
	return e
}

// twoStages expects that nothing of the old image is left but the program, which starts as before.
func twoStages(i fixes.TwoStages) expectation {
	settings := []string{"Cmd", "Entrypoint", "WorkingDir", "Labels", "ExposedPorts", "StopSignal"}
	return expectation{
		words: "everything but " + i.Program + " and how it starts",
		allows: func(d Difference) bool {
			return d.Path != i.Program && !slices.ContainsFunc(settings, func(name string) bool {
				return d.Path == name || d.Path == "config."+name
			})
		},
		probe: true,
	}
}

// packageRecords are the files in which apt and dpkg, and what they start, keep book of what is installed.
var packageRecords = []string{
	"/var/lib/dpkg", "/var/lib/apt/extended_states", "/var/log", "/var/cache", "/etc/ld.so.cache", "/etc/alternatives",
	"/usr/share/mime", "/etc/mime.types",
}

func reworded(rule fixes.Rule) (expectation, bool) {
	switch rule {
	case fixes.ApkKeepsNothing:
		return leaves([]string{"/var/cache/apk", "/etc/apk/cache"}), true
	case fixes.PipKeepsNothing:
		return leaves([]string{"/root/.cache"}), true
	case fixes.GemNoDocuments:
		return leaves([]string{"/usr/local/bundle/doc", "/usr/local/lib/ruby", "/var/lib/gems"}), true
	case fixes.AssumesYes:
		e := nothing("the step that asked fails before, and builds afterwards")
		e.fails = true
		return e, true
	case fixes.NoRecommends:
		return expectation{
			words: "only files of recommended packages go, and the records of packages",
			allows: func(d Difference) bool {
				return d.What == removed || d.What != config && below(d.Path, packageRecords) ||
					d.What == content && slices.Contains(accounts, d.Path) || // those that a package's scripts make
					below(d.Path, []string{"/etc/ssl/certs", "/usr/share/ca-certificates"})
			},
		}, true
	case fixes.StableApt, fixes.FailsOnHTTPError, fixes.FrozenInstall:
		return nothing("nothing"), true
	case fixes.WithoutDebugInfo, fixes.WithoutSymbols, fixes.WithoutCgo:
		return rebuilt(), true
	case fixes.NoDevelopment:
		return expectation{
			words: "only files of development packages go, and the record of packages",
			allows: func(d Difference) bool {
				return d.What == removed || d.What == content && path.Base(d.Path) == ".package-lock.json"
			},
			probe: true,
		}, true
	case fixes.WithoutSudo:
		return leaves([]string{"/run/sudo", "/var/lib/sudo"}), true
	}
	return expectation{}, false
}

// rebuilt expects that programs are other bytes, and run as before.
func rebuilt() expectation {
	program := func(d Difference) bool {
		return d.What == content && !below(d.Path, []string{"/etc", "/lib", "/usr/lib", "/usr/share", "/var", "/root"})
	}
	return expectation{
		words:  "only the bytes of programs",
		allows: program,
		lacks: func(all []Difference) []string {
			if slices.ContainsFunc(all, program) {
				return nil
			}
			return []string{"no program has other bytes"}
		},
		probe: true,
	}
}

// together is what several Intents say when their fixes are made at once.
func together(intents []fixes.Intent) (expectation, error) {
	var all []expectation
	for _, i := range intents {
		e, ok := expected(i)
		if !ok {
			return e, fmt.Errorf("what two builds show of a promise of the kind %T is not known", i)
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return union(all), nil
}

func union(all []expectation) expectation {
	out := expectation{
		allows: func(d Difference) bool {
			return slices.ContainsFunc(all, func(e expectation) bool { return e.allows(d) })
		},
		lacks: func(d []Difference) []string {
			var out []string
			for _, e := range all {
				if e.lacks != nil {
					out = append(out, e.lacks(d)...)
				}
			}
			return out
		},
	}
	var words []string
	for _, e := range all {
		out.fails, out.probe = out.fails || e.fails, out.probe || e.probe
		if !slices.Contains(words, e.words) {
			words = append(words, e.words)
		}
	}
	out.words = strings.Join(words, "; ")
	return out
}
