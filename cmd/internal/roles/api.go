package roles

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"parley/api/ingress"
	"parley/api/webchat"
	"parley/internal/observe"
)

// API serves webhooks, the web chat and the HTTP API at addr until ctx ends.
func (e *Engine) API(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	return e.ServeAPI(ctx, l)
}

// ServeAPI is [Engine.API] on a listener, which it closes.
func (e *Engine) ServeAPI(ctx context.Context, l net.Listener) error {
	d := e.Dispatcher(64, 20_000)
	in := e.Intake(d)
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	h := hooks{e: e, in: in}
	hook := ingress.New(ingress.Options{Resolver: h, Inbox: h, Router: h, Metrics: observe.NewIngress(e.Registry), Log: e.Log, PublicURL: e.PublicURL})
	router.POST(ingress.Path, hook.Receive)
	router.GET(ingress.Path, hook.Shake)
	c := chat{e: e, in: in, watch: newWatch()}
	chatServer := webchat.Register(router, webchat.Options{Resolver: c, Inbox: c, History: c, Watch: c.watch, Log: e.Log, Metrics: e.Registry})
	router.GET("/metrics", gin.WrapH(observe.MetricsHandler(e.Registry)))
	router.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	router.GET("/readyz", func(c *gin.Context) {
		if err := e.Ready(c); err != nil {
			c.String(http.StatusServiceUnavailable, err.Error())
			return
		}
		c.String(http.StatusOK, "ok")
	})
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })
	wg.Go(func() { c.watch.listen(ctx, e) })
	defer wg.Wait()
	srv := &http.Server{Handler: router, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	srv.RegisterOnShutdown(chatServer.Close)
	stopped := context.AfterFunc(ctx, func() {
		stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		srv.Shutdown(stop)
	})
	defer stopped()
	if err := srv.Serve(l); err != http.ErrServerClosed {
		return fmt.Errorf("api: %w", err)
	}
	return nil
}

// Ready tells whether everything that the roles stand on answers.
func (e *Engine) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := e.DB.Pool.Ping(ctx); err != nil {
		return fmt.Errorf("database: %s", observe.ErrText(err))
	}
	if err := e.Keys.Ping(ctx); err != nil {
		return fmt.Errorf("keys: %s", observe.ErrText(err))
	}
	if _, err := e.Temporal.CheckHealth(ctx, nil); err != nil {
		return fmt.Errorf("temporal: %s", observe.ErrText(err))
	}
	return nil
}
