package temporal

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger writes what the server says from warning upwards to slog, until it is
// told that the server stops: services that part from each other complain.
type logger struct {
	slog     *slog.Logger
	stopping *atomic.Bool // shared by all copies
}

func newLogger(to *slog.Logger) *logger { return &logger{slog: to, stopping: new(atomic.Bool)} }

var (
	_ log.Logger     = (*logger)(nil)
	_ log.WithLogger = (*logger)(nil)
)

func (l *logger) Debug(string, ...tag.Tag)           {}
func (l *logger) Info(string, ...tag.Tag)            {}
func (l *logger) Warn(msg string, tags ...tag.Tag)   { l.write(slog.LevelWarn, msg, tags) }
func (l *logger) Error(msg string, tags ...tag.Tag)  { l.write(slog.LevelError, msg, tags) }
func (l *logger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// With implements log.WithLogger.
func (l *logger) With(tags ...tag.Tag) log.Logger {
	return &logger{slog: l.slog.With(attrs(tags)...), stopping: l.stopping}
}

func (l *logger) write(level slog.Level, msg string, tags []tag.Tag) {
	if !l.stopping.Load() && l.slog.Enabled(context.Background(), level) {
		l.slog.Log(context.Background(), level, msg, attrs(tags)...)
	}
}

// Panic logs and panics, as the server's code counts on.
func (l *logger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal logs and ends the process, as the server's code counts on.
func (l *logger) Fatal(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	os.Exit(1)
}

func attrs(tags []tag.Tag) []any {
	out := make([]any, 0, len(tags))
	for _, t := range tags {
		out = append(out, slog.Any(t.Key(), t.Value()))
	}
	return out
}
