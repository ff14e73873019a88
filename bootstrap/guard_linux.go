package bootstrap

import (
	"os"

	"golang.org/x/sys/unix"
)

// armDeathSignal asks the kernel to kill this process when its parent dies. The
// launcher asks for the same when it starts a child; this covers processes started
// by hand. It is tied to the thread that started the child, which is why the
// launcher spawns from one thread that lives as long as itself.
func armDeathSignal() error {
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
}

// setProcessTitle sets the kernel's short name of the process (15 bytes), beside
// the long one that the launcher gives it as its first argument.
func setProcessTitle(title string) {
	_ = os.WriteFile("/proc/self/comm", []byte(title), 0)
}
