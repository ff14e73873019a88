package bootstrap

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

// wire joins two ends of the control plane; what one sends, the other handles.
type wire struct {
	peer *Calls
	lost bool // swallow everything
}

func (w *wire) Send(ctx context.Context, _ string, m messages.Message) error {
	if w.lost {
		return nil
	}
	switch m := m.(type) {
	case *messages.Command:
		w.peer.Execute(ctx, "caller", m)
	case *messages.CommandResponse:
		w.peer.Resolve(m)
	}
	return nil
}

func pair(handlers map[string]CommandFunc) (caller *Calls, toServer *wire) {
	log := NewLogger(&logHandler{put: func(messages.Message) {}, level: slog.LevelError})
	toServer, toCaller := &wire{}, &wire{}
	caller = NewCalls(toServer, log, nil)
	server := NewCalls(toCaller, log, handlers)
	toServer.peer, toCaller.peer = server, caller
	return caller, toServer
}

var _ = Describe("commands", func() {
	ctx := context.Background()

	DescribeTable("are answered with a status that says how they went",
		func(fn CommandFunc, status string, failure string) {
			handlers := map[string]CommandFunc{}
			if fn != nil {
				handlers["work"] = fn
			}
			caller, _ := pair(handlers)
			r, err := caller.Call(ctx, "", "work", nil, time.Minute)
			if failure != "" {
				Expect(err).To(MatchError(ContainSubstring(failure)))
			} else {
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(r.Status).To(Equal(status))
		},
		Entry("nothing to say", CommandFunc(func(context.Context, rawPayload) (any, error) { return nil, nil }), messages.StatusAcknowledged, ""),
		Entry("a value", CommandFunc(func(context.Context, rawPayload) (any, error) { return 5, nil }), messages.StatusSuccess, ""),
		Entry("an error", CommandFunc(func(context.Context, rawPayload) (any, error) { return nil, errors.New("no room") }), messages.StatusFailure, "no room"),
		Entry("nobody knows it", nil, messages.StatusUnhandled, ""),
	)

	It("carry a payload there and a value back", func() {
		caller, _ := pair(map[string]CommandFunc{"double": func(_ context.Context, raw rawPayload) (any, error) {
			n, err := Payload[int](raw)
			return 2 * n, err
		}})
		r, err := caller.Call(ctx, "", "double", 21, time.Minute)
		Expect(err).NotTo(HaveOccurred())
		Expect(Payload[int](r.Payload)).To(Equal(42))
	})

	It("time out with a stable error when nobody answers", func() {
		caller, toServer := pair(nil)
		toServer.lost = true
		_, err := caller.Call(ctx, "worker_1", "work", nil, time.Millisecond)
		var d *messages.ErrorDetails
		Expect(errors.As(err, &d)).To(BeTrue())
		Expect(d.Type).To(Equal("TimeoutError"))
		Expect(d.Message).To(Equal("Command work timed out for worker_1"))
		Expect(caller.pending).To(BeEmpty(), "nothing waits any more")
	})

	It("are carried out once when they come twice", func() {
		var done atomic.Int32
		caller, toServer := pair(map[string]CommandFunc{"work": func(context.Context, rawPayload) (any, error) {
			done.Add(1)
			return "x", nil
		}})
		answers := make(chan *messages.CommandResponse, 4)
		caller.pending["id-1"] = answers
		cmd := &messages.Command{CommandID: "id-1", Command: "work"}
		toServer.peer.Execute(ctx, "caller", cmd)
		Eventually(answers).Should(Receive())
		toServer.peer.Execute(ctx, "caller", cmd)
		var again *messages.CommandResponse
		Eventually(answers).Should(Receive(&again))
		Expect(again.Status).To(Equal(messages.StatusSuccess), "the stored outcome")
		Expect(done.Load()).To(BeEquivalentTo(1))
	})

	It("do not begin any more when their end is waited for", func() {
		var done atomic.Int32
		_, toServer := pair(map[string]CommandFunc{"work": func(context.Context, rawPayload) (any, error) {
			done.Add(1)
			return nil, nil
		}})
		for i := range 50 { // under the race detector: beginning and waiting at the same time
			go toServer.peer.Execute(ctx, "caller", &messages.Command{CommandID: strconv.Itoa(i), Command: "work"})
		}
		toServer.peer.Wait(ctx)
		carriedOut := done.Load()
		toServer.peer.Execute(ctx, "caller", &messages.Command{CommandID: "late", Command: "work"})
		Consistently(done.Load, 20*time.Millisecond).Should(Equal(carriedOut))
	})

	It("have one handler each", func() {
		h := NewHandlers()
		h.OnCommand("work", nil)
		Expect(func() { h.OnCommand("work", nil) }).To(PanicWith(ContainSubstring("two handlers")))
	})
})
