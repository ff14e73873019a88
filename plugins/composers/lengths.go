package composers

import (
	"math/rand/v2"

	"aiperf/dataset"
)

// lengths are the random streams of a conversation's lengths. Each way to give lengths
// has streams of its own, so that one option does not shift the chance of another.
type lengths struct {
	c                  *Config
	isl, osl           *rand.Rand
	pairs, ratio       *rand.Rand
	inRange, outRange  dataset.IntRange
	fromPairs, inRatio bool
}

func (s *Synthetic) lengths(i int) *lengths {
	p, seeds := &s.c.Dataset.Prompts, s.c.Seeds
	l := &lengths{c: &s.c, fromPairs: len(p.SequenceDistribution) > 0, inRatio: p.RangeRatio != nil}
	switch {
	case l.fromPairs:
		l.pairs = seeds.Item(streamPairs, i)
	case l.inRatio:
		l.ratio = seeds.Item(streamRatio, i)
		l.inRange, l.outRange = s.inRange, s.outRange
	default:
		l.isl, l.osl = seeds.Item(streamLength, i), seeds.Item(streamMaxTokens, i)
	}
	return l
}

// next draws the lengths of a turn; osl 0 leaves the output to the model.
func (l *lengths) next() (isl, osl int) {
	p := &l.c.Dataset.Prompts
	switch {
	case l.fromPairs:
		pair := dataset.PickPair(l.pairs, p.SequenceDistribution)
		return pair.ISL.Int(l.pairs), pair.OSL.Int(l.pairs)
	case l.inRatio:
		isl = l.inRange.Draw(l.ratio)
		if p.RangeRatio.Style == dataset.StyleSGLang {
			isl -= l.c.SpecialTokens
		}
		return max(1, isl), l.outRange.Draw(l.ratio)
	}
	if p.ISL.Enabled() {
		isl = max(1, p.ISL.Int(l.isl)-l.c.SpecialTokens)
	}
	if p.OSL.Enabled() {
		osl = p.OSL.Int(l.osl)
	}
	return isl, osl
}
