package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"parley/connectors/fakes"
	"parley/internal/devstack"
	"parley/internal/devstack/temporal"
	"parley/internal/sandbox"
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
		Migrate:  migrate,
		Seed:     seed,
	}
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
