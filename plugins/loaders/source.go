package loaders

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Source is a file, or the files of a folder, mapped. Close gives them back; nothing that
// was read may be used afterwards.
type Source struct {
	Path   string // as the user gave it
	Folder bool
	files  []*file
	trace  func() string
}

// file is one mapped file.
type file struct {
	name string // for messages
	stem string // its name without folder and extension
	data []byte
	free func()
}

// Open maps a file, or every regular file below a folder. The path itself may be a link.
func Open(path string) (*Source, error) {
	s := &Source{Path: path}
	s.trace = sync.OnceValue(s.digest)
	st, err := os.Stat(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !st.IsDir() {
		f, err := mapFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.files = []*file{f}
		return s, nil
	}
	s.Folder = true
	var names []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			names = append(names, name)
		}
		return err
	})
	sort.Strings(names)
	for _, name := range names {
		if err != nil {
			break
		}
		if st, e := os.Stat(name); e != nil || !st.Mode().IsRegular() {
			continue
		}
		var f *file
		if f, err = mapFile(name); err == nil {
			s.files = append(s.files, f)
		}
	}
	if err == nil && len(s.files) == 0 {
		err = errors.New("the folder holds no file")
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Close unmaps the files.
func (s *Source) Close() {
	for _, f := range s.files {
		f.free()
	}
	s.files = nil
}

func mapFile(path string) (*file, error) {
	// O_NONBLOCK: a pipe must not be waited for.
	in, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	base := filepath.Base(path)
	f := &file{name: path, stem: strings.TrimSuffix(base, filepath.Ext(base)), free: func() {}}
	if st.Size() == 0 {
		return f, nil
	}
	if f.data, err = unix.Mmap(int(in.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	mapped := f.data
	f.free = func() { _ = unix.Munmap(mapped) }
	if bytes.HasPrefix(f.data, []byte{0x1f, 0x8b}) {
		err := f.inflate()
		_ = unix.Munmap(mapped)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
	}
	f.data = bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf"))
	return f, nil
}

// inflate lays what a gzip file holds into a nameless file, so that it can be mapped too.
func (f *file) inflate() error {
	z, err := gzip.NewReader(bytes.NewReader(f.data))
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp("", "aiperf-dataset-*")
	if err != nil {
		return err
	}
	defer tmp.Close()
	_ = os.Remove(tmp.Name())
	n, err := io.Copy(tmp, z)
	if err != nil {
		return err
	}
	f.data, f.free = nil, func() {}
	if n == 0 {
		return nil
	}
	if f.data, err = unix.Mmap(int(tmp.Fd()), 0, int(n), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return err
	}
	mapped := f.data
	f.free = func() { _ = unix.Munmap(mapped) }
	return nil
}

// Trace names what the files hold: it keeps the hash ids of one trace apart from another's.
func (s *Source) Trace() string { return s.trace() }

func (s *Source) digest() string {
	sum := sha256.New()
	for _, f := range s.files {
		sum.Write(f.data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// first is the first line of a file that is not blank, with its number.
func (f *file) first() (line []byte, number int) {
	for data := f.data; len(data) > 0; {
		number++
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, number
		}
		data = rest
	}
	return nil, 0
}
