package webchat

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/gin-gonic/gin"
)

const (
	helloWithin = 10 * time.Second
	writeWithin = 10 * time.Second
	// beatEvery keeps proxies from closing a quiet socket, and lets each side
	// find out that the other is gone.
	beatEvery = 25 * time.Second
	// socketLife is after how long a socket is renewed, so that settings, tokens
	// and load spread out over time.
	socketLife = time.Hour

	// statusSession closes a socket whose token is not good; the widget asks for
	// a new session. Codes from 4000 are free for use (RFC 6455, section 7.4.2).
	statusSession websocket.StatusCode = 4401
	statusFrame   websocket.StatusCode = 4400
)

// frame is everything that travels over a socket apart from a [batch].
//
// The visitor sends hello (token, after), send (message) and read (range); the
// server sends ready (token, if it was renewed), ack (id), refused (id, text: do
// not repeat), retry (id, retry_ms: repeat then) and beat.
type frame struct {
	Type    string     `json:"type"`
	Token   string     `json:"token,omitempty"`
	After   int64      `json:"after,omitempty"`
	Message *message   `json:"message,omitempty"`
	Range   *readRange `json:"range,omitempty"`
	ID      string     `json:"id,omitempty"`
	Text    string     `json:"text,omitempty"`
	RetryMS int64      `json:"retry_ms,omitempty"`
}

// getSocket serves one visitor's socket until either side goes.
func (s *Server) getSocket(c *gin.Context, conn Connection) {
	// The origin was checked before, with the widget's own list.
	ws, err := websocket.Accept(c.Writer, c.Request, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxFrame)
	s.metrics.sockets.Inc()
	defer s.metrics.sockets.Dec()

	// A hijacked request's own context says nothing.
	life := socketLife - time.Duration(rand.Int64N(int64(socketLife/4)))
	ctx, cancel := context.WithTimeout(s.ctx, life)
	defer cancel()
	s.converse(ctx, ws, conn)
}

// converse greets the visitor, carries messages both ways and closes the socket
// in the end.
func (s *Server) converse(ctx context.Context, ws *websocket.Conn, conn Connection) {
	ses, after, err := s.hello(ctx, ws, conn)
	if errors.Is(err, errSession) {
		_ = ws.Close(statusSession, "session")
		return
	}
	if err != nil {
		_ = ws.Close(statusFrame, "a hello was expected")
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A read whose context ends breaks the socket, and the visitor would not
	// hear why; so listening has a context of its own.
	listening, stop := context.WithCancel(context.Background())
	defer stop()
	l := &line{server: s, ws: ws, conn: conn, session: ses, nudge: make(chan struct{}, 1)}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		cancel(l.listen(listening))
	}()
	err = l.talk(ctx, after)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	_ = ws.Close(closing(err))
	stop()
	<-heard
}

// closing words the end of a socket for the widget, which comes back at its own
// pace unless it left by itself.
func closing(err error) (websocket.StatusCode, string) {
	switch {
	case errors.Is(err, errFrame):
		return statusFrame, "the frame could not be read"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return websocket.StatusServiceRestart, "come again" // shutting down, or long enough
	case websocket.CloseStatus(err) != -1:
		return websocket.StatusNormalClosure, ""
	}
	return websocket.StatusTryAgainLater, ""
}

var errFrame = errors.New("the frame could not be read")

// hello waits for the first frame, which holds the token: an address would be
// written into logs, and browsers cannot set a header.
func (s *Server) hello(ctx context.Context, ws *websocket.Conn, conn Connection) (session, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, helloWithin)
	defer cancel()
	var f frame
	if err := wsjson.Read(ctx, ws, &f); err != nil {
		return session{}, 0, err
	}
	if f.Type != "hello" || f.After < 0 {
		return session{}, 0, errFrame
	}
	ses, err := verify(conn, f.Token, s.o.Now())
	return ses, f.After, err
}

// line is one visitor's open socket.
type line struct {
	server  *Server
	ws      *websocket.Conn
	conn    Connection
	session session
	// nudge tells talk that listen has kept a message.
	nudge chan struct{}
}

// write sends one frame. A write that is cancelled would break the socket before
// the visitor hears why it closes, so only time bounds it.
func (l *line) write(ctx context.Context, v any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	return wsjson.Write(ctx, l.ws, v)
}

// talk sends what is new until ctx ends or the socket fails.
func (l *line) talk(ctx context.Context, after int64) error {
	s := l.server
	f := &feed{history: s.o.History, conn: l.conn, visitor: l.session.visitor, cursor: after}
	wake, cancel := s.o.Watch.Subscribe(l.conn, l.session.visitor)
	defer cancel()
	slow, beat := time.NewTicker(s.o.SlowPoll), time.NewTicker(beatEvery)
	defer slow.Stop()
	defer beat.Stop()

	if err := l.write(ctx, frame{Type: "ready", Token: s.renewed(l.conn, l.session)}); err != nil {
		return err
	}
	// The first batch is sent even if it is empty: the visitor then knows that
	// all is there.
	if err := l.push(ctx, f, true); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			err = l.beat(ctx)
		case <-wake:
			err = l.push(ctx, f, false)
		case <-l.nudge:
			err = l.push(ctx, f, false)
		case <-slow.C:
			err = l.push(ctx, f, false)
		}
		if err != nil {
			return err
		}
	}
}

// push sends all that is new, page by page.
func (l *line) push(ctx context.Context, f *feed, always bool) error {
	for more := true; more; always = false {
		entries, rest, err := f.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				l.server.o.Log.WarnContext(ctx, "a web chat history could not be read", "error", err)
			}
			return err
		}
		if len(entries) > 0 || always {
			if err := l.write(ctx, f.batch(entries, l.server.o.Now())); err != nil {
				return err
			}
		}
		more = rest
	}
	return nil
}

// beat is seen by the widget as a frame, since browsers do not show pings, and
// by the server as the pong that comes back.
func (l *line) beat(ctx context.Context) error {
	if err := l.write(ctx, frame{Type: "beat"}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return l.ws.Ping(ctx)
}

// listen takes the visitor's frames one after the other, which keeps their order.
func (l *line) listen(ctx context.Context) error {
	for {
		kind, raw, err := l.ws.Read(ctx)
		if err != nil {
			return err
		}
		var f frame
		if kind != websocket.MessageText || json.Unmarshal(raw, &f) != nil {
			return errFrame
		}
		// A visitor who is too quick is slowed down by not being read.
		if err := l.server.messages.bucket(l.session.visitor.Value).Wait(ctx); err != nil {
			return err
		}
		switch {
		case f.Type == "send" && f.Message != nil:
			err = l.take(ctx, *f.Message)
		case f.Type == "read" && f.Range != nil:
			// A note that is lost is made good by the next one.
			_ = l.server.markRead(ctx, l.conn, l.session.visitor, *f.Range)
		}
		if err != nil {
			return err
		}
	}
}

// take keeps one message and says so.
func (l *line) take(ctx context.Context, m message) error {
	var refused *refusal
	switch err := l.server.accept(ctx, l.conn, l.session, m); {
	case errors.As(err, &refused):
		return l.write(ctx, frame{Type: "refused", ID: m.ID, Text: refused.Error()})
	case err != nil:
		return l.write(ctx, frame{Type: "retry", ID: m.ID, RetryMS: 2000})
	}
	if err := l.write(ctx, frame{Type: "ack", ID: m.ID}); err != nil {
		return err
	}
	ring(l.nudge)
	return nil
}

// upgradeable answers 426 to a socket's address that is called without one.
func (s *Server) upgradeable(c *gin.Context) bool {
	if c.IsWebsocket() {
		return true
	}
	c.Header("Upgrade", "websocket")
	s.refuse(c, upgradeRequired, "This address speaks WebSocket.")
	return false
}
