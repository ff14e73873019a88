package telemetry

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"time"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() {
	plugins.Register("gpu_telemetry_collector", "aiperf.telemetry:DCGM", Constructor(NewDCGM))
}

// maxPage bounds a metrics page. A node of 16 GPUs makes about 50 kB.
const maxPage = 16 << 20

// DCGM reads the metrics page of a DCGM exporter.
type DCGM struct {
	url    string // with the credentials in it
	source string // without: as everybody else sees it
	client *http.Client
	seed   maphash.Seed
	last   uint64 // hash of the page before
	seen   bool
}

// NewDCGM makes the collector of one page. Without a URL it can be made and asked
// what it needs of the host (nothing), but reads nothing.
func NewDCGM(c Config) (Collector, error) {
	var url string
	if c.URL != "" {
		var err error
		if url, err = NormaliseURL(c.URL); err != nil {
			return nil, err
		}
	}
	transport := &http.Transport{
		Proxy:       nil, // a page on this network, not on the way out of it
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second,
	}
	noRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &DCGM{url: url, source: config.RedactURL(url), client: &http.Client{Transport: transport, CheckRedirect: noRedirects}, seed: maphash.MakeSeed()}, nil
}

// Source is the page's URL, without credentials: it goes over the bus and into files.
func (d *DCGM) Source() string { return d.source }

// Reachable asks for the page's head, and for the page itself where a server has no
// answer to that.
func (d *DCGM) Reachable(ctx context.Context) error {
	if status, _, err := d.fetch(ctx, http.MethodHead); err == nil && status == http.StatusOK {
		return nil
	}
	status, _, err := d.fetch(ctx, http.MethodGet)
	if err == nil && status != http.StatusOK {
		err = statusError(status)
	}
	if err != nil {
		return fmt.Errorf("reach %s: %w", DisplayURL(d.source), err)
	}
	return nil
}

// Collect reads the page.
func (d *DCGM) Collect(ctx context.Context, forced bool) ([]messages.GPUSample, error) {
	status, body, err := d.fetch(ctx, http.MethodGet)
	at := clock.Wall()
	if err == nil && status != http.StatusOK {
		err = statusError(status)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", DisplayURL(d.source), err)
	}
	hash := maphash.Bytes(d.seed, body)
	same := d.seen && hash == d.last
	d.last, d.seen = hash, true
	if same && !forced {
		return nil, nil
	}
	samples, err := parsePage(body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", DisplayURL(d.source), err)
	}
	for i := range samples {
		samples[i].TimestampNS, samples[i].SourceURL = at, d.source
	}
	return samples, nil
}

// Close drops the connection.
func (d *DCGM) Close() error {
	d.client.CloseIdleConnections()
	return nil
}

func (d *DCGM) fetch(ctx context.Context, method string) (status int, body []byte, err error) {
	if d.url == "" {
		return 0, nil, errors.New("the collector was made without a URL")
	}
	req, err := http.NewRequestWithContext(ctx, method, d.url, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "text/plain")
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, nil, plain(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	if err != nil {
		return 0, nil, plain(err)
	}
	if len(body) > maxPage {
		return 0, nil, messages.NewError("ValueError", fmt.Sprintf("the page is larger than %d bytes", maxPage))
	}
	return resp.StatusCode, body, nil
}

func statusError(status int) error {
	return messages.NewError(http.StatusText(status), fmt.Sprintf("the server answered with status %d", status)).WithCode(int64(status))
}

// plain gives network errors the stable names they are grouped by, and leaves out the
// URL, which the caller adds in its short form.
func plain(err error) error {
	err = errText(err)
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return messages.NewError("TimeoutError", "no answer in time")
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &dns):
		return messages.NewError("ClientConnectorDNSError", err.Error())
	case errors.As(err, &op) && op.Op == "dial":
		return messages.NewError("ClientConnectorError", err.Error())
	}
	return messages.NewError("ClientPayloadError", err.Error())
}
