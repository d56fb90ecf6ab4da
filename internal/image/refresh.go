package image

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// Refresh is the text of the bundled table brought up to date: of each row that names one image, a tag that it is for is
// looked up, and the user and the working directory that the registry says are put in the place of the row's, with the
// day. notes say what was changed, what did not fit and what was not answered; what a registry does not know, such as
// accounts and programs, stays for people to review.
func Refresh(asked Facts, day time.Time) (text string, notes []string) {
	lines := strings.Split(facts, "\n")
	for n, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(line, "#") || fields[0] == "scratch" {
			continue
		}
		ref, ok := sample(fields[0], fields[1])
		if !ok {
			notes = append(notes, fmt.Sprintf("%s %s: no tag stands for the row", fields[0], fields[1]))
			continue
		}
		said, _ := asked.Lookup(ref)
		if said.Answer == nil {
			notes = append(notes, fmt.Sprintf("%s %s: %s", fields[0], fields[1], said.Unanswered))
			continue
		}
		changed, more := refreshed(fields, said, day)
		lines[n], notes = changed, append(notes, more...)
	}
	return strings.Join(lines, "\n"), notes
}

// sample is a reference that a row is for: its first tag pattern without what may be anything.
func sample(name, patterns string) (string, bool) {
	if strings.ContainsAny(name, "*?[") {
		return "", false
	}
	first, _, _ := strings.Cut(patterns, ",")
	tag := strings.Trim(strings.ReplaceAll(first, "*", ""), "-.")
	if tag == "" {
		tag = "latest"
	}
	ok, err := path.Match(first, tag)
	if err != nil || !ok {
		return "", false
	}
	for _, r := range bundled() {
		if match(r.name, name) && r.tagged(tag) {
			return name + ":" + tag, strings.Join(r.tags, ",") == patterns // another row may come first
		}
	}
	return "", false
}

// refreshed is a row with the registry's answer in it.
func refreshed(fields []string, said Image, day time.Time) (line string, notes []string) {
	row := strings.Join(fields[:2], " ")
	for n, field := range fields[2:] {
		key, value, _ := strings.Cut(field, "=")
		switch now := map[string]string{"user": said.User, "workdir": said.Workdir}[key]; {
		case key == "source":
			page, _, _ := strings.Cut(value, "@")
			fields[n+2] = "source=" + page + "@" + day.Format(time.DateOnly)
		case key == "entrypoint" && (value == "none") != (len(said.Answer.Config.Entrypoint) == 0):
			notes = append(notes, fmt.Sprintf("%s: entrypoint=%s, but it is %q", row, value, said.Answer.Config.Entrypoint))
		case now != "" && now != value && !strings.ContainsAny(now, " \t\n"):
			fields[n+2] = key + "=" + now
			notes = append(notes, fmt.Sprintf("%s: %s=%s, it was %s", row, key, now, value))
		}
	}
	return strings.Join(fields, " "), notes
}
