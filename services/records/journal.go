package records

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"aiperf/bootstrap"
	"aiperf/messages"
)

// journal holds the received frames as they came, each with its length as four
// bytes, big-endian, in front. It is written straight through to the kernel, so
// that a killed process loses nothing, and fsynced at phase ends, so that little
// is lost with the machine. It is removed when everything is exported.
type journal struct {
	file *os.File
	buf  []byte

	syncing sync.WaitGroup // one for each phase that has ended
}

// maxJournalFrame bounds what a damaged length can make a reader allocate.
const maxJournalFrame = 256 << 20

func journalPath(artifactDir string) string { return filepath.Join(artifactDir, bootstrap.JournalName) }

func createJournal(artifactDir string) (*journal, error) {
	f, err := os.OpenFile(journalPath(artifactDir), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	return &journal{file: f}, nil
}

// append writes one frame.
func (j *journal) append(frame []byte) error {
	j.buf = binary.BigEndian.AppendUint32(j.buf[:0], uint32(len(frame)))
	j.buf = append(j.buf, frame...)
	if _, err := j.file.Write(j.buf); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// sync begins to move everything to the disk, beside the ledger: a disk may take seconds
// for the records of a long phase. done is told how that went; it is called from another
// goroutine, at the latest before close returns.
func (j *journal) sync(done func(error)) {
	j.syncing.Go(func() { done(j.file.Sync()) })
}

func (j *journal) close() error {
	j.syncing.Wait()
	return j.file.Close()
}

// replay hands every whole frame of an earlier process's journal to apply. A torn
// end is where the process died; it is not an error.
func replay(artifactDir string, apply func(messages.Envelope)) error {
	f, err := os.Open(journalPath(artifactDir))
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	defer f.Close()
	return readJournal(bufio.NewReaderSize(f, 1<<20), apply)
}

func readJournal(r io.Reader, apply func(messages.Envelope)) error {
	var length [4]byte
	for {
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return tornEnd(err)
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > maxJournalFrame {
			return fmt.Errorf("read journal: a frame claims %d bytes", n)
		}
		frame, err := io.ReadAll(io.LimitReader(r, int64(n)))
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		if len(frame) < int(n) {
			return nil
		}
		e, err := messages.Open(frame)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		apply(e)
	}
}

func tornEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("read journal: %w", err)
}
