package vault

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations is the schema of the keys' database, in goose's format.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // embedded above
	}
	return sub
}

// LocalKEK is the key-encryption key of one machine: a file of 32 random bytes.
func LocalKEK(file string) (*secrets.Keeper, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("vault: master key: %w", err)
	}
	if len(raw) != 32 {
		return nil, fmt.Errorf("vault: master key %s has %d bytes; it must have exactly 32", file, len(raw))
	}
	return localsecrets.NewKeeper([32]byte(raw)), nil
}

// PostgresKeyring keeps wrapped keys in a PostgreSQL database of their own.
type PostgresKeyring struct{ pool *pgxpool.Pool }

// NewPostgresKeyring uses a pool whose database holds [Migrations].
func NewPostgresKeyring(pool *pgxpool.Pool) *PostgresKeyring { return &PostgresKeyring{pool} }

// Current implements [Keyring].
func (r *PostgresKeyring) Current(ctx context.Context, ref Ref, wrapped func() ([]byte, error)) (StoredKey, error) {
	s, err := r.living(ctx, ref)
	if !errors.Is(err, pgx.ErrNoRows) {
		return s, err
	}
	w, err := wrapped()
	if err != nil {
		return StoredKey{}, err
	}
	_, err = r.pool.Exec(ctx, `INSERT INTO data_keys (id, workspace_id, contact_id, purpose, wrapped)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		uuid.Must(uuid.NewV7()), ref.Workspace, ref.Contact, ref.Purpose, w)
	if err != nil {
		return StoredKey{}, err
	}
	return r.living(ctx, ref)
}

func (r *PostgresKeyring) living(ctx context.Context, ref Ref) (StoredKey, error) {
	s := StoredKey{Ref: ref}
	err := r.pool.QueryRow(ctx, `SELECT id, wrapped FROM data_keys
		WHERE workspace_id = $1 AND contact_id = $2 AND purpose = $3 AND destroyed_at IS NULL`,
		ref.Workspace, ref.Contact, ref.Purpose).Scan(&s.ID, &s.Wrapped)
	return s, err
}

// ByID implements [Keyring]. A key that never was is reported as destroyed: the
// journal of erasures may outlive the rows.
func (r *PostgresKeyring) ByID(ctx context.Context, id uuid.UUID) (StoredKey, error) {
	s := StoredKey{ID: id}
	err := r.pool.QueryRow(ctx, `SELECT workspace_id, contact_id, purpose, wrapped FROM data_keys WHERE id = $1`, id).
		Scan(&s.Ref.Workspace, &s.Ref.Contact, &s.Ref.Purpose, &s.Wrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil
	}
	return s, err
}

// Destroy implements [Keyring].
func (r *PostgresKeyring) Destroy(ctx context.Context, ws, contact uuid.UUID, purpose string) ([]uuid.UUID, error) {
	rows, err := r.pool.Query(ctx, `UPDATE data_keys SET wrapped = NULL, destroyed_at = now()
		WHERE workspace_id = $1 AND contact_id = $2 AND ($3 = '' OR purpose = $3) AND destroyed_at IS NULL RETURNING id`,
		ws, contact, purpose)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// MemoryKeyring keeps wrapped keys in memory, for tests and offline tools.
type MemoryKeyring struct {
	mu    sync.Mutex
	keys  map[uuid.UUID]*StoredKey
	byRef map[Ref]uuid.UUID
}

// NewMemoryKeyring returns an empty one.
func NewMemoryKeyring() *MemoryKeyring {
	return &MemoryKeyring{keys: map[uuid.UUID]*StoredKey{}, byRef: map[Ref]uuid.UUID{}}
}

// Current implements [Keyring].
func (r *MemoryKeyring) Current(_ context.Context, ref Ref, wrapped func() ([]byte, error)) (StoredKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.byRef[ref]; ok {
		return *r.keys[id], nil
	}
	w, err := wrapped()
	if err != nil {
		return StoredKey{}, err
	}
	s := &StoredKey{ID: uuid.New(), Ref: ref, Wrapped: w}
	r.keys[s.ID], r.byRef[ref] = s, s.ID
	return *s, nil
}

// ByID implements [Keyring].
func (r *MemoryKeyring) ByID(_ context.Context, id uuid.UUID) (StoredKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.keys[id]; ok {
		return *s, nil
	}
	return StoredKey{ID: id}, nil
}

// Destroy implements [Keyring].
func (r *MemoryKeyring) Destroy(_ context.Context, ws, contact uuid.UUID, purpose string) ([]uuid.UUID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []uuid.UUID
	for ref, id := range r.byRef {
		if ref.Workspace == ws && ref.Contact == contact && (purpose == "" || ref.Purpose == purpose) {
			r.keys[id].Wrapped = nil
			delete(r.byRef, ref)
			ids = append(ids, id)
		}
	}
	return ids, nil
}
