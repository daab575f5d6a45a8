package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Time limits of the server. Webhooks and /v1 have tighter ones of their own; the
// ones here also bound long polling of the web chat (25 s).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 60 * time.Second
	writeTimeout      = 90 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 64 << 10
	// defaultGrace is how long requests under way may take after the end.
	defaultGrace = 20 * time.Second
)

// Serve listens on addr and serves until ctx ends, then lets the requests under way
// finish within grace (20 s if zero) and returns nil. An address that cannot be
// listened on is an error at once.
func Serve(ctx context.Context, addr string, handler http.Handler, grace time.Duration) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("api: cannot listen on %s: %w; choose another api.addr or stop what uses it", addr, err)
	}
	return ServeListener(ctx, l, handler, grace)
}

// ServeListener is [Serve] on a listener, which it closes.
func ServeListener(ctx context.Context, l net.Listener, handler http.Handler, grace time.Duration) error {
	if grace == 0 {
		grace = defaultGrace
	}
	// Requests outlive ctx, so that they can finish; what is left after the grace
	// is cancelled.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return base },
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("api: serve: %w", err)
	case <-ctx.Done():
	}
	end, stop := context.WithTimeout(base, grace)
	defer stop()
	err := srv.Shutdown(end)
	if err != nil {
		cancel()
		srv.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return fmt.Errorf("api: serve: %w", served)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("api: some requests were still under way %s after the end and were cut", grace)
	}
	return err
}
