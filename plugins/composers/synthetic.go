package composers

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("dataset_composer", "aiperf.composers:Synthetic", Constructor(NewSynthetic))
}

// Names of the random streams. Each conversation has its own item of each.
const (
	streamLength    = "dataset.prompt.length"
	streamText      = "dataset.prompt.corpus"
	streamPrefix    = "dataset.prompt.prefix"
	streamSystem    = "dataset.prompt.prefix.system"
	streamContext   = "dataset.prompt.prefix.context"
	streamChoice    = "dataset.prompt.prefix.choice"
	streamPairs     = "models.sequence.distribution"
	streamRatio     = "models.range_ratio.distribution"
	streamTurns     = "composer.conversation.turn_count"
	streamDelay     = "composer.conversation.turn_delay"
	streamMaxTokens = "composer.turn.max_tokens"
	streamModel     = "composer.turn.model_selection"
)

// Synthetic makes conversations of given shape out of generated contents.
type Synthetic struct {
	c Config
	// firstTurn is the number of turns before each conversation, and of all: models
	// and media are dealt out turn by turn over the whole dataset.
	firstTurn         []int
	prefixes          prefixes
	inRange, outRange dataset.IntRange // with a range ratio
}

// NewSynthetic draws the number of turns of each conversation, and makes the prefixes.
func NewSynthetic(c Config) (Composer, error) {
	d := &c.Dataset
	if err := check(&c); err != nil {
		return nil, err
	}
	s := &Synthetic{c: c, firstTurn: make([]int, d.Entries+1)}
	if r := d.Prompts.RangeRatio; r != nil {
		s.inRange = r.InputRange(int(d.Prompts.ISL.Expected()), c.SpecialTokens)
		s.outRange = r.OutputRange(int(d.Prompts.OSL.Expected()))
		if least := s.inRange.Low + d.PrefixPrompts.Length; least < 1 {
			return nil, fmt.Errorf("random range ratio %g: prompts of %g tokens, of which the tokenizer adds %d, behind a prefix of %d could have %d; lower the ratio or raise the length",
				r.Input, d.Prompts.ISL.Expected(), c.SpecialTokens, d.PrefixPrompts.Length, least)
		}
	}
	for i := range d.Entries {
		var rng *rand.Rand
		if d.Turns.Stddev > 0 || d.Turns.Shape != dataset.ShapeNormal {
			rng = c.Seeds.Item(streamTurns, i)
		}
		s.firstTurn[i+1] = s.firstTurn[i] + d.Turns.Int(rng)
	}
	s.prefixes = newPrefixes(&c)
	return s, nil
}

func check(c *Config) error {
	d := &c.Dataset
	var errs []error
	if d.Entries < 1 {
		errs = append(errs, fmt.Errorf("entries: want at least 1, got %d", d.Entries))
	}
	texts := d.Prompts.HaveText() && c.Prompts != nil
	if !texts && c.Images == nil && c.Sounds == nil {
		errs = append(errs, errors.New("nothing to send: a synthetic turn needs a text, a picture or a sound; raise --isl, --image-batch-size or --audio-batch-size above 0"))
	}
	if c.Prompts == nil && d.PrefixPrompts.Any() {
		errs = append(errs, errors.New("prefix prompts: there is no generator of texts"))
	}
	if d.Turns.Expected() < 1 {
		errs = append(errs, fmt.Errorf("turns: want at least 1 on average, got %g", d.Turns.Expected()))
	}
	if len(c.Models.Names) == 0 {
		errs = append(errs, errors.New("models: want at least one name"))
	}
	return errors.Join(errs...)
}

// Len is the number of conversations.
func (s *Synthetic) Len() int { return len(s.firstTurn) - 1 }

// Turns is the number of turns of conversation i.
func (s *Synthetic) Turns(i int) int { return s.firstTurn[i+1] - s.firstTurn[i] }

// Compose makes conversation i.
func (s *Synthetic) Compose(i int) (dataset.Conversation, error) {
	d, seeds := &s.c.Dataset, s.c.Seeds
	l, model, delay := s.lengths(i), seeds.Item(streamModel, i), seeds.Item(streamDelay, i)
	text, choice := seeds.Item(streamText, i), seeds.Item(streamChoice, i)
	c := dataset.Conversation{SessionID: s.c.sessionID(i), SystemMessage: s.prefixes.system, Turns: make([]dataset.Turn, s.Turns(i))}
	if n := s.prefixes.contextLength; n > 0 {
		c.UserContextMessage = s.c.Prompts.Text(seeds.Item(streamContext, i), n)
	}
	for k := range c.Turns {
		t := &c.Turns[k]
		isl, osl := l.next()
		t.MaxTokens = osl
		if isl > 0 && s.c.Prompts != nil {
			t.Texts = []dataset.Media{{Name: "text", Contents: s.texts(text, choice, k == 0, s.withoutTemplate(isl, k == 0))}}
		}
		if err := s.media(t, s.firstTurn[i]+k); err != nil {
			return c, err
		}
		if k > 0 && d.TurnDelayMS.Enabled() {
			t.DelayMS = d.TurnDelayMS.Sample(delay) * d.TurnDelayRatio
		}
		t.Model = s.c.Models.Pick(s.firstTurn[i]+k, model)
	}
	return c, nil
}

// withoutTemplate is what of a prompt's length is left for its text beside the model's chat
// template: the first turn bears what a conversation costs.
func (s *Synthetic) withoutTemplate(isl int, first bool) int {
	added := s.c.MessageTokens
	if first {
		added += s.c.FixedTokens
	}
	least := 1
	if first && len(s.prefixes.pool) > 0 {
		least = 0 // the prefix is text enough
	}
	return max(min(least, isl), isl-added)
}

// texts are the prompts of one turn: a client-side batch shares one length. The first turn
// begins with a prefix, if there are any.
func (s *Synthetic) texts(rng, choice *rand.Rand, first bool, isl int) []string {
	contents := make([]string, max(1, s.c.Dataset.Prompts.BatchSize))
	for i := range contents {
		var prefix []int
		if first {
			prefix = s.prefixes.pick(choice)
		}
		contents[i] = s.c.Prompts.TextAfter(rng, prefix, isl)
	}
	return contents
}

// media adds the pictures and sounds of the number-th turn of the dataset.
func (s *Synthetic) media(t *dataset.Turn, number int) (err error) {
	if n := s.c.Dataset.Images.BatchSize; s.c.Images != nil && n > 0 {
		pictures := make([]string, n)
		for i := range pictures {
			if pictures[i], err = s.c.Images.Image(number*n + i); err != nil {
				return err
			}
		}
		t.Images = []dataset.Media{{Name: "image_url", Contents: pictures}}
	}
	if n := s.c.Dataset.Audio.BatchSize; s.c.Sounds != nil && n > 0 {
		sounds := make([]string, n)
		for i := range sounds {
			seconds := 0.0
			if sounds[i], seconds = s.c.Sounds.Sound(number*n + i); i == 0 {
				t.AudioDurationSec = seconds
			}
		}
		t.Audios = []dataset.Media{{Name: "input_audio", Contents: sounds}}
	}
	return nil
}
