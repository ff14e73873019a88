package worker

import (
	"bytes"
	"os"
	"strconv"

	"aiperf/messages"
)

// readSystem fills in what the kernel says of this process beyond the resource usage.
func readSystem(h *messages.ProcessHealth) {
	if fields := procFields("/proc/self/statm"); len(fields) > 1 {
		h.MemoryUsage = fields[1] * int64(os.Getpagesize())
	}
	if io := procPairs("/proc/self/io"); io != nil {
		h.IOCounters = []int64{io["syscr"], io["syscw"], io["read_bytes"], io["write_bytes"], io["rchar"], io["wchar"]}
	}
	h.NumThreads = int(procPairs("/proc/self/status")["Threads"])
}

// procFields reads a file of numbers.
func procFields(path string) []int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var out []int64
	for _, f := range bytes.Fields(b) {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return out
		}
		out = append(out, n)
	}
	return out
}

// procPairs reads lines of "name: number"; nil when the file may not be read.
func procPairs(path string) map[string]int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	out := map[string]int64{}
	for line := range bytes.SplitSeq(b, []byte{'\n'}) {
		name, value, found := bytes.Cut(line, []byte{':'})
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); found && err == nil {
			out[string(name)] = n
		}
	}
	return out
}
