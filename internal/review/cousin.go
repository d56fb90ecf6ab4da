package review

import (
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// kin is what a finding has in common with itself under any path.
func kin(f check.Finding) string { return short("kin", f.Kin) }

// A clan looks for the relatives of files.
type clan struct {
	byKin    map[string][]check.Finding
	families map[string]string // by path
}

func newClan(files []File, found []check.Finding) clan {
	c := clan{map[string][]check.Finding{}, map[string]string{}}
	for _, f := range files {
		c.families[f.Path] = family(f)
	}
	for _, f := range found {
		c.byKin[kin(f)] = append(c.byKin[kin(f)], f)
	}
	return c
}

// cousins are the findings of families whose files were renamed while the thread that tells them stood in another file: by
// their former names the present ones. There is no telling under which path such a file was; but when the thread's file has
// a relative with that finding which nobody told of, and lacks one, it is that.
func (k known) cousins(files []File, found []check.Finding, st *forge.Standing) map[string]string {
	out, here, told := map[string]string{}, present(found), map[string]bool{}
	var lacking []posted
	for _, t := range st.Threads {
		p, ok := tells(t)
		if !ok || !p.matters() {
			continue
		}
		p = k.present(p)
		add(told, p)
		for _, m := range p.also {
			if !here[m.id] {
				lacking = append(lacking, p)
				break
			}
		}
	}
	if len(lacking) == 0 {
		return out
	}
	c := newClan(files, found)
	for _, p := range lacking {
		for _, m := range p.also {
			if id := c.relative(m, p.home, told); !here[m.id] && out[m.id] == "" && id != "" {
				out[m.id], told[id] = id, true
			}
		}
	}
	return out
}

// relative is the name of a finding that a marker may mean, in a relative of a file, if nobody told of it; else "".
func (c clan) relative(m marker, home string, told map[string]bool) string {
	for _, f := range c.byKin[m.text] {
		id := hidden.Finding(f.ID)
		if !told[id] && c.families[home] != "" && c.families[f.Path] == c.families[home] {
			return id
		}
	}
	return ""
}
