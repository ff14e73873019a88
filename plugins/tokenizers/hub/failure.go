package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// Kind is why no tokenizer was found.
type Kind int

// Kinds of failures.
const (
	HubError Kind = iota // the hub or the way to it
	BadName
	NoFolder
	NoFiles
	NotCached
	RevisionNotCached
	NotFound
	RevisionNotFound
	Gated
	Ambiguous
	CacheError
	TimedOut
)

// Failure says what was looked for, why it was not found, what was tried, and what helps.
type Failure struct {
	Kind     Kind
	Name     string
	Revision string
	Reason   string
	Tried    []string // in order
	Hints    []string
	cause    error
}

func (f *Failure) Unwrap() error { return f.cause }

// Error is the failure in one line per thing that was tried and that helps.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tokenizer %s: %s", f.Name, f.Reason)
	for _, t := range f.Tried {
		b.WriteString("\n  tried " + t)
	}
	for i, h := range f.Hints {
		word := "\n  or    "
		if i == 0 {
			word = "\n  help: "
		}
		b.WriteString(word + h)
	}
	return b.String()
}

var errNoFiles = errors.New("the repository has no " + strings.Join(mainFiles, ", no "))

// cacheError is a failure of the cache's folder.
type cacheError struct{ err error }

func (e *cacheError) Error() string { return "cannot write to the cache: " + e.err.Error() }
func (e *cacheError) Unwrap() error { return e.err }

func (f *finder) note(format string, args ...any) {
	f.tried = append(f.tried, fmt.Sprintf(format, args...))
}

// Ways out that always exist.
const (
	hintLocal   = "name a folder that holds the files: --tokenizer /path/to/folder"
	hintBuiltin = "count with the embedded vocabulary: --tokenizer builtin (lengths are then approximate for this model)"
	hintServer  = "take the server's counts: --use-server-token-count (not for synthetic prompts of a given length)"
)

func (f *finder) fail(kind Kind, reason string, cause error) *Failure {
	out := &Failure{Kind: kind, Name: f.ask.Name, Revision: f.revision, Reason: reason, Tried: f.tried, cause: cause}
	out.explain()
	out.Hints = append(out.Hints, hintLocal, hintBuiltin, hintServer)
	return out
}

// explain adds what is particular to the kind.
func (f *Failure) explain() {
	say := func(reason string, hints ...string) {
		if f.Reason == "" {
			f.Reason = reason
		}
		f.Hints = hints
	}
	switch f.Kind {
	case NoFolder:
		say("there is no such folder or file")
	case NoFiles:
		say("no tokenizer lies there")
	case NotCached:
		say("it is not on this machine, and the network is not to be used", "fetch it while the network is there: hf download "+f.Name)
	case RevisionNotCached:
		say("revision "+f.Revision+" is not on this machine, and the network is not to be used", "drop or replace --tokenizer-revision", "fetch it while the network is there: hf download "+f.Name+" --revision "+f.Revision)
	case NotFound:
		say("the hub has no such repository, or it is private", "give the full id, owner/name", "set HF_TOKEN if it is private")
	case RevisionNotFound:
		say("the repository has no revision "+f.Revision, "drop or replace --tokenizer-revision")
	case Gated:
		say("the repository is gated", "accept its terms on the hub and set HF_TOKEN")
	case CacheError:
		say("the cache of the hub cannot be written", "make it writable, or name another with HF_HOME or HF_HUB_CACHE")
	case TimedOut:
		say("the hub did not answer in time", "try again, or raise AIPERF_TOKENIZER_PRELOAD_TIMEOUT")
	case HubError:
		say("the hub could not be asked", "try again, or set HF_ENDPOINT if the hub is reached another way")
	}
}

func (f *finder) ambiguous(ids []string) *Failure {
	out := f.fail(Ambiguous, "several repositories fit the name: "+strings.Join(ids, ", "), nil)
	out.Hints = append([]string{"give the full id: --tokenizer " + ids[0]}, out.Hints...)
	return out
}

// failOn finds the kind of an error of the hub or of the cache.
func (f *finder) failOn(err error) *Failure {
	var (
		s     *status
		cache *cacheError
	)
	switch {
	case errors.Is(err, errNoFiles):
		return f.fail(NoFiles, errNoFiles.Error(), err)
	case errors.As(err, &cache):
		return f.fail(CacheError, "", err)
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return f.fail(TimedOut, "", err)
	case !errors.As(err, &s):
		return f.fail(HubError, "", err)
	case s.problem == "RevisionNotFound":
		return f.fail(RevisionNotFound, "", err)
	case s.problem == "GatedRepo" || s.code == http.StatusForbidden:
		return f.fail(Gated, "", err)
	case s.code == http.StatusNotFound, s.code == http.StatusUnauthorized:
		return f.fail(NotFound, "", err)
	}
	return f.fail(HubError, "", err)
}

// bare is a file error without its path.
func bare(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
