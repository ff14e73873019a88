package generators

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// codingBlocks is how many pieces the corpus has.
const codingBlocks = 800

// blockKinds are the pieces of a working day with code, with their shares in percent.
var blockKinds = []struct {
	share int
	make  func(*writer)
}{
	{6, pythonCode}, {6, goCode}, {6, typescriptCode}, {5, rustCode}, {9, trainingCode}, {10, shellOutput}, {9, trainingLog}, {10, jsonDocument},
	{8, errorTrace}, {3, sqlQuery}, {11, conversation}, {4, userRequest}, {3, toolUse}, {3, diff}, {2, ciLog}, {2, configuration}, {2, document}, {1, testOutput},
}

// newCoding writes the pieces, in an order of their own, and encodes them.
func newCoding(c Config) (corpus, error) {
	w := &writer{rng: c.Seeds.Stream("dataset.coding_content.template")}
	blocks := make([]string, 0, codingBlocks)
	for _, kind := range blockKinds {
		for range codingBlocks * kind.share / 100 {
			w.b.Reset()
			kind.make(w)
			blocks = append(blocks, strings.TrimSpace(w.b.String()))
		}
	}
	c.Seeds.Stream("dataset.coding_content.corpus").Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	var ids ring
	for _, block := range blocks {
		ids = append(ids, c.Tokenizer.Encode(block+"\n\n")...)
	}
	return ids, nil
}

// writer writes one piece after another with the chance of one stream.
type writer struct {
	rng *rand.Rand
	b   strings.Builder
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *writer) of(words []string) string     { return words[w.rng.IntN(len(words))] }
func (w *writer) number(low, high int) int     { return low + w.rng.IntN(high-low+1) }
func (w *writer) between(a, b float64) float64 { return a + (b-a)*w.rng.Float64() }
func (w *writer) noun() string                 { return w.of(nouns) }
func (w *writer) verb() string                 { return w.of(verbs) }
func (w *writer) name() string                 { return w.verb() + "_" + w.noun() }
func (w *writer) hex(n int) string             { return fmt.Sprintf("%016x", w.rng.Uint64())[:n] }
func (w *writer) title(s string) string        { return strings.ToUpper(s[:1]) + s[1:] }
func (w *writer) camel() string                { return w.verb() + w.title(w.noun()) }
func (w *writer) clock() string {
	return fmt.Sprintf("2025-%02d-%02dT%02d:%02d:%02d.%03dZ", w.number(1, 12), w.number(1, 28), w.number(0, 23), w.number(0, 59), w.number(0, 59), w.number(0, 999))
}
func (w *writer) path(suffix string) string {
	return w.of(folders) + "/" + w.noun() + "/" + w.name() + suffix
}

var (
	nouns = strings.Fields("account adapter batch bucket buffer cache chunk client cluster column config counter cursor dataset device document edge event " +
		"feature field filter frame gateway graph handler header index invoice job kernel key label layer ledger lock manifest matrix message metric model node " +
		"order packet page parser partition payload pipeline pool profile query queue record region registry report request response route sample schema segment " +
		"sensor session shard signal snapshot socket span stream table task tenant tensor thread token topic trace tree user vector version window worker")
	verbs = strings.Fields("apply assign attach build cancel check claim clean collect compare compress compute copy decode delete dispatch emit encode " +
		"evict expand export fetch filter find flush format gather generate group hash import insert join list load lock map merge migrate normalize open pack parse " +
		"patch pick plan poll publish pull push read rebuild reduce refresh reload remove render replay reset resolve restore retry rotate sample scan schedule " +
		"select send serialize shuffle sort split store stream submit sync trim update validate verify wait walk write")
	folders  = strings.Fields("src lib pkg internal services core app api jobs tools modules backend server engine")
	failures = []string{"connection reset by peer", "no such file or directory", "permission denied", "deadline exceeded", "index out of range", "unexpected end of input",
		"invalid character in identifier", "duplicate key value", "out of memory", "type mismatch", "checksum differs", "too many open files", "not implemented"}
	types = map[string][]string{
		"python": {"int", "str", "float", "bool", "list[int]", "dict[str, float]", "bytes | None"},
		"go":     {"int", "string", "float64", "bool", "[]byte", "map[string]int", "time.Duration"},
		"ts":     {"number", "string", "boolean", "string[]", "Record<string, number>", "Uint8Array | null"},
		"rust":   {"u64", "String", "f32", "bool", "Vec<u8>", "HashMap<String, usize>", "Option<u32>"},
	}
)

func pythonCode(w *writer) {
	class, a, b := w.title(w.noun())+w.title(w.noun()), w.noun(), w.noun()
	w.line("import logging\nfrom dataclasses import dataclass\n\nlogger = logging.getLogger(__name__)\n\n\n@dataclass\nclass %s:\n    %s: %s\n    %s: %s = None\n", class, a, w.of(types["python"]), b, w.of(types["python"]))
	for range w.number(1, 3) {
		item, limit := w.noun(), w.number(2, 512)
		w.line("    def %s(self, %s: %s, limit: int = %d):\n        \"\"\"%s the %s of each %s.\"\"\"", w.name(), item, w.of(types["python"]), limit, w.title(w.verb()), w.noun(), item)
		w.line("        result = []\n        for i, entry in enumerate(self.%s):\n            if entry.%s is None or i >= limit:\n                continue\n            result.append(%s(entry, %s))", a, w.noun(), w.name(), item)
		w.line("        logger.debug(\"%s %%d of %%d\", len(result), limit)\n        return result\n", w.verb())
	}
}

func goCode(w *writer) {
	kind, field := w.title(w.noun())+w.title(w.noun()), w.noun()
	w.line("package %s\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"sync\"\n)\n\n// %s holds every %s that is under way.\ntype %s struct {\n\tmu    sync.Mutex\n\t%s map[string]%s\n}\n", w.noun(), kind, w.noun(), kind, field, w.of(types["go"]))
	for range w.number(1, 3) {
		method, arg := w.title(w.camel()), w.noun()
		w.line("// %s returns the %s of a %s.\nfunc (x *%s) %s(ctx context.Context, %s string) (%s, error) {\n\tx.mu.Lock()\n\tdefer x.mu.Unlock()", method, w.noun(), arg, kind, method, arg, w.of(types["go"]))
		w.line("\tv, ok := x.%s[%s]\n\tif !ok {\n\t\treturn v, fmt.Errorf(\"%s %%q: %s\", %s)\n\t}\n\treturn v, ctx.Err()\n}\n", field, arg, w.verb(), w.of(failures), arg)
	}
}

func typescriptCode(w *writer) {
	kind, field := w.title(w.noun())+w.title(w.noun()), w.noun()
	w.line("import { %s } from \"../%s/%s\";\n\nexport interface %s {\n  id: string;\n  %s: %s;\n  %s?: %s;\n}\n", w.camel(), w.noun(), w.noun(), kind, field, w.of(types["ts"]), w.noun(), w.of(types["ts"]))
	for range w.number(1, 2) {
		item := w.noun()
		w.line("export async function %s(%s: %s[], limit = %d): Promise<%s> {\n  const seen = new Map<string, number>();\n  for (const entry of %s) {\n    if (seen.size >= limit) break;", w.camel(), item, kind, w.number(5, 900), w.of(types["ts"]), item)
		w.line("    seen.set(entry.id, (seen.get(entry.id) ?? 0) + 1);\n  }\n  const %s = await %s([...seen.keys()]);\n  return %s.%s;\n}\n", field, w.camel(), field, w.noun())
	}
}

func rustCode(w *writer) {
	kind, field := w.title(w.noun())+w.title(w.noun()), w.noun()
	w.line("use std::collections::HashMap;\n\n#[derive(Debug, Clone, Default)]\npub struct %s {\n    %s: HashMap<String, %s>,\n    %s: %s,\n}\n\nimpl %s {", kind, field, w.of(types["rust"]), w.noun(), w.of(types["rust"]), kind)
	for range w.number(1, 2) {
		arg := w.noun()
		w.line("    /// %s every %s.\n    pub fn %s(&mut self, %s: &str, limit: usize) -> Result<%s, Error> {\n        let entry = self.%s.get(%s).ok_or_else(|| Error::new(\"%s\"))?;", w.title(w.verb()), w.noun(), w.name(), arg, w.of(types["rust"]), field, arg, w.of(failures))
		w.line("        let out: Vec<_> = entry.iter().take(limit).filter(|x| x.%s > %d).collect();\n        Ok(out.len().into())\n    }\n", w.noun(), w.number(0, 99))
	}
	w.line("}")
}

func trainingCode(w *writer) {
	if w.rng.IntN(2) == 0 {
		w.line("import torch\nfrom torch import nn\n\n\nclass %s(nn.Module):\n    def __init__(self, dim: int = %d, heads: int = %d, dropout: float = %.2f):\n        super().__init__()", w.title(w.noun())+"Block", 64*w.number(2, 64), w.number(2, 64), w.between(0, 0.4))
		w.line("        self.norm = nn.LayerNorm(dim)\n        self.attn = nn.MultiheadAttention(dim, heads, dropout=dropout, batch_first=True)\n        self.%s = nn.Linear(dim, %d * dim)\n", w.noun(), w.number(2, 8))
		w.line("    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:\n        h = self.norm(x)\n        h, _ = self.attn(h, h, h, attn_mask=mask, need_weights=False)\n        return x + h")
		return
	}
	w.line("model:\n  name: %s-%s-%db\n  hidden_size: %d\n  num_layers: %d\n  vocab_size: %d", w.noun(), w.noun(), w.number(1, 70), 128*w.number(4, 64), w.number(12, 96), w.number(32000, 200000))
	w.line("train:\n  learning_rate: %.2e\n  warmup_steps: %d\n  global_batch_size: %d\n  precision: %s\n  seed: %d", w.between(1e-5, 1e-3), w.number(100, 5000), 8*w.number(1, 512), w.of([]string{"bf16", "fp16", "fp8"}), w.number(0, 99999))
}

func shellOutput(w *writer) {
	switch w.rng.IntN(3) {
	case 0:
		w.line("$ ls -la %s/%s", w.of(folders), w.noun())
		for range w.number(4, 10) {
			w.line("-rw-r--r--  1 %s staff %8d %s %2d %02d:%02d %s.%s", w.noun(), w.number(12, 9999999), w.of([]string{"Jan", "Mar", "May", "Aug", "Nov"}), w.number(1, 28), w.number(0, 23), w.number(0, 59), w.name(), w.of([]string{"py", "go", "rs", "ts", "json", "log"}))
		}
	case 1:
		w.line("$ grep -rn \"%s\" %s", w.name(), w.of(folders))
		for range w.number(3, 8) {
			w.line("%s:%d:    %s = %s(%s, %d)", w.path(".py"), w.number(1, 900), w.noun(), w.name(), w.noun(), w.number(0, 64))
		}
	default:
		w.line("$ git log --oneline -%d", w.number(4, 9))
		for range w.number(4, 9) {
			w.line("%s %s: %s the %s when the %s is %s", w.hex(8), w.noun(), w.verb(), w.noun(), w.noun(), w.of([]string{"empty", "full", "stale", "late", "missing"}))
		}
	}
}

func trainingLog(w *writer) {
	step, loss := w.number(0, 20000), w.between(1.4, 9)
	for range w.number(6, 14) {
		step += w.number(1, 50)
		loss *= w.between(0.97, 1.01)
		w.line("[%s] step %d | loss %.4f | lr %.3e | grad_norm %.3f | tokens/s %d | mem %.1f GiB", w.clock(), step, loss, w.between(1e-6, 6e-4), w.between(0.05, 3), w.number(2000, 400000), w.between(4, 79))
	}
}

func jsonDocument(w *writer) {
	w.line("{\n  \"id\": \"%s\",\n  \"%s\": {\n    \"%s\": %d,\n    \"enabled\": %t,\n    \"ratio\": %.4f\n  },\n  \"%ss\": [", w.hex(12), w.noun(), w.noun(), w.number(0, 100000), w.rng.IntN(2) == 0, w.rng.Float64(), w.noun())
	n := w.number(2, 5)
	for i := range n {
		comma := ","
		if i == n-1 {
			comma = ""
		}
		w.line("    {\"name\": \"%s\", \"%s\": \"%s\", \"count\": %d}%s", w.name(), w.noun(), w.clock(), w.number(0, 9999), comma)
	}
	w.line("  ]\n}")
}

func errorTrace(w *writer) {
	if w.rng.IntN(2) == 0 {
		w.line("Traceback (most recent call last):")
		for range w.number(2, 5) {
			w.line("  File \"/%s\", line %d, in %s\n    return %s(self.%s, %s=%d)", w.path(".py"), w.number(3, 1200), w.name(), w.name(), w.noun(), w.noun(), w.number(0, 512))
		}
		w.line("%sError: %s: %s", w.title(w.noun()), w.name(), w.of(failures))
		return
	}
	w.line("panic: runtime error: %s\n\ngoroutine %d [running]:", w.of(failures), w.number(1, 9000))
	for range w.number(2, 5) {
		w.line("%s/%s.%s(0x%s, 0x%x)\n\t/%s:%d +0x%x", w.of(folders), w.noun(), w.camel(), w.hex(10), w.number(1, 255), w.path(".go"), w.number(3, 1200), w.number(16, 999))
	}
}

func sqlQuery(w *writer) {
	a, b := w.noun(), w.noun()
	w.line("SELECT a.id, a.%s, COUNT(b.id) AS %s_count, AVG(b.%s) AS mean_%s\nFROM %ss AS a\nLEFT JOIN %ss AS b ON b.%s_id = a.id", w.noun(), b, w.noun(), w.noun(), a, b, a)
	w.line("WHERE a.created_at >= '2025-%02d-%02d' AND a.%s IN (%d, %d, %d)\nGROUP BY a.id, a.%s\nHAVING COUNT(b.id) > %d\nORDER BY %s_count DESC\nLIMIT %d;", w.number(1, 12), w.number(1, 28), w.noun(), w.number(0, 9), w.number(10, 99), w.number(100, 999), w.noun(), w.number(1, 50), b, w.number(10, 500))
}

func conversation(w *writer) {
	fn, thing := w.name(), w.noun()
	w.line("User: %s fails with \"%s\" as soon as the %s has more than %d entries. What do I miss?\n", fn, w.of(failures), thing, w.number(2, 5000))
	w.line("Assistant: `%s` takes the %s before the %s is there. Move the call behind `%s`, and keep the %s in a local variable:\n\n```python\n%s = %s(%s)\nif %s is not None:\n    %s(%s, timeout=%d)\n```\n", fn, thing, w.noun(), w.name(), w.noun(), thing, w.name(), w.noun(), thing, fn, thing, w.number(1, 120))
	w.line("User: That works, thank you. Is there a way to %s the %s without a second %s?\n\nAssistant: Yes: pass `%s=True`; then the %s is read once and each %s shares it.", w.verb(), w.noun(), w.noun(), w.name(), w.noun(), w.noun())
}

func userRequest(w *writer) {
	w.line("Please %s the %s in %s so that it can %s more than one %s at a time. Keep the %s as it is, add a test for an empty %s, and tell me what else uses %s.", w.verb(), w.noun(), w.path(".go"), w.verb(), w.noun(), w.noun(), w.noun(), w.name())
}

func toolUse(w *writer) {
	file := w.path(".ts")
	w.line("{\"type\": \"tool_use\", \"name\": \"read_file\", \"input\": {\"path\": \"%s\", \"offset\": %d}}\n{\"type\": \"tool_result\", \"content\": \"%s %s = %s(%d);\"}", file, w.number(0, 400), w.of([]string{"const", "let"}), w.noun(), w.camel(), w.number(0, 99))
	w.line("{\"type\": \"tool_use\", \"name\": \"run\", \"input\": {\"command\": \"npm test -- %s\"}}", file)
}

func diff(w *writer) {
	file := w.path(".go")
	w.line("diff --git a/%s b/%s\nindex %s..%s 100644\n--- a/%s\n+++ b/%s\n@@ -%d,%d +%d,%d @@ func %s(", file, file, w.hex(7), w.hex(7), file, file, w.number(1, 400), w.number(4, 9), w.number(1, 400), w.number(4, 9), w.camel())
	for range w.number(2, 5) {
		w.line(" \t%s := %s(%s)\n-\t%s.%s = %d\n+\t%s.%s = max(%d, %s)", w.noun(), w.camel(), w.noun(), w.noun(), w.noun(), w.number(0, 9), w.noun(), w.noun(), w.number(0, 99), w.noun())
	}
}

func ciLog(w *writer) {
	w.line("##[group]Run %s\nmake %s\n##[endgroup]", w.name(), w.verb())
	for range w.number(4, 9) {
		w.line("%s  %s %s/%s  (%.2f s)", w.clock(), w.of([]string{"PASS", "PASS", "PASS", "FAIL", "SKIP"}), w.of(folders), w.name(), w.between(0, 40))
	}
	w.line("Process completed with exit code %d.", w.rng.IntN(2))
}

func configuration(w *writer) {
	w.line("[%s]", w.noun())
	for range w.number(4, 9) {
		w.line("%s = %s", w.name(), w.of([]string{fmt.Sprint(w.number(0, 9999)), "true", "false", `"` + w.noun() + `"`, fmt.Sprintf("%.3f", w.rng.Float64())}))
	}
}

func document(w *writer) {
	w.line("## How to %s a %s\n\nA %s belongs to one %s. It is made by `%s`, and ends when the %s does. To %s it:\n", w.verb(), w.noun(), w.noun(), w.noun(), w.name(), w.noun(), w.verb())
	for i := range w.number(3, 5) {
		w.line("%d. %s the %s with `%s --%s %d`.", i+1, w.title(w.verb()), w.noun(), w.verb(), w.noun(), w.number(1, 99))
	}
}

func testOutput(w *writer) {
	n := w.number(20, 900)
	w.line("collected %d items\n", n)
	for range w.number(3, 7) {
		w.line("tests/test_%s.py %s [%3d%%]", w.name(), strings.Repeat(".", w.number(3, 40)), w.number(1, 100))
	}
	w.line("\n%d passed, %d skipped in %.2fs", n-3, 3, w.between(0.2, 300))
}
