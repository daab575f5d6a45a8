package devstack

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Parley's databases: wrapped keys live apart from what they protect.
const (
	mainDatabase = "parley"
	keysDatabase = "parley_keys"
)

// createDatabases makes the databases that are missing.
func createDatabases(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	for _, name := range []string{mainDatabase, keysDatabase} {
		var there bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
		if err == nil && !there {
			_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		}
		if err != nil {
			return fmt.Errorf("making the database %s: %w", name, err)
		}
	}
	return nil
}
