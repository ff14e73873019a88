package composers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("dataset_composer", "aiperf.composers:Synthetic", Constructor(NewSynthetic))
}

// Names of the random streams. Each conversation has its own item of each.
const (
	streamLength    = "dataset.prompt.length"
	streamTurns     = "composer.conversation.turn_count"
	streamDelay     = "composer.conversation.turn_delay"
	streamMaxTokens = "composer.turn.max_tokens"
	streamModel     = "composer.turn.model_selection"
	streamSessionID = "composer.conversation.session_id"
)

// Synthetic makes conversations of given shape out of generated text.
type Synthetic struct {
	c Config
	// firstTurn is the number of turns before each conversation, and of all: models
	// are dealt out turn by turn over the whole dataset.
	firstTurn []int
	islMean   float64
}

// NewSynthetic draws the number of turns of each conversation.
func NewSynthetic(c Config) (Composer, error) {
	d := c.Dataset
	if err := check(c); err != nil {
		return nil, err
	}
	s := &Synthetic{c: c, firstTurn: make([]int, d.Entries+1), islMean: max(0, d.ISLMean-float64(c.SpecialTokens))}
	for i := range d.Entries {
		turns := positiveInt(nil, d.TurnsMean, 0)
		if d.TurnsStddev > 0 {
			turns = positiveInt(c.Seeds.Item(streamTurns, i), d.TurnsMean, d.TurnsStddev)
		}
		s.firstTurn[i+1] = s.firstTurn[i] + turns
	}
	return s, nil
}

func check(c Config) error {
	d := c.Dataset
	var errs []error
	if d.Entries < 1 {
		errs = append(errs, fmt.Errorf("entries: want at least 1, got %d", d.Entries))
	}
	if d.ISLMean <= 0 || c.Prompts == nil {
		errs = append(errs, errors.New("nothing to send: a synthetic turn needs a text; raise --isl above 0"))
	}
	if d.TurnsMean < 1 {
		errs = append(errs, fmt.Errorf("turns: want a mean of at least 1, got %g", d.TurnsMean))
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
func (s *Synthetic) Compose(i int) dataset.Conversation {
	d, seeds := s.c.Dataset, s.c.Seeds
	length, delay := seeds.Item(streamLength, i), seeds.Item(streamDelay, i)
	maxTokens, model := seeds.Item(streamMaxTokens, i), seeds.Item(streamModel, i)
	c := dataset.Conversation{SessionID: s.sessionID(i), Turns: make([]dataset.Turn, s.Turns(i))}
	for k := range c.Turns {
		t := &c.Turns[k]
		t.Texts = []dataset.Media{{Name: "text", Contents: s.texts(length)}}
		if k > 0 && d.TurnDelayMeanMS > 0 {
			t.DelayMS = positiveNormal(delay, d.TurnDelayMeanMS, d.TurnDelayStddevMS) * d.TurnDelayRatio
		}
		t.Model = s.model(s.firstTurn[i]+k, model)
		if d.OSLMean > 0 {
			t.MaxTokens = positiveInt(maxTokens, d.OSLMean, d.OSLStddev)
		}
	}
	return c
}

// texts are the prompts of one turn: a client-side batch shares one length.
func (s *Synthetic) texts(rng *rand.Rand) []string {
	n := positiveInt(rng, s.islMean, s.c.Dataset.ISLStddev)
	contents := make([]string, max(1, s.c.Dataset.BatchSize))
	for i := range contents {
		contents[i] = s.c.Prompts.Text(rng, n)
	}
	return contents
}

// model deals out the models in turn, or draws one.
func (s *Synthetic) model(turnNumber int, rng *rand.Rand) string {
	names := s.c.Models.Names
	if s.c.Models.Strategy == "random" {
		return names[rng.IntN(len(names))]
	}
	return names[turnNumber%len(names)]
}

// sessionID is a number for a seeded run, else a random UUID.
func (s *Synthetic) sessionID(i int) string {
	if s.c.Seeded {
		return fmt.Sprintf("session_%06d", i)
	}
	rng := s.c.Seeds.Item(streamSessionID, i)
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, RFC variant
	return id.String()
}
