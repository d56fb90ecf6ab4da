package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// ownedImage walks both lists side by side: up to the RUN that is gone, copies into its paths gain the owner; behind
// it nothing differs.
func ownedImage(c *change, b, a image, intent fixes.OwnedCopies) error {
	run, reduced, _, err := c.ownedParts()
	if err != nil {
		return err
	}
	text, err := run.Script()
	if err != nil {
		return err
	}
	o := owning{c: c, intent: intent}
	for k, s := range b.steps {
		shell, script, _, err := runs(s)
		same := k < len(a.steps) && a.steps[k].key == s.key
		if err == nil && script == text.Text && !(same && reduced != nil) {
			if !knownShell(shell) {
				return fmt.Errorf("what the shell %q does with a script is not known", shell)
			}
			return o.end(b, a, k, reduced != nil)
		}
		if k >= len(a.steps) {
			return errors.New("a step is missing")
		}
		if err := o.step(s, a.steps[k]); err != nil {
			return err
		}
	}
	return errors.New("the step that changed the owner is still there")
}

// owning collects what the steps before the RUN do to its paths.
type owning struct {
	c      *change
	intent fixes.OwnedCopies
	dirs   []string // directories that no copy made
	files  []string // for a mode: where the copies that gained it put their files
	copied bool     // whether a copy into the paths was met
}

// named reports whether a part of the owner is looked up among the accounts.
func (o *owning) named() bool {
	return strings.ContainsAny(o.intent.Owner, "abcdefghijklmnopqrstuvwxyz_")
}

// step compares one step before the RUN.
func (o *owning) step(s, t step) error {
	if dir := made(s); dir != "" && s.key == t.key {
		o.directory(dir)
		return nil
	}
	old, fixed := copies(s), copies(t)
	if len(old) == 0 || len(old) != len(fixed) {
		if s.key != t.key {
			return errors.New("a step differs that is not a copy")
		}
		return nil
	}
	for k := range old {
		if err := o.copy(old[k], fixed[k]); err != nil {
			return err
		}
	}
	return o.sameButOwner(s, t)
}

// made is the directory that a WORKDIR step makes, "" for another step.
func made(s step) string {
	op, err := s.op()
	if err != nil || op.GetFile() == nil || len(op.GetFile().Actions) != 1 {
		return ""
	}
	return op.GetFile().Actions[0].GetMkdir().GetPath()
}

// directory notes a directory, and those above it, that a step other than a copy makes below the paths.
func (o *owning) directory(dir string) {
	for _, p := range o.intent.Paths {
		for d := path.Clean(dir); within(d, p); d = path.Dir(d) {
			if !slices.Contains(o.dirs, d) {
				o.dirs = append(o.dirs, d)
			}
			if d == "/" {
				break
			}
		}
	}
}

// copy checks one copy action: within the paths it must have the owner afterwards, elsewhere it must not change.
func (o *owning) copy(old, fixed *pb.FileActionCopy) error {
	dest := path.Clean("/" + old.Dest)
	if o.intent.Mode != "" {
		return o.mode(old, fixed, dest)
	}
	inside := slices.ContainsFunc(o.intent.Paths, func(p string) bool { return within(dest, p) })
	switch {
	case inside && old.AttemptUnpackDockerCompatibility:
		return errors.New("ADD keeps the owners within an archive")
	case inside && !isOwner(fixed.Owner, o.intent.Owner):
		return fmt.Errorf("what is copied to %s does not get the owner", old.Dest)
	case inside && (old.Mode > 0o777 || strings.ContainsAny(old.ModeStr, "st")):
		return fmt.Errorf("%s has a mode from which chown takes a part", old.Dest)
	case inside:
		o.copied = true
		return o.c.plainTree(old)
	case o.copied && o.named() && (touches(dest, []string{"/etc/passwd"}) || touches(dest, []string{"/etc/group"})):
		return fmt.Errorf("the copy to %s may change which accounts there are", old.Dest)
	case !proto.Equal(old, fixed):
		return fmt.Errorf("the copy to %s changes, which had its owner before", old.Dest)
	case slices.ContainsFunc(o.intent.Paths, func(p string) bool { return within(p, dest) }):
		return o.beside(old, dest)
	}
	return nil
}

// beside checks that a copy to a directory above the paths brings single files that lie outside them.
func (o *owning) beside(cp *pb.FileActionCopy, dest string) error {
	return o.c.everyContext(func(b buildcontext.Build) error {
		name := clean(cp.Src)
		info, err := fs.Lstat(b.Context, name)
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(cp.Dest, "/") && dest != "/" {
			return fmt.Errorf("what is copied to %s may lie where the owner was changed", cp.Dest)
		}
		if target := path.Join(dest, path.Base(name)); touches(target, o.intent.Paths) {
			return fmt.Errorf("%s lies where the owner was changed", target)
		}
		return nil
	})
}

// mode checks a copy for a changed mode: it brings one regular file to one of the paths, or does not change.
func (o *owning) mode(old, fixed *pb.FileActionCopy, dest string) error {
	if strings.HasSuffix(old.Dest, "/") {
		dest = path.Join(dest, path.Base(old.Src))
	}
	if slices.Contains(o.intent.Paths, dest) != (old.Mode != fixed.Mode || old.ModeStr != fixed.ModeStr) {
		return fmt.Errorf("the mode of what is copied to %s is not what it was", dest)
	}
	if !slices.Contains(o.intent.Paths, dest) {
		if touches(dest, o.intent.Paths) {
			return fmt.Errorf("what is copied to %s may lie where the mode was changed", old.Dest)
		}
		return nil
	}
	if fixed.ModeStr != o.intent.Mode {
		if n, err := strconv.ParseInt(o.intent.Mode, 8, 32); err != nil || int64(fixed.Mode) != n {
			return fmt.Errorf("the mode of what is copied to %s is another", dest)
		}
	}
	o.files = append(o.files, dest)
	return o.c.everyContext(func(b buildcontext.Build) error {
		info, err := fs.Lstat(b.Context, clean(old.Src))
		if err != nil || !info.Mode().IsRegular() || strings.ContainsAny(old.Src, `*?[\`) {
			return fmt.Errorf("%s is not one regular file of the build context", old.Src)
		}
		return nil
	})
}

// isOwner reports whether a copy's owner is what --chown=want says.
func isOwner(owner *pb.ChownOpt, want string) bool {
	user, groupName, _ := strings.Cut(want, ":")
	return isUser(owner.GetUser(), user) && isUser(owner.GetGroup(), groupName)
}

func isUser(u *pb.UserOpt, want string) bool {
	if name := u.GetByName(); name != nil {
		return name.Name == want
	}
	n, err := strconv.ParseUint(want, 10, 32)
	_, byID := u.GetUser().(*pb.UserOpt_ByID)
	return err == nil && byID && u.GetByID() == uint32(n)
}

// plainTree checks that what a copy takes from the build context has only plain files and directories: a chown -R
// treats links its own way, and takes setuid bits away.
func (c *change) plainTree(cp *pb.FileActionCopy) error {
	name := clean(cp.Src)
	if strings.ContainsAny(name, `*?[\`) {
		name = "."
	}
	return c.everyContextOnce("plain "+name, func(b buildcontext.Build) error {
		if _, err := fs.Lstat(b.Context, name); err != nil {
			return nil // from another stage, or not there: then neither file builds
		}
		return fs.WalkDir(b.Context, name, func(at string, d fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("read the build context: %w", err)
			}
			if d.Type()&fs.ModeType&^fs.ModeDir != 0 {
				return fmt.Errorf("%s is not a plain file", at)
			}
			if info, err := d.Info(); err != nil || !d.IsDir() && info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
				return fmt.Errorf("%s has a mode from which chown takes a part", at)
			}
			return nil
		})
	})
}

// sameButOwner checks that two copy steps are equal once owner and mode are left out.
func (o *owning) sameButOwner(s, t step) error {
	if s.key == t.key {
		return nil
	}
	x, y, err := fileOps(s, t)
	if err != nil {
		return err
	}
	for _, op := range []*pb.Op{x, y} {
		for _, action := range op.GetFile().Actions {
			if cp := action.GetCopy(); cp != nil {
				cp.Owner, cp.Mode, cp.ModeStr = nil, 0, ""
			}
		}
	}
	if !proto.Equal(x, y) {
		return errors.New("a copy differs in more than the owner")
	}
	return nil
}

// end checks what stands at and behind the RUN that is gone or reduced.
func (o *owning) end(b, a image, k int, reduced bool) error {
	next := k
	if reduced {
		if k >= len(a.steps) {
			return errors.New("a step is missing")
		}
		if err := o.reduced(b.steps[k], a.steps[k]); err != nil {
			return err
		}
		next++
	} else if len(o.dirs) > 0 && o.intent.Mode == "" {
		return fmt.Errorf("%s would keep its old owner", strings.Join(o.dirs, ", "))
	}
	if o.intent.Mode != "" && len(o.files) != len(o.intent.Paths) {
		return errors.New("not every file that had its mode changed gets it from a copy")
	}
	return rest(b, a, k+1, next)
}

// reduced checks that the RUN that is left names the directories that no copy made, all of them and no other.
func (o *owning) reduced(was, left step) error {
	run, fixed, _, err := o.c.ownedParts()
	if err != nil {
		return err
	}
	if err := sameButScript(was, left, run, fixed); err != nil {
		return err
	}
	own, err := readOwnership(fixed)
	if err != nil {
		return err
	}
	want, got := slices.Sorted(slices.Values(o.dirs)), slices.Sorted(slices.Values(own.paths))
	if !slices.Equal(want, got) {
		return fmt.Errorf("the directories that keep a chown should be %q, not %q", want, got)
	}
	return nil
}
