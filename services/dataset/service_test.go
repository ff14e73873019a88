package dataset

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
)

var _ = Describe("Manager", func() {
	var run *config.Run
	var published []messages.Message
	var process *bootstrap.Process
	var manager *Manager
	BeforeEach(func() {
		dir := GinkgoT().TempDir()
		run = testRun(dir)
		run.Mesh.Dataset = "ipc://" + filepath.Join(dir, "d.ipc")
		run.Environment.Dataset.ConfigurationTimeoutSec = 5
		published = nil
		node, err := bus.NewNode(bus.Options{})
		Expect(err).NotTo(HaveOccurred())
		process = &bootstrap.Process{ID: "dataset_manager", Run: run, Log: bootstrap.NewLogger(slog.DiscardHandler), Handlers: bootstrap.NewHandlers(), ZMQ: node}
		s, err := New(process)
		Expect(err).NotTo(HaveOccurred())
		manager = s.(*Manager)
		manager.publish = func(m messages.Message) { published = append(published, m) }
		DeferCleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			Expect(manager.Stop(ctx)).To(Succeed())
			Expect(node.Close()).To(Succeed())
		})
	})
	configure := func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return process.Handlers.Commands()[messages.CommandProfileConfigure](ctx, nil)
	}

	It("answers with the announcement, and tells everybody, once the dataset can be opened", func() {
		Expect(manager.Init(context.Background())).To(Succeed())
		answer, err := configure()
		Expect(err).NotTo(HaveOccurred())
		n := answer.(*messages.DatasetConfiguredNotification)
		Expect(n.Metadata.ConversationCount).To(Equal(20))
		Expect(published).To(Equal([]messages.Message{n}))
		s, err := store.Open(run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		s.Close()
	})

	It("answers with the reason, and tells everybody, when there will be none", func() {
		run.Benchmark.Dataset.Prompts.ISL = store.Fixed(0)
		Expect(manager.Init(context.Background())).To(Succeed())
		_, err := configure()
		Expect(err).To(MatchError(ContainSubstring("raise --isl")))
		Expect(published).To(HaveLen(1))
		Expect(published[0].(*messages.DatasetConfigurationFailed).Error).To(ContainSubstring("raise --isl"))
	})

	It("does not outlive the command that waits for it", func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(context.DeadlineExceeded)
		_, err := process.Handlers.Commands()[messages.CommandProfileConfigure](ctx, nil)
		Expect(err).To(MatchError(context.DeadlineExceeded))
	})

	It("stops in the middle of a build", func() {
		run.Benchmark.Dataset.Entries, run.Benchmark.Dataset.Prompts.ISL = 1_000_000, store.Fixed(500)
		Expect(manager.Init(context.Background())).To(Succeed())
	})
})
