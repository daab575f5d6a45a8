// Package observe is how Parley shows what it does: structured logs, metrics,
// traces, and the readiness of its parts.
//
// All three keep to one rule: nothing of a customer. Logs pass only attributes
// whose key is on a list ([LogKeys]); metrics have labels of few values only;
// spans hold route templates, connector and operation names, never URLs,
// addresses or bodies.
package observe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
)

// withheld stands for the value of an attribute that is not on the list.
const withheld = "(withheld: key not in observe.LogKeys)"

// LogKeys are the attribute keys that log lines may carry, in lower case;
// comparison ignores case, underscores and hyphens. What a key on this list holds
// must be an identifier of ours, a name from our code or configuration, a number,
// a duration or an error. Never add one for text, names, phones, payloads or URLs
// of customers.
var LogKeys = keySet(
	"account", "action", "addr", "attempt", "attempts", "batch", "block", "bytes", "case", "cause", "check", "checks",
	"class", "code", "component", "config", "connection", "connector", "contact", "conversation", "count", "cursor",
	"database", "dir", "duration", "duration_ms", "effect", "endpoint", "err", "error", "event", "events", "flow",
	"hash", "id", "key_id", "kind", "lag", "level", "limit", "listen", "method", "migration", "mode", "name",
	"namespace", "number", "operation", "outcome", "panic", "partition", "pid", "pids", "pool", "port", "process", "purpose",
	"queue", "reason", "request_id", "retry_after", "role", "route", "seconds", "seq", "service", "signal", "stack", "stage",
	"state", "status", "step", "table", "task", "trace_id", "span_id", "turn", "type", "version", "wait", "worker",
	"workspace",
	// The Temporal SDK's own (internal/internal_logging_tags.go).
	"activity_id", "activity_type", "build_id", "cron_schedule", "deployment_name", "event_id", "event_type", "fatal",
	"local_activity", "query_type", "run_id", "scheduled_event_id", "signal_name", "started_event_id", "task_first_event_id",
	"task_queue", "task_started_event_id", "timer_id", "update_id", "update_name", "worker_id", "worker_type",
	"workflow_id", "workflow_type", "child_workflow_id",
)

func keySet(keys ...string) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, k := range keys {
		set[normalKey(k)] = true
	}
	return set
}

func normalKey(k string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(k))
}

// NewLogger writes JSON lines to w, from the level up. Each line made with a
// context that holds a span also carries trace_id and span_id. It is safe for
// concurrent use.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	json := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: guard})
	return slog.New(&traced{json})
}

// ParseLevel reads "debug", "info", "warn" or "error".
func ParseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return l, fmt.Errorf("log level must be debug, info, warn or error")
	}
	return l, nil
}

// guard lets attributes on the list pass and words errors by [ErrText].
func guard(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey || a.Key == slog.SourceKey) {
		return a
	}
	if !LogKeys[normalKey(a.Key)] {
		return slog.String(a.Key, withheld)
	}
	return slog.Attr{Key: a.Key, Value: plain(a.Value.Resolve())}
}

// plain keeps scalars, words errors, and shows only the type of anything that
// could unfold into content.
func plain(v slog.Value) slog.Value {
	if v.Kind() != slog.KindAny {
		return v
	}
	switch x := v.Any().(type) {
	case nil:
		return v
	case error:
		return slog.StringValue(ErrText(x))
	case uuid.UUID:
		return slog.StringValue(x.String())
	case net.Addr:
		return slog.StringValue(x.String())
	case []string, []int, []int64, map[string]int:
		return v
	default:
		return slog.StringValue(fmt.Sprintf("%T", x))
	}
}

// traced adds the IDs of the context's span.
type traced struct{ slog.Handler }

func (t *traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

func (t *traced) WithAttrs(as []slog.Attr) slog.Handler { return &traced{t.Handler.WithAttrs(as)} }
func (t *traced) WithGroup(name string) slog.Handler    { return &traced{t.Handler.WithGroup(name)} }
