package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/internal/devstack/postgres"
	"parley/internal/devstack/supervise"
)

const (
	readyTimeout = 2 * time.Minute
	readyPoll    = 25 * time.Millisecond
	stopTimeout  = 20 * time.Second
	namespace    = "default"
)

// runner is one run of the system.
type runner struct {
	o      Options
	s      System
	folder *Folder
	board  *board
	env    Env
	times  *timeline
	log    *slog.Logger

	fatal chan error // a part of this process has failed for good

	mu    sync.Mutex
	stops []func() error // in the order of starting
}

// Run starts everything, says so, and keeps it running until ctx ends; then it
// stops everything and returns nil. It fails if a part cannot be started, or if
// one that runs in this process ends by itself.
func Run(ctx context.Context, o Options, s System) (err error) {
	r := &runner{o: o, s: s, fatal: make(chan error, 4), times: newTimeline()}
	if err := postgres.CanLiveIn(filepath.Join(o.Dir, "postgres")); err != nil {
		return err
	}
	if r.folder, err = Open(o.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.folder.Close()) }()
	log, err := supervise.OpenLog(r.folder.Path("logs", "parley-dev.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	r.log = o.NewLog(log)
	defer func() { err = errors.Join(err, r.stopAll()) }()
	err = r.start(ctx)
	if ctx.Err() != nil {
		return nil // asked to stop while starting
	}
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-r.fatal:
		return err
	}
}

func (r *runner) start(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return err
	}
	if err := r.times.measure("postgres", func() error { return r.startPostgres(ctx) }); err != nil {
		return err
	}
	if err := r.together(ctx, r.s.Temporal, r.s.Sandbox, Role{Name: "migrate", Run: r.s.Migrate}); err != nil {
		return err
	}
	if err := r.together(ctx, r.s.API, r.s.Worker); err != nil {
		return err
	}
	var accounts map[string]Account
	err := r.times.measure("seed", func() (err error) {
		if r.s.Seed != nil {
			accounts, err = r.s.Seed(ctx, r.env)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("seeding the demo workspace: %w", err)
	}
	if err := r.board.publish(r.env, accounts); err != nil {
		return err
	}
	if err := announce(r.o.Out, r.env); err != nil {
		return err
	}
	if r.o.Verbose {
		r.times.print(r.o.Out)
	}
	_, err = fmt.Fprintln(r.o.Out, "ready")
	return err
}

// prepare settles everything that needs no running part.
func (r *runner) prepare() (err error) {
	if r.board, err = newBoard(r.folder.Path("endpoints.json")); err != nil {
		return err
	}
	for _, role := range []Role{r.s.API, r.s.Worker, r.s.Sandbox, r.s.Temporal} {
		c := r.command(role)
		if err := supervise.EndOrphan(c.PIDFile, c.Args[:3], role.Graceful, stopTimeout); err != nil {
			return err
		}
	}
	secrets, err := r.folder.secrets()
	if err != nil {
		return err
	}
	addresses, err := r.folder.addresses(r.o.Addresses)
	if err != nil {
		return err
	}
	r.env = Env{
		Dir: r.folder.Dir, ConfigFile: r.o.ConfigFile, Stack: r.o.Stack,
		Addresses: addresses, APIURL: webURL(addresses.API), SandboxURL: webURL(addresses.Sandbox),
		TemporalUIURL: webURL(addresses.UI), Namespace: namespace,
		MasterKeyFile: r.folder.masterKey(), AdminKey: secrets.AdminKey,
		SandboxDir: r.folder.Path("sandbox"), SandboxKey: secrets.SandboxKey,
		Log: r.log,
	}
	return nil
}

func (r *runner) startPostgres(ctx context.Context) error {
	options := postgres.Options{Dir: r.folder.Path("postgres"), Logger: r.log}
	server, err := postgres.Start(ctx, options)
	if err != nil {
		return err
	}
	start := func(ctx context.Context) (supervise.Process, error) { return postgres.Start(ctx, options) }
	r.stopLater(r.keep("postgres", server, start).Stop)
	r.env.TemporalDatabaseURL = server.URL("postgres")
	r.env.DatabaseURL = server.URL(mainDatabase)
	r.env.KeysDatabaseURL = server.URL(keysDatabase)
	if err := createDatabases(ctx, server.URL("postgres")); err != nil {
		return err
	}
	return r.env.keep()
}

// together starts parts that do not need each other, and returns when all are
// ready.
func (r *runner) together(ctx context.Context, roles ...Role) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, role := range roles {
		if role.Run == nil {
			continue
		}
		group.Go(func() error {
			return r.times.measure(role.Name, func() error {
				if role.Ready == nil { // a step, not a part
					return role.Run(ctx, r.env)
				}
				return r.startRole(ctx, role)
			})
		})
	}
	return group.Wait()
}

func (r *runner) startRole(ctx context.Context, role Role) error {
	process, err := r.launch(role)
	if err != nil {
		return err
	}
	// What dies before it is ready is not started again but reported.
	if err := r.await(ctx, role, process); err != nil {
		return errors.Join(err, ignoreEnd(process))
	}
	if !r.o.Separate {
		r.stopLater(func() error {
			if err := process.Stop(); err != nil && !errors.Is(err, context.Canceled) {
				r.log.Warn("a part did not end well", "role", role.Name, "error", err)
			}
			return nil
		})
		go r.reportEnd(role, process)
		return r.board.setPID(role.Name, process.PID())
	}
	start := func(context.Context) (supervise.Process, error) { return r.launch(role) }
	r.stopLater(r.keep(role.Name, process, start).Stop)
	return nil
}

// ignoreEnd stops a part whose failure is already known.
func ignoreEnd(p supervise.Process) error {
	if _, ok := p.(*supervise.Task); ok {
		_ = p.Stop() // its error is the one reported
		return nil
	}
	return p.Stop()
}

func (r *runner) launch(role Role) (supervise.Process, error) {
	if !r.o.Separate {
		return supervise.Go(func(ctx context.Context) error { return role.Run(ctx, r.env) }), nil
	}
	return supervise.Start(r.command(role))
}

func (r *runner) command(role Role) supervise.Command {
	return supervise.Command{
		Name: role.Name, Path: r.o.Executable, Args: []string{role.Name, "--data", r.folder.Dir},
		LogFile: r.folder.Path("logs", role.Name+".log"), PIDFile: r.folder.Path("run", role.Name+".pid"),
		Graceful: role.Graceful, StopTimeout: stopTimeout,
	}
}

func (r *runner) keep(name string, first supervise.Process, start func(context.Context) (supervise.Process, error)) *supervise.Keeper {
	changed := func(pid int) {
		if err := r.board.setPID(name, pid); err != nil {
			r.log.Error("endpoints.json cannot be written", "error", err)
		}
	}
	changed(first.PID())
	return supervise.Keep(name, r.log, first, start, changed)
}

// await returns when the part is ready, or will never be.
func (r *runner) await(ctx context.Context, role Role, p supervise.Process) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		err := role.Ready(ctx, r.env, p.PID())
		if err == nil {
			return nil
		}
		select {
		case <-p.Gone():
			return r.endError(role, p)
		case <-ctx.Done():
			return fmt.Errorf("%s did not get ready: %w", role.Name, err)
		case <-tick.C:
		}
	}
}

// endError says why a part has ended.
func (r *runner) endError(role Role, p supervise.Process) error {
	if child, ok := p.(*supervise.Child); ok {
		return fmt.Errorf("%w: %s", child.Err(), lastLine(r.command(role).LogFile))
	}
	if err := p.Stop(); err != nil {
		return fmt.Errorf("%s: %w", role.Name, err)
	}
	return fmt.Errorf("%s ended by itself", role.Name)
}

func (r *runner) reportEnd(role Role, p supervise.Process) {
	<-p.Gone()
	select {
	case r.fatal <- r.endError(role, p):
	default: // one failure is enough
	}
}

func (r *runner) stopLater(stop func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops = append(r.stops, stop)
}

// stopAll stops the parts, those that need others first.
func (r *runner) stopAll() error {
	r.mu.Lock()
	stops := r.stops
	r.mu.Unlock()
	var errs []error
	for i := len(stops) - 1; i >= 0; i-- {
		errs = append(errs, stops[i]())
	}
	return errors.Join(errs...)
}

func lastLine(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return lines[len(lines)-1]
}
