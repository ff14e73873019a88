package bootstrap

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
)

func runFor(workers, processors int) *config.Run {
	run := &config.Run{BenchmarkID: "abcdef012345"}
	run.Benchmark.Runtime.Workers, run.Benchmark.Runtime.RecordProcessors = workers, processors
	run.Environment.Dataset.MmapBasePath = GinkgoT().TempDir()
	run.Benchmark.Runtime.IPCPath = GinkgoT().TempDir()
	return run
}

func types(run *config.Run) (out []string) {
	for _, s := range run.Mesh.Services {
		out = append(out, s.Type)
	}
	return out
}

var _ = Describe("a plan", func() {
	It("lists consumers before producers, with fresh ids and one address per processor", func() {
		run := runFor(2, 2)
		run.Benchmark.GPUTelemetry.Enabled = true
		Expect(Plan(run)).To(Succeed())
		Expect(types(run)).To(Equal([]string{
			"system_controller", "records_manager", "record_processor", "record_processor", "dataset_manager", "timing_manager",
			"worker", "worker", "gpu_telemetry_manager",
		}))
		ids := map[string]bool{}
		for _, s := range run.Mesh.Services {
			Expect(ids[s.ID]).To(BeFalse(), s.ID)
			ids[s.ID] = true
			if s.Type == "record_processor" {
				Expect(s.ID).To(MatchRegexp(`^record_processor_[0-9a-f]{8}$`))
				Expect(run.Mesh.RawInference).To(HaveKey(s.ID))
			}
		}
		Expect(run.Mesh.Token).To(HaveLen(32))
	})

	It("makes a directory of its own inside the one the user named, for nobody else", func() {
		a, b := runFor(1, 1), runFor(1, 1)
		b.Benchmark.Runtime.IPCPath = a.Benchmark.Runtime.IPCPath
		Expect(Plan(a)).To(Succeed())
		Expect(Plan(b)).To(Succeed())
		Expect(a.Mesh.IPCDir).NotTo(Equal(b.Mesh.IPCDir), "two runs never meet")
		st, err := os.Stat(a.Mesh.IPCDir)
		Expect(err).NotTo(HaveOccurred())
		Expect(st.Mode().Perm()).To(Equal(os.FileMode(0o700)))
	})

	It("refuses a path that the kernel would cut, and leaves nothing behind", func() {
		run := runFor(1, 1)
		run.Benchmark.Runtime.IPCPath = filepath.Join(GinkgoT().TempDir(), strings.Repeat("x", 90))
		Expect(Plan(run)).To(MatchError(And(ContainSubstring("--zmq-ipc-path"), ContainSubstring("bytes"))))
		left, _ := filepath.Glob(filepath.Join(run.Benchmark.Runtime.IPCPath, "*"))
		Expect(left).To(BeEmpty())
	})

	It("includes the embedded server only when it is the target", func() {
		run := runFor(1, 1)
		run.Benchmark.MockServer = map[string]any{}
		cleanup, err := PlanMockServer(run)
		Expect(err).NotTo(HaveOccurred())
		defer cleanup()
		Expect(Plan(run)).To(Succeed())
		Expect(types(run)).To(ContainElement(MockServerType))
		Expect(run.Benchmark.Endpoint.URLs).To(ConsistOf(HavePrefix("http://127.0.0.1:")))
		conn, err := net.Dial("tcp", strings.TrimPrefix(run.Benchmark.Endpoint.URLs[0], "http://"))
		Expect(err).NotTo(HaveOccurred(), "the port is bound before the server is there")
		conn.Close()
	})

	Describe("over TCP", func() {
		tcp := func(host string) *config.Run {
			run := runFor(1, 2)
			run.Benchmark.Runtime.Communication, run.Benchmark.Runtime.Host = "tcp", host
			return run
		}

		It("names a port that is taken", func() {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			Expect(err).NotTo(HaveOccurred())
			defer l.Close()
			run := tcp("127.0.0.1")
			run.Environment.ZMQ.EventBusFrontendPort = l.Addr().(*net.TCPAddr).Port
			port := strconv.Itoa(run.Environment.ZMQ.EventBusFrontendPort)
			Expect(Plan(run)).To(MatchError(And(ContainSubstring("port "+port), ContainSubstring("--zmq-host"))))
		})

		It("wants keys or a word for an address that others can reach", func() {
			Expect(Plan(tcp("0.0.0.0"))).To(MatchError(And(ContainSubstring("aiperf keys"), ContainSubstring("--insecure"))))
		})

		It("takes the keys from their directory", func() {
			dir := GinkgoT().TempDir()
			key := strings.Repeat("k", 40)
			Expect(WriteKeys(dir, config.Curve{PublicKey: key, SecretKey: key})).To(Succeed())
			Expect(WriteKeys(dir, config.Curve{PublicKey: key, SecretKey: key})).NotTo(Succeed(), "keys are not overwritten")
			st, err := os.Stat(filepath.Join(dir, secretKeyFile))
			Expect(err).NotTo(HaveOccurred())
			Expect(st.Mode().Perm()).To(Equal(os.FileMode(0o600)))
			run := tcp("127.0.0.1")
			run.Environment.ZMQ.CurveDir = dir
			Expect(secureTCP(run, "0.0.0.0")).To(Succeed())
			Expect(run.Mesh.Curve.SecretKey).To(Equal(key))
		})
	})
})

var _ = Describe("directories of a run", func() {
	It("are swept when their owner is dead and kept while it lives", func() {
		base := GinkgoT().TempDir()
		GinkgoT().Setenv("TMPDIR", base)
		dead, alive, foreign := filepath.Join(base, "aiperf-dead"), filepath.Join(base, "aiperf_mmap_alive"), filepath.Join(base, "aiperf-foreign")
		for dir, pid := range map[string]string{dead: "999999999", alive: strconv.Itoa(os.Getpid()), foreign: ""} {
			Expect(os.Mkdir(dir, 0o700)).To(Succeed())
			if pid != "" {
				Expect(os.WriteFile(filepath.Join(dir, ownerFile), []byte(pid), 0o600)).To(Succeed())
			}
		}
		// A run that keeps its own elsewhere is looked for there.
		elsewhere := GinkgoT().TempDir()
		mapped := filepath.Join(elsewhere, "aiperf_mmap_dead")
		Expect(os.Mkdir(mapped, 0o700)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(mapped, ownerFile), []byte("999999999"), 0o600)).To(Succeed())
		SweepDead(&config.Run{})
		Expect(mapped).To(BeADirectory())
		run := &config.Run{}
		run.Environment.Dataset.MmapBasePath = elsewhere
		SweepDead(run)
		Expect(mapped).NotTo(BeADirectory())
		Expect(dead).NotTo(BeADirectory())
		Expect(alive).To(BeADirectory())
		Expect(foreign).To(BeADirectory(), "not ours, or being made right now")
	})
})
