package records

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

// world stands for the rest of the mesh.
type world struct {
	mu       sync.Mutex
	results  chan *messages.ProcessRecordsResult
	commands []string
}

func (w *world) Publish(messages.Message) {}

func (w *world) SendControl(_ context.Context, m messages.Message) error {
	if r, ok := m.(*messages.ProcessRecordsResult); ok {
		w.results <- r
	}
	return nil
}

func (w *world) Command(_ context.Context, name string, _ any, _ time.Duration) (*messages.CommandResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commands = append(w.commands, name)
	return &messages.CommandResponse{}, nil
}

var _ = Describe("the records manager", func() {
	ctx := context.Background()

	start := func() (*RecordsManager, *world, *bus.Socket) {
		node, err := bus.NewNode(bus.Options{ReconnectIvl: 10 * time.Millisecond, ReconnectIvlMax: time.Second, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(node.Close()).To(Succeed()) })
		dir := GinkgoT().TempDir()
		run := testRun(1)
		run.ArtifactDir, run.Benchmark.Artifacts.Records = dir, true
		run.Mesh.Records = "ipc://" + filepath.Join(dir, "r.ipc")
		w := &world{results: make(chan *messages.ProcessRecordsResult, 4)}
		r := newManager(run, plugins.Builtin(), quietLog(), node, w)
		DeferCleanup(func() { Expect(r.Stop(ctx)).To(Succeed()) })
		Expect(r.Init(ctx)).To(Succeed())
		Expect(r.Start(ctx)).To(Succeed())
		push, err := node.Open(bus.Spec{Name: "push", Kind: bus.Push, Address: run.Mesh.Records, Sender: "test", Linger: time.Second})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(push.Close)
		return r, w, push
	}
	profile := func(w *world) *exporters.Profile {
		var m *messages.ProcessRecordsResult
		Eventually(w.results, 5*time.Second).Should(Receive(&m))
		p := &exporters.Profile{}
		Expect(msgpack.Unmarshal(m.Results, p)).To(Succeed())
		return p
	}

	It("takes records from its socket, and hands the result in when it has all", func() {
		r, w, push := start()
		_, err := r.onConfigure(ctx, nil)
		Expect(err).NotTo(HaveOccurred())
		b := newFixture(testRun(1))
		for _, m := range []messages.Message{b.phaseStart(0), b.records(0, 0, 1), b.phaseEnd(0, 2), &messages.CreditsComplete{}} {
			Expect(push.Send(ctx, "", m)).To(Succeed())
		}
		p := profile(w)
		Expect(p.IsComplete).To(BeTrue(), p.IncompleteReason)
		Expect(p.SuccessfulRequestCount).To(BeEquivalentTo(2))
		Expect(w.commands).To(Equal([]string{"profile_complete", "finalize_artifacts"}))
		Expect(filepath.Join(r.doc.ArtifactDir, "profile_export.jsonl")).To(BeARegularFile())
		Expect(filepath.Join(r.doc.ArtifactDir, bootstrap.JournalName)).To(BeARegularFile())
	})

	It("answers a cancel at once, and hands in what it has soon after", func() {
		r, w, push := start()
		_, err := r.onConfigure(ctx, nil)
		Expect(err).NotTo(HaveOccurred())
		b := newFixture(testRun(1))
		Expect(push.Send(ctx, "", b.phaseStart(0))).To(Succeed())
		Expect(push.Send(ctx, "", b.records(0, 0))).To(Succeed())
		Eventually(func() (n int) {
			Expect(r.ask(ctx, func(l *ledger) error { n = l.store.Len(); return nil })).To(Succeed())
			return n
		}).Should(Equal(1))
		payload, _ := msgpack.Marshal(messages.ProfileCancelPayload{Reason: "interrupt"})
		_, err = r.onCancel(ctx, payload)
		Expect(err).NotTo(HaveOccurred())
		Expect(profile(w).WasCancelled).To(BeTrue())
	})

	It("fails its configuration when the artifact directory is gone", func() {
		r, _, _ := start()
		r.doc.ArtifactDir = filepath.Join(r.doc.ArtifactDir, "gone")
		_, err := r.onConfigure(ctx, nil)
		Expect(err).To(MatchError(ContainSubstring("create journal")))
	})

	It("refuses commands that it cannot read", func() {
		r, _, _ := start()
		for _, f := range []bootstrap.CommandFunc{r.onCancel, r.onServiceDown} {
			_, err := f(ctx, msgpack.RawMessage{0xc1})
			Expect(err).To(HaveOccurred())
		}
	})

	It("can be stopped before it was started, and twice, and answers nobody then", func() {
		node, err := bus.NewNode(bus.Options{})
		Expect(err).NotTo(HaveOccurred())
		defer node.Close()
		r := newManager(testRun(1), plugins.Builtin(), quietLog(), node, &world{})
		Expect(r.Stop(ctx)).To(Succeed())
		Expect(r.Stop(ctx)).To(Succeed())
		_, err = r.onConfigure(ctx, nil)
		Expect(err).To(HaveOccurred())
	})

	It("is made with its handlers", func() {
		p := &bootstrap.Process{Run: testRun(1), Log: quietLog(), Handlers: bootstrap.NewHandlers()}
		_, err := New(p)
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Handlers.Commands()).To(HaveKey(messages.CommandProfileCancel))
	})
})
