package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/messages/bus"
)

// binary is the program under test, built once, with the race detector when this
// suite runs under it: a race in any process ends that process and so the test.
var binary string

var _ = SynchronizedBeforeSuite(func() []byte {
	dir, err := os.MkdirTemp("", "aiperf-e2e-")
	Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(dir, "aiperf")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./launcher")...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return []byte(path)
}, func(path []byte) { binary = string(path) })

var _ = SynchronizedAfterSuite(func() {}, func() { os.RemoveAll(filepath.Dir(binary)) })

// patience bounds every wait for something that will happen; it is no measure.
const patience = 2 * time.Minute

// program is one running aiperf.
type program struct {
	cmd            *exec.Cmd
	stdout, stderr *lockedBuffer
	done           chan struct{}
	dir            string // artifact directory
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs aiperf with arguments, in a working directory of its own and without
// the caller's AIPERF settings.
func start(args ...string) *program {
	GinkgoHelper()
	p := &program{cmd: exec.Command(binary, args...), stdout: &lockedBuffer{}, stderr: &lockedBuffer{}, done: make(chan struct{})}
	p.cmd.Dir = GinkgoT().TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.Env = []string{"HOME=" + p.cmd.Dir, "PATH=" + os.Getenv("PATH"), "GORACE=halt_on_error=1", "TMPDIR=" + os.TempDir()}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for i, a := range args {
		if a == "--artifact-dir" && i+1 < len(args) {
			p.dir = args[i+1]
		}
	}
	Expect(p.cmd.Start()).To(Succeed())
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	DeferCleanup(func() {
		_ = p.cmd.Process.Kill()
		Eventually(p.done).WithTimeout(patience).Should(BeClosed())
	})
	return p
}

// wait returns the exit code.
func (p *program) wait() int {
	GinkgoHelper()
	Eventually(p.done).WithTimeout(patience).Should(BeClosed(), p.output)
	return p.cmd.ProcessState.ExitCode()
}

func (p *program) output() string {
	return fmt.Sprintf("stdout:\n%s\nstderr:\n%s\nlog:\n%s", p.stdout, p.stderr, p.log())
}

func (p *program) log() string {
	b, _ := os.ReadFile(filepath.Join(p.dir, "logs", "aiperf.log"))
	races, _ := filepath.Glob(filepath.Join(p.dir, "logs", "*.stderr.log"))
	for _, r := range races {
		text, _ := os.ReadFile(r)
		b = append(b, text...)
	}
	return string(b)
}

// aiperf runs a command to its end.
func aiperf(args ...string) (p *program, code int) {
	GinkgoHelper()
	p = start(args...)
	return p, p.wait()
}

// services lists the living children of the launcher: service id → process id, as ps
// would show them.
func (p *program) services() map[string]int {
	out := map[string]int{}
	for pid, name := range childrenOf(p.cmd.Process.Pid) {
		out[name] = pid
	}
	return out
}

// childrenOf reads the process table: process id → the id in "aiperf <id> service ...".
func childrenOf(parent int) map[int]string {
	out := map[int]string{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		rest := string(b[bytes.LastIndexByte(b, ')')+1:])
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[0] == "Z" || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		name, _, _ := strings.Cut(string(cmdline), "\x00")
		if id, ok := strings.CutPrefix(name, "aiperf "); ok {
			out[pid] = id
		}
	}
	return out
}

// find waits for a living service whose id begins with prefix.
func (p *program) find(prefix string) (id string, pid int) {
	GinkgoHelper()
	Eventually(func() bool {
		for name, n := range p.services() {
			if strings.HasPrefix(name, prefix) {
				id, pid = name, n
				return true
			}
		}
		return false
	}).WithTimeout(patience).Should(BeTrue(), p.output)
	return id, pid
}

// kill ends one service without a word.
func (p *program) kill(prefix string) (id string) {
	GinkgoHelper()
	id, pid := p.find(prefix)
	Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
	return id
}

func (p *program) signal(sig os.Signal) {
	GinkgoHelper()
	Expect(p.cmd.Process.Signal(sig)).To(Succeed())
}

// listener is a subscriber of the run's event bus.
type listener struct {
	node *bus.Node
	sub  *bus.Socket
}

// meshFile is where a live run says how to attach to it.
func (p *program) meshFile() (address string) {
	GinkgoHelper()
	Eventually(func() error {
		b, err := os.ReadFile(filepath.Join(p.dir, ".aiperf_mesh.json"))
		if err != nil {
			select {
			case <-p.done:
				return StopTrying("the run has ended").Wrap(err)
			default:
				return err
			}
		}
		var m struct {
			EventBusBackend string `json:"event_bus_backend"`
		}
		address = m.EventBusBackend
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		address = m.EventBusBackend
		return nil
	}).WithTimeout(patience).Should(Succeed(), p.output)
	return address
}

// listen attaches to the run as soon as it can be attached to.
func (p *program) listen(types ...string) *listener {
	GinkgoHelper()
	node, err := bus.NewNode(bus.Options{ReconnectIvl: 10 * time.Millisecond, ReconnectIvlMax: time.Second, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10})
	Expect(err).NotTo(HaveOccurred())
	var topics []string
	for _, t := range types {
		topics = append(topics, messages.Topic(t, ""))
	}
	sub, err := node.Open(bus.Spec{Name: "listener", Kind: bus.Sub, Address: p.meshFile(), Subscriptions: topics})
	Expect(err).NotTo(HaveOccurred())
	l := &listener{node, sub}
	DeferCleanup(func() {
		sub.Close()
		_ = node.Close()
	})
	return l
}

// records waits until n live records have come by.
func (p *program) records(n int) {
	GinkgoHelper()
	l := p.listen("metric_records")
	seen := 0
	bound := time.After(patience)
	for seen < n {
		select {
		case d, open := <-l.sub.Receive():
			Expect(open).To(BeTrue())
			var m messages.MetricRecords
			Expect(d.Envelope.Decode(&m)).To(Succeed())
			seen += len(m.Records)
		case <-p.done:
			Fail("the run ended after " + strconv.Itoa(seen) + " live records\n" + p.output())
		case <-bound:
			Fail("only " + strconv.Itoa(seen) + " live records came\n" + p.output())
		}
	}
}

// summary reads the run's JSON.
func (p *program) summary() map[string]any {
	GinkgoHelper()
	b, err := os.ReadFile(filepath.Join(p.dir, "profile_export_aiperf.json"))
	Expect(err).NotTo(HaveOccurred(), p.output())
	var m map[string]any
	Expect(json.Unmarshal(b, &m)).To(Succeed())
	return m
}

// lines reads the run's records.
func (p *program) lines() (out []map[string]any) {
	GinkgoHelper()
	b, err := os.ReadFile(filepath.Join(p.dir, "profile_export.jsonl"))
	Expect(err).NotTo(HaveOccurred(), p.output())
	for _, line := range bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		var m map[string]any
		Expect(json.Unmarshal(line, &m)).To(Succeed(), string(line))
		out = append(out, m)
	}
	return out
}

// at walks into nested maps.
func at(m map[string]any, path ...string) any {
	var v any = m
	for _, key := range path {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[key]
	}
	return v
}

// number is at for a number that must be there.
func number(m map[string]any, path ...string) float64 {
	GinkgoHelper()
	v, ok := at(m, path...).(float64)
	Expect(ok).To(BeTrue(), "no number at %s in %v", strings.Join(path, "."), m)
	return v
}

// books checks that every credit has exactly one fate, and that the files agree.
func (p *program) books() (credits map[string]any) {
	GinkgoHelper()
	s := p.summary()
	credits, ok := at(s, "measurement_quality", "credits").(map[string]any)
	Expect(ok).To(BeTrue(), p.output())
	sum := number(credits, "completed") + number(credits, "failed") + number(credits, "cancelled") + number(credits, "lost")
	Expect(number(credits, "issued")).To(Equal(sum), "%v", credits)
	outcomes := map[string]int{}
	ids := map[float64]bool{}
	for _, line := range p.lines() {
		if at(line, "metadata", "benchmark_phase") != "profiling" {
			continue
		}
		id := number(line, "metadata", "session_num")
		Expect(ids[id]).To(BeFalse(), "two records of credit %v", id)
		ids[id] = true
		switch {
		case at(line, "metadata", "was_cancelled") == true:
			outcomes["cancelled"]++
		case line["error"] == nil:
			outcomes["completed"]++
		case at(line, "error", "type") == "WorkerLost", at(line, "error", "type") == "RecordProcessorLost":
			outcomes["lost"]++
		default:
			outcomes["failed"]++
		}
	}
	// Of a run that ended early nothing is known of some credits: no record stands for them.
	unheard := number(s, "measurement_quality", "records_expected") - number(s, "measurement_quality", "records_received")
	outcomes["lost"] += int(unheard)
	for _, k := range []string{"completed", "failed", "lost"} {
		Expect(number(credits, k)).To(BeEquivalentTo(outcomes[k]), "%s: %v", k, credits)
	}
	if at(s, "is_complete") != false {
		Expect(unheard).To(BeZero())
	}
	Expect(number(credits, "cancelled")).To(BeNumerically(">=", outcomes["cancelled"]), "some were cancelled before they had a record")
	return credits
}

func artifacts() string {
	GinkgoHelper()
	return filepath.Join(GinkgoT().TempDir(), "artifacts")
}

// alive tells whether a process exists and is no zombie.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

func linuxOnly() {
	if runtime.GOOS != "linux" {
		Skip("reads the process table under /proc")
	}
}
