package prove

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sourcegraph/conc/pool"
)

// equivalents say why a mutant of an accepted fix that is proven as well is right to be.
var equivalents = []struct {
	why  string
	made func(m mutant) bool
}{
	{"the early copy is made twice: of the same files, which the broad copy brings again", func(m mutant) bool {
		return strings.HasPrefix(m.name, "reordered") && strings.HasPrefix(m.old, "COPY ") && m.with == m.old+m.old
	}},
	{"a file is named twice in one early copy", func(m mutant) bool {
		words := slices.Compact(strings.Fields(m.with))
		return strings.HasPrefix(m.name, "reordered") && strings.HasPrefix(m.old, "COPY ") && m.with != m.old+m.old &&
			len(words) < len(strings.Fields(m.with)) && slices.Equal(words, strings.Fields(m.old))
	}},
	{"two early copies of different files change places", func(m mutant) bool {
		other, swapped := strings.CutSuffix(m.with, m.old)
		return strings.HasPrefix(m.name, "reordered") && swapped && other != m.old &&
			strings.HasPrefix(other, "COPY ") && strings.HasPrefix(m.old, "COPY ")
	}},
	{"the working directory is written without a slash", func(m mutant) bool {
		return m.with == strings.Replace(m.old, " ./\n", " .\n", 1)
	}},
	{"a directory is copied to a directory written without a slash", func(m mutant) bool {
		return m.old == "COPY patches patches/\n" && m.with == "COPY patches patches\n"
	}},
	{"USER stands below CMD, or above a COPY: neither sees it", func(m mutant) bool {
		below := strings.HasPrefix(m.old, "USER ") && strings.HasPrefix(m.with, "CMD ")
		return strings.HasPrefix(m.name, "runs-as/") && below ||
			strings.HasPrefix(m.old, "COPY --from=build /x /x") && strings.HasPrefix(m.with, "USER ")
	}},
	{"a blank line more or less stands between the stages' instructions", func(m mutant) bool {
		swapped := m.old == "\n" && strings.HasSuffix(m.with, "\n\n") && strings.Count(m.with, "\n") == 2
		return strings.HasPrefix(m.name, "two-stages/") && (swapped || strings.Trim(m.with, "\n") == strings.Trim(m.old, "\n"))
	}},
	{"letters are written in the other case where none counts", func(m mutant) bool {
		return strings.HasPrefix(m.name, "respelled/") && strings.EqualFold(m.old, m.with) &&
			(strings.HasPrefix(m.old, "FROM ") || strings.HasPrefix(m.old, "EXPOSE "))
	}},
	{"what counts only the last time is said twice", func(m mutant) bool {
		return strings.HasPrefix(m.name, "unchanged/dead-") && m.with == m.old+m.old
	}},
	{"the option that is added stands at fewer commands, or a package that may be added does not", func(m mutant) bool {
		rest := func(line string) []string {
			return slices.DeleteFunc(strings.Fields(line), func(w string) bool { return w == "-y" || w == "ca-certificates" })
		}
		return strings.HasPrefix(m.name, "reworded/") && slices.Equal(rest(m.old), rest(m.with)) &&
			len(strings.Fields(m.with)) < len(strings.Fields(m.old))
	}},
	{"a variable moves less far, or over a command that does not see it", func(m mutant) bool {
		lines := strings.SplitAfter(strings.TrimSuffix(m.with, "\n"), "\n")
		return strings.HasPrefix(m.name, "deferred/") && len(lines) == 2 && strings.Contains(m.with, "BUILD_DATE") &&
			(strings.Contains(m.with, "RUN apk del") || strings.Contains(m.with, "CMD"))
	}},
	{"a comment within an instruction stands a line higher or lower", func(m mutant) bool {
		lines := strings.SplitAfter(m.with, "\n")
		comment := func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }
		return len(lines) == 3 && comment(lines[0]) != comment(lines[1]) &&
			strings.HasSuffix(m.with, m.old) && strings.Contains(m.name, "/continued")
	}},
}

// A mutant is an accepted fix with one line, or two that follow one another, changed.
type mutant struct {
	name string // "example: old line => what it became"
	old  string
	with string
	text []byte
}

// TestMutants changes one line of every accepted fix in every way that mutants knows. What is still proven has to be
// in the list of those that make no difference.
func TestMutants(t *testing.T) {
	prover := newPool(t, Options{})
	var mu sync.Mutex
	used := map[string]int{}
	tried, proven := 0, 0
	work := pool.New().WithMaxGoroutines(2)
	for _, e := range examples(t) {
		if e.err != "" {
			continue
		}
		for k, m := range mutants(e) {
			if raceDetector && k%5 != 0 {
				continue // a minute is too long
			}
			work.Go(func() {
				c := e.c
				c.After = m.text
				err := prover.Prove(t.Context(), c)
				mu.Lock()
				defer mu.Unlock()
				tried++
				if err != nil {
					return
				}
				proven++
				if why := equivalent(m); why == "" {
					t.Errorf("proven and not known to make no difference: %s", m.name)
				} else {
					used[why]++
				}
			})
		}
	}
	work.Wait()
	t.Logf("%d mutants, %d proven", tried, proven)
	for _, why := range slices.Sorted(maps.Keys(used)) {
		t.Logf("%4d %s", used[why], why)
	}
	for _, q := range equivalents {
		if used[q.why] == 0 && !raceDetector {
			t.Errorf("no mutant is proven because %q", q.why)
		}
	}
}

func equivalent(m mutant) string {
	for _, q := range equivalents {
		if q.made(m) {
			return q.why
		}
	}
	return ""
}

// mutants are all changes of one line: gone, doubled, swapped with the next, and each of its words gone, doubled, or
// with one letter more.
func mutants(e example) []mutant {
	lines := bytes.SplitAfter(e.c.After, []byte("\n"))
	seen := map[string]bool{string(e.c.After): true}
	var out []mutant
	add := func(k int, n int, with string) {
		text := slices.Concat(bytes.Join(lines[:k], nil), []byte(with), bytes.Join(lines[k+n:], nil))
		if !seen[string(text)] {
			seen[string(text)] = true
			out = append(out, mutant{fmt.Sprintf("%s: %q => %q", e.name, lines[k], with), string(lines[k]), with, text})
		}
	}
	for k, line := range lines {
		add(k, 1, "")
		add(k, 1, string(line)+string(line))
		if k+1 < len(lines) {
			add(k, 2, string(lines[k+1])+string(line))
		}
		for _, with := range otherWords(string(line)) {
			add(k, 1, with)
		}
	}
	return out
}

var wordPattern = regexp.MustCompile(`\S+`)

func otherWords(line string) []string {
	var out []string
	for _, at := range wordPattern.FindAllStringIndex(line, -1) {
		before, word, after := line[:at[0]], line[at[0]:at[1]], line[at[1]:]
		out = append(out, before+strings.TrimLeft(after, " "), before+word+" "+word+after, before+word+"z"+after,
			before+word+" z"+after, before+"z"+word+after, before+strings.ToUpper(word)+after, before+word+" && true"+after,
			before+word+"; true"+after, before+strings.Trim(word, `"'`)+after)
		for _, r := range "-/.:=0" {
			if i := strings.IndexRune(word, r); i >= 0 {
				out = append(out, before+word[:i]+word[i+1:]+after)
			}
		}
	}
	return out
}
