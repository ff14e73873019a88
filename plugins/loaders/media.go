package loaders

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
)

// modality is a kind of content: how its two keys are called, and what its files are.
type modality struct {
	one, many string
	formats   []mediaFormat
	supported string
	data      bool // files become data URLs, else `<format>,<base64>`
}

type mediaFormat struct {
	name  string
	is    func(head []byte) bool
	known bool // it can be sent
}

func begins(with string) func([]byte) bool {
	return func(b []byte) bool { return bytes.HasPrefix(b, []byte(with)) }
}

var (
	texts  = modality{one: "text", many: "texts"}
	images = modality{one: "image", many: "images", data: true, supported: "png, jpeg", formats: []mediaFormat{
		{"png", begins("\x89PNG\r\n\x1a\n"), true}, {"jpeg", begins("\xff\xd8\xff"), true},
		{"BMP", begins("BM"), false}, {"GIF", begins("GIF8"), false}, {"TIFF", begins("II*\x00"), false},
		{"WEBP", func(b []byte) bool { return len(b) > 12 && string(b[8:12]) == "WEBP" }, false},
	}}
	audios = modality{one: "audio", many: "audios", supported: "wav, mp3", formats: []mediaFormat{
		{"wav", func(b []byte) bool { return len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WAVE" }, true},
		{"mp3", func(b []byte) bool {
			return bytes.HasPrefix(b, []byte("ID3")) || len(b) > 1 && b[0] == 0xff && b[1]&0xe0 == 0xe0
		}, true},
		{"FLAC", begins("fLaC"), false}, {"OGG", begins("OggS"), false},
	}}
	videos = modality{one: "video", many: "videos", data: true, supported: "mp4, webm", formats: []mediaFormat{
		{"mp4", func(b []byte) bool { return len(b) > 12 && string(b[4:8]) == "ftyp" }, true}, {"webm", begins("\x1a\x45\xdf\xa3"), true},
		{"AVI", begins("RIFF"), false},
	}}
	modalities = []*modality{&texts, &images, &audios, &videos}
)

// media reads the fields of a modality. base is the folder of the file, where paths in rows
// are looked for when the working directory has none.
func (m *modality) media(r *report, f fields, path, base string) (out []dataset.Media) {
	if f.has(m.one) && f.has(m.many) {
		r.say(path, "%s and %s cannot be set together", m.one, m.many)
	}
	if v, ok := f[m.one]; ok {
		if v.Type != gjson.String {
			r.say(join(path, m.one), "want a string, got %s", kindName(v))
		} else if v.Str != "" {
			m.check(r, join(path, m.one), v.Str, base)
			out = append(out, dataset.Media{Contents: []string{v.Str}})
		}
	}
	v, ok := f[m.many]
	if !ok {
		return out
	}
	if !v.IsArray() {
		r.say(join(path, m.many), "want a list of strings or of objects, got %s", kindName(v))
		return out
	}
	var plain []string
	n := 0
	v.ForEach(func(_, item gjson.Result) bool {
		where := at(join(path, m.many), n)
		n++
		switch {
		case item.Type == gjson.String:
			m.check(r, where, item.Str, base)
			plain = append(plain, item.Str)
		case item.IsObject():
			out = append(out, m.named(r, item, where, base))
		default:
			r.say(where, "want a string or an object, got %s", kindName(item))
		}
		return true
	})
	if plain != nil && out != nil {
		r.say(join(path, m.many), "want strings or objects, not both")
	}
	if plain != nil {
		out = append(out, dataset.Media{Contents: plain})
	}
	return out
}

func (m *modality) named(r *report, v gjson.Result, path, base string) dataset.Media {
	out := dataset.Media{Name: v.Get("name").String(), Contents: []string{}}
	contents := v.Get("contents")
	if contents.Exists() && !contents.IsArray() {
		r.say(join(path, "contents"), "want a list of strings, got %s", kindName(contents))
	}
	contents.ForEach(func(_, c gjson.Result) bool {
		if c.Type != gjson.String {
			r.say(join(path, "contents"), "want a list of strings, got %s in it", kindName(c))
			return true
		}
		m.check(r, join(path, "contents"), c.Str, base)
		out.Contents = append(out.Contents, c.Str)
		return true
	})
	return out
}

// inlined tells content that is sent as it stands: a URL, a data URL, `wav,…`.
func (m *modality) inlined(content string) (inline bool, reason string) {
	if m == &texts || content == "" || strings.HasPrefix(content, "data:") {
		return true, ""
	}
	if strings.HasPrefix(content, "wav,") || strings.HasPrefix(content, "mp3,") {
		return m == &audios, ""
	}
	if !strings.Contains(content, "://") {
		return false, ""
	}
	if u, err := url.Parse(content); err != nil || u.Scheme == "" || u.Host == "" {
		return true, "a URL needs a scheme and a host"
	}
	return true, ""
}

// check looks at content without reading the whole of a file.
func (m *modality) check(r *report, path, content, base string) {
	inline, reason := m.inlined(content)
	if !inline {
		_, _, reason = m.load(content, base, true)
	}
	if reason != "" {
		r.say(path, "%s (got %.80s)", reason, content)
	}
}

// load reads a media file: its bytes, as they are.
func (m *modality) load(path, base string, headOnly bool) (format string, content []byte, reason string) {
	full := path
	if _, err := os.Stat(full); err != nil && !filepath.IsAbs(path) {
		full = filepath.Join(base, path)
	}
	var err error
	if headOnly {
		content, err = head(full)
	} else {
		content, err = dataset.ReadFile(full)
	}
	if os.IsNotExist(err) || err != nil && strings.Contains(err.Error(), "no such file") {
		return "", nil, "the file does not exist"
	}
	if err != nil {
		return "", nil, "the file cannot be read: " + err.Error()
	}
	for _, f := range m.formats {
		if f.is(content) {
			if !f.known {
				return "", nil, fmt.Sprintf("a file of format %s; supported are %s", f.name, m.supported)
			}
			return f.name, content, ""
		}
	}
	return "", nil, "a file of no known format; supported are " + m.supported
}

func head(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 32)
	n, _ := f.Read(b)
	return b[:n], nil
}

// fill puts the contents of files into their places.
func (m *modality) fill(list []dataset.Media, base string) error {
	for i := range list {
		for k, content := range list[i].Contents {
			if inline, _ := m.inlined(content); inline {
				continue
			}
			format, b, reason := m.load(content, base, false)
			if reason != "" {
				return fmt.Errorf("%s: %s", content, reason)
			}
			text := base64.StdEncoding.EncodeToString(b)
			if m.data {
				list[i].Contents[k] = "data:" + m.one + "/" + format + ";base64," + text
			} else {
				list[i].Contents[k] = format + "," + text
			}
		}
	}
	return nil
}
