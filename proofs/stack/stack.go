// Package stack runs the whole of Parley for a proof, as its users do: a built
// parley-dev on a data folder of its own, driven and killed from outside.
package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/internal/devstack"
	"parley/internal/devstack/postgres/pgtest"
	"parley/internal/devstack/supervise"
	"parley/internal/sandbox/sandboxclient"
)

// envBinary names a parley-dev that is built already.
const envBinary = "PARLEY_DEV_BINARY"

// Limits of waiting. They are generous: a machine that builds and tests much else
// at once is slow, and a wait that has succeeded costs nothing.
const (
	StartLimit = 3 * time.Minute
	stopLimit  = 40 * time.Second
	poll       = 50 * time.Millisecond
)

var build struct {
	sync.Once
	path string
	err  error
}

// binary builds parley-dev once for the test binary.
func binary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(envBinary); path != "" {
		return path
	}
	build.Do(func() {
		dir, err := os.MkdirTemp("", "parley-proofs-*")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "parley-dev")
		out, err := exec.Command("go", "build", "-o", build.path, "parley/cmd/parley-dev").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("building parley-dev: %w\n%s", err, out)
		}
	})
	require.NoError(t, build.err)
	return build.path
}

// Main runs a package's tests and removes what they built:
//
//	func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if build.path != "" {
		_ = os.RemoveAll(filepath.Dir(build.path))
	}
	return code
}

// System is one running Parley. Its methods may be called concurrently, but
// Kill and Restart of the supervisor by one goroutine only.
type System struct {
	Dir string

	t    testing.TB
	args []string

	mu         sync.Mutex
	supervisor *supervise.Child
}

// Start starts parley-dev --separate with more variables (NAME=value) in its
// environment, and stops it after the test. It skips the test where there is no
// PostgreSQL.
func Start(t testing.TB, env ...string) *System {
	t.Helper()
	pgtest.Require(t)
	path, err := exec.LookPath("env") // it becomes the program that it starts
	require.NoError(t, err)
	program := binary(t)
	dir := pgtest.Dir(t)
	s := &System{Dir: filepath.Join(dir, "data"), t: t}
	s.args = append(append([]string{path}, env...), program, "--data", s.Dir, "--separate",
		"--api-addr", "127.0.0.1:0", "--temporal-addr", "127.0.0.1:0", "--ui-addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0")
	require.NoError(t, s.launch())
	t.Cleanup(s.stop)
	s.AwaitReady()
	return s
}

func (s *System) endpointsFile() string { return filepath.Join(s.Dir, "endpoints.json") }

// Output is the file that parley-dev prints to.
func (s *System) Output() string { return filepath.Join(filepath.Dir(s.Dir), "parley-dev.out") }

func (s *System) launch() error {
	if err := os.Remove(s.endpointsFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	child, err := supervise.Start(supervise.Command{
		Name: "parley-dev", Path: s.args[0], Args: s.args[1:], LogFile: s.Output(),
		PIDFile: filepath.Join(filepath.Dir(s.Dir), "parley-dev.pid"), Graceful: true, StopTimeout: stopLimit,
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.supervisor = child
	s.mu.Unlock()
	return nil
}

// AwaitReady returns when the system says where it is to be found.
func (s *System) AwaitReady() {
	s.t.Helper()
	s.Eventually("parley-dev gets ready", StartLimit, func() error {
		s.mu.Lock()
		child := s.supervisor
		s.mu.Unlock()
		select {
		case <-child.Gone():
			out, _ := os.ReadFile(s.Output())
			require.FailNow(s.t, "parley-dev ended by itself", "%s", out)
		default:
		}
		_, err := os.Stat(s.endpointsFile())
		return err
	})
}

// Eventually polls until do succeeds, or fails the test with its last error.
func (s *System) Eventually(what string, limit time.Duration, do func() error) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(s.t, err, "not within %s: %s", limit, what)
		}
		<-tick.C
	}
}

// Endpoints is what endpoints.json says now.
func (s *System) Endpoints() devstack.Endpoints {
	s.t.Helper()
	var e devstack.Endpoints
	raw, err := os.ReadFile(s.endpointsFile())
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(raw, &e))
	return e
}

// Sandbox drives the customers' and providers' side.
func (s *System) Sandbox() sandboxclient.Client {
	s.t.Helper()
	return sandboxclient.Client{URL: s.Endpoints().Sandbox}
}

// Database opens a pool on the main database, with all rights.
func (s *System) Database() *pgxpool.Pool {
	s.t.Helper()
	cfg, err := pgxpool.ParseConfig(s.Endpoints().DatabaseURL)
	require.NoError(s.t, err)
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(s.t.Context(), cfg)
	require.NoError(s.t, err)
	s.t.Cleanup(pool.Close)
	return pool
}

// PID is the process that a role runs in now; 0 if none does.
func (s *System) PID(role string) int {
	s.t.Helper()
	pid := s.Endpoints().PIDs[role]
	if pid <= 1 || !s.ours(pid) {
		return 0
	}
	return pid
}

// ours tells whether a process is alive and belongs to this data folder.
func (s *System) ours(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if errors.Is(err, os.ErrNotExist) {
		if _, linux := os.Stat("/proc/self"); linux == nil {
			return false
		}
		return syscall.Kill(pid, 0) == nil
	}
	return err == nil && strings.Contains(string(raw), s.Dir)
}

// Signal sends a signal to a role's process and reports whether there was one.
func (s *System) Signal(role string, sig syscall.Signal) bool {
	s.t.Helper()
	pid := s.PID(role)
	return pid != 0 && syscall.Kill(pid, sig) == nil
}

// KillSupervisor kills parley-dev itself with -9, which takes api, worker and
// temporal with it, and tells the sandbox to end. PostgreSQL lives on.
func (s *System) KillSupervisor() {
	s.t.Helper()
	s.mu.Lock()
	child := s.supervisor
	s.mu.Unlock()
	require.NoError(s.t, syscall.Kill(child.PID(), syscall.SIGKILL))
	<-child.Gone()
}

// Relaunch starts parley-dev again after KillSupervisor, without waiting for it.
func (s *System) Relaunch() {
	s.t.Helper()
	require.NoError(s.t, s.launch())
}

// Stop ends the system cleanly; the data stays until the test ends.
func (s *System) Stop() {
	s.t.Helper()
	s.mu.Lock()
	child := s.supervisor
	s.mu.Unlock()
	require.NoError(s.t, child.Stop())
}

// stop also sees to it that no PostgreSQL is left behind by a parley-dev that
// could not stop it.
func (s *System) stop() {
	postgres := 0
	if _, err := os.Stat(s.endpointsFile()); err == nil {
		postgres = s.PID("postgres")
	}
	s.mu.Lock()
	child := s.supervisor
	s.mu.Unlock()
	_ = child.Stop()
	if postgres != 0 && s.ours(postgres) {
		_ = syscall.Kill(postgres, syscall.SIGQUIT)
		s.Eventually("PostgreSQL ends", stopLimit, func() error {
			if s.ours(postgres) {
				return errors.New("it still runs")
			}
			return nil
		})
	}
	s.keepLogs()
}

// keepLogs copies the logs of a failed test where PARLEY_PROOF_LOGS says.
func (s *System) keepLogs() {
	to := os.Getenv("PARLEY_PROOF_LOGS")
	if to == "" || !s.t.Failed() {
		return
	}
	to = filepath.Join(to, strings.ReplaceAll(s.t.Name(), "/", "_")+time.Now().Format("-150405"))
	if err := os.CopyFS(to, os.DirFS(filepath.Join(s.Dir, "logs"))); err != nil {
		s.t.Logf("the logs could not be kept: %v", err)
	}
	s.t.Logf("logs kept in %s", to)
}
