package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"aiperf/dataset"
	"aiperf/metrics"
)

// applyFile reads a configuration file under the flags: what was typed wins.
func (l *loader) applyFile(p *flagParser) {
	f := p.flags
	file := f.ConfigFile.Value
	env := map[string]string{}
	for _, kv := range l.in.Env {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	problems := Problems{}
	d := readDocument(file, l.absolute(file), &problems, l.warn, func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	})
	if d != nil && len(problems) == 0 {
		d.envelope()
	}
	if d != nil && len(problems) == 0 {
		d.render()
	}
	if d != nil && len(problems) == 0 {
		d.shape()
	}
	if d != nil && len(problems) == 0 {
		a := &applier{document: d, p: p}
		a.envelopeValues()
		a.walk(field(d.root, "benchmark"), keyTree(), "benchmark")
		if models := field(field(d.root, "benchmark"), "models"); len(a.models) > 0 {
			a.set("model-names", models, "benchmark.models", a.models...)
		}
		a.dataset(field(field(d.root, "benchmark"), "datasets"))
		a.phases(field(field(d.root, "benchmark"), "phases")) // last: each of several begins with what else there is
	}
	found := append(problems, p.problems...)
	slices.SortStableFunc(found, func(a, b Problem) int { return cmp.Compare(lineOf(a.Where), lineOf(b.Where)) })
	l.problems = append(l.problems, found...)
	l.configFaulty = len(problems)+len(p.problems) > 0
	p.problems = nil
}

// lineOf is the line that a place in a file begins with.
func lineOf(where string) int {
	for _, part := range strings.SplitN(where, ":", 4) {
		if n, err := strconv.Atoi(part); err == nil {
			return n
		}
	}
	return 0
}

// applier gives what a file says to the flags that it is said to.
type applier struct {
	*document
	p      *flagParser
	models []string
}

// set gives words to a flag, unless it was typed.
func (a *applier) set(name string, at *yaml.Node, path string, words ...string) {
	flag := a.p.index.long[name]
	if _, typed := a.p.flags.typed[flag.Names[0]]; typed {
		return
	}
	a.p.set(flag, a.where(at, path), words)
}

func (a *applier) envelopeValues() {
	if seed := field(a.root, "random_seed"); seed != nil {
		a.set("random-seed", seed, "random_seed", seed.Value)
	}
	for _, key := range []string{"sweep", "plot"} {
		if v := field(a.root, key); v != nil {
			a.bad(v, key, "is not supported by this version", "", "leave it out, and start one run for each value")
		}
	}
	if m := field(a.root, "multi_run"); m != nil {
		if n := field(m, "num_runs"); n == nil || n.Value != "1" {
			a.bad(m, "multi_run", "repeated runs are not supported by this version", "", "leave it out, and start the run several times")
		}
	}
}

// walk goes down a map with the keys that there are.
func (a *applier) walk(n *yaml.Node, keys *keyNode, path string) {
	if n.Kind == yaml.SequenceNode && keys.children["*"] != nil {
		for i, item := range n.Content {
			a.walk(item, keys.children["*"], dotted(path, strconv.Itoa(i)))
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		if n.ShortTag() != "!!null" {
			a.bad(n, path, "want a map of keys", n.Value, "")
		}
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		where := dotted(path, key.Value)
		child := keys.children[key.Value]
		switch {
		case child == nil:
			a.unknown(key, where, keys)
		case v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null":
		case child.kind == keyLater:
			a.bad(key, where, "is not supported by this version", "", "leave it out")
		case child.kind == keyFlag && inPhase(path):
		case child.kind == keyFlag:
			a.flag(child.flag, v, where)
		case child.kind == keyMap:
			a.walk(v, child, where)
		default:
			a.own(v, where)
		}
	}
}

func inPhase(path string) bool { return strings.HasPrefix(path, "benchmark.phases.") }

func (a *applier) unknown(key *yaml.Node, path string, keys *keyNode) {
	names := slices.Sorted(maps.Keys(keys.children))
	hint := "there are: " + strings.Join(names, ", ")
	if near := nearKey(key.Value, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	a.bad(key, path, "unknown key", "", hint)
}

// nearKey is the name that was meant: a misspelling, or one that begins alike.
func nearKey(name string, names []string) string {
	if near := Suggest(name, names); near != "" {
		return near
	}
	for _, n := range names {
		if len(name) >= 4 && strings.HasPrefix(n, name[:len(name)-1]) {
			return n
		}
	}
	return ""
}

// flag gives a value to its flag, in the form that the flag takes.
func (a *applier) flag(f *Flag, v *yaml.Node, path string) {
	var words []string
	switch {
	case v.Kind == yaml.SequenceNode && (f.Value.arity == takesWords || f.Value.arity == takesEach):
		for _, item := range v.Content {
			words = append(words, item.Value)
		}
	case v.Kind != yaml.ScalarNode:
		hint := ""
		if v.Kind == yaml.SequenceNode {
			hint = "several values make a sweep, which belongs into sweep.parameters"
		}
		a.bad(v, path, "want one value", "", hint)
		return
	case f.Value.arity == takesNone:
		b, ok := yamlBool(v)
		if !ok {
			a.bad(v, path, "want true or false", v.Value, "")
			return
		}
		words = []string{strconv.FormatBool(b)}
	case v.ShortTag() == "!!bool" && strings.TrimSpace(f.Value.Metavar) != "" && f.Value.Metavar != "NAME":
		a.bad(v, path, "a boolean is no number or text here", v.Value, "")
		return
	default:
		words = []string{strings.ReplaceAll(v.Value, " ", "")}
		if f.Value.Metavar != "SECONDS" {
			words[0] = v.Value
		}
		if f.Value.Metavar == "INT" {
			words[0] = strings.TrimSuffix(v.Value, ".0")
		}
	}
	a.set(f.Names[0], v, path, words...)
}

func yamlBool(v *yaml.Node) (bool, bool) {
	if v == nil {
		return false, false
	}
	switch strings.ToLower(v.Value) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}

// own reads what is no plain value of one flag.
func (a *applier) own(v *yaml.Node, path string) {
	switch path {
	case "benchmark.endpoint.urls":
		a.flag(a.p.index.long["url"], asList(v), path)
	case "benchmark.endpoint.headers", "benchmark.endpoint.extra":
		name := map[string]string{"benchmark.endpoint.headers": "header", "benchmark.endpoint.extra": "extra-inputs"}[path]
		if text, ok := a.object(v, path); ok {
			a.merge(name, v, path, text)
		}
	case "benchmark.artifacts.raw":
		if b, ok := yamlBool(v); !ok {
			a.bad(v, path, "want true or false", v.Value, "")
		} else if b {
			a.set("export-level", v, path, "raw")
		}
	case "benchmark.artifacts.records":
		b, isBool := yamlBool(v)
		if v.Kind == yaml.SequenceNode && len(v.Content) == 2 && v.Content[0].Value == "jsonl" && v.Content[1].Value == "parquet" {
			a.set("export-parquet", v, path, "true")
			isBool, b = true, true
		}
		raw, _ := yamlBool(field(field(field(a.root, "benchmark"), "artifacts"), "raw"))
		switch {
		case raw: // asks for the records too
		case v.Kind == yaml.ScalarNode && isBool && !b:
			a.set("export-level", v, path, "summary")
		case v.Kind == yaml.SequenceNode && len(v.Content) == 1 && v.Content[0].Value == "jsonl", isBool && b:
			a.set("export-level", v, path, "records")
		default:
			a.bad(v, path, "want false, [jsonl] or [jsonl, parquet]", v.Value, "")
		}
	case "benchmark.artifacts.summary":
		for _, item := range asList(v).Content {
			if item.Value != "json" && item.Value != "csv" {
				a.bad(item, path, "the summary is written as json and csv", item.Value, "write [json]")
			}
		}
	case "benchmark.gpu_telemetry.enabled":
		if b, ok := yamlBool(v); !ok {
			a.bad(v, path, "want true or false", v.Value, "")
		} else if !b {
			a.set("no-gpu-telemetry", v, path, "true")
		}
	case "benchmark.gpu_telemetry.urls":
		if list := asList(v); len(list.Content) > 0 {
			a.flag(a.p.index.long["gpu-telemetry"], list, path)
		}
	case "benchmark.gpu_telemetry.collector":
		a.flag(a.p.index.long["gpu-telemetry"], asList(v), path)
	case "benchmark.server_metrics.enabled":
		if b, ok := yamlBool(v); !ok || b {
			a.bad(v, path, "server metrics are not supported by this version", v.Value, "write false")
		} else {
			a.set("no-server-metrics", v, path, "true")
		}
	case "benchmark.slos":
		a.slos(v, path)
	case "benchmark.metrics":
		if v.Kind != yaml.MappingNode || len(v.Content) > 0 {
			a.bad(v, path, "is reserved: only {} may stand there", "", "leave it out")
		}
	case "benchmark.runtime.communication.type":
		if !slices.Contains([]string{"ipc", "tcp"}, v.Value) {
			a.bad(v, path, "want ipc or tcp", v.Value, "")
		}
	}
	if strings.HasPrefix(path, "benchmark.models.items.") {
		if v.Kind != yaml.ScalarNode || v.Value == "" {
			a.bad(v, path, "want the name of a model", "", "")
			return
		}
		a.models = append(a.models, v.Value)
	}
}

// slos reads a map of metrics and their bounds; those that were typed win.
func (a *applier) slos(v *yaml.Node, path string) {
	if v.Kind != yaml.MappingNode {
		a.bad(v, path, "want a map of metrics and their bounds", v.Value, "")
		return
	}
	typed := a.p.flags.SLOs
	var o Opt[[]sloAsk]
	for i := 0; i+1 < len(v.Content); i += 2 {
		key, value := v.Content[i], v.Content[i+1]
		bound, err := strconv.ParseFloat(value.Value, 64)
		if err != nil || value.ShortTag() == "!!bool" {
			a.bad(value, dotted(path, key.Value), "want a number", value.Value, "")
			continue
		}
		o.Value = setSLO(o.Value, sloAsk{metrics.SLO{Tag: key.Value, Value: bound}, a.where(key, dotted(path, key.Value))})
	}
	for _, s := range typed.Value {
		o.Value = setSLO(o.Value, s)
	}
	o.Set, o.As = true, a.where(v, path)
	a.p.flags.SLOs = o
}

// asList is a list, also of one value that stands alone.
func asList(v *yaml.Node) *yaml.Node {
	if v.Kind == yaml.SequenceNode {
		return v
	}
	return under(v, yaml.SequenceNode, v)
}

// object is a map as JSON, its keys in their order.
func (a *applier) object(v *yaml.Node, path string) (string, bool) {
	if v.Kind != yaml.MappingNode {
		a.bad(v, path, "want a map", v.Value, "")
		return "", false
	}
	text, err := nodeJSON(v)
	if err != nil {
		a.bad(v, path, err.Error(), "", "")
		return "", false
	}
	return text, true
}

func nodeJSON(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.MappingNode:
		var b strings.Builder
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			v, err := nodeJSON(n.Content[i+1])
			if err != nil {
				return "", err
			}
			key, _ := json.Marshal(n.Content[i].Value)
			b.Write(key)
			b.WriteString(":" + v)
		}
		return b.String() + "}", nil
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, item := range n.Content {
			v, err := nodeJSON(item)
			if err != nil {
				return "", err
			}
			parts[i] = v
		}
		return "[" + strings.Join(parts, ",") + "]", nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("%s is no JSON value", n.Value)
	}
	return strings.TrimSpace(b.String()), nil
}

// merge puts a map of the file under the one that was typed, key by key.
func (a *applier) merge(name string, at *yaml.Node, path, text string) {
	f := a.p.flags
	if _, typed := f.typed[name]; !typed {
		a.set(name, at, path, text)
		return
	}
	typed := *f
	f.Headers, f.ExtraInputs = Opt[[]Header]{}, Opt[[]KeyValue]{}
	for _, x := range a.p.index.long[name].Value.parse(f, a.where(at, path), []string{text}) {
		a.bad(at, path, x.reason, x.got, x.hint)
	}
	if name == "header" {
		kept := slices.DeleteFunc(f.Headers.Value, func(h Header) bool {
			return slices.ContainsFunc(typed.Headers.Value, func(t Header) bool { return strings.EqualFold(t.Name, h.Name) })
		})
		f.Headers = Opt[[]Header]{append(kept, typed.Headers.Value...), true, typed.Headers.As}
		f.ExtraInputs = typed.ExtraInputs
		return
	}
	list := f.ExtraInputs.Value
	for _, kv := range typed.ExtraInputs.Value {
		list = setPair(list, kv)
	}
	f.ExtraInputs = Opt[[]KeyValue]{list, true, typed.ExtraInputs.As}
	f.Headers = typed.Headers
}

// dataset reads what of the dataset is no flag.
func (a *applier) dataset(list *yaml.Node) {
	if list == nil || list.Kind != yaml.SequenceNode || len(list.Content) != 1 {
		return
	}
	n, f := list.Content[0], a.p.flags
	const path = "benchmark.datasets.0"
	if name := field(n, "name"); name != nil {
		f.datasetName = name.Value
	}
	kind := "synthetic"
	if t := field(n, "type"); t != nil {
		kind = strings.ToLower(t.Value)
		if kind == "public" {
			a.bad(t, path+".type", "public datasets are not supported by this version", "", "name a file")
		} else if kind != "synthetic" && kind != "file" {
			a.bad(t, path+".type", "want synthetic, file or public", t.Value, "")
		}
	}
	if kind == "file" && field(n, "path") == nil && !f.InputFile.Set {
		a.bad(n, path, "a dataset of type file needs a path", "", "")
	}
	if kind == "synthetic" && field(n, "path") != nil {
		a.bad(field(n, "path"), path+".path", "has no effect on a synthetic dataset", "", "write type: file")
	}
	if seed := field(n, "random_seed"); seed != nil {
		v, faults := Opt[uint64]{}, []fault(nil)
		if u, err := strconv.ParseUint(seed.Value, 10, 64); err == nil {
			v = Opt[uint64]{u, true, a.where(seed, path+".random_seed")}
		} else {
			faults = one("expected integer", seed.Value, "")
		}
		for _, x := range faults {
			a.bad(seed, path+".random_seed", x.reason, x.got, x.hint)
		}
		f.datasetSeed = v
	}
	prompts := field(n, "prompts")
	osl := field(prompts, "osl")
	if osl == nil {
		osl = field(n, "osl")
	}
	for _, one := range []struct {
		n                  *yaml.Node
		path, mean, spread string
	}{
		{field(prompts, "isl"), "prompts.isl", "isl", "isl-stddev"}, {osl, "prompts.osl", "osl", "osl-stddev"},
		{field(n, "turns"), "turns", "conversation-turn-mean", "conversation-turn-stddev"},
		{field(n, "turn_delay"), "turn_delay", "conversation-turn-delay-mean", "conversation-turn-delay-stddev"},
		{field(field(n, "images"), "width"), "images.width", "image-width-mean", "image-width-stddev"},
		{field(field(n, "images"), "height"), "images.height", "image-height-mean", "image-height-stddev"},
		{field(field(n, "audio"), "length"), "audio.length", "audio-length-mean", "audio-length-stddev"},
		{field(field(n, "rankings"), "passages"), "rankings.passages", "rankings-passages-mean", "rankings-passages-stddev"},
		{field(field(n, "rankings"), "passage_tokens"), "rankings.passage_tokens", "rankings-passages-prompt-token-mean", "rankings-passages-prompt-token-stddev"},
		{field(field(n, "rankings"), "query_tokens"), "rankings.query_tokens", "rankings-query-prompt-token-mean", "rankings-query-prompt-token-stddev"},
	} {
		if one.n != nil {
			a.lengths(one.n, path+"."+one.path, one.path, one.mean, one.spread)
		}
	}
	if seq := field(prompts, "sequence_distribution"); seq != nil {
		a.pairs(seq, path+".prompts.sequence_distribution")
	}
	if r := field(prompts, "random_range_ratio"); r != nil {
		if text, err := nodeJSON(r); err == nil {
			a.set("random-range-ratio", r, path+".prompts.random_range_ratio", text)
		}
	}
	if size := field(prompts, "block_size"); size != nil && kind == "file" {
		a.flag(a.p.index.long["isl-block-size"], size, path+".prompts.block_size")
	}
}

func (a *applier) distribution(n *yaml.Node, path string, into *Opt[dataset.Distribution]) {
	d, problems := dataset.ReadDistribution(plainValue(n))
	for _, text := range problems {
		a.bad(n, path, text, "", "")
	}
	if problems == nil {
		*into = Opt[dataset.Distribution]{d, true, a.where(n, path)}
	}
}

// lengths reads a distribution: what the flags can say goes to them, the rest is kept as it
// is. A flag that was typed wins over all of it.
func (a *applier) lengths(n *yaml.Node, path, name, mean, spread string) {
	f := a.p.flags
	for _, flag := range []string{mean, spread} {
		if _, typed := f.typed[a.p.index.long[flag].Names[0]]; typed {
			return
		}
	}
	var o Opt[dataset.Distribution]
	if a.distribution(n, path, &o); !o.Set {
		return
	}
	d := o.Value
	if plain := d.Min == nil && d.Max == nil; plain && (d.Shape == dataset.ShapeFixed || d.Shape == dataset.ShapeNormal) {
		words := strconv.FormatFloat(d.Expected(), 'f', -1, 64)
		if len(a.p.index.long[mean].Value.parse(&Flags{}, "", []string{words})) == 0 {
			a.set(mean, n, path, words)
			if d.Stddev > 0 {
				a.set(spread, n, path, strconv.FormatFloat(d.Stddev, 'f', -1, 64))
			}
			return
		}
	}
	if f.shapes == nil {
		f.shapes = map[string]dataset.Distribution{}
	}
	f.shapes[name] = d
}

// plainValue is a node as a decoder gives it, with the short spelling of numbers in quotes.
func plainValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainValue(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = plainValue(item)
		}
		return list
	}
	if n.ShortTag() == "!!str" {
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return v
		}
	}
	var v any
	_ = n.Decode(&v)
	return v
}

// pairs reads a distribution over pairs of lengths.
func (a *applier) pairs(n *yaml.Node, path string) {
	if _, typed := a.p.flags.typed["seq-dist"]; typed {
		return
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		a.bad(n, path, "want a list of {isl, osl, probability}", "", "")
		return
	}
	var pairs []dataset.LengthPair
	for i, item := range n.Content {
		at := dotted(path, strconv.Itoa(i))
		var isl, osl Opt[dataset.Distribution]
		p := dataset.LengthPair{Weight: 1}
		for k := 0; item.Kind == yaml.MappingNode && k+1 < len(item.Content); k += 2 {
			v := item.Content[k+1]
			switch key := item.Content[k].Value; key {
			case "isl":
				a.distribution(v, at+".isl", &isl)
			case "osl":
				a.distribution(v, at+".osl", &osl)
			case "probability":
				w, err := strconv.ParseFloat(v.Value, 64)
				if err != nil || w < 0 {
					a.bad(v, at+".probability", "want a number from 0 on", v.Value, "")
				}
				p.Weight = w
			case "isl_stddev", "osl_stddev":
			default:
				a.bad(item.Content[k], at+"."+key, "unknown key", "", "there are: isl, isl_stddev, osl, osl_stddev, probability")
			}
		}
		for _, side := range []struct {
			o   *Opt[dataset.Distribution]
			key string
		}{{&isl, "isl"}, {&osl, "osl"}} {
			sd := field(item, side.key+"_stddev")
			if sd == nil || !side.o.Set {
				continue
			}
			if v, err := strconv.ParseFloat(sd.Value, 64); err == nil && v >= 0 {
				side.o.Value = dataset.Normal(side.o.Value.Expected(), v)
			} else {
				a.bad(sd, at+"."+side.key+"_stddev", "want a number from 0 on", sd.Value, "")
			}
		}
		if !isl.Set || !osl.Set {
			a.bad(item, at, "needs isl and osl", "", "")
			continue
		}
		p.ISL, p.OSL = isl.Value, osl.Value
		pairs = append(pairs, p)
	}
	a.p.flags.SeqDist = Opt[[]dataset.LengthPair]{pairs, true, a.where(n, path)}
}
