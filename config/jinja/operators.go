package jinja

import (
	"math"
	"strings"
)

func (e *evaluator) unary(x unary) any {
	v := e.eval(x.x)
	if x.op == "not" {
		return !truth(v)
	}
	f, i, whole, ok := number(v)
	switch {
	case !ok:
		e.mixture(x.op, v)
	case whole && x.op == "-":
		return -i
	case whole:
		return i
	case x.op == "-":
		return -f
	}
	return f
}

func (e *evaluator) mixture(op string, of ...any) {
	names := make([]string, len(of))
	for i, v := range of {
		if u, ok := v.(undefined); ok {
			e.missing(u)
		}
		names[i] = typeName(v)
	}
	e.fail("%s does not go with %s", op, strings.Join(names, " and "))
}

func (e *evaluator) binary(x *binary) any {
	e.step()
	a := e.eval(x.a)
	switch {
	case x.op == "or" && truth(a), x.op == "and" && !truth(a):
		return a
	}
	b := e.eval(x.b)
	e.line = x.line
	switch x.op {
	case "or", "and":
		return b
	case "~":
		s := text(a) + text(b)
		e.made(len(s))
		return s
	}
	return e.arithmetic(x.op, a, b)
}

func (e *evaluator) arithmetic(op string, a, b any) any {
	if v, ok := e.sequences(op, a, b); ok {
		return v
	}
	fa, ia, wa, okA := number(a)
	fb, ib, wb, okB := number(b)
	if !okA || !okB {
		e.mixture(op, a, b)
	}
	if (op == "/" || op == "//" || op == "%") && fb == 0 {
		e.fail("division by zero")
	}
	if wa && wb && op != "/" && (op != "**" || ib >= 0) {
		return e.integers(op, ia, ib)
	}
	var f float64
	switch op {
	case "+":
		f = fa + fb
	case "-":
		f = fa - fb
	case "*":
		f = fa * fb
	case "/":
		f = fa / fb
	case "//":
		f = math.Floor(fa / fb)
	case "%":
		if f = math.Mod(fa, fb); f != 0 && f < 0 != (fb < 0) {
			f += fb
		}
	case "**":
		f = math.Pow(fa, fb)
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		e.fail("%s of %s and %s is no finite number", op, repr(a), repr(b))
	}
	return f
}

// sequences joins and repeats texts and lists.
func (e *evaluator) sequences(op string, a, b any) (any, bool) {
	if _, ok := a.(int64); ok && op == "*" {
		a, b = b, a
	}
	n, times := b.(int64)
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok && op == "+" {
			e.made(len(x) + len(y))
			return x + y, true
		}
		if times && op == "*" {
			e.repeat(len(x), n)
			return strings.Repeat(x, int(max(0, n))), true
		}
		if op == "%" {
			return e.percent(x, b), true
		}
	case List:
		if y, ok := b.(List); ok && op == "+" {
			e.made(len(x) + len(y))
			return e.weighed(append(append(List{}, x...), y...)), true
		}
		if times && op == "*" {
			e.repeat(len(x), n)
			out := List{}
			for range n {
				out = append(out, x...)
			}
			return e.weighed(out), true
		}
	case Tuple:
		if y, ok := b.(Tuple); ok && op == "+" {
			e.made(len(x) + len(y))
			return e.weighed(append(append(Tuple{}, x...), y...)), true
		}
	}
	return nil, false
}

func (e *evaluator) repeat(size int, n int64) {
	if n > 0 && size > 0 {
		e.made(size * int(min(n, int64(e.o.Output)+1)))
	}
}

func (e *evaluator) integers(op string, a, b int64) any {
	over := func() { e.fail("%s of %d and %d is too large", op, a, b) }
	switch op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c
		}
		over()
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c
		}
		over()
	case "*":
		c := a * b
		if a != 0 && (c/a != b || a == -1 && b == math.MinInt64) {
			over()
		}
		return c
	case "//":
		q := a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			q--
		}
		return q
	case "%":
		m := a % b
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m
	}
	out := int64(1)
	for range min(b, 64) {
		if out != 0 && (out*a)/out != a {
			over()
		}
		out *= a
	}
	if b > 64 && a != 0 && a != 1 && a != -1 {
		over()
	}
	if b > 64 && a == -1 && b%2 != 0 {
		return int64(-1)
	}
	return out
}

func (e *evaluator) compare(x *compareExpr) any {
	a := e.eval(x.first)
	for i, op := range x.ops {
		e.step()
		b := e.eval(x.rest[i])
		e.line = x.line
		if !e.holds(op, a, b) {
			return false
		}
		a = b
	}
	return true
}

func (e *evaluator) holds(op string, a, b any) bool {
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	case "in":
		return e.contains(b, a)
	case "not in":
		return !e.contains(b, a)
	}
	n, ok := order(a, b)
	if !ok {
		e.mixture(op, a, b)
	}
	switch op {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

func (e *evaluator) contains(in, v any) bool {
	switch in := in.(type) {
	case string:
		s, ok := v.(string)
		if !ok {
			e.mixture("in", v, in)
		}
		return strings.Contains(in, s)
	case *Dict:
		_, ok := in.Get(v)
		return ok
	case undefined:
		if e.o.Strict {
			e.missing(in)
		}
		return false
	}
	list, ok := items(in)
	if !ok {
		e.mixture("in", v, in)
	}
	e.steps -= len(list)
	for _, item := range list {
		if equal(item, v) {
			return true
		}
	}
	return false
}
