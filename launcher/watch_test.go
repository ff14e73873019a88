package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/messages/bus"
)

var _ = Describe("aiperf watch", func() {
	It("attaches by address alone to an encrypted mesh, with the keys of AIPERF_ZMQ_CURVE_DIR", func() {
		keys := filepath.Join(GinkgoT().TempDir(), "keys")
		Expect(newSession().run("keys", keys)).To(Equal(0))
		s := newSession("AIPERF_ZMQ_CURVE_DIR=" + keys)
		mesh, err := meshAt(s.state, "ipc://"+filepath.Join(GinkgoT().TempDir(), "back"))
		Expect(err).NotTo(HaveOccurred())

		node, err := bus.NewNode(bus.Options{Keys: &bus.Keys{Public: mesh.PublicKey, Secret: mesh.SecretKey}, ReconnectIvl: 10 * time.Millisecond, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { _ = node.Close() })
		front := "ipc://" + filepath.Join(GinkgoT().TempDir(), "front")
		proxy, err := node.StartProxy(bus.ProxySpec{Front: []string{front}, Back: []string{mesh.EventBusBackend}})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(proxy.Close)
		pub, err := node.Open(bus.Spec{Name: "pub", Kind: bus.Pub, Address: front, Sender: "system_controller"})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(pub.Close)

		signals := make(chan os.Signal, 1)
		s.state.Signals = signals
		code := make(chan int, 1)
		go func() { code <- s.run("watch", "--connect", mesh.EventBusBackend) }()
		DeferCleanup(func() { signals <- syscall.SIGTERM }) // it has ended, unless the spec failed
		Eventually(func() <-chan int {
			// Until the subscription has arrived, nobody gets anything.
			Expect(pub.Send(context.Background(), "", &messages.BenchmarkComplete{})).To(Succeed())
			return code
		}).WithTimeout(10 * time.Second).Should(Receive(Equal(0)))
		Expect(s.out.String()).To(ContainSubstring(`"message_type":"benchmark_complete"`))
	})

	It("names a directory that holds no keys", func() {
		s := newSession("AIPERF_ZMQ_CURVE_DIR=/nonexistent")
		Expect(s.run("watch", "--connect", "tcp://127.0.0.1:1")).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring("AIPERF_ZMQ_CURVE_DIR: read public key: open /nonexistent/"))
	})
})
