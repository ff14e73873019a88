package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"aiperf/experiments/calibrate"
	"aiperf/plugins"
	"aiperf/plugins/tokenizers"
	mockservice "aiperf/services/mockserver"
)

const mebibyte = 1 << 20

// treeMemory is the proportional memory of a process tree at one instant, MiB.
type treeMemory struct {
	total float64
	of    map[string][]float64 // by kind of process
}

// watchMemory returns the largest sum that it saw.
func watchMemory(pid int, ended <-chan struct{}) (peak treeMemory) {
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-ended:
			return peak
		case <-every.C:
			if now := memoryOf(pid); now.total > peak.total {
				peak = now
			}
		}
	}
}

func memoryOf(root int) treeMemory {
	m := treeMemory{of: map[string][]float64{}}
	for _, pid := range calibrate.Tree(root) {
		size := pss(pid)
		m.total += size
		m.of[kindOf(pid)] = append(m.of[kindOf(pid)], size)
	}
	return m
}

// pss is a process's memory, what it shares counted in parts; 0 where the system does
// not tell.
func pss(pid int) float64 {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "Pss:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			return kib / 1024
		}
	}
	return 0
}

// kindOf is the type of a process of the mesh, which its arguments tell.
func kindOf(pid int) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	args := strings.Split(string(text), "\x00")
	if i := slices.Index(args, "--type"); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return "launcher"
}

// holders is how many processes have a vocabulary: those that count tokens.
func (m treeMemory) holders() int {
	return len(m.of["dataset_manager"]) + len(m.of["record_processor"])
}

// parts lists the kinds, vocabularies included, largest first.
func (m treeMemory) parts() string {
	sums := map[string]float64{}
	var kinds []string
	for kind, sizes := range m.of {
		kinds = append(kinds, kind)
		for _, size := range sizes {
			sums[kind] += size
		}
	}
	slices.SortFunc(kinds, func(a, b string) int { return int(sums[b] - sums[a]) })
	var list []string
	for _, kind := range kinds {
		list = append(list, fmt.Sprintf("%s %.0f", strings.ReplaceAll(kind, "_", " "), sums[kind]))
	}
	return fmt.Sprintf("all: %.0f; ", m.total) + strings.Join(list, ", ")
}

// vocabulary is what the embedded one needs in a process, MiB of live memory.
func vocabulary() (float64, error) {
	before := live()
	counter := mockservice.NewCounter(plugins.Builtin(), "builtin", tokenizers.DefaultEncoding)
	if err := counter.Load(); err != nil {
		return 0, err
	}
	size := live() - before
	runtime.KeepAlive(counter)
	return size / mebibyte, nil
}

func live() float64 {
	runtime.GC()
	runtime.GC() // what the first one only marked
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
