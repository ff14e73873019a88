package tokenizers

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// A rank file has a token in base64 and its id on each line; of two possible merges the one
// that makes the token with the smaller id comes first. It does not say how text is cut
// before: a file that bears the name of a known encoding is cut as that is, any other one
// by the expression that the models which come as rank files share.

// isRankFile tells a rank file from other files by its first line.
func isRankFile(text []byte) bool {
	line, _, _ := strings.Cut(string(text[:min(len(text), 4096)]), "\n")
	token, id, ok := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
	if !ok || token == "" {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(token)
	_, bad := strconv.Atoi(id)
	return err == nil && bad == nil
}

// parseRankFile builds a pipeline from a rank file. config is the text of a
// tokenizer_config.json, which has the special tokens; nil without one.
func parseRankFile(text []byte, name string, config []byte) (*Pipeline, error) {
	var entries []entry
	count := 0
	for n, line := range strings.Split(strings.TrimRight(string(text), "\r\n"), "\n") {
		token, number, _ := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
		raw, err := base64.StdEncoding.DecodeString(token)
		id, bad := strconv.Atoi(number)
		if err != nil || len(raw) == 0 {
			return nil, fmt.Errorf("line %d: want a token in base64, got %.40q", n+1, token)
		}
		if bad != nil || id < 0 || id > 64*(count+16)+1<<16 {
			return nil, fmt.Errorf("line %d: the id %.20q is out of range", n+1, number)
		}
		for id >= len(entries) {
			entries = append(entries, entry{hidden: true})
		}
		if entries[id].text != "" {
			return nil, fmt.Errorf("line %d: the id %d comes twice", n+1, id)
		}
		entries[id] = entry{text: string(raw)}
		count++
	}
	d, known := dialects[strings.TrimSuffix(filepath.Base(name), ".tiktoken")]
	if !known {
		d = dialect{expressionCL100K, configTokens(config)}
	}
	t := newPipeline()
	quoted, err := json.Marshal(d.expression)
	if err != nil {
		return nil, err
	}
	t.source.PreTokenizer = json.RawMessage(`{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":` + string(quoted) + `},"behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}`)
	t.source.Decoder = json.RawMessage(`{"type":"ByteLevel"}`)
	if err := t.readParts(); err != nil {
		return nil, err
	}
	t.raw, t.lex, t.base = true, newLexicon(entries), count
	t.fuseCutters()
	if err := t.rankModel(entries); err != nil {
		return nil, err
	}
	return t, t.addTokens(specialTokens(d.specials))
}

// rankModel joins the tokens whose bytes together are a token.
func (t *Pipeline) rankModel(entries []entry) error {
	b := &bpe{lex: t.lex, ignore: true, unknown: -1, atoms: &[256]int32{}}
	for c := range 256 {
		if b.atoms[c] = int32(t.lex.find([]byte{byte(c)})); b.atoms[c] < 0 {
			return fmt.Errorf("byte %d has no token", c)
		}
	}
	var list []merge
	for id, e := range entries {
		if len(e.text) > largestMerge {
			continue // no text is joined to it step by step
		}
		for i := 1; i < len(e.text); i++ {
			left, right := t.lex.find(bytesOf(e.text[:i])), t.lex.find(bytesOf(e.text[i:]))
			if left >= 0 && right >= 0 {
				list = append(list, merge{left, right, id})
			}
		}
	}
	if len(list) == 0 && len(entries) > 512 {
		return errors.New("no token is made of two others")
	}
	b.table = newMerges(list)
	for _, e := range list { // the rank is the id
		at := b.table.slot(uint64(e.left)<<32 | uint64(e.right) + 1)
		b.table.values[at] = uint64(e.id)<<32 | uint64(e.id)
	}
	b.settle()
	t.model = b
	return nil
}

// largestMerge bounds the bytes of a token that is looked at in all its parts.
const largestMerge = 1 << 12

// configTokens reads added_tokens_decoder of a tokenizer_config.json: {id: {content}}.
func configTokens(config []byte) map[string]int {
	out := map[string]int{}
	gjson.GetBytes(config, "added_tokens_decoder").ForEach(func(id, token gjson.Result) bool {
		if n, err := strconv.Atoi(id.Str); err == nil && token.Get("content").Str != "" {
			out[token.Get("content").Str] = n
		}
		return true
	})
	return out
}

func specialTokens(ids map[string]int) (list []addedToken) {
	for text, id := range ids {
		list = append(list, addedToken{ID: id, Content: text, Special: true})
	}
	sort.Slice(list, func(i, k int) bool { return list[i].ID < list[k].ID })
	return list
}
