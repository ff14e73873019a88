package main

import (
	"bytes"
	"os"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestLauncher(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "launcher")
}

// session is one start of the program, in-process.
type session struct {
	state       *State
	out, errors bytes.Buffer
}

func newSession(env ...string) *session {
	s := &session{}
	s.state = &State{
		Env: env, Stdin: &bytes.Buffer{}, Stdout: &s.out, Stderr: &s.errors, WorkingDir: GinkgoT().TempDir(),
		Executable: "/nonexistent/aiperf", Signals: make(chan os.Signal),
	}
	return s
}

// run starts the program with arguments and returns its exit code.
func (s *session) run(args ...string) int {
	s.state.Args = args
	return run(s.state)
}
