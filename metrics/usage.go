package metrics

import (
	"math"

	"github.com/tidwall/gjson"
)

// Usage is a server's usage object in one vocabulary, whatever the vendor's. A
// negative figure is absent; 0 is a value.
type Usage struct {
	// PromptTokens is the whole prompt, cached part included. PromptUncachedTokens is
	// set only for vendors that report the two apart.
	PromptTokens             int64
	PromptUncachedTokens     int64
	CompletionTokens         int64
	TotalTokens              int64
	ReasoningTokens          int64 // part of CompletionTokens
	PromptCacheReadTokens    int64
	PromptCacheWriteTokens   int64
	PromptCacheMissTokens    int64
	PromptAudioTokens        int64
	CompletionAudioTokens    int64
	AcceptedPredictionTokens int64
	RejectedPredictionTokens int64
	ToolUsePromptTokens      int64
	PromptAudioSeconds       float64
}

// usageKey names a figure as a vendor calls it.
type usageKey int

const (
	promptTokens usageKey = iota
	inputTokensKey
	promptTokenCount
	inputTokensCamel
	inputTokenCount
	completionTokens
	outputTokens
	candidatesTokenCount
	outputTokensCamel
	generatedTokenCount
	totalTokens
	totalTokenCount
	totalTokensCamel
	thoughtsTokenCount
	cacheReadInputTokens
	promptCacheHitTokens
	cachedContentTokenCount
	cacheReadInputTokensCamel
	cachedTokens
	cacheCreationInputTokens
	cacheWriteInputTokensCamel
	promptCacheMissTokens
	toolUsePromptTokenCount
	promptAudioSeconds

	// Inner fields of the detail objects.
	promptDetailsCached
	inputDetailsCached
	promptDetailsAudio
	inputDetailsAudio
	completionDetailsReasoning
	outputDetailsReasoning
	completionDetailsAudio
	outputDetailsAudio
	completionDetailsAccepted
	outputDetailsAccepted
	completionDetailsRejected
	outputDetailsRejected

	usageKeys
)

// topLevel are the keys of the object itself.
var topLevel = map[string]usageKey{
	"prompt_tokens": promptTokens, "input_tokens": inputTokensKey, "promptTokenCount": promptTokenCount,
	"inputTokens": inputTokensCamel, "input_token_count": inputTokenCount,
	"completion_tokens": completionTokens, "output_tokens": outputTokens, "candidatesTokenCount": candidatesTokenCount,
	"outputTokens": outputTokensCamel, "generated_token_count": generatedTokenCount,
	"total_tokens": totalTokens, "totalTokenCount": totalTokenCount, "totalTokens": totalTokensCamel,
	"thoughtsTokenCount":      thoughtsTokenCount,
	"cache_read_input_tokens": cacheReadInputTokens, "prompt_cache_hit_tokens": promptCacheHitTokens,
	"cachedContentTokenCount": cachedContentTokenCount, "cacheReadInputTokens": cacheReadInputTokensCamel, "cached_tokens": cachedTokens,
	"cache_creation_input_tokens": cacheCreationInputTokens, "cacheWriteInputTokens": cacheWriteInputTokensCamel,
	"prompt_cache_miss_tokens": promptCacheMissTokens,
	"toolUsePromptTokenCount":  toolUsePromptTokenCount,
	"prompt_audio_seconds":     promptAudioSeconds,
}

// details are the keys inside the detail objects.
var details = map[string]map[string]usageKey{
	"prompt_tokens_details": {"cached_tokens": promptDetailsCached, "audio_tokens": promptDetailsAudio},
	"input_tokens_details":  {"cached_tokens": inputDetailsCached, "audio_tokens": inputDetailsAudio},
	"completion_tokens_details": {
		"reasoning_tokens": completionDetailsReasoning, "audio_tokens": completionDetailsAudio,
		"accepted_prediction_tokens": completionDetailsAccepted, "rejected_prediction_tokens": completionDetailsRejected,
	},
	"output_tokens_details": {
		"reasoning_tokens": outputDetailsReasoning, "audio_tokens": outputDetailsAudio,
		"accepted_prediction_tokens": outputDetailsAccepted, "rejected_prediction_tokens": outputDetailsRejected,
	},
}

// usageFigures are the numbers found, by key.
type usageFigures struct {
	values [usageKeys]float64
	found  [usageKeys]bool
}

// ParseUsage reads a usage object as the server sent it. It returns nil when raw is not
// a JSON object or an empty one. Which of a record's objects counts is the caller's
// choice; two are never merged.
func ParseUsage(raw []byte) *Usage {
	if !gjson.ValidBytes(raw) {
		return nil
	}
	object := gjson.ParseBytes(raw)
	if !object.IsObject() {
		return nil
	}
	var f usageFigures
	empty := true
	object.ForEach(func(gjson.Result, gjson.Result) bool {
		empty = false
		return false
	})
	if empty {
		return nil
	}
	f.collect(object)
	// Some vendors wrap the figures. What is at the top already stays.
	for _, wrapper := range [...]string{"usageMetadata", "meta.tokens", "tokens"} {
		f.collect(object.Get(wrapper))
	}
	if cached := object.Get("meta.cached_tokens"); cached.Exists() {
		f.put(cachedTokens, cached)
	}
	return f.usage()
}

// collect takes the known keys of an object that are not there yet.
func (f *usageFigures) collect(object gjson.Result) {
	if !object.IsObject() {
		return
	}
	object.ForEach(func(name, value gjson.Result) bool {
		if key, ok := topLevel[name.Str]; ok {
			f.put(key, value)
		} else if inner, ok := details[name.Str]; ok && value.IsObject() {
			value.ForEach(func(name, value gjson.Result) bool {
				if key, ok := inner[name.Str]; ok {
					f.put(key, value)
				}
				return true
			})
		}
		return true
	})
}

// put keeps the first number of a key. What is no number, null included, is absent.
func (f *usageFigures) put(key usageKey, value gjson.Result) {
	if value.Type != gjson.Number || f.found[key] || value.Num < 0 || !finite(value.Num) {
		return
	}
	f.values[key], f.found[key] = value.Num, true
}

// count is the first present of several names for one count, or −1.
func (f *usageFigures) count(keys ...usageKey) int64 {
	key := f.first(keys)
	if key < 0 {
		return -1
	}
	return int64(f.values[key])
}

// first is the first present key that can be a count: whole, and exact in a float64.
func (f *usageFigures) first(keys []usageKey) usageKey {
	for _, key := range keys {
		if v := f.values[key]; f.found[key] && v == math.Trunc(v) && v <= 1<<53 {
			return key
		}
	}
	return -1
}

func (f *usageFigures) usage() *Usage {
	u := &Usage{
		PromptUncachedTokens:   -1,
		CompletionTokens:       f.count(completionTokens, outputTokens, candidatesTokenCount, outputTokensCamel, generatedTokenCount),
		TotalTokens:            f.count(totalTokens, totalTokenCount, totalTokensCamel),
		ReasoningTokens:        f.count(completionDetailsReasoning, outputDetailsReasoning, thoughtsTokenCount),
		PromptCacheReadTokens:  f.count(promptDetailsCached, inputDetailsCached, cacheReadInputTokens, promptCacheHitTokens, cachedContentTokenCount, cacheReadInputTokensCamel, cachedTokens),
		PromptCacheWriteTokens: f.count(cacheCreationInputTokens, cacheWriteInputTokensCamel),
		PromptCacheMissTokens:  f.count(promptCacheMissTokens),
		PromptAudioTokens:      f.count(promptDetailsAudio, inputDetailsAudio),
		CompletionAudioTokens:  f.count(completionDetailsAudio, outputDetailsAudio),

		AcceptedPredictionTokens: f.count(completionDetailsAccepted, outputDetailsAccepted),
		RejectedPredictionTokens: f.count(completionDetailsRejected, outputDetailsRejected),
		ToolUsePromptTokens:      f.count(toolUsePromptTokenCount),
		PromptAudioSeconds:       -1,
	}
	if f.found[promptAudioSeconds] {
		u.PromptAudioSeconds = f.values[promptAudioSeconds]
	}
	f.prompt(u)
	return u
}

// prompt sets the prompt's size. Anthropic and Bedrock report the uncached part under
// the name that others use for the whole: the cache's parts are added to it.
func (f *usageFigures) prompt(u *Usage) {
	names := []usageKey{promptTokens, inputTokensKey, promptTokenCount, inputTokensCamel, inputTokenCount}
	u.PromptTokens = f.count(names...)
	if from := f.first(names); from != inputTokensKey && from != inputTokensCamel {
		return
	}
	cached := [...]usageKey{cacheReadInputTokens, cacheCreationInputTokens, cacheReadInputTokensCamel, cacheWriteInputTokensCamel}
	uncached := u.PromptTokens
	for _, key := range cached {
		if n := f.count(key); n >= 0 {
			u.PromptUncachedTokens = uncached
			u.PromptTokens += n
		}
	}
}
