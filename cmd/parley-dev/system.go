package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"parley/cmd/internal/roles"
	"parley/connectors"
	"parley/connectors/fakes"
	"parley/internal/config"
	"parley/internal/devstack"
	"parley/internal/devstack/temporal"
	"parley/internal/observe"
	"parley/internal/sandbox"
	"parley/internal/vault"
	"parley/workflows/conversation"
)

// system says what runs beside PostgreSQL.
func system() devstack.System {
	p := newParts()
	return devstack.System{
		Temporal: devstack.Role{Name: "temporal", Run: runTemporal, Ready: temporalReady},
		Sandbox:  devstack.Role{Name: "sandbox", Run: runSandbox, Ready: sandboxReady, Graceful: true},
		API:      devstack.Role{Name: "api", Run: p.runAPI, Ready: apiReady},
		Worker:   devstack.Role{Name: "worker", Run: p.runWorker, Ready: workerReady},
		Migrate: func(ctx context.Context, e devstack.Env) error {
			return roles.Migrate(ctx, e.DatabaseURL, e.KeysDatabaseURL)
		},
		Seed: seed,
	}
}

// parts are API and worker, which may share this process and then are seen at
// one address for metrics, told apart by the label role.
type parts struct{ api, worker *prometheus.Registry }

func newParts() parts {
	p := parts{api: observe.NewRegistry(), worker: prometheus.NewRegistry()}
	prometheus.WrapRegistererWith(prometheus.Labels{"role": "worker"}, p.api).MustRegister(p.worker)
	return p
}

func (p parts) runAPI(ctx context.Context, e devstack.Env) error {
	engine, err := openEngine(ctx, e, p.api, false)
	if err != nil {
		return err
	}
	defer engine.Close()
	return engine.API(ctx, e.Addresses.API)
}

func (p parts) runWorker(ctx context.Context, e devstack.Env) error {
	engine, err := openEngine(ctx, e, p.worker, true)
	if err != nil {
		return err
	}
	defer engine.Close()
	return engine.Worker(ctx)
}

// openEngine gives the production roles this folder's addresses and keys, and
// takes everything else from the user's settings.
func openEngine(ctx context.Context, e devstack.Env, registry *prometheus.Registry, worker bool) (*roles.Engine, error) {
	settings, err := config.Load(config.Options{File: e.ConfigFile})
	if err != nil {
		return nil, err
	}
	kek, err := vault.LocalKEK(e.MasterKeyFile)
	if err != nil {
		return nil, err
	}
	public := e.APIURL
	if settings.PublicURL != "" {
		public = settings.PublicURL
	}
	return roles.Open(ctx, roles.Config{
		DatabaseURL: e.DatabaseURL, KeysDatabaseURL: e.KeysDatabaseURL, KEK: kek,
		TemporalAddress: e.Addresses.Temporal, Namespace: e.Namespace, PublicURL: public,
		Connectors: connectors.All(), MaxConns: int32(settings.DatabasePool),
		Log: e.Log, Registry: registry,
	}, worker)
}

// seed fills a fresh folder with the demo workspace.
func seed(ctx context.Context, e devstack.Env) (map[string]devstack.Account, error) {
	engine, err := openEngine(ctx, e, prometheus.NewRegistry(), false)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	seeded, err := engine.Seed(ctx, roles.Demo{
		Stack: e.Stack, AdminKey: e.AdminKey, APIURL: e.APIURL,
		SandboxURL: e.SandboxURL, SandboxKey: e.SandboxKey, Fakes: fakes.All(),
	})
	if err != nil {
		return nil, err
	}
	accounts := make(map[string]devstack.Account, len(seeded))
	for name, a := range seeded {
		accounts[name] = devstack.Account(a)
	}
	return accounts, nil
}

// runTemporal is the role temporal.
func runTemporal(ctx context.Context, e devstack.Env) error {
	server, err := temporal.Start(ctx, temporal.Options{
		DatabaseURL:   e.TemporalDatabaseURL,
		Addr:          e.Addresses.Temporal,
		UIAddr:        e.Addresses.UI,
		CodecEndpoint: e.APIURL + "/codec",
		Logger:        e.Log,
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}

// runSandbox is the role sandbox.
func runSandbox(ctx context.Context, e devstack.Env) error {
	s, err := sandbox.New(sandbox.Config{
		Addr: e.Addresses.Sandbox, Dir: e.SandboxDir, Key: e.SandboxKey, PublicURL: e.SandboxURL,
		Providers: fakes.All(), Log: e.Log,
	})
	if err != nil {
		return err
	}
	return errors.Join(s.Run(ctx), s.Close())
}

func temporalReady(ctx context.Context, e devstack.Env, _ int) error {
	if err := temporal.Ready(ctx, e.Addresses.Temporal); err != nil {
		return err
	}
	return healthy(ctx, e.TemporalUIURL+"/healthz")
}

func sandboxReady(ctx context.Context, e devstack.Env, _ int) error {
	return healthy(ctx, e.SandboxURL+"/healthz")
}

func apiReady(ctx context.Context, e devstack.Env, _ int) error {
	return healthy(ctx, e.APIURL+"/readyz")
}

func workerReady(ctx context.Context, e devstack.Env, pid int) error {
	return temporal.Polled(ctx, e.Addresses.Temporal, conversation.TaskQueue, pid)
}

// healthy asks an address that answers 200 when its part does its work.
func healthy(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
