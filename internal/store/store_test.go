package store_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"parley/internal/store"
	"parley/internal/store/storetest"
)

const timeLimit, tick = 10 * time.Second, time.Millisecond

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// Every table with a workspace_id shows and takes only rows of the workspace
// that the transaction works for, and none without one.
func TestRowsOfOtherWorkspacesAreNeitherSeenNorWritten(t *testing.T) {
	db, _, one := storetest.Open(t)
	two := storetest.Workspace(t, db, "two")
	ctx := t.Context()
	insert := func(as, into uuid.UUID) error {
		return db.InWorkspace(ctx, as, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO contacts (workspace_id, id) VALUES ($1, $2)`, into, uuid.New())
			return err
		})
	}
	require.NoError(t, insert(one, one))
	require.ErrorContains(t, insert(two, one), "row-level security")

	count := func(as uuid.UUID) (n int) {
		require.NoError(t, db.InWorkspace(ctx, as, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT count(*) FROM contacts`).Scan(&n)
		}))
		return n
	}
	require.Equal(t, 1, count(one))
	require.Equal(t, 0, count(two))
	var n int
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT count(*) FROM contacts`).Scan(&n))
	require.Equal(t, 0, n, "no workspace, no rows")

	rows, err := db.Pool.Query(ctx, `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relrowsecurity AND c.relnamespace = 'public'::regnamespace`)
	require.NoError(t, err)
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"endpoints"}, open, "tables without row-level security")
}

func TestMigrateTwiceAtOnceIsHarmless(t *testing.T) {
	url := storetest.OpenURL(t)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { require.NoError(t, store.Migrate(context.Background(), url, store.Migrations())) })
	}
	wg.Wait()
}

func TestGroupSharesFlushesAndIsolatesBadItems(t *testing.T) {
	release := make(chan struct{})
	var flushes atomic.Int32
	ws := uuid.New()
	g := store.NewGroup(1, 100, func(int) uuid.UUID { return ws }, func(_ context.Context, _ uuid.UUID, items []int) ([]int, error) {
		if flushes.Add(1) == 1 {
			<-release // the others queue up meanwhile
		}
		out := make([]int, len(items))
		for i, n := range items {
			if n == 13 {
				return nil, &pgconn.PgError{Code: "22000"}
			}
			out[i] = n * 2
		}
		return out, nil
	})
	var wg sync.WaitGroup
	do := func(n int) {
		wg.Go(func() {
			got, err := g.Do(context.Background(), n)
			if n == 13 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, n*2, got)
		})
	}
	do(0)
	require.Eventually(t, func() bool { return flushes.Load() == 1 }, timeLimit, tick)
	for n := 1; n <= 20; n++ {
		do(n)
	}
	require.Eventually(t, func() bool { return g.Waiting() == 20 }, timeLimit, tick)
	close(release)
	wg.Wait()
	// One flush for the first, one for all that queued, and, since that failed
	// for a reason in the data, one for each of them.
	require.EqualValues(t, 1+1+20, flushes.Load())
}

func TestGroupSeparatesWorkspaces(t *testing.T) {
	type item struct{ ws uuid.UUID }
	g := store.NewGroup(2, 100, func(i item) uuid.UUID { return i.ws }, func(_ context.Context, ws uuid.UUID, items []item) ([]bool, error) {
		for _, i := range items {
			if i.ws != ws {
				return nil, errors.New("mixed")
			}
		}
		return make([]bool, len(items)), nil
	})
	var wg sync.WaitGroup
	a, b := uuid.New(), uuid.New()
	for i := range 100 {
		wg.Go(func() {
			_, err := g.Do(context.Background(), item{[]uuid.UUID{a, b}[i%2]})
			require.NoError(t, err)
		})
	}
	wg.Wait()
}
