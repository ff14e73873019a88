package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/tokenizers"
)

// testRun is a run with a synthetic dataset in fresh directories.
func testRun(dir string) *config.Run {
	seed := uint64(7)
	run := &config.Run{
		ArtifactDir: filepath.Join(dir, "artifacts"), DatasetDir: filepath.Join(dir, "mmap"), RandomSeed: &seed,
		Benchmark: config.Benchmark{
			Models:   config.Models{Names: []string{"qwen3"}, Strategy: "round_robin"},
			Endpoint: config.Endpoint{Type: "chat", Streaming: true, Capabilities: config.EndpointTraits{SupportsStreaming: true}},
			Dataset: config.Dataset{
				Name: "main", Type: "synthetic", Entries: 20, Sampling: "sequential",
				Prompts: config.Prompts{ISL: store.Fixed(64), OSL: store.Fixed(16), BatchSize: 1, Corpus: "sonnet"}, Turns: store.Fixed(1), TurnDelayRatio: 1,
			},
			Tokenizer: config.Tokenizer{Name: "builtin", Encoding: "o200k_base"},
		},
	}
	run.Environment.Dataset.PreformatPayloads = true
	if err := os.MkdirAll(run.ArtifactDir, 0o755); err != nil {
		panic(err)
	}
	return run
}

func build(run *config.Run) (outcome, error) {
	b, err := newBuilder(run, func(string, ...any) {})
	if err != nil {
		return outcome{}, err
	}
	b.warn = func(msg string, args ...any) { GinkgoWriter.Println(append([]any{msg}, args...)...) }
	return b.build(context.Background())
}

func mustBuild(run *config.Run) outcome {
	GinkgoHelper()
	out, err := build(run)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// contents are all files that a build leaves.
func contents(run *config.Run) map[string]string {
	files := map[string]string{}
	for _, path := range []string{
		filepath.Join(run.DatasetDir, "dataset.dat"), filepath.Join(run.DatasetDir, "index.dat"), filepath.Join(run.ArtifactDir, "inputs.json"),
	} {
		text, err := os.ReadFile(path)
		Expect(err).NotTo(HaveOccurred())
		files[filepath.Base(path)] = string(text)
	}
	return files
}

// body is what the specs look at in a chat request.
type body struct {
	Messages []struct{ Role, Content string }
	Model    string
	Stream   bool
	Cap      int `json:"max_completion_tokens"`
}

type inputsDocument struct {
	Data []struct {
		SessionID string            `json:"session_id"`
		Payloads  []json.RawMessage `json:"payloads"`
	} `json:"data"`
}

var _ = Describe("building a dataset of single turns", func() {
	It("prepares bodies whose prompts have exactly the asked length", func() {
		run := testRun(GinkgoT().TempDir())
		out := mustBuild(run)
		Expect(out.info.Format).To(Equal(store.FormatPayloadBytes))
		s, err := store.Open(run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		tok, err := tokenizers.NewBuiltin(tokenizers.Config{Encoding: "o200k_base"})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Len()).To(Equal(20))
		for i := range s.Len() {
			Expect(s.ID(i)).To(Equal(fmt.Sprintf("session_%06d", i)))
			var b body
			Expect(json.Unmarshal(s.Payload(i, 0), &b)).To(Succeed())
			Expect(tok.Count(b.Messages[0].Content)).To(Equal(64))
			Expect([]any{b.Model, b.Stream, b.Cap, s.MaxTokens(i, 0)}).To(Equal([]any{"qwen3", true, 16, 16}))
		}
	})

	It("writes inputs.json with the same bodies, indented as readers know it", func() {
		run := testRun(GinkgoT().TempDir())
		mustBuild(run)
		text := contents(run)["inputs.json"]
		Expect(text).To(HavePrefix("{\n  \"data\": [\n    {\n      \"session_id\": \"session_000000\",\n      \"payloads\": [\n        {\n          \"messages\": [\n            {\n              \"role\": \"user\",\n              \"content\": \""))
		Expect(text).To(HaveSuffix("\"include_usage\": true\n          }\n        }\n      ]\n    }\n  ]\n}"))
		var doc inputsDocument
		Expect(json.Unmarshal([]byte(text), &doc)).To(Succeed())
		s, err := store.Open(run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		Expect(doc.Data).To(HaveLen(s.Len()))
		for i, d := range doc.Data {
			Expect(d.SessionID).To(Equal(s.ID(i)))
			Expect(d.Payloads).To(HaveLen(1))
			Expect(d.Payloads[0]).To(MatchJSON(s.Payload(i, 0)))
		}
	})

	It("makes the same files on one core and on many, and others for another seed", func() {
		previous := runtime.GOMAXPROCS(1)
		defer runtime.GOMAXPROCS(previous)
		one := testRun(GinkgoT().TempDir())
		one.Benchmark.Dataset.Prompts.ISL = store.Normal(64, 20)
		mustBuild(one)
		runtime.GOMAXPROCS(8)
		many := testRun(GinkgoT().TempDir())
		many.Benchmark.Dataset.Prompts.ISL = store.Normal(64, 20)
		mustBuild(many)
		Expect(contents(many)).To(Equal(contents(one)))
		*many.RandomSeed = 8
		mustBuild(many)
		Expect(contents(many)).NotTo(Equal(contents(one)))
	})

	It("lets the dataset's seed win over the run's", func() {
		a, b := testRun(GinkgoT().TempDir()), testRun(GinkgoT().TempDir())
		own := uint64(99)
		a.Benchmark.Dataset.RandomSeed, b.RandomSeed = &own, &own
		mustBuild(a)
		mustBuild(b)
		Expect(contents(a)).To(Equal(contents(b)))
	})

	It("makes new prompts each time when no seed was chosen", func() {
		a, b := testRun(GinkgoT().TempDir()), testRun(GinkgoT().TempDir())
		a.RandomSeed, a.ProcessSeed, b.RandomSeed, b.ProcessSeed = nil, 1, nil, 2
		mustBuild(a)
		mustBuild(b)
		Expect(contents(a)["dataset.dat"]).NotTo(Equal(contents(b)["dataset.dat"]))
	})

	It("keeps documents when preparing is switched off", func() {
		run := testRun(GinkgoT().TempDir())
		run.Environment.Dataset.PreformatPayloads = false
		Expect(mustBuild(run).info.Format).To(Equal(store.FormatConversation))
	})
})

var _ = Describe("building a dataset of several turns", func() {
	It("keeps conversations as documents, and shows each turn alone in inputs.json", func() {
		run := testRun(GinkgoT().TempDir())
		run.Benchmark.Dataset.Turns, run.Benchmark.Dataset.TurnDelayMS = store.Fixed(3), store.Fixed(20)
		out := mustBuild(run)
		Expect(out.info.Format).To(Equal(store.FormatConversation))
		Expect(out.hasTimingData).To(BeTrue())
		Expect(out.announced[0].Turns).To(Equal([]messages.TurnMetadata{{}, {DelayMS: 20}, {DelayMS: 20}}))
		s, err := store.Open(run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		c, err := s.Conversation(0)
		Expect(err).NotTo(HaveOccurred())
		var doc inputsDocument
		Expect(json.Unmarshal([]byte(contents(run)["inputs.json"]), &doc)).To(Succeed())
		Expect(doc.Data[0].Payloads).To(HaveLen(3))
		for k, payload := range doc.Data[0].Payloads {
			var b body
			Expect(json.Unmarshal(payload, &b)).To(Succeed())
			Expect(b.Messages).To(HaveLen(1), "earlier turns are not repeated")
			Expect(b.Messages[0].Content).To(Equal(c.Turns[k].Texts[0].Contents[0]))
		}
	})
})

// failing formats nothing after some bodies.
type failing struct {
	endpoints.Endpoint
	after chan struct{}
}

func (f failing) AppendBody(dst []byte, r *endpoints.Request) ([]byte, error) {
	select {
	case <-f.after:
		return append(dst, `{"ok":true}`...), nil
	default:
		return dst, errors.New("cannot be said")
	}
}

var _ = Describe("a build that fails", func() {
	It("names conversation and turn of a body that cannot be made, and leaves no file", func() {
		run := testRun(GinkgoT().TempDir())
		b, err := newBuilder(run, func(string, ...any) {})
		Expect(err).NotTo(HaveOccurred())
		f := failing{after: make(chan struct{}, 3)}
		for range 3 {
			f.after <- struct{}{}
		}
		b.endpoint = f
		_, err = b.build(context.Background())
		Expect(err).To(MatchError(MatchRegexp(`format turn 0 of conversation session_\d+: cannot be said`)))
		Expect(run.DatasetDir).NotTo(BeADirectory())
		files, _ := os.ReadDir(run.ArtifactDir)
		Expect(files).To(BeEmpty())
	})

	It("ends at once when it is cancelled", func() {
		run := testRun(GinkgoT().TempDir())
		b, err := newBuilder(run, func(string, ...any) {})
		Expect(err).NotTo(HaveOccurred())
		ctx, cancel := context.WithCancel(context.Background())
		b.progress = func(int, int) { cancel() }
		_, err = b.build(ctx)
		Expect(err).To(MatchError(context.Canceled))
		Expect(run.DatasetDir).NotTo(BeADirectory())
	})

	It("leaves no half inputs.json behind", func() {
		run := testRun(GinkgoT().TempDir())
		Expect(os.MkdirAll(filepath.Join(run.ArtifactDir, "inputs.json"), 0o755)).To(Succeed()) // nothing can be renamed over it
		b, err := newBuilder(run, func(string, ...any) {})
		Expect(err).NotTo(HaveOccurred())
		var warned []string
		b.warn = func(msg string, _ ...any) { warned = append(warned, msg) }
		_, err = b.build(context.Background())
		Expect(err).NotTo(HaveOccurred())
		Expect(warned).To(Equal([]string{"inputs.json is not written"}))
		Expect(filepath.Join(run.ArtifactDir, "inputs.json.tmp")).NotTo(BeAnExistingFile())
	})

	It("goes on without inputs.json when that cannot be written", func() {
		run := testRun(GinkgoT().TempDir())
		run.ArtifactDir = filepath.Join(run.ArtifactDir, "missing")
		b, err := newBuilder(run, func(string, ...any) {})
		Expect(err).NotTo(HaveOccurred())
		var warned []string
		b.warn = func(msg string, _ ...any) { warned = append(warned, msg) }
		out, err := b.build(context.Background())
		Expect(err).NotTo(HaveOccurred())
		Expect(out.info.Conversations).To(Equal(20))
		Expect(warned).To(Equal([]string{"inputs.json is not written"}))
	})

	DescribeTable("says what is wrong before anything is written", func(change func(*config.Benchmark), reason string) {
		run := testRun(GinkgoT().TempDir())
		change(&run.Benchmark)
		_, err := build(run)
		Expect(err).To(MatchError(ContainSubstring(reason)))
		Expect(run.DatasetDir).NotTo(BeADirectory())
	},
		Entry("no text", func(b *config.Benchmark) { b.Dataset.Prompts.ISL = store.Fixed(0) }, "raise --isl"),
		Entry("no model", func(b *config.Benchmark) { b.Models.Names = nil }, "names no model"),
		Entry("an unknown vocabulary", func(b *config.Benchmark) { b.Tokenizer.Encoding = "klingon" }, `no embedded vocabulary "klingon"`),
		Entry("an unknown endpoint", func(b *config.Benchmark) { b.Endpoint.Type = "telepathy" }, "telepathy"),
		Entry("an unknown corpus", func(b *config.Benchmark) { b.Dataset.Prompts.Corpus = "limericks" }, "limericks"),
	)
})

var _ = Describe("the announcement", func() {
	It("counts everything and cuts the list of conversations", func() {
		run := testRun(GinkgoT().TempDir())
		run.Benchmark.Dataset.Entries, run.Benchmark.Dataset.Prompts.ISL = messages.MaxAnnouncedConversations+5, store.Fixed(2)
		n := announcement(run, mustBuild(run))
		Expect(n.Metadata.Conversations).To(HaveLen(messages.MaxAnnouncedConversations))
		n.Metadata.Conversations = nil
		Expect(n.Metadata).To(Equal(messages.DatasetMetadata{
			ConversationsTruncated: true, ConversationCount: 1005, TotalTurnCount: 1005, AverageTurnCount: 1, SamplingStrategy: "sequential",
		}))
		Expect(n.ClientMetadata.DataFilePath).To(BeAnExistingFile())
		Expect(n.ClientMetadata.IndexFilePath).To(BeAnExistingFile())
		Expect(n.ClientMetadata.Format).To(Equal(store.FormatPayloadBytes))
	})

	DescribeTable("tells of repeated prompts", func(phases []config.Phase, want string) {
		run := &config.Run{Benchmark: config.Benchmark{Phases: phases}}
		text := repeats(run, outcome{info: store.Info{Conversations: 10, Turns: 20}})
		if want == "" {
			Expect(text).To(BeEmpty())
		} else {
			Expect(text).To(ContainSubstring(want))
		}
	},
		Entry("more requests than turns", []config.Phase{{Requests: new(30)}}, "about 1.5 times"),
		Entry("over several phases", []config.Phase{{Requests: new(10)}, {Sessions: new(10)}}, "about 1.5 times"),
		Entry("each once", []config.Phase{{Requests: new(20)}}, ""),
		Entry("a closed loop that ends by time", []config.Phase{{DurationSec: new(3.0)}}, "20 prompts: a run that sends more requests repeats them"),
		Entry("a rate that ends by time", []config.Phase{{DurationSec: new(3.0), RatePerSec: new(10.0)}}, "about 1.5 times"),
		Entry("a low rate", []config.Phase{{DurationSec: new(3.0), RatePerSec: new(5.0)}}, ""),
	)
})

func BenchmarkBuild(b *testing.B) {
	run := testRun(b.TempDir())
	run.Benchmark.Dataset.Entries, run.Benchmark.Dataset.Prompts.ISL = 100, store.Fixed(550)
	b.ReportAllocs()
	for b.Loop() {
		bl, err := newBuilder(run, func(string, ...any) {})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bl.build(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
