package devstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/internal/devstack"
	"parley/internal/devstack/postgres/pgtest"
)

// part is a role that serves its own process ID over HTTP.
func part(name string, addr func(devstack.Env) string) devstack.Role {
	return devstack.Role{
		Name: name,
		Run: func(ctx context.Context, e devstack.Env) error {
			l, err := net.Listen("tcp", addr(e))
			if err != nil {
				return err
			}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })}
			stop := context.AfterFunc(ctx, func() { _ = server.Close() })
			defer stop()
			if err := server.Serve(l); ctx.Err() == nil {
				return err
			}
			return nil
		},
		Ready: func(_ context.Context, e devstack.Env, pid int) error {
			if got, err := ask(addr(e)); err != nil || got != fmt.Sprint(pid) {
				return fmt.Errorf("%s answers %q: %w", name, got, err)
			}
			return nil
		},
	}
}

func ask(addr string) (string, error) {
	resp, err := http.Get("http://" + addr)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func system() devstack.System {
	return devstack.System{
		Temporal: part("temporal", func(e devstack.Env) string { return e.Addresses.Temporal }),
		Sandbox:  part("sandbox", func(e devstack.Env) string { return e.Addresses.Sandbox }),
		API:      part("api", func(e devstack.Env) string { return e.Addresses.API }),
		Worker:   part("worker", func(e devstack.Env) string { return e.Addresses.UI }),
		Migrate:  func(context.Context, devstack.Env) error { return nil },
		Seed: func(_ context.Context, e devstack.Env) (map[string]devstack.Account, error) {
			return map[string]devstack.Account{e.Stack: {Account: "demo"}}, nil
		},
	}
}

// TestMain lets this test binary be the parts, and a supervisor to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) < 4 || os.Args[2] != "--data" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := play(ctx, os.Args[1], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(ctx context.Context, role, dir string) error {
	s := system()
	if role == "supervisor" {
		return devstack.Run(ctx, options(dir, os.Stdout, true), s)
	}
	e, err := devstack.LoadEnv(dir)
	if err != nil {
		return err
	}
	for _, r := range []devstack.Role{s.Temporal, s.Sandbox, s.API, s.Worker} {
		if r.Name == role {
			return r.Run(ctx, e)
		}
	}
	return errors.New("unknown role " + role)
}

func options(dir string, out io.Writer, separate bool) devstack.Options {
	return devstack.Options{
		Dir: dir, Stack: "commerce", Separate: separate, Verbose: true, Executable: os.Args[0], Out: out,
		Addresses: devstack.Addresses{API: "127.0.0.1:0", Temporal: "127.0.0.1:0", UI: "127.0.0.1:0", Sandbox: "127.0.0.1:0"},
		NewLog:    func(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) },
	}
}

func endpoints(t *testing.T, dir string) (e devstack.Endpoints) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &e))
	return e
}

// watcher signals when "ready" is printed.
type watcher struct {
	said  bytes.Buffer
	ready chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("ready\n")) {
		defer close(w.ready)
	}
	return w.said.Write(p)
}

func needPostgres(t *testing.T) string {
	t.Helper()
	pgtest.Require(t)
	return filepath.Join(pgtest.Dir(t), "data")
}

func TestOneProcessRunsAndStopsEverything(t *testing.T) {
	dir := needPostgres(t)
	ctx, stop := context.WithCancel(t.Context())
	out := &watcher{ready: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- devstack.Run(ctx, options(dir, out, false), system()) }()
	select {
	case <-out.ready:
	case err := <-done:
		t.Fatalf("it ended: %v", err)
	}
	e := endpoints(t, dir)
	for _, role := range []string{"api", "worker", "temporal", "sandbox"} {
		require.Equal(t, os.Getpid(), e.PIDs[role], role)
	}
	require.NotEqual(t, os.Getpid(), e.PIDs["postgres"])
	require.Contains(t, e.Accounts, "commerce")
	require.Contains(t, out.said.String(), e.TemporalUI)
	stop()
	require.NoError(t, <-done)
	require.ErrorIs(t, syscall.Kill(e.PIDs["postgres"], 0), syscall.ESRCH, "PostgreSQL is stopped too")
	_, err := ask(strings.TrimPrefix(e.API, "http://"))
	require.Error(t, err)
}

func TestAPartThatFailsEndsTheOneProcess(t *testing.T) {
	dir := needPostgres(t)
	s := system()
	s.Worker.Run = func(context.Context, devstack.Env) error { return errors.New("no task queue") }
	err := devstack.Run(t.Context(), options(dir, io.Discard, false), s)
	require.EqualError(t, err, "worker: no task queue")
	require.NoFileExists(t, filepath.Join(dir, "endpoints.json"))
}

func TestAFolderThatPostgresCannotEnterIsRefusedUntouched(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs PostgreSQL as another user")
	}
	private := t.TempDir()
	require.NoError(t, os.Chmod(private, 0o700))
	dir := filepath.Join(private, "data")
	err := devstack.Run(t.Context(), options(dir, io.Discard, false), system())
	require.ErrorContains(t, err, "cannot enter")
	require.NoDirExists(t, dir)
}

func TestSeparatePartsComeBackAndAllGoesOnAfterAKill(t *testing.T) {
	dir := needPostgres(t)
	supervisor, e := supervise(t, dir)
	for _, role := range []string{"api", "worker", "temporal", "sandbox", "postgres"} {
		require.NoError(t, syscall.Kill(e.PIDs[role], syscall.SIGKILL), role)
	}
	for _, role := range []string{"api", "worker", "temporal", "sandbox", "postgres"} {
		require.Eventually(t, func() bool {
			pid := endpoints(t, dir).PIDs[role]
			return pid != e.PIDs[role] && syscall.Kill(pid, 0) == nil
		}, 30*time.Second, 20*time.Millisecond, role)
	}

	// Everything but PostgreSQL dies; it is adopted.
	before := endpoints(t, dir)
	require.NoError(t, supervisor.Process.Signal(syscall.SIGKILL))
	_ = supervisor.Wait()
	supervisor, after := supervise(t, dir)
	require.Equal(t, before.PIDs["postgres"], after.PIDs["postgres"])
	require.Equal(t, before.API, after.API)
	require.Equal(t, before.DatabaseURL, after.DatabaseURL)
	require.Equal(t, before.AdminKey, after.AdminKey)

	require.NoError(t, supervisor.Process.Signal(syscall.SIGTERM))
	require.NoError(t, supervisor.Wait())
	for role, pid := range after.PIDs {
		// One that was adopted is reaped by the system's first process, in its time.
		require.Eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }, 30*time.Second, 20*time.Millisecond, role)
	}
}

// supervise runs the system in a process of its own until the test ends.
func supervise(t *testing.T, dir string) (*exec.Cmd, devstack.Endpoints) {
	t.Helper()
	out := &watcher{ready: make(chan struct{})}
	said := &bytes.Buffer{}
	cmd := exec.Command(os.Args[0], "supervisor", "--data", dir)
	cmd.Stdout, cmd.Stderr = out, said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	select {
	case <-out.ready:
	case <-time.After(time.Minute):
		t.Fatalf("not ready: %s", said)
	}
	return cmd, endpoints(t, dir)
}
