package prove

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// ownVariables match the names that applications give to places and settings of their own, at which no installer looks.
// PATH and PYTHONPATH are looked at elsewhere. The check has a list of its own, which was made without this one.
var ownVariables = pattern.New(`^(PATH|PYTHONPATH|GOPATH|HOME|PWD|APP|APPLICATION|PROJECT|SRC|SOURCE|CODE|WORK|WORKDIR|` +
	`SERVICE|SERVER|DATA|DATABASE|DB|LOG|LOGS|MEDIA|STATIC|PUBLIC|FLASK|DJANGO|GUNICORN|UVICORN|CELERY|ALEMBIC|AIRFLOW|` +
	`STREAMLIT|RAILS|RACK|SYMFONY|LARAVEL|SPRING|ASPNETCORE|PHX|NEXT|NUXT|VITE)(_\w*)?$`)

// settingsHomes are variables that name a directory in which programs look for settings, or files that they load.
var settingsHomes = strings.Fields("PHPRC PHP_INI_SCAN_DIR PYTHONHOME XDG_CONFIG_HOME XDG_CONFIG_DIRS LD_LIBRARY_PATH")

// pointed checks that a variable which a command may follow names nothing that the copy brings and that is not there before:
// a certificate, settings, a directory of packages.
func (p *placed) pointed(e effect, name, value string) error {
	if slices.Contains(settingsHomes, name) && slices.ContainsFunc(strings.Split(value, ":"), func(dir string) bool {
		return dir != "" && !apart(under(e.dir, dir), p.into())
	}) {
		return fmt.Errorf("the variable %s may make %s read the sources", name, e.name)
	}
	if ownVariables.MatchString(name) {
		return nil
	}
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\n:,;=|'\"", r) }) {
		if !strings.Contains(word, "/") && path.Ext(word) == "" {
			continue
		}
		at, ok := p.nameOf(under(e.dir, word))
		if !ok || covered(at, p.names) {
			continue
		}
		absent := p.everyContext(func(b buildcontext.Build) error {
			if _, err := fs.Lstat(b.Context, at); err == nil {
				return fs.ErrExist
			}
			return nil
		})
		if absent != nil {
			return fmt.Errorf("the variable %s names %s, which is not copied before", name, at)
		}
	}
	return nil
}
