package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// consumer runs a program of somebody else's against a live run.
func consumer(name string, args ...string) (*exec.Cmd, *lockedBuffer, *lockedBuffer) {
	GinkgoHelper()
	cmd := exec.Command(name, args...)
	var out, errs lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() { _ = cmd.Process.Kill() })
	return cmd, &out, &errs
}

var missedLine = regexp.MustCompile(`missed (\d+) messages`)

var _ = Describe("attaching to a run", Label("e2e"), func() {
	It("watch prints live messages as JSON lines and ends with the run", func() {
		p := long(400)
		p.meshFile()
		w := start("watch", "--run", p.dir, "--types", "metric_records,credit_phase_complete", "--json")
		Expect(p.wait()).To(Equal(0), p.output())
		Expect(w.wait()).To(Equal(0), w.output())
		seen := map[string]int{}
		for _, line := range strings.Split(strings.TrimSpace(w.stdout.String()), "\n") {
			var m map[string]any
			Expect(json.Unmarshal([]byte(line), &m)).To(Succeed(), line)
			seen[m["message_type"].(string)]++
		}
		Expect(seen["metric_records"]).To(BeNumerically(">", 1))
		Expect(seen["credit_phase_complete"]).To(Equal(1))
		Expect(seen).To(HaveLen(2), "only what was asked for")
	})

	It("a consumer in Python prints live records and counts gaps", func() {
		python := pythonWith("zmq", "msgpack")
		p := long(400)
		p.records(10)
		cmd, out, errs := consumer(python, "../examples/python/live_records.py", p.dir)
		Expect(p.wait()).To(Equal(0), p.output())
		Expect(cmd.Wait()).To(Succeed(), errs.String())
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		Expect(len(lines)).To(BeNumerically(">", 20))
		Expect(lines[0]).To(MatchRegexp(`^\d+ \d+\.\d ms ok$`))
		Expect(errs.String()).To(ContainSubstring("missed 0 messages"))
	})

	It("a consumer in Go does the same, and one that is stopped slows nothing and sees the gap", func() {
		example := filepath.Join(GinkgoT().TempDir(), "live_records")
		build := exec.Command("go", "build", "-o", example, "./examples/go")
		build.Dir = ".."
		var text bytes.Buffer
		build.Stderr = &text
		Expect(build.Run()).To(Succeed(), text.String())
		// More messages than the queues between bus and consumer hold, while it stands still.
		url := target("--fast")
		p := start(profileArgs(url, artifacts(), "--concurrency", "16", "--request-count", "20000", "--isl", "8", "--osl", "2")...)
		p.records(50)
		cmd, out, errs := consumer(example, p.dir)
		Eventually(out.String).WithTimeout(patience).ShouldNot(BeEmpty())
		Expect(cmd.Process.Signal(syscall.SIGSTOP)).To(Succeed())
		Expect(p.wait()).To(Equal(0), p.output())
		Expect(p.lines()).To(HaveLen(20000))
		p.books()
		// The last word may be among what it missed: it is ended by hand then.
		Expect(cmd.Process.Signal(syscall.SIGCONT)).To(Succeed())
		Expect(cmd.Process.Signal(os.Interrupt)).To(Succeed())
		_ = cmd.Wait()
		if m := missedLine.FindStringSubmatch(errs.String()); m != nil {
			n, err := strconv.Atoi(m[1])
			Expect(err).NotTo(HaveOccurred())
			Expect(n).To(BeNumerically(">=", 0))
		}
	})
})

// pythonWith finds an interpreter that has the modules: the one `make deps` set up
// for the tests, or the system's.
func pythonWith(modules ...string) string {
	for _, candidate := range []string{"../.cache/python/bin/python", "python3"} {
		if exec.Command(candidate, "-c", "import "+strings.Join(modules, ",")).Run() == nil {
			return candidate
		}
	}
	Skip("no Python with " + strings.Join(modules, " and ") + ": `make deps` installs it where pip reaches a package index")
	return ""
}
