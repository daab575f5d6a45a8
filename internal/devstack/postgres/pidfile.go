package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// pidFile is what a running server writes to postmaster.pid. Lines: process
// ID, data folder, start time, port, … (PostgreSQL source, miscadmin.h,
// LOCK_FILE_LINE_*).
type pidFile struct {
	pid  int
	port int // 0 while the server has not written it yet
}

func parsePidFile(text string) (pidFile, error) {
	lines := strings.Split(text, "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return pidFile{}, errors.New("postmaster.pid does not begin with a process ID")
	}
	p := pidFile{pid: pid}
	if len(lines) > 3 {
		p.port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
	}
	return p, nil
}

// running returns the server that holds the data folder, if one is alive. A
// pid file that names no living server (a crash, then perhaps another process
// with the same ID) is removed, since PostgreSQL would take the ID at its word.
func running(dataDir string) (p pidFile, alive bool, err error) {
	path := filepath.Join(dataDir, "postmaster.pid")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return pidFile{}, false, nil
	}
	if err != nil {
		return pidFile{}, false, err
	}
	p, err = parsePidFile(string(raw))
	if err == nil && isPostgres(p.pid) {
		return p, true, nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return pidFile{}, false, fmt.Errorf("removing a stale pid file: %w", err)
	}
	return pidFile{}, false, nil
}

// isPostgres tells whether pid is a living process (no zombie) whose program
// is called postgres.
func isPostgres(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return strings.HasPrefix(filepath.Base(exe), "postgres")
	}
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		return ofOtherUser(pid)
	}
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(filepath.Base(strings.TrimSpace(string(out))), "postgres")
}

// ofOtherUser judges a process whose exe link may not be read by its name
// alone (/proc/PID/stat: "pid (name) state …", proc(5)).
func ofOtherUser(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(raw), "(")
	name, state, _ := strings.Cut(rest, ") ")
	return strings.HasPrefix(name, "postgres") && !strings.HasPrefix(state, "Z")
}
