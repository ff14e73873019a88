package loaders

import (
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/plugins"
)

var _ = DescribeTable("a malformed file is refused with its place and the reason", func(path, named string, want ...string) {
	full := filepath.Join("testdata", "malformed", path)
	_, _, err := Load(plugins.Builtin(), full, named, settings())
	Expect(err).To(HaveOccurred())
	Expect(err.Error()).To(HavePrefix(full))
	for _, w := range want {
		Expect(err.Error()).To(ContainSubstring(w))
	}
},
	Entry(nil, "empty.jsonl", "", "dataset is empty"),
	Entry(nil, "blank_lines.jsonl", "", "dataset is empty"),
	Entry(nil, "empty.jsonl", "single_turn", "dataset is empty"),
	Entry(nil, "bad_json_line3.jsonl", "", ":3: ", "invalid JSON"),
	Entry(nil, "array_row.jsonl", "", ":1: ", "row must be an object, got an array"),
	Entry(nil, "string_row_line2.jsonl", "", ":2: ", "row must be an object, got a string"),
	Entry(nil, "not_utf8.jsonl", "", ":1: ", "not UTF-8 (byte offset"),
	Entry(nil, "type_mismatch.jsonl", "", ":1: ", "declares type `multi_turn`", "`turns` is missing"),
	Entry(nil, "no_format.jsonl", "", "format not recognised", "--custom-dataset-type"),
	Entry(nil, "single_turn_both_forms.jsonl", "single_turn", ":2: ", "text and texts cannot be set together"),
	Entry(nil, "single_turn_no_modality.jsonl", "single_turn", ":2: ", "at least one modality"),
	Entry(nil, "single_turn_zero_output.jsonl", "single_turn", ":1: output_length: ", "greater than 0"),
	Entry(nil, "single_turn_time_and_delay.jsonl", "single_turn", ":1: ", "timestamp and delay cannot be set together"),
	Entry(nil, "single_turn_timestamp0_and_delay.jsonl", "single_turn", ":1: ", "timestamp and delay cannot be set together"),
	Entry(nil, "single_turn_uuid_count.jsonl", "single_turn", ":1: image_uuids: ", "(2)", "(1)"),
	Entry(nil, "single_turn_bad_url.jsonl", "single_turn", ":1: image: ", "scheme and a host"),
	Entry(nil, "single_turn_missing_file.jsonl", "single_turn", ":1: image: ", "does not exist"),
	Entry(nil, "single_turn_bmp.jsonl", "single_turn", ":1: image: ", "BMP", "png, jpeg"),
	Entry(nil, "single_turn_wrong_kind.jsonl", "single_turn", ":2: texts: ", "list", "got a number"),
	Entry(nil, "multi_turn_empty_turns.jsonl", "multi_turn", ":1: turns: ", "at least one turn"),
	Entry(nil, "multi_turn_bad_turn.jsonl", "multi_turn", ":1: turns.1: ", "at least one modality"),
	Entry(nil, "mooncake_two_modes.jsonl", "mooncake_trace", ":1: ", "mutually exclusive input modes"),
	Entry(nil, "mooncake_no_mode.jsonl", "mooncake_trace", ":1: ", "exactly one of"),
	Entry(nil, "mooncake_hash_without_length.jsonl", "mooncake_trace", ":1: hash_ids: ", "needs input_length"),
	Entry(nil, "mooncake_tools_without_messages.jsonl", "mooncake_trace", ":1: tools: ", "needs messages"),
	Entry(nil, "mooncake_message_without_role.jsonl", "mooncake_trace", ":1: messages.1: ", "role"),
	Entry(nil, "mooncake_empty_payload.jsonl", "mooncake_trace", ":1: payload: ", "non-empty"),
	Entry(nil, "mooncake_mixed_session.jsonl", "mooncake_trace", "session `s`", "lines 1 and 2", "mixed input modes"),
	Entry(nil, "mooncake_length_too_small.jsonl", "mooncake_trace", ":1: input_length: ", "512 tokens", "2 hash ids", "block size 512", "final block would have 0"),
	Entry(nil, "mooncake_zero_length.jsonl", "mooncake_trace", ":1: input_length: ", "greater than 0"),
	Entry(nil, "burst_gpt_missing_column.csv", "burst_gpt_trace", ":1: ", "missing column `Response tokens`"),
	Entry(nil, "sagemaker_no_messages.jsonl", "sagemaker_data_capture", ":1: ", "event e9", "messages"),
	Entry(nil, "sagemaker_bad_time.jsonl", "sagemaker_data_capture", ":1: ", "event e9", "inferenceTime"),
	Entry(nil, "raw_payload_not_object.jsonl", "raw_payload", ":2: ", "must be an object, got an array"),
	Entry(nil, "inputs_duplicate.json", "inputs_json", "data.1: duplicate session_id 'a'"),
	Entry(nil, "inputs_missing_payloads.json", "inputs_json", "data.1.payloads: required"),
	Entry(nil, "inputs_empty_payloads.json", "inputs_json", "data.0.payloads: ", "at least one"),
	Entry(nil, "random_pool_dir", "random_pool", "b.jsonl:1: ", "at least one modality"),
	Entry(nil, "random_pool_empty.jsonl", "random_pool", "pool is empty"),
	Entry(nil, "dag_unknown_key_conversation.jsonl", "dag_jsonl", "line 1: colour: "),
	Entry(nil, "dag_unknown_key_turn.jsonl", "dag_jsonl", "line 1: turns.0.temperature: "),
	Entry(nil, "dag_bool_max_tokens.jsonl", "dag_jsonl", "line 1: turns.0.max_tokens: ", "not a boolean"),
	Entry(nil, "dag_no_role.jsonl", "dag_jsonl", "line 1: turns.0: ", "message at index 0"),
	Entry(nil, "dag_empty_turns.jsonl", "dag_jsonl", "line 2: ", "'turns' must be non-empty unless 'orchestrator' is true"),
	Entry(nil, "dag_duplicate_session.jsonl", "dag_jsonl", "line 2: duplicate session_id 'a'"),
	Entry(nil, "dag_undeclared_target.jsonl", "dag_jsonl", "session 'a' turn 0: branch target 'zz' not declared. Known sessions: ['a']"),
	Entry(nil, "dag_cycle.jsonl", "dag_jsonl", "cycle detected: a -> b -> a"),
	Entry(nil, "dag_two_fork_parents.jsonl", "dag_jsonl", "session 'c' forked by both 'a' turn 0 and 'b' turn 0"),
	Entry(nil, "dag_fork_not_last.jsonl", "dag_jsonl", "session 'a' turn 0 has foreground FORK branches but is not the last turn"),
	Entry(nil, "dag_system_not_first.jsonl", "dag_jsonl", "session 'a' turn 1: non-root turns may not contain a 'system' message"),
	Entry(nil, "dag_pre_and_fork.jsonl", "dag_jsonl", "session 'c' is referenced by 'b' pre_session_spawns but is also a FORK target"),
	Entry(nil, "dag_join_at_too_early.jsonl", "dag_jsonl", "session 'a' turn 0: spawn join_at=0 must be strictly greater than the spawning turn index"),
	Entry(nil, "dag_join_at_too_late.jsonl", "dag_jsonl", "join_at=2 is out of range (conversation has 2 turns)"),
	Entry(nil, "dag_duplicate_child.jsonl", "dag_jsonl", "session 'a' turn 0: duplicate child_conversation_id 'b' in spawn group"),
	Entry(nil, "dag_fork_target_isolated.jsonl", "dag_jsonl", "session 'c' is a FORK target with context_mode 'message_array_with_responses'"),
)

var _ = DescribeTable("a file that two types could fit is one of them", func(path, named, want string, warns ...string) {
	set, src, err := Load(plugins.Builtin(), filepath.Join("testdata", "malformed", path), named, settings())
	Expect(err).NotTo(HaveOccurred())
	defer src.Close()
	Expect(set.Facts().Type).To(Equal(want))
	for _, w := range warns {
		Expect(set.Facts().Warnings).To(ContainElement(ContainSubstring(w)))
	}
},
	Entry(nil, "unknown_type_field.jsonl", "", "single_turn"),
	Entry(nil, "ambiguous_messages.jsonl", "", "raw_payload"),
	Entry(nil, "ambiguous_bailian.jsonl", "", "bailian_trace"),
	Entry(nil, "raw_payload_no_messages.jsonl", "raw_payload", "raw_payload"),
	Entry(nil, "burst_gpt_bad_row.csv", "burst_gpt_trace", "burst_gpt_trace", "2 rows skipped", "first at line 3"),
	Entry(nil, "mooncake_block_two_sizes.jsonl", "mooncake_trace", "mooncake_trace"),
)
