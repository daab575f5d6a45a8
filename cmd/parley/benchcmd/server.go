package benchcmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// server is the Temporal and the PostgreSQL that are measured.
type server struct {
	temporal string
	postgres string // address of the server's database "postgres"
	stops    []func()
}

// startServer starts a server of its own as parley-dev does: the program
// parley-dev, beside this one or in PATH, runs PostgreSQL and Temporal.
func startServer(ctx context.Context) (*server, error) {
	program, err := findDev()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "parley-bench-*")
	if err != nil {
		return nil, err
	}
	s := &server{stops: []func(){func() { os.RemoveAll(dir) }}}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL may run as another user
		return nil, err
	}
	var pg struct {
		URL string `json:"database_url"`
	}
	if err := s.start(ctx, &pg, nil, program, "postgres", "--data", dir); err != nil {
		s.stop()
		return nil, err
	}
	s.postgres = pg.URL
	var tmp struct {
		Temporal string `json:"temporal"`
	}
	if err := s.start(ctx, &tmp, []string{"PARLEY_DATABASE_URL=" + pg.URL}, program, "bare-temporal"); err != nil {
		s.stop()
		return nil, err
	}
	s.temporal = tmp.Temporal
	return s, nil
}

func findDev() (string, error) {
	if self, err := os.Executable(); err == nil {
		if p := filepath.Join(filepath.Dir(self), "parley-dev"); executable(p) {
			return p, nil
		}
	}
	p, err := exec.LookPath("parley-dev")
	if err != nil {
		return "", errors.New("bench starts its server with the program parley-dev: build it beside this one (go build -o DIR ./cmd/parley ./cmd/parley-dev), or name a server with --server and --database")
	}
	return p, nil
}

func executable(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// start runs a part and reads the line of JSON that it prints when it is ready.
func (s *server) start(ctx context.Context, facts any, env []string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("bench: %s: %w", args[0], err)
	}
	s.stops = append(s.stops, func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("bench: %s did not start", args[0])
	}
	return json.Unmarshal(line, facts)
}

func (s *server) stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

// database makes a fresh database beside the server's own and returns its address.
func (s *server) database(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.postgres)
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	u, err := url.Parse(s.postgres)
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	u.Path = "/" + name
	return u.String(), nil
}

// durability returns PostgreSQL's settings that decide what a commit is worth.
func (s *server) durability(ctx context.Context) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, s.postgres)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer conn.Close(ctx)
	out := map[string]string{}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var v string
		if err := conn.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&v); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		out[name] = v
	}
	return out, nil
}
