package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/internal/devstack/port"
)

// Options says which server to start.
type Options struct {
	// Dir is the folder of this server, made if missing. As root it must lie
	// where the user postgres or nobody can pass.
	Dir string
	// Port on 127.0.0.1; 0 takes the one kept in Dir, or picks and keeps one.
	Port int
	// Cache is where fetched programs are unpacked; empty for the system's or
	// user's cache folder.
	Cache string
	// Logger hears about adoption and fetching; nil for none.
	Logger *slog.Logger
}

// Server is a running PostgreSQL. Its methods may be called concurrently.
type Server struct {
	settings settings
	pid      int
	adopted  bool
	gone     chan struct{} // closed when the process has ended
	release  context.CancelFunc
}

// How long a server may take to accept connections (it may be recovering from
// a crash) and to stop.
const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 30 * time.Second
	pollEvery    = 50 * time.Millisecond
)

// Start returns the server of o.Dir when it accepts connections: the one that
// still runs there, or a new one. It refuses a data folder of another major
// version than the programs at hand, and never deletes one. The server does
// not stop with ctx; call Stop.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	f := folder{dir: dir}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	s, err := f.settings(o.Port)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if server, err := adopt(ctx, f, s, o.Logger); server != nil || err != nil {
		return server, err
	}
	a, err := serverAccount(f.data())
	if err != nil {
		return nil, err
	}
	major, err := f.major()
	if err != nil {
		return nil, err
	}
	b, err := choose(ctx, major, fetchTo(cacheDir(o.Cache)))
	if err != nil {
		return nil, err
	}
	if err := f.prepare(ctx, b, a, s.Password); err != nil {
		return nil, err
	}
	return launch(ctx, f, b, a, s, o.Logger)
}

// makeDir makes dir and its missing parents so that the server's user can pass
// through them, whatever the umask; folders that exist are left as they are.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o711); err == nil {
		return os.Chmod(dir, 0o711)
	} else if errors.Is(err, os.ErrExist) {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return makeDir(dir)
}

// cacheDir is where programs are unpacked: as root a folder that the server's
// user can enter.
func cacheDir(wanted string) string {
	if wanted != "" {
		return wanted
	}
	if os.Geteuid() == 0 {
		return "/var/cache/parley/postgres"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "parley", "postgres")
	}
	return filepath.Join(os.TempDir(), "parley-postgres")
}

// adopt returns the server that already runs on the data folder, nil if none.
func adopt(ctx context.Context, f folder, s settings, log *slog.Logger) (*Server, error) {
	for {
		p, alive, err := running(f.data())
		if err != nil || !alive {
			return nil, err
		}
		if p.port != 0 {
			s.Port = p.port
		}
		err = s.serves(ctx, f.data())
		if err == nil {
			log.Info("adopted a running PostgreSQL", "pid", p.pid, "port", s.Port)
			server := &Server{settings: s, pid: p.pid, adopted: true, gone: make(chan struct{})}
			watching, release := context.WithCancel(context.Background())
			server.release = release
			go server.watch(watching)
			return server, f.keep(s)
		}
		if !mayBecomeReady(err) {
			return nil, fmt.Errorf("a PostgreSQL (process %d) runs on %s but does not let us in: %w", p.pid, f.data(), err)
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("a PostgreSQL (process %d) runs on %s but accepts no connections: %w", p.pid, f.data(), err)
		}
	}
}

// watch closes gone when an adopted process, whose end nobody reports to us,
// is no more.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !isPostgres(s.pid) {
				close(s.gone)
				return
			}
		}
	}
}

// launch starts the server. After a kill -9 its old backends may hold the
// shared memory for a moment more, during which it refuses to start.
func launch(ctx context.Context, f folder, b binaries, a account, s settings, log *slog.Logger) (*Server, error) {
	if err := port.Available("127.0.0.1", s.Port); err != nil {
		return nil, fmt.Errorf("PostgreSQL's port is taken by another program: free it, or delete the port from %s to have another one picked: %w", f.state(), err)
	}
	for {
		server, said, err := launchOnce(ctx, f, b, a, s)
		if err == nil {
			log.Info("started PostgreSQL", "pid", server.pid, "port", s.Port, "version", b.major)
			return server, nil
		}
		if !strings.Contains(said, "pre-existing shared memory") && !strings.Contains(said, "is still in use") {
			return nil, err
		}
		if waitErr := pause(ctx); waitErr != nil {
			return nil, err
		}
	}
}

// launchOnce also returns what the server said in its log.
func launchOnce(ctx context.Context, f folder, b binaries, a account, s settings) (*Server, string, error) {
	logFile, offset, err := openLog(f.log())
	if err != nil {
		return nil, "", err
	}
	defer logFile.Close()
	cmd := exec.Command(b.postgres(), append([]string{"-D", f.data()}, flags(s.Port)...)...)
	cmd.SysProcAttr = a.process()
	cmd.Env = environment()
	cmd.Dir = f.data()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("starting %s: %w", b.postgres(), err)
	}
	server := &Server{settings: s, pid: cmd.Process.Pid, gone: make(chan struct{}), release: func() {}}
	go func() {
		_ = cmd.Wait() // the log says why it ended
		close(server.gone)
	}()
	if err := server.awaitReady(ctx, f.data()); err != nil {
		_ = server.Stop()
		said := readFrom(f.log(), offset)
		return nil, said, fmt.Errorf("PostgreSQL did not start: %w: %s (see %s)", err, lastLines(said, 3), f.log())
	}
	return server, "", nil
}

func (s *Server) awaitReady(ctx context.Context, dataDir string) error {
	for {
		err := s.settings.serves(ctx, dataDir)
		if err == nil {
			return nil
		}
		select {
		case <-s.gone:
			return errors.New("it ended at once")
		default:
		}
		if !mayBecomeReady(err) {
			return err
		}
		if ctxErr := pause(ctx); ctxErr != nil {
			return err
		}
	}
}

// pause waits a moment between two tries.
func pause(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// maxLog is the size past which the log of earlier runs is set aside.
const maxLog = 8 << 20

func openLog(path string) (f *os.File, offset int64, err error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, 0, err
		}
	}
	f, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func readFrom(path string, offset int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	raw, _ := io.ReadAll(io.NewSectionReader(f, offset, 64<<10))
	return string(raw)
}

// URL is the address of a database, with the superuser's password in it.
func (s *Server) URL(database string) string { return s.settings.url(database) }

// Addr is host:port of the server.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.settings.Port)) }

// PID is the process ID of the server's first process.
func (s *Server) PID() int { return s.pid }

// Adopted tells whether the server was running already when Start was called.
func (s *Server) Adopted() bool { return s.adopted }

// Gone is closed when the server has ended, whoever ended it. It stays open
// after Detach of an adopted server.
func (s *Server) Gone() <-chan struct{} { return s.gone }

// Detach leaves the server running when this program ends.
func (s *Server) Detach() { s.release() }

// Stop ends the server: clients are disconnected, data is written out (a fast
// shutdown); after 30 s it is ended at once, which costs a recovery at the
// next start but no data.
func (s *Server) Stop() error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		select {
		case <-s.gone: // its ID may be another process's by now
			return nil
		default:
		}
		if err := syscall.Kill(s.pid, sig); err != nil {
			if errors.Is(err, syscall.ESRCH) {
				return nil
			}
			return fmt.Errorf("stopping PostgreSQL (process %d): %w", s.pid, err)
		}
		timer := time.NewTimer(stopTimeout)
		select {
		case <-s.gone:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not end", s.pid)
}

func (s settings) url(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(Superuser, s.Password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// serves asks the server whether it serves this very data folder.
func (s settings) serves(ctx context.Context, dataDir string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&there); err != nil {
		return err
	}
	if !sameFolder(there, dataDir) {
		return fmt.Errorf("port %d belongs to the server of another data folder, %s", s.Port, there)
	}
	return nil
}
