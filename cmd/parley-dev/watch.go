package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"parley/internal/config"
	"parley/internal/observe"
)

// watched runs what the user's settings say about logs and traces around do.
// service names the process in traces.
func watched(ctx context.Context, service, configFile string, do func(newLog func(io.Writer) *slog.Logger) error) error {
	settings, err := config.Load(config.Options{File: configFile})
	if err != nil {
		return err
	}
	level, err := observe.ParseLevel(settings.LogLevel)
	if err != nil {
		return err
	}
	end, err := observe.StartTracing(ctx, observe.TraceOptions{
		Service: service, Endpoint: settings.OTLPEndpoint, Ratio: settings.TraceRatio,
	})
	if err != nil {
		return err
	}
	newLog := func(w io.Writer) *slog.Logger { return observe.NewLogger(w, level) }
	defer func() {
		// A collector that is away is no failure of ours.
		if err := end(context.WithoutCancel(ctx)); err != nil {
			newLog(os.Stderr).Warn("traces were not all sent", "error", err)
		}
	}()
	return do(newLog)
}
