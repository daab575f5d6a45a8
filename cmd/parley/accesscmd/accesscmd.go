// Package accesscmd is `parley workspace` and `parley key`: the first things that
// a new installation needs, done on its database.
package accesscmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/internal/access"
	"parley/internal/config"
	"parley/internal/store"
)

// Workspace returns `parley workspace`.
func Workspace() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "workspace", Short: "Make workspaces (tenants)"}, createWorkspace())
}

// Key returns `parley key`.
func Key() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "key", Short: "Make and revoke API keys"}, createKey(), revokeKey())
}

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func createWorkspace() *cobra.Command {
	return command("create SLUG", "Make a workspace, or tell its ID if it is there", exit.Args(cobra.ExactArgs(1)), nil,
		func(ctx context.Context, a *access.Access, args []string) (any, error) {
			if !slugForm.MatchString(args[0]) {
				return nil, exit.Misused("SLUG must be lower case letters, digits and -, at most 63")
			}
			id, err := a.Workspace(ctx, args[0])
			return map[string]any{"id": id, "slug": args[0]}, err
		})
}

var scopeForm = regexp.MustCompile(`^(\*|[a-z]+:(read|write))$`)

func createKey() *cobra.Command {
	var slug, name string
	var scopes []string
	flags := func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&slug, "workspace", "", "slug of the workspace")
		cmd.Flags().StringVar(&name, "name", "", "what the key is for, in your words; nothing personal")
		cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what it may do, such as conversations:read; * is everything; repeatable")
	}
	return command("create --workspace SLUG --name NAME --scope SCOPE…", "Make an API key; it is shown once, here", exit.Args(cobra.NoArgs), flags,
		func(ctx context.Context, a *access.Access, _ []string) (any, error) {
			if name == "" || len(scopes) == 0 {
				return nil, exit.Misused("--name and at least one --scope are needed")
			}
			for _, s := range scopes {
				if !scopeForm.MatchString(s) {
					return nil, exit.Misused("--scope must be RESOURCE:read, RESOURCE:write or *")
				}
			}
			ws, err := find(ctx, a, slug)
			if err != nil {
				return nil, err
			}
			key, err := a.CreateKey(ctx, ws, name, scopes)
			if err != nil {
				return nil, err
			}
			p, err := a.Authenticate(ctx, key)
			return map[string]any{"id": p.KeyID, "key": key, "scopes": scopes}, err
		})
}

func revokeKey() *cobra.Command {
	var slug string
	flags := func(cmd *cobra.Command) { cmd.Flags().StringVar(&slug, "workspace", "", "slug of the workspace") }
	return command("revoke --workspace SLUG ID", "End an API key at once", exit.Args(cobra.ExactArgs(1)), flags,
		func(ctx context.Context, a *access.Access, args []string) (any, error) {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return nil, exit.Misused("ID must be the key's ID, as parley key create printed it")
			}
			ws, err := find(ctx, a, slug)
			if err != nil {
				return nil, err
			}
			err = a.Revoke(ctx, ws, id)
			if errors.Is(err, access.ErrUnknownKey) {
				return nil, fmt.Errorf("workspace %s has no living key of that ID", slug)
			}
			return map[string]any{"id": id, "revoked": true}, err
		})
}

func find(ctx context.Context, a *access.Access, slug string) (uuid.UUID, error) {
	if slug == "" {
		return uuid.Nil, exit.Misused("--workspace is needed")
	}
	ws, found, err := a.Find(ctx, slug)
	if err == nil && !found {
		err = fmt.Errorf("there is no workspace %s; make it with parley workspace create", slug)
	}
	return ws, err
}

// command runs do on the configured database and prints what it returns as JSON.
func command(use, short string, args cobra.PositionalArgs, flags func(*cobra.Command),
	do func(context.Context, *access.Access, []string) (any, error)) *cobra.Command {
	var file string
	cmd := &cobra.Command{Use: use, Short: short, Args: args,
		Long: short + ".\n\nNeeds database_url and keys_database_url, as parley migrate does: in the environment (PARLEY_…) or in --config."}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := config.Load(config.Options{File: file, Flags: nil})
		if err == nil {
			err = c.Validate(config.Migrate)
		}
		if err != nil {
			return exit.Misused("%v", err)
		}
		db, err := store.Open(cmd.Context(), c.DatabaseURL.Reveal(), 2)
		if err != nil {
			return err
		}
		defer db.Close()
		out, err := do(cmd.Context(), access.New(db), args)
		if err != nil {
			return err
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	}
	cmd.Flags().StringVar(&file, "config", "", "file with settings (YAML)")
	if flags != nil {
		flags(cmd)
	}
	return cmd
}
