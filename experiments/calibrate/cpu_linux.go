package calibrate

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of CPU times in /proc, the same on every Linux.
const tick = 10 * time.Millisecond

// Tree is a process with everything below it, but for the processes in except and what is
// below them.
func Tree(root int, except ...int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if fields := statOf(pid); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	skip := map[int]bool{}
	for _, pid := range except {
		skip[pid] = true
	}
	tree := []int{root}
	for i := 0; i < len(tree); i++ {
		for _, pid := range children[tree[i]] {
			if !skip[pid] {
				tree = append(tree, pid)
			}
		}
	}
	return tree
}

// statOf are the fields of /proc/PID/stat behind the name: state, parent, ...
func statOf(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	// The name may hold blanks and brackets; what follows the last bracket may not.
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// TreeCPU is the CPU time of all processes of a tree up to now. ok is false where the
// system does not tell.
func TreeCPU(root int, except ...int) (total time.Duration, ok bool) {
	for _, pid := range Tree(root, except...) {
		fields := statOf(pid)
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		total += time.Duration(user+system) * tick
		ok = true
	}
	return total, ok
}

// usage is the CPU time of this process and of its children that have ended.
func usage() (total time.Duration) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return total
}

// machineCPU is the CPU time that the whole machine has spent on programs, and all there
// was to spend; interrupts are left out, which may be anybody's.
func machineCPU() (busy, all time.Duration, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal
	if len(fields) < 9 {
		return 0, 0, false
	}
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0, false
		}
		all += time.Duration(n) * tick
		switch i {
		case 0, 1, 2, 7:
			busy += time.Duration(n) * tick
		}
	}
	return busy, all, true
}
