package tokenizers

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"aiperf/config/jinja"
)

// chat is what a tokenizer's files say about conversations.
type chat struct {
	Template string `json:"template,omitempty"`
	// Tokens are the texts that templates know by name, such as bos_token.
	Tokens map[string]string `json:"tokens,omitempty"`
}

// read finds the template: chat_template.jinja, else the one in tokenizer_config.json, where
// it stands alone or among others as "default".
func (c *chat) read(config []byte, path string) error {
	root := gjson.ParseBytes(config)
	root.ForEach(func(key, v gjson.Result) bool {
		if v.IsObject() {
			v = v.Get("content")
		}
		if v.Type == gjson.String && strings.HasSuffix(key.Str, "_token") {
			if c.Tokens == nil {
				c.Tokens = map[string]string{}
			}
			c.Tokens[key.Str] = v.Str
		}
		return true
	})
	file, err := readFile(path)
	switch {
	case err == nil:
		c.Template = string(file)
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	t := root.Get("chat_template")
	c.Template = t.String()
	if t.IsArray() {
		c.Template = t.Get(`#(name=="default").template`).String()
	}
	return nil
}

func (c *chat) parse() (*jinja.Template, error) {
	if c.Template == "" {
		return nil, errors.New("the tokenizer has no chat template")
	}
	t, err := jinja.Parse(c.Template, jinja.Options{TrimBlocks: true, LstripBlocks: true, PlainJSON: true, Now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	return t, nil
}

// HasChatTemplate implements Chat.
func (t *Pipeline) HasChatTemplate() bool { return t.chat.Template != "" }

// RenderChat implements Chat, with what the reference gives to a template: the messages, no
// tools, no documents, and the special tokens by their names.
func (t *Pipeline) RenderChat(messages string, prompt bool) (string, error) {
	template, err := t.template()
	if err != nil {
		return "", err
	}
	if !gjson.Valid(messages) {
		return "", errors.New("chat template: the messages are no JSON")
	}
	vars := jinja.NewDict()
	for name, text := range t.chat.Tokens {
		vars.Set(name, text)
	}
	vars.Set("messages", jinja.FromJSON(gjson.Parse(messages)))
	vars.Set("tools", nil)
	vars.Set("documents", nil)
	vars.Set("add_generation_prompt", prompt)
	text, err := template.Render(vars)
	if err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}

// Overhead is what a chat template costs in tokens beside the contents: Fixed once for a
// conversation, Message for each message. Without a template, or with one that cannot be
// measured, both are 0.
type Overhead struct{ Fixed, Message int }

// probes are texts of different sizes and kinds.
var probes = []string{"Hello", "The quick brown fox jumps over the lazy dog.", "Benchmarking measures how fast a server answers 42 questions, one after another."}

// ChatOverhead measures t's template by conversations of one message and of three.
func ChatOverhead(t Tokenizer) Overhead {
	c, ok := t.(Chat)
	if !ok || !c.HasChatTemplate() {
		return Overhead{}
	}
	var fixed, message float64
	for _, s := range probes {
		user, assistant := fmt.Sprintf(`{"role":"user","content":%q}`, s), fmt.Sprintf(`{"role":"assistant","content":%q}`, s)
		one, err := c.RenderChat("["+user+"]", true)
		three, err3 := c.RenderChat("["+user+","+assistant+","+user+"]", true)
		if errors.Join(err, err3) != nil {
			return Overhead{}
		}
		length, len1 := float64(t.Count(s)), float64(t.Count(one))
		w := (float64(t.Count(three)) - len1 - 2*length) / 2
		message += w
		fixed += len1 - length - w - float64(t.NumSpecialTokens())
	}
	n := float64(len(probes))
	o := Overhead{Fixed: int(math.RoundToEven(fixed / n)), Message: int(math.RoundToEven(message / n))}
	if o.Fixed < 0 || o.Message < 0 {
		return Overhead{}
	}
	return o
}
