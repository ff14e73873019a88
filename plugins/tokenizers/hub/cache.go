package hub

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// cache is a HuggingFace cache:
//
//	models--<org>--<name>/refs/<revision>      the commit that a revision stands for
//	models--<org>--<name>/snapshots/<commit>/  links into ../../blobs
type cache struct{ dir string }

// cacheOf is where HuggingFace's tools would look.
func cacheOf(env func(string) string) cache {
	if dir := env("HF_HUB_CACHE"); dir != "" {
		return cache{dir}
	}
	if home := env("HF_HOME"); home != "" {
		return cache{filepath.Join(home, "hub")}
	}
	home := env("XDG_CACHE_HOME")
	if home == "" {
		home = filepath.Join(env("HOME"), ".cache")
	}
	return cache{filepath.Join(home, "huggingface", "hub")}
}

const modelPrefix = "models--"

func (c cache) repository(id string) string {
	return filepath.Join(c.dir, modelPrefix+strings.ReplaceAll(id, "/", "--"))
}

// snapshot finds a revision, which may be a commit. known tells that the repository is
// there, with this revision or another.
func (c cache) snapshot(id, revision string) (dir string, known bool) {
	repo := c.repository(id)
	if st, err := os.Stat(repo); err != nil || !st.IsDir() {
		return "", false
	}
	commit := revision
	if b, err := os.ReadFile(filepath.Join(repo, "refs", filepath.FromSlash(revision))); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	if commit == "" || strings.ContainsAny(commit, `/\`) || strings.HasPrefix(commit, ".") {
		return "", true
	}
	dir = filepath.Join(repo, "snapshots", commit)
	if !holdsTokenizer(dir) {
		return "", true
	}
	return dir, true
}

// ids lists the repositories whose name, without its owner, is name in any case.
func (c cache) ids(name string) (ids []string) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil
	}
	tail := "--" + strings.ToLower(name)
	for _, e := range entries {
		low := strings.ToLower(e.Name())
		if strings.HasPrefix(low, modelPrefix) && strings.HasSuffix(low, tail) {
			ids = append(ids, strings.Replace(e.Name()[len(modelPrefix):], "--", "/", 1))
		}
	}
	sort.Strings(ids)
	return ids
}

// main files: each of them alone makes a tokenizer, the first one that is there counts.
var mainFiles = []string{"tokenizer.json", "tokenizer.model", "tiktoken.model"}

// sideFiles say more about one.
var sideFiles = []string{"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json", "added_tokens.json"}

// holdsTokenizer tells whether a folder holds the files of a tokenizer.
func holdsTokenizer(dir string) bool {
	for _, name := range mainFiles {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode().IsRegular() {
			return true
		}
	}
	return false
}
