package bootstrap

import "syscall"

// childAttributes: own process group, so that a terminal's Ctrl-C reaches only the
// launcher; killed by the kernel when the launcher's spawning thread ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
