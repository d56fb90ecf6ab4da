package prove

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// confine takes from this process what a conversion does not need: address space beyond what it has now plus limit
// bytes, and new file descriptors, which leaves it without files, sockets and so without a network. The Go runtime
// reserves address space long before it uses any, with the race detector terabytes, so the limit counts from there.
func confine(limit int64) {
	if used, ok := addressSpace(); ok {
		most := used + uint64(limit)
		_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{})
}

// addressSpace is the size in bytes of this process's address space (proc(5), /proc/pid/statm, first field).
func addressSpace() (uint64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	first, _, _ := bytes.Cut(text, []byte(" "))
	pages, bad := strconv.ParseUint(string(first), 10, 64)
	return pages * uint64(os.Getpagesize()), err == nil && bad == nil
}

// tether makes the kernel kill the child when this process dies.
func tether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
