//go:build unix

package pgtest

import (
	"errors"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"syscall"
)

// A user is who the server runs as; nil is who we are. PostgreSQL refuses to run as root.
type user struct{ credential *syscall.Credential }

func (u user) run(cmd *exec.Cmd) {
	if u.credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.credential}
		cmd.Dir = "/"
	}
}

// unprivileged is the user for the server, who becomes the owner of the folder.
func unprivileged(folder string) (user, error) {
	if os.Getuid() != 0 {
		return user{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		entry, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(entry.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(entry.Gid, 10, 32)
		if err != nil {
			continue
		}
		return user{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(folder, int(uid), int(gid))
	}
	return user{}, errors.New("it refuses to run as root, and there is neither a user postgres nor nobody")
}
