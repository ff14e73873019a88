package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// document is a configuration file on its way to the flags: a tree of nodes that know
// where they stand.
type document struct {
	file     string // as the user names it
	root     *yaml.Node
	problems *Problems
	warn     func(string)
	env      func(name string) (value string, set bool)
	// paths are where nodes stand in the file as it is written.
	paths map[*yaml.Node]string
}

// mostNestedKeys bounds maps inside maps.
const mostNestedKeys = 256

// where is a place as messages name it.
func (d *document) where(n *yaml.Node, path string) string {
	if written, known := d.paths[n]; known {
		path = written
	}
	if path == "" {
		path = "<root>"
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.file, n.Line, n.Column, path)
}

func (d *document) bad(n *yaml.Node, path, reason, got, hint string) {
	d.problems.add(d.where(n, path), reason, got, hint)
}

// missing reports a key that a map should have.
func (d *document) missing(n *yaml.Node, path, key, reason, hint string) {
	if written, known := d.paths[n]; known {
		path = written
	}
	d.problems.add(fmt.Sprintf("%s:%d:%d: %s", d.file, n.Line, n.Column, dotted(path, key)), reason, "", hint)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// readDocument parses a file and makes its tree plain: no aliases, one spelling of keys,
// variables of the environment in their places.
func readDocument(file, path string, problems *Problems, warn func(string), env func(string) (string, bool)) *document {
	d := &document{file: file, problems: problems, warn: warn, env: env, paths: map[*yaml.Node]string{}}
	text, err := readConfigFile(path)
	if err != nil {
		problems.add(file, err.Error(), "", "")
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		m := yamlLine.FindStringSubmatch(err.Error())
		place := file
		if len(m) > 1 && m[1] != "" {
			place += ":" + m[1]
		}
		reason := err.Error()
		if m != nil {
			reason = reason[len(m[0]):]
		}
		problems.add(place, "no YAML: "+reason, "", "")
		return nil
	}
	if len(doc.Content) == 0 {
		problems.add(file, "the file is empty", "", "`aiperf config init --list` shows templates")
		return nil
	}
	before := len(*problems)
	d.root = doc.Content[0]
	if d.root.Kind != yaml.MappingNode {
		d.bad(d.root, "", "want a map of keys", "", "")
		return nil
	}
	d.root = d.plain(d.root, "", 0, nil)
	if len(*problems) > before {
		return nil
	}
	d.substitute(d.root, "")
	return d
}

// largestConfig is more than anybody writes.
const largestConfig = 64 << 20

func readConfigFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, err
	}
	switch {
	case !st.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case st.Size() > largestConfig:
		return nil, errors.New("larger than 64 MiB")
	}
	text, err := os.ReadFile(path)
	if err == nil && !utf8.Valid(text) {
		err = errors.New("not UTF-8")
	}
	return text, err
}

// userKeys are maps whose keys are the user's own.
var userKeys = []string{"headers", "extra", "slos", "variables", "filters", "records", "user_files", "parameters", "values", "content"}

// snake is a key in the spelling of this program.
func snake(key string) string {
	var b strings.Builder
	for i, r := range key {
		if unicode.IsUpper(r) {
			if i > 0 {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain checks a node and returns it without aliases, merges and other spellings.
func (d *document) plain(n *yaml.Node, path string, depth int, open []*yaml.Node) *yaml.Node {
	if depth > mostNestedKeys {
		d.bad(n, path, "nested deeper than 256 levels", "", "")
		return n
	}
	if n.Kind == yaml.AliasNode {
		if slices.Contains(open, n.Alias) {
			d.bad(n, path, "an alias that contains itself", "*"+n.Value, "")
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
		}
		copied := *n.Alias
		copied.Line, copied.Column = n.Line, n.Column
		return d.plain(&copied, path, depth+1, append(open, n.Alias))
	}
	out := *n
	out.Anchor = ""
	out.Content = nil
	open = append(open, n)
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			out.Content = append(out.Content, d.plain(item, dotted(path, strconv.Itoa(i)), depth+1, open))
		}
	case yaml.MappingNode:
		d.plainMap(n, &out, path, depth, open)
	}
	d.paths[&out] = path
	return &out
}

func (d *document) plainMap(n, out *yaml.Node, path string, depth int, open []*yaml.Node) {
	own := underUserKey(path)
	seen := map[string]*yaml.Node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			d.bad(key, path, "every key must be a text", key.Value, "put it in quotes")
			continue
		}
		name := key.Value
		if !own {
			name = snake(name)
		}
		if first := seen[name]; first != nil {
			if first.Value == key.Value {
				d.bad(key, dotted(path, name), fmt.Sprintf("duplicate key; the first is on line %d", first.Line), "", "keep one of the two")
			} else {
				d.bad(key, dotted(path, name), fmt.Sprintf("the same key as %s on line %d", first.Value, first.Line), key.Value, "keep one of the two")
			}
			continue
		}
		seen[name] = key
		k := *key
		k.Value = name
		d.paths[&k] = dotted(path, name)
		out.Content = append(out.Content, &k, d.plain(value, dotted(path, name), depth+1, open))
	}
	for _, m := range merged {
		from := d.plain(m, path, depth+1, open)
		if from.Kind != yaml.MappingNode {
			d.bad(m, path, "<< takes a map", "", "")
			continue
		}
		for i := 0; i+1 < len(from.Content); i += 2 {
			if seen[from.Content[i].Value] == nil {
				out.Content = append(out.Content, from.Content[i], from.Content[i+1])
			}
		}
	}
}

func underUserKey(path string) bool {
	for _, part := range strings.Split(path, ".") {
		if slices.Contains(userKeys, part) {
			return true
		}
	}
	return false
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

var envReference = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?\}`)

// substitute puts variables of the environment into texts: ${NAME} and ${NAME:default};
// $${ is a plain ${.
func (d *document) substitute(n *yaml.Node, path string) {
	d.texts(n, path, func(n *yaml.Node, path string) {
		if !strings.Contains(n.Value, "${") {
			return
		}
		if open := strings.LastIndex(n.Value, "${"); !strings.Contains(n.Value[open:], "}") {
			d.bad(n, path, "${ without its }", n.Value, "write $${ for a plain ${")
			return
		}
		whole := envReference.FindString(n.Value) == n.Value && !strings.HasPrefix(n.Value, "$$")
		n.Value = envReference.ReplaceAllStringFunc(n.Value, func(ref string) string {
			if strings.HasPrefix(ref, "$$") {
				return ref[1:]
			}
			m := envReference.FindStringSubmatch(ref)
			if value, set := d.env(m[1]); set {
				return value
			}
			if strings.Contains(ref, ":") {
				return m[2]
			}
			d.bad(n, path, fmt.Sprintf("required environment variable '%s' is not set", m[1]), "", "set it, or write ${"+m[1]+":default}")
			return ref
		})
		if whole {
			retag(n)
		}
	})
}

// texts calls use with every text of a tree.
func (d *document) texts(n *yaml.Node, path string, use func(n *yaml.Node, path string)) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() == "!!str" {
			use(n, path)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			d.texts(item, dotted(path, strconv.Itoa(i)), use)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			d.texts(n.Content[i+1], dotted(path, n.Content[i].Value), use)
		}
	}
}

// retag gives a text that came out of a template or the environment the type it looks like.
func retag(n *yaml.Node) {
	n.Style, n.Tag = 0, "!!str"
	switch low := strings.ToLower(n.Value); {
	case low == "true" || low == "false":
		n.Tag, n.Value = "!!bool", low
	default:
		if _, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			n.Tag = "!!int"
		} else if _, err := strconv.ParseFloat(n.Value, 64); err == nil && !strings.ContainsAny(low, "xpni_") {
			n.Tag = "!!float"
		}
	}
}

// field finds a key of a map; nil when there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// take removes a key of a map and returns its value.
func take(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			v := n.Content[i+1]
			n.Content = slices.Delete(n.Content, i, i+2)
			return v
		}
	}
	return nil
}

// put enters a key where the value stands.
func put(n *yaml.Node, key string, value *yaml.Node) {
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: value.Line, Column: value.Column}
	n.Content = append(n.Content, k, value)
}

// under makes a node at another one's place.
func under(at *yaml.Node, kind yaml.Kind, content ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: kind, Tag: map[yaml.Kind]string{yaml.MappingNode: "!!map", yaml.SequenceNode: "!!seq"}[kind], Line: at.Line, Column: at.Column, Content: content}
}

func scalarAt(at *yaml.Node, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: at.Line, Column: at.Column}
}
