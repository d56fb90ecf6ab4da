package ecosystem

import (
	"maps"
	"path"
	"slices"
)

var pipenvOptions = options{
	switches: []string{"--deploy", "--system", "--dev", "-d", "--ignore-pipfile", "--skip-lock", "--verbose", "-v",
		"--quiet", "-q", "--clear", "--site-packages", "--no-site-packages", "--pre", "--keep-outdated", "--sequential"},
	values: []string{"--python", "--pypi-mirror", "-i", "--index", "--categories"},
}

// pipenv knows the pipenv command; see https://pipenv.pypa.io/en/latest/commands.html.
func pipenv(words []string) verdict {
	words = asModule(words, "pipenv")
	if path.Base(words[0]) != "pipenv" {
		return verdict{}
	}
	o := pipenvOptions
	o.switches = append(slices.Clone(o.switches), "--version")
	p := o.parse(words[1:])
	switch sub := first(p.rest); {
	case sub == "" && p.has("--version"):
		return verdict{kind: harmless}
	case sub == "install", sub == "sync":
		v := pipenvInstall(p)
		if len(p.rest) > 1 {
			v.unknown = either(v.unknown, "it adds packages to the Pipfile, which a later copy of the sources would undo")
		}
		return v
	case sub == "lock", sub == "update", sub == "upgrade":
		v := pipenvInstall(p)
		v.unknown = "pipenv " + sub + " changes Pipfile.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

func pipenvInstall(p parsed) verdict {
	v := verdict{kind: install, manager: "pipenv", addsTo: []string{"pipenv"}, unknown: either(p.doubt(), p.indexes())}
	v.read = func(r *reading) {
		for _, name := range []string{".env", "pylock.toml"} {
			if name = path.Join(r.dir, name); r.there(name) {
				r.refuse("pipenv takes settings from %s as well", name)
			}
		}
		r.optional(r.dir, "Pipfile.lock")
		if venv := path.Join(r.dir, ".venv"); !p.has("--system") && (r.truthy("PIPENV_VENV_IN_PROJECT") || r.there(venv)) {
			r.writes(venv)
		}
		if at := r.variable("WORKON_HOME"); at != "" && !p.has("--system") {
			r.writes(join(r.dir, at))
		}
		f := pyproject{reading: r, name: path.Join(r.dir, "Pipfile")}
		if r.toml(f.name, &f.all) {
			f.pipfile()
		}
	}
	return v
}

// pipfile refuses packages that are part of the sources: every table but these is a category of packages. See
// https://pipenv.pypa.io/en/latest/pipfile.html.
func (p pyproject) pipfile() {
	for _, key := range slices.Sorted(maps.Keys(p.all)) {
		switch key {
		case "requires", "scripts", "pipenv":
		case "source":
			for _, source := range tables(p.all[key]) {
				address, _ := source["url"].(string)
				p.remote(p.name, address)
			}
		default:
			p.places(p.all[key], "path", "file")
		}
	}
}
