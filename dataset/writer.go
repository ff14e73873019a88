package dataset

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// ErrEmpty is returned when a dataset has no conversation or no turn.
var ErrEmpty = errors.New("dataset is empty")

// Writer streams conversations into the store's files. Only the ids and the index rows
// (about 80 bytes per single-turn conversation) are held in memory. It belongs to one
// goroutine. After an error of Add it takes no more.
type Writer struct {
	dir       string
	file      *os.File
	out       *bufio.Writer
	written   uint64
	rows      []conversation
	turns     []turn
	ids       map[string]struct{}
	hashes    []uint64 // of the ids, in row order
	documents int
	graph     graphDocument
	finished  bool
	failed    error // first error of Add
}

// NewWriter makes the directory (mode 0700) and opens the data file.
func NewWriter(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make dataset directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, dataFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create dataset file: %w", err)
	}
	return &Writer{
		dir: dir, file: f, out: bufio.NewWriterSize(f, 1<<20), ids: map[string]struct{}{},
		graph: graphDocument{map[string][]Branch{}, map[string]*Coordinator{}},
	}, nil
}

// Add appends a conversation. bodies are its prepared request bodies, one per turn,
// or nil when its requests depend on replies; then the conversation is kept as a
// document. A second conversation of one id is an error.
func (w *Writer) Add(c *Conversation, bodies [][]byte) error {
	if w.finished {
		return errors.New("add to dataset: it is finished")
	}
	if w.failed == nil {
		w.failed = w.add(c, bodies)
	}
	return w.failed
}

func (w *Writer) add(c *Conversation, bodies [][]byte) (err error) {
	if bodies != nil && len(bodies) != len(c.Turns) {
		return fmt.Errorf("add conversation %s: %d bodies for %d turns", c.SessionID, len(bodies), len(c.Turns))
	}
	if _, taken := w.ids[c.SessionID]; taken {
		return fmt.Errorf("add conversation %s: the id is taken by an earlier one", c.SessionID)
	}
	row := conversation{turns: uint32(len(c.Turns)), firstTurn: uint64(len(w.turns))}
	if c.Isolated() {
		row.flags |= flagIsolated
	}
	if row.id, err = w.put([]byte(c.SessionID)); err != nil {
		return err
	}
	for i := range c.Turns {
		t := turn{maxTokens: uint32(min(max(0, c.Turns[i].MaxTokens), math.MaxUint32)), delayUS: microseconds(c.Turns[i].DelayMS), timeNS: nanoseconds(c.Turns[i].TimestampMS)}
		if bodies != nil {
			if len(bodies[i]) == 0 {
				return fmt.Errorf("add conversation %s: the body of turn %d is empty", c.SessionID, i)
			}
			if t.payload, err = w.put(bodies[i]); err != nil {
				return err
			}
		}
		w.turns = append(w.turns, t)
	}
	if bodies == nil {
		if row.document, err = w.putDocument(c); err != nil {
			return err
		}
	}
	w.ids[c.SessionID] = struct{}{}
	if len(c.Branches) > 0 {
		w.graph.Branches[c.SessionID] = c.Branches
	}
	if c.Coordinator != nil {
		w.graph.Coordinators[c.SessionID] = c.Coordinator
	}
	w.hashes = append(w.hashes, hashID([]byte(c.SessionID)))
	w.rows = append(w.rows, row)
	return nil
}

// putDocument writes a conversation as JSON.
func (w *Writer) putDocument(c *Conversation) (span, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return span{}, fmt.Errorf("encode conversation %s: %w", c.SessionID, err)
	}
	w.documents++
	return w.put(doc)
}

// microseconds rounds a delay; one that is no number, or negative, is none.
func microseconds(ms float64) uint64 {
	const most = 1 << 53 // three centuries
	if us := math.Round(ms * 1000); us > 0 {
		return uint64(min(us, most))
	}
	return 0
}

// nanoseconds keeps the fractions of a timestamp; one that is no number is none.
func nanoseconds(ms *float64) int64 {
	const most = 1 << 42 // milliseconds: beyond any calendar
	if ms == nil || math.IsNaN(*ms) {
		return noTime
	}
	whole, part := math.Modf(max(-most, min(*ms, most)))
	return int64(whole)*1e6 + int64(math.Round(part*1e6))
}

func (w *Writer) put(b []byte) (span, error) {
	if len(b) > math.MaxUint32 {
		return span{}, fmt.Errorf("write dataset: one item has %d bytes, more than 4 GiB", len(b))
	}
	s := span{w.written, uint32(len(b))}
	if _, err := w.out.Write(b); err != nil {
		return s, fmt.Errorf("write dataset: %w", err)
	}
	w.written += uint64(len(b))
	return s, nil
}

// Finish writes the index and closes the files. It fails with ErrEmpty when there
// is nothing to send. It may be called once.
func (w *Writer) Finish() (Info, error) {
	if w.finished {
		return Info{}, errors.New("finish dataset: it is finished")
	}
	w.finished = true
	if err := errors.Join(w.failed, w.out.Flush(), w.file.Close()); err != nil {
		return Info{}, fmt.Errorf("write dataset: %w", err)
	}
	if len(w.turns) == 0 {
		return Info{}, ErrEmpty
	}
	info := Info{
		DataPath: filepath.Join(w.dir, dataFile), IndexPath: filepath.Join(w.dir, indexFile),
		Conversations: len(w.rows), Turns: len(w.turns), DataBytes: int64(w.written), Format: FormatPayloadBytes,
	}
	if w.documents > 0 {
		info.Format = FormatConversation
	}
	if err := writeGraph(w.dir, w.graph); err != nil {
		return info, err
	}
	if err := os.WriteFile(info.IndexPath, w.index(), 0o600); err != nil {
		return info, fmt.Errorf("write dataset index: %w", err)
	}
	return info, nil
}

func (w *Writer) index() []byte {
	slots := slotCount(len(w.rows))
	h := header{
		conversations: uint64(len(w.rows)), turns: uint64(len(w.turns)), slots: slots,
		dataBytes: w.written, payloads: w.documents == 0,
	}
	b := h.encode()
	for _, row := range w.rows {
		b = row.append(b)
	}
	for _, t := range w.turns {
		b = t.append(b)
	}
	return append(b, w.slots(slots)...)
}

// slots builds the hash table with linear probing.
func (w *Writer) slots(n uint64) []byte {
	table := make([]byte, n*slotLen)
	for i, hash := range w.hashes {
		at := hash & (n - 1)
		for binary.LittleEndian.Uint32(table[at*slotLen:]) != 0 {
			at = (at + 1) & (n - 1)
		}
		binary.LittleEndian.PutUint32(table[at*slotLen:], uint32(i+1))
	}
	return table
}

// Abort closes and removes what was written.
func (w *Writer) Abort() {
	w.finished = true
	_ = w.file.Close()
	_ = os.RemoveAll(w.dir)
}

// Info describes a finished dataset.
type Info struct {
	DataPath, IndexPath  string
	Format               string
	Conversations, Turns int
	DataBytes            int64
}
