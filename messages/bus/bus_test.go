package bus

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

var options = Options{ReconnectIvl: 10 * time.Millisecond, ReconnectIvlMax: time.Second, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10}

// sockets opens sockets that are closed, and their context ended, after the spec.
type sockets struct {
	ctx *Node
	dir string
}

func newSockets(opts Options) *sockets {
	ctx, err := NewNode(opts)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(ctx.Close()).To(Succeed()) })
	return &sockets{ctx: ctx, dir: GinkgoT().TempDir()}
}

func (s *sockets) at(name string) string { return "ipc://" + filepath.Join(s.dir, name) }

func (s *sockets) open(spec Spec) *Socket {
	sock, err := s.ctx.Open(spec)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(sock.Close)
	return sock
}

func (s *sockets) proxy() (front, back string) {
	front, back = s.at("front"), s.at("back")
	p, err := s.ctx.StartProxy(ProxySpec{Front: []string{front}, Back: []string{back}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(p.Close)
	return front, back
}

func beat(i int) *messages.Heartbeat { return &messages.Heartbeat{State: fmt.Sprint(i)} }

func stateOf(d Delivery) string {
	var m messages.Heartbeat
	Expect(d.Envelope.Decode(&m)).To(Succeed())
	return m.State
}

var _ = Describe("a socket", func() {
	background := context.Background()

	It("delivers in order, with seq from 0, when the reader comes after the sender", func() {
		s := newSockets(options)
		push := s.open(Spec{Name: "push", Kind: Push, Address: s.at("x"), Sender: "w", Linger: time.Second})
		for i := range 100 {
			Expect(push.Send(background, "", beat(i))).To(Succeed())
		}
		pull := s.open(Spec{Name: "pull", Kind: Pull, Bind: true, Address: s.at("x")})
		for i := range 100 {
			d := <-pull.Receive()
			Expect(stateOf(d)).To(Equal(fmt.Sprint(i)))
			Expect(d.Envelope.Seq).To(BeEquivalentTo(i))
			Expect(d.Envelope.ServiceID).To(Equal("w"))
		}
	})

	It("addresses one peer through a router, and both ways", func() {
		s := newSockets(options)
		router := s.open(Spec{Name: "router", Kind: Router, Bind: true, Address: s.at("r"), Sender: "tm"})
		var dealers []*Socket
		for _, id := range []string{"worker_a", "worker_b"} {
			d := s.open(Spec{Name: id, Kind: Dealer, Address: s.at("r"), Identity: id, Sender: id})
			Expect(d.Send(background, "", &messages.WorkerDispatchable{})).To(Succeed())
			dealers = append(dealers, d)
		}
		from := map[string]bool{}
		for range 2 {
			from[(<-router.Receive()).From] = true
		}
		Expect(from).To(Equal(map[string]bool{"worker_a": true, "worker_b": true}))
		Expect(router.Send(background, "worker_b", beat(7))).To(Succeed())
		Expect(stateOf(<-dealers[1].Receive())).To(Equal("7"))
		Expect(dealers[0].Receive()).NotTo(Receive())
	})

	It("counts a message to a peer that is not there, and goes on", func() {
		s := newSockets(options)
		router := s.open(Spec{Name: "router", Kind: Router, Bind: true, Address: s.at("r")})
		Expect(router.Send(background, "nobody", beat(0))).To(Succeed())
		Eventually(func() uint64 { return router.Stats().Dropped }).Should(BeEquivalentTo(1))
	})

	It("makes its sender wait when everything behind it is full, and loses nothing", func() {
		s := newSockets(options)
		pull := s.open(Spec{Name: "pull", Kind: Pull, Bind: true, Address: s.at("x"), HighWater: 4, Queue: 4})
		push := s.open(Spec{Name: "push", Kind: Push, Address: s.at("x"), HighWater: 4, Queue: 4, Linger: time.Second})
		const n = 500
		var sender sync.WaitGroup
		sender.Go(func() {
			defer GinkgoRecover()
			for i := range n {
				Expect(push.Send(background, "", beat(i))).To(Succeed())
			}
		})
		Eventually(func() uint64 { return push.Stats().Waits }).Should(BeNumerically(">", 0), "nobody reads yet")
		for i := range n {
			Expect(stateOf(<-pull.Receive())).To(Equal(fmt.Sprint(i)))
		}
		sender.Wait()
	})

	It("tells that a queue is full instead of waiting, when asked to", func() {
		s := newSockets(options)
		push := s.open(Spec{Name: "push", Kind: Push, Address: s.at("nobody"), Queue: 2, Immediate: true})
		accepted := 0
		for range 10 {
			ok, err := push.TrySend("", beat(0))
			Expect(err).NotTo(HaveOccurred())
			if ok {
				accepted++
			}
		}
		Expect(accepted).To(Equal(2))
	})

	It("ends a waiting sender with its context", func() {
		s := newSockets(options)
		push := s.open(Spec{Name: "push", Kind: Push, Address: s.at("nobody"), Queue: 1})
		Expect(push.Send(background, "", beat(0))).To(Succeed())
		ctx, cancel := context.WithCancel(background)
		cancel()
		Expect(push.Send(ctx, "", beat(1))).To(MatchError(context.Canceled))
	})

	It("lets what is queued go out before it closes", func() {
		s := newSockets(options)
		pull := s.open(Spec{Name: "pull", Kind: Pull, Bind: true, Address: s.at("x"), Queue: 2000})
		push := s.open(Spec{Name: "push", Kind: Push, Address: s.at("x"), Queue: 2000, Linger: 5 * time.Second})
		for i := range 1000 {
			Expect(push.Send(background, "", beat(i))).To(Succeed())
		}
		push.Close()
		push.Close() // twice is once
		for i := range 1000 {
			Expect(stateOf(<-pull.Receive())).To(Equal(fmt.Sprint(i)))
		}
		Expect(push.Send(background, "", beat(0))).To(MatchError(ErrClosed))
	})

	It("passes over frames that are no envelope, and counts them", func() {
		s := newSockets(options)
		pull := s.open(Spec{Name: "pull", Kind: Pull, Bind: true, Address: s.at("x")})
		raw := rawPush(s.ctx, s.at("x"))
		raw("garbage")
		push := s.open(Spec{Name: "push", Kind: Push, Address: s.at("x")})
		Eventually(func() uint64 { return pull.Stats().Malformed }).Should(BeEquivalentTo(1))
		Expect(push.Send(background, "", beat(3))).To(Succeed())
		Expect(stateOf(<-pull.Receive())).To(Equal("3"))
	})

	It("names socket and address when it cannot be bound", func() {
		s := newSockets(options)
		_, err := s.ctx.Open(Spec{Name: "records", Kind: Pull, Bind: true, Address: "ipc:///nonexistent/dir/x"})
		Expect(err).To(MatchError(ContainSubstring("open socket records at ipc:///nonexistent/dir/x")))
	})

	It("refuses a peer without the key", func() {
		keys, err := NewKeys()
		Expect(err).NotTo(HaveOccurred())
		with := options
		with.Keys = &keys
		s := newSockets(with)
		pull := s.open(Spec{Name: "pull", Kind: Pull, Bind: true, Address: "tcp://127.0.0.1:0"})
		Expect(pull).NotTo(BeNil())
		stranger := newSockets(options)
		inside := s.open(Spec{Name: "inside", Kind: Push, Address: pull.Endpoint()})
		outside := stranger.open(Spec{Name: "outside", Kind: Push, Address: pull.Endpoint()})
		Expect(outside.Send(background, "", beat(1))).To(Succeed())
		Expect(inside.Send(background, "", beat(2))).To(Succeed())
		Expect(stateOf(<-pull.Receive())).To(Equal("2"))
		Consistently(pull.Receive(), 50*time.Millisecond).ShouldNot(Receive())
	})
})

var _ = Describe("the event bus", func() {
	background := context.Background()

	It("brings what is published to every subscriber of the type, and to nobody else", func() {
		s := newSockets(options)
		front, back := s.proxy()
		wanted := s.open(Spec{Name: "a", Kind: Sub, Address: back, Subscriptions: []string{"heartbeat$"}})
		all := s.open(Spec{Name: "b", Kind: Sub, Address: back, Subscriptions: []string{""}})
		pub := s.open(Spec{Name: "p", Kind: Pub, Address: front, Sender: "x"})
		// Late joiners miss messages, so publish until both have heard.
		Eventually(func(g Gomega) {
			g.Expect(pub.Send(background, "", beat(0))).To(Succeed())
			g.Expect(wanted.Receive()).To(Receive())
			g.Expect(all.Receive()).To(Receive())
		}).Should(Succeed())
		Expect(pub.Send(background, "", &messages.ServiceError{})).To(Succeed())
		Eventually(func() string {
			return (<-all.Receive()).Envelope.Type
		}).Should(Equal("service_error"))
		for len(wanted.Receive()) > 0 {
			Expect((<-wanted.Receive()).Topic).To(Equal("heartbeat$"))
		}
	})

	It("numbers each topic on its own", func() {
		s := newSockets(options)
		front, back := s.proxy()
		sub := s.open(Spec{Name: "s", Kind: Sub, Address: back, Subscriptions: []string{"service_error$"}})
		pub := s.open(Spec{Name: "p", Kind: Pub, Address: front, Sender: "x"})
		Eventually(func(g Gomega) {
			g.Expect(pub.Send(background, "", beat(0))).To(Succeed())
			g.Expect(pub.Send(background, "", &messages.ServiceError{})).To(Succeed())
			g.Expect(len(sub.Receive())).To(BeNumerically(">", 2))
		}).Should(Succeed())
		first := (<-sub.Receive()).Envelope.Seq
		Expect((<-sub.Receive()).Envelope.Seq).To(Equal(first + 1))
		Expect(sub.Stats().Gaps).To(BeZero())
	})

	It("is not slowed by a subscriber that stops reading, which sees what it missed", func() {
		s := newSockets(options)
		front, back := s.proxy()
		slow := s.open(Spec{Name: "slow", Kind: Sub, Address: back, HighWater: 10, Queue: 1, Subscriptions: []string{"heartbeat$"}})
		quick := s.open(Spec{Name: "quick", Kind: Sub, Address: back, Queue: 100000, Subscriptions: []string{"service_error$"}})
		pub := s.open(Spec{Name: "p", Kind: Pub, Address: front, Sender: "x", Queue: 100000})
		Eventually(func(g Gomega) {
			g.Expect(pub.Send(background, "", beat(0))).To(Succeed())
			g.Expect(pub.Send(background, "", &messages.ServiceError{})).To(Succeed())
			g.Expect(quick.Receive()).To(Receive())
			g.Expect(slow.Stats().Received).To(BeNumerically(">", 0))
		}).Should(Succeed())
		for i := range 20000 {
			Expect(pub.Send(background, "", beat(i))).To(Succeed())
		}
		// The publisher, too, may have dropped what the bus was too slow for: it is said again.
		last := &messages.ServiceError{Error: messages.ErrorDetails{Message: "last"}}
		Eventually(func(g Gomega) {
			g.Expect(pub.Send(background, "", last)).To(Succeed())
			var d Delivery
			g.Expect(quick.Receive()).To(Receive(&d))
			var m messages.ServiceError
			g.Expect(d.Envelope.Decode(&m)).To(Succeed())
			g.Expect(m.Error.Message).To(Equal("last"))
		}, "5s").Should(Succeed())
		Eventually(func() uint64 {
			_ = pub.Send(background, "", beat(-1))
			for {
				select {
				case <-slow.Receive():
					continue
				case <-time.After(5 * time.Millisecond):
				}
				return slow.Stats().Gaps
			}
		}, "5s").Should(BeNumerically(">", 0))
	})
})

func BenchmarkPushPull(b *testing.B) {
	ctx, err := NewNode(options)
	if err != nil {
		b.Fatal(err)
	}
	address := "ipc://" + filepath.Join(b.TempDir(), "x")
	pull, err := ctx.Open(Spec{Name: "pull", Kind: Pull, Bind: true, Address: address, Queue: 4096})
	if err != nil {
		b.Fatal(err)
	}
	push, err := ctx.Open(Spec{Name: "push", Kind: Push, Address: address, Queue: 4096})
	if err != nil {
		b.Fatal(err)
	}
	m := &messages.CreditReturns{Returns: []messages.CreditReturn{{RecordEmitted: true}}}
	b.ReportAllocs()
	done := make(chan struct{})
	n := 0
	go func() {
		defer close(done)
		for range b.N {
			<-pull.Receive()
			n++
		}
	}()
	for range b.N {
		if err := push.Send(context.Background(), "", m); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	if n != b.N {
		b.Fatalf("%d of %d arrived", n, b.N)
	}
	push.Close()
	pull.Close()
	_ = ctx.Close()
}
