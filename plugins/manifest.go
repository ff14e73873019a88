package plugins

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// Category is a kind of plugin.
type Category struct {
	Name        string
	Protocol    string // the Go interface its plugins fulfil
	Enum        string // how it is called where names are listed as an enumeration
	Description string
	Internal    bool // left out of listings
}

// Entry is one name of a category.
type Entry struct {
	Category, Name string
	Class          string // "module.path:Name" that an implementation registered
	Description    string
	Priority       int
	Metadata       map[string]any
	Package        string // who brings it
	Builtin        bool
	File           string // manifest it stands in
	Line           int
}

// Manifest is one parsed manifest file.
type Manifest struct {
	SchemaVersion string
	Package       string
	Version       string
	Description   string
	Categories    []Category // declared by the built-in manifest only
	Entries       []Entry
}

// schemaVersion is what this program writes and reads.
const schemaVersion = "1.0"

// Normal is how names are compared: lower case, dashes as underscores.
func Normal(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_")
}

// Parse reads a manifest. All faults are reported at once, each with file, line
// and key. Categories are known from the file itself (the built-in one declares
// them under "categories") or from known.
func Parse(file string, data []byte, known map[string]Category) (*Manifest, []string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	m := &Manifest{SchemaVersion: schemaVersion, Package: file}
	if len(doc.Content) == 0 {
		return m, nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, nil, fmt.Errorf("%s:%d: <root>: want a map of categories", file, root.Line)
	}
	p := &manifestParser{file: file, m: m, known: known}
	for i := 0; i+1 < len(root.Content); i += 2 {
		p.top(root.Content[i], root.Content[i+1])
	}
	return m, p.warnings, errors.Join(p.errs...)
}

type manifestParser struct {
	file     string
	m        *Manifest
	known    map[string]Category
	warnings []string
	errs     []error
}

func (p *manifestParser) fault(n *yaml.Node, key, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %s: %s", p.file, n.Line, key, fmt.Sprintf(format, args...)))
}

func (p *manifestParser) top(key, value *yaml.Node) {
	switch key.Value {
	case "schema_version":
		p.m.SchemaVersion = value.Value
		if value.Value != schemaVersion {
			p.warnings = append(p.warnings, fmt.Sprintf("%s:%d: schema_version %s is not %s; reading it as that", p.file, value.Line, value.Value, schemaVersion))
		}
	case "package":
		p.m.Package = value.Value
	case "version":
		p.m.Version = value.Value
	case "description":
		p.m.Description = value.Value
	case "categories":
		p.categories(value)
	default:
		p.entries(key, value)
	}
}

func (p *manifestParser) categories(n *yaml.Node) {
	p.known = map[string]Category{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var c struct {
			Protocol, Enum, Description string
			Internal                    bool
		}
		if err := n.Content[i+1].Decode(&c); err != nil {
			p.fault(n.Content[i+1], "categories."+n.Content[i].Value, "%v", err)
			continue
		}
		cat := Category{Name: n.Content[i].Value, Protocol: c.Protocol, Enum: c.Enum, Description: c.Description, Internal: c.Internal}
		p.m.Categories = append(p.m.Categories, cat)
		p.known[cat.Name] = cat
	}
}

func (p *manifestParser) entries(key, n *yaml.Node) {
	category := Normal(key.Value)
	if _, ok := p.known[category]; !ok {
		p.fault(key, key.Value, "unknown category; there are: %s", strings.Join(sortedKeys(p.known), ", "))
		return
	}
	if n.Kind != yaml.MappingNode {
		p.fault(n, key.Value, "want a map of names")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, body := n.Content[i], n.Content[i+1]
		e := Entry{Category: category, Name: name.Value, File: p.file, Line: name.Line, Package: p.m.Package}
		where := category + "." + name.Value
		if body.Kind != yaml.MappingNode {
			p.fault(body, where, "want a map with class")
			continue
		}
		before := len(p.errs)
		for k := 0; k+1 < len(body.Content); k += 2 {
			p.field(&e, where, body.Content[k], body.Content[k+1])
		}
		if e.Class == "" && len(p.errs) == before {
			p.fault(name, where, "class is required")
		}
		if err := checkMetadata(category, e.Metadata); err != nil {
			p.fault(name, where+".metadata", "%v", err)
		}
		if len(p.errs) == before {
			p.m.Entries = append(p.m.Entries, e)
		}
	}
}

func (p *manifestParser) field(e *Entry, where string, key, value *yaml.Node) {
	var err error
	switch key.Value {
	case "class":
		err = value.Decode(&e.Class)
	case "exec":
		err = errors.New("programs as plugins are not supported by this version; name a class of this program")
	case "description":
		err = value.Decode(&e.Description)
	case "priority":
		err = value.Decode(&e.Priority)
	case "metadata":
		err = value.Decode(&e.Metadata)
	default:
		err = errors.New("unknown key; there are: class, description, priority, metadata")
	}
	if err != nil {
		p.fault(key, where+"."+key.Value, "%v", err)
	}
}

// ReadManifest reads and parses a user's manifest.
func ReadManifest(path string, known map[string]Category) (*Manifest, []string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read plugin manifest: %w", err)
	}
	return Parse(path, data, known)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
