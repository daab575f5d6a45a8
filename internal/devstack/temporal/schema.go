package temporal

import (
	"context"
	"fmt"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
	"golang.org/x/sync/errgroup"
)

// migrate creates the two databases where missing and brings their schemas to
// the version of the linked server. It can be repeated after any interruption.
func migrate(ctx context.Context, db database, logger log.Logger) error {
	group, _ := errgroup.WithContext(ctx)
	for name, schemaName := range map[string]string{
		mainDatabase:       "postgresql/v12/temporal",
		visibilityDatabase: "postgresql/v12/visibility",
	} {
		group.Go(func() error {
			if err := migrateOne(db, name, schemaName, logger); err != nil {
				return fmt.Errorf("database %s of Temporal: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func migrateOne(db database, name, schemaName string, logger log.Logger) error {
	// An existing database is left as it is.
	if err := sql.DoCreateDatabase(db.sqlConfig(name, 1), "postgres", logger); err != nil {
		return fmt.Errorf("creating it: %w", err)
	}
	conn, err := sql.NewConnection(db.sqlConfig(name, 1), logger)
	if err != nil {
		return err
	}
	defer conn.Close()
	setup := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, logger)
	if err := setup.Run(); err != nil {
		return fmt.Errorf("making the version tables: %w", err)
	}
	return schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{SchemaName: schemaName}, logger).Run()
}
