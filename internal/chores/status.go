package chores

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"parley/internal/store"
)

// Status is how a chore of a connection stands.
type Status struct {
	Kind string
	// Failures in a row; zero after a success and before the first try.
	Failures int
	// DoneAt is the last success, TriedAt the last try, DueAt the next; zero if none.
	DoneAt, TriedAt, DueAt time.Time
	// ErrorClass, ErrorCode and Error say why the last try failed.
	ErrorClass, ErrorCode, Error string
}

// Statuses returns the chores that the connections are known to have.
func Statuses(ctx context.Context, db *store.DB, ws uuid.UUID, ids []uuid.UUID) (map[uuid.UUID][]Status, error) {
	out := map[uuid.UUID][]Status{}
	err := db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT connection_id, kind, failures, done_at, tried_at, due_at, error_class, error_code, error FROM connection_chores
			WHERE workspace_id = $1 AND connection_id = ANY($2) AND applies ORDER BY kind`, ws, ids)
		if err != nil {
			return err
		}
		var id uuid.UUID
		var s Status
		var done, tried *time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &s.Kind, &s.Failures, &done, &tried, &s.DueAt, &s.ErrorClass, &s.ErrorCode, &s.Error}, func() error {
			s.DoneAt, s.TriedAt = at(done), at(tried)
			out[id] = append(out[id], s)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("chores: %w", err)
	}
	return out, nil
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Metrics are those of chores.
type Metrics struct {
	db      *store.DB
	runs    *prometheus.CounterVec
	failing *prometheus.Desc
}

// NewMetrics registers the metrics. What fails is counted in the database whenever
// it is asked for.
func NewMetrics(r prometheus.Registerer, db *store.DB) (*Metrics, error) {
	m := &Metrics{db: db,
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_connection_chores_total",
			Help: "Subscriptions looked after and polls made, by connector, kind and outcome."}, []string{"connector", "kind", "outcome"}),
		failing: prometheus.NewDesc("parley_connection_chores_failing", "Connections whose last subscription or poll failed, by connector and kind.", []string{"connector", "kind"}, nil)}
	if err := r.Register(m.runs); err != nil {
		return nil, fmt.Errorf("chores: metrics: %w", err)
	}
	if err := r.Register(m); err != nil {
		return nil, fmt.Errorf("chores: metrics: %w", err)
	}
	return m, nil
}

// Done counts a run; it is for [Sweeper.OnDone].
func (m *Metrics) Done(connector, kind, outcome string) {
	m.runs.WithLabelValues(connector, kind, outcome).Inc()
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(to chan<- *prometheus.Desc) { to <- m.failing }

// Collect implements [prometheus.Collector]. Without a database it gives nothing,
// rather than spoil the other metrics.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	rows, err := m.db.Pool.Query(ctx, `SELECT connector, kind, failing FROM failing_chores()`)
	if err != nil {
		return
	}
	var connector, kind string
	var n float64
	_, _ = pgx.ForEachRow(rows, []any{&connector, &kind, &n}, func() error {
		to <- prometheus.MustNewConstMetric(m.failing, prometheus.GaugeValue, n, connector, kind)
		return nil
	})
}
