package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"parley/api/problem"
	"parley/internal/observe"
)

type requestIDKey struct{}

// requestIDOf is the ID that a request was given on arrival.
func requestIDOf(r *http.Request) string {
	id, _ := r.Context().Value(requestIDKey{}).(string)
	return id
}

// watch gives each request an ID and a span, and counts it by its route template.
// IDs are always our own: one from outside could hold anything.
func (s *server) watch(m *observe.HTTP) gin.HandlerFunc {
	return func(c *gin.Context) {
		start := time.Now()
		id := uuid.NewString()
		route := openPath(c.FullPath())
		if route == "" {
			route = "none"
		}
		ctx, span := observe.StartServer(c.Request, route, strings.HasPrefix(route, "/v1/"))
		defer span.End()
		c.Request = c.Request.WithContext(context.WithValue(ctx, requestIDKey{}, id))
		c.Header("X-Request-Id", id)
		c.Next()
		status := c.Writer.Status()
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, strconv.Itoa(status))
		}
		method := knownMethod(c.Request.Method)
		m.Requests.WithLabelValues(method, route, observe.StatusClass(status)).Inc()
		m.Seconds.WithLabelValues(method, route).Observe(time.Since(start).Seconds())
	}
}

// knownMethod keeps invented methods out of metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// recover answers a panic with a problem. Its value may hold content, so the log
// gets only its type and where it happened.
func (s *server) recover(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v) // the server's own way to cut a connection
		}
		s.o.Log.ErrorContext(c.Request.Context(), "a handler panicked", "method", c.Request.Method, "route", openPath(c.FullPath()),
			"request_id", requestIDOf(c.Request), "panic", observe.Panic(v), "cause", frames(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			problem.Write(c.Writer, problem.Internal.New("The error was logged under this problem's instance."), requestIDOf(c.Request))
		}
	}()
	c.Next()
}

// frames keeps the function names of a stack, innermost first, without arguments.
func frames(stack []byte) []string {
	var out []string
	for line := range strings.Lines(string(stack)) {
		if name, _, ok := strings.Cut(line, "("); ok && strings.HasPrefix(name, "parley/") {
			out = append(out, name)
		}
		if len(out) == 12 {
			break
		}
	}
	return out
}
