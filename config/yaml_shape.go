package config

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// envelopeKeys are those of the whole file.
var envelopeKeys = []string{"benchmark", "multi_run", "no_sweep_table", "plot", "random_seed", "schema_version", "sweep", "variables"}

// bodyKeys are those of a benchmark.
var bodyKeys = []string{
	"models", "model", "endpoint", "dataset", "datasets", "phases", "warmup", "profiling", "artifacts", "slos", "tokenizer", "gpu_telemetry", "server_metrics", "network_latency",
	"otel", "mlflow", "wandb", "runtime", "logging", "metrics", "accuracy", "scenario", "unsafe_override",
}

// flatKeys are body keys that old files have at the top.
var flatKeys = []string{
	"model", "models", "endpoint", "dataset", "datasets", "phases", "artifacts", "slos", "tokenizer", "gpu_telemetry", "server_metrics", "runtime", "logging", "metrics", "accuracy",
}

// envelope moves what old files have at the top to where it belongs, and checks the keys.
func (d *document) envelope() {
	var moved []string
	body := field(d.root, "benchmark")
	for _, key := range flatKeys {
		v := take(d.root, key)
		if v == nil {
			continue
		}
		if body == nil {
			body = under(v, yaml.MappingNode)
			put(d.root, "benchmark", body)
		}
		moved = append(moved, "'"+key+"'")
		if body.Kind == yaml.MappingNode && field(body, key) == nil {
			put(body, key, v)
		}
	}
	if len(moved) > 0 {
		slices.Sort(moved)
		d.warn(d.file + " uses pre-restructure flat shape (top-level keys: [" + strings.Join(moved, ", ") + "]); put them below benchmark:")
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key := d.root.Content[i]
		if slices.Contains(envelopeKeys, key.Value) {
			continue
		}
		hint := ""
		if slices.Contains(bodyKeys, key.Value) {
			hint = "nest it under benchmark"
		} else if near := Suggest(key.Value, envelopeKeys); near != "" {
			hint = "did you mean '" + near + "'?"
		} else if near := Suggest(key.Value, bodyKeys); near != "" {
			hint = "did you mean benchmark." + near + "?"
		}
		d.bad(key, key.Value, "unknown top-level key; there are: "+strings.Join(envelopeKeys, ", "), "", hint)
	}
	if v := field(d.root, "schema_version"); v != nil && v.Value != "2.0" {
		d.bad(v, "schema_version", "only \"2.0\" is understood", v.Value, "")
	}
	if body == nil {
		d.missing(d.root, "", "benchmark", "required", "")
	} else if body.Kind != yaml.MappingNode {
		d.bad(body, "benchmark", "want a map of keys", "", "")
	}
}

// shape writes the short forms of a benchmark out.
func (d *document) shape() {
	b := field(d.root, "benchmark")
	d.shapeModels(b)
	if e := field(b, "endpoint"); e != nil {
		if url := take(e, "url"); url != nil && field(e, "urls") == nil {
			put(e, "urls", under(url, yaml.SequenceNode, url))
		}
	}
	d.shapeDataset(b)
	d.shapePhases(b)
	for _, key := range []string{"gpu_telemetry", "server_metrics"} {
		v := field(b, key)
		if v == nil {
			continue
		}
		switch {
		case v.Kind == yaml.ScalarNode && v.ShortTag() == "!!bool":
			take(b, key)
			m := under(v, yaml.MappingNode)
			put(m, "enabled", v)
			put(b, key, m)
		case v.Kind == yaml.ScalarNode:
			take(b, key)
			m := under(v, yaml.MappingNode)
			put(m, "urls", under(v, yaml.SequenceNode, v))
			put(b, key, m)
		case v.Kind == yaml.MappingNode:
			if url := take(v, "url"); url != nil {
				put(v, "urls", under(url, yaml.SequenceNode, url))
			}
		}
	}
}

func (d *document) shapeModels(b *yaml.Node) {
	if model := take(b, "model"); model != nil {
		if field(b, "models") != nil {
			d.bad(model, "benchmark.model", "cannot be used together with models", "", "keep one of the two")
			return
		}
		put(b, "models", model)
	}
	models := take(b, "models")
	if models == nil {
		return
	}
	items := models
	switch {
	case models.Kind == yaml.ScalarNode:
		items = under(models, yaml.SequenceNode, models)
	case models.Kind == yaml.MappingNode && field(models, "items") == nil && field(models, "name") != nil:
		items = under(models, yaml.SequenceNode, models)
	case models.Kind == yaml.MappingNode:
		put(b, "models", models)
		items = field(models, "items")
	}
	if items != nil && items.Kind == yaml.SequenceNode {
		for i, item := range items.Content {
			if item.Kind == yaml.ScalarNode {
				m := under(item, yaml.MappingNode)
				put(m, "name", item)
				items.Content[i] = m
			}
		}
	}
	if field(b, "models") == nil {
		m := under(models, yaml.MappingNode)
		put(m, "items", items)
		put(b, "models", m)
	}
}

func (d *document) shapeDataset(b *yaml.Node) {
	one := take(b, "dataset")
	list := field(b, "datasets")
	switch {
	case one != nil && list != nil:
		d.bad(one, "benchmark.dataset", "cannot be used together with datasets", "", "keep one of the two")
	case one != nil && one.Kind != yaml.MappingNode:
		d.bad(one, "benchmark.dataset", "want a map of keys", one.Value, "")
	case one != nil:
		if field(one, "name") == nil {
			put(one, "name", scalarAt(one, "default"))
		}
		list = under(one, yaml.SequenceNode, one)
		put(b, "datasets", list)
	}
	if list == nil {
		return
	}
	if list.Kind != yaml.SequenceNode {
		d.bad(list, "benchmark.datasets", "want a list of datasets", "", "write - before each")
		return
	}
	if len(list.Content) != 1 {
		d.bad(list, "benchmark.datasets", "a run has one dataset", strconv.Itoa(len(list.Content)), "")
		return
	}
	item := list.Content[0]
	if item.Kind != yaml.MappingNode {
		d.bad(item, "benchmark.datasets.0", "want a map of keys", item.Value, "")
		return
	}
	if field(item, "name") == nil {
		d.missing(item, "benchmark.datasets.0", "name", "required", "")
	}
	for _, key := range []string{"isl", "osl"} {
		t := field(item, "type")
		if t != nil && !strings.EqualFold(t.Value, "synthetic") {
			continue
		}
		v := take(item, key)
		if v == nil {
			continue
		}
		prompts := field(item, "prompts")
		if prompts == nil {
			prompts = under(v, yaml.MappingNode)
			put(item, "prompts", prompts)
		}
		if field(prompts, key) == nil {
			put(prompts, key, v)
		}
	}
}

func (d *document) shapePhases(b *yaml.Node) {
	warmup, profiling, phases := take(b, "warmup"), take(b, "profiling"), field(b, "phases")
	switch {
	case phases != nil && (warmup != nil || profiling != nil):
		at, key := profiling, "profiling"
		if at == nil {
			at, key = warmup, "warmup"
		}
		d.bad(at, "benchmark."+key, "cannot be used together with phases", "", "put it into the list of phases")
		return
	case warmup != nil && profiling == nil:
		d.bad(warmup, "benchmark.warmup", "needs a profiling phase behind it", "", "add profiling")
		return
	case profiling != nil:
		phases = under(profiling, yaml.SequenceNode)
		for _, one := range []struct {
			name string
			n    *yaml.Node
		}{{"warmup", warmup}, {"profiling", profiling}} {
			if one.n == nil {
				continue
			}
			if one.n.Kind != yaml.MappingNode {
				d.bad(one.n, "benchmark."+one.name, "want a map of keys", one.n.Value, "")
				return
			}
			put(one.n, "name", scalarAt(one.n, one.name))
			phases.Content = append(phases.Content, one.n)
		}
		put(b, "phases", phases)
	case phases != nil && phases.Kind == yaml.MappingNode:
		if field(phases, "type") == nil {
			d.bad(phases, "benchmark.phases", "a single phase needs a type, and several are a list", "", "")
			return
		}
		if field(phases, "name") == nil {
			put(phases, "name", scalarAt(phases, "profiling"))
		}
		take(b, "phases")
		put(b, "phases", under(phases, yaml.SequenceNode, phases))
	}
}
