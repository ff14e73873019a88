package loaders

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/plugins"
)

var _ = DescribeTable("an orchestrator is refused with its line and the reason", func(members string, want ...string) {
	path := filepath.Join(GinkgoT().TempDir(), "dag.jsonl")
	Expect(os.WriteFile(path, []byte(`{"session_id":"a","turns":[{"messages":[{"role":"user","content":"x"}]}]}
{"session_id":"o","orchestrator":true`+members+"}\n"), 0o600)).To(Succeed())
	_, _, err := Load(plugins.Builtin(), path, "dag_jsonl", settings())
	Expect(err).To(MatchError(ContainSubstring("line 2: " + want[0])))
	for _, w := range want[1:] {
		Expect(err).To(MatchError(ContainSubstring(w)))
	}
},
	Entry("without children", ``, "spawns: required", "list of 'rounds'"),
	Entry("with turns", `,"spawns":["a"],"turns":[]`, "an orchestrator has no 'turns'"),
	Entry("with pre-session children", `,"spawns":["a"],"pre_session_spawns":["a"]`, "an orchestrator has no 'turns' and no 'pre_session_spawns'"),
	Entry("no round", `,"spawns":["a"],"rounds":0`, "rounds: must be at least 1"),
	Entry("a count of rounds without children", `,"rounds":2`, "spawns: required"),
	Entry("too many rounds", `,"spawns":["a"],"rounds":100000`, "rounds: must be at most 65536"),
	Entry("a list beside children", `,"spawns":["a"],"rounds":[{"spawns":["a"]}]`, "spawns: has no place beside a list"),
	Entry("an empty list", `,"rounds":[]`, "rounds: must not be empty"),
	Entry("a round without children", `,"rounds":[{"spawns":[]}]`, "rounds.0.spawns: required"),
	Entry("a round of the wrong kind", `,"rounds":["a"]`, "rounds.0: want an object"),
	Entry("an unknown key of a round", `,"rounds":[{"spawns":["a"],"wait":1}]`, "rounds.0.wait: unknown key"),
	Entry("a child in two rounds", `,"rounds":[{"spawns":["a"]},{"spawns":["a"]}]`, "rounds.1.spawns: 'a' is in round 0 already"),
	Entry("a pause without rounds", `,"spawns":["a"],"think_time_ms":3`, "think_time_ms: needs 'rounds'"),
	Entry("a negative pause", `,"spawns":["a"],"rounds":2,"think_time_ms":-3`, "think_time_ms: must be at least 0"),
	Entry("a boolean pause", `,"spawns":["a"],"rounds":2,"think_time_ms":true`, "think_time_ms: want a number, not a boolean"),
	Entry("a spread without a median", `,"spawns":["a"],"rounds":2,"think_time_sigma":1`, "think_time_sigma: needs 'think_time_ms'"),
	Entry("too wide a spread", `,"spawns":["a"],"rounds":2,"think_time_ms":1,"think_time_sigma":11`, "think_time_sigma: must be above 0 and at most 10"),
	Entry("limits without a spread", `,"spawns":["a"],"rounds":2,"think_time_ms":1,"think_time_min_ms":1`, "think_time_min_ms: needs 'think_time_sigma'"),
	Entry("limits the wrong way round", `,"spawns":["a"],"rounds":2,"think_time_ms":1,"think_time_sigma":1,"think_time_min_ms":3,"think_time_max_ms":2`, "think_time_min_ms: must not be above"),
)

var _ = It("keys of an orchestrator are refused in other conversations", func() {
	path := filepath.Join(GinkgoT().TempDir(), "dag.jsonl")
	Expect(os.WriteFile(path, []byte(`{"session_id":"a","rounds":2,"turns":[{"messages":[{"role":"user","content":"x"}]}]}`), 0o600)).To(Succeed())
	_, _, err := Load(plugins.Builtin(), path, "dag_jsonl", settings())
	Expect(err).To(MatchError(ContainSubstring("line 1: rounds: needs 'orchestrator' to be true")))
})
