package dataset

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/composers"
	"aiperf/plugins/endpoints"
)

// builder makes a dataset: composing and rendering run on all cores, writing follows
// in order on the caller's goroutine. What it holds in memory is bounded by the
// chunks under way.
type builder struct {
	dir         string // of the dataset's files
	artifactDir string // of inputs.json; "" = none
	composer    composers.Composer
	failure     func() error // of the tokenizer that measures texts
	close       func()       // of what the composer reads; nil: nothing
	endpoint    endpoints.Endpoint
	model       string
	prepared    bool                        // bodies go into the store, else documents
	progress    func(done, total int)       // called after every chunk; nil = nobody
	visit       func(c *store.Conversation) // sees every conversation, in order; nil = nobody
	warn        func(msg string, args ...any)
	order       []int32           // in which conversations are made; nil: as they are numbered
	gate        func(n int) error // waits until the n-th may be made; nil: at once
}

// shut gives back what the composer reads.
func (b *builder) shut() {
	if b.close != nil {
		b.close()
	}
}

// chunkSize is how many conversations one goroutine renders at a time.
const chunkSize = 8

// chunk is a range of conversations under way.
type chunk struct {
	from, to int
	items    []rendered
	err      error
	done     chan struct{}
}

// rendered is one finished conversation.
type rendered struct {
	conversation store.Conversation
	bodies       [][]byte // one per turn, each of that turn alone
	entry        []byte   // of inputs.json
}

// outcome is what a finished dataset is.
type outcome struct {
	info          store.Info
	announced     []messages.ConversationMetadata // the first ones
	hasTimingData bool
}

// build writes the dataset. A failure leaves no file behind.
func (b *builder) build(ctx context.Context) (outcome, error) {
	defer b.shut()
	writer, err := store.NewWriter(b.dir)
	if err != nil {
		return outcome{}, err
	}
	inputs := openInputs(b.artifactDir, b.warn)
	var out outcome
	err = b.render(ctx, func(r *rendered) error {
		if r.conversation.Coordinator == nil {
			inputs.add(r.entry)
		}
		out.note(&r.conversation)
		if b.visit != nil {
			b.visit(&r.conversation)
		}
		if b.prepared {
			return writer.Add(&r.conversation, r.bodies)
		}
		return writer.Add(&r.conversation, nil)
	})
	if err == nil {
		err = b.failure()
	}
	if err == nil {
		out.info, err = writer.Finish()
	}
	if err != nil {
		inputs.abort()
		writer.Abort()
		return outcome{}, err
	}
	inputs.finish()
	return out, nil
}

// note keeps what the announcement says of a conversation.
func (o *outcome) note(c *store.Conversation) {
	m := messages.ConversationMetadata{ConversationID: c.SessionID, Turns: make([]messages.TurnMetadata, len(c.Turns))}
	for i := range c.Turns {
		t := &c.Turns[i]
		m.Turns[i].DelayMS, m.Turns[i].TimestampMS = t.DelayMS, t.TimestampMS
		o.hasTimingData = o.hasTimingData || t.DelayMS > 0 || t.TimestampMS != nil
	}
	if len(o.announced) < messages.MaxAnnouncedConversations {
		o.announced = append(o.announced, m)
	}
}

// render hands every conversation to use, in order. It returns when all its
// goroutines have ended.
func (b *builder) render(ctx context.Context, use func(*rendered) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := min(runtime.GOMAXPROCS(0), (b.composer.Len()+chunkSize-1)/chunkSize)
	jobs := make(chan *chunk)
	order := make(chan *chunk, 2*workers) // bounds how far rendering runs ahead of writing
	var wg sync.WaitGroup
	defer wg.Wait()
	for range workers {
		wg.Go(func() {
			for c := range jobs {
				c.items, c.err = b.renderChunk(c.from, c.to, b.artifactDir != "")
				close(c.done)
			}
		})
	}
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		for from := 0; from < b.composer.Len(); from += chunkSize {
			c := &chunk{from: from, to: min(from+chunkSize, b.composer.Len()), done: make(chan struct{})}
			if b.gate != nil {
				if err := b.gate(from); err != nil {
					return
				}
			}
			select {
			case order <- c:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- c:
			case <-ctx.Done():
				return // the consumer waits for ctx too
			}
		}
	})
	for c := range order {
		select {
		case <-c.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := b.useChunk(c, use); err != nil {
			cancel(err)
			return err
		}
	}
	return ctx.Err()
}

func (b *builder) useChunk(c *chunk, use func(*rendered) error) error {
	if c.err != nil {
		return c.err
	}
	for i := range c.items {
		if err := use(&c.items[i]); err != nil {
			return err
		}
	}
	if b.progress != nil {
		b.progress(c.to, b.composer.Len())
	}
	return nil
}

func (b *builder) renderChunk(from, to int, withEntry bool) (items []rendered, err error) {
	items = make([]rendered, 0, to-from)
	for i := from; i < to; i++ {
		var r rendered
		at := i
		if b.order != nil {
			at = int(b.order[i])
		}
		if r.conversation, err = b.composer.Compose(at); err != nil {
			return nil, err
		}
		if r.bodies, err = b.bodies(&r.conversation); err != nil {
			return nil, err
		}
		if withEntry && r.conversation.Coordinator == nil {
			if r.entry, err = inputsEntry(r.conversation.SessionID, r.bodies); err != nil {
				return nil, fmt.Errorf("conversation %s: %w", r.conversation.SessionID, err)
			}
		}
		items = append(items, r)
	}
	return items, nil
}

// bodies renders each turn alone, without what came before it. Those of a coordinator
// are none.
func (b *builder) bodies(c *store.Conversation) ([][]byte, error) {
	if c.Coordinator != nil {
		return nil, nil
	}
	bodies := make([][]byte, len(c.Turns))
	for k := range c.Turns {
		if bodies[k] = c.Turns[k].RawPayload; bodies[k] != nil {
			continue
		}
		body, err := b.endpoint.AppendBody(nil, &endpoints.Request{
			SystemMessage: c.SystemMessage, UserContextMessage: c.UserContextMessage, Turns: c.Turns[k : k+1 : k+1], Model: b.model,
		})
		if err != nil {
			return nil, fmt.Errorf("format turn %d of conversation %s: %w", k, c.SessionID, err)
		}
		bodies[k] = body
	}
	return bodies, nil
}
