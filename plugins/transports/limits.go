package transports

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"aiperf/config"
)

// spareFiles is what a process opens besides its connections.
const spareFiles = 64

// warnLimits says at the start what would fail later: fewer open files, or fewer local
// ports towards one server, than the run wants connections.
func warnLimits(connections int, note func(string)) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil && uint64(files.Cur) < uint64(connections+spareFiles) {
		note(fmt.Sprintf("the run wants up to %d connections per worker, and a process may open %d files: raise the limit (ulimit -n %d)", connections, files.Cur, connections+spareFiles))
	}
	if ports := localPorts(); ports > 0 && ports < connections {
		note(fmt.Sprintf("the run wants up to %d connections per worker, and this machine has %d local ports towards one server: widen net.ipv4.ip_local_port_range, or name several URLs", connections, ports))
	}
}

// bearable is how many connections to one server this process can hold: what a load that
// nothing limits may use. A tenth of the local ports is left to others.
func bearable() int {
	most := config.MostConnections
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil && uint64(files.Cur) < uint64(most+spareFiles) {
		most = int(files.Cur) - spareFiles
	}
	if ports := localPorts(); ports > 0 {
		most = min(most, ports*9/10)
	}
	return most
}

// localPorts is the number of ports for outgoing connections, 0 when it is not known.
func localPorts() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	var first, last int
	if n, err := fmt.Sscan(string(text), &first, &last); n != 2 || err != nil {
		return 0
	}
	return last - first + 1
}
