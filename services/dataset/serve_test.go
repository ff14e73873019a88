package dataset

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
)

var _ = Describe("server", func() {
	var g *gate
	var client *bus.Socket
	var limit time.Duration
	BeforeEach(func() { limit = time.Minute })
	JustBeforeEach(func() {
		node, err := bus.NewNode(bus.Options{})
		Expect(err).NotTo(HaveOccurred())
		address := "ipc://" + filepath.Join(GinkgoT().TempDir(), "d.ipc")
		router, err := node.Open(bus.Spec{Name: "dataset", Kind: bus.Router, Bind: true, Address: address, Sender: "dataset_manager"})
		Expect(err).NotTo(HaveOccurred())
		client, err = node.Open(bus.Spec{Name: "client", Kind: bus.Dealer, Address: address, Identity: "w1", Sender: "w1"})
		Expect(err).NotTo(HaveOccurred())
		g = newGate()
		s := newServer(router, bootstrap.NewLogger(slog.DiscardHandler), limit, g)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.serve(ctx)
		}()
		DeferCleanup(func() {
			stop()
			router.Close()
			client.Close()
			Eventually(done).Should(BeClosed())
			Expect(node.Close()).To(Succeed())
		})
	})

	open := func(turns float64) *store.Store {
		GinkgoHelper()
		run := testRun(GinkgoT().TempDir())
		run.Benchmark.Dataset.Turns = store.Fixed(turns)
		out := mustBuild(run)
		var err error
		g.store, err = store.Open(run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		g.notification = announcement(run, out)
		close(g.open)
		DeferCleanup(g.store.Close)
		return g.store
	}
	ask := func(id string, m messages.Message) {
		GinkgoHelper()
		Expect(client.SendRequest(context.Background(), "", id, m)).To(Succeed())
	}
	answer := func(id string, into messages.Message) {
		GinkgoHelper()
		var d bus.Delivery
		Eventually(client.Receive()).Should(Receive(&d))
		Expect(d.Envelope.RequestID).To(Equal(id))
		Expect(d.Envelope.Type).To(Equal(into.MessageType()))
		Expect(d.Envelope.Decode(into)).To(Succeed())
	}

	It("answers what is asked before the dataset is there once it is", func() {
		ask("r1", &messages.ConversationRequest{ConversationID: "session_000002"})
		ask("r2", &messages.DatasetConfigStatusRequest{})
		var status messages.DatasetConfigStatusResponse
		answer("r2", &status)
		Expect(status.Notification).To(BeNil(), "the status is known at once")
		s := open(1)
		var got messages.ConversationResponse
		answer("r1", &got)
		var doc map[string]any
		Expect(msgpack.Unmarshal(got.Conversation, &doc)).To(Succeed())
		Expect(doc["session_id"]).To(Equal("session_000002"))
		turn := doc["turns"].([]any)[0].(map[string]any)
		Expect(turn["raw_payload"]).To(Equal(s.Payload(2, 0)))
		Expect(turn["max_tokens"]).To(BeNumerically("==", 16))
	})

	It("gives late joiners the announcement", func() {
		open(1)
		ask("r1", &messages.DatasetConfigStatusRequest{})
		var status messages.DatasetConfigStatusResponse
		answer("r1", &status)
		Expect(status.Notification).To(Equal(g.notification))
	})

	It("gives single turns of documents", func() {
		s := open(3)
		ask("r1", &messages.ConversationTurnRequest{ConversationID: "session_000001", TurnIndex: 2})
		var got messages.ConversationTurnResponse
		answer("r1", &got)
		c, err := s.Conversation(1)
		Expect(err).NotTo(HaveOccurred())
		var doc map[string]any
		Expect(msgpack.Unmarshal(got.Turn, &doc)).To(Succeed())
		Expect(doc["texts"].([]any)[0].(map[string]any)["contents"]).To(Equal([]any{c.Turns[2].Texts[0].Contents[0]}))
		Expect(doc["model"]).To(Equal("qwen3"))
	})

	DescribeTable("refuses", func(m messages.Message, typ, text string) {
		open(1)
		ask("r1", m)
		var e messages.RequestError
		answer("r1", &e)
		Expect(e.Error.Type).To(Equal(typ))
		Expect(e.Error.Message).To(ContainSubstring(text))
	},
		Entry("a conversation that there is not", &messages.ConversationRequest{ConversationID: "nobody"}, errNotFound, "no conversation nobody"),
		Entry("a turn that there is not", &messages.ConversationTurnRequest{ConversationID: "session_000001", TurnIndex: 7}, errNotFound, "conversation session_000001 has no turn 7"),
		Entry("a negative turn", &messages.ConversationTurnRequest{ConversationID: "session_000001", TurnIndex: -1}, errNotFound, "has no turn -1"),
	)

	It("passes the build's failure on", func() {
		ask("r1", &messages.ConversationRequest{ConversationID: "session_000001"})
		g.err = messages.NewError("ValueError", "no text")
		close(g.open)
		var e messages.RequestError
		answer("r1", &e)
		Expect(e.Error.Error()).To(Equal("ValueError: no text"))
	})

	It("refuses an id that is under way, and drops requests without one", func() {
		ask("", &messages.ConversationRequest{ConversationID: "session_000001"})
		ask("r1", &messages.ConversationRequest{ConversationID: "session_000001"})
		ask("r1", &messages.ConversationRequest{ConversationID: "session_000002"})
		var e messages.RequestError
		answer("r1", &e)
		Expect(e.Error.Type).To(Equal(errDuplicate))
		open(1)
		answer("r1", &messages.ConversationResponse{})
		Consistently(client.Receive(), "30ms").ShouldNot(Receive())
	})

	Context("when the dataset does not come in time", func() {
		BeforeEach(func() { limit = time.Millisecond })
		It("says so", func() {
			ask("r1", &messages.ConversationRequest{ConversationID: "session_000001"})
			var e messages.RequestError
			answer("r1", &e)
			Expect(e.Error.Type).To(Equal(errTimeout))
		})
	})
})
