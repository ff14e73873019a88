package recordprocessor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
)

const processorID = "record_processor_1"

// mesh is a processor with the sockets of its neighbours.
type mesh struct {
	run     *config.Run
	node    *bus.Node
	worker  *bus.Socket // pushes raw results
	manager *bus.Socket // pulls records
	process *bootstrap.Process
	service bootstrap.Service
}

func newMesh() *mesh {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	m := &mesh{run: &config.Run{DatasetDir: filepath.Join(dir, "mmap")}}
	m.run.Mesh.RawInference = map[string]string{processorID: "ipc://" + filepath.Join(dir, "raw.ipc")}
	m.run.Mesh.Records = "ipc://" + filepath.Join(dir, "rec.ipc")
	m.run.Environment.ZMQ.PushDrainTimeoutSec = 0.1
	m.run.Benchmark = config.Benchmark{
		Models: config.Models{Names: []string{"m"}},
		Endpoint: config.Endpoint{Type: "chat", Streaming: true, Capabilities: config.EndpointTraits{
			SupportsStreaming: true, TokenizesInput: true, ProducesTokens: true,
		}},
		Tokenizer: config.Tokenizer{Name: "builtin", Encoding: "o200k_base"},
	}
	w, err := dataset.NewWriter(m.run.DatasetDir)
	Expect(err).NotTo(HaveOccurred())
	c := dataset.Conversation{SessionID: "session_000000", Turns: make([]dataset.Turn, 1)}
	Expect(w.Add(&c, [][]byte{[]byte(`{"messages":[{"role":"user","content":"hello world"}]}`)})).To(Succeed())
	_, err = w.Finish()
	Expect(err).NotTo(HaveOccurred())
	m.node, err = bus.NewNode(bus.Options{ReconnectIvl: 10 * time.Millisecond, ReconnectIvlMax: 20 * time.Millisecond})
	Expect(err).NotTo(HaveOccurred())
	m.worker = m.open(bus.Spec{Name: "raw", Kind: bus.Push, Address: m.run.Mesh.RawInference[processorID], Sender: "worker_1", Immediate: true})
	m.manager = m.open(bus.Spec{Name: "records", Kind: bus.Pull, Bind: true, Address: m.run.Mesh.Records, Sender: "records_manager", HighWater: 2, Queue: 1})
	DeferCleanup(func() {
		m.worker.Close()
		m.manager.Close()
		Expect(m.node.Close()).To(Succeed())
	})
	return m
}

func (m *mesh) open(s bus.Spec) *bus.Socket {
	GinkgoHelper()
	socket, err := m.node.Open(s)
	Expect(err).NotTo(HaveOccurred())
	return socket
}

// start makes the service and takes it through Init.
func (m *mesh) start() {
	GinkgoHelper()
	m.process = &bootstrap.Process{
		Type: "record_processor", ID: processorID, Run: m.run, Log: bootstrap.NewLogger(slog.DiscardHandler), Handlers: bootstrap.NewHandlers(), ZMQ: m.node,
	}
	var err error
	m.service, err = New(m.process)
	Expect(err).NotTo(HaveOccurred())
	Expect(m.service.Init(context.Background())).To(Succeed())
}

func (m *mesh) stop(limit time.Duration) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	Expect(m.service.Stop(ctx)).To(Succeed())
}

func (m *mesh) command(name string) error {
	payload, err := msgpack.Marshal(&messages.DatasetConfiguredNotification{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = m.process.Handlers.Commands()[name](ctx, payload)
	return err
}

// push sends n results with ids from first on.
func (m *mesh) push(first, n int) {
	GinkgoHelper()
	batch := &messages.RawResults{}
	for i := range n {
		raw := answer(delta("hello"), delta(" world"))
		raw.Credit.ID = int64(first + i)
		batch.Records = append(batch.Records, *raw)
	}
	Expect(m.worker.Send(context.Background(), "", batch)).To(Succeed())
}

// receive gathers the ids of records until there are n, and the sizes of batches.
func (m *mesh) receive(n int) (ids []int64, records []messages.MetricRecord, sizes []int) {
	GinkgoHelper()
	for len(ids) < n {
		var d bus.Delivery
		Eventually(m.manager.Receive(), "5s").Should(Receive(&d))
		var batch messages.MetricRecords
		Expect(d.Envelope.Decode(&batch)).To(Succeed())
		sizes = append(sizes, len(batch.Records))
		for _, r := range batch.Records {
			ids, records = append(ids, r.Metadata.SessionNum), append(records, r)
		}
	}
	return ids, records, sizes
}

func upTo(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i)
	}
	return ids
}

var _ = Describe("Processor", func() {
	var m *mesh
	BeforeEach(func() { m = newMesh() })

	It("keeps what comes before it is configured, and makes one record of each result, in order", func() {
		m.start()
		m.push(0, 10)
		Consistently(m.manager.Receive(), "20ms").ShouldNot(Receive())
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.push(10, 200)
		ids, records, sizes := m.receive(210)
		Expect(ids).To(Equal(upTo(210)))
		for _, n := range sizes {
			Expect(n).To(BeNumerically("<=", maxBatch))
		}
		rec := records[100]
		Expect(rec.Error).To(BeNil())
		Expect(rec.Metadata.RecordProcessorID).To(Equal(processorID))
		Expect(numbers(rec)).To(And(HaveKeyWithValue("input_sequence_length", 2.0), HaveKeyWithValue("output_sequence_length", 2.0)))
		m.stop(5 * time.Second)
	})

	It("sends a lone record soon, without another to push it", func() {
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.push(0, 1)
		ids, _, _ := m.receive(1)
		Expect(ids).To(Equal(upTo(1)))
		m.stop(5 * time.Second)
	})

	It("is configured twice without harm", func() {
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.stop(5 * time.Second)
	})

	DescribeTable("flushes on command", func(name string) {
		m.start()
		Expect(m.command(name)).To(Succeed(), "also when nothing was configured")
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.push(0, 3)
		ids, _, _ := m.receive(3)
		Expect(ids).To(HaveLen(3))
		Expect(m.command(name)).To(Succeed())
		m.stop(5 * time.Second)
	},
		Entry("the end of profiling", messages.CommandProfileComplete),
		Entry("the closing of artifacts", messages.CommandFinalizeArtifacts),
		Entry("a cancel", messages.CommandProfileCancel),
	)

	It("waits for a slow records manager and loses nothing", func() {
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		const batches, each = 400, 64 // more than the queues on the way to the manager hold
		done := make(chan struct{})
		go func() {
			defer GinkgoRecover()
			defer close(done)
			for i := range batches {
				m.push(i*each, each)
			}
		}()
		Eventually(done, "20s").Should(BeClosed())
		Eventually(func() uint64 { return m.service.(*Processor).records.Stats().Waits }, "20s").Should(BeNumerically(">", 0))
		ids, _, _ := m.receive(batches * each)
		Expect(ids).To(Equal(upTo(batches * each)))
		m.stop(5 * time.Second)
	})

	It("ignores what is no raw result", func() {
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		Expect(m.worker.Send(context.Background(), "", &messages.Heartbeat{})).To(Succeed())
		m.push(0, 1)
		ids, _, _ := m.receive(1)
		Expect(ids).To(Equal(upTo(1)))
		m.stop(5 * time.Second)
	})

	It("takes over the address of a processor that was killed", func() {
		// What a killed process leaves: its socket's file, with nobody behind it.
		path := strings.TrimPrefix(m.run.Mesh.RawInference[processorID], "ipc://")
		left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		Expect(err).NotTo(HaveOccurred())
		left.SetUnlinkOnClose(false)
		Expect(left.Close()).To(Succeed())
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.push(0, 1)
		ids, _, _ := m.receive(1)
		Expect(ids).To(Equal(upTo(1)))
		m.stop(5 * time.Second)

		By("and again, with the same worker")
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.push(1, 1)
		ids, _, _ = m.receive(1)
		Expect(ids).To(Equal([]int64{1}))
		m.stop(5 * time.Second)
	})

	It("stops at any moment, and in time when nobody takes its records", func() {
		By("before it is initialised")
		s, err := New(&bootstrap.Process{ID: processorID, Run: m.run, Log: bootstrap.NewLogger(slog.DiscardHandler), Handlers: bootstrap.NewHandlers(), ZMQ: m.node})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Stop(context.Background())).To(Succeed())
		By("before it is configured")
		m.start()
		m.stop(5 * time.Second)
		By("with records that have nowhere to go")
		m.run.Mesh.Records = "ipc://" + filepath.Join(GinkgoT().TempDir(), "nobody.ipc")
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(Succeed())
		m.push(0, 64)
		m.stop(50 * time.Millisecond)
	})

	It("refuses to start without an address", func() {
		delete(m.run.Mesh.RawInference, processorID)
		s, err := New(&bootstrap.Process{ID: processorID, Run: m.run, Log: bootstrap.NewLogger(slog.DiscardHandler), Handlers: bootstrap.NewHandlers(), ZMQ: m.node})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Init(context.Background())).To(MatchError(ContainSubstring(processorID + " has no address")))
	})

	DescribeTable("fails to be configured", func(change func(*config.Run), reason string) {
		change(m.run)
		m.start()
		Expect(m.command(messages.CommandProfileConfigure)).To(MatchError(ContainSubstring(reason)))
		m.stop(5 * time.Second)
	},
		Entry("without a dataset", func(r *config.Run) { r.DatasetDir += "x" }, "index.dat"),
		Entry("with an unknown vocabulary", func(r *config.Run) { r.Benchmark.Tokenizer.Encoding = "klingon" }, "klingon"),
		Entry("with an unknown endpoint", func(r *config.Run) { r.Benchmark.Endpoint.Type = "telepathy" }, "telepathy"),
		Entry("without a model", func(r *config.Run) { r.Benchmark.Models.Names = nil }, "names no model"),
	)

	It("loads no tokenizer where the server counts", func() {
		m.run.Benchmark.Endpoint.UseServerTokenCount = true
		m.run.Benchmark.Tokenizer.Encoding = "klingon"
		p, err := newParts(m.run)
		Expect(err).NotTo(HaveOccurred())
		Expect(p.tokenizer).To(BeNil())
		store, err := dataset.Open(m.run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		defer store.Close()
		rec := one(p.engine(processorID, store, m.run, func(string) {}), answer(delta("x"), usageChunk))
		Expect(rec.Error).To(BeNil())
		Expect(fmt.Sprint(numbers(rec)["input_sequence_length"])).To(Equal("11"))
	})
})
