package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/plugins"
)

// testHost is a machine of 16 CPUs without a terminal, where nothing is random.
func testHost() Host {
	return Host{
		LoadPlugins: plugins.Load,
		ResolveTokenizer: func(ask TokenizerAsk) (TokenizerChoice, error) {
			switch ask.Name {
			case "builtin":
				return TokenizerChoice{Plugin: "builtin", Encoding: "o200k_base"}, nil
			case "missing":
				return TokenizerChoice{}, errors.New("tokenizer missing: it is not on this machine")
			case "chatty":
				return TokenizerChoice{Plugin: "file", Path: "/cache/chatty", ChatTemplate: ask.ChatTemplate}, nil
			case "alias":
				return TokenizerChoice{Plugin: "file", Path: "/cache/alias", Resolved: "org/alias", Warning: "tokenizer alias: uses org/alias"}, nil
			}
			return TokenizerChoice{Plugin: "file", Path: "/cache/" + ask.Name}, nil
		},
		InspectDataset: func(ask DatasetAsk) (DatasetFacts, error) {
			switch filepath.Base(ask.Dataset.Path) {
			case "bad.jsonl":
				return DatasetFacts{}, errors.New("bad.jsonl:3: text: want a string, got a number")
			case "trace.jsonl":
				return DatasetFacts{Format: "mooncake_trace", Rows: 20, Conversations: 15, Turns: 20, FirstTimed: true, Synthesised: true, Trace: true}, nil
			case "dag.jsonl":
				return DatasetFacts{Format: "dag_jsonl", Rows: 7, Conversations: 2, Turns: 10}, nil
			}
			return DatasetFacts{Format: "single_turn", Rows: 5, Conversations: 5, Turns: 5, Isolated: true, Warnings: []string{"plain.jsonl: odd"}}, nil
		},
		Entropy:    func(n int) []byte { return bytes.Repeat([]byte{0xab}, n) },
		CPUs:       16,
		WorkingDir: "/work",
		PID:        7,
	}
}

// A case is one file: `# why`, `args:`, `env:`, `terminal: yes`, `show:` (paths into the
// run document), then a rule and what comes of it. `go test ./config -update` rewrites
// what stands behind the rule.
var _ = Describe("command lines", func() {
	files, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil || len(files) == 0 {
		panic("no cases in testdata/cases")
	}
	for _, file := range files {
		It("resolves "+strings.TrimSuffix(filepath.Base(file), ".txt"), func() {
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			head, want, found := strings.Cut(string(text), "----\n")
			Expect(found).To(BeTrue(), "the rule ---- is missing")
			got := outcome(head)
			if *update {
				Expect(os.WriteFile(file, []byte(head+"----\n"+got), 0o644)).To(Succeed())
				return
			}
			Expect(got).To(Equal(want))
		})
	}
})

// outcome is what a case comes to: the problems, or the parts of the run it asks for.
func outcome(head string) string {
	host, in, show := testHost(), Input{}, []string(nil)
	for _, line := range strings.Split(head, "\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "args":
			in.Args = append(in.Args, words(value)...)
		case "env":
			in.Env = append(in.Env, strings.TrimSpace(value))
		case "terminal":
			host.Terminal = true
		case "show":
			show = append(show, strings.Fields(value)...)
		}
	}
	run, problems := Load(in, host)
	if len(problems) > 0 {
		return "refused\n" + problems.Error() + "\n"
	}
	doc, err := json.Marshal(run)
	Expect(err).NotTo(HaveOccurred())
	var out strings.Builder
	for _, path := range show {
		out.WriteString(path + " = " + at(doc, path) + "\n")
	}
	for _, w := range run.Warnings {
		out.WriteString("warning: " + w + "\n")
	}
	return out.String()
}

// at is the part of a JSON document that a dotted path leads to, in compact form.
func at(doc json.RawMessage, path string) string {
	for _, key := range strings.Split(path, ".") {
		var members map[string]json.RawMessage
		if json.Unmarshal(doc, &members) != nil || members[key] == nil {
			return "absent"
		}
		doc = members[key]
	}
	return string(compact(doc))
}

// words splits a line as a shell would: single quotes keep words together.
func words(line string) (out []string) {
	var word strings.Builder
	quoted, any := false, false
	flush := func() {
		if any {
			out = append(out, word.String())
		}
		word.Reset()
		any = false
	}
	for _, r := range line {
		switch {
		case r == '\'':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			flush()
		default:
			word.WriteRune(r)
			any = true
		}
	}
	flush()
	return out
}
