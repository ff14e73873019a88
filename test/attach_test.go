package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	zmq "github.com/pebbe/zmq4"

	"aiperf/bootstrap"
	"aiperf/messages"
)

// foreign is a program of somebody else's that listens to a run.
type foreign struct {
	cmd       *exec.Cmd
	out, errs lockedBuffer
	done      chan struct{}
}

func consumer(name string, args ...string) *foreign {
	GinkgoHelper()
	c := &foreign{cmd: exec.Command(name, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.errs
	Expect(c.cmd.Start()).To(Succeed())
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait()
	}()
	DeferCleanup(func() {
		_ = c.cmd.Process.Kill()
		Eventually(c.done).WithTimeout(patience).Should(BeClosed())
	})
	return c
}

// wait returns the exit code.
func (c *foreign) wait() int {
	GinkgoHelper()
	Eventually(c.done).WithTimeout(patience).Should(BeClosed(), c.errs.String)
	return c.cmd.ProcessState.ExitCode()
}

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

	It("a consumer in Python, started in mid-run, prints live records to the end", func() {
		python := pythonWith("zmq", "msgpack")
		p := long(400)
		p.records(10)
		c := consumer(python, pythonExample, p.dir)
		Expect(p.wait()).To(Equal(0), p.output())
		Expect(c.wait()).To(Equal(0), c.errs.String())
		lines := strings.Split(strings.TrimSpace(c.out.String()), "\n")
		Expect(len(lines)).To(BeNumerically(">", 20))
		Expect(lines[0]).To(MatchRegexp(`^\d+ \d+\.\d ms ok$`))
		Expect(c.errs.String()).To(ContainSubstring("missed 0 messages"))
	})

	It("a consumer that is stopped slows nothing", func() {
		example := goExample()
		p := start(profileArgs(target("--fast"), artifacts(), "--concurrency", "4", "--request-count", "2000", "--isl", "8", "--osl", "2")...)
		p.records(20)
		c := consumer(example, p.dir)
		Eventually(c.out.String).WithTimeout(patience).ShouldNot(BeEmpty(), c.errs.String)
		Expect(c.cmd.Process.Signal(syscall.SIGSTOP)).To(Succeed())
		Expect(p.wait()).To(Equal(0), p.output())
		Expect(p.lines()).To(HaveLen(2000))
		p.books()
	})
})

var _ = Describe("the examples", Label("e2e"), func() {
	consumers := func() map[string]func(dir string) *foreign {
		python, example := pythonWith("zmq", "msgpack"), goExample()
		return map[string]func(dir string) *foreign{
			"Python": func(dir string) *foreign { return consumer(python, pythonExample, dir) },
			"Go":     func(dir string) *foreign { return consumer(example, dir) },
		}
	}

	It("count by seq what they missed", func() {
		for language, start := range consumers() {
			b := newFakeBus(os.Getpid())
			c := start(b.dir)
			Eventually(func() string { // until the subscription has arrived, nobody gets anything
				b.publish(4, &messages.MetricRecords{Records: []messages.MetricRecord{{}}})
				return c.out.String()
			}).WithTimeout(patience).ShouldNot(BeEmpty(), c.errs.String)
			b.publish(5, &messages.MetricRecords{})
			b.publish(9, &messages.MetricRecords{})
			b.publish(0, &messages.MetricRecords{}) // restarted
			b.publish(2, &messages.MetricRecords{})
			b.publish(0, &messages.BenchmarkComplete{})
			Expect(c.wait()).To(Equal(0), language+"\n"+c.errs.String())
			Expect(c.errs.String()).To(ContainSubstring("missed 4 messages"), language)
		}
	})

	It("end when the run is gone without a last word", func() {
		dead := exec.Command("true")
		Expect(dead.Run()).To(Succeed())
		for language, start := range consumers() {
			c := start(newFakeBus(dead.Process.Pid).dir)
			Expect(c.wait()).To(Equal(1), language)
		}
	})
})

// fakeBus is the event bus of a run that publishes what a spec wants. Its socket is
// used by the spec's goroutine alone.
type fakeBus struct {
	dir string // holds the mesh file
	pub *zmq.Socket
}

func newFakeBus(pid int) *fakeBus {
	GinkgoHelper()
	b := &fakeBus{dir: GinkgoT().TempDir()}
	var err error
	b.pub, err = zmq.NewSocket(zmq.PUB)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { b.pub.Close() })
	address := "ipc://" + filepath.Join(b.dir, "bus")
	Expect(b.pub.Bind(address)).To(Succeed())
	file, err := json.Marshal(bootstrap.MeshFile{PID: pid, EventBusBackend: address, ProtocolVersion: messages.ProtocolVersion})
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(b.dir, bootstrap.MeshFileName), file, 0o600)).To(Succeed())
	return b
}

func (b *fakeBus) publish(seq uint64, m messages.Message) {
	GinkgoHelper()
	frame, err := messages.Encode(nil, messages.Header{ServiceID: "records_manager", Seq: seq}, m)
	Expect(err).NotTo(HaveOccurred())
	_, err = b.pub.SendMessage(messages.Topic(m.MessageType(), ""), frame)
	Expect(err).NotTo(HaveOccurred())
}

const pythonExample = "../examples/python/live_records.py"

// goExample builds the consumer in Go.
func goExample() string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "live_records")
	build := exec.Command("go", "build", "-o", path, "./examples/go")
	build.Dir = ".."
	text, err := build.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(text))
	return path
}

// pythonWith finds an interpreter that has the modules: the one `make test` sets up
// for the tests, or the system's.
func pythonWith(modules ...string) string {
	for _, candidate := range []string{"../.cache/python/bin/python", "python3"} {
		if exec.Command(candidate, "-c", "import "+strings.Join(modules, ",")).Run() == nil {
			return candidate
		}
	}
	Skip("no Python with " + strings.Join(modules, " and ") + ": `make test-deps` installs them where pip reaches a package index")
	return ""
}
