package controller

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("services that say nothing", func() {
	const limit = 15 * time.Second

	It("are named once per silence; strangers and those that have stopped are not", func() {
		r := newRegistry([]config.ServiceSpec{{Type: "worker", ID: "worker_1"}, {Type: "worker", ID: "worker_2"}}, "system_controller")
		for _, id := range []string{"worker_1", "worker_2", "launcher"} {
			r.register(id, 0, &messages.Registration{ServiceType: "worker", State: string(bootstrap.Running), PID: 1}, nil)
		}
		r.update("worker_2", 1, string(bootstrap.Stopped))
		now := clock.Now()
		Expect(r.silent(now, limit)).To(BeEmpty(), "all have just been heard")
		late := now.Add(limit + time.Second)
		Expect(r.silent(late, limit)).To(Equal([]string{"worker_1"}))
		Expect(r.silent(late, limit)).To(BeEmpty(), "it has been said")
		r.update("worker_1", 0, string(bootstrap.Running)) // an old state is a sign of life all the same
		Expect(r.silent(clock.Now(), limit)).To(BeEmpty())
		Expect(r.silent(clock.Now().Add(limit), limit)).To(Equal([]string{"worker_1"}))
	})
})
