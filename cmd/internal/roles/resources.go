package roles

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/access"
	"parley/internal/audit"
	"parley/internal/bus"
	"parley/internal/templates"
)

// resources fills in the ports of the resources under /v1.
func (e *Engine) resources(d *bus.Dispatcher) api.Options {
	c := conversationResource{e.Conversations}
	return api.Options{
		Keys:          keyResource{access.New(e.DB)},
		Connections:   connectionResource{e},
		Consents:      consentResource{e},
		Outages:       outageResource{e.Connections, e.Outages},
		Templates:     templateResource{e.Connections, templates.New(e.DB)},
		Contacts:      contactResource{e.Contacts},
		Conversations: c,
		Agents:        agentResource{conversationResource: c, connections: e.Connections, dispatch: d},
		Messages:      messageResource{e.Conversations},
		Flows:         newFlowResource(e),
		Misses:        missResource{e.Misses},
		Releases:      newFlowResource(e),
		Migrations:    newMigrationResource(e),
		Insight:       newInsightResource(e),
		Cases:         caseResource{e.Cases, audit.New(e.DB), d},
		Bookings:      bookingResource{e.Bookings},
		Effects:       effectResource{e.Ledger, e.reconciler(d)},
		Events:        eventResource{bus.NewOutbox(e.DB)},
		Audit:         auditResource{audit.New(e.DB)},
	}
}

// keyResource implements api.Keys.
type keyResource struct{ access *access.Access }

func (r keyResource) Authenticate(ctx context.Context, key string) (api.Principal, error) {
	p, err := r.access.Authenticate(ctx, key)
	if errors.Is(err, access.ErrUnknownKey) {
		return api.Principal{}, api.ErrUnknownKey
	}
	return api.Principal(p), err
}

func (r keyResource) Workspace(ctx context.Context, ws uuid.UUID) (string, error) {
	return r.access.Slug(ctx, ws)
}

// auditResource implements api.Audit.
type auditResource struct{ trail *audit.Trail }

func (r auditResource) Record(ctx context.Context, ws uuid.UUID, actor, action, object string) error {
	return r.trail.Record(ctx, ws, actor, action, object)
}

func (r auditResource) List(ctx context.Context, ws uuid.UUID, f api.AuditFilter, q api.PageQuery) ([]api.AuditEntry, string, error) {
	before, err := cursorNumber(q.After)
	if err != nil {
		return nil, "", err
	}
	got, err := r.trail.List(ctx, ws, audit.Filter{Actor: f.Actor, Action: f.Action, Object: f.Object, Before: before}, q.Limit+1)
	return part(got, q, func(a audit.Entry) api.AuditEntry { return api.AuditEntry(a) },
		func(a audit.Entry) string { return strconv.FormatInt(a.Seq, 10) }, err)
}

// part makes a page of one more item than is wanted: the last one tells that
// there is a next page.
func part[T, U any](got []T, q api.PageQuery, show func(T) U, cursor func(T) string, err error) ([]U, string, error) {
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(got) > q.Limit {
		got = got[:q.Limit]
		next = cursor(got[q.Limit-1])
	}
	out := make([]U, len(got))
	for i, g := range got {
		out[i] = show(g)
	}
	return out, next, nil
}

// Cursors come back from outside as they were given, but anybody can make one up.
var errCursor = problem.BadCursor.New("Give as after only the next of a page of the same list, or leave it out.")

func cursorNumber(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 1 {
		return 0, errCursor
	}
	return n, nil
}

func cursorID(cursor string) (uuid.UUID, error) {
	if cursor == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(cursor)
	if err != nil {
		return uuid.Nil, errCursor
	}
	return id, nil
}

// queueCursor is a place in a queue: since when, and who.
func queueCursor(at time.Time, id uuid.UUID) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + "." + id.String()
}

func openQueueCursor(cursor string) (time.Time, uuid.UUID, error) {
	if cursor == "" {
		return time.Time{}, uuid.Nil, nil
	}
	at, id, _ := strings.Cut(cursor, ".")
	micro, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return time.Time{}, uuid.Nil, errCursor
	}
	who, err := uuid.Parse(id)
	if err != nil {
		return time.Time{}, uuid.Nil, errCursor
	}
	return time.UnixMicro(micro), who, nil
}
