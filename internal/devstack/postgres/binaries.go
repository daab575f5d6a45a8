package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// EnvBin names a folder with the programs postgres and initdb; when it is set,
// no other place is looked at.
const EnvBin = "PARLEY_POSTGRES_BIN"

// Majors that are supported: Temporal asks for 12 or newer; older than 14 and
// newer than 18 were never run with Parley.
const (
	oldestMajor = 14
	newestMajor = 18
)

// binaries is one installed PostgreSQL.
type binaries struct {
	dir   string // holds postgres and initdb
	major int
}

func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }
func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }

// places where distributions put their versions side by side.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                   // Red Hat
	"/opt/homebrew/opt/postgresql@*/bin", // Homebrew, Apple silicon
	"/usr/local/opt/postgresql@*/bin",    // Homebrew, Intel
}

// choose returns the programs for a data folder of major version want, or, if
// want is 0 (no data folder yet), the newest supported ones. When the machine
// has none that fit, they are fetched.
func choose(ctx context.Context, want int, fetch func(context.Context) (string, error)) (binaries, error) {
	installed, err := installed(ctx)
	if err != nil {
		return binaries{}, err
	}
	if b, ok := pick(installed, want); ok {
		return b, nil
	}
	if want != 0 && (want != downloadMajor || os.Getenv(EnvBin) != "") {
		return binaries{}, otherMajorError(want, installed)
	}
	dir, err := fetch(ctx)
	if err != nil {
		return binaries{}, fmt.Errorf("PostgreSQL %d to %d was not found on this machine (install it, or name its bin folder in %s) and fetching it failed: %w",
			oldestMajor, newestMajor, EnvBin, err)
	}
	return binaries{dir: dir, major: downloadMajor}, nil
}

func pick(from []binaries, want int) (binaries, bool) {
	for _, b := range from {
		if want == 0 || b.major == want {
			return b, true
		}
	}
	return binaries{}, false
}

func otherMajorError(want int, installed []binaries) error {
	have := "none"
	if len(installed) > 0 {
		have = strconv.Itoa(installed[0].major)
	}
	return fmt.Errorf("the data folder was made by PostgreSQL %d, but the version at hand is %s: install PostgreSQL %d, or name its bin folder in %s, or move the data by pg_upgrade or pg_dump; the folder was left as it is",
		want, have, want, EnvBin)
}

// installed lists the supported versions of this machine, newest first.
func installed(ctx context.Context) ([]binaries, error) {
	if dir := os.Getenv(EnvBin); dir != "" {
		b, err := inspect(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("%s=%s: %w", EnvBin, dir, err)
		}
		return []binaries{b}, nil
	}
	var found []binaries
	for _, dir := range candidates() {
		if b, err := inspect(ctx, dir); err == nil {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	return found, nil
}

// candidates are folders that may hold the programs; those on PATH first.
func candidates() []string {
	var dirs []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range places {
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	return dirs
}

var errUnsupported = fmt.Errorf("not a version from %d to %d", oldestMajor, newestMajor)

// inspect asks the programs in dir for their version.
func inspect(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	if _, err := os.Stat(b.initdb()); err != nil {
		return b, fmt.Errorf("no initdb there: %w", err)
	}
	out, err := exec.CommandContext(ctx, b.postgres(), "--version").Output()
	if err != nil {
		return b, fmt.Errorf("asking postgres for its version: %w", err)
	}
	b.major, err = parseMajor(string(out))
	if err != nil {
		return b, err
	}
	if b.major < oldestMajor || b.major > newestMajor {
		return b, fmt.Errorf("PostgreSQL %d: %w", b.major, errUnsupported)
	}
	return b, nil
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// parseMajor reads "postgres (PostgreSQL) 15.18 (Debian …)".
func parseMajor(text string) (int, error) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("postgres --version did not answer with a version")
	}
	return strconv.Atoi(m[1])
}

// Ensure makes sure that there are programs to start a server with, fetching
// them into cache if need be (empty: as Options.Cache); the error says what is
// missing.
func Ensure(ctx context.Context, cache string) error {
	_, err := choose(ctx, 0, fetchTo(cacheDir(cache)))
	return err
}
