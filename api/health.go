package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"parley/api/ingress"
	"parley/api/problem"
	"parley/internal/observe"
)

// readyTimeout bounds each check of /readyz.
const readyTimeout = 2 * time.Second

// Check is one thing that must work for the process to be of use.
type Check struct {
	// Name is shown: "database", "keys", "temporal".
	Name string
	// Ask returns nil if it works. It is given two seconds.
	Ask func(context.Context) error
}

// Health is the answer of /healthz and /readyz.
type Health struct {
	// Status is "ok" or "failed".
	Status string `json:"status" required:"true" enum:"ok,failed"`
	// Checks say "ok", "failed" or "timed out", by name.
	Checks map[string]string `json:"checks,omitempty"`
}

// hookPath is the input of webhooks, for the document: their bodies are the
// providers' own.
type hookPath struct {
	Connector string `path:"connector" json:"-" description:"The connector's name."`
	Account   string `path:"account" json:"-" description:"The account of the connection."`
}

// edgeRoutes are the routes that need no key.
func (s *server) edgeRoutes(hooks *ingress.Handler) []route {
	metrics := observe.MetricsHandler(s.o.Registry)
	hook := reflect.TypeFor[hookPath]()
	health := reflect.TypeFor[Health]()
	return []route{
		{method: http.MethodPost, path: openPath(ingress.Path), id: "receiveWebhook", tag: "webhooks", status: http.StatusOK,
			summary: "Takes a provider's webhook. It is kept when the answer is 200; a repeat is harmless.",
			in:      hook, bodyType: "*/*", serve: hooks.Receive,
			problems: []problem.Kind{problem.Malformed, problem.BadSignature, problem.UnknownAccount, problem.Timeout, problem.TooLarge, problem.Unavailable}},
		{method: http.MethodGet, path: openPath(ingress.Path), id: "handshakeWebhook", tag: "webhooks", status: http.StatusOK,
			summary: "Answers a provider that verifies the address before it sends webhooks.",
			in:      hook, outType: "text/plain", serve: hooks.Shake,
			problems: []problem.Kind{problem.Handshake, problem.UnknownAccount, problem.Method, problem.Unavailable}},
		{method: http.MethodGet, path: "/healthz", id: "getHealth", tag: "operation", status: http.StatusOK, out: health,
			summary: "Tells that the process is alive, and nothing more.",
			serve:   func(c *gin.Context) { c.JSON(http.StatusOK, Health{Status: "ok"}) }},
		{method: http.MethodGet, path: "/readyz", id: "getReadiness", tag: "operation", status: http.StatusOK, failed: http.StatusServiceUnavailable, out: health,
			summary: "Tells whether everything that is needed can be reached; 503 names what cannot.", serve: s.ready},
		{method: http.MethodGet, path: "/metrics", id: "getMetrics", tag: "operation", status: http.StatusOK, outType: "text/plain",
			summary: "Metrics in Prometheus' text format.", serve: gin.WrapH(metrics)},
	}
}

// ready asks all checks at once. Why one failed is for the log: an error could
// name hosts.
func (s *server) ready(c *gin.Context) {
	out := Health{Status: "ok", Checks: map[string]string{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, check := range s.o.Ready {
		wg.Go(func() {
			err := ask(c.Request.Context(), check)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				out.Checks[check.Name] = "ok"
				return
			case errors.Is(err, context.DeadlineExceeded):
				out.Checks[check.Name] = "timed out"
			default:
				out.Checks[check.Name] = "failed"
			}
			out.Status = "failed"
			s.o.Log.WarnContext(c.Request.Context(), "not ready", "check", check.Name, "error", err)
		})
	}
	wg.Wait()
	status := http.StatusOK
	if out.Status != "ok" {
		status = http.StatusServiceUnavailable
	}
	c.JSON(status, out)
}

// ask runs a check and does not wait for one that ignores its context.
func ask(ctx context.Context, check Check) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- check.Ask(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
