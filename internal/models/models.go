// Package models keeps what the built-in engine has learnt: a model for each set of
// examples, trained once, stored in the database and loaded once by each process.
package models

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/singleflight"
	"parley/internal/nlu/classify"
	"parley/internal/observe"
	"parley/internal/store"
)

const (
	// MostExamples is how many examples a model may be trained from.
	MostExamples = 20_000
	// cached is how many models stay in memory at most: one of five intents takes
	// some tens of kilobytes, one of 150 up to eight megabytes.
	cached = 64
)

// ErrTraining tells that a model is being trained: ask again later.
var ErrTraining = errors.New("models: the model is being trained")

// Refusal says why no model can be made of examples, for their author.
type Refusal struct {
	Why   string
	Cause error
}

func (r *Refusal) Error() string { return "models: " + r.Why }
func (r *Refusal) Unwrap() error { return r.Cause }

// Options of [New]; zero values mean the defaults.
type Options struct {
	// Limit bounds the training of one model, 2 min by default.
	Limit time.Duration
	// Wait is how long [Models.Train] waits for the end of it, 10 s by default.
	Wait time.Duration
	Log  *slog.Logger
}

// Models is safe for concurrent use.
type Models struct {
	db       *store.DB
	o        Options
	loaded   *lru.Cache[string, *classify.Model] // by fingerprint
	refused  *expirable.LRU[string, *Refusal]    // by fingerprint, so that what takes too long is not begun again and again
	flight   singleflight.Group
	training chan struct{} // one at a time, so that training never takes all of a process
}

// New returns the models of a database.
func New(db *store.DB, o Options) *Models {
	if o.Limit == 0 {
		o.Limit = 2 * time.Minute
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	loaded, _ := lru.New[string, *classify.Model](cached) // fails only for a size below 1
	return &Models{db: db, o: o, loaded: loaded, refused: expirable.NewLRU[string, *Refusal](1000, nil, 10*time.Minute), training: make(chan struct{}, 1)}
}

// Train makes the model of examples, unless the workspace has it, and stores it. A
// *[Refusal] says what is wrong with the examples; nothing is stored then. ErrTraining
// tells that it takes longer: it goes on, and the next call finds what came of it.
func (m *Models) Train(ctx context.Context, ws uuid.UUID, examples []classify.Example) (*classify.Model, error) {
	if len(examples) > MostExamples {
		return nil, &Refusal{Why: fmt.Sprintf("there are %d examples; at most %d can be learnt from", len(examples), MostExamples)}
	}
	fingerprint := classify.Fingerprint(examples)
	if model, err := m.stored(ctx, ws, fingerprint); model != nil || err != nil {
		return model, err
	}
	patience := time.NewTimer(m.o.Wait)
	defer patience.Stop()
	select {
	case r := <-m.begin(ctx, ws, fingerprint, examples):
		model, _ := r.Val.(*classify.Model)
		return model, r.Err
	case <-patience.C:
		return nil, ErrTraining
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin trains a model, whether or not anybody waits for it, once.
func (m *Models) begin(ctx context.Context, ws uuid.UUID, fingerprint string, examples []classify.Example) <-chan singleflight.Result {
	if r, ok := m.refused.Get(fingerprint); ok {
		out := make(chan singleflight.Result, 1)
		out <- singleflight.Result{Err: r}
		return out
	}
	ctx = context.WithoutCancel(ctx)
	return m.flight.DoChan("train "+ws.String()+fingerprint, func() (any, error) {
		model, err := m.train(ctx, ws, fingerprint, examples)
		if err != nil {
			m.o.Log.WarnContext(ctx, "a model was not trained", "workspace", ws, "error", observe.ErrText(err))
			return nil, err
		}
		return model, nil
	})
}

func (m *Models) train(ctx context.Context, ws uuid.UUID, fingerprint string, examples []classify.Example) (*classify.Model, error) {
	m.training <- struct{}{}
	defer func() { <-m.training }()
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, m.o.Limit)
	defer cancel()
	model, err := classify.Train(limited, examples)
	if err != nil {
		r := &Refusal{Why: err.Error(), Cause: err}
		if errors.Is(err, context.DeadlineExceeded) {
			r.Why = fmt.Sprintf("%d examples cannot be learnt within %s: give fewer, or let another engine understand them", len(examples), m.o.Limit)
		}
		m.refused.Add(fingerprint, r)
		return nil, r
	}
	if err := m.store(ctx, ws, fingerprint, model, len(examples), time.Since(began)); err != nil {
		return nil, err
	}
	m.loaded.Add(fingerprint, model)
	return model, nil
}

func (m *Models) store(ctx context.Context, ws uuid.UUID, fingerprint string, model *classify.Model, examples int, took time.Duration) error {
	err := m.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO nlu_models (workspace_id, fingerprint, name, model, examples, train_ms) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING`, ws, fingerprint, model.Name(), model.Bytes(), examples, took.Milliseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("models: store: %w", err)
	}
	return nil
}

// Get returns the model of examples. Where it is missing, because the flow is older
// than the classifier, it is trained beside, and the error is ErrTraining until then.
func (m *Models) Get(ctx context.Context, ws uuid.UUID, examples []classify.Example) (*classify.Model, error) {
	fingerprint := classify.Fingerprint(examples)
	if model, ok := m.loaded.Get(fingerprint); ok {
		return model, nil
	}
	got, err, _ := m.flight.Do(ws.String()+fingerprint, func() (any, error) {
		// One who waits must not fail because another went away.
		model, err := m.stored(context.WithoutCancel(ctx), ws, fingerprint)
		if err != nil || model == nil {
			return nil, err
		}
		m.loaded.Add(fingerprint, model)
		return model, nil
	})
	if err != nil {
		return nil, err
	}
	if model, ok := got.(*classify.Model); ok {
		return model, nil
	}
	m.begin(ctx, ws, fingerprint, examples)
	return nil, ErrTraining
}

// stored reads a model; nil if the workspace has none.
func (m *Models) stored(ctx context.Context, ws uuid.UUID, fingerprint string) (*classify.Model, error) {
	var name string
	var raw []byte
	err := m.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT name, model FROM nlu_models WHERE workspace_id = $1 AND fingerprint = $2`, ws, fingerprint).Scan(&name, &raw)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	model, err := classify.Load(raw)
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	if model.Name() != name {
		return nil, fmt.Errorf("models: the bytes of model %.12s… are another's", name)
	}
	return model, nil
}
