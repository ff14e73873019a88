package mockserver

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/pkoukk/tiktoken-go"
	tiktoken_loader "github.com/pkoukk/tiktoken-go-loader"
)

const chatBody = `{"model":"org/any:model","messages":[{"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"one two"},{"type":"image_url","image_url":{"url":"data:x"}}]}]%s}`

var _ = Describe("the vocabulary", func() {
	It("is one token per word in every common vocabulary", func() {
		loader := tiktoken_loader.NewOfflineLoader()
		for _, name := range []string{"o200k_base", "cl100k_base", "p50k_base", "r50k_base"} {
			ranks, err := loader.LoadTiktokenBpe(name + ".tiktoken")
			Expect(err).NotTo(HaveOccurred())
			for _, w := range words {
				for _, token := range []string{w, w[1:]} {
					_, known := ranks[token]
					Expect(known).To(BeTrue(), "%q in %s", token, name)
				}
			}
		}
	})

	It("makes texts of exact length", func() {
		tiktoken.SetBpeLoader(tiktoken_loader.NewOfflineLoader())
		enc, err := tiktoken.GetEncoding("o200k_base")
		Expect(err).NotTo(HaveOccurred())
		Expect(enc.Encode(string(newAnswer(0x1234).appendText(nil, 300)), nil, nil)).To(HaveLen(300))
	})

	It("visits every word before it repeats one", func() {
		seen := map[string]bool{}
		a := newAnswer(0xabcd)
		for i := range 256 {
			seen[strings.TrimSpace(a.token(i))] = true
		}
		Expect(seen).To(HaveLen(256))
	})
})

var _ = Describe("a text answer in one piece", func() {
	It("has exactly the tokens that were asked for, and its usage", func() {
		url, _ := serve(quick())
		resp, body := post(url+"/v1/chat/completions", fmt.Sprintf(chatBody, `,"max_completion_tokens":37`))
		Expect(resp.StatusCode).To(Equal(200))
		Expect(resp.Header.Get("Content-Type")).To(Equal("application/json"))
		c := parse(body)
		Expect(c.Object).To(Equal("chat.completion"))
		Expect(c.Model).To(Equal("org/any:model"))
		Expect(c.Choices).To(HaveLen(1))
		Expect(c.Choices[0].Message.Role).To(Equal("assistant"))
		Expect(strings.Fields(c.Choices[0].Message.Content)).To(HaveLen(37))
		Expect(*c.Choices[0].FinishReason).To(Equal("length"))
		Expect(*c.Usage).To(Equal(usage{4, 37, 41}), "be kind one two")
	})

	It("speaks the completions dialect", func() {
		url, _ := serve(quick())
		_, body := post(url+"/v1/completions", `{"model":"m","prompt":["a b","c"],"max_tokens":3}`)
		c := parse(body)
		Expect(c.Object).To(Equal("text_completion"))
		Expect(c.ID).To(HavePrefix("cmpl-"))
		Expect(strings.Fields(c.Choices[0].Text)).To(HaveLen(3))
		Expect(*c.Usage).To(Equal(usage{3, 3, 6}))
	})

	It("echoes the prompt's length when no length is asked for, up to 512", func() {
		url, _ := serve(quick())
		_, body := post(url+"/v1/completions", `{"prompt":"a b c d e"}`)
		c := parse(body)
		Expect(strings.Fields(c.Choices[0].Text)).To(HaveLen(5))
		Expect(*c.Choices[0].FinishReason).To(Equal("stop"))
		Expect(c.Model).To(Equal("mock-model"), "none was named")
		_, body = post(url+"/v1/completions", `{"prompt":"`+strings.Repeat("x ", 600)+`"}`)
		Expect(*parse(body).Usage).To(Equal(usage{600, 512, 1112}))
	})

	It("is the same text for the same request, and another for another", func() {
		url, _ := serve(quick())
		text := func(prompt string) string {
			_, body := post(url+"/v1/completions", `{"prompt":"`+prompt+`","max_tokens":8}`)
			return parse(body).Choices[0].Text
		}
		Expect(text("a")).To(Equal(text("a")))
		Expect(text("a")).NotTo(Equal(text("b")))
	})

	It("counts prompts with the tokenizer it is given, once per text", func() {
		calls := make(chan string, 10)
		url, _ := serve(quick(), Deps{CountTokens: func(text string) int { calls <- text; return 99 }})
		for range 3 {
			_, body := post(url+"/v1/completions", `{"prompt":"some text","max_tokens":1}`)
			Expect(parse(body).Usage.Prompt).To(Equal(99))
		}
		Expect(calls).To(HaveLen(1))
	})

	It("counts tokenised prompts by their ids", func() {
		url, _ := serve(quick())
		_, body := post(url+"/v1/completions", `{"prompt":[[1,2,3],[4]],"max_tokens":1}`)
		Expect(parse(body).Usage.Prompt).To(Equal(4))
		_, body = post(url+"/v1/completions", `{"prompt":[1,2,3],"max_tokens":1}`)
		Expect(parse(body).Usage.Prompt).To(Equal(3))
	})

	DescribeTable("refuses", func(body string, status int, why string) {
		url, _ := serve(quick())
		resp, answer := post(url+"/v1/chat/completions", body)
		Expect(resp.StatusCode).To(Equal(status))
		var e struct{ Detail string }
		Expect(json.Unmarshal([]byte(answer), &e)).To(Succeed())
		Expect(e.Detail).To(ContainSubstring(why))
	},
		Entry("what is no JSON", `{"messages":`, 400, "not valid JSON"),
		Entry("nothing", ``, 400, "not valid JSON"),
		Entry("a list", `[]`, 400, "must be a JSON object"),
		Entry("no prompt at all", `{"model":"m"}`, 400, "neither messages nor a prompt"),
		Entry("no messages", `{"messages":[]}`, 400, "must not be empty"),
		Entry("messages that are no list", `{"messages":"hi"}`, 400, "must be a list"),
		Entry("a model that is no name", `{"model":7,"messages":[{"role":"user","content":"x"}]}`, 400, "model must be a string"),
		Entry("a length of nothing", `{"messages":[{"content":"x"}],"max_tokens":0}`, 400, "max_tokens must be a whole number"),
		Entry("half a token", `{"messages":[{"content":"x"}],"max_completion_tokens":1.5}`, 400, "max_completion_tokens must be a whole number"),
		Entry("a length that would fill the memory", `{"messages":[{"content":"x"}],"max_tokens":99999999999}`, 400, "max_tokens"),
		Entry("a stream that is neither on nor off", `{"messages":[{"content":"x"}],"stream":"yes"}`, 400, "stream must be"),
		Entry("what nests too deep", `{"messages":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`, 400, "nests deeper"),
	)
})

var _ = Describe("a streamed answer", func() {
	stream := func(url, body string) (*http.Response, []string, error) {
		GinkgoHelper()
		resp, err := http.Post(url, "application/json", strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred())
		defer resp.Body.Close()
		data, err := events(resp.Body)
		return resp, data, err
	}

	It("is one chunk per token, then the usage, then the end", func() {
		url, _ := serve(quick())
		resp, data, err := stream(url+"/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":true,"max_tokens":5,"stream_options":{"include_usage":true}`))
		Expect(err).NotTo(HaveOccurred())
		Expect(resp.Header.Get("Content-Type")).To(HavePrefix("text/event-stream"))
		Expect(data).To(HaveLen(7))
		text := ""
		for i, d := range data[:5] {
			c := parse(d)
			Expect(c.Object).To(Equal("chat.completion.chunk"))
			delta := c.Choices[0].Delta
			Expect(strings.Fields(delta.Content)).To(HaveLen(1))
			Expect(delta.Role == "assistant").To(Equal(i == 0))
			Expect(c.Choices[0].FinishReason != nil).To(Equal(i == 4))
			Expect(c.Usage).To(BeNil())
			text += delta.Content
		}
		Expect(strings.Fields(text)).To(HaveLen(5))
		last := parse(data[5])
		Expect(last.Choices).To(BeEmpty())
		Expect(*last.Usage).To(Equal(usage{4, 5, 9}))
		Expect(data[6]).To(Equal("[DONE]"))
	})

	It("has no usage when nobody asked for it", func() {
		url, _ := serve(quick())
		_, data, err := stream(url+"/v1/completions", `{"prompt":"x","stream":true,"max_tokens":1}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(data).To(HaveLen(2))
		Expect(strings.Fields(parse(data[0]).Choices[0].Text)).To(HaveLen(1))
	})

	It("leaves one write per token, the head with the first", func() {
		url, _ := serve(quick(func(c *Config) { c.Fast = false; c.TTFTMS, c.ITLMS = 1, 30 }))
		conn, err := net.Dial("tcp4", strings.TrimPrefix(url, "http://"))
		Expect(err).NotTo(HaveOccurred())
		defer conn.Close()
		body := `{"prompt":"x","stream":true,"max_tokens":3}`
		fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		var reads []string
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if n > 0 {
				reads = append(reads, string(buf[:n]))
			}
			if err != nil {
				break
			}
		}
		// On a busy machine two may be read together; never is one split.
		all := strings.Join(reads, "")
		Expect(reads[0]).To(HavePrefix("HTTP/1.1 200 OK\r\n"))
		Expect(reads[0]).To(ContainSubstring("data: {"))
		Expect(strings.Count(all, "data: {")).To(Equal(3))
		for _, r := range reads {
			Expect(r).To(Or(HaveSuffix("}\n\n\r\n"), HaveSuffix("0\r\n\r\n")))
		}
	})

	It("ends when the client goes away", func() {
		url, s := serve(quick(func(c *Config) { c.Fast = false; c.TTFTMS, c.ITLMS = 0, 1000 }))
		resp, err := http.Post(url+"/v1/completions", "", strings.NewReader(`{"prompt":"x","stream":true,"max_tokens":1000}`))
		Expect(err).NotTo(HaveOccurred())
		_, err = io.ReadFull(resp.Body, make([]byte, 10))
		Expect(err).NotTo(HaveOccurred())
		Expect(s.inflight.Load()).To(BeEquivalentTo(1))
		resp.Body.Close()
		Eventually(s.inflight.Load).Should(BeEquivalentTo(0))
	})

	It("serves hundreds of streams at once", func() {
		url, s := serve(quick(func(c *Config) { c.Fast = false; c.TTFTMS, c.ITLMS = 5, 1 }))
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 0}}
		const n, tokens = 300, 4
		results := make(chan int, n)
		for range n {
			go func() {
				resp, err := client.Post(url+"/v1/completions", "", strings.NewReader(fmt.Sprintf(`{"prompt":"x","stream":true,"max_tokens":%d}`, tokens)))
				if err != nil {
					results <- -1
					return
				}
				defer resp.Body.Close()
				data, _ := events(resp.Body)
				results <- len(data)
			}()
		}
		for range n {
			Expect(<-results).To(Equal(tokens + 1))
		}
		Expect(s.stats.tokens.Load()).To(BeEquivalentTo(n * tokens))
		client.CloseIdleConnections()
	})
})
