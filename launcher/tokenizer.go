package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aiperf/config"
	"aiperf/plugins/tokenizers"
	"aiperf/plugins/tokenizers/hub"
)

// resolveTokenizer finds a tokenizer, fetches it if it has to, and compiles it, so that no
// process of the run has more to do than to map a file.
func resolveTokenizer(ctx context.Context, state *State, ask config.TokenizerAsk) (config.TokenizerChoice, error) {
	if encoding, ok := tokenizers.Embedded(ask.Name); ok && !isFolder(state, ask.Name) {
		return config.TokenizerChoice{Plugin: "builtin", Encoding: encoding}, nil
	}
	env := func(name string) string {
		value, _ := lookup(ask.Env, name)
		return value
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ask.TimeoutSec*float64(time.Second)))
	defer cancel()
	bar := newDownloadBar(state)
	found, err := hub.Find(ctx, hub.Ask{Name: ask.Name, Revision: ask.Revision, Env: env, WorkingDir: state.WorkingDir, Progress: bar.tell})
	bar.end()
	if err != nil {
		return config.TokenizerChoice{}, err
	}
	choice := config.TokenizerChoice{Plugin: "file", Path: found.Dir, Resolved: found.ID}
	if found.Note != "" {
		choice.Warning = fmt.Sprintf("tokenizer %s: uses %s, %s", ask.Name, found.ID, found.Note)
	}
	compiled, err := tokenizers.Prepare(found.Dir, filepath.Join(config.CacheDir(ask.Env), "tokenizers"))
	var cache *tokenizers.CacheError
	switch {
	case errors.As(err, &cache): // slower, and no less right
		choice.Warning = strings.TrimPrefix(choice.Warning+"; ", "; ") + fmt.Sprintf("tokenizer %s: %v: every process loads it by itself", ask.Name, err)
	case err != nil:
		return config.TokenizerChoice{}, fmt.Errorf("tokenizer %s: %w", ask.Name, err)
	default:
		choice.Path = compiled
	}
	if ask.ChatTemplate {
		t, err := tokenizers.NewFile(tokenizers.Config{Path: choice.Path})
		if err != nil {
			return config.TokenizerChoice{}, err
		}
		choice.ChatTemplate = t.(tokenizers.Chat).HasChatTemplate()
	}
	return choice, nil
}

// nameTokenizer finds a tokenizer on this machine only. One that is not there is fetched when
// the run starts: its name is all that can be checked.
func nameTokenizer(ctx context.Context, state *State, ask config.TokenizerAsk) (config.TokenizerChoice, error) {
	ask.Env = append([]string{"HF_HUB_OFFLINE=1"}, ask.Env...)
	choice, err := resolveTokenizer(ctx, state, ask)
	var f *hub.Failure
	if errors.As(err, &f) && (f.Kind == hub.NotCached || f.Kind == hub.RevisionNotCached) {
		return config.TokenizerChoice{Plugin: "file", Path: ask.Name}, nil
	}
	return choice, err
}

// isFolder tells a folder of the user's from an embedded vocabulary of the same name.
func isFolder(state *State, name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(state.WorkingDir, name)
	}
	st, err := os.Stat(filepath.Join(name, "tokenizer.json"))
	return err == nil && st.Mode().IsRegular()
}

// downloadBar shows a download on a terminal, and nothing anywhere else.
type downloadBar struct {
	state *State
	on    bool
	last  time.Time
	shown bool
}

func newDownloadBar(state *State) *downloadBar {
	_, on := terminal(state.Stderr)
	return &downloadBar{state: state, on: on}
}

const barEvery = 100 * time.Millisecond

func (b *downloadBar) tell(file string, done, total int64) {
	if !b.on || time.Since(b.last) < barEvery && done != total {
		return
	}
	b.last, b.shown = time.Now(), true
	if total > 0 {
		const width = 30
		full := int(done * width / total)
		fmt.Fprintf(b.state.Stderr, "\r\033[K%s [%s%s] %d %%", file, strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/total)
		return
	}
	fmt.Fprintf(b.state.Stderr, "\r\033[K%s %.1f MB", file, float64(done)/1e6)
}

func (b *downloadBar) end() {
	if b.shown {
		fmt.Fprint(b.state.Stderr, "\r\033[K")
	}
}
