package config

import "aiperf/dataset"

func promptFlags() []*Flag {
	return []*Flag{
		{Names: names("seq-dist", "sequence-distribution"), Group: GroupISL, Target: "datasets.main.prompts.sequence_distribution",
			Help:  "Pairs of prompt and output length that go together, with relative weights: `64|10,32|8:70;256,128:30` (length|spread); also as JSON. Takes the place of --isl and --osl.",
			Value: sequenceDistribution(func(f *Flags) *Opt[[]dataset.LengthPair] { return &f.SeqDist })},
		{Names: names("random-range-ratio"), Group: GroupISL, Target: "datasets.main.prompts.random_range_ratio",
			Help:  "Spread both lengths evenly over this share of --isl and --osl, which are both needed; also as {\"input\":0.3,\"output\":0.5}.",
			Value: rangeRatio(func(f *Flags) *Opt[dataset.RangeRatio] { return &f.RangeRatio })},
		{Names: names("random-corpus-style"), Group: GroupISL, Target: "datasets.main.prompts.random_corpus_style", Default: dataset.StyleVLLM,
			Help:  "What the range ratio means: vllm spreads around the lengths, sglang from ratio × length up to the length. With --prompt-corpus random also which tokens are drawn: vllm leaves out special tokens.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.CorpusStyle }, dataset.StyleVLLM, dataset.StyleSGLang)},

		{Names: names("prompt-batch-size", "batch-size-text", "batch-size"), Short: "b", Group: GroupPrompt, Target: "datasets.main.prompts.batch_size", Default: "1",
			Help:  "Texts in one request, each of the prompt length.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.BatchSize }, from(1))},
		{Names: names("prompt-corpus"), Group: GroupPrompt, Target: "datasets.main.prompts.corpus", Default: CorpusSonnet,
			Help:  "What prompts are made from: verse, generated code, logs and configuration, or random tokens.",
			Value: choice(func(f *Flags) *Opt[string] { return &f.Corpus }, CorpusSonnet, CorpusCoding, CorpusRandom)},

		{Names: names("prompt-prefix-pool-size", "prefix-prompt-pool-size", "num-prefix-prompts"), Group: GroupPrefix, Target: "datasets.main.prefix_prompts.pool_size", Default: "0",
			Help:  "Number of prefixes; each first prompt of a conversation begins with one of them. Needs --prompt-prefix-length.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.PrefixPoolSize }, from(0))},
		{Names: names("prompt-prefix-length", "prefix-prompt-length"), Group: GroupPrefix, Target: "datasets.main.prefix_prompts.length", Default: "0",
			Help:  "Tokens of a prefix, in addition to --isl. Needs --prompt-prefix-pool-size.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.PrefixLength }, from(0))},
		{Names: names("shared-system-prompt-length"), Group: GroupPrefix, Target: "datasets.main.prefix_prompts.shared_system_length",
			Help:  "Tokens of one generated system message that all conversations share.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.SharedSystemLength }, from(1))},
		{Names: names("user-context-prompt-length"), Group: GroupPrefix, Target: "datasets.main.prefix_prompts.user_context_length",
			Help:  "Tokens of a generated context in front of each conversation, another one for each.",
			Value: integer(func(f *Flags) *Opt[int] { return &f.UserContextLength }, from(1))},
		{Names: names("system-prompt"), Group: GroupPrefix, Target: "datasets.main.system_prompt",
			Help:  "System message of every conversation, word for word.",
			Value: text(func(f *Flags) *Opt[string] { return &f.SystemPrompt }, "TEXT")},
		{Names: names("system-prompt-file"), Group: GroupPrefix, Target: "datasets.main.system_prompt_file",
			Help:  "File whose text is the system message of every conversation.",
			Value: text(func(f *Flags) *Opt[string] { return &f.SystemPromptFile }, "FILE")},
	}
}

func rankingsFlags() []*Flag {
	row := func(name, target, help, standard string, r span, at func(*Flags) *Opt[int]) *Flag {
		return &Flag{Names: names("rankings-" + name), Group: GroupRankings, Target: "datasets.main.rankings." + target, Default: standard, Help: help, Value: integer(at, r)}
	}
	return []*Flag{
		row("passages-mean", "passages.mean", "Passages per query, on average.", "10", from(1), func(f *Flags) *Opt[int] { return &f.PassagesMean }),
		row("passages-stddev", "passages.stddev", "Spread of the passages per query.", "0", from(0), func(f *Flags) *Opt[int] { return &f.PassagesStddev }),
		row("passages-prompt-token-mean", "passage_tokens.mean", "Tokens of a passage, on average.", "128", from(1), func(f *Flags) *Opt[int] { return &f.PassageTokensMean }),
		row("passages-prompt-token-stddev", "passage_tokens.stddev", "Spread of the passage length.", "0", from(0), func(f *Flags) *Opt[int] { return &f.PassageTokensStddev }),
		row("query-prompt-token-mean", "query_tokens.mean", "Tokens of a query, on average.", "32", from(1), func(f *Flags) *Opt[int] { return &f.QueryTokensMean }),
		row("query-prompt-token-stddev", "query_tokens.stddev", "Spread of the query length.", "0", from(0), func(f *Flags) *Opt[int] { return &f.QueryTokensStddev }),
	}
}
