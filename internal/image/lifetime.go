package image

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
)

//go:embed lifetimes.txt
var lifetimeRows string

var lifetimes = sync.OnceValue(func() map[string]product {
	products, err := readLifetimes(lifetimeRows)
	if err != nil {
		panic(err) // the tests read the same text
	}
	return products
})

// A Lifetime is how long a release of something in an image gets security fixes.
type Lifetime struct {
	Name   string    // "node", "debian"
	Cycle  string    // "18", "buster"
	Last   time.Time // the last day
	Source string    // a page and a date
}

// A product is the releases of one image.
type product struct {
	cycles map[string]time.Time
	source string
}

// systems are the operating systems whose releases are named in the tags of other images.
var systems = [...]string{"debian", "ubuntu"}

// Lifetimes are those known of what a reference names: of the image's own release, and of the operating system's when
// the tag says it ("3.12-buster", "22-alpine3.18"). A tag that names no release, as "lts" or "3", moves on by itself and
// has none.
func Lifetimes(ref string) []Lifetime {
	r := parse(ref)
	if r.tag == "" {
		return nil
	}
	words := strings.Split(r.tag, "-")
	var out []Lifetime
	if l, ok := own(r.name, words[0]); ok {
		out = append(out, l)
	}
	for n, word := range words {
		if l, ok := system(word, n > 0); ok && l.Name != r.name {
			out = append(out, l)
		}
	}
	return out
}

// own is the lifetime of an image's own release: "18.2" is of release 18 when that has a row and "18.2" has none.
func own(name, version string) (Lifetime, bool) {
	p, ok := lifetimes()[name]
	if !ok {
		return Lifetime{}, false
	}
	for cycle := strings.TrimPrefix(version, "v"); cycle != ""; {
		if last, ok := p.cycles[cycle]; ok {
			return Lifetime{name, cycle, last, p.source}, true
		}
		cycle = cycle[:max(0, strings.LastIndexByte(cycle, '.'))]
	}
	return Lifetime{}, false
}

// system is the lifetime of the operating system that a word of a tag names. Names that are also English words are only
// taken for releases behind a version.
func system(word string, behind bool) (Lifetime, bool) {
	if version, ok := strings.CutPrefix(word, "alpine"); ok && version != "" {
		return own("alpine", version)
	}
	if !behind || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
		return Lifetime{}, false
	}
	for _, name := range systems {
		if l, ok := own(name, word); ok {
			return l, true
		}
	}
	return Lifetime{}, false
}

// readLifetimes parses the rows: names with commas, the source, and release=day fields.
func readLifetimes(text string) (map[string]product, error) {
	out := map[string]product{}
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		p := product{cycles: map[string]time.Time{}}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			if key == "source" {
				page, day, _ := strings.Cut(value, "@")
				p.source = page + ", " + day
				continue
			}
			last, err := lastDay(value)
			if err != nil {
				return nil, fmt.Errorf("lifetimes.txt line %d: %w", n+1, err)
			}
			p.cycles[key] = last
		}
		for name := range strings.SplitSeq(fields[0], ",") {
			out[name] = p
		}
	}
	return out, nil
}

// lastDay reads "2026-08-31", or "2026-08" for the last day of a month.
func lastDay(value string) (time.Time, error) {
	if month, err := time.Parse("2006-01", value); err == nil {
		return month.AddDate(0, 1, -1), nil
	}
	return time.Parse(time.DateOnly, value)
}
