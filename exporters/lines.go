package exporters

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxPendingBytes bounds what a line file holds back, whatever its batch size says:
// one line may carry thousands of chunk latencies.
const maxPendingBytes = 1 << 20

// file is what a line file needs of an open file.
type file interface {
	Write(b []byte) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// lineFile collects lines and writes them batch by batch. It belongs to one
// goroutine. What is in the file is always whole lines: after a failed write the
// file is cut back to the last whole batch, every later call returns that error, and
// lines are dropped.
type lineFile struct {
	path    string
	f       file
	buf     []byte // pending lines
	lines   int    // in buf
	batch   int    // lines that trigger a write
	written int64  // bytes in the file
	err     error  // first failure; sticky
	closed  bool
}

// openLines creates the file, replacing one of an earlier run.
func openLines(path string, batch int) (*lineFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := unwanted(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return newLines(path, f, batch), nil
}

// unwanted removes the file of an earlier run that this one does not write: beside the
// files of this run it would be taken for one of them.
func unwanted(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what an earlier run left: %w", err)
	}
	return nil
}

func newLines(path string, f file, batch int) *lineFile {
	return &lineFile{path: path, f: f, batch: max(batch, 1)}
}

// line ends the line that the caller appended to buf.
func (l *lineFile) line() error {
	l.buf = append(l.buf, '\n')
	l.lines++
	if l.lines >= l.batch || len(l.buf) >= maxPendingBytes {
		return l.Flush()
	}
	return l.err
}

// Flush hands what is pending to the kernel.
func (l *lineFile) Flush() error {
	pending := l.buf
	l.buf, l.lines = l.buf[:0], 0
	if l.err != nil || l.closed || len(pending) == 0 {
		return l.err
	}
	n, err := l.f.Write(pending)
	if err != nil {
		l.err = writeError(l.path, err)
		if n > 0 {
			// A torn line would make the whole file unreadable for strict readers. When
			// even this fails, the first error is the one to tell.
			_ = l.f.Truncate(l.written)
		}
		return l.err
	}
	l.written += int64(n)
	return nil
}

// Close writes what is pending and makes the file durable. A file without a line is
// removed. It may be called twice.
func (l *lineFile) Close() error {
	if l.closed {
		return l.err
	}
	_ = l.Flush() // kept in l.err
	l.closed = true
	if l.written == 0 {
		return errors.Join(l.err, l.f.Close(), os.Remove(l.path))
	}
	if err := errors.Join(l.f.Sync(), l.f.Close()); err != nil && l.err == nil {
		l.err = fmt.Errorf("close %s: %w", l.path, err)
	}
	return l.err
}
