package loaders

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/plugins"
)

// sizes makes texts that tell their length, and blocks that tell their ids.
type sizes struct{}

func (sizes) Text(_ *rand.Rand, n int) (string, error) { return fmt.Sprintf("%d tokens", n), nil }
func (sizes) Blocks(_ *rand.Rand, trace string, length int, ids []int64) (string, error) {
	return fmt.Sprintf("%s %d tokens of %v", trace, length, ids), nil
}

func settings(change ...func(*Config)) Config {
	c := Config{
		Dataset: config.Dataset{Entries: 100}, Models: config.Models{Names: []string{"m1", "m2"}, Strategy: "round_robin"},
		Prompts: sizes{}, Seeds: dataset.NewSeeds(42), Seeded: true, SystemMessages: true,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// read loads a file of testdata and makes all its conversations.
func read(path, named string, change ...func(*Config)) (Facts, []dataset.Conversation) {
	GinkgoHelper()
	set, src, err := Load(plugins.Builtin(), filepath.Join("testdata", path), named, settings(change...))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(src.Close)
	var out []dataset.Conversation
	turns := 0
	for i := range set.Len() {
		c, err := set.Compose(i)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Turns).To(HaveLen(set.Turns(i)))
		if c.Coordinator == nil { // whose turns are no requests
			turns += len(c.Turns)
		}
		out = append(out, c)
	}
	Expect(set.Facts().Turns).To(Equal(turns))
	return set.Facts(), out
}

func texts0(c dataset.Conversation) (out []string) {
	for _, t := range c.Turns {
		for _, m := range t.Texts {
			out = append(out, m.Contents...)
		}
	}
	return out
}

func ms(v float64) *float64 { return &v }

var _ = DescribeTable("a valid file", func(path, named, format string, conversations, turns int) {
	facts, list := read("valid/"+path, named)
	Expect(facts.Type).To(Equal(format))
	Expect(list).To(HaveLen(conversations))
	Expect(facts.Turns).To(Equal(turns))
	seen := map[string]bool{}
	for _, c := range list {
		Expect(c.SessionID).NotTo(BeEmpty())
		Expect(seen).NotTo(HaveKey(c.SessionID))
		seen[c.SessionID] = true
	}
},
	Entry(nil, "single_turn.jsonl", "", "single_turn", 5, 5),
	Entry(nil, "single_turn_sessions.jsonl", "", "single_turn", 2, 3),
	Entry(nil, "single_turn_schedule.jsonl", "", "single_turn", 3, 3),
	Entry(nil, "single_turn_media.jsonl", "", "single_turn", 6, 6),
	Entry(nil, "single_turn_local_media.jsonl", "", "single_turn", 3, 3),
	Entry(nil, "single_turn_rankings.jsonl", "", "single_turn", 1, 1),
	Entry(nil, "multi_turn.jsonl", "", "multi_turn", 2, 5),
	Entry(nil, "multi_turn_system.jsonl", "", "multi_turn", 4, 8),
	Entry(nil, "random_pool.jsonl", "random_pool", "random_pool", 100, 100),
	Entry(nil, "random_pool_typed.jsonl", "", "random_pool", 100, 100),
	Entry(nil, "random_pool_dir", "", "random_pool", 100, 100),
	Entry(nil, "mooncake_trace.jsonl", "", "mooncake_trace", 4, 4),
	Entry(nil, "mooncake_sessions.jsonl", "", "mooncake_trace", 2, 3),
	Entry(nil, "mooncake_text.jsonl", "", "mooncake_trace", 2, 2),
	Entry(nil, "mooncake_messages.jsonl", "", "mooncake_trace", 2, 3),
	Entry(nil, "mooncake_payload.jsonl", "", "mooncake_trace", 2, 2),
	Entry(nil, "bailian_trace.jsonl", "", "bailian_trace", 3, 4),
	Entry(nil, "burst_gpt.csv", "", "burst_gpt_trace", 3, 3),
	Entry(nil, "sagemaker.jsonl", "", "sagemaker_data_capture", 2, 2),
	Entry(nil, "sagemaker_dir", "", "sagemaker_data_capture", 2, 2),
	Entry(nil, "dag.jsonl", "", "dag_jsonl", 7, 10),
	Entry(nil, "dag_orchestrator.jsonl", "", "dag_jsonl", 5, 3),
	Entry(nil, "raw_payload.jsonl", "raw_payload", "raw_payload", 2, 2),
	Entry(nil, "raw_payload_dir", "", "raw_payload", 2, 3),
	Entry(nil, "inputs.json", "", "inputs_json", 2, 3),
)

var _ = Describe("what files hold", func() {
	It("single_turn: caps, bodies' fields, batches; unknown keys are told once", func() {
		facts, list := read("valid/single_turn.jsonl", "")
		Expect(list[0].Turns[0].MaxTokens).To(Equal(64))
		Expect(string(list[0].Turns[0].ExtraBody)).To(Equal(`{"temperature": 0.1}`))
		Expect(list[1].Turns[0].Texts).To(Equal([]dataset.Media{{Contents: []string{"First of two", "Second of two"}}}))
		Expect(list[2].Turns[0].Texts[0].Contents).To(Equal([]string{"Grüße aus Köln 👋"}))
		Expect(facts.Warnings).To(ConsistOf(And(ContainSubstring("colour (1 rows)"), ContainSubstring("extra_body (1 rows)"))))
		Expect(list[0].Turns[0].Model).To(Equal("m1"))
		Expect(list[1].Turns[0].Model).To(Equal("m2"))
		Expect(list[3].SessionID).To(Equal("session_000003"))
	})
	It("single_turn: rows of one session, each complete", func() {
		_, list := read("valid/single_turn_sessions.jsonl", "")
		Expect(list[0].SessionID).To(Equal("s1"))
		Expect(list[0].ContextMode).To(Equal(dataset.MessageArrayWithResponses))
		Expect(list[1].ContextMode).To(BeEmpty())
		Expect(texts0(list[0])).To(Equal([]string{"one", "two"}))
	})
	It("single_turn: timestamps", func() {
		facts, list := read("valid/single_turn_schedule.jsonl", "")
		Expect(facts.FirstTimed).To(BeTrue())
		for i, want := range []float64{0, 250.5, 1000} {
			Expect(list[i].Turns[0].TimestampMS).To(HaveValue(Equal(want)))
		}
	})
	It("single_turn: pictures, sounds and films, as they are", func() {
		_, list := read("valid/single_turn_media.jsonl", "")
		Expect(list[0].Turns[0].Images[0].Contents[0]).To(HavePrefix("data:image/png;base64,iVBORw0KGgo"))
		Expect(list[1].Turns[0].Images[0].Contents[1]).To(Equal("https://example.com/a.png"))
		Expect(list[2].Turns[0].Images).To(HaveLen(2))
		Expect(list[2].Turns[0].Images[0].Name).To(Equal("left"))
		Expect(list[3].Turns[0].Images[0].UUIDs).To(Equal([]string{"u1", "u2"}))
		Expect(list[4].Turns[0].Audios[0].Contents).To(Equal([]string{"wav,UklGRg=="}))
		Expect(list[5].Turns[0].Videos[0].Contents).To(Equal([]string{"https://example.com/v.mp4"}))
	})
	It("single_turn: files beside the dataset, their own bytes", func() {
		_, list := read("valid/single_turn_local_media.jsonl", "")
		Expect(list[0].Turns[0].Images[0].Contents[0]).To(HavePrefix("data:image/png;base64,"))
		Expect(list[1].Turns[0].Images[0].Contents[0]).To(HavePrefix("data:image/jpeg;base64,"))
		Expect(list[2].Turns[0].Audios[0].Contents[0]).To(HavePrefix("wav,"))
	})
	It("multi_turn: delays, caps, sessions in several rows", func() {
		_, list := read("valid/multi_turn.jsonl", "")
		Expect(texts0(list[0])).To(Equal([]string{"Hi", "More", "Bye", "appended to a"}))
		Expect(list[0].Turns[1].DelayMS).To(Equal(500.0))
		Expect(list[0].Turns[2].DelayMS).To(Equal(250.0))
		Expect(list[0].Turns[2].MaxTokens).To(Equal(12))
		Expect(list[1].SessionID).To(Equal("session_000001"))
	})
	It("multi_turn: a system turn in front becomes the system message, where there is one", func() {
		_, list := read("valid/multi_turn_system.jsonl", "")
		Expect(list[0].SystemMessage).To(Equal("Be brief."))
		Expect(texts0(list[0])).To(Equal([]string{"Q1", "Q2"}))
		Expect(list[1].SystemMessage).To(BeEmpty())
		Expect(list[1].Turns).To(HaveLen(3))
		Expect(list[2].Turns).To(HaveLen(1))
		Expect(list[3].Turns[0].Role).To(Equal("system"))
		_, list = read("valid/multi_turn_system.jsonl", "", func(c *Config) { c.SystemMessages = false })
		Expect(list[0].Turns).To(HaveLen(3))
		_, list = read("valid/multi_turn_system.jsonl", "", func(c *Config) { c.Dataset.SystemPrompt = "Run." })
		Expect(list[0].SystemMessage).To(Equal("Run.\n\nBe brief."))
		Expect(list[1].SystemMessage).To(Equal("Run."))
	})
	It("random_pool: draws by the seed, named by its pools", func() {
		_, list := read("valid/random_pool.jsonl", "random_pool")
		_, again := read("valid/random_pool.jsonl", "random_pool")
		Expect(again).To(Equal(list))
		drawn := map[string]bool{}
		for _, c := range list {
			Expect(c.Turns[0].Texts[0].Name).To(Equal("random_pool"))
			drawn[c.Turns[0].Texts[0].Contents[0]] = true
		}
		Expect(len(drawn)).To(BeNumerically(">", 3))
		_, list = read("valid/random_pool_dir", "")
		Expect(list[0].Turns[0].Texts[0].Name).To(Equal("passages"))
		Expect(list[0].Turns[0].Texts[0].Contents).To(HaveLen(2))
		Expect(list[0].Turns[0].Texts[1].Name).To(Equal("query"))
	})
	It("mooncake: lengths, blocks, texts, messages, bodies", func() {
		facts, list := read("valid/mooncake_trace.jsonl", "")
		Expect(facts).To(And(HaveField("Trace", true), HaveField("FirstTimed", true), HaveField("Synthesised", true), HaveField("BlockSize", 512)))
		Expect(texts0(list[1])[0]).To(MatchRegexp(`^[0-9a-f]{16} 1124 tokens of \[1 2 3\]$`))
		Expect(texts0(list[3])).To(Equal([]string{"64 tokens"}))
		Expect(list[2].Turns[0].TimestampMS).To(HaveValue(Equal(55.5)))
		_, list = read("valid/mooncake_sessions.jsonl", "")
		Expect(list[0].Turns[1].DelayMS).To(Equal(200.0))
		_, list = read("valid/mooncake_text.jsonl", "")
		Expect(string(list[1].Turns[0].ExtraBody)).To(Equal(`{"seed": 7}`))
		facts, list = read("valid/mooncake_messages.jsonl", "")
		Expect(facts.Isolated).To(BeTrue())
		Expect(list[1].ContextMode).To(Equal(dataset.MessageArrayWithResponses))
		Expect(list[0].Turns[0].RawMessages).To(HaveLen(2))
		Expect(list[0].Turns[0].RawTools).NotTo(BeEmpty())
		facts, list = read("valid/mooncake_payload.jsonl", "")
		Expect(facts.Whole).To(BeTrue())
		Expect(string(list[0].Turns[0].RawPayload)).To(Equal(`{"model": "x", "messages": [{"role": "user", "content": "verbatim"}], "max_tokens": 7}`))
	})
	It("bailian: chats that lead to one root", func() {
		_, list := read("valid/bailian_trace.jsonl", "")
		Expect([]string{list[0].SessionID, list[1].SessionID, list[2].SessionID}).To(Equal([]string{"159", "161", "162"}))
		Expect(list[0].Turns[0].TimestampMS).To(HaveValue(Equal(100.0)))
		Expect(list[0].Turns[1].TimestampMS).To(HaveValue(Equal(2500.0)))
		Expect(list[0].ContextMode).To(Equal(dataset.MessageArrayWithResponses))
	})
	It("BurstGPT: seconds become milliseconds", func() {
		_, list := read("valid/burst_gpt.csv", "")
		Expect(list[1].Turns[0].TimestampMS).To(HaveValue(Equal(45500.0)))
		Expect([]int{list[0].Turns[0].MaxTokens, list[1].Turns[0].MaxTokens, list[2].Turns[0].MaxTokens}).To(Equal([]int{18, 230, 276}))
		Expect(texts0(list[0])).To(Equal([]string{"472 tokens"}))
	})
	It("SageMaker: in the order of time, from zero", func() {
		_, list := read("valid/sagemaker.jsonl", "")
		Expect(list[0].Turns[0].MaxTokens).To(Equal(50))
		Expect(string(list[0].Turns[0].ExtraBody)).To(ContainSubstring(`"temperature":0.2`))
		Expect(list[1].Turns[0].TimestampMS).To(HaveValue(Equal(1500.0)))
		Expect(list[1].Turns[0].MaxTokens).To(Equal(9))
		_, list = read("valid/sagemaker_dir", "")
		Expect(list[1].Turns[0].TimestampMS).To(HaveValue(Equal(3600000.0)))
	})
	It("bodies: byte by byte", func() {
		_, list := read("valid/raw_payload.jsonl", "raw_payload")
		Expect(string(list[1].Turns[0].RawPayload)).To(ContainSubstring(`[1, 2.5, 1000.0]`))
		_, list = read("valid/raw_payload_dir", "")
		Expect(list[0].Turns).To(HaveLen(2))
		_, list = read("valid/inputs.json", "")
		Expect(list[0].SessionID).To(Equal("a"))
		Expect(list[0].Turns).To(HaveLen(2))
	})
	It("DAG: who starts whom, and when", func() {
		facts, list := read("valid/dag.jsonl", "")
		Expect(facts.Conversations).To(Equal(2))
		branches := map[string]dataset.Branch{}
		for _, c := range list {
			for _, b := range c.Branches {
				branches[b.ID] = b
			}
		}
		Expect(branches).To(HaveLen(5))
		Expect(branches["root:0:spawn"].JoinAt).To(Equal(1))
		Expect(branches["root:0:spawn1"].JoinAt).To(Equal(2))
		Expect(branches).To(HaveKey("root:2:fork"))
		Expect(branches["root:2:bg_fork"].Background).To(BeTrue())
		Expect(branches["root2:pre"].Turn).To(Equal(dataset.PreSession))
		facts, list = read("valid/dag.jsonl", "", func(c *Config) { c.Dataset.Limit = 1 })
		Expect(facts.Conversations).To(Equal(1))
		Expect(len(list)).To(BeNumerically("<", 7))
	})
	It("orchestrators: their rounds, each joined by the next, and pauses", func() {
		facts, list := read("valid/dag_orchestrator.jsonl", "")
		Expect(facts.Conversations).To(Equal(3), "roots")
		fan, paced, listed := list[0], list[1], list[2]
		Expect(*fan.Coordinator).To(Equal(dataset.Coordinator{ThinkMS: []float64{0}}))
		Expect(fan.Branches).To(Equal([]dataset.Branch{{ID: "fan:0", Mode: dataset.BranchSpawn, Children: []string{"a", "b"}, Turn: 0, JoinAt: 1}}))
		Expect(fan.Turns).To(HaveLen(2))
		Expect(*paced.Coordinator).To(Equal(dataset.Coordinator{ThinkMS: []float64{20, 20, 20}, Sigma: 0.5, MinMS: ms(5), MaxMS: ms(100)}))
		Expect(paced.Branches[2]).To(Equal(dataset.Branch{ID: "paced:2", Mode: dataset.BranchSpawn, Children: []string{"a"}, Turn: 2, JoinAt: 3}))
		Expect(listed.Coordinator.ThinkMS).To(Equal([]float64{7, 2.5}))
		Expect(list[3].Coordinator).To(BeNil())
	})
	It("a trace of delays alone has no schedule", func() {
		path := filepath.Join(GinkgoT().TempDir(), "delays.jsonl")
		Expect(os.WriteFile(path, []byte("{\"session_id\": \"a\", \"input_length\": 4, \"delay\": 0}\n{\"session_id\": \"a\", \"input_length\": 8, \"delay\": 20}\n"), 0o600)).To(Succeed())
		set, src, err := Load(plugins.Builtin(), path, "mooncake_trace", settings())
		Expect(err).NotTo(HaveOccurred())
		defer src.Close()
		Expect(set.Facts().FirstTimed).To(BeFalse())
	})
	It("the window of a schedule, and the number of conversations", func() {
		facts, list := read("valid/mooncake_trace.jsonl", "", func(c *Config) { c.Dataset.StartOffsetMS, c.Dataset.EndOffsetMS = ms(40), ms(60) })
		Expect(list).To(HaveLen(2))
		Expect(facts.Dropped).To(Equal(2))
		_, list = read("valid/multi_turn.jsonl", "", func(c *Config) { c.Dataset.Limit = 1 })
		Expect(list).To(HaveLen(1))
		_, _, err := Load(plugins.Builtin(), "testdata/valid/mooncake_trace.jsonl", "", settings(func(c *Config) { c.Dataset.StartOffsetMS = ms(1e6) }))
		Expect(err).To(MatchError(ContainSubstring("dataset is empty: all 4 rows lie outside the limits")))
	})
	It("gzip, a byte order mark, line ends of Windows", func() {
		dir := GinkgoT().TempDir()
		path := filepath.Join(dir, "x.jsonl")
		Expect(os.WriteFile(path, []byte("\xef\xbb\xbf{\"text\": \"a\"}\r\n\r\n{\"text\": \"b\"}"), 0o600)).To(Succeed())
		set, src, err := Load(plugins.Builtin(), path, "", settings())
		Expect(err).NotTo(HaveOccurred())
		defer src.Close()
		Expect(set.Len()).To(Equal(2))
	})
	It("many rows, whatever the pieces they are read in", func() {
		path := filepath.Join(GinkgoT().TempDir(), "big.jsonl")
		var b strings.Builder
		for i := range 120_000 {
			fmt.Fprintf(&b, "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 4, \"session_id\": \"s%d\"}\n", i, 1+i%900, i/2)
		}
		Expect(os.WriteFile(path, []byte(b.String()), 0o600)).To(Succeed())
		set, src, err := Load(plugins.Builtin(), path, "", settings())
		Expect(err).NotTo(HaveOccurred())
		defer src.Close()
		Expect(set.Len()).To(Equal(60_000))
		c, err := set.Compose(59_999)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.SessionID).To(Equal("s59999"))
		Expect(c.Turns[1].TimestampMS).To(HaveValue(Equal(119_999.0)))
		text := strings.Replace(b.String(), `{"timestamp": 100000, "input_length": 101,`, `{"timestamp": 100000, "input_length": 0,`, 1)
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		_, _, err = Load(plugins.Builtin(), path, "", settings())
		Expect(err).To(MatchError(path + ":100001: input_length: must be greater than 0 (got 0)"))
	})
})
