package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Ask is what to find, and with what.
type Ask struct {
	Name     string // a path, an id such as "Qwen/Qwen3-0.6B", or the name alone
	Revision string // branch, tag or commit; empty is "main"
	Env      func(name string) string
	// WorkingDir is what relative paths start from.
	WorkingDir string
	// CachedOnly forbids the network, as HF_HUB_OFFLINE does.
	CachedOnly bool
	Progress   Progress          // nil: nobody watches
	Transport  http.RoundTripper // nil: the standard one
}

// Found is a tokenizer's folder.
type Found struct {
	Dir  string // absolute; holds the files
	ID   string // the repository, empty for a folder of the user's
	Note string // how the name led there, when that is not obvious
}

// finder is one search.
type finder struct {
	ask      Ask
	cache    cache
	client   *client
	revision string
	tried    []string // in words, for a failure
}

// Find looks for a tokenizer where the user's tools would:
//
//	a path          the folder itself, or the folder of the file; no network ever
//	in the cache    the revision that was fetched before; no network either
//	on the hub      the id as given, else the one that a search finds for it
//
// A failure is a *Failure.
func Find(ctx context.Context, ask Ask) (Found, error) {
	f := &finder{ask: ask, revision: ask.Revision, cache: cacheOf(ask.Env), client: clientOf(ask.Env, ask.Transport)}
	if f.revision == "" {
		f.revision = "main"
	}
	if f.isPath() {
		return f.folder()
	}
	if !validID(ask.Name) {
		return Found{}, f.fail(BadName, "a name on the hub has letters, digits, '-', '_' and '.', and at most one '/'", nil)
	}
	if !validRevision(f.revision) {
		return Found{}, f.fail(BadName, fmt.Sprintf("--tokenizer-revision wants a branch, a tag or a commit, got %q", f.revision), nil)
	}
	found, known, err := f.cached()
	if err != nil || found.Dir != "" {
		return found, err
	}
	if why := f.offline(); why != "" {
		f.note("the model hub: not asked, because %s", why)
		kind := NotCached
		if known {
			kind = RevisionNotCached
		}
		return Found{}, f.fail(kind, "", nil)
	}
	return f.online(ctx)
}

// isPath tells a path from an id: what looks like one, and a folder that exists.
func (f *finder) isPath() bool {
	name := f.ask.Name
	if filepath.IsAbs(name) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.Contains(name, `\`) || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".model") {
		return true
	}
	st, err := os.Stat(f.absolute())
	return err == nil && st.IsDir() && holdsTokenizer(f.absolute())
}

func (f *finder) absolute() string {
	name := f.ask.Name
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		return filepath.Join(f.ask.Env("HOME"), rest)
	}
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(f.ask.WorkingDir, name)
}

func (f *finder) folder() (Found, error) {
	path := f.absolute()
	st, err := os.Stat(path)
	switch {
	case err != nil:
		f.note("%s: %s", path, bare(err))
		return Found{}, f.fail(NoFolder, "", err)
	case st.Mode().IsRegular():
		f.ask.Name = path
		return Found{Dir: path}, nil // the loader looks at the file and at what lies beside it
	case !st.IsDir():
		f.note("%s: neither a folder nor a file", path)
		return Found{}, f.fail(NoFolder, "", nil)
	case !holdsTokenizer(path):
		f.note("%s: has no %s", path, strings.Join(mainFiles, ", no "))
		return Found{}, f.fail(NoFiles, "", nil)
	}
	return Found{Dir: path}, nil
}

// cached looks into the cache: the id as given, else the only repository of that name.
func (f *finder) cached() (found Found, known bool, err error) {
	name := f.ask.Name
	dir, known := f.cache.snapshot(name, f.revision)
	if dir != "" {
		return Found{Dir: dir, ID: name}, true, nil
	}
	if !strings.Contains(name, "/") {
		ids := slices.DeleteFunc(f.cache.ids(name), func(id string) bool { return strings.EqualFold(id, name) })
		if len(ids) == 1 {
			if dir, _ := f.cache.snapshot(ids[0], f.revision); dir != "" {
				return Found{Dir: dir, ID: ids[0], Note: "the only cached repository of that name"}, true, nil
			}
		}
		if len(ids) > 1 {
			f.note("the cache %s: %s fit the name", f.cache.dir, strings.Join(ids, ", "))
			if f.offline() != "" {
				return Found{}, known, f.ambiguous(ids)
			}
			return Found{}, known, nil
		}
	}
	if known {
		f.note("the cache %s: has the repository, but no tokenizer of revision %s", f.cache.dir, f.revision)
	} else {
		f.note("the cache %s: does not have it", f.cache.dir)
	}
	return Found{}, known, nil
}

// offline says why the network must not be asked, "" when it may.
func (f *finder) offline() string {
	if f.ask.CachedOnly {
		return "this command looks at this machine only"
	}
	for _, name := range []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} {
		switch v := strings.ToLower(f.ask.Env(name)); v {
		case "", "0", "false", "no", "off":
		default:
			return name + "=" + v
		}
	}
	return ""
}

// online asks the hub for the id as given, then searches for it.
func (f *finder) online(ctx context.Context) (Found, error) {
	m, err := f.client.model(ctx, f.ask.Name, f.revision)
	if err == nil {
		return f.download(ctx, m, "")
	}
	var s *status
	if !errors.As(err, &s) || s.code != http.StatusNotFound && s.code != http.StatusUnauthorized || s.problem == "RevisionNotFound" || s.problem == "GatedRepo" {
		f.note("%s: %v", f.client.shown(), err)
		return Found{}, f.failOn(err)
	}
	f.note("%s: no repository %s (%v)", f.client.shown(), f.ask.Name, err)
	id, failure := f.search(ctx)
	if failure != nil {
		return Found{}, failure
	}
	if id == "" || id == f.ask.Name {
		return Found{}, f.failOn(err)
	}
	if dir, _ := f.cache.snapshot(id, f.revision); dir != "" {
		return Found{Dir: dir, ID: id, Note: "found by a search on the hub"}, nil
	}
	if m, err = f.client.model(ctx, id, f.revision); err != nil {
		f.note("%s: %s: %v", f.client.shown(), id, err)
		return Found{}, f.failOn(err)
	}
	return f.download(ctx, m, "found by a search on the hub")
}

// search finds the id that a name stands for: itself in another case, else the most
// downloaded one that ends in it. Several that do not are the user's to choose from.
func (f *finder) search(ctx context.Context) (id string, failure error) {
	found, err := f.client.search(ctx, f.ask.Name)
	if err != nil {
		f.note("a search on the hub: %v", err)
		return "", nil
	}
	f.note("a search on the hub: %d repositories", len(found))
	slices.SortStableFunc(found, func(a, b model) int { return int(min(1, max(-1, b.Downloads-a.Downloads))) })
	for _, m := range found {
		if strings.EqualFold(m.ID, f.ask.Name) {
			return m.ID, nil
		}
	}
	for _, m := range found {
		if strings.HasSuffix(strings.ToLower(m.ID), "/"+strings.ToLower(f.ask.Name)) {
			return m.ID, nil
		}
	}
	if len(found) == 0 {
		return "", nil
	}
	var ids []string
	for _, m := range found[:min(len(found), 5)] {
		ids = append(ids, m.ID)
	}
	return "", f.ambiguous(ids)
}

func (f *finder) download(ctx context.Context, m model, note string) (Found, error) {
	if !validID(m.ID) || !validCommit(m.Commit) {
		return Found{}, f.fail(HubError, "the hub names no repository and commit", nil)
	}
	if m.ID != f.ask.Name && note == "" {
		m.ID = f.ask.Name // renamed on the hub: cached under the name that was asked for
	}
	dir, err := f.fetch(ctx, m, f.revision)
	if err != nil {
		f.note("%s: %s: %v", f.client.shown(), m.ID, err)
		return Found{}, f.failOn(err)
	}
	return Found{Dir: dir, ID: m.ID, Note: note}, nil
}

// validID tells whether a name can be a repository's, and a folder's.
func validID(id string) bool {
	parts := strings.Split(id, "/")
	if len(parts) > 2 {
		return false
	}
	for _, p := range parts {
		if p == "" || strings.HasPrefix(p, ".") || strings.Contains(p, "--") || len(p) > 96 {
			return false
		}
		for _, r := range p {
			if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)) {
				return false
			}
		}
	}
	return true
}

// validRevision tells whether a name can be a branch's, and a path's below refs.
func validRevision(name string) bool {
	if len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`\~^:?*[`, r) }) {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") {
			return false
		}
	}
	return true
}

func validCommit(sha string) bool {
	if len(sha) < 7 || len(sha) > 64 {
		return false
	}
	for _, r := range sha {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f') {
			return false
		}
	}
	return true
}
