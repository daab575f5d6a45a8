// Package webchat serves the web chat channel: the widget that a shop puts on
// its page with one script tag, and the sessions, sockets and polls by which the
// widget talks with a conversation.
//
// A visitor is known by a signed token alone. A message is acknowledged when the
// inbox has it durably, under an identifier that the widget drew, so that the
// widget may repeat it until it hears the acknowledgement. What is new for a
// visitor is read from the history after a cursor, by a WebSocket and by a long
// poll alike, on a wake-up or at a slow pace.
package webchat

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel"

	"parley/api/problem"
)

var tracer = otel.Tracer("parley/api/webchat")

// Options are what the chat needs. The four ports are required; zero values of
// the rest mean the defaults.
type Options struct {
	Resolver Resolver
	Inbox    Inbox
	History  History
	Watch    Watch

	Log *slog.Logger
	// Metrics is where the package's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer
	// SlowPoll is how often history is read without a wake-up, 10 s by default.
	SlowPoll time.Duration
	// Sessions bounds new sessions from one network (an IPv4 address or an IPv6
	// /64), by default 60 at once and one a second after.
	Sessions Rate
	// Messages bounds what one visitor sends, by default 20 at once and 5 a
	// second after.
	Messages Rate
	Now      func() time.Time
}

// Server is the chat's part of the HTTP edge. It is safe for concurrent use.
type Server struct {
	o        Options
	sessions *limiter
	messages *limiter
	metrics  metrics

	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
}

type metrics struct {
	sockets  prometheus.Gauge
	sessions *prometheus.CounterVec
	messages *prometheus.CounterVec
	refusals *prometheus.CounterVec
}

// Register puts the chat's routes on r: /chat, the widget's script and
// /chat/api. They must not stand behind a middleware that limits the time of a
// request or buffers its answer, since sockets and polls stay open.
func Register(r gin.IRouter, o Options) *Server {
	s := newServer(o)
	r.GET("/chat", s.getDemo)
	for _, a := range assets {
		r.GET("/chat/"+a.name, a.serve)
	}
	api := r.Group("/chat/api/:account")
	api.GET("/settings", s.forWidget(s.getSettings))
	api.POST("/session", s.forWidget(s.postSession))
	api.GET("/messages", s.forWidget(s.getMessages))
	api.POST("/messages", s.forWidget(s.postMessage))
	api.POST("/read", s.forWidget(s.postRead))
	api.GET("/socket", s.forWidget(func(c *gin.Context, conn Connection) {
		if s.upgradeable(c) {
			s.getSocket(c, conn)
		}
	}))
	api.OPTIONS("/:what", s.forWidget(func(c *gin.Context, _ Connection) { c.Status(http.StatusNoContent) }))
	return s
}

func newServer(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.SlowPoll == 0 {
		o.SlowPoll = 10 * time.Second
	}
	if o.Sessions == (Rate{}) {
		o.Sessions = Rate{PerSecond: 1, Burst: 60}
	}
	if o.Messages == (Rate{}) {
		o.Messages = Rate{PerSecond: 5, Burst: 20}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := promauto.With(o.Metrics)
	return &Server{
		o: o, ctx: ctx, cancel: cancel,
		sessions: newLimiter(o.Sessions), messages: newLimiter(o.Messages),
		metrics: metrics{
			sockets: f.NewGauge(prometheus.GaugeOpts{
				Name: "parley_webchat_sockets", Help: "Open web chat sockets."}),
			sessions: f.NewCounterVec(prometheus.CounterOpts{
				Name: "parley_webchat_sessions_total", Help: "Sessions asked for, by outcome: new, renewed, limited."}, []string{"outcome"}),
			messages: f.NewCounterVec(prometheus.CounterOpts{
				Name: "parley_webchat_messages_total", Help: "Messages of visitors, by outcome: accepted, refused, failed, limited."}, []string{"outcome"}),
			refusals: f.NewCounterVec(prometheus.CounterOpts{
				Name: "parley_webchat_refusals_total", Help: "Requests answered with a problem, by its kind, e.g. session, origin, unknown-account."}, []string{"kind"}),
		},
	}
}

// Close ends all sockets and polls and waits for them. Widgets come back by
// themselves. Give it to http.Server.RegisterOnShutdown: a server does not know
// of its sockets.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.busy.Wait()
}

// enter counts a request in, unless the server is closing.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.busy.Add(1)
	}
	return !s.closed
}

// forWidget finds the widget that a request is for and lets only pages through
// that may embed it.
func (s *Server) forWidget(handle func(*gin.Context, Connection)) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !s.enter() {
			s.unavailable(c)
			return
		}
		defer s.busy.Done()
		conn, err := s.o.Resolver.Resolve(c.Request.Context(), c.Param("account"))
		switch {
		case errors.Is(err, ErrUnknownAccount):
			s.refuse(c, problem.UnknownAccount, "No web chat has this account: check data-account of the script tag.")
			return
		case err != nil:
			s.o.Log.WarnContext(c.Request.Context(), "a web chat account could not be looked up", "error", err)
			s.unavailable(c)
			return
		}
		if !s.allowOrigin(c, conn) {
			return
		}
		handle(c, conn)
	}
}

// allowOrigin checks the page's origin and writes the headers by which a browser
// lets the page read the answer (Fetch standard, "CORS protocol"). No cookie is
// involved, so none is allowed.
func (s *Server) allowOrigin(c *gin.Context, conn Connection) bool {
	c.Header("Vary", "Origin")
	origin := c.GetHeader("Origin")
	if !conn.Conn.Allows(origin, c.Request.Host) {
		s.refuse(c, badOrigin, "This page may not use the chat: add its origin to allowed_origins of the connection.")
		return false
	}
	if origin != "" {
		c.Header("Access-Control-Allow-Origin", origin)
		c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if c.Request.Method == http.MethodOptions {
		c.Header("Access-Control-Allow-Methods", "GET, POST")
		c.Header("Access-Control-Allow-Headers", "Authorization, Content-Type")
		c.Header("Access-Control-Max-Age", "3600")
	}
	return true
}

// getSettings tells the widget how it looks.
func (s *Server) getSettings(c *gin.Context, conn Connection) {
	c.Header("Cache-Control", "public, max-age=60")
	c.JSON(http.StatusOK, conn.Conn.Settings())
}
