package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"parley/connectors/sdk"
	"parley/internal/observe"
)

// canaries are what must never be seen in any output.
var canaries = []string{"Asha Canary", "+91 98765 43210", "asha@canary.example", "4111111111111111", "sk_live_canary"}

func lines(t *testing.T, log func(*slog.Logger)) (raw string, line map[string]any) {
	t.Helper()
	var buf bytes.Buffer
	log(observe.NewLogger(&buf, slog.LevelDebug))
	require.NoError(t, json.Unmarshal(buf.Bytes(), &line))
	return buf.String(), line
}

func TestLoggerPassesOnlyListedKeys(t *testing.T) {
	type payload struct{ Text string }
	raw, line := lines(t, func(l *slog.Logger) {
		l.With("phone", canaries[1]).WithGroup("turn").Info("turn done",
			"text", canaries[0], "connector", "whatsapp", "count", 3,
			"event", payload{canaries[0]}, "workspace", uuid.Nil)
	})
	for _, c := range canaries {
		require.NotContains(t, raw, c)
	}
	turn := line["turn"].(map[string]any)
	require.Equal(t, "whatsapp", turn["connector"])
	require.EqualValues(t, 3, turn["count"])
	require.Equal(t, uuid.Nil.String(), turn["workspace"])
	require.Contains(t, turn["text"], "withheld")
	require.Contains(t, turn["event"], "payload", "only the type of a struct is shown")
}

func TestLoggerScrubsErrors(t *testing.T) {
	for _, c := range canaries {
		raw, _ := lines(t, func(l *slog.Logger) {
			l.Error("send failed", "err", fmt.Errorf("parse %q: mail asha@canary.example, number +91 98765 43210 card 4111111111111111: https://x.test/sk_live_canary", c))
		})
		for _, other := range canaries {
			require.NotContains(t, raw, other)
		}
		require.Contains(t, raw, "parse")
	}
}

type pgError struct{}

func (pgError) Error() string    { return `invalid input "Asha Canary"` }
func (pgError) SQLState() string { return "22P02" }

func TestErrText(t *testing.T) {
	cases := map[string]struct {
		err  error
		want string
	}{
		"none":       {nil, ""},
		"ours":       {fmt.Errorf("x: %w", &sdk.Error{Class: sdk.Auth, Message: "the key is wrong"}), "auth: the key is wrong"},
		"database":   {fmt.Errorf("x: %w", pgError{}), "database error, SQLSTATE 22P02"},
		"cancelled":  {fmt.Errorf("x: %w", context.Canceled), "cancelled"},
		"late":       {context.DeadlineExceeded, "deadline exceeded"},
		"plain":      {errors.New("connection refused"), "connection refused"},
		"small nums": {errors.New("port 5432 at line 12"), "port 5432 at line 12"},
		"quoted":     {errors.New(`bad value "secret" here`), `bad value "…" here`},
		"url":        {errors.New("Get https://u:p@x.test/a?b=c: refused"), "Get https://… refused"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, observe.ErrText(c.err)) })
	}
	require.Less(t, len(observe.ErrText(errors.New(strings.Repeat("ab ", 10_000)))), 500)
}

func TestPanicShowsNoContent(t *testing.T) {
	require.Equal(t, "panic of type string", observe.Panic("Asha Canary"))
	require.NotContains(t, observe.Panic(fmt.Errorf("%q", "Asha Canary")), "Asha")
}

func TestLoggerAddsTraceID(t *testing.T) {
	tp := sdktrace.NewTracerProvider()
	ctx, span := tp.Tracer("t").Start(t.Context(), "x")
	defer span.End()
	_, line := lines(t, func(l *slog.Logger) { l.InfoContext(ctx, "hello") })
	require.Equal(t, span.SpanContext().TraceID().String(), line["trace_id"])
}

func TestParseLevel(t *testing.T) {
	l, err := observe.ParseLevel("warn")
	require.NoError(t, err)
	require.Equal(t, slog.LevelWarn, l)
	_, err = observe.ParseLevel("loud")
	require.ErrorContains(t, err, "debug, info, warn or error")
}
