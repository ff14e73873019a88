package jinja

import (
	"strings"
	"time"
)

// Options say how a template is read and what it may use.
type Options struct {
	// TrimBlocks drops the line end behind a tag, LstripBlocks the blanks before one.
	TrimBlocks, LstripBlocks bool
	KeepTrailingNewline      bool
	// Strict makes an undefined name an error wherever it is used, and not only where
	// something is asked of it.
	Strict bool
	// PlainJSON makes tojson write as chat templates expect: keys in their order, nothing
	// escaped for HTML.
	PlainJSON bool
	// Now is the clock of strftime_now; nil: there is no such function.
	Now func() time.Time
	// Steps and Output bound the work and the text in bytes; 0 is the default.
	Steps, Output int
}

const (
	defaultSteps  = 5_000_000
	defaultOutput = 64 << 20
)

// Template is one that has been read. It is safe for concurrent use.
type Template struct {
	body []stmt
	o    Options
}

// Parse reads a template. The error is an *Error.
func Parse(src string, o Options) (t *Template, err error) {
	defer recovered(&err)
	p := &parser{tokens: lex(src, o)}
	body, _ := p.body()
	if o.Steps == 0 {
		o.Steps = defaultSteps
	}
	if o.Output == 0 {
		o.Output = defaultOutput
	}
	return &Template{body, o}, nil
}

// Render fills a template in. The error is an *Error.
func (t *Template) Render(vars *Dict) (out string, err error) {
	defer recovered(&err)
	e := &evaluator{o: &t.o, steps: t.o.Steps}
	e.scope = &scope{vars: map[string]any{}}
	for i, k := range vars.keys {
		if name, ok := k.(string); ok {
			e.scope.vars[name] = vars.values[i]
		}
	}
	e.out = &strings.Builder{}
	e.run(t.body)
	return e.out.String(), nil
}

// recovered turns the panic of a reader or an evaluator into its error.
func recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	default:
		panic(p)
	}
}
