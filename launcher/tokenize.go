package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/urfave/cli/v2"

	"aiperf/config"
	"aiperf/plugins"
	"aiperf/plugins/tokenizers"
)

// tokenizeCommand shows what a tokenizer makes of a text.
func tokenizeCommand(state *State) *cli.Command {
	return &cli.Command{
		Name:      "tokenize",
		Usage:     "turn text into token ids, or back",
		ArgsUsage: "[TEXT ...]",
		Description: "Takes the text from the arguments (joined by spaces), from --file, or from standard input, and prints\n" +
			"its token ids and how many there are: the count that a run would report. Special tokens that a\n" +
			"tokenizer puts around a text are added with --special only; the text of one inside is always that token.\n" +
			"With --json every line of the input is a text, as a JSON string, as {\"text\": ...}, or as it stands, and\n" +
			"every line of the output is {\"ids\":[...],\"count\":N}. With --decode ids come in (a JSON list or\n" +
			"{\"ids\":[...]} with --json) and text goes out, special tokens with --special only.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "tokenizer", Aliases: []string{"t"}, Value: "builtin", Usage: "`NAME` on the model hub, folder, or embedded vocabulary"},
			&cli.StringFlag{Name: "tokenizer-revision", Usage: "`REVISION` on the model hub: branch, tag or commit"},
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "read `FILE`"},
			&cli.BoolFlag{Name: "json", Usage: "JSON lines in and out"},
			&cli.BoolFlag{Name: "decode", Aliases: []string{"d"}, Usage: "ids to text"},
			&cli.BoolFlag{Name: "special", Usage: "with the tokenizer's special tokens"},
			&cli.BoolFlag{Name: "chat", Usage: "the text is a JSON list of messages, which the model's chat template turns into its prompt"},
		},
		Action: func(c *cli.Context) error {
			return state.interruptible(func(ctx context.Context) error { return runTokenize(ctx, state, c) })
		},
	}
}

func runTokenize(ctx context.Context, state *State, c *cli.Context) error {
	z := tokenize{decode: c.Bool("decode"), special: c.Bool("special"), chat: c.Bool("chat")}
	switch {
	case c.IsSet("file") && c.NArg() > 0:
		return exitError{2, errors.New("--file: cannot be used together with a text as argument")}
	case z.chat && z.decode:
		return exitError{2, errors.New("--chat: cannot be used together with --decode")}
	case c.String("tokenizer") == "":
		return exitError{2, errors.New("--tokenizer: wants a name, a folder, or builtin")}
	}
	var err error
	if z.tokenizer, err = openTokenizer(ctx, state, c.String("tokenizer"), c.String("tokenizer-revision")); err != nil {
		return exitError{2, fmt.Errorf("--tokenizer: %w", err)}
	}
	if t, ok := z.tokenizer.(tokenizers.Chat); z.chat && (!ok || !t.HasChatTemplate()) {
		return exitError{2, fmt.Errorf("--chat: tokenizer %s has no chat template", c.String("tokenizer"))}
	}
	in, where, err := tokenizeInput(state, c)
	if err != nil {
		return exitError{1, err}
	}
	defer in.Close()
	z.where = where
	out := bufio.NewWriterSize(state.Stdout, 1<<16)
	if c.Bool("json") {
		err = z.lines(in, out)
	} else {
		err = z.whole(in, out)
	}
	if e := out.Flush(); err == nil && e != nil {
		err = e
	}
	if err != nil {
		return exitError{1, err}
	}
	return nil
}

// openTokenizer makes the tokenizer of a name, as a run would.
func openTokenizer(ctx context.Context, state *State, name, revision string) (tokenizers.Special, error) {
	env, _, problems := config.ParseEnvironment(state.Env)
	if len(problems) > 0 {
		return nil, problems
	}
	choice, err := resolveTokenizer(ctx, state, config.TokenizerAsk{Name: name, Revision: revision, TimeoutSec: env.Tokenizer.PreloadTimeoutSec, Env: state.Env})
	if err != nil {
		return nil, err
	}
	make, err := plugins.Constructor[tokenizers.Constructor](plugins.Builtin(), "tokenizer", choice.Plugin)
	if err != nil {
		return nil, err
	}
	t, err := make(tokenizers.Config{Encoding: choice.Encoding, Path: choice.Path, Name: name})
	if err != nil {
		return nil, err
	}
	special, ok := t.(tokenizers.Special)
	if !ok {
		return nil, fmt.Errorf("%s knows no special tokens", name)
	}
	return special, nil
}

// tokenizeInput is where the text comes from, and what to call it.
func tokenizeInput(state *State, c *cli.Context) (in io.ReadCloser, where string, err error) {
	switch {
	case c.NArg() > 0:
		return io.NopCloser(strings.NewReader(strings.Join(c.Args().Slice(), " "))), "argument", nil
	case c.IsSet("file"):
		path := c.String("file")
		if !filepath.IsAbs(path) {
			path = filepath.Join(state.WorkingDir, path)
		}
		f, err := os.Open(path)
		return f, c.String("file"), err
	}
	return io.NopCloser(state.Stdin), "stdin", nil
}

// tokenize is one use of the command.
type tokenize struct {
	tokenizer       tokenizers.Special
	decode, special bool
	chat            bool // texts are lists of messages
	where           string
}

func (z *tokenize) ids(text string) ([]int, error) {
	if z.chat {
		var err error
		if text, err = z.tokenizer.(tokenizers.Chat).RenderChat(text, true); err != nil {
			return nil, err
		}
	}
	encode := z.tokenizer.Encode
	if z.special {
		encode = z.tokenizer.EncodeSpecial
	}
	return encode(text), tokenizers.Check(z.tokenizer)
}

func (z *tokenize) text(ids []int) (string, error) {
	decode := z.tokenizer.DecodePlain
	if z.special {
		decode = z.tokenizer.Decode
	}
	return decode(ids), tokenizers.Check(z.tokenizer)
}

// mostInput bounds a text that is taken as a whole, and a line.
const mostInput = 1 << 30

// whole takes all of the input as one text, or as ids between blanks or commas.
func (z *tokenize) whole(in io.Reader, out io.Writer) error {
	all, err := io.ReadAll(io.LimitReader(in, mostInput+1))
	if err != nil {
		return fmt.Errorf("%s: %w", z.where, err)
	}
	if len(all) > mostInput {
		return fmt.Errorf("%s: larger than 1 GiB; cut it into lines and use --json", z.where)
	}
	if z.decode {
		ids, err := parseIDs(string(all))
		if err != nil {
			return fmt.Errorf("%s: %w", z.where, err)
		}
		text, err := z.text(ids)
		if err != nil {
			return fmt.Errorf("%s: %w", z.where, err)
		}
		_, err = io.WriteString(out, text+"\n")
		return err
	}
	ids, err := z.ids(string(all))
	if err != nil {
		return fmt.Errorf("%s: %w", z.where, err)
	}
	_, err = fmt.Fprintf(out, "%s\n%d tokens\n", strings.Trim(fmt.Sprint(ids), "[]"), len(ids))
	return err
}

func parseIDs(text string) (ids []int, err error) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]", r) }) {
		id, err := strconv.Atoi(word)
		if err != nil || id < 0 {
			return nil, fmt.Errorf("want token ids, got %.40q", word)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// lines takes line by line.
func (z *tokenize) lines(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), mostInput)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for n := 1; lines.Scan(); n++ {
		answer, err := z.line(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%s:%d: %w", z.where, n, err)
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", z.where, err)
	}
	return nil
}

func (z *tokenize) line(line []byte) (any, error) {
	v := gjson.Result{}
	if gjson.ValidBytes(line) {
		v = gjson.ParseBytes(line)
	}
	if z.decode {
		if v.IsObject() {
			v = v.Get("ids")
		}
		if !v.IsArray() {
			return nil, fmt.Errorf("want a list of token ids, got %.60q", line)
		}
		ids, err := parseIDs(v.Raw)
		if err != nil {
			return nil, err
		}
		text, err := z.text(ids)
		return struct {
			Text string `json:"text"`
		}{text}, err
	}
	text := string(line)
	if v.Type == gjson.String {
		text = v.Str
	} else if v.IsObject() && v.Get("text").Type == gjson.String {
		text = v.Get("text").Str
	}
	ids, err := z.ids(text)
	return struct {
		IDs   []int `json:"ids"`
		Count int   `json:"count"`
	}{ids, len(ids)}, err
}
