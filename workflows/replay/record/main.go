// Command record runs scripted conversations and orders on a Temporal server and
// stores their histories for the replay test. It needs a server with the search
// attributes of the workflows, such as parley-dev's, and nothing else: activities
// are doubles that do nothing outside this process.
//
//	go run ./workflows/replay/record [--address HOST:PORT] [--only SCENARIO] [--out DIR]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"parley/workflows/replay"
)

func main() {
	address := flag.String("address", "127.0.0.1:7233", "Temporal's address")
	namespace := flag.String("namespace", "default", "Temporal's namespace")
	only := flag.String("only", "", "record this scenario alone")
	out := flag.String("out", "workflows/replay/testdata", "folder for the histories")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := record(ctx, *address, *namespace, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, address, namespace, only, out string) error {
	if info, err := os.Stat(out); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %s: run this in the repository's root, or name one with --out", out)
	}
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace,
		Identity: "recorder", // histories name it; the default would name this machine
		Logger:   log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))})
	if err != nil {
		return fmt.Errorf("no Temporal server answers at %s; start parley-dev, or name one with --address: %w", address, err)
	}
	defer c.Close()
	recorded := 0
	for _, s := range scenarios() {
		if only != "" && s.name != only {
			continue
		}
		h, err := s.run(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := replay.Write(out, s.name, h); err != nil {
			return err
		}
		fmt.Printf("%s: %d events\n", s.name, len(h.Events))
		recorded++
	}
	if recorded == 0 {
		return fmt.Errorf("there is no scenario %s", only)
	}
	return nil
}

func scenarios() []*scenario { return append(conversations(), orders()...) }
