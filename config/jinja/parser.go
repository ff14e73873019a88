package jinja

import (
	"fmt"
	"slices"
	"strconv"
)

// mostNested bounds expressions inside expressions and blocks inside blocks.
const mostNested = 200

// parser reads tokens; it panics with *Error.
type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != kindEOF {
		p.at++
	}
	return t
}

func (p *parser) fail(format string, args ...any) {
	panic(&Error{Line: p.peek().line, Reason: fmt.Sprintf(format, args...)})
}

func (p *parser) isOp(op string) bool     { t := p.peek(); return t.kind == kindOp && t.text == op }
func (p *parser) isName(name string) bool { t := p.peek(); return t.kind == kindName && t.text == name }

func (p *parser) takeOp(op string) bool {
	if p.isOp(op) {
		p.at++
		return true
	}
	return false
}

func (p *parser) takeName(name string) bool {
	if p.isName(name) {
		p.at++
		return true
	}
	return false
}

func (p *parser) wantOp(op string) {
	if !p.takeOp(op) {
		p.fail("want %q, got %s", op, p.peek())
	}
}

func (p *parser) wantName() string {
	t := p.peek()
	if t.kind != kindName {
		p.fail("want a name, got %s", t)
	}
	p.at++
	return t.text
}

func (p *parser) endTag() {
	if p.peek().kind != kindBlockEnd {
		p.fail("want %%}, got %s", p.peek())
	}
	p.at++
}

// enter bounds the depth; its result ends the level.
func (p *parser) enter() func() {
	if p.depth++; p.depth > mostNested {
		p.fail("nested deeper than %d levels", mostNested)
	}
	return func() { p.depth-- }
}

// body reads statements up to a tag that begins with one of ends, whose name is taken.
func (p *parser) body(ends ...string) (list []stmt, end string) {
	defer p.enter()()
	opened := p.peek().line
	for {
		switch t := p.next(); t.kind {
		case kindText:
			list = append(list, textStmt{t.text})
		case kindVarBegin:
			x := p.tuple()
			if p.peek().kind != kindVarEnd {
				p.fail("want }}, got %s", p.peek())
			}
			p.at++
			list = append(list, printStmt{x, t.line})
		case kindBlockBegin:
			name := p.wantName()
			if slices.Contains(ends, name) {
				return list, name
			}
			list = append(list, p.statement(name, t.line))
		case kindEOF:
			if len(ends) > 0 {
				panic(&Error{Line: opened, Reason: "a block without its end, {% " + ends[len(ends)-1] + " %}"})
			}
			return list, ""
		}
	}
}

func (p *parser) statement(name string, line int) stmt {
	switch name {
	case "if":
		return p.ifStmt()
	case "for":
		return p.forStmt(line)
	case "set":
		return p.set(line)
	case "macro":
		return p.macro(line)
	case "call":
		return p.callBlock(line)
	case "filter":
		f := filterBlock{filters: []filter{p.filter(nil)}, line: line}
		for p.takeOp("|") {
			f.filters = append(f.filters, p.filter(nil))
		}
		p.endTag()
		f.body, _ = p.body("endfilter")
		p.endTag()
		return f
	case "generation":
		p.endTag()
		body, _ := p.body("endgeneration")
		p.endTag()
		return scopeStmt{body: body}
	case "with":
		return p.with()
	case "break", "continue":
		if p.loops == 0 {
			p.fail("%s outside of a loop", name)
		}
		p.endTag()
		if name == "break" {
			return breakStmt{}
		}
		return continueStmt{}
	case "do":
		x := p.tuple()
		p.endTag()
		return setStmt{x: x, line: line}
	case "autoescape", "block", "extends", "include", "import", "from", "trans", "debug":
		p.fail("{%% %s %%} is not supported", name)
	}
	p.fail("unknown tag %q", name)
	return nil
}

func (p *parser) ifStmt() stmt {
	var s ifStmt
	for end := "if"; ; {
		if end == "else" {
			p.endTag()
			body, _ := p.body("endif")
			s.then = append(s.then, body)
			break
		}
		s.conds = append(s.conds, p.tuple())
		p.endTag()
		var body []stmt
		body, end = p.body("elif", "else", "endif")
		s.then = append(s.then, body)
		if end == "endif" {
			break
		}
	}
	p.endTag()
	return s
}

func (p *parser) names() (names []string) {
	inside := p.takeOp("(")
	for {
		names = append(names, p.wantName())
		if !p.takeOp(",") {
			break
		}
	}
	if inside {
		p.wantOp(")")
	}
	return names
}

func (p *parser) forStmt(line int) stmt {
	s := forStmt{names: p.names(), line: line}
	if !p.takeName("in") {
		p.fail("want in, got %s", p.peek())
	}
	s.over = p.tupleOf(p.or)
	if p.takeName("if") {
		s.cond = p.expression()
	}
	if p.isName("recursive") {
		p.fail("recursive loops are not supported")
	}
	p.endTag()
	p.loops++
	body, end := p.body("else", "endfor")
	p.loops--
	s.body = body
	if end == "else" {
		p.endTag()
		s.otherwise, _ = p.body("endfor")
	}
	p.endTag()
	return s
}

func (p *parser) target() target {
	t := target{name: p.wantName()}
	if p.takeOp(".") {
		t.field = p.wantName()
	}
	return t
}

func (p *parser) set(line int) stmt {
	inside := p.takeOp("(")
	targets := []target{p.target()}
	for p.takeOp(",") {
		targets = append(targets, p.target())
	}
	if inside {
		p.wantOp(")")
	}
	if p.takeOp("=") {
		s := setStmt{targets: targets, x: p.tuple(), line: line}
		p.endTag()
		return s
	}
	if len(targets) > 1 {
		p.fail("want \"=\", got %s", p.peek())
	}
	s := setBlock{to: targets[0], line: line}
	for p.takeOp("|") {
		s.filters = append(s.filters, p.filter(nil))
	}
	p.endTag()
	s.body, _ = p.body("endset")
	p.endTag()
	return s
}

func (p *parser) signature(m *macroStmt) {
	p.wantOp("(")
	for !p.takeOp(")") {
		if len(m.params) > 0 {
			p.wantOp(",")
			if p.takeOp(")") {
				return
			}
		}
		m.params = append(m.params, p.wantName())
		if p.takeOp("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			p.fail("a parameter without a default behind one that has it")
		}
	}
}

func (p *parser) macro(line int) stmt {
	m := macroStmt{name: p.wantName(), line: line}
	p.signature(&m)
	p.endTag()
	loops := p.loops
	p.loops = 0
	m.body, _ = p.body("endmacro")
	p.loops = loops
	p.endTag()
	return m
}

func (p *parser) callBlock(line int) stmt {
	s := callBlock{macro: macroStmt{name: "caller", line: line}, line: line}
	if p.isOp("(") {
		p.signature(&s.macro)
	}
	c, ok := p.expression().(call)
	if !ok {
		p.fail("{%% call %%} wants a call")
	}
	s.call = &c
	p.endTag()
	s.macro.body, _ = p.body("endcall")
	p.endTag()
	return s
}

func (p *parser) with() stmt {
	s := scopeStmt{scoped: true}
	for p.peek().kind != kindBlockEnd {
		if len(s.names) > 0 {
			p.wantOp(",")
		}
		s.names = append(s.names, p.wantName())
		p.wantOp("=")
		s.values = append(s.values, p.expression())
	}
	p.endTag()
	s.body, _ = p.body("endwith")
	p.endTag()
	return s
}

// tuple reads an expression, or several between commas.
func (p *parser) tuple() expr { return p.tupleOf(p.expression) }

func (p *parser) tupleOf(one func() expr) expr {
	first := one()
	if !p.isOp(",") {
		return first
	}
	items := []expr{first}
	for p.takeOp(",") {
		if t := p.peek(); t.kind == kindVarEnd || t.kind == kindBlockEnd || t.kind == kindOp && (t.text == ")" || t.text == "=") {
			break
		}
		items = append(items, one())
	}
	return tupExpr{items}
}

// expression reads one with an inline if.
func (p *parser) expression() expr {
	defer p.enter()()
	x := p.or()
	for p.takeName("if") {
		cond := p.or()
		var otherwise expr
		if p.takeName("else") {
			otherwise = p.expression()
		}
		x = inline{cond, x, otherwise}
	}
	return x
}

func (p *parser) or() expr {
	x := p.and()
	for p.isName("or") {
		line := p.next().line
		x = binary{"or", x, p.and(), line}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for p.isName("and") {
		line := p.next().line
		x = binary{"and", x, p.not(), line}
	}
	return x
}

func (p *parser) not() expr {
	if p.isName("not") {
		defer p.enter()()
		line := p.next().line
		return unary{"not", p.not(), line}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	c := compareExpr{first: p.sum(), line: p.peek().line}
	for {
		switch t := p.peek(); {
		case t.kind == kindOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			p.at++
			c.ops = append(c.ops, t.text)
		case p.takeName("in"):
			c.ops = append(c.ops, "in")
		case p.isName("not") && p.tokens[p.at+1].kind == kindName && p.tokens[p.at+1].text == "in":
			p.at += 2
			c.ops = append(c.ops, "not in")
		case len(c.ops) == 0:
			return c.first
		default:
			return c
		}
		c.rest = append(c.rest, p.sum())
	}
}

// chain reads operators of one strength, from left to right.
func (p *parser) chain(one func() expr, ops ...string) expr {
	x := one()
	for t := p.peek(); t.kind == kindOp && slices.Contains(ops, t.text); t = p.peek() {
		p.at++
		x = binary{t.text, x, one(), t.line}
	}
	return x
}

func (p *parser) sum() expr     { return p.chain(p.concat, "+", "-") }
func (p *parser) concat() expr  { return p.chain(p.product, "~") }
func (p *parser) product() expr { return p.chain(p.power, "*", "/", "//", "%") }
func (p *parser) power() expr   { return p.chain(func() expr { return p.unary(true) }, "**") }

func (p *parser) unary(filters bool) (x expr) {
	defer p.enter()()
	if t := p.peek(); p.isOp("-") || p.isOp("+") {
		p.at++
		x = unary{t.text, p.unary(false), t.line}
	} else {
		x = p.primary()
	}
	x = p.postfix(x)
	if filters {
		x = p.filters(x)
	}
	return x
}

var constants = map[string]any{"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil}

func (p *parser) primary() expr {
	t := p.next()
	switch t.kind {
	case kindName:
		if v, ok := constants[t.text]; ok {
			return literal{v}
		}
		return nameRef{t.text}
	case kindString:
		text := t.text
		for p.peek().kind == kindString {
			text += p.next().text
		}
		return literal{text}
	case kindInt:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			p.fail("%s is too large", t.text)
		}
		return literal{n}
	case kindFloat:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.fail("%s is too large", t.text)
		}
		return literal{n}
	case kindOp:
		switch t.text {
		case "(":
			if p.takeOp(")") {
				return tupExpr{}
			}
			x := p.tuple()
			p.wantOp(")")
			return x
		case "[":
			var l listExpr
			for !p.takeOp("]") {
				if len(l.items) > 0 {
					p.wantOp(",")
					if p.takeOp("]") {
						break
					}
				}
				l.items = append(l.items, p.expression())
			}
			return l
		case "{":
			return p.dict()
		}
	}
	p.at--
	if t.kind == kindEOF {
		p.at++
	}
	p.fail("want an expression, got %s", t)
	return nil
}

func (p *parser) dict() expr {
	var d dictExpr
	for !p.takeOp("}") {
		if len(d.keys) > 0 {
			p.wantOp(",")
			if p.takeOp("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.wantOp(":")
		d.values = append(d.values, p.expression())
	}
	return d
}

func (p *parser) postfix(x expr) expr {
	for {
		switch t := p.peek(); {
		case p.takeOp("."):
			n := p.next()
			if n.kind != kindName && n.kind != kindInt {
				p.at--
				p.fail("want a name, got %s", n)
			}
			if i, err := strconv.ParseInt(n.text, 10, 64); n.kind == kindInt && err == nil {
				x = index{x, literal{i}, t.line}
			} else {
				x = attr{x, n.text, t.line}
			}
		case p.takeOp("["):
			x = p.subscript(x, t.line)
		case p.takeOp("("):
			x = call{x, p.arguments(), t.line}
		default:
			return x
		}
	}
}

func (p *parser) subscript(x expr, line int) expr {
	var part [3]expr
	n, colon := 0, false
	for !p.isOp("]") {
		if p.takeOp(":") {
			colon = true
			if n++; n > 2 {
				p.fail("a slice has three parts at most")
			}
			continue
		}
		if part[n] != nil {
			p.fail("want ], got %s", p.peek())
		}
		part[n] = p.expression()
	}
	p.wantOp("]")
	if colon {
		return slice{x, part[0], part[1], part[2], line}
	}
	if part[0] == nil {
		p.fail("want a key between [ and ]")
	}
	return index{x, part[0], line}
}

// arguments reads those of a call, behind its bracket.
func (p *parser) arguments() (a arguments) {
	for first := true; !p.takeOp(")"); first = false {
		if !first {
			p.wantOp(",")
			if p.takeOp(")") {
				break
			}
		}
		if p.isOp("*") || p.isOp("**") {
			p.fail("unpacked arguments are not supported")
		}
		if p.peek().kind == kindName && p.tokens[p.at+1].kind == kindOp && p.tokens[p.at+1].text == "=" {
			a.names = append(a.names, p.next().text)
			p.at++
			a.named = append(a.named, p.expression())
			continue
		}
		if len(a.names) > 0 {
			p.fail("an argument without a name behind one that has it")
		}
		a.list = append(a.list, p.expression())
	}
	return a
}

// filters reads what stands behind an expression: filters, tests, calls.
func (p *parser) filters(x expr) expr {
	for {
		switch t := p.peek(); {
		case p.takeOp("|"):
			x = p.filter(x)
		case p.takeName("is"):
			x = p.test(x, t.line)
		case p.takeOp("("):
			x = call{x, p.arguments(), t.line}
		default:
			return x
		}
	}
}

func (p *parser) filter(x expr) filter {
	f := filter{x: x, line: p.peek().line, name: p.wantName()}
	if filterOf[f.name] == nil {
		p.at--
		p.fail("unknown filter %q", f.name)
	}
	if p.takeOp("(") {
		f.args = p.arguments()
	}
	return f
}

func (p *parser) test(x expr, line int) expr {
	negated := p.takeName("not")
	t := test{x: x, line: line}
	if n := p.peek(); n.kind == kindName {
		t.name = p.next().text
	} else {
		p.fail("want the name of a test, got %s", n)
	}
	if testOf[t.name] == nil {
		p.at--
		p.fail("unknown test %q", t.name)
	}
	switch n := p.peek(); {
	case p.takeOp("("):
		t.args = p.arguments()
	case n.kind == kindName && !slices.Contains([]string{"else", "or", "and", "is", "if", "in", "not"}, n.text),
		n.kind == kindString, n.kind == kindInt, n.kind == kindFloat, n.kind == kindOp && (n.text == "[" || n.text == "{"):
		t.args.list = []expr{p.postfix(p.primary())}
	}
	if negated {
		return unary{"not", t, line}
	}
	return t
}
