package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"parley/internal/devstack/port"
)

// Superuser is the role that URL logs in as.
const Superuser = "postgres"

// folder is what lies below Options.Dir:
//
//	data/        the data folder, owned by the server's user
//	server.json  port and superuser's password, 0600
//	server.log   what the server says
type folder struct{ dir string }

func (f folder) data() string  { return filepath.Join(f.dir, "data") }
func (f folder) log() string   { return filepath.Join(f.dir, "server.log") }
func (f folder) state() string { return filepath.Join(f.dir, "server.json") }

// settings are chosen once for a folder.
type settings struct {
	Port     int    `json:"port"`
	Password string `json:"password"`
}

// settings reads server.json, or makes it. A wanted port other than 0 replaces
// the kept one.
func (f folder) settings(wantedPort int) (settings, error) {
	var s settings
	raw, err := os.ReadFile(f.state())
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(f.data()); err == nil {
			return s, fmt.Errorf("%s is missing, so the password of the data folder beside it is unknown: restore that file, or move %s away to start afresh", f.state(), f.data())
		}
	case err != nil:
		return s, err
	default:
		if err := json.Unmarshal(raw, &s); err != nil {
			return s, fmt.Errorf("%s is damaged: %w", f.state(), err)
		}
	}
	before := s
	if s.Password == "" {
		s.Password = rand.Text()
	}
	if wantedPort != 0 {
		s.Port = wantedPort
	}
	if s.Port == 0 {
		free, err := port.Free(1)
		if err != nil {
			return s, err
		}
		s.Port = free[0]
	}
	if s == before {
		return s, nil
	}
	return s, f.keep(s)
}

func (f folder) keep(s settings) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	fresh := f.state() + ".new"
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, f.state())
}

// major returns the major version that made the data folder, 0 if there is
// none yet.
func (f folder) major() (int, error) {
	path := filepath.Join(f.data(), "PG_VERSION")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if entries, _ := os.ReadDir(f.data()); len(entries) > 0 {
			return 0, fmt.Errorf("%s is not a PostgreSQL data folder (no PG_VERSION): choose another folder, or move that one away", f.data())
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("%s holds no major version", path)
	}
	return major, nil
}

// prepare makes the folder and, the first time, the data folder in it. That
// one appears complete or not at all: initdb works in data.new.
func (f folder) prepare(ctx context.Context, b binaries, a account, password string) error {
	if err := a.canEnter(f.dir); err != nil {
		return err
	}
	if err := a.canEnter(b.dir); err != nil {
		return err
	}
	if major, err := f.major(); err != nil || major != 0 {
		return err
	}
	fresh := f.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := a.own(fresh); err != nil {
		return err
	}
	if err := f.initdb(ctx, b, a, fresh, password); err != nil {
		return err
	}
	// An empty folder may stand there already; Rename replaces it.
	return os.Rename(fresh, f.data())
}

func (f folder) initdb(ctx context.Context, b binaries, a account, data, password string) error {
	secret, err := os.CreateTemp(f.dir, ".initdb-*")
	if err != nil {
		return err
	}
	defer os.Remove(secret.Name())
	defer secret.Close()
	if _, err := secret.WriteString(password + "\n"); err != nil {
		return err
	}
	if err := a.own(secret.Name()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.initdb(), "--pgdata="+data, "--username="+Superuser,
		"--pwfile="+secret.Name(), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
	cmd.SysProcAttr = a.process()
	cmd.Env = environment()
	cmd.Dir = data
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb failed: %w: %s", err, lastLines(string(out), 3))
	}
	return nil
}

// environment of the server's programs: nothing of ours is inherited, so that
// no PG… variable or locale of the user's changes what they do.
func environment() []string {
	return []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
