package config

import (
	"net/url"
	"regexp"
	"sort"
	"strings"
)

// Redacted stands for a secret wherever something is written down. Nothing is
// removed from what runs.
const Redacted = "<redacted>"

// sensitiveParts make a name sensitive when it contains one of them. They cover the
// well-known names (Authorization, X-API-Key, Cookie …) too.
var sensitiveParts = []string{
	"auth", "token", "secret", "password", "passwd", "credential", "cookie", "apikey", "api-key", "api_key",
	"session", "signature", "sas-key", "access-key", "private-key",
}

// sensitiveNames are those that contain none of the parts.
var sensitiveNames = map[string]bool{
	"ocp-apim-subscription-key": true, "x-functions-key": true,
}

// routingHeaders are set by this program itself to steer a session to one server:
// they name sessions, but they are no secrets.
var routingHeaders = map[string]bool{
	"x-session-affinity": true, "x-session-id": true, "x-correlation-id": true, "x-request-id": true,
	"x-smg-routing-key": true, "x-dynamo-session-id": true, "x-dynamo-parent-session-id": true,
}

// SensitiveHeader reports whether the value of a header (or of any other named
// setting) must not be written down. Case does not count.
func SensitiveHeader(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	if routingHeaders[name] {
		return false
	}
	if sensitiveNames[name] {
		return true
	}
	for _, part := range sensitiveParts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// fieldParts make a key of a request body sensitive. Names such as max_tokens count
// tokens, and a session id there is no credential: SensitiveHeader would hide both.
var fieldParts = []string{"secret", "password", "passwd", "credential", "authorization", "apikey", "api_key", "api-key", "private_key", "private-key"}

// SensitiveField is SensitiveHeader for keys of a request body.
func SensitiveField(name string) bool {
	low := strings.ToLower(strings.TrimSpace(name))
	for _, part := range fieldParts {
		if strings.Contains(low, part) {
			return true
		}
	}
	return low == "token" || strings.HasSuffix(low, "auth_token") || strings.HasSuffix(low, "access_token")
}

// sensitiveQuery are the query parameters whose values are secrets, besides names
// that end in token and the signature parts of cloud stores.
var sensitiveQuery = map[string]bool{
	"key": true, "apikey": true, "api_key": true, "api-key": true, "token": true, "secret": true, "client_secret": true, "client-secret": true,
	"password": true, "passwd": true, "pwd": true, "sig": true, "signature": true, "credential": true, "credentials": true, "auth": true,
	"authorization": true, "access_key": true, "access-key": true, "subscription-key": true,
}

// SensitiveParameter reports whether a URL's query parameter carries a secret.
func SensitiveParameter(name string) bool {
	low := strings.ToLower(name)
	if sensitiveQuery[low] || strings.HasSuffix(low, "token") || strings.HasSuffix(low, "secret") {
		return true
	}
	if strings.HasPrefix(low, "x-amz-") || strings.HasPrefix(low, "x-goog-") {
		return strings.Contains(low, "signature") || strings.Contains(low, "credential") || strings.Contains(low, "token")
	}
	return strings.HasSuffix(low, "_key") || strings.HasSuffix(low, "-key")
}

// RedactURL replaces user-info and the values of sensitive query parameters. The
// rest stays byte for byte as it was, also when it is no valid URL.
func RedactURL(raw string) string {
	head, fragment, hasFragment := strings.Cut(raw, "#")
	head, query, hasQuery := strings.Cut(head, "?")
	start := 0
	if i := strings.Index(head, "://"); i >= 0 {
		start = i + 3
	}
	authority := head[start:]
	if i := strings.IndexByte(authority, '/'); i >= 0 {
		authority = authority[:i]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		head = head[:start] + Redacted + head[start+at:]
	}
	var b strings.Builder
	b.WriteString(head)
	if hasQuery {
		b.WriteByte('?')
		b.WriteString(redactQuery(query))
	}
	if hasFragment {
		b.WriteByte('#')
		b.WriteString(redactQuery(fragment))
	}
	return b.String()
}

func redactQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, has := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if has && SensitiveParameter(plain) {
			parts[i] = name + "=" + Redacted
		}
	}
	return strings.Join(parts, "&")
}

// freeText finds what looks like a credential in a sentence: group 1 is kept.
var freeText = []*regexp.Regexp{
	regexp.MustCompile(`(?i)((?:proxy-)?authorization["']?\s*[:=]\s*)(?:"[^"\r\n]*"?|'[^'\r\n]*'?|[^\r\n,;}\]]+)`),
	regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}`),
	regexp.MustCompile(`(?i)(\b(?:x-api-key|api-key|ocp-apim-subscription-key|x-goog-api-key|x-functions-key|aeg-sas-key|x-amz-security-token|set-cookie|cookie|x-auth-token|x-access-token|x-session-token|x-csrf-token|x-xsrf-token)["']?\s*[:=]\s*)(?:"[^"\r\n]*"?|'[^'\r\n]*'?|[^\s,;}\]]+)`),
	regexp.MustCompile(`(?i)(\b(?:[a-z0-9]+[_-])*(?:api_?key|token|secret|password|passwd)["']?\s*=\s*)(?:"[^"\r\n]*"?|'[^'\r\n]*'?|[^\s,;&}\]]+)`),
	regexp.MustCompile(`(?i)("(?:[a-z0-9]+[_-])*(?:api_?key|token|secret|password|passwd)"\s*:\s*)"[^"\r\n]*"?`),
	regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@"'<>]+@`),
}

// shortestSecret is the length below which a known secret is not searched for in
// texts: replacing every "a" would destroy the text and hide nothing.
const shortestSecret = 4

// Redactor cleans free text: of the secrets it was made with, wherever they occur,
// and of what looks like a credential.
type Redactor struct{ known *strings.Replacer }

// NewRedactor knows the secrets of a run.
func NewRedactor(secrets ...string) Redactor {
	sort.Slice(secrets, func(i, j int) bool { return len(secrets[i]) > len(secrets[j]) }) // a secret inside another must not save its rest
	var pairs []string
	for _, s := range secrets {
		if len(s) >= shortestSecret {
			pairs = append(pairs, s, Redacted)
		}
	}
	if len(pairs) == 0 {
		return Redactor{}
	}
	return Redactor{known: strings.NewReplacer(pairs...)}
}

// Secrets is s without the secrets that the redactor was made with. Nothing else is
// touched: for texts that must otherwise stay as they are, such as bodies.
func (r Redactor) Secrets(s string) string {
	if r.known == nil {
		return s
	}
	return r.known.Replace(s)
}

// Text is s without secrets.
func (r Redactor) Text(s string) string {
	if s == "" {
		return s
	}
	if r.known != nil {
		s = r.known.Replace(s)
	}
	for i, p := range freeText {
		if i == len(freeText)-1 {
			return p.ReplaceAllString(s, "${1}"+Redacted+"@")
		}
		s = p.ReplaceAllString(s, "${1}"+Redacted)
	}
	return s
}

// Redactor knows the API key, the values of sensitive headers and body fields, and
// the credentials inside URLs.
func (run *Run) Redactor() Redactor {
	e := &run.Benchmark.Endpoint
	secrets := []string{e.APIKey, run.Mesh.Token}
	for _, h := range e.Headers {
		if SensitiveHeader(h.Name) {
			secrets = append(secrets, h.Value, bareCredential(h.Value))
		}
	}
	for _, kv := range e.Extra {
		if SensitiveField(kv.Key) {
			secrets = append(secrets, strings.Trim(string(kv.Value), `"`))
		}
	}
	for _, u := range append(append([]string{}, e.URLs...), run.Benchmark.GPUTelemetry.UserURLs...) {
		secrets = append(secrets, urlSecrets(u)...)
	}
	return NewRedactor(secrets...)
}

// bareCredential is the part of a header value after its scheme word.
func bareCredential(value string) string {
	if _, rest, ok := strings.Cut(strings.TrimSpace(value), " "); ok {
		return strings.TrimSpace(rest)
	}
	return value
}

func urlSecrets(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	var out []string
	if u.User != nil {
		if p, ok := u.User.Password(); ok {
			out = append(out, p)
		} else {
			out = append(out, u.User.Username())
		}
	}
	for name, values := range u.Query() {
		if SensitiveParameter(name) {
			out = append(out, values...)
		}
	}
	return out
}
