package exporters

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Modes of what a run leaves behind.
const (
	dirMode     = 0o755
	fileMode    = 0o644
	privateMode = 0o600
)

// tempSuffix marks a file that is not whole yet.
const tempSuffix = ".tmp"

// WriteFileAtomic makes the file at path hold what write produced, or leaves it as it
// was: the text goes to <path>.tmp, is flushed to the disk and renamed. Missing
// directories are created. After an error nothing new is left behind.
func WriteFileAtomic(path string, write func(io.Writer) error) error {
	return writeFileAtomic(path, fileMode, write)
}

func writeFileAtomic(path string, mode os.FileMode, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return writeError(path, err)
	}
	temp := path + tempSuffix
	if err := writeTemp(temp, mode, write); err != nil {
		return writeError(path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(writeError(path, err), os.Remove(temp))
	}
	syncDir(dir)
	return nil
}

// writeError says once which file could not be written: the system's error names it
// too, or its temporary name, and nobody is helped by a path in threefold.
func writeError(path string, err error) error {
	switch e := err.(type) {
	case *os.PathError:
		err = e.Err
	case *os.LinkError:
		err = e.Err
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// writeTemp writes the temporary file and removes it again when that fails. What a
// dead run left under the name is replaced, a link never followed.
func writeTemp(temp string, mode os.FileMode, write func(io.Writer) error) (err error) {
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp) // the first error is the one to tell
		}
	}()
	w := bufio.NewWriterSize(f, 64<<10)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// syncDir makes a rename durable. File systems that cannot do it (some network
// shares) lose nothing but that.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
