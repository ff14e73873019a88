package telemetry

import (
	"fmt"
	"net/url"
	"strings"

	"aiperf/config"
)

// NormaliseURL turns what a user writes for a metrics page into its full URL:
//
//	host:9400 → http://host:9400/metrics    http://host/x/ → http://host/x/metrics
func NormaliseURL(raw string) (string, error) {
	s := strings.TrimSpace(raw)
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("metrics page %q: not a URL: %w", config.RedactURL(raw), errText(err))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("metrics page %q: want http or https (got %s)", config.RedactURL(raw), u.Scheme)
	}
	if u.Hostname() == "" {
		return "", fmt.Errorf("metrics page %q: no host; want host:port or a URL", config.RedactURL(raw))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return u.String(), nil // whoever writes a query means exactly this page
	}
	s = strings.TrimRight(s, "/")
	if !strings.HasSuffix(s, "/metrics") {
		s += "/metrics"
	}
	return s, nil
}

// errText is an error of net/url without the URL, which may hold a password.
func errText(err error) error {
	if e, ok := err.(*url.Error); ok {
		return e.Err
	}
	return err
}

// DisplayURL is the short form of a source: host, port and path of a metrics page
// without its /metrics; the id of a local source as it is.
func DisplayURL(source string) string {
	scheme, rest, ok := strings.Cut(source, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return source
	}
	if at := strings.LastIndexByte(strings.SplitN(rest, "/", 2)[0], '@'); at >= 0 {
		rest = rest[at+1:] // user name and password are not for show
	}
	return strings.TrimSuffix(strings.TrimRight(rest, "/"), "/metrics")
}
