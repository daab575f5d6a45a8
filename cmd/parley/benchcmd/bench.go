// Package benchcmd is the command parley bench: it measures what a turn costs,
// beside bare Temporal on the same server in the same run.
package benchcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"gocloud.dev/secrets/localsecrets"
	"parley/cmd/internal/roles"
	"parley/connectors"
	"parley/internal/access"
	"parley/internal/observe"
)

// options of bench turns.
type options struct {
	load
	totalTurns int
	rounds     int
	idle       int
	server, pg string
	profile    string
	only       string
}

// Report is what bench turns prints.
type Report struct {
	Bare     *Figures          `json:"bare,omitempty"`
	Engine   *Figures          `json:"engine,omitempty"`
	EndToEnd *Figures          `json:"end_to_end,omitempty"`
	Ratio    float64           `json:"ratio,omitempty"`
	Load     map[string]any    `json:"load"`
	Postgres map[string]string `json:"postgres"`
}

// New returns the command bench.
func New() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure the engine"}
	cmd.AddCommand(turns())
	return cmd
}

func turns() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "turns", Args: cobra.NoArgs, SilenceUsage: true,
		Short: "Measure turns beside bare Temporal",
		Long: `Measures turns of conversations in three ways, in turn, on the same server in the
same run; every conversation awaits its reply before its next message.

  bare        Temporal alone: a signal and one empty local activity
  engine      inbox, flow, ledger and encryption, to a channel in memory
  end_to_end  a signed webhook to the channel's HTTP interface

ratio is engine / bare in turns a second. Quote ratios: machines differ.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := run(cmd.Context(), o, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(report)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.conversations, "conversations", 200, "how many conversations")
	f.IntVar(&o.totalTurns, "turns", 20, "turns of each conversation, over all rounds")
	f.IntVar(&o.concurrency, "concurrency", 64, "conversations under way at once")
	f.Float64Var(&o.calls, "calls", 0, "share of turns that call a connector")
	f.Float64Var(&o.rate, "rate", 0, "open loop: messages a second (0: closed loop)")
	f.IntVar(&o.rounds, "rounds", 4, "rounds in which the three alternate")
	f.IntVar(&o.idle, "idle", 0, "idle conversations to put into the database first")
	f.StringVar(&o.server, "server", "", "Temporal to measure on (host:port); with --database")
	f.StringVar(&o.pg, "database", "", "PostgreSQL server for the engine's databases, with --server (or PARLEY_DATABASE_URL)")
	f.StringVar(&o.only, "only", "", "only one of bare, engine, end_to_end")
	f.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of this process")
	return cmd
}

func run(ctx context.Context, o options, progress io.Writer) (*Report, error) {
	srv, err := o.target(ctx)
	if err != nil {
		return nil, err
	}
	defer srv.stop()
	rig, err := newRig(ctx, srv, o.idle)
	if err != nil {
		return nil, err
	}
	defer rig.stop()
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	report := &Report{Load: map[string]any{"conversations": o.conversations, "turns": o.totalTurns, "concurrency": o.concurrency,
		"calls": o.calls, "rate": o.rate, "rounds": o.rounds, "idle": o.idle}}
	if report.Postgres, err = srv.durability(ctx); err != nil {
		return nil, err
	}
	return report, rig.measure(ctx, o, report, progress)
}

func (o options) target(ctx context.Context) (*server, error) {
	if o.server == "" {
		return startServer(ctx)
	}
	if o.pg == "" {
		o.pg = os.Getenv("PARLEY_DATABASE_URL")
	}
	if o.pg == "" {
		return nil, fmt.Errorf("--server needs --database or PARLEY_DATABASE_URL: the PostgreSQL server for the engine's databases")
	}
	return &server{temporal: o.server, postgres: o.pg}, nil
}

// rig is everything that is measured, running.
type rig struct {
	engine *roles.Engine
	bare   *bare
	kinds  []kind
	cancel context.CancelFunc
	done   chan error
}

type kind struct {
	name string
	turner
	sample sample
}

func newRig(ctx context.Context, srv *server, idle int) (*rig, error) {
	run := uuid.NewString()[:8]
	db, err := srv.database(ctx, "parley_bench_"+run)
	if err != nil {
		return nil, err
	}
	keys, err := srv.database(ctx, "parley_bench_keys_"+run)
	if err != nil {
		return nil, err
	}
	if err := roles.Migrate(ctx, db, keys); err != nil {
		return nil, err
	}
	key, err := localsecrets.NewRandomKey()
	if err != nil {
		return nil, err
	}
	r := &rig{done: make(chan error, 2)}
	answered := &replies{}
	e, err := roles.Open(ctx, roles.Config{DatabaseURL: db, KeysDatabaseURL: keys, KEK: localsecrets.NewKeeper(key), TemporalAddress: srv.temporal, Namespace: "default",
		Connectors: append(connectors.All(), memoryConnector(answered)), Registry: prometheus.NewRegistry(),
		Log: observe.NewLogger(os.Stderr, slog.LevelError)}, true)
	if err != nil {
		return nil, err
	}
	r.engine = e
	ctx, r.cancel = context.WithCancel(ctx)
	if err := e.WaitForTemporal(ctx); err != nil {
		return nil, err
	}
	ws, err := access.New(e.DB).Workspace(ctx, "bench")
	if err != nil {
		return nil, err
	}
	out, err := newSink(answered)
	if err != nil {
		return nil, err
	}
	memory, err := prepare(ctx, e, ws, out.url)
	if err != nil {
		return nil, err
	}
	if err := addIdle(ctx, e, ws, memory.ID, idle); err != nil {
		return nil, err
	}
	if r.bare, err = newBare(e.Temporal, run); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := e.Dispatcher(64, 20_000)
	go d.Run(ctx)
	go func() { r.done <- e.Worker(ctx) }()
	go func() { r.done <- e.ServeAPI(ctx, l, roles.APIOptions{}) }()
	r.kinds = []kind{
		{name: "bare", turner: r.bare},
		{name: "engine", turner: &engine{intake: e.Intake(d), conn: memory, replies: answered, run: run}},
		{name: "end_to_end", turner: &endToEnd{hook: "http://" + l.Addr().String() + "/hooks/whatsapp/bench",
			client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}, replies: answered, run: time.Now().Unix()}},
	}
	return r, nil
}

// addIdle puts conversations into the database that nobody writes in.
func addIdle(ctx context.Context, e *roles.Engine, ws, connection uuid.UUID, n int) error {
	if n == 0 {
		return nil
	}
	return e.AddIdle(ctx, ws, connection, n)
}

func (r *rig) stop() {
	r.cancel()
	<-r.done
	<-r.done
	r.bare.stop()
	r.engine.Close()
}

// measure alternates the kinds, after a round that is not counted.
func (r *rig) measure(ctx context.Context, o options, report *Report, progress io.Writer) error {
	l := o.load
	l.turns = max(1, o.totalTurns/o.rounds)
	for round := range o.rounds + 1 {
		for i := range r.kinds {
			k := &r.kinds[i]
			if o.only != "" && o.only != k.name {
				continue
			}
			counted := &k.sample
			if round == 0 {
				counted = &sample{}
				warm := l
				warm.rate, warm.turns = 0, 2
				if err := counted.round(ctx, k, warm); err != nil {
					return fmt.Errorf("%s: %w", k.name, err)
				}
				continue
			}
			if err := counted.round(ctx, k, l); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			fmt.Fprintf(progress, "round %d %s: %.0f turns/s\n", round, k.name, float64(len(counted.turns))/counted.spent.Seconds())
		}
	}
	for i := range r.kinds {
		k := &r.kinds[i]
		if len(k.sample.turns) == 0 {
			continue
		}
		f := k.sample.figures()
		switch k.name {
		case "bare":
			report.Bare = &f
		case "engine":
			report.Engine = &f
		case "end_to_end":
			report.EndToEnd = &f
		}
	}
	if report.Bare != nil && report.Engine != nil {
		report.Ratio = round(report.Engine.TurnsPerS / report.Bare.TurnsPerS)
	}
	return nil
}
