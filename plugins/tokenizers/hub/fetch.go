package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"aiperf/config"
)

// largestFile is more than any tokenizer has.
const largestFile = 1 << 30

// Progress is told how far a download has come; total is -1 when nobody knows.
type Progress func(file string, done, total int64)

// fetch brings the tokenizer's files of a commit into the cache and names their folder.
func (f *finder) fetch(ctx context.Context, m model, revision string) (dir string, err error) {
	names := m.wanted()
	if len(names) == 0 {
		return "", errNoFiles
	}
	repo := f.cache.repository(m.ID)
	dir = filepath.Join(repo, "snapshots", m.Commit)
	for _, d := range []string{dir, filepath.Join(repo, "blobs"), filepath.Join(repo, "refs")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return "", &cacheError{err}
		}
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			continue // commits do not change
		}
		if err := f.fetchFile(ctx, repo, dir, m, name); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	if revision != m.Commit {
		if err := config.WriteCacheFile(filepath.Join(repo, "refs", filepath.FromSlash(revision)), []byte(m.Commit), 0o644); err != nil {
			return "", &cacheError{err}
		}
	}
	return dir, nil
}

// wanted are the files of the repository that make its tokenizer. The main one is the last:
// a folder that has it is complete, however the fetching of another ended.
func (m model) wanted() (names []string) {
	var have []string
	for _, s := range m.Siblings {
		have = append(have, s.Name)
	}
	for _, name := range sideFiles {
		if slices.Contains(have, name) {
			names = append(names, name)
		}
	}
	for _, name := range mainFiles {
		if slices.Contains(have, name) {
			return append(names, name)
		}
	}
	return nil
}

// fetchFile brings one file: whole under its own name, or not at all. Blobs are named by
// what is in them, so that two runs that fetch the same one do not disturb each other.
func (f *finder) fetchFile(ctx context.Context, repo, dir string, m model, name string) error {
	body, size, err := f.client.file(ctx, m.ID, m.Commit, name)
	if err != nil {
		return err
	}
	defer body.Close()
	blobs := filepath.Join(repo, "blobs")
	tmp, err := os.CreateTemp(blobs, ".incomplete-*")
	if err != nil {
		return &cacheError{err}
	}
	defer os.Remove(tmp.Name())
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(&disk{tmp}, sum, &meter{name: name, total: size, tell: f.ask.Progress}), io.LimitReader(body, largestFile+1))
	if closed := tmp.Close(); err == nil && closed != nil {
		err = &cacheError{closed}
	}
	switch {
	case err != nil:
		return err
	case n > largestFile:
		return fmt.Errorf("larger than %d bytes", largestFile)
	case size >= 0 && n != size:
		return fmt.Errorf("%w: %d of %d bytes came", io.ErrUnexpectedEOF, n, size)
	}
	blob := hex.EncodeToString(sum.Sum(nil))
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return &cacheError{err}
	}
	if err := os.Rename(tmp.Name(), filepath.Join(blobs, blob)); err != nil {
		return &cacheError{err}
	}
	// Renamed into its place: it may take that of a link whose blob is gone.
	link := filepath.Join(dir, filepath.Base(tmp.Name()))
	if err := os.Symlink(filepath.Join("..", "..", "blobs", blob), link); err != nil {
		return &cacheError{err}
	}
	if err := os.Rename(link, filepath.Join(dir, name)); err != nil {
		_ = os.Remove(link)
		return &cacheError{err}
	}
	return nil
}

// disk marks failures to write as the cache's.
type disk struct{ f *os.File }

func (d *disk) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		err = &cacheError{err}
	}
	return n, err
}

// meter counts a download.
type meter struct {
	name        string
	done, total int64
	tell        Progress
}

func (m *meter) Write(p []byte) (int, error) {
	m.done += int64(len(p))
	if m.tell != nil {
		m.tell(m.name, m.done, m.total)
	}
	return len(p), nil
}
