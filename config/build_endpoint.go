package config

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpguts"

	"aiperf/plugins"
)

// endpoint resolves models, target and dialect.
func (l *loader) endpoint() {
	b := &l.run.Benchmark
	if !l.f.Models.Set && !l.f.givenBadly("model") {
		l.problems.add("--model", "required", "", "name the model that the server serves")
	}
	b.Models = Models{Names: l.f.Models.Value, Strategy: l.f.ModelStrategy.Or("round_robin")}
	e := &b.Endpoint
	*e = Endpoint{
		Type: l.f.EndpointType.Or("chat"), URLStrategy: l.f.URLStrategy.Or("round_robin"), Path: l.f.Path.Value,
		Streaming: l.f.Streaming.Value, TimeoutSec: l.f.RequestTimeoutSec.Or(21600), APIKey: l.f.APIKey.Value, Headers: l.f.Headers.Value,
		Extra: l.f.ExtraInputs.Value, ConnectionReuse: l.f.ConnectionReuse.Or("pooled"), UseLegacyMaxTokens: l.f.UseLegacyMaxTokens.Value,
		UseServerTokenCount: l.f.UseServerTokenCount.Value, SessionHeader: l.f.SessionHeader.Value,
	}
	if e.Path != "" && !strings.HasPrefix(e.Path, "/") {
		l.problems.add(l.f.Path.As, "must begin with /", e.Path, "write /"+e.Path)
	}
	if name := e.SessionHeader; name != "" && !httpguts.ValidHeaderFieldName(name) {
		l.problems.add(l.f.SessionHeader.As, "not a header name", name, "")
	}
	if key := e.APIKey; !httpguts.ValidHeaderFieldValue(key) {
		l.problems.add(l.f.APIKey.As, "has a control character", "", "check how the key is read")
	}
	l.traits()
	l.urls()
	l.transport()
	l.extras()
}

// traits copies the manifest's metadata of the endpoint type.
func (l *loader) traits() {
	e := &l.run.Benchmark.Endpoint
	m, err := plugins.Metadata[plugins.EndpointMetadata](l.registry, "endpoint", e.Type)
	if err != nil {
		return // the name was reported already
	}
	str, yes := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}, func(b *bool) bool { return b != nil && *b }
	e.Capabilities = EndpointTraits{
		MetricsTitle: str(m.MetricsTitle), EndpointPath: str(m.EndpointPath), StreamingPath: m.StreamingPath, ServiceKind: m.ServiceKind,
		SupportsStreaming: yes(m.SupportsStreaming), ProducesTokens: yes(m.ProducesTokens), TokenizesInput: yes(m.TokenizesInput),
		SupportsImages: m.SupportsImages, SupportsAudio: m.SupportsAudio, SupportsVideos: m.SupportsVideos, ProducesVideos: m.ProducesVideos,
		ConsumesSystemMessage: m.ConsumesSystemMessage,
	}
	if e.Capabilities.ServiceKind == "" {
		e.Capabilities.ServiceKind = "openai"
	}
	if e.Streaming && !e.Capabilities.SupportsStreaming {
		e.Streaming = false
		l.warn(l.f.Streaming.As + ": endpoint type " + e.Type + " cannot stream; the run goes on without streaming")
	}
	if l.f.UseLegacyMaxTokens.Value && !e.Capabilities.ProducesTokens {
		l.problems.add(l.f.UseLegacyMaxTokens.As, "has no effect: endpoint type "+e.Type+" produces no tokens", "", "leave it out")
	}
}

// urls puts a scheme in front where there is none, and checks every URL.
func (l *loader) urls() {
	given := l.f.URLs.Or([]string{defaultURL})
	where := as(l.f.URLs, "--url")
	if len(given) == 0 {
		l.problems.add(where, "needs at least one URL", "", "write "+where+" http://localhost:8000")
	}
	schemes := l.schemes()
	for _, raw := range given {
		u := withScheme(raw)
		if reason, hint := checkURL(u, schemes); reason != "" {
			l.problems.add(where, reason, RedactURL(raw), hint)
			continue
		}
		l.run.Benchmark.Endpoint.URLs = append(l.run.Benchmark.Endpoint.URLs, u)
	}
}

// schemes maps the URL schemes of all transports to the transport's name.
func (l *loader) schemes() map[string]string {
	out := map[string]string{}
	for _, entry := range l.registry.Entries("transport") {
		m, err := plugins.Metadata[plugins.TransportMetadata](l.registry, "transport", entry.Name)
		if err != nil {
			continue
		}
		for _, scheme := range m.URLSchemes {
			if out[scheme] == "" {
				out[scheme] = entry.Name
			}
		}
	}
	return out
}

// transport is the one that was named, or that the first URL's scheme belongs to.
func (l *loader) transport() {
	e := &l.run.Benchmark.Endpoint
	schemes := l.schemes()
	e.Transport = l.f.Transport.Value
	for i, raw := range e.URLs {
		scheme, _, _ := strings.Cut(raw, "://")
		name := schemes[strings.ToLower(scheme)]
		if e.Transport == "" {
			e.Transport = name
		}
		if name != e.Transport {
			where := as(l.f.URLs, "--url")
			if i == 0 {
				where = l.f.Transport.As
			}
			l.problems.add(where, "transport "+e.Transport+" does not speak "+scheme, RedactURL(raw), "use URLs of one transport")
			return
		}
	}
	if e.Transport == "" {
		e.Transport = "http"
	}
}

// notPrefixed are words that stand in front of a colon but are schemes of their own,
// so that "mailto:x" is not taken for a host with a port.
var notPrefixed = map[string]bool{
	"data": true, "file": true, "ftp": true, "ftps": true, "gopher": true, "javascript": true, "ldap": true, "ldaps": true,
	"mailto": true, "sftp": true, "ssh": true, "tel": true, "vbscript": true, "ws": true, "wss": true,
}

// withScheme puts http:// in front of a value without a scheme.
func withScheme(raw string) string {
	if strings.Contains(raw, "://") {
		return raw
	}
	if before, _, ok := strings.Cut(raw, ":"); ok && notPrefixed[strings.ToLower(before)] {
		return raw
	}
	return "http://" + raw
}

// checkURL says what is wrong with a URL, or nothing.
func checkURL(raw string, schemes map[string]string) (reason, hint string) {
	const example = "write something like http://localhost:8000"
	if strings.IndexFunc(raw, unicode.IsSpace) >= 0 {
		return "a URL has no whitespace", example
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme == "" {
		return "missing scheme or host", example
	}
	authority := rest
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	hostPort := authority[strings.LastIndexByte(authority, '@')+1:]
	// The port is checked by hand: the parser's message would repeat user and password.
	if reason := checkPort(hostPort); reason != "" {
		return reason, example
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "not a valid URL", example
	case u.Hostname() == "":
		return "missing scheme or host", example
	}
	if schemes[strings.ToLower(scheme)] == "" {
		return "unknown scheme " + cut(scheme), "there are: " + strings.Join(slices.Sorted(maps.Keys(schemes)), ", ")
	}
	return "", ""
}

func checkPort(hostPort string) string {
	host, port := hostPort, ""
	if i := strings.LastIndexByte(hostPort, ':'); i >= 0 && i > strings.LastIndexByte(hostPort, ']') {
		host, port = hostPort[:i], hostPort[i+1:]
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 || strings.HasPrefix(port, "+") {
			return "the port must be a number from 1 to 65535"
		}
	}
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "an IPv6 address needs brackets, such as [::1]"
	}
	return ""
}

// sizeFields of a request body must be whole numbers; the value is the least allowed.
var sizeFields = map[string]int64{
	"max_tokens": 1, "max_completion_tokens": 1, "max_output_tokens": 1, "max_new_tokens": 1, "min_tokens": 0,
}

// extras checks the fields that are merged into every body, and lets a stream field
// decide whether the run streams.
func (l *loader) extras() {
	e := &l.run.Benchmark.Endpoint
	where := l.f.ExtraInputs.As
	for _, kv := range e.Extra {
		if least, ok := sizeFields[kv.Key]; ok {
			n, err := strconv.ParseInt(string(kv.Value), 10, 64)
			if err != nil || n < least {
				l.problems.add(where, kv.Key+" must be a whole number, at least "+strconv.FormatInt(least, 10), string(kv.Value), "")
			}
			continue
		}
		switch kv.Key {
		case "payload_template":
			l.problems.add(where, "payload_template is not supported by this version", "", "use an endpoint type that `aiperf plugins endpoint` lists")
		case "stream":
			l.streamField(kv)
		}
	}
}

func (l *loader) streamField(kv KeyValue) {
	e := &l.run.Benchmark.Endpoint
	var on bool
	switch {
	case json.Unmarshal(kv.Value, &on) != nil:
		l.problems.add(l.f.ExtraInputs.As, "stream must be true or false", string(kv.Value), "")
	case on && !e.Capabilities.SupportsStreaming:
		l.problems.add(l.f.ExtraInputs.As, "stream: endpoint type "+e.Type+" cannot stream", "true", "leave it out")
	case on != e.Streaming:
		e.Streaming = on
		l.warn(l.f.ExtraInputs.As + ": stream:" + strconv.FormatBool(on) + " decides: the run is measured as streaming = " + strconv.FormatBool(on))
	}
}
