package test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// freePort is a port that was free a moment ago.
func freePort() string {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	Expect(err).NotTo(HaveOccurred())
	return port
}

// target starts the embedded server as a process of its own and returns its URL once
// it answers.
func target(flags ...string) string {
	GinkgoHelper()
	port := freePort()
	server := start(append([]string{"mock-server", "--port", port}, flags...)...)
	url := "http://127.0.0.1:" + port
	Eventually(func() error {
		select {
		case <-server.done:
			return StopTrying("the mock server has ended: " + server.output())
		default:
		}
		resp, err := http.Get(url + "/health")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health: %s", resp.Status)
		}
		return nil
	}).WithTimeout(patience).WithPolling(20 * time.Millisecond).Should(Succeed())
	return url
}

// rawServer answers every HTTP request on a connection with what answer writes; the
// connection is closed after it.
func rawServer(answer func(c net.Conn)) string {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					var body strings.Builder
					_, _ = bufio.NewReader(req.Body).WriteTo(&body)
					answer(c)
				}
			}()
		}
	}()
	DeferCleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// profileArgs is a small streaming benchmark; more flags follow.
func profileArgs(url, dir string, more ...string) []string {
	return append([]string{"profile", "--model", "mock", "--url", url, "--endpoint-type", "chat", "--streaming", "--ui", "none",
		"--tokenizer", "builtin", "--artifact-dir", dir}, more...)
}
