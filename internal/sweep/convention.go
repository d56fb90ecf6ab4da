package sweep

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/markdown"
)

// conventional is a first line after Conventional Commits 1.0.0: a type, perhaps a scope, and a colon.
var conventional = regexp.MustCompile(`^([a-z]{2,12})(?:\(([\w ./,@-]{1,40})\))?!?: \S`)

// programs' and git's own commits say nothing about how people write theirs.
var notPeople = regexp.MustCompile(`^(Merge |Revert |Initial commit|Bump \S+ from |(?:chore|build|fix)\(deps(?:-dev)?\)!?: )`)

// leastSubjects is how many commits it takes to tell a habit.
const leastSubjects = 4

// A convention is how the titles of a repository begin.
type convention struct {
	prefix string
	lower  bool // what follows begins with a small letter
}

// conventionOf reads the habit out of the first lines of commit messages: Conventional Commits when at least half of them
// are. The type is one that the log has.
func conventionOf(subjects []string) convention {
	types, scoped, all, docker := map[string]int{}, 0, 0, false
	for _, s := range subjects {
		if notPeople.MatchString(s) {
			continue
		}
		all++
		m := conventional.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		types[m[1]]++
		types[""]++
		if m[2] != "" {
			scoped++
		}
		docker = docker || m[2] == "docker"
	}
	if all < leastSubjects || 2*types[""] < all {
		return convention{}
	}
	c := convention{prefix: "chore", lower: true}
	if n := slices.IndexFunc([]string{"build", "chore", "ci"}, func(t string) bool { return types[t] > 0 }); n >= 0 {
		c.prefix = []string{"build", "chore", "ci"}[n]
	}
	if docker || 2*scoped >= types[""] {
		c.prefix += "(docker)"
	}
	c.prefix += ":"
	return c
}

// title is a sentence as a title: after a prefix that was decided, else by the repository's habit.
func title(sentence, prefix string, subjects []string) string {
	c := conventionOf(subjects)
	if prefix != "" {
		c = convention{prefix: strings.TrimSpace(markdown.OneLine(prefix)), lower: strings.HasSuffix(strings.TrimSpace(prefix), ":")}
	}
	if c.lower {
		sentence = strings.ToLower(sentence[:1]) + sentence[1:]
	}
	return strings.TrimSpace(c.prefix + " " + sentence)
}
