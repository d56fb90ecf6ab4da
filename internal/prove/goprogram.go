package prove

import (
	"errors"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// withoutCgo: a go build gains CGO_ENABLED=0, and the program's own code needs no C.
func withoutCgo(r rewrite) error {
	added, err := r.added()
	if err != nil {
		return err
	}
	for at, word := range added {
		if len(added) != 1 || word != "CGO_ENABLED=0" || at > r.sets {
			return fmt.Errorf("%s is added", word)
		}
	}
	if err := r.buildsGo(""); err != nil {
		return err
	}
	if err := plainBuild(r.was[r.sets+2:]); err != nil {
		return err
	}
	if strings.Contains(string(r.Before), "CGO_ENABLED") {
		return errors.New("the file says elsewhere whether cgo is on")
	}
	if looksForLibraries.Match(r.Before) {
		return fmt.Errorf("the file looks for the program's libraries (%s)", looksForLibraries.Find(r.Before))
	}
	if makesCgo.Match(r.Before) {
		return errors.New("code is made that needs C")
	}
	return r.eachGoFile(func(name string, text []byte) error {
		switch {
		case path.Base(name) == "go.mod" && cgoModules.Match(text):
			return fmt.Errorf("%s in %s needs C code", cgoModules.Find(text), name)
		case path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/"):
			return nil
		}
		return sameWithoutCgo(name, text)
	})
}

// looksForLibraries matches programs that tell which libraries others need, and fail where there are none.
var looksForLibraries = pattern.New(`\b(ldd|lddtree|patchelf|readelf|ld-linux|ld-musl)\b`)

// makesCgo matches programs that make Go code with C in it.
var makesCgo = pattern.New(`\b(swig|c-for-go|gomobile|go tool cgo)\b`)

// plainFlags are the flags of go build that have nothing to do with how the program is linked: switches, and those that
// take a value.
const (
	plainSwitches = "-trimpath -v -a -x -n -work -modcacherw -buildvcs -i"
	plainValues   = "-o -ldflags -tags -mod -modfile -p -C -gcflags -installsuffix -pkgdir -buildvcs"
)

// plainBuild checks the words of a go build behind its verb.
func plainBuild(words []dockerfile.Argument) error {
	for k := 0; k < len(words); k++ {
		name, value, joined := strings.Cut(strings.Replace(words[k].Text, "--", "-", 1), "=")
		switch {
		case !strings.HasPrefix(name, "-"), among(plainSwitches, name) && (!joined || name == "-buildvcs"):
			continue
		case !among(plainValues, name):
			return fmt.Errorf("%s may say otherwise", words[k].Text)
		case !joined && k+1 < len(words):
			k++
			value = words[k].Text
		}
		switch {
		case strings.Contains(value, "linkmode"):
			return errors.New("-linkmode may ask for the C compiler's linker")
		case strings.Contains(value, "extld"):
			return errors.New("-extldflags is for the C compiler's linker")
		case name == "-tags" && strings.Contains(value, "cgo"):
			return fmt.Errorf("%s says something about cgo", value)
		}
	}
	return nil
}

// sameWithoutCgo checks that a file of Go says the same whether or not cgo is on.
func sameWithoutCgo(name string, text []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return fmt.Errorf("%s is not Go that can be read", name)
	}
	for _, i := range f.Imports {
		switch at, _ := strconv.Unquote(i.Path.Value); at {
		case "plugin":
			return fmt.Errorf("%s opens plugins, which needs cgo", name)
		case "C":
			return fmt.Errorf("%s needs C code", name)
		}
	}
	for _, group := range f.Comments {
		for _, line := range group.List {
			if line.Pos() > f.Package || !constraint.IsGoBuild(line.Text) && !constraint.IsPlusBuild(line.Text) {
				continue
			}
			on, err := constraint.Parse(line.Text)
			if err != nil || on.Eval(tagged(true)) != on.Eval(tagged(false)) {
				return fmt.Errorf("%s is a part of the program only with cgo, or only without", name)
			}
		}
	}
	return nil
}

// tagged says which build tags hold on Linux.
func tagged(cgo bool) func(tag string) bool {
	return func(tag string) bool {
		return tag == "cgo" && cgo || among("linux unix amd64 arm64 gc", tag) || strings.HasPrefix(tag, "go1.")
	}
}

var (
	// cgoModules match modules that are of little use without C code.
	cgoModules = pattern.New(`github\.com/(mattn/go-sqlite3|mattn/go-oci8|confluentinc/confluent-kafka-go|h2non/bimg|davidbyttow/govips|` +
		`godror/godror|libgit2/git2go|pebbe/zmq4|DataDog/zstd|valyala/gozstd|linxGnu/grocksdb|tecbot/gorocksdb|miekg/pkcs11|` +
		`ThalesIgnite/crypto11|chai2010/webp|kolesa-team/go-webp|marcboeker/go-duckdb|duckdb/duckdb-go|apple/foundationdb|` +
		`bytecodealliance/wasmtime-go|wasmerio/wasmer-go|jmhodges/levigo|google/gopacket|gopacket/gopacket|go-gl/|` +
		`hajimehoshi/ebiten|msteinert/pam|veandco/go-sdl2|sbinet/go-python|mutecomm/go-sqlcipher|ibmdb/go_ibm_db|alexbrainman/odbc|` +
		`coreos/go-systemd/v22/sdjournal|lestrrat-go/libxml2|otiai10/gosseract|tree-sitter/go-tree-sitter|smacker/go-tree-sitter|` +
		`seccomp/libseccomp-golang|gotk3/gotk3|go-vgo/robotgo|google/gousb|karalabe/hid|proglottis/gpgme)|gorm\.io/driver/sqlite` +
		`|rogchap\.com/v8go|gocv\.io|fyne\.io|gopkg\.in/gographics/imagick|modernc\.org/libc/cgo`)
)

// withoutDebugInfo: a go build gains -trimpath -ldflags="-s -w", and no code looks for its own source files.
func withoutDebugInfo(r rewrite) error {
	added, err := r.added()
	if err != nil {
		return err
	}
	at := r.sets + 2
	if len(added) != 2 || added[at] != "-trimpath" || added[at+1] != "-ldflags=-s -w" {
		return errors.New("-trimpath and -ldflags are not all that is added, behind the verb")
	}
	if err := r.buildsGo("-ldflags --ldflags -gcflags -race -trimpath --trimpath -buildmode -toolexec"); err != nil {
		return err
	}
	if err := r.strippable(); err != nil {
		return err
	}
	if err := r.keepsZones(); err != nil {
		return err
	}
	return r.eachGoFile(func(name string, text []byte) error {
		switch {
		case path.Base(name) == "go.mod" && findsSources.Match(text):
			module := strings.TrimSpace(string(findsSources.Find(text)))
			return fmt.Errorf("%s in %s looks for files by the path that it was built at", module, name)
		case path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") && sourcePaths.Match(text):
			return fmt.Errorf("%s may look for files by the path that it was built at", name)
		}
		return nil
	})
}

// keepsZones checks that the program does not find time zones in the installation of Go, where it looks last, and whose
// place is a build path.
func (r rewrite) keepsZones() error {
	text := string(r.Before)
	ref, _ := r.run.Stage.Image()
	f := r.before.Final()
	ships := f == r.run.Stage || slices.ContainsFunc(r.Builds, func(b buildcontext.Build) bool {
		return b.Target != "" && r.before.Stage(b.Target) == r.run.Stage
	})
	for ; f != nil && !ships; f = f.Parent {
		ships = f == r.run.Stage
	}
	if strings.Contains(text, "zoneinfo.zip") && !strings.Contains(text, "ZONEINFO") {
		return errors.New("the program may find time zones in the installation of Go")
	}
	if !ships || !strings.Contains(ref, "alpine") || strings.Contains(text, "tzdata") {
		return nil
	}
	asked := func(name string, text []byte) error {
		if asksZone.Match(text) {
			return fmt.Errorf("%s asks for a time zone, and the image has those of the installation of Go only", name)
		}
		return nil
	}
	if err := asked(r.Path, r.Before); err != nil {
		return err
	}
	for _, b := range r.Builds {
		near := func(name string) bool { return r.near(name) && operating.MatchString(name) }
		if err := r.eachBeside(b, near, asked); err != nil {
			return err
		}
	}
	return r.eachGoFile(asked)
}

// asksZone matches what names a time zone, in code and in the settings of containers and databases.
var asksZone = pattern.New(`LoadLocation|\bTZ\b|TimeZone|\bloc=|robfig/cron|go-co-op/gocron`)

var (
	// readsDebugInfo match programs that read the debug info of others, and plugins, which only a program takes that was
	// built with the same flags.
	readsDebugInfo = pattern.New(`\b(dlv|delve|gdb|gdbserver|lldb|objcopy|objdump|addr2line|perf|nm|readelf|pahole|` +
		`bloaty|dwz|eu-[a-z]+|elfutils|sentry-cli|parca|go tool|pprof|bpftrace|bcc-tools|bpfcc-tools|systemtap|valgrind|` +
		`linux-tools[\w.-]*)\b|\bbinutils([\s"']|$)|buildmode[= ]plugin|\.debug\b|debuginfo|(?i:dwarf|symbols)|` +
		`GOTRACEBACK[= ](crash|core)|CGO_C\w*FLAGS[^\n]*-(g\d?|O0|Og)\b|govulncheck[^\n]*-mode[= ]binary`)
	findsSources = pattern.New(`github\.com/(GeertJohan/go\.rice|gobuffalo/(packr|envy|buffalo)|markbates/pkger|revel/revel)|` +
		`(?m:^(require)?\s*golang\.org/x/tools\s+\S+\s*$)`)
	sourcePaths = pattern.New(`\.(Caller|Callers|CallersFrames|FileLine)\(|\bruntime\.(Caller|Callers|CallersFrames|GOROOT)\b|` +
		`\.\s+"runtime"|"go/(build|importer)"`)
)

// buildsGo checks that the command is a go build or install without the options given.
func (r rewrite) buildsGo(against string) error {
	at, err := programAt(r.was, r.sets)
	switch {
	case err != nil:
		return err
	case at != r.sets || r.was[at].Text != "go" || len(r.was) < at+2 || !among("build install", r.was[at+1].Text):
		return errors.New("the command is not a go build")
	}
	for _, w := range r.was[at:] {
		name, _, _ := strings.Cut(strings.Trim(w.Text, `"'`), "=")
		if among(against, name) || !w.Literal && strings.HasPrefix(name, "$") {
			return fmt.Errorf("%s may say otherwise", w.Text)
		}
	}
	return nil
}

// eachGoFile looks at the Go files and module files of every build context.
func (c *change) eachGoFile(look func(name string, text []byte) error) error {
	if len(c.Builds) == 0 {
		return errors.New("the build context is not known, so neither is what the program is made of")
	}
	for _, b := range c.Builds {
		if b.Unknown != "" || b.Context == nil || b.Remote {
			return errors.New("the build context is not known, so neither is what the program is made of")
		}
		found, err := eachSource(b.Context, func(name string) bool {
			return path.Ext(name) == ".go" || path.Base(name) == "go.mod"
		}, look)
		if err != nil {
			return err
		}
		if found == 0 {
			return errors.New("the build context holds no Go code, so what the program is made of is not known")
		}
	}
	return nil
}
