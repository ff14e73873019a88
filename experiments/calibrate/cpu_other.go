//go:build !linux

package calibrate

import "time"

// Tree is the root alone: this system does not tell who started whom.
func Tree(root int, _ ...int) []int { return []int{root} }

// TreeCPU is not known on this system.
func TreeCPU(int, ...int) (time.Duration, bool) { return 0, false }

func usage() time.Duration { return 0 }

func machineCPU() (busy, all time.Duration, ok bool) { return 0, 0, false }
