package main

import (
	"context"
	"fmt"
	"io"

	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/flowcmd"
	"parley/connectors"
	"parley/connectors/declared"
	"parley/internal/config"
	"parley/internal/devstack"
)

// reloading makes a system publish flow documents to the demo workspace once it is
// seeded, and again whenever they are saved, until it ends. What is wrong with them
// is written to out, and ends nothing.
func reloading(s devstack.System, out io.Writer, files []string) devstack.System {
	if len(files) == 0 {
		return s
	}
	seeding := s.Seed
	s.Seed = func(ctx context.Context, e devstack.Env) (map[string]devstack.Account, error) {
		accounts, err := seeding(ctx, e)
		if err != nil {
			return nil, err
		}
		settings, err := config.Load(config.Options{File: e.ConfigFile})
		if err != nil {
			return nil, err
		}
		list, err := declared.Add(connectors.All(), settings.Connectors)
		if err != nil {
			return nil, err
		}
		client := apiclient.New(e.APIURL, "demo", e.AdminKey)
		for _, file := range files {
			go func() {
				if err := flowcmd.Watch(ctx, out, client, file, list); err != nil {
					fmt.Fprintf(out, "%s is not watched: %v\n", file, err)
				}
			}()
		}
		return accounts, nil
	}
	return s
}
