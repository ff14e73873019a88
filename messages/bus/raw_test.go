package bus

import (
	zmq "github.com/pebbe/zmq4"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// rawPush is a peer that does not speak our protocol.
func rawPush(c *Node, address string) func(string) {
	s, err := c.ctx.NewSocket(zmq.PUSH)
	Expect(err).NotTo(HaveOccurred())
	Expect(s.Connect(address)).To(Succeed())
	DeferCleanup(s.Close)
	return func(text string) {
		_, err := s.Send(text, 0)
		Expect(err).NotTo(HaveOccurred())
	}
}
