package endpoints

import (
	"fmt"
	"strings"

	"aiperf/dataset"
)

// parts is the content list of a message under construction.
type parts struct{ b []byte }

// newParts makes room for everything that the turn holds.
func newParts(t *dataset.Turn) *parts {
	size := 64
	for _, kind := range [][]dataset.Media{t.Texts, t.Images, t.Audios, t.Videos} {
		for _, item := range kind {
			for _, content := range item.Contents {
				size += len(content) + 80
			}
		}
	}
	return &parts{append(make([]byte, 0, size), '[')}
}

// next begins a part.
func (p *parts) next() {
	if len(p.b) > 1 {
		p.b = append(p.b, ',')
	}
}

// media appends pictures, sounds and films, in this order.
func (p *parts) media(t *dataset.Turn) error {
	each(t.Images, func(url string) { p.url("image_url", url) })
	var err error
	each(t.Audios, func(content string) {
		format, data, e := splitAudio(content)
		if e != nil {
			err = e
			return
		}
		p.next()
		p.b = append(p.b, `{"type":"input_audio","input_audio":{"data":`...)
		p.b = appendString(p.b, data)
		p.b = append(p.b, `,"format":`...)
		p.b = append(appendString(p.b, format), "}}"...)
	})
	each(t.Videos, func(url string) { p.url("video_url", url) })
	return err
}

func (p *parts) url(kind, url string) {
	p.next()
	p.b = append(p.b, `{"type":"`+kind+`","`+kind+`":{"url":`...)
	p.b = append(appendString(p.b, url), "}}"...)
}

// each hands over the contents that are not empty.
func each(items []dataset.Media, use func(content string)) {
	for _, item := range items {
		for _, content := range item.Contents {
			if content != "" {
				use(content)
			}
		}
	}
}

// splitAudio takes `<format>,<base64>` or `data:audio/<format>;base64,<base64>` apart.
func splitAudio(content string) (format, data string, err error) {
	head, data, ok := strings.Cut(content, ",")
	if !ok {
		return "", "", refuse(fmt.Sprintf("a sound is written <format>,<base64>; this one has no comma: %q, %d characters", content[:min(40, len(content))], len(content)))
	}
	kind, isURL := strings.CutPrefix(head, "data:")
	if !isURL {
		return strings.ToLower(head), data, nil
	}
	kind, _, _ = strings.Cut(kind, ";")
	if _, format, ok = strings.Cut(kind, "/"); !ok || format == "" {
		format = "wav"
	}
	return strings.ToLower(format), data, nil
}
