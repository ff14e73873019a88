package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aiperf/dataset"
)

// sequenceDistribution takes pairs of lengths in one of three notations.
func sequenceDistribution(at func(*Flags) *Opt[[]dataset.LengthPair]) Value {
	return Value{Metavar: "PAIRS", arity: takesOne, parse: func(f *Flags, as string, words []string) []fault {
		pairs, err := ParseSequenceDistribution(words[0])
		if err != nil {
			return one(err.Error(), words[0], "write ISL[|SPREAD],OSL[|SPREAD]:WEIGHT;…")
		}
		*at(f) = Opt[[]dataset.LengthPair]{pairs, true, as}
		return nil
	}}
}

// pairText is ISL[|SD],OSL[|SD], and number one with the weight behind it.
const pairText = `\s*(\d+)\s*(?:\|\s*(\d+(?:\.\d+)?|\.\d+)\s*)?,\s*(\d+)\s*(?:\|\s*(\d+(?:\.\d+)?|\.\d+)\s*)?`

var (
	semicolonPair = regexp.MustCompile(`^` + pairText + `:\s*(\d+(?:\.\d+)?|\.\d+)\s*$`)
	bracketPair   = regexp.MustCompile(`^\s*\(` + pairText + `\)\s*:\s*(\d+(?:\.\d+)?|\.\d+)\s*$`)
)

// ParseSequenceDistribution reads `ISL[|SD],OSL[|SD]:W;…`, `[(ISL[|SD],OSL[|SD]):W,…]` or
// `{"pairs":[{"isl":…,"isl_stddev":…,"osl":…,"osl_stddev":…,"prob":…}]}`. Weights are relative.
func ParseSequenceDistribution(s string) (pairs []dataset.LengthPair, err error) {
	trimmed := strings.TrimSpace(s)
	switch {
	case trimmed == "":
		return nil, errors.New("the sequence distribution is empty")
	case trimmed[0] == '{':
		pairs, err = jsonPairs(trimmed)
	case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
		pairs, err = textPairs(splitBrackets(trimmed[1:len(trimmed)-1]), bracketPair)
	default:
		pairs, err = textPairs(strings.Split(trimmed, ";"), semicolonPair)
	}
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, p := range pairs {
		sum += p.Weight
	}
	if len(pairs) == 0 {
		return nil, errors.New("the sequence distribution has no pair")
	}
	if sum <= 0 {
		return nil, errors.New("the weights add up to 0")
	}
	return pairs, nil
}

// splitBrackets splits at the commas between pairs.
func splitBrackets(s string) (out []string) {
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, s[from:i]), i+1
			}
		}
	}
	return append(out, s[from:])
}

func textPairs(segments []string, form *regexp.Regexp) (pairs []dataset.LengthPair, err error) {
	for _, segment := range segments {
		if strings.TrimSpace(segment) == "" && form == semicolonPair {
			continue
		}
		m := form.FindStringSubmatch(segment)
		if m == nil {
			return nil, fmt.Errorf("malformed pair %q", strings.TrimSpace(segment))
		}
		number := func(i int) float64 {
			v, _ := strconv.ParseFloat(m[i], 64) // the pattern lets numbers through alone; "" is 0
			return v
		}
		p, err := lengthPair(number(1), number(2), number(3), number(4), number(5))
		if err != nil {
			return nil, fmt.Errorf("pair %q: %w", strings.TrimSpace(segment), err)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

func lengthPair(isl, islStddev, osl, oslStddev, weight float64) (dataset.LengthPair, error) {
	for _, n := range []float64{isl, osl} {
		if n < 1 || n != float64(int64(n)) || n > 1<<31-1 {
			return dataset.LengthPair{}, fmt.Errorf("lengths must be whole numbers of at least 1, got %g", n)
		}
	}
	if islStddev < 0 || oslStddev < 0 || weight < 0 {
		return dataset.LengthPair{}, errors.New("spreads and weights must be at least 0")
	}
	return dataset.LengthPair{ISL: dataset.Normal(isl, islStddev), OSL: dataset.Normal(osl, oslStddev), Weight: weight}, nil
}

func jsonPairs(s string) (pairs []dataset.LengthPair, err error) {
	var doc struct {
		Pairs *[]struct {
			ISL       *float64 `json:"isl"`
			ISLStddev float64  `json:"isl_stddev"`
			OSL       *float64 `json:"osl"`
			OSLStddev float64  `json:"osl_stddev"`
			Prob      *float64 `json:"prob"`
		} `json:"pairs"`
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("no valid JSON of a sequence distribution: %w", err)
	}
	if dec.More() {
		return nil, errors.New("there is text after the JSON object")
	}
	if doc.Pairs == nil {
		return nil, errors.New(`the JSON object has no "pairs"`)
	}
	for i, p := range *doc.Pairs {
		var missing []string
		for _, k := range []struct {
			name  string
			value *float64
		}{{"isl", p.ISL}, {"osl", p.OSL}, {"prob", p.Prob}} {
			if k.value == nil {
				missing = append(missing, k.name)
			}
		}
		if missing != nil {
			return nil, fmt.Errorf("pair %d lacks %s", i, strings.Join(missing, ", "))
		}
		pair, err := lengthPair(*p.ISL, p.ISLStddev, *p.OSL, p.OSLStddev, *p.Prob)
		if err != nil {
			return nil, fmt.Errorf("pair %d: %w", i, err)
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// rangeRatio takes one ratio, or one for each direction. Its style is another flag.
func rangeRatio(at func(*Flags) *Opt[dataset.RangeRatio]) Value {
	return Value{Metavar: "RATIO", arity: takesOne, parse: func(f *Flags, as string, words []string) []fault {
		r, err := ParseRangeRatio(words[0])
		if err != nil {
			return one(err.Error(), words[0], `write 0.3, or {"input":0.3,"output":0.5}`)
		}
		*at(f) = Opt[dataset.RangeRatio]{r, true, as}
		return nil
	}}
}

// ParseRangeRatio reads a number, or an object with input and output.
func ParseRangeRatio(s string) (r dataset.RangeRatio, err error) {
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "{") {
		var both struct{ Input, Output *float64 }
		dec := json.NewDecoder(strings.NewReader(s))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&both); err != nil {
			return r, fmt.Errorf("no valid JSON of a range ratio: %w", err)
		}
		if both.Input == nil || both.Output == nil {
			return r, errors.New(`the JSON object needs "input" and "output"`)
		}
		return dataset.RangeRatio{Input: *both.Input, Output: *both.Output}, nil
	}
	v, faults := readFloat(s)
	if faults != nil {
		return r, errors.New(faults[0].reason)
	}
	return dataset.RangeRatio{Input: v, Output: v}, nil
}
