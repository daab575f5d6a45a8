package webchat

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
	"parley/connectors/sdk"
)

// maxWait is the longest that a poll is held open; proxies commonly give up
// after 30 s.
const maxWait = 25 * time.Second

// getMessages answers with what is new after a cursor, and waits for it if asked.
func (s *Server) getMessages(c *gin.Context, conn Connection) {
	ses, ok := s.authenticate(c, conn)
	if !ok {
		return
	}
	after, wait, err := pollQuery(c)
	if err != nil {
		s.refuse(c, problem.Malformed, err.Error())
		return
	}
	// The server's own write time-out is shorter than a long poll. Where it
	// cannot be moved there is none.
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(wait + 15*time.Second))

	ctx, cancel := context.WithTimeout(c.Request.Context(), wait+10*time.Second)
	defer cancel()
	f := &feed{history: s.o.History, conn: conn, visitor: ses.visitor, cursor: after}
	entries, err := s.await(ctx, f, wait)
	if err != nil {
		if ctx.Err() == nil {
			s.o.Log.WarnContext(ctx, "a web chat history could not be read", "error", err)
		}
		s.unavailable(c)
		return
	}
	b := f.batch(entries, s.o.Now())
	b.Token = s.renewed(conn, ses)
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, b)
}

func pollQuery(c *gin.Context) (after int64, wait time.Duration, err error) {
	if v := c.Query("after"); v != "" {
		if after, err = strconv.ParseInt(v, 10, 64); err != nil || after < 0 {
			return 0, 0, errors.New("after must be a cursor from an earlier answer")
		}
	}
	if v := c.Query("wait"); v != "" {
		if wait, err = time.ParseDuration(v); err != nil || wait < 0 {
			return 0, 0, errors.New("wait must be a duration like 25s")
		}
	}
	return after, min(wait, maxWait), nil
}

// await returns the feed's next page, waiting for one at most as long as asked.
func (s *Server) await(ctx context.Context, f *feed, wait time.Duration) ([]Entry, error) {
	wake, cancel := s.o.Watch.Subscribe(f.conn, f.visitor)
	defer cancel()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	slow := time.NewTicker(s.o.SlowPoll)
	defer slow.Stop()
	for {
		entries, _, err := f.next(ctx)
		if err != nil || len(entries) > 0 || wait == 0 {
			return entries, err
		}
		select {
		case <-wake:
		case <-slow.C:
		case <-deadline.C:
			wait = 0 // one last look: a wake-up may have been lost
		case <-s.ctx.Done():
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// postMessage takes one message.
func (s *Server) postMessage(c *gin.Context, conn Connection) {
	ses, ok := s.authenticate(c, conn)
	if !ok {
		return
	}
	var m message
	if !s.readBody(c, &m) {
		return
	}
	if !s.messages.allow(ses.visitor.Value) {
		s.metrics.messages.WithLabelValues("limited").Inc()
		s.tooMany(c)
		return
	}
	var refused *refusal
	switch err := s.accept(c.Request.Context(), conn, ses, m); {
	case errors.As(err, &refused):
		s.refuse(c, problem.Invalid, refused.Error())
	case err != nil:
		s.unavailable(c)
	default:
		c.JSON(http.StatusOK, frame{Type: "ack", ID: m.ID})
	}
}

// readRange says which messages a visitor has seen: those after After up to
// and including Upto.
type readRange struct {
	After int64 `json:"after"`
	Upto  int64 `json:"upto"`
}

// postRead takes a note of what was seen.
func (s *Server) postRead(c *gin.Context, conn Connection) {
	ses, ok := s.authenticate(c, conn)
	if !ok {
		return
	}
	var r readRange
	if !s.readBody(c, &r) {
		return
	}
	if !s.messages.allow(ses.visitor.Value) {
		s.tooMany(c)
		return
	}
	if err := s.markRead(c.Request.Context(), conn, ses.visitor, r); err != nil {
		s.unavailable(c)
		return
	}
	c.Status(http.StatusNoContent)
}

// readBody decodes the request's body. Unknown fields are let be: a page may
// still run the widget of another version.
func (s *Server) readBody(c *gin.Context, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxFrame))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			s.refuse(c, problem.TooLarge, "The body is larger than 64 KiB.")
			return false
		}
		s.refuse(c, problem.Malformed, "The body could not be read.")
		return false
	}
	if json.Unmarshal(body, into) != nil {
		s.refuse(c, problem.Malformed, "The body is not the JSON that is expected here.")
		return false
	}
	return true
}

// refusal is an error that repeating does not mend. Its text is for the visitor.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// accept keeps one message; it is durable when nil is returned. A *refusal is
// final, any other error is not.
func (s *Server) accept(ctx context.Context, conn Connection, ses session, m message) error {
	event, err := m.event(ses.visitor, s.o.Now())
	if err != nil {
		s.metrics.messages.WithLabelValues("refused").Inc()
		return &refusal{err.Error()}
	}
	ctx, span := tracer.Start(ctx, "webchat message")
	defer span.End()
	err = s.o.Inbox.Accept(ctx, conn, []sdk.Event{event})
	if err == nil {
		s.metrics.messages.WithLabelValues("accepted").Inc()
		return nil
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Class.Final() {
		s.metrics.messages.WithLabelValues("refused").Inc()
		if e.Customer == "" {
			return &refusal{"This message cannot be sent here."}
		}
		return &refusal{e.Customer}
	}
	s.metrics.messages.WithLabelValues("failed").Inc()
	if ctx.Err() == nil {
		s.o.Log.WarnContext(ctx, "a web chat message could not be kept; the widget will repeat it", "error", err)
	}
	return err
}

// markRead passes on that the visitor has seen a range of messages. Which ones
// those are is looked up in the visitor's own history, so that nobody can speak
// of another's.
func (s *Server) markRead(ctx context.Context, conn Connection, visitor sdk.Address, r readRange) error {
	if r.After < 0 || r.Upto <= r.After {
		return nil
	}
	entries, err := s.o.History.Messages(ctx, conn, visitor, r.After, pageSize)
	if err != nil {
		return err
	}
	events := readEvents(entries, r.Upto, visitor, s.o.Now())
	if len(events) == 0 {
		return nil
	}
	return s.o.Inbox.Accept(ctx, conn, events)
}
