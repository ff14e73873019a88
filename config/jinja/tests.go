package jinja

import (
	"strings"
	"unicode"
)

type testFunc = func(e *evaluator, v any, a values) bool

// testOf has every test by its name.
var testOf map[string]testFunc

func init() {
	holds := func(op string) testFunc {
		return func(e *evaluator, v any, a values) bool { return e.holds(op, v, e.argument("the test", a, absent{})) }
	}
	testOf = map[string]testFunc{
		"defined": func(_ *evaluator, v any, _ values) bool { _, is := v.(undefined); return !is }, "undefined": kindOf("Undefined"),
		"none": kindOf("NoneType"), "boolean": kindOf("bool"), "integer": kindOf("int"), "float": kindOf("float"), "string": kindOf("str"), "mapping": kindOf("dict"),
		"number":   func(_ *evaluator, v any, _ values) bool { _, _, _, ok := number(v); return ok },
		"true":     func(_ *evaluator, v any, _ values) bool { return v == true },
		"false":    func(_ *evaluator, v any, _ values) bool { return v == false },
		"iterable": iterable, "sequence": sequence,
		"callable": kindOf("function"),
		"even":     func(e *evaluator, v any, _ values) bool { return e.wantInt("even", v)%2 == 0 },
		"odd":      func(e *evaluator, v any, _ values) bool { return e.wantInt("odd", v)%2 != 0 },
		"divisibleby": func(e *evaluator, v any, a values) bool {
			n := e.wantInt("divisibleby", e.argument("divisibleby", a, absent{}))
			if n == 0 {
				e.fail("division by zero")
			}
			return e.wantInt("divisibleby", v)%n == 0
		},
		"lower": func(_ *evaluator, v any, _ values) bool { return cased(text(v), unicode.IsUpper) },
		"upper": func(_ *evaluator, v any, _ values) bool { return cased(text(v), unicode.IsLower) },
		"eq":    holds("=="), "equalto": holds("=="), "==": holds("=="), "ne": holds("!="), "!=": holds("!="),
		"lt": holds("<"), "lessthan": holds("<"), "le": holds("<="), "gt": holds(">"), "greaterthan": holds(">"), "ge": holds(">="), "in": holds("in"),
		"<": holds("<"), "<=": holds("<="), ">": holds(">"), ">=": holds(">="),
		"sameas": func(e *evaluator, v any, a values) bool {
			w := e.argument("sameas", a, absent{})
			return typeName(v) == typeName(w) && equal(v, w)
		},
	}
}

func kindOf(name string) testFunc {
	return func(_ *evaluator, v any, _ values) bool { return typeName(v) == name }
}

func iterable(_ *evaluator, v any, _ values) bool {
	switch v.(type) {
	case string, List, Tuple, *Dict, undefined:
		return true
	}
	return false
}

func sequence(e *evaluator, v any, a values) bool { return iterable(e, v, a) }

// cased tells whether a text has letters and none of the other case.
func cased(s string, other func(rune) bool) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) }) >= 0 && strings.IndexFunc(s, other) < 0
}
