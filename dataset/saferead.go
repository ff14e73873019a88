package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// mostSafeBytes is how large a file may be whose content goes into requests.
const mostSafeBytes = 256 << 20

// ReadFile reads a file that the user named and whose content goes into requests or
// artifacts. No component of the path may be a symbolic link, so that nobody can slip
// another file under the name; devices, pipes and huge files are refused. `~` is the home
// directory.
func ReadFile(path string) ([]byte, error) {
	path, err := expandHome(path)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := noLinks(path); err != nil {
		return nil, err
	}
	// O_NONBLOCK: opening a pipe that came in between must not wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, plain(err)
	case st.IsDir():
		return nil, errors.New("it is a directory")
	case !st.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case st.Size() > mostSafeBytes:
		return nil, fmt.Errorf("it has %d bytes, more than 256 MiB", st.Size())
	}
	b, err := io.ReadAll(io.LimitReader(f, mostSafeBytes+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(b) > mostSafeBytes {
		return nil, errors.New("it has more than 256 MiB")
	}
	return b, nil
}

// ReadTextFile is ReadFile for UTF-8 text; a byte order mark is left out.
func ReadTextFile(path string) (string, error) {
	b, err := ReadFile(path)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		at := 0
		for at < len(b) {
			r, n := utf8.DecodeRune(b[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return "", fmt.Errorf("it is not UTF-8 (byte offset %d)", at)
	}
	return strings.TrimPrefix(string(b), "\ufeff"), nil
}

func expandHome(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("expand ~: %w", err)
	}
	return filepath.Join(home, path[1:]), nil
}

// noLinks refuses a symbolic link anywhere in an absolute path.
func noLinks(path string) error {
	for at := 1; at <= len(path); at++ {
		if at < len(path) && path[at] != filepath.Separator {
			continue
		}
		st, err := os.Lstat(path[:at])
		if err != nil {
			return plain(err)
		}
		if st.Mode()&os.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link", path[:at])
		}
	}
	return nil
}

// plain leaves out the path, which the caller's message names.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
