package calibrate

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// cores are those that this process may use.
func cores() (list []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			list = append(list, i)
		}
	}
	return list
}

// pinThread binds the calling thread, and every process that it starts, to cores.
func pinThread(list []int) error {
	var set unix.CPUSet
	for _, c := range list {
		set.Set(c)
	}
	return unix.SchedSetaffinity(0, &set)
}

// pinProcess binds all threads of this process, and so what they start, to cores. Threads
// that begin meanwhile inherit from one that was bound or is about to be, hence twice.
func pinProcess(list []int) error {
	var set unix.CPUSet
	for _, c := range list {
		set.Set(c)
	}
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
				return err
			}
		}
	}
	return nil
}

// dieWithThread makes the kernel end a child with the thread that starts it, and keeps a
// terminal's Ctrl-C from it.
func dieWithThread() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
