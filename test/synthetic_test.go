package test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// promptTokens are the lengths that the embedded server counted, request by request.
func promptTokens(path string) (out []int) {
	GinkgoHelper()
	f, err := os.Open(path)
	Expect(err).NotTo(HaveOccurred())
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct {
			PromptTokens int `json:"prompt_tokens"`
		}
		Expect(json.Unmarshal(lines.Bytes(), &line)).To(Succeed())
		out = append(out, line.PromptTokens)
	}
	return out
}

// inputsOf is what a run says it sends.
func inputsOf(p *program) string {
	GinkgoHelper()
	b, err := os.ReadFile(filepath.Join(p.dir, "inputs.json"))
	Expect(err).NotTo(HaveOccurred())
	return string(b)
}

var _ = Describe("synthetic data", Label("e2e"), func() {
	It("has the lengths asked for, by the count of the server", func() {
		log := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url := target("--fast", "--request-log", log)
		for _, c := range []struct {
			args []string
			want []int
		}{
			{[]string{"--isl", "333"}, []int{333}},
			{[]string{"--isl", "100", "--num-prefix-prompts", "2", "--prompt-prefix-length", "50"}, []int{150}},
			{[]string{"--seq-dist", "64,8:1;256,4:1"}, []int{64, 256}},
			{[]string{"--isl", "210", "--prompt-corpus", "coding"}, []int{210}},
			{[]string{"--isl", "90", "--prompt-corpus", "random"}, []int{90}},
		} {
			_ = os.Truncate(log, 0)
			args := append([]string{"profile", "--model", "m", "--tokenizer", "builtin", "--url", url, "--request-count", "12", "--concurrency", "3",
				"--random-seed", "5", "--ui", "none", "--artifact-dir", artifacts()}, c.args...)
			p, code := aiperf(args...)
			Expect(code).To(Equal(0), p.output())
			got := promptTokens(log)
			Expect(got).To(HaveLen(12))
			for _, n := range got {
				Expect(c.want).To(ContainElement(n), "%v", c.args)
			}
			for _, n := range c.want {
				Expect(got).To(ContainElement(n), "%v", c.args)
			}
		}
	})

	It("is the same for any number of processes, and its texts do not change with a picture", func() {
		url := target("--fast")
		run := func(args ...string) string {
			p, code := aiperf(append([]string{"profile", "--model", "m", "--tokenizer", "builtin", "--url", url, "--request-count", "8", "--concurrency", "4",
				"--isl", "60", "--isl-stddev", "20", "--osl", "9", "--osl-stddev", "3", "--random-seed", "5", "--ui", "none", "--artifact-dir", artifacts()}, args...)...)
			Expect(code).To(Equal(0), p.output())
			return inputsOf(p)
		}
		one := run("--workers-max", "1", "--record-processors", "1")
		Expect(run("--workers-max", "3", "--record-processors", "2")).To(Equal(one))
		media := run("--image-width-mean", "16", "--image-height-mean", "16", "--audio-length-mean", "0.05")
		var plain, rich struct {
			Data []struct {
				Payloads []struct {
					Messages []struct{ Content json.RawMessage }
				}
			}
		}
		Expect(json.Unmarshal([]byte(one), &plain)).To(Succeed())
		Expect(json.Unmarshal([]byte(media), &rich)).To(Succeed())
		for i := range plain.Data {
			var parts []struct {
				Type, Text string
				ImageURL   struct{ URL string }          `json:"image_url"`
				InputAudio struct{ Data, Format string } `json:"input_audio"`
			}
			Expect(json.Unmarshal(rich.Data[i].Payloads[0].Messages[0].Content, &parts)).To(Succeed())
			Expect(parts).To(HaveLen(3))
			text, err := json.Marshal(parts[0].Text)
			Expect(err).NotTo(HaveOccurred())
			Expect(string(text)).To(MatchJSON(plain.Data[i].Payloads[0].Messages[0].Content))
			Expect(parts[1].ImageURL.URL).To(HavePrefix("data:image/jpeg;base64,"))
			Expect(parts[2].InputAudio.Format).To(Equal("wav"))
		}
	})

	It("ranks passages", func() {
		for _, dialect := range []string{"nim_rankings", "hf_tei_rankings", "cohere_rankings"} {
			p, code := aiperf("profile", "--model", "m", "--tokenizer", "builtin", "--url", target("--fast"), "--endpoint-type", dialect, "--request-count", "6",
				"--rankings-passages-mean", "3", "--rankings-passages-prompt-token-mean", "20", "--ui", "none", "--artifact-dir", artifacts())
			Expect(code).To(Equal(0), p.output())
			// Three passages of 20 tokens and a query of 32, with the spaces that join them.
			Expect(number(p.summary(), "input_sequence_length", "avg")).To(BeNumerically("~", 92, 4))
		}
	})

	It("carries a system prompt from a file", func() {
		file := filepath.Join(GinkgoT().TempDir(), "system.txt")
		Expect(os.WriteFile(file, []byte("Answer in verse."), 0o600)).To(Succeed())
		p, code := aiperf("profile", "--model", "m", "--tokenizer", "builtin", "--url", target("--fast"), "--request-count", "2", "--isl", "10",
			"--system-prompt-file", file, "--user-context-prompt-length", "12", "--ui", "none", "--artifact-dir", artifacts())
		Expect(code).To(Equal(0), p.output())
		Expect(strings.Count(inputsOf(p), `"content": "Answer in verse."`)).To(Equal(strings.Count(inputsOf(p), `"session_id"`)))
	})
})
