package config

import (
	"errors"
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"aiperf/config/jinja"
)

// laterTemplates are keys whose texts are templates of another time.
var laterTemplates = []string{"template", "body", "payload_template"}

// render fills in {{ … }}: variables first, by what they need of one another, then all texts.
func (d *document) render() {
	values := d.values()
	vars := d.variables(values)
	if vars == nil {
		return
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key := d.root.Content[i].Value
		if key == "variables" {
			continue
		}
		d.texts(d.root.Content[i+1], key, func(n *yaml.Node, path string) {
			last := path[strings.LastIndexByte(path, '.')+1:]
			if slices.Contains(laterTemplates, last) || strings.Contains(path, "artifacts.user_files") {
				return
			}
			d.expand(n, path, vars)
		})
	}
}

func isTemplate(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }

// expand renders one text and gives it the type that it then has.
func (d *document) expand(n *yaml.Node, path string, vars *jinja.Dict) {
	if !isTemplate(n.Value) {
		return
	}
	out, err := renderText(n.Value, vars)
	if err != nil {
		d.bad(n, path, "template: "+err.Error(), n.Value, "")
		return
	}
	if n.Value = out; slices.Contains([]string{"inf", "-inf", "nan"}, out) {
		d.bad(n, path, "template: the result is no finite number", out, "")
	}
	retag(n)
}

func renderText(text string, vars *jinja.Dict) (string, error) {
	t, err := jinja.Parse(text, jinja.Options{KeepTrailingNewline: true, Strict: true})
	if err != nil {
		return "", err
	}
	return t.Render(vars)
}

// values are what templates can name: every key of the file, every key of the benchmark
// without its prefix too.
func (d *document) values() *jinja.Dict {
	out := jinja.NewDict()
	if benchmark := field(d.root, "benchmark"); benchmark != nil {
		if inner, ok := valueOf(benchmark).(*jinja.Dict); ok {
			for i := 0; i+1 < len(benchmark.Content); i += 2 {
				key := benchmark.Content[i].Value
				v, _ := inner.Get(key)
				out.Set(key, v)
			}
		}
	}
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		out.Set(d.root.Content[i].Value, valueOf(d.root.Content[i+1]))
	}
	return out
}

// valueOf makes a template's value of a node. Lists of maps with a name are reached by that
// name too.
func valueOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := jinja.NewDict()
		for i := 0; i+1 < len(n.Content); i += 2 {
			m.Set(n.Content[i].Value, valueOf(n.Content[i+1]))
		}
		return m
	case yaml.SequenceNode:
		named := jinja.NewDict()
		var list []any
		for i, item := range n.Content {
			v := valueOf(item)
			list = append(list, v)
			named.Set(int64(i), v)
			if name := field(item, "name"); name != nil {
				named.Set(name.Value, v)
			}
		}
		if named.Len() > len(list) {
			return named
		}
		return jinja.List(list)
	}
	var v any
	if n.Decode(&v) != nil {
		return n.Value
	}
	return jinja.Of(v)
}

// variables resolves them in the order in which they need one another, and returns all that
// templates may name; nil when they cannot be resolved.
func (d *document) variables(values *jinja.Dict) *jinja.Dict {
	node := field(d.root, "variables")
	if node == nil {
		return values
	}
	if node.Kind != yaml.MappingNode {
		d.bad(node, "variables", "want a map of names and values", "", "")
		return nil
	}
	open := map[string]*yaml.Node{}
	var order []string
	scope := jinja.NewDict()
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, v := node.Content[i].Value, node.Content[i+1]
		order = append(order, name)
		open[name] = v
	}
	copyInto := func(scope *jinja.Dict) { // variables shadow keys, also those that are not known yet
		for _, key := range values.Keys() {
			if name, ok := key.(string); ok && open[name] == nil {
				v, _ := values.Get(name)
				scope.Set(name, v)
			}
		}
	}
	resolved := map[string]any{}
	for len(open) > 0 {
		scope = jinja.NewDict()
		copyInto(scope)
		for name, v := range resolved {
			scope.Set(name, v)
		}
		progress := false
		for _, name := range order {
			n := open[name]
			if n == nil {
				continue
			}
			waits := false
			d.texts(n, "variables."+name, func(t *yaml.Node, path string) {
				if waits || !isTemplate(t.Value) {
					return
				}
				_, err := renderText(t.Value, scope)
				var e *jinja.Error
				if errors.As(err, &e) && open[e.Undefined] != nil {
					waits = true
				}
			})
			if waits {
				continue
			}
			d.texts(n, "variables."+name, func(t *yaml.Node, path string) { d.expand(t, path, scope) })
			resolved[name] = valueOf(n)
			scope.Set(name, resolved[name])
			delete(open, name)
			progress = true
		}
		if !progress {
			var names []string
			for _, name := range order {
				if open[name] != nil {
					names = append(names, name)
				}
			}
			d.bad(node, "variables", "circular reference among variables: "+strings.Join(names, ", "), "", "")
			return nil
		}
	}
	scope = jinja.NewDict()
	copyInto(scope)
	for name, v := range resolved {
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			d.bad(node, "variables."+name, "is no finite number", "", "")
		}
		scope.Set(name, v)
	}
	return scope
}
