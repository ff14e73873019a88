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

// backgroundNice is the priority of services that are not on the measured path: a
// tenth of the share of those that are, when both want the same core.
const backgroundNice = 10

// yieldCores lowers the priority of every thread of this process; later ones inherit
// it. A child is alone in its process group, which is what the kernel takes as a name
// for all its threads.
func yieldCores() error {
	if unix.Getpgrp() != os.Getpid() {
		return nil // started by hand: the group is somebody else's
	}
	return unix.Setpriority(unix.PRIO_PGRP, 0, backgroundNice)
}
