package loaders

import (
	"fmt"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
)

// maxRounds bounds the turns of a coordinator.
const maxRounds = 1 << 16

var dagRoundKeys = set("spawns", "think_time_ms")

// coordinator reads a conversation that sends nothing itself: a list of children, once or
// for a number of rounds, or rounds with children of their own.
func (d *dagReader) coordinator(c *dataset.Conversation, f fields) {
	if f.has("turns") || f.has("pre_session_spawns") {
		d.say("", "an orchestrator has no 'turns' and no 'pre_session_spawns'")
	}
	c.Coordinator = &dataset.Coordinator{}
	rounds := d.rounds(f)
	for i, round := range rounds {
		b := dataset.Branch{ID: fmt.Sprintf("%s:%d", c.SessionID, i), Mode: dataset.BranchSpawn, Children: round.children, Turn: i, JoinAt: i + 1}
		c.Branches = append(c.Branches, b)
		c.Coordinator.ThinkMS = append(c.Coordinator.ThinkMS, round.thinkMS)
	}
	c.Turns = make([]dataset.Turn, len(rounds)+1)
	d.spread(c.Coordinator, f)
}

// dagRound is what a coordinator starts at once, after a pause.
type dagRound struct {
	children []string
	thinkMS  float64
}

func (d *dagReader) rounds(f fields) (out []dagRound) {
	spawns := d.names(f["spawns"], "spawns")
	think := d.number(f, "", "think_time_ms", false, 0)
	v, several := f["rounds"]
	switch {
	case !several && len(spawns) == 0:
		d.say("spawns", "required: an orchestrator needs at least one session to start, or a list of 'rounds'")
	case !several:
		for _, key := range []string{"think_time_ms", "think_time_sigma", "think_time_min_ms", "think_time_max_ms"} {
			if f.has(key) {
				d.say(key, "needs 'rounds'")
			}
		}
		return []dagRound{{children: spawns}}
	case v.IsArray():
		return d.roundList(f, v, think)
	case len(spawns) == 0:
		d.say("spawns", "required: want at least one session id beside a number of 'rounds'")
	default:
		n := d.number(f, "", "rounds", true, 1)
		if n > maxRounds {
			d.say("rounds", "must be at most %d (got %s)", maxRounds, v.Raw)
		}
		for range min(int(n), maxRounds) {
			out = append(out, dagRound{spawns, think})
		}
	}
	return out
}

// roundList reads rounds that differ. A pause of a round wins over that of all.
func (d *dagReader) roundList(f fields, v gjson.Result, think float64) (out []dagRound) {
	if f.has("spawns") {
		d.say("spawns", "has no place beside a list of 'rounds', each of which has its own")
	}
	first := map[string]int{}
	v.ForEach(func(_, item gjson.Result) bool {
		i := len(out)
		where := at("rounds", i)
		round := dagRound{thinkMS: think}
		if !item.IsObject() {
			d.say(where, "want an object {spawns, think_time_ms}, got %s", kindName(item))
		}
		r := d.fields(item, where, dagRoundKeys)
		round.children = d.names(r["spawns"], join(where, "spawns"))
		if len(round.children) == 0 {
			d.say(join(where, "spawns"), "required: want at least one session id")
		}
		for _, child := range round.children {
			if k, taken := first[child]; taken && k != i {
				d.say(join(where, "spawns"), "'%s' is in round %d already; each child may be in one round only", child, k)
			}
			first[child] = i
		}
		if r.has("think_time_ms") {
			round.thinkMS = d.number(r, where, "think_time_ms", false, 0)
		}
		out = append(out, round)
		return len(out) < maxRounds
	})
	if len(out) == 0 {
		d.say("rounds", "must not be empty")
	}
	return out
}

// spread reads how far pauses differ by chance.
func (d *dagReader) spread(c *dataset.Coordinator, f fields) {
	if !f.has("think_time_sigma") {
		for _, key := range []string{"think_time_min_ms", "think_time_max_ms"} {
			if f.has(key) {
				d.say(key, "needs 'think_time_sigma'")
			}
		}
		return
	}
	if !f.has("think_time_ms") {
		d.say("think_time_sigma", "needs 'think_time_ms', the median that it spreads")
	}
	c.Sigma = d.number(f, "", "think_time_sigma", false, 0)
	if !d.bad && (c.Sigma <= 0 || c.Sigma > 10) {
		d.say("think_time_sigma", "must be above 0 and at most 10 (got %s)", f["think_time_sigma"].Raw)
	}
	limit := func(key string) *float64 {
		if !f.has(key) {
			return nil
		}
		ms := d.number(f, "", key, false, 0)
		return &ms
	}
	c.MinMS, c.MaxMS = limit("think_time_min_ms"), limit("think_time_max_ms")
	if c.MinMS != nil && c.MaxMS != nil && *c.MinMS > *c.MaxMS {
		d.say("think_time_min_ms", "must not be above think_time_max_ms (%g > %g)", *c.MinMS, *c.MaxMS)
	}
}
