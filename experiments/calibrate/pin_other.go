//go:build !linux

package calibrate

import (
	"errors"
	"syscall"
)

func cores() []int { return nil }

func pinThread([]int) error { return errors.New("cores cannot be chosen on this system") }

func pinProcess([]int) error { return errors.New("cores cannot be chosen on this system") }

func dieWithThread() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
