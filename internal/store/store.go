// Package store is the ground that everything durable stands on: connection
// pools, migrations, transactions that see one workspace only, and the group
// commit by which many conversations share one transaction.
package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations is the schema of the main database, in goose's format.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // embedded above
	}
	return sub
}

// Migrate brings the database at url to the newest schema. Several processes
// may call it at once. The user needs the right to create tables and roles.
func Migrate(ctx context.Context, url string, schema fs.FS) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("store: the database's address is not valid: %w", err)
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, schema, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// DB is a pool on the main database whose sessions have the rights of the role
// parley_app, to whom row-level security applies. It is safe for concurrent use.
type DB struct{ Pool *pgxpool.Pool }

// Open connects with at most maxConns connections. It does not wait for the
// database to answer; use Ping.
func Open(ctx context.Context, url string, maxConns int32) (*DB, error) {
	pool, err := OpenPool(ctx, url, maxConns, "SET ROLE parley_app")
	if err != nil {
		return nil, err
	}
	return &DB{Pool: pool}, nil
}

// OpenPool opens a pool; the setup statements run on each new connection.
func OpenPool(ctx context.Context, url string, maxConns int32, setup ...string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("store: the database's address is not valid: %w", err)
	}
	cfg.MaxConns = maxConns
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	// The statements are few, large and always of the same shape: they are
	// planned once for each connection, and never compiled.
	cfg.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	cfg.ConnConfig.RuntimeParams["jit"] = "off"
	// They all go from a few rows to a few others by key. Planned while tables are
	// small or their statistics old, PostgreSQL would rather read a workspace whole.
	for _, way := range []string{"seqscan", "hashjoin", "mergejoin", "material"} {
		cfg.ConnConfig.RuntimeParams["enable_"+way] = "off"
	}
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		for _, s := range setup {
			if _, err := c.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	return pool, nil
}

// Close closes the pool.
func (db *DB) Close() { db.Pool.Close() }

// setWorkspace makes the rows of one workspace visible until the transaction ends.
const setWorkspace = `SELECT set_config('parley.workspace', $1, true)`

// InWorkspace runs fn in a transaction that sees only the workspace's rows.
func (db *DB) InWorkspace(ctx context.Context, ws uuid.UUID, fn func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, setWorkspace, ws.String()); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Pipeline runs the statements of the batch as one transaction in one round
// trip, seeing only the workspace's rows. The statements' own callbacks
// (QueuedQuery.Query, Exec) receive their results; their effects must not be
// relied on before Pipeline has returned nil.
func (db *DB) Pipeline(ctx context.Context, ws uuid.UUID, fill func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	b.Queue(setWorkspace, ws.String())
	fill(b)
	return db.Pool.SendBatch(ctx, b).Close()
}
