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
)

// system says what runs beside PostgreSQL.
func system() devstack.System {
	return devstack.System{
		Temporal: devstack.Role{Name: "temporal", Run: runTemporal, Ready: temporalReady},
		Sandbox: devstack.Role{Name: "sandbox", Run: runSandbox, Ready: func(ctx context.Context, e devstack.Env, _ int) error {
			return healthy(ctx, e.SandboxURL+"/healthz")
		}, Graceful: true},
	}
}

func temporalReady(ctx context.Context, e devstack.Env, _ int) error {
	if err := temporal.Ready(ctx, e.Addresses.Temporal); err != nil {
		return err
	}
	return healthy(ctx, e.TemporalUIURL+"/healthz")
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
