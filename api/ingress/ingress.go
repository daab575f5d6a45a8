// Package ingress is the edge at which providers' webhooks arrive. A request goes
// through: the account's connection, limit and deadline on the body, the signature
// over the raw bytes, parsing, keeping; and only then 200. What comes twice gets
// 200 and does nothing. What cannot be kept gets 503, so that the provider tries
// again. Refusals are problem documents that repeat nothing of the request.
package ingress

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"

	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/observe"
)

// Path is where webhooks arrive, in gin's notation.
const Path = "/hooks/:connector/:account"

const (
	// DefaultMaxBody is 4 MiB: the largest known webhook is WhatsApp's, up to 3 MB.
	DefaultMaxBody = 4 << 20
	// DefaultReadTimeout bounds how long a body may take to arrive.
	DefaultReadTimeout = 10 * time.Second
	// DefaultKeepTimeout bounds resolving and keeping, each. Providers hang up after 5 to
	// 20 s; an answer later than that does not reach them.
	DefaultKeepTimeout = 8 * time.Second
	// DefaultMaxInFlight bounds memory: each request may hold a whole body.
	DefaultMaxInFlight = 256
	// retryAfter is what a provider is told when something could not be kept.
	retryAfter = 2 * time.Second
)

// Options of [New]. Resolver, Inbox, Router and Metrics must be set.
type Options struct {
	Resolver Resolver
	Inbox    Inbox
	Router   Router
	Metrics  *observe.Ingress
	// Log may be nil.
	Log *slog.Logger
	// PublicURL is our address as providers see it, which some of them sign;
	// empty means the request's own host over http or https.
	PublicURL string
	// MaxBody, ReadTimeout, KeepTimeout and MaxInFlight replace the defaults.
	MaxBody     int64
	ReadTimeout time.Duration
	KeepTimeout time.Duration
	MaxInFlight int
	// Now replaces the clock in tests.
	Now func() time.Time
	// RequestID gives the ID of a request, for problems' instance; may be nil.
	RequestID func(*http.Request) string
}

// Handler serves webhooks. It is safe for concurrent use.
type Handler struct {
	o        Options
	delivery Delivery
	slots    chan struct{}
}

// New returns a handler.
func New(o Options) *Handler {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = DefaultReadTimeout
	}
	if o.KeepTimeout == 0 {
		o.KeepTimeout = DefaultKeepTimeout
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RequestID == nil {
		o.RequestID = func(*http.Request) string { return "" }
	}
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	count := func(c Connection, kind sdk.EventKind, outcome string, n int) {
		o.Metrics.Events.WithLabelValues(c.Connector, string(kind), outcome).Add(float64(n))
	}
	return &Handler{o: o, delivery: Delivery{o.Inbox, o.Router, count}, slots: make(chan struct{}, o.MaxInFlight)}
}

// Receive serves POST on [Path].
func (h *Handler) Receive(c *gin.Context) {
	start := time.Now()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		h.refuse(c, "", "overload", overloaded())
		return
	}
	h.o.Metrics.InFlight.Inc()
	defer h.o.Metrics.InFlight.Dec()

	// The account comes first: a stranger's body is not read.
	conn, p := h.resolve(c)
	if p != nil {
		h.refuse(c, "", outcomeOf(p), p)
		return
	}
	body, p := h.read(c)
	var events []sdk.Event
	req := h.webhook(c.Request, body)
	if p == nil {
		events, p = h.events(conn, req)
	}
	if p == nil {
		p = h.keep(c.Request.Context(), conn, events)
	}
	if p != nil {
		h.refuse(c, conn.Connector, outcomeOf(p), p)
		return
	}
	h.o.Metrics.Requests.WithLabelValues(conn.Connector, "accepted").Inc()
	h.o.Metrics.Ack.WithLabelValues(conn.Connector).Observe(time.Since(start).Seconds())
	answer(c, conn, req)
}

// answer is 200, with the body that the provider acts on where there is one.
func answer(c *gin.Context, conn Connection, req sdk.WebhookRequest) {
	a, ok := conn.Conn.(sdk.Answerer)
	if !ok {
		c.Status(http.StatusOK)
		return
	}
	contentType, body := a.Answer(req)
	if contentType == "" {
		c.Status(http.StatusOK)
		return
	}
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, contentType, body)
}

// Shake serves GET on [Path]: the handshake of providers that verify our address.
func (h *Handler) Shake(c *gin.Context) {
	conn, p := h.resolve(c)
	if p != nil {
		h.refuse(c, "", outcomeOf(p), p)
		return
	}
	shaker, ok := conn.Conn.(sdk.Handshaker)
	if !ok {
		c.Header("Allow", http.MethodPost)
		h.refuse(c, conn.Connector, "method", problem.Method.New("This provider's webhooks are sent by POST; there is no handshake."))
		return
	}
	answer, err := shaker.Handshake(h.webhook(c.Request, nil))
	if err != nil {
		h.refuse(c, conn.Connector, "handshake_refused",
			problem.Handshake.New(reason(err, "The handshake's token is missing or does not match the connection's.")))
		return
	}
	h.o.Metrics.Requests.WithLabelValues(conn.Connector, "handshake").Inc()
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(answer))
}

// read returns the raw body, bounded in size and time.
func (h *Handler) read(c *gin.Context) ([]byte, *problem.Problem) {
	tooLarge := problem.TooLarge.New("The body is larger than webhooks may be here; the limit is set by api.webhook_body_limit.")
	if c.Request.ContentLength > h.o.MaxBody {
		c.Header("Connection", "close")
		return nil, tooLarge
	}
	// A server that cannot set deadlines (a test's recorder) reads from memory.
	rc := http.NewResponseController(c.Writer)
	_ = rc.SetReadDeadline(time.Now().Add(h.o.ReadTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, h.o.MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge
		}
		c.Header("Connection", "close")
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, problem.Timeout.New("The body did not arrive in time.")
		}
		return nil, problem.Malformed.New("The body broke off before its end.")
	}
	_ = rc.SetReadDeadline(time.Time{})
	return body, nil
}

func (h *Handler) resolve(c *gin.Context) (Connection, *problem.Problem) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), h.o.KeepTimeout)
	defer cancel()
	conn, err := h.o.Resolver.Resolve(ctx, c.Param("connector"), c.Param("account"))
	switch {
	case errors.Is(err, ErrUnknownAccount):
		return conn, problem.UnknownAccount.New("No connection has this connector and account; PUT /v1/connections/{name} makes one.")
	case err != nil:
		return conn, unavailable(err)
	}
	return conn, nil
}

// webhook gives the request in the form that connectors verify.
func (h *Handler) webhook(r *http.Request, body []byte) sdk.WebhookRequest {
	base := h.o.PublicURL
	if base == "" {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		base = scheme + "://" + r.Host
	}
	return sdk.WebhookRequest{Method: r.Method, URL: base + r.URL.RequestURI(), Header: r.Header, Body: body}
}

// events verifies and parses.
func (h *Handler) events(conn Connection, req sdk.WebhookRequest) ([]sdk.Event, *problem.Problem) {
	receiver, ok := conn.Conn.(sdk.Receiver)
	if !ok {
		return nil, problem.UnknownAccount.New("This connector receives no webhooks.")
	}
	if err := h.verify(conn, receiver, req); err != nil {
		return nil, problem.BadSignature.New(reason(err, "The signature is missing or does not match the body."))
	}
	events, err := receiver.Parse(req)
	if err != nil {
		return nil, problem.Malformed.New(reason(err, "The body is not what this provider sends."))
	}
	return events, nil
}

// verify checks the signature, for a time with the secret before the present one
// too: a provider may sign what it sends again with the secret of the first attempt.
func (h *Handler) verify(conn Connection, receiver sdk.Receiver, req sdk.WebhookRequest) error {
	now := h.o.Now()
	err := receiver.Verify(req, now)
	if former, ok := conn.Former.(sdk.Receiver); err != nil && ok && now.Before(conn.FormerUntil) {
		if former.Verify(req, now) == nil {
			return nil
		}
	}
	return err
}

// reason takes a connector's words where they are of the kind that promises to
// hold no secret and no content, and ours otherwise.
func reason(err error, otherwise string) string {
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Message != "" {
		return strings.ToUpper(e.Message[:1]) + e.Message[1:] + "."
	}
	return otherwise
}

func overloaded() *problem.Problem {
	p := problem.Overload.New("Too many webhooks are being worked on; send it again.")
	p.RetryAfter = retryAfter
	return p
}

func unavailable(cause error) *problem.Problem {
	p := problem.Unavailable.New("The webhook could not be kept; send it again.")
	p.RetryAfter, p.Cause = retryAfter, cause
	return p
}

// refuse answers with the problem and counts it. connector is "" until the account
// is known to exist: a label must not come from a stranger.
func (h *Handler) refuse(c *gin.Context, connector, outcome string, p *problem.Problem) {
	if connector == "" {
		connector = "unknown"
	}
	h.o.Metrics.Requests.WithLabelValues(connector, outcome).Inc()
	if p.Status >= 500 && p.Cause != nil {
		h.o.Log.ErrorContext(c.Request.Context(), "a webhook could not be kept; its provider will send it again",
			"connector", connector, "outcome", outcome, "error", p.Cause)
	}
	problem.Write(c.Writer, p, h.o.RequestID(c.Request))
	c.Abort()
}

var outcomes = map[string]string{
	problem.TooLarge.Type(): "too_large", problem.Timeout.Type(): "timeout", problem.Malformed.Type(): "malformed",
	problem.UnknownAccount.Type(): "unknown_account", problem.BadSignature.Type(): "bad_signature", problem.Unavailable.Type(): "unavailable",
}

func outcomeOf(p *problem.Problem) string {
	if o, ok := outcomes[p.Type]; ok {
		return o
	}
	return "failed"
}

// keep hands the events on and returns nil when all of them are safe.
func (h *Handler) keep(ctx context.Context, conn Connection, events []sdk.Event) *problem.Problem {
	ctx, cancel := context.WithTimeout(ctx, h.o.KeepTimeout)
	defer cancel()
	ctx, span := observe.Tracer().Start(ctx, "keep "+conn.Connector)
	span.SetAttributes(attribute.String("parley.connector", conn.Connector), attribute.Int("parley.events", len(events)))
	err := h.delivery.Deliver(ctx, conn, events)
	observe.End(span, err)
	if err != nil {
		return unavailable(err)
	}
	return nil
}
