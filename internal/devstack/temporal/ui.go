package temporal

import (
	"context"
	"fmt"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// ui is the web UI, listening on addr.
type ui struct {
	server *uiserver.Server
	addr   string
}

func startUI(ctx context.Context, addr, frontend, codec string) (*ui, error) {
	host, number, err := split(addr)
	if err != nil {
		return nil, err
	}
	origin := "http://" + addr
	cfg := &config.Config{
		TemporalGRPCAddress: frontend, Host: host, Port: number,
		EnableUI: true, DefaultNamespace: Namespace, DisableNewsFetch: true, HideLogs: true,
		// Plain HTTP on this machine: the CSRF cookie cannot ask for HTTPS.
		CORS: config.CORS{AllowOrigins: []string{origin}, CookieInsecure: true},
	}
	if codec != "" {
		// The UI gives tokens to a codec server only over HTTPS; a same-site
		// cookie also reaches one on another port of this host.
		cfg.Codec = config.Codec{Endpoint: codec, IncludeCredentials: true,
			DefaultErrorMessage: "What is said is encrypted. To read it, sign in here and load this page again:", DefaultErrorLink: codec}
	}
	u := &ui{server: uiserver.NewServer(server_options.WithConfigProvider(cfg)), addr: addr}
	go func() { _ = u.server.Start() }() // ends with stop
	if err := u.await(ctx, origin); err != nil {
		u.stop()
		return nil, fmt.Errorf("the Temporal UI does not answer on %s: %w", addr, err)
	}
	return u, nil
}

func (u *ui) await(ctx context.Context, origin string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := get(ctx, origin+"/healthz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

func (u *ui) stop() { u.server.Stop() }
