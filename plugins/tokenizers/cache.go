package tokenizers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aiperf/config"
)

// compiledSuffix ends the names of compiled tokenizers.
const compiledSuffix = ".tokenizer"

// Prepare compiles the tokenizer in a folder or file, unless that has been done before,
// and names the compiled file, for New. It is keyed by what the files hold, so that a
// changed tokenizer is compiled again; a damaged one is made anew.
func Prepare(path, cacheDir string) (compiled string, err error) {
	s, err := locate(path)
	if err != nil {
		return "", err
	}
	key, err := s.key()
	if err != nil {
		return "", err
	}
	compiled = filepath.Join(cacheDir, key+compiledSuffix)
	if _, err := openCompiled(compiled, true); err == nil {
		return compiled, nil
	}
	t, err := s.load()
	if err != nil {
		return "", err
	}
	file, err := t.compile()
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.main, err)
	}
	if err := config.WriteCacheFile(compiled, file, 0o644); err != nil {
		return "", &CacheError{err}
	}
	return compiled, nil
}

// CacheError says that the tokenizer is fine and the cache is not.
type CacheError struct{ err error }

func (e *CacheError) Error() string { return "keep the compiled tokenizer: " + e.err.Error() }
func (e *CacheError) Unwrap() error { return e.err }

// source is where a tokenizer's files are.
type source struct {
	asked  string
	main   string // tokenizer.json, or a file of another form
	config string // tokenizer_config.json, which may be absent
	// template is chat_template.jinja, which may be absent.
	template string
}

// errNoTokenizer says that a folder holds no tokenizer.
var errNoTokenizer = errors.New("no tokenizer.json, no tokenizer.model and no tiktoken.model lies there")

func locate(path string) (source, error) {
	st, err := os.Stat(path)
	if err != nil {
		return source{}, err
	}
	if !st.IsDir() {
		return source{path, path, filepath.Join(filepath.Dir(path), "tokenizer_config.json"), filepath.Join(filepath.Dir(path), "chat_template.jinja")}, nil
	}
	s := source{asked: path, config: filepath.Join(path, "tokenizer_config.json"), template: filepath.Join(path, "chat_template.jinja")}
	for _, name := range []string{"tokenizer.json", "tokenizer.model", "tiktoken.model"} {
		s.main = filepath.Join(path, name)
		if _, err := os.Stat(s.main); err == nil {
			return s, nil
		}
	}
	return source{}, fmt.Errorf("%s: %w", path, errNoTokenizer)
}

// key names what the files hold, and the form of the compiled file.
func (s source) key() (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s\n", compiledVersion, filepath.Base(s.main)) // a rank file's name says how text is cut
	for _, path := range []string{s.main, s.config, s.template} {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) && path != s.main {
			fmt.Fprint(sum, "\nnone\n")
			continue
		}
		if err != nil {
			return "", err
		}
		n, err := io.Copy(sum, io.LimitReader(f, largestFile+1))
		_ = f.Close()
		if err != nil {
			return "", err
		}
		if n > largestFile {
			return "", tooLarge(path)
		}
		fmt.Fprintf(sum, "\n%d\n", n)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// load builds the tokenizer from its files.
func (s source) load() (*Pipeline, error) {
	text, err := readFile(s.main)
	if err != nil {
		return nil, err
	}
	var t *Pipeline
	switch ext := filepath.Ext(s.main); {
	case ext != ".json" && isRankFile(text):
		var beside []byte
		if beside, err = readFile(s.config); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		t, err = parseRankFile(text, s.main, beside)
	case ext == ".model":
		t, err = parseSentencePiece(text)
	default:
		t, err = parseJSON(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.main, err)
	}
	t.name = s.asked
	return t, t.readConfig(s)
}
