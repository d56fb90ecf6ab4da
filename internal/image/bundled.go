package image

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lighterman/lighterman/internal/pattern"
)

//go:embed facts.txt
var facts string

var bundled = sync.OnceValue(func() table {
	t, err := read(facts)
	if err != nil {
		panic(err) // the tests read the same text
	}
	return t
})

// Bundled is the table that ships with the program. It knows the images that most Dockerfiles start from, and of these
// only what does not change from build to build.
func Bundled() Facts { return bundled() }

// A table is the rows of facts.txt in their order.
type table []row

type row struct {
	name  string   // a path.Match pattern
	tags  []string // path.Match patterns, one of which must match
	image Image
	slim  string // how the tag of a slimmer variant is made: "after", "before", "debian", "jre"
}

// Lookup finds the first row whose name and tags match. For a reference with a digest only, the tag is not known: what
// all rows of the image agree on is.
func (t table) Lookup(ref string) (Image, bool) {
	r := parse(ref)
	if strings.Contains(r.tag, "windowsservercore") || strings.Contains(r.tag, "nanoserver") {
		return Image{}, false
	}
	var found []Image
	for _, row := range t {
		if match(row.name, r.name) && (r.tag == "" || row.tagged(r.tag)) {
			image := row.image
			image.Slim = slimmer(r.tag, row.slim)
			found = append(found, image)
			if r.tag != "" {
				break
			}
		}
	}
	if len(found) == 0 {
		return Image{}, false
	}
	out := agreed(found)
	out.Name = r.name
	return out, true
}

func (r row) tagged(tag string) bool {
	for _, pattern := range r.tags {
		if match(pattern, tag) {
			return true
		}
	}
	return false
}

func match(pattern, name string) bool {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return pattern == name
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// agreed keeps what is the same in all of them. Account, UID and GID stand or fall together.
func agreed(found []Image) Image {
	out := found[0]
	for _, i := range found[1:] {
		keep(&out.User, i.User)
		keep(&out.Shell, i.Shell)
		keep(&out.Libc, i.Libc)
		keep(&out.Adduser, i.Adduser)
		keep(&out.Manager, i.Manager)
		keep(&out.Slim, i.Slim)
		keep(&out.Variables, i.Variables)
		keep(&out.Made, i.Made)
		out.Programs, out.Missing = common(out.Programs, i.Programs), common(out.Missing, i.Missing)
		keep(&out.Workdir, i.Workdir)
		keep(&out.Entrypoint, i.Entrypoint)
		out.StepsDown = out.StepsDown && i.StepsDown
		if out.Port != i.Port {
			out.Port = 0
		}
		if out.Account != i.Account || out.UID != i.UID || out.GID != i.GID {
			out.Account, out.UID, out.GID = "", 0, 0
		}
	}
	return out
}

func keep(value *string, other string) {
	if *value != other {
		*value = ""
	}
}

// common are the words that stand in both lists.
func common(a, b string) string {
	words := strings.Split(b, ",")
	return strings.Join(slices.DeleteFunc(strings.Split(a, ","), func(w string) bool { return !slices.Contains(words, w) }), ",")
}

// release matches a tag that names a release, perhaps a Debian release, and nothing else.
var release = pattern.New(`^(?:(latest)|((?:[0-9]+(?:\.[0-9]+)*|lts)(?:-rc[0-9]*)?)(?:-(bookworm|bullseye|buster|trixie))?|` +
	`(bookworm|bullseye|buster|trixie|stable|oldstable|testing|sid))$`)

// jdk matches the tag of a Java development kit.
var jdk = pattern.New(`^([0-9][0-9._]*)(-jdk)?(-(?:alpine|noble|jammy)(?:-[0-9.]+)?)?$`)

// slimmer is the tag of the slimmer variant, "" when the tag's shape is not known.
func slimmer(tag, how string) string {
	if how == "jre" {
		if m := jdk.FindStringSubmatch(tag); m != nil {
			return m[1] + "-jre" + m[3]
		}
		return ""
	}
	m := release.FindStringSubmatch(tag)
	switch {
	case m == nil || how == "":
		return ""
	case how == "debian" && m[1] != "":
		return "stable-slim"
	case m[1] != "":
		return "slim"
	case how == "before" && m[3] != "":
		return m[2] + "-slim-" + m[3]
	case how == "before" && m[4] != "":
		return "slim-" + m[4]
	}
	return tag + "-slim"
}

// read parses the rows: a name pattern, tag patterns with commas, and key=value fields.
func read(text string) (table, error) {
	var t table
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 3 {
			return nil, fmt.Errorf("facts.txt line %d: a row has a name, tags and facts", n+1)
		}
		r := row{name: fields[0], tags: strings.Split(fields[1], ",")}
		for _, field := range fields[2:] {
			key, value, _ := strings.Cut(field, "=")
			if key == "slim" {
				r.slim = value
				continue
			}
			if err := r.image.set(key, value); err != nil {
				return nil, fmt.Errorf("facts.txt line %d: %w", n+1, err)
			}
		}
		t = append(t, r)
	}
	return t, nil
}

// set reads one field of a row.
func (i *Image) set(key, value string) error {
	var err error
	switch key {
	case "user":
		i.User = value
	case "account":
		err = i.setAccount(value)
	case "shell":
		i.Shell = value
	case "libc":
		i.Libc = value
	case "adduser":
		i.Adduser = value
	case "manager":
		i.Manager = value
	case "env":
		i.Variables = value
	case "platforms":
		i.Made = value
	case "has":
		i.Programs = value
	case "lacks":
		i.Missing = value
	case "workdir":
		i.Workdir = value
	case "entrypoint":
		i.Entrypoint = value
	case "steps-down":
		i.StepsDown = true
	case "port":
		i.Port, err = strconv.Atoi(value)
	case "source":
		page, day, _ := strings.Cut(value, "@")
		i.Source = page + ", " + day
	default:
		err = fmt.Errorf("no such fact: %q", key)
	}
	return err
}

// setAccount reads "node:1000:1000".
func (i *Image) setAccount(value string) error {
	parts := strings.Split(value, ":")
	if len(parts) != 3 {
		return fmt.Errorf("account %q is not name:uid:gid", value)
	}
	uid, err := strconv.Atoi(parts[1])
	if err != nil {
		return fmt.Errorf("account %q: %w", value, err)
	}
	gid, err := strconv.Atoi(parts[2])
	if err != nil {
		return fmt.Errorf("account %q: %w", value, err)
	}
	i.Account, i.UID, i.GID = parts[0], uid, gid
	return nil
}
