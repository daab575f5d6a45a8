package main

import (
	"context"

	"parley/cmd/internal/roles"
	"parley/connectors"
	"parley/connectors/fakes"
	"parley/internal/devstack"
	"parley/internal/vault"
)

// engine opens the engine of a data folder.
func engine(ctx context.Context, e devstack.Env, worker bool) (*roles.Engine, error) {
	kek, err := vault.LocalKEK(e.MasterKeyFile)
	if err != nil {
		return nil, err
	}
	return roles.Open(ctx, roles.Config{
		DatabaseURL: e.DatabaseURL, KeysDatabaseURL: e.KeysDatabaseURL, KEK: kek,
		TemporalAddress: e.Addresses.Temporal, Namespace: e.Namespace, PublicURL: e.APIURL,
		Connectors: connectors.All(), Log: e.Log,
	}, worker)
}

// runAPI is the role api.
func runAPI(ctx context.Context, e devstack.Env) error {
	g, err := engine(ctx, e, false)
	if err != nil {
		return err
	}
	defer g.Close()
	return g.API(ctx, e.Addresses.API)
}

// runWorker is the role worker.
func runWorker(ctx context.Context, e devstack.Env) error {
	g, err := engine(ctx, e, true)
	if err != nil {
		return err
	}
	defer g.Close()
	return g.Worker(ctx)
}

// workerReady tells whether the process polls the task queue.
func workerReady(ctx context.Context, e devstack.Env, pid int) error {
	g, err := engine(ctx, e, false)
	if err != nil {
		return err
	}
	defer g.Close()
	return g.Polling(ctx, pid)
}

// migrate brings both databases to the newest schema.
func migrate(ctx context.Context, e devstack.Env) error {
	return roles.Migrate(ctx, e.DatabaseURL, e.KeysDatabaseURL)
}

// seed fills a fresh system with the demo workspace.
func seed(ctx context.Context, e devstack.Env) (map[string]devstack.Account, error) {
	g, err := engine(ctx, e, false)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	made, err := g.Seed(ctx, roles.Demo{Stack: e.Stack, AdminKey: e.AdminKey, APIURL: e.APIURL, SandboxURL: e.SandboxURL, SandboxKey: e.SandboxKey, Fakes: fakes.All()})
	if err != nil {
		return nil, err
	}
	out := map[string]devstack.Account{}
	for name, a := range made {
		out[name] = devstack.Account(a)
	}
	return out, nil
}
