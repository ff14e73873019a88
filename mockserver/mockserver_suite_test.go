package mockserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestMockServer(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "mockserver")
}

// quick is a server without latencies.
func quick(change ...func(*Config)) Config {
	c := Defaults()
	seed := uint64(7)
	c.Fast, c.RandomSeed = true, &seed
	for _, f := range change {
		f(&c)
	}
	return c
}

// serve starts a server on a real socket and returns its base URL.
func serve(c Config, deps ...Deps) (string, *Server) {
	GinkgoHelper()
	var d Deps
	if len(deps) > 0 {
		d = deps[0]
	}
	s, err := New(c, d)
	Expect(err).NotTo(HaveOccurred())
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	DeferCleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		Expect(s.Stop(ctx)).To(Succeed())
		Expect(s.Stop(ctx)).To(Succeed(), "stopping twice is fine")
		Expect(<-served).To(Succeed())
	})
	return "http://" + l.Addr().String(), s
}

// post sends a body and returns the status and the whole answer.
func post(url, body string) (*http.Response, string) {
	GinkgoHelper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	Expect(err).NotTo(HaveOccurred())
	return resp, string(b)
}

func get(url string) (*http.Response, string) {
	GinkgoHelper()
	resp, err := http.Get(url)
	Expect(err).NotTo(HaveOccurred())
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	Expect(err).NotTo(HaveOccurred())
	return resp, string(b)
}

// events are the data values of a stream; a read that fails ends them.
func events(body io.Reader) (data []string, err error) {
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadString('\n')
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, strings.TrimSuffix(v, "\n"))
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

// chunk is any answer of a text route, whole or in pieces.
type chunk struct {
	ID, Object, Model string
	Choices           []struct {
		Delta, Message struct{ Role, Content string }
		Text           string
		FinishReason   *string `json:"finish_reason"`
	}
	Usage *usage
}

func parse(data string) (c chunk) {
	GinkgoHelper()
	dec := json.NewDecoder(bytes.NewReader([]byte(data)))
	Expect(dec.Decode(&c)).To(Succeed(), data)
	return c
}
