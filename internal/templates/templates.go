// Package templates follows the life of messages that a provider approves before
// they may be sent unasked: they are submitted, approved or rejected, paused when
// customers do not like them, and now and then put into another category. News of
// it comes by webhook and by poll; both are the same to this package.
package templates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/connections"
	"parley/internal/store"
)

// submitting is the status of a template whose submission has not been answered.
const submitting = "submitting"

// Template is one, as its provider has it as far as is known.
type Template struct {
	role.TemplateState
	ChangedAt time.Time
}

// Sendable tells whether it may be sent.
func (t Template) Sendable() bool { return t.Status == role.TemplateApproved }

var (
	// ErrNone tells that the connection's provider approves no templates.
	ErrNone = errors.New("templates: the connection has no templates")
	// ErrExists tells that there is a template of this name in this language, which
	// is neither rejected nor deleted.
	ErrExists = errors.New("templates: there is such a template")
	// ErrNotFound tells that there is no such template.
	ErrNotFound = errors.New("templates: no such template")
)

// Templates is safe for concurrent use.
type Templates struct{ db *store.DB }

// New returns the templates of a database.
func New(db *store.DB) *Templates { return &Templates{db} }

// Changed takes in what a provider says of a template. It reports whether that was
// news.
func (t *Templates) Changed(ctx context.Context, ws, connection uuid.UUID, s role.TemplateState) (bool, error) {
	if s.Name == "" || s.Language == "" {
		return false, nil
	}
	news := false
	err := t.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var before Template
		// Locked, so that of two tellings at once one sees the other.
		_, err := tx.Exec(ctx, `INSERT INTO templates (workspace_id, connection_id, name, language, status) SELECT $1, $2, $3, $4, 'submitting' WHERE $5 ON CONFLICT DO NOTHING`,
			ws, connection, s.Name, s.Language, s.Status != "")
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT status, category, reason FROM templates WHERE workspace_id = $1 AND connection_id = $2 AND name = $3 AND language = $4 FOR UPDATE`,
			ws, connection, s.Name, s.Language).Scan(&before.Status, &before.Category, &before.Reason)
		if errors.Is(err, pgx.ErrNoRows) { // its category alone is nothing to keep
			return nil
		}
		if err != nil {
			return err
		}
		if s.Status == "" { // news of the category alone
			s.Status, s.Reason = before.Status, before.Reason
		}
		if s.Category == "" {
			s.Category = before.Category
		}
		if s.Status == before.Status && s.Category == before.Category && s.Reason == before.Reason {
			return nil
		}
		news = true
		if _, err = tx.Exec(ctx, `UPDATE templates SET status = $5, category = $6, reason = $7, provider_id = CASE WHEN $8 <> '' THEN $8 ELSE provider_id END, changed_at = now()
			WHERE workspace_id = $1 AND connection_id = $2 AND name = $3 AND language = $4`,
			ws, connection, s.Name, s.Language, s.Status, s.Category, s.Reason, s.ID); err != nil {
			return err
		}
		return tell(ctx, tx, ws, connection, before, s)
	})
	if err != nil {
		return false, fmt.Errorf("templates: %w", err)
	}
	return news, nil
}

// tell puts the change into the outbox: template.approved and so on, and
// template.recategorised.
func tell(ctx context.Context, tx pgx.Tx, ws, connection uuid.UUID, before Template, s role.TemplateState) error {
	var types []string
	if before.Status != s.Status {
		types = append(types, "template."+s.Status)
	}
	if before.Category != "" && before.Category != s.Category {
		types = append(types, "template.recategorised")
	}
	for _, typ := range types {
		if _, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, $2, 'connection/' || $3::text,
			jsonb_build_object('name', $4::text, 'language', $5::text, 'category', $6::text, 'was', $7::text, 'reason', $8::text))`,
			ws, typ, connection.String(), s.Name, s.Language, s.Category, before.Category, s.Reason); err != nil {
			return err
		}
	}
	return nil
}

// Of returns what is known of a connection's templates, by name and language.
func (t *Templates) Of(ctx context.Context, ws, connection uuid.UUID) ([]Template, error) {
	var out []Template
	err := t.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT provider_id, name, language, category, status, reason, changed_at FROM templates
			WHERE workspace_id = $1 AND connection_id = $2 ORDER BY name, language`, ws, connection)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (Template, error) {
			var x Template
			err := row.Scan(&x.ID, &x.Name, &x.Language, &x.Category, &x.Status, &x.Reason, &x.ChangedAt)
			return x, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return out, nil
}

// Submit asks the provider to approve a template. It is recorded before it is asked,
// so that an answer that is lost is found by the poll. Its errors are ErrNone,
// ErrExists and the provider's *sdk.Error.
func (t *Templates) Submit(ctx context.Context, conn *connections.Connection, d role.TemplateDraft, actor string) (role.TemplateState, error) {
	op, ok := operation(conn, "template_submit")
	if !ok {
		return role.TemplateState{}, ErrNone
	}
	input, err := json.Marshal(d)
	if err != nil {
		return role.TemplateState{}, err
	}
	attempt, err := t.begin(ctx, conn, d, input, actor)
	if err != nil {
		return role.TemplateState{}, err
	}
	call := sdk.Call{Key: fmt.Sprintf("template-%s-%d", uuid.NewSHA1(conn.ID, []byte(d.Name+"/"+d.Language)), attempt), Attempt: 1, Workspace: conn.Workspace.String()}
	ctx = sdk.WithOperation(ctx, op.Name)
	if attempt > 1 && op.CanFind() { // an earlier one may have arrived
		if out, found, err := op.Find(ctx, conn.Conn, call, input); err == nil && found {
			return t.answered(ctx, conn, out)
		}
	}
	out, err := op.Run(ctx, conn.Conn, call, input)
	if err != nil {
		failed := sdk.AsError(err)
		if !failed.Class.Final() {
			return role.TemplateState{}, failed // the poll tells what became of it
		}
		_, rerr := t.Changed(ctx, conn.Workspace, conn.ID, role.TemplateState{Name: d.Name, Language: d.Language, Category: d.Category,
			Status: role.TemplateRejected, Reason: "refused_" + string(failed.Class)})
		return role.TemplateState{}, errors.Join(failed, rerr)
	}
	return t.answered(ctx, conn, out)
}

func (t *Templates) answered(ctx context.Context, conn *connections.Connection, out json.RawMessage) (role.TemplateState, error) {
	var s role.TemplateState
	if err := json.Unmarshal(out, &s); err != nil {
		return s, err
	}
	_, err := t.Changed(ctx, conn.Workspace, conn.ID, s)
	return s, err
}

// begin records that a template is being submitted, and returns which time it is.
func (t *Templates) begin(ctx context.Context, conn *connections.Connection, d role.TemplateDraft, draft []byte, actor string) (attempt int, err error) {
	err = t.db.InWorkspace(ctx, conn.Workspace, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `INSERT INTO templates AS t (workspace_id, connection_id, name, language, category, status, draft, attempt)
			VALUES ($1, $2, $3, $4, $5, 'submitting', $6, 1)
			ON CONFLICT (workspace_id, connection_id, name, language) DO UPDATE SET status = 'submitting', category = $5, reason = '', draft = $6, attempt = t.attempt + 1, changed_at = now()
			WHERE t.status IN ('submitting', 'rejected', 'deleted') RETURNING attempt`,
			conn.Workspace, conn.ID, d.Name, d.Language, d.Category, draft).Scan(&attempt)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrExists
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, conn.Workspace, actor, "template.submit", d.Name+"/"+d.Language)
	})
	if err != nil && !errors.Is(err, ErrExists) {
		err = fmt.Errorf("templates: submit: %w", err)
	}
	return attempt, err
}

// Delete deletes a template in one language, at the provider and here.
func (t *Templates) Delete(ctx context.Context, conn *connections.Connection, n role.TemplateName, actor string) error {
	op, ok := operation(conn, "template_delete")
	if !ok {
		return ErrNone
	}
	known, err := t.Of(ctx, conn.Workspace, conn.ID)
	if err != nil {
		return err
	}
	if _, ok := Find(known, n); !ok {
		return ErrNotFound
	}
	input, err := json.Marshal(n)
	if err != nil {
		return err
	}
	call := sdk.Call{Key: "template-delete-" + uuid.NewSHA1(conn.ID, input).String(), Attempt: 1, Workspace: conn.Workspace.String()}
	if _, err := op.Run(sdk.WithOperation(ctx, op.Name), conn.Conn, call, input); err != nil {
		return sdk.AsError(err)
	}
	if _, err := t.Changed(ctx, conn.Workspace, conn.ID, role.TemplateState{Name: n.Name, Language: n.Language, Status: role.TemplateDeleted}); err != nil {
		return err
	}
	return t.db.InWorkspace(ctx, conn.Workspace, func(tx pgx.Tx) error {
		return audit(ctx, tx, conn.Workspace, actor, "template.delete", n.Name+"/"+n.Language)
	})
}

// Find looks a template up. One that is deleted is not there.
func Find(known []Template, n role.TemplateName) (Template, bool) {
	for _, t := range known {
		if t.Name == n.Name && t.Language == n.Language && t.Status != role.TemplateDeleted {
			return t, true
		}
	}
	return Template{}, false
}

func operation(conn *connections.Connection, name string) (sdk.Operation, bool) {
	for _, op := range conn.Connector.Operations {
		if op.Name == name {
			return op, true
		}
	}
	return sdk.Operation{}, false
}

func audit(ctx context.Context, tx pgx.Tx, ws uuid.UUID, actor, action, object string) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, ws, actor, action, "template/"+object)
	return err
}
