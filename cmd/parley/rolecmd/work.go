package rolecmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"parley/cmd/internal/roles"
	"parley/internal/observe"
)

// work runs the worker, and beside it what operators and orchestrators ask it.
func (p process) work(ctx context.Context, e *roles.Engine) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.WorkerAddr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another worker.addr or stop what uses it", p.config.WorkerAddr, err)
	}
	p.log.InfoContext(ctx, "the worker starts; its health is told at", "addr", l.Addr())
	ready := func(ctx context.Context) error {
		return errors.Join(e.Ready(ctx), e.Polling(ctx, os.Getpid()))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveHealth(ctx, l, healthHandler(p.registry, ready)) })
	g.Go(func() error { return e.Worker(ctx) })
	return g.Wait()
}

// healthHandler answers /healthz (the process is alive), /readyz (it can do its
// work: 503 and why if not) and /metrics.
func healthHandler(metrics prometheus.Gatherer, ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if err := ready(ctx); err != nil {
			http.Error(w, observe.ErrText(err), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", observe.MetricsHandler(metrics))
	return mux
}

// serveHealth serves until ctx ends. Its answers are short, so nothing is waited
// for.
func serveHealth(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("worker.addr: %w", err)
	}
	return nil
}
