package dataset

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Outline is what is known of a conversation before it is made: its name, how many turns it
// has, and when they go.
type Outline struct {
	ID    string
	Turns []TurnOutline
}

// TurnOutline is when a turn goes.
type TurnOutline struct {
	TimestampMS *float64
	DelayMS     float64
}

// Live is a dataset that is read while it is written. The index lies there whole from the
// start, with all names and times; conversations follow in any order, each marked when it is
// complete. Whoever reads one that is not there yet waits for it.
//
// The mark is a word of the shared index, written after what it stands for and read before
// it. Live belongs to one goroutine.
type Live struct {
	dir     string
	file    *os.File
	index   []byte
	head    header
	written uint64
	left    int
	err     error
}

// States of a dataset, in its header.
const (
	stateWhole  = 0 // it was finished before anybody opened it
	stateLive   = 1
	stateFailed = 2 // no more conversations will come
)

const (
	stateAt = 44 // in the header
	flagsAt = 36 // in the row of a conversation
	// flagReady marks a conversation that is complete.
	flagReady = 2
	// liveSpan is the address space for a data file whose size nobody knows yet. Only what is
	// read takes memory.
	liveSpan = 1 << 40
)

// word is a four-byte word of the mapped index.
func word(b []byte, at uint64) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&b[at])) }

// NewLive lays the index out: n conversations with so many turns in all. outline fills in
// what is known of conversation i.
// prepared says that all will have bodies.
func NewLive(dir string, n, turns int, prepared bool, outline func(i int, o *Outline) error) (*Live, error) {
	if n == 0 || turns == 0 {
		return nil, ErrEmpty
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make dataset directory: %w", err)
	}
	l := &Live{dir: dir, left: n, head: header{conversations: uint64(n), turns: uint64(turns), slots: slotCount(n), payloads: prepared}}
	var err error
	if l.file, err = os.OpenFile(filepath.Join(dir, dataFile), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("create dataset file: %w", err)
	}
	if err := l.layOut(outline); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Live) rowAt(i uint64) uint64 { return headerLen + i*convRow }
func (l *Live) turnAt(i uint64) uint64 {
	return headerLen + l.head.conversations*convRow + i*turnRow
}

func (l *Live) layOut(outline func(i int, o *Outline) error) error {
	size := l.turnAt(l.head.turns) + l.head.slots*slotLen
	f, err := os.OpenFile(filepath.Join(l.dir, indexFile), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("create dataset index: %w", err)
	}
	defer f.Close()
	if err := f.Truncate(int64(size)); err != nil {
		return fmt.Errorf("write dataset index: %w", err)
	}
	if l.index, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map dataset index: %w", err)
	}
	names := make([]byte, 0, 1<<20)
	var o Outline
	next := uint64(0)
	for i := range l.head.conversations {
		o.Turns = o.Turns[:0]
		if err := outline(int(i), &o); err != nil {
			return err
		}
		row := conversation{id: span{uint64(len(names)), uint32(len(o.ID))}, turns: uint32(len(o.Turns)), firstTurn: next}
		names = append(names, o.ID...)
		row.append(l.index[l.rowAt(i):l.rowAt(i)])
		for _, t := range o.Turns {
			if next == l.head.turns {
				return errors.New("lay out dataset: more turns than were announced")
			}
			turn{delayUS: microseconds(t.DelayMS), timeNS: nanoseconds(t.TimestampMS)}.append(l.index[l.turnAt(next):l.turnAt(next)])
			next++
		}
		if err := l.enter(i, names); err != nil {
			return err
		}
	}
	if next != l.head.turns {
		return fmt.Errorf("lay out dataset: %d turns, %d were announced", next, l.head.turns)
	}
	if _, err := l.file.WriteAt(names, 0); err != nil {
		return fmt.Errorf("write dataset: %w", err)
	}
	l.written, l.head.dataBytes = uint64(len(names)), uint64(len(names))
	copy(l.index, l.head.encode())
	word(l.index, stateAt).Store(stateLive)
	return nil
}

// enter puts a conversation into the table of names. names holds those so far.
func (l *Live) enter(i uint64, names []byte) error {
	table := l.index[l.turnAt(l.head.turns):]
	nameOf := func(i uint64) []byte {
		c := decodeConversation(l.index[l.rowAt(i):])
		return names[c.id.off : c.id.off+uint64(c.id.len)]
	}
	id := nameOf(i)
	for at := hashID(id) & (l.head.slots - 1); ; at = (at + 1) & (l.head.slots - 1) {
		other := binary.LittleEndian.Uint32(table[at*slotLen:])
		if other == 0 {
			binary.LittleEndian.PutUint32(table[at*slotLen:], uint32(i+1))
			return nil
		}
		if string(nameOf(uint64(other-1))) == string(id) {
			return fmt.Errorf("add conversation %s: the id is taken by an earlier one", id)
		}
	}
}

// Put adds what was missing of conversation i: its prepared bodies, one per turn, or, when
// they are nil, itself as a document.
func (l *Live) Put(i int, c *Conversation, bodies [][]byte) error {
	if l.err == nil {
		l.err = l.put(uint64(i), c, bodies)
	}
	return l.err
}

func (l *Live) put(i uint64, c *Conversation, bodies [][]byte) (err error) {
	row := decodeConversation(l.index[l.rowAt(i):])
	if int(row.turns) != len(c.Turns) || bodies != nil && len(bodies) != len(c.Turns) {
		return fmt.Errorf("add conversation %s: %d turns, %d were announced", c.SessionID, len(c.Turns), row.turns)
	}
	for k := range c.Turns {
		at := l.turnAt(row.firstTurn + uint64(k))
		t := decodeTurn(l.index[at:])
		t.maxTokens = uint32(min(max(0, c.Turns[k].MaxTokens), math.MaxUint32))
		if bodies != nil {
			if t.payload, err = l.write(bodies[k]); err != nil {
				return err
			}
		}
		t.append(l.index[at:at])
	}
	if bodies == nil {
		doc, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("encode conversation %s: %w", c.SessionID, err)
		}
		if row.document, err = l.write(doc); err != nil {
			return err
		}
	}
	row.append(l.index[l.rowAt(i):l.rowAt(i)])
	flags := uint32(flagReady)
	if c.Isolated() {
		flags |= flagIsolated
	}
	word(l.index, l.rowAt(i)+flagsAt).Store(flags)
	l.left--
	return nil
}

func (l *Live) write(b []byte) (span, error) {
	s := span{l.written, uint32(len(b))}
	if len(b) == 0 || len(b) > math.MaxUint32 || l.written+uint64(len(b)) > liveSpan {
		return s, fmt.Errorf("write dataset: an item of %d bytes at %d", len(b), l.written)
	}
	if _, err := l.file.WriteAt(b, int64(l.written)); err != nil {
		return s, fmt.Errorf("write dataset: %w", err)
	}
	l.written += uint64(len(b))
	return s, nil
}

// Info describes the dataset; the data is as large as it is by now.
func (l *Live) Info() Info {
	format := FormatConversation
	if l.head.payloads {
		format = FormatPayloadBytes
	}
	return Info{
		DataPath: filepath.Join(l.dir, dataFile), IndexPath: filepath.Join(l.dir, indexFile), Format: format,
		Conversations: int(l.head.conversations), Turns: int(l.head.turns), DataBytes: int64(l.written),
	}
}

// Close ends the writing. Conversations that are missing will never come: whoever waits for
// one is told.
func (l *Live) Close() {
	if l.index != nil {
		if l.left > 0 {
			word(l.index, stateAt).Store(stateFailed)
		}
		_ = unix.Munmap(l.index)
		l.index = nil
	}
	_ = l.file.Close()
}

// patience is how long a reader waits for a conversation that is being made.
const patience = 60 * time.Second

// lookEvery is how often a conversation that is waited for is looked at.
const lookEvery = time.Millisecond

// waits are the conversations that somebody waits for. One goroutine looks at all of them,
// while there are any: thousands of waiting requests must not keep a core busy.
type waits struct {
	mu      sync.Mutex
	list    map[int]chan struct{} // closed when there is nothing to wait for any more
	looking bool
	closed  bool
}

func (s *Store) ready(i int) bool {
	return word(s.convs, uint64(i)*convRow+flagsAt).Load()&flagReady != 0
}

func (s *Store) given() bool { return word(s.index, stateAt).Load() == stateFailed }

// await waits until conversation i can be read.
func (s *Store) await(i int) error {
	if s.ready(i) {
		return nil
	}
	s.waits.mu.Lock()
	if s.waits.closed {
		s.waits.mu.Unlock()
		return errors.New("read conversation: the dataset is closed")
	}
	there := s.waits.list[i]
	if there == nil {
		there = make(chan struct{})
		if s.waits.list == nil {
			s.waits.list = map[int]chan struct{}{}
		}
		s.waits.list[i] = there
	}
	if !s.waits.looking {
		s.waits.looking = true
		go s.look() // ends with the last wait, and with the store
	}
	s.waits.mu.Unlock()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-there:
	case <-limit.C:
	}
	s.waits.mu.Lock()
	defer s.waits.mu.Unlock()
	switch {
	case s.waits.closed:
		return errors.New("read conversation: the dataset is closed")
	case s.ready(i):
		return nil
	case s.given():
		return fmt.Errorf("read conversation %s: the dataset could not be made", s.ID(i))
	}
	return fmt.Errorf("read conversation %s: it was not made within %s", s.ID(i), patience)
}

// look wakes those whose conversations are there.
func (s *Store) look() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for range tick.C {
		if s.lookOnce() {
			return
		}
	}
}

// lookOnce tells whether there is nothing more to look for.
func (s *Store) lookOnce() bool {
	w := &s.waits
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return true
	}
	given := s.given()
	for i, there := range w.list {
		if given || s.ready(i) {
			close(there)
			delete(w.list, i)
		}
	}
	w.looking = len(w.list) > 0
	return !w.looking
}

// end wakes everybody; nothing is looked at afterwards.
func (w *waits) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for i, there := range w.list {
		close(there)
		delete(w.list, i)
	}
}

// letGo drops the pages of a live dataset that were read, now and then, so that a process
// does not seem to hold all that has passed through it. They come back when they are needed.
func (s *Store) letGo(n int) {
	if s.read64.Add(int64(n)) > letGoBytes {
		s.read64.Store(0)
		_ = unix.Madvise(s.data, unix.MADV_DONTNEED)
	}
}

const letGoBytes = 64 << 20
