package config

import (
	"math"
	"strconv"
	"strings"

	"aiperf/plugins"
)

// span is the range of a number. The zero span has no limits.
type span struct {
	min, max         float64
	hasMin, hasMax   bool
	minOpen, maxOpen bool // the limit itself is outside
}

func from(min float64) span        { return span{min: min, hasMin: true} }
func above(min float64) span       { return span{min: min, hasMin: true, minOpen: true} }
func within(min, max float64) span { return span{min: min, max: max, hasMin: true, hasMax: true} }

// String is the range as help prints it.
func (s span) String() string {
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch {
	case s.hasMin && s.hasMax:
		return n(s.min) + "–" + n(s.max)
	case s.hasMin && s.minOpen:
		return "> " + n(s.min)
	case s.hasMin:
		return "≥ " + n(s.min)
	}
	return ""
}

// check says what is wrong with v, or nothing.
func (s span) check(v float64) string {
	low := s.hasMin && (v < s.min || s.minOpen && v == s.min)
	high := s.hasMax && (v > s.max || s.maxOpen && v == s.max)
	if !low && !high {
		return ""
	}
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch {
	case s.hasMin && s.hasMax:
		return "must be between " + n(s.min) + " and " + n(s.max)
	case s.minOpen:
		return "must be above " + n(s.min)
	default:
		return "must be at least " + n(s.min)
	}
}

// number is what the numeric constructors share: one word, or a comma list that is
// a scalar when a single item is left.
func number[T int | uint64 | float64](at func(*Flags) *Opt[T], metavar string, r span, list bool, read func(string) (T, []fault)) Value {
	return Value{Metavar: metavar, Range: r.String(), arity: takesOne, parse: func(f *Flags, as string, words []string) []fault {
		text := words[0]
		if strings.Contains(text, ",") && list {
			var faults []fault
			if text, faults = onlyItem(text); faults != nil {
				return faults
			}
		}
		v, faults := read(text)
		if faults != nil {
			return faults
		}
		if reason := r.check(float64(v)); reason != "" {
			return one(reason, text, "")
		}
		*at(f) = Opt[T]{v, true, as}
		return nil
	}}
}

// onlyItem is the single item of a comma list. Two or more would be a sweep.
func onlyItem(list string) (string, []fault) {
	var items []string
	for _, item := range strings.Split(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return "", one("a list of values makes a sweep, which is not supported by this version", list, "give one value, or start one run for each")
}

// integer takes a sign and digits only.
func integer(at func(*Flags) *Opt[int], r span) Value { return number(at, "INT", r, false, readInt) }

// integers is integer for flags that AIPerf also takes a list for.
func integers(at func(*Flags) *Opt[int], r span) Value { return number(at, "INT", r, true, readInt) }

func readInt(s string) (int, []fault) {
	v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil {
		if numErr, ok := err.(*strconv.NumError); ok && numErr.Err == strconv.ErrRange {
			return 0, one("too large a number", s, "")
		}
		return 0, one("expected integer", s, "")
	}
	return int(v), nil
}

// seed takes a number from 0 to 2⁶⁴−1.
func seed(at func(*Flags) *Opt[uint64]) Value {
	return number(at, "INT", from(0), false, func(s string) (uint64, []fault) {
		v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(s), "+"), 10, 64)
		if err != nil {
			if strings.HasPrefix(s, "-") {
				return 0, one("must be at least 0", s, "")
			}
			return 0, one("expected integer", s, "")
		}
		return v, nil
	})
}

// decimal takes a finite number, with or without an exponent.
func decimal(at func(*Flags) *Opt[float64], r span) Value {
	return number(at, "FLOAT", r, false, readFloat)
}

// decimals is decimal for flags that AIPerf also takes a list for.
func decimals(at func(*Flags) *Opt[float64], r span) Value {
	return number(at, "FLOAT", r, true, readFloat)
}

func readFloat(s string) (float64, []fault) {
	low := strings.ToLower(strings.TrimSpace(s))
	v, err := strconv.ParseFloat(low, 64)
	if err != nil || strings.ContainsAny(low, "xp_") || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, one("expected finite number", s, "")
	}
	return v, nil
}

// What a time may be, so that it can be counted in nanoseconds.
const (
	shortestSec = 1e-6
	longestSec  = 1e9 // 31 years
)

// duration takes seconds, or a number with units such as 90s, 2m or 1h30m.
func duration(at func(*Flags) *Opt[float64], r span, list, infinite bool) Value {
	return number(at, "SECONDS", r, list, func(s string) (float64, []fault) {
		v, err := ParseDuration(s)
		switch {
		case err != nil:
			return 0, one(err.Error(), s, "")
		case math.IsInf(v, 0) && !infinite:
			return 0, one("expected finite number", s, "")
		case v > 0 && v < shortestSec:
			return 0, one("too short a time", s, "")
		case v > longestSec && !math.IsInf(v, 0):
			return 0, one("too long a time", s, "")
		}
		return v, nil
	})
}

// toggle is a switch.
func toggle(at func(*Flags) *Opt[bool]) Value {
	return Value{arity: takesNone, parse: func(f *Flags, as string, words []string) []fault {
		v := true
		if len(words) > 0 {
			switch strings.ToLower(words[0]) {
			case "true":
			case "false":
				v = false
			default:
				return one("expected true or false", words[0], "")
			}
		}
		*at(f) = Opt[bool]{v, true, as}
		return nil
	}}
}

// text takes one word as it is.
func text(at func(*Flags) *Opt[string], metavar string) Value {
	return Value{Metavar: metavar, arity: takesOne, parse: func(f *Flags, as string, words []string) []fault {
		if strings.TrimSpace(words[0]) == "" {
			return one("must not be empty", "", "")
		}
		*at(f) = Opt[string]{words[0], true, as}
		return nil
	}}
}

// choice takes one of fixed names; case, dashes and underscores do not count.
func choice(at func(*Flags) *Opt[string], names ...string) Value {
	v := Value{Metavar: "NAME", Choices: names, arity: takesOne}
	v.parse = func(f *Flags, as string, words []string) []fault {
		for _, name := range names {
			if plugins.Normal(name) == plugins.Normal(words[0]) {
				*at(f) = Opt[string]{name, true, as}
				return nil
			}
		}
		return one("no such choice", words[0], "there are: "+strings.Join(names, ", "))
	}
	return v
}

// plugin takes the name of a plugin of a category. Whether there is one is checked
// when the registry is known.
func plugin(at func(*Flags) *Opt[string], category string) Value {
	return Value{Metavar: "NAME", Category: category, arity: takesOne, name: at, parse: func(f *Flags, as string, words []string) []fault {
		*at(f) = Opt[string]{plugins.Normal(words[0]), true, as}
		return nil
	}}
}

// later adds names that AIPerf accepts and this version does not, so that the message
// can say which of the two it is.
func (v Value) later(names ...string) Value {
	v.Later = names
	inner := v.parse
	v.parse = func(f *Flags, as string, words []string) []fault {
		for _, name := range names {
			if plugins.Normal(name) == plugins.Normal(words[0]) {
				hint := "`aiperf plugins " + v.Category + "` lists what there is"
				if len(v.Choices) > 0 {
					hint = "there are: " + strings.Join(v.Choices, ", ")
				}
				return one("not supported by this version", words[0], hint)
			}
		}
		return inner(f, as, words)
	}
	return v
}

// reserved refuses one more name, which exists but is not for users to give.
func (v Value) reserved(name, reason, hint string) Value {
	inner := v.parse
	v.parse = func(f *Flags, as string, words []string) []fault {
		if plugins.Normal(name) == plugins.Normal(words[0]) {
			return one(name+" "+reason, "", hint)
		}
		return inner(f, as, words)
	}
	return v
}

// secret marks a value that is never shown.
func (v Value) secret() Value {
	v.redact = func(string) string { return Redacted }
	return v
}

// url marks a value that is shown without the credentials inside it.
func (v Value) url() Value {
	v.redact = RedactURL
	return v
}

// list takes comma lists; an empty item is an error.
func list(at func(*Flags) *Opt[[]string], metavar string, takes arity) Value {
	return Value{Metavar: metavar, arity: takes, parse: func(f *Flags, as string, words []string) []fault {
		o := at(f)
		if !o.Set {
			*o = Opt[[]string]{[]string{}, true, as}
		}
		for _, word := range words {
			for _, item := range strings.Split(word, ",") {
				if item = strings.TrimSpace(item); item == "" {
					return one("an item of the list is empty", RedactURL(word), "")
				}
				o.Value = append(o.Value, item)
			}
		}
		return nil
	}}
}
