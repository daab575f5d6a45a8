package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// HTTPOptions configure [NewHTTPClient]; zero values mean the defaults.
type HTTPOptions struct {
	// Timeout bounds a whole call, 15 s by default.
	Timeout time.Duration
	// AllowHost names one host ("example.test:8080" or "example.test") that may
	// be called although its address is loopback, private or link-local: the
	// host of an explicit base_url.
	AllowHost string
	// Wrap adds tracing and metrics around the transport.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// MaxResponse is the largest response body, in bytes, that can be read through a
// client of [NewHTTPClient], by [Do] or by a provider's own library.
const MaxResponse = 8 << 20

// NewHTTPClient returns the client that connections use: bounded in time and size, no
// redirects to another host, no proxy, no request to internal addresses unless
// AllowHost names them (the address is checked when it is dialled, so a name
// that later resolves elsewhere is caught), and no retries.
func NewHTTPClient(o HTTPOptions) *http.Client {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	allowed := hostOnly(o.AllowHost)
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	guarded := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second, Control: refuseInternal}
	var rt http.RoundTripper = &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if allowed != "" && hostOnly(addr) == allowed {
				return dialer.DialContext(ctx, network, addr)
			}
			return guarded.DialContext(ctx, network, addr)
		},
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          200,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: o.Timeout,
	}
	if o.Wrap != nil {
		rt = o.Wrap(rt)
	}
	return &http.Client{
		Transport: bounded{rt},
		Timeout:   o.Timeout,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// bounded ends the reading of answers that are too large.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err == nil {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: MaxResponse}
	}
	return resp, err
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than is allowed tells that there is more
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.left = 0
		return max(n-1, 0), errTooLarge
	}
	return n, err
}

var errTooLarge = &Error{Class: Unavailable, Message: "the provider's answer is larger than 8 MiB", Wrote: true}

func hostOnly(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return hostport
}

var errInternal = errors.New("the address is internal and no base_url allows it")

// refuseInternal runs after name resolution, on the address that is dialled.
func refuseInternal(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := ap.Addr().Unmap()
	if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() ||
		ip.IsMulticast() || ip.IsUnspecified() || ip.IsInterfaceLocalMulticast() || sharedSpace.Contains(ip) {
		return errInternal
	}
	return nil
}

// sharedSpace is carrier-grade NAT, RFC 6598, which some clouds use inside.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// Request is one call to a provider.
type Request struct {
	Method string
	URL    string
	Header http.Header
	// Body is sent as it is; see [JSONBody].
	Body []byte
	// Operation names the call in traces and metrics: low cardinality.
	Operation string
}

// Response is a provider's answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSONBody encodes v for a request's body.
func JSONBody(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sdk: request type cannot be JSON: %v", err)) // a programming error
	}
	return b
}

// Do makes one call and reads the answer. Any HTTP status is an answer; err is
// an *Error of class Unavailable for a call that failed on the way, with Wrote
// set if the request's bytes had begun to leave.
func Do(ctx context.Context, client *http.Client, r Request) (*Response, error) {
	var wrote atomic.Bool
	if r.Operation != "" {
		ctx = WithOperation(ctx, r.Operation)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { wrote.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, &Error{Class: Invalid, Message: "the address of the provider is not valid"}
	}
	// Without GetBody the transport cannot silently send a request twice.
	req.GetBody = nil
	if len(r.Body) == 0 {
		req.Body = http.NoBody
	}
	for k, vs := range r.Header {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	spellOtherwise(req.Header)
	resp, err := client.Do(req)
	if err != nil {
		return nil, callError(err, wrote.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	if err != nil {
		return nil, callError(err, true)
	}
	if len(body) > MaxResponse {
		return nil, errTooLarge
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// spellOtherwise keeps net/http from repeating by itself, when a connection
// breaks, a request without a body that has one of these headers: it looks for
// their usual spelling only (Request.isReplayable). On the wire case is nothing.
func spellOtherwise(h http.Header) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if vs, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = vs
		}
	}
}

type operationKey struct{}

// WithOperation names the operation that calls made with ctx belong to, for the
// traces and metrics of [HTTPOptions.Wrap]. The name must be of low cardinality.
// [Do] sets it from [Request.Operation]; the engine sets it around a whole
// operation, for connectors that call through a provider's own library.
func WithOperation(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, operationKey{}, name)
}

// OperationOf returns the name that [WithOperation] gave, or "".
func OperationOf(ctx context.Context) string {
	name, _ := ctx.Value(operationKey{}).(string)
	return name
}

// callError words a transport failure without the URL, which may hold secrets.
func callError(err error, wrote bool) *Error {
	if e, ours := errors.AsType[*Error](err); ours {
		return e // what wraps the transport has refused, and says whether anything left
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	msg := "the provider could not be reached"
	class := Unavailable
	switch {
	case errors.Is(err, errInternal):
		class, msg = Invalid, "the provider's address is internal; set base_url explicitly to allow it"
	case errors.Is(err, context.Canceled):
		msg = "the call was cancelled"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		msg = "the provider did not answer in time"
	case wrote:
		msg = "the connection broke before the provider answered"
	}
	return &Error{Class: class, Message: msg, Wrote: wrote, Err: err}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// StatusError classes a provider's HTTP status by the meaning it has in RFC 9110,
// for connectors to refine with the provider's own codes. It returns nil for
// 2xx. 429 was not acted on (Wrote false); 5xx may have been.
func StatusError(resp *Response) *Error {
	s := resp.Status
	e := &Error{Code: strconv.Itoa(s), RetryAfter: RetryAfter(resp.Header, time.Now()), Wrote: true,
		Message: fmt.Sprintf("the provider answered %d %s", s, http.StatusText(s))}
	switch {
	case s >= 200 && s < 300:
		return nil
	case s == 401 || s == 403:
		e.Class = Auth
	case s == 404 || s == 410:
		e.Class = NotFound
	case s == 429:
		e.Class, e.Wrote = Throttled, false
	case s == 409 || s == 402 || s == 451:
		e.Class = Rejected
	case s >= 400 && s < 500 && s != 408:
		e.Class = Invalid
	default:
		e.Class = Unavailable
	}
	return e
}

// RetryAfter reads the header of that name: seconds or an HTTP date (RFC 9110,
// section 10.2.3). Zero if absent or past.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if secs, err := strconv.ParseFloat(v, 64); err == nil && secs > 0 && secs < 1e6 {
		return time.Duration(secs * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
