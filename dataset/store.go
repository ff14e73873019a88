package dataset

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Store reads a finished dataset. Both files are memory-mapped, so all processes
// of a host share one copy. It is safe for concurrent use.
//
// Byte slices borrow the mapping: they are valid until Close and must not be
// written to.
type Store struct {
	dir               string
	head              header
	data, index       []byte
	convs, turns, tab []byte

	live   bool // it was still being written when it was opened
	waits  waits
	read64 atomic.Int64
}

// Open maps the dataset in dir. A missing or damaged file is an error that names it.
func Open(dir string) (*Store, error) {
	index, err := mapFile(filepath.Join(dir, indexFile))
	if err != nil {
		return nil, err
	}
	live := len(index) >= headerLen && word(index, stateAt).Load() != stateWhole
	data, err := mapData(filepath.Join(dir, dataFile), live)
	if err != nil {
		_ = unix.Munmap(index)
		return nil, err
	}
	s := &Store{dir: dir, index: index, data: data, live: live}
	if err := s.read(); err != nil {
		s.Close()
		return nil, fmt.Errorf("open dataset %s: %w", dir, err)
	}
	return s, nil
}

// read understands the index and holds it against the sizes of both files.
func (s *Store) read() error {
	if len(s.index) < headerLen || string(s.index[:len(magic)]) != magic {
		return errors.New("index.dat is no dataset index")
	}
	h := decodeHeader(s.index)
	const most = 1 << 40
	if h.conversations > most || h.turns > most || h.slots > most {
		return errors.New("index.dat is damaged: counts out of range")
	}
	if h.slots == 0 || h.slots&(h.slots-1) != 0 {
		return fmt.Errorf("index.dat is damaged: a table of %d slots", h.slots)
	}
	want := headerLen + h.conversations*convRow + h.turns*turnRow + h.slots*slotLen
	if uint64(len(s.index)) != want {
		return fmt.Errorf("index.dat has %d bytes, want %d", len(s.index), want)
	}
	if uint64(len(s.data)) != h.dataBytes && !s.live {
		return fmt.Errorf("dataset.dat has %d bytes, want %d", len(s.data), h.dataBytes)
	}
	s.head = h
	rest := s.index[headerLen:]
	s.convs, rest = rest[:h.conversations*convRow], rest[h.conversations*convRow:]
	s.turns, s.tab = rest[:h.turns*turnRow], rest[h.turns*turnRow:]
	return s.check()
}

// check walks the rows once, so that no later read can leave the mapping.
func (s *Store) check() error {
	if s.live {
		return nil // what is there is ahead of what the rows say; each is looked at when it is read
	}
	in := func(p span) bool { return p.off <= s.head.dataBytes && uint64(p.len) <= s.head.dataBytes-p.off }
	for i := range s.Len() {
		c := s.conv(i)
		if !in(c.id) || !in(c.document) || c.firstTurn > s.head.turns || uint64(c.turns) > s.head.turns-c.firstTurn {
			return fmt.Errorf("index.dat is damaged: conversation %d", i)
		}
	}
	for i := range s.head.turns {
		if !in(decodeTurn(s.turns[i*turnRow:]).payload) {
			return fmt.Errorf("index.dat is damaged: turn %d", i)
		}
	}
	return nil
}

// mapData maps the data; that of a live dataset as far as it may ever grow.
func mapData(path string, live bool) ([]byte, error) {
	if !live {
		return mapFile(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open dataset file: %w", err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, liveSpan, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	return b, nil
}

func mapFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open dataset file: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open dataset file: %w", err)
	}
	if st.Size() == 0 {
		return nil, fmt.Errorf("open dataset file %s: it is empty", path)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	_ = unix.Madvise(b, unix.MADV_WILLNEED) // a hint: pages are there before the first request needs them
	return b, nil
}

func (s *Store) conv(i int) conversation { return decodeConversation(s.convs[i*convRow:]) }

func (s *Store) turn(i, turnIndex int) (turn, bool) {
	c := s.conv(i)
	if turnIndex < 0 || turnIndex >= int(c.turns) {
		return turn{}, false
	}
	return decodeTurn(s.turns[(c.firstTurn+uint64(turnIndex))*turnRow:]), true
}

func (s *Store) bytes(p span) []byte {
	return s.data[p.off : p.off+uint64(p.len) : p.off+uint64(p.len)]
}

// Len is the number of conversations.
func (s *Store) Len() int { return int(s.head.conversations) }

// TotalTurns is the number of turns of all conversations.
func (s *Store) TotalTurns() int { return int(s.head.turns) }

// ID is the session id of conversation i.
func (s *Store) ID(i int) string { return string(s.bytes(s.conv(i).id)) }

// NumTurns is the number of turns of conversation i.
func (s *Store) NumTurns(i int) int { return int(s.conv(i).turns) }

// TurnNumber is the place of a turn among all turns of the dataset, from 0; false when
// there is no such turn.
func (s *Store) TurnNumber(i, turnIndex int) (n int, ok bool) {
	if i < 0 || i >= s.Len() {
		return 0, false
	}
	c := s.conv(i)
	if turnIndex < 0 || turnIndex >= int(c.turns) {
		return 0, false
	}
	return int(c.firstTurn) + turnIndex, true
}

// DelayMS is the wait before a turn, counted from the previous turn's return.
func (s *Store) DelayMS(i, turnIndex int) float64 {
	t, _ := s.turn(i, turnIndex)
	return float64(t.delayUS) / 1000
}

// TimestampNS is when a turn goes, on the schedule's own clock; false when it has no time.
func (s *Store) TimestampNS(i, turnIndex int) (ns int64, ok bool) {
	t, ok := s.turn(i, turnIndex)
	return t.timeNS, ok && t.timeNS != noTime
}

// Isolated says that the turns of conversation i depend on no reply.
func (s *Store) Isolated(i int) bool { return s.conv(i).flags&flagIsolated != 0 }

// MaxTokens is the output cap of a turn, 0 for none.
func (s *Store) MaxTokens(i, turnIndex int) int {
	t, _ := s.turn(i, turnIndex)
	return int(t.maxTokens)
}

// Payload is the prepared request body of a turn, nil when it was not prepared or
// does not exist.
func (s *Store) Payload(i, turnIndex int) []byte {
	if s.live && s.await(i) != nil {
		return nil
	}
	t, ok := s.turn(i, turnIndex)
	if !ok || t.payload.len == 0 {
		return nil
	}
	if s.live {
		s.letGo(int(t.payload.len))
	}
	return s.bytes(t.payload)
}

// Conversation decodes the document of conversation i. It is an error for a
// conversation that has prepared bodies instead.
func (s *Store) Conversation(i int) (Conversation, error) {
	if s.live {
		if err := s.await(i); err != nil {
			return Conversation{}, err
		}
	}
	doc := s.conv(i).document
	if doc.len == 0 {
		return Conversation{}, fmt.Errorf("read conversation %s: the dataset holds its request bodies only", s.ID(i))
	}
	var c Conversation
	if err := json.Unmarshal(s.bytes(doc), &c); err != nil {
		return c, fmt.Errorf("read conversation %s: %w", s.ID(i), err)
	}
	return c, nil
}

// Find returns the number of the conversation with an id.
func (s *Store) Find(id string) (int, bool) {
	mask := s.head.slots - 1
	at := hashID([]byte(id)) & mask
	for range s.head.slots {
		n := binary.LittleEndian.Uint32(s.tab[at*slotLen:])
		if n == 0 || uint64(n) > s.head.conversations {
			return 0, false
		}
		if i := int(n - 1); string(s.bytes(s.conv(i).id)) == id {
			return i, true
		}
		at = (at + 1) & mask
	}
	return 0, false
}

// Format is FormatPayloadBytes or FormatConversation.
func (s *Store) Format() string {
	if s.head.payloads {
		return FormatPayloadBytes
	}
	return FormatConversation
}

// Close unmaps the files. Nothing borrowed may be used afterwards. It may be called
// twice.
func (s *Store) Close() {
	s.waits.end()
	for _, m := range [][]byte{s.index, s.data} {
		if m != nil {
			_ = unix.Munmap(m)
		}
	}
	s.dir, s.head, s.index, s.data, s.convs, s.turns, s.tab, s.live = "", header{}, nil, nil, nil, nil, nil, false // a late reader finds an empty dataset instead of unmapped memory
}
