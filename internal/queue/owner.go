//go:build unix

package queue

import (
	"os"
	"syscall"
)

// giveToOwner gives a file to the owner of its folder, where only root can: the server runs as that user.
func giveToOwner(file, folder string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Getuid() != 0 {
		return nil
	}
	return os.Chown(file, int(owner.Uid), int(owner.Gid))
}
