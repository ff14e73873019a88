package bootstrap

import (
	"context"
	"io"
	"log/slog"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
)

// deaf is a control socket that nobody answers on.
type deaf struct{}

func (deaf) Send(context.Context, string, messages.Message) error { return nil }

var _ = Describe("a replicated process that ends", func() {
	var m *Mesh

	BeforeEach(func() {
		m = &Mesh{
			log:   NewLogger(slog.NewTextHandler(io.Discard, nil)),
			slots: map[string]*slot{}, unborn: map[string][]string{}, timers: make(chan func() string, 64),
		}
		m.ctx, m.cancel = context.WithCancel(context.Background())
		m.calls = NewCalls(deaf{}, m.log, nil)
		DeferCleanup(func() {
			m.cancel()
			m.readers.Wait()
		})
	})

	// die ends the process that holds the only slot of its kind, after it had registered
	// or before.
	die := func(serviceType string, registered bool) (fatal string) {
		for id := range m.slots {
			p := &process{spec: config.ServiceSpec{Type: serviceType, ID: id}}
			p.registered.Store(registered)
			down := messages.ServiceDown{DownServiceID: id, ServiceType: serviceType}
			m.deaths = append(m.deaths, deathOf(p.spec, "exit code 3"))
			return m.replace(&config.Run{}, p, "exit code 3", down)
		}
		return "nobody is left"
	}

	It("is replaced three times, a worker under a new name, and then the last one's end is the run's", func() {
		m.slots["worker_1"] = &slot{}
		for range backOff {
			Expect(die("worker", true)).To(BeEmpty())
			Expect(m.slots).To(HaveLen(1))
			Expect(m.slots).NotTo(HaveKey("worker_1"))
			Expect(m.deaths[len(m.deaths)-1].Restarted).To(BeTrue())
		}
		Expect(die("worker", true)).To(HavePrefix("every worker has ended (the last: worker_"))
		Expect(m.deaths[len(m.deaths)-1].Restarted).To(BeFalse())
		Expect(m.exitErrors()).To(HaveLen(1))
	})

	It("keeps its name when it is a record processor", func() {
		m.slots["record_processor_1"] = &slot{}
		Expect(die("record_processor", true)).To(BeEmpty())
		Expect(m.slots).To(HaveKey("record_processor_1"))
	})

	It("is replaced once when it could not even register: what stops it will stop the next one", func() {
		m.slots["worker_1"] = &slot{}
		Expect(die("worker", false)).To(BeEmpty())
		Expect(die("worker", false)).To(Equal("every worker exited before registering (2 of 2; exit code 3, exit code 3)"))
	})

	It("is counted out without harm as long as another one is there", func() {
		m.slots["worker_1"], m.slots["worker_2"] = &slot{restarts: len(backOff)}, &slot{restarts: len(backOff)}
		Expect(die("worker", true)).To(BeEmpty())
		Expect(m.slots).To(HaveLen(1))
		Expect(die("worker", true)).NotTo(BeEmpty())
	})

	It("is not started again once the processes around it have gone", func() {
		m.slots["worker_1"] = &slot{}
		m.cancel()
		Expect(die("worker", true)).To(BeEmpty())
		earlier := m.timers
		m.timers = make(chan func() string, 64) // those of the next set of processes
		Consistently(func() int { return len(m.timers) }, 2*backOff[0]).Should(BeZero())
		Expect(len(earlier)).To(BeNumerically("<=", 1))
	})
})
