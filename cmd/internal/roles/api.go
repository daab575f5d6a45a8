package roles

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"parley/api"
	"parley/api/codec"
	"parley/api/ingress"
	"parley/api/webchat"
	"parley/internal/access"
	"parley/internal/audit"
	"parley/internal/bus"
	"parley/internal/config"
	"parley/internal/observe"
)

// APIOptions are what only the API needs. Zero values mean the defaults.
type APIOptions struct {
	// TemporalUI is the address of Temporal's UI, whose page may ask the codec
	// server for clear text; none if empty.
	TemporalUI string
	// Version of the program, for the OpenAPI document; that of its module if empty.
	Version string
	// MaxBody and MaxWebhook bound bodies on /v1 and of webhooks, in bytes.
	MaxBody, MaxWebhook int64
	// Timeout bounds a request on /v1, Grace how long requests under way may take
	// to finish at the end.
	Timeout, Grace time.Duration
	// TrustedProxies are the networks (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []string
	// Dispatchers is how many conversations and cases are woken at once (64), Queue
	// how many may wait for it (20,000).
	Dispatchers, Queue int
}

// APISettings are the API's options as the configuration has them.
func APISettings(c *config.Config) APIOptions {
	return APIOptions{TemporalUI: c.TemporalUI, MaxBody: int64(c.Body), MaxWebhook: int64(c.WebhookBody), Timeout: c.RequestTimeout, Grace: c.ShutdownTimeout,
		TrustedProxies: c.TrustedProxies, Dispatchers: c.DispatchWorkers, Queue: c.DispatchQueue}
}

// API serves webhooks, the web chat and the HTTP API at addr until ctx ends.
func (e *Engine) API(ctx context.Context, addr string, o APIOptions) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another api.addr or stop what uses it", addr, err)
	}
	return e.ServeAPI(ctx, l, o)
}

// ServeAPI is [Engine.API] on a listener, which it closes.
func (e *Engine) ServeAPI(ctx context.Context, l net.Listener, o APIOptions) error {
	if o.Dispatchers == 0 {
		o.Dispatchers = 64
	}
	if o.Queue == 0 {
		o.Queue = 20_000
	}
	if info, ok := debug.ReadBuildInfo(); ok && o.Version == "" {
		o.Version = info.Main.Version
	}
	d := e.Dispatcher(o.Dispatchers, o.Queue)
	handler, chat, err := e.handler(d, o)
	if err != nil {
		l.Close()
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })
	wg.Go(func() { chat.watch.listen(ctx, e) })
	defer wg.Wait()
	// Open sockets and polls would hold up the end.
	defer context.AfterFunc(ctx, chat.server.Close)()
	return api.ServeListener(ctx, l, handler, o.Grace)
}

// chatRole is the web chat's part of the API.
type chatRole struct {
	server *webchat.Server
	watch  *watch
}

// handler puts all that the API serves together.
func (e *Engine) handler(d *bus.Dispatcher, o APIOptions) (http.Handler, chatRole, error) {
	in := e.Intake(d)
	h := hooks{e: e, in: in}
	c := chat{e: e, in: in, watch: newWatch()}
	role := chatRole{watch: c.watch}
	var mountErr error
	all := e.resources(d)
	all.Ingress = ingress.Options{Resolver: h, Inbox: h, Router: h, PublicURL: e.PublicURL, MaxBody: o.MaxWebhook}
	all.Ready = e.checks()
	all.Registry, all.Log, all.Version = e.Registry, e.Log, o.Version
	all.MaxBody, all.Timeout, all.TrustedProxies = o.MaxBody, o.Timeout, o.TrustedProxies
	all.Mount = []func(gin.IRouter){
		func(r gin.IRouter) {
			role.server = webchat.Register(r, webchat.Options{Resolver: c, Inbox: c, History: c, Watch: c.watch, Log: e.Log, Metrics: e.Registry})
		},
		func(r gin.IRouter) {
			mountErr = codec.Register(r, codec.Options{Vault: e.Vault, Keys: access.New(e.DB), Trail: audit.New(e.DB), UIOrigin: strings.TrimSuffix(o.TemporalUI, "/"),
				Secure: strings.HasPrefix(e.PublicURL, "https://"), Log: e.Log})
		},
	}
	handler, err := api.New(all)
	if err == nil {
		err = mountErr
	}
	return handler, role, err
}

// checks are what the roles stand on.
func (e *Engine) checks() []api.Check {
	return []api.Check{
		{Name: "database", Ask: e.DB.Pool.Ping},
		{Name: "keys", Ask: e.Keys.Ping},
		{Name: "temporal", Ask: func(ctx context.Context) error {
			_, err := e.Temporal.CheckHealth(ctx, nil)
			return err
		}},
	}
}

// Ready tells whether everything that the roles stand on answers.
func (e *Engine) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for _, c := range e.checks() {
		if err := c.Ask(ctx); err != nil {
			return fmt.Errorf("%s: %s", c.Name, observe.ErrText(err))
		}
	}
	return nil
}
