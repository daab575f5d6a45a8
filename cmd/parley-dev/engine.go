package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"parley/cmd/internal/demo"
	"parley/cmd/internal/roles"
	"parley/connectors"
	"parley/connectors/declared"
	"parley/connectors/fakes"
	"parley/internal/config"
	"parley/internal/devstack"
	"parley/internal/observe"
	"parley/internal/vault"
)

// parts are API and worker, which may share this process and then are seen at
// one address for metrics, told apart by the label role.
type parts struct{ api, worker *prometheus.Registry }

func newParts() parts {
	p := parts{api: observe.NewRegistry(), worker: prometheus.NewRegistry()}
	prometheus.WrapRegistererWith(prometheus.Labels{"role": "worker"}, p.api).MustRegister(p.worker)
	return p
}

func (p parts) runAPI(ctx context.Context, e devstack.Env) error {
	settings, err := config.Load(config.Options{File: e.ConfigFile})
	if err != nil {
		return err
	}
	g, err := engine(ctx, e, p.api, false)
	if err != nil {
		return err
	}
	defer g.Close()
	o := roles.APISettings(settings)
	o.TemporalUI = e.TemporalUIURL
	return g.API(ctx, e.Addresses.API, o)
}

func (p parts) runWorker(ctx context.Context, e devstack.Env) error {
	g, err := engine(ctx, e, p.worker, true)
	if err != nil {
		return err
	}
	defer g.Close()
	return g.Worker(ctx)
}

// engine gives the production roles this folder's addresses and keys, and
// takes everything else from the user's settings.
func engine(ctx context.Context, e devstack.Env, registry *prometheus.Registry, worker bool) (*roles.Engine, error) {
	settings, err := config.Load(config.Options{File: e.ConfigFile})
	if err != nil {
		return nil, err
	}
	list, err := declared.Add(connectors.All(), settings.Connectors)
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
	proof, err := proof(worker)
	if err != nil {
		return nil, err
	}
	return roles.Open(ctx, roles.Config{
		DatabaseURL: e.DatabaseURL, KeysDatabaseURL: e.KeysDatabaseURL, KEK: kek,
		TemporalAddress: e.Addresses.Temporal, Namespace: e.Namespace, PublicURL: public,
		Connectors: list, MaxConns: int32(settings.DatabasePool),
		Log: e.Log, Registry: registry, Proof: proof,
	}, worker)
}

// seed fills a fresh folder with the demo workspace.
func seed(ctx context.Context, e devstack.Env) (map[string]devstack.Account, error) {
	g, err := engine(ctx, e, prometheus.NewRegistry(), false)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	seeded, err := demo.Seed(ctx, g, demo.Options{
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

// migrate brings both databases to the newest schema.
func migrate(ctx context.Context, e devstack.Env) error {
	return roles.Migrate(ctx, e.DatabaseURL, e.KeysDatabaseURL)
}
