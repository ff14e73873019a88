package exporters

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// place is where a line lies, and where it belongs.
type place struct {
	key    [2]int64 // lines are put in the order of their keys
	file   int32
	length int32 // bytes, without the end of the line
	offset int64
}

// fragmentSet are the fragments of all record processors, opened for reading. What is
// held in memory is one place per line, never the lines.
type fragmentSet struct {
	dir    string
	files  []*os.File
	places []place
}

// openFragments reads every fragment below dir once; keyOf reads a line's key. A last
// line without its end was torn by the death of its processor and is left out.
func openFragments(ctx context.Context, dir string, keyOf func(line []byte) [2]int64) (*fragmentSet, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	s := &fragmentSet{dir: dir}
	for _, name := range names {
		f, err := os.Open(name)
		if err == nil {
			s.files = append(s.files, f)
			err = s.index(ctx, int32(len(s.files)-1), keyOf)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), s.close())
		}
	}
	slices.SortStableFunc(s.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.key[0], b.key[0]), cmp.Compare(a.key[1], b.key[1]))
	})
	return s, nil
}

func (s *fragmentSet) index(ctx context.Context, file int32, keyOf func([]byte) [2]int64) error {
	r := bufio.NewReaderSize(s.files[file], 256<<10)
	var long []byte // a line that does not fit into the reader
	for offset := int64(0); ; {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			continue
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		s.places = append(s.places, place{key: keyOf(line), file: file, offset: offset, length: int32(len(line) - 1)})
		offset += int64(len(line))
		long = long[:0]
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// each calls do with every line in order. The line is valid until do returns.
func (s *fragmentSet) each(ctx context.Context, do func(line []byte) error) error {
	var buf []byte
	for _, p := range s.places {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		buf = slices.Grow(buf[:0], int(p.length))[:p.length]
		if _, err := s.files[p.file].ReadAt(buf, p.offset); err != nil {
			return fmt.Errorf("read %s: %w", s.files[p.file].Name(), err)
		}
		if err := do(buf); err != nil {
			return err
		}
	}
	return nil
}

func (s *fragmentSet) close() (failed error) {
	for _, f := range s.files {
		failed = errors.Join(failed, f.Close())
	}
	return failed
}

// mergeFragments makes the file at path of the fragments below dir, and removes them. The
// path is empty when there was nothing to put there. After a failure the fragments stay:
// they are all there is.
func mergeFragments(ctx context.Context, dir, path string, keyOf func([]byte) [2]int64, write func(io.Writer, *fragmentSet) error) (string, error) {
	if torn, _ := filepath.Glob(filepath.Join(dir, "*"+incomplete)); len(torn) > 0 {
		return "", fmt.Errorf("write %s: a record processor could not write its part; what there is lies in %s", path, dir)
	}
	s, err := openFragments(ctx, dir, keyOf)
	if err != nil {
		return "", err
	}
	defer s.close() // read only: nothing can be lost
	if len(s.places) == 0 {
		return "", os.RemoveAll(dir)
	}
	if err := WriteFileAtomic(path, func(w io.Writer) error { return write(w, s) }); err != nil {
		return "", err
	}
	return path, os.RemoveAll(dir)
}
