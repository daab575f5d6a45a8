package flows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Refusals of those who change a stage.
var (
	// ErrOwnProposal tells that who proposed a version cannot approve it.
	ErrOwnProposal = errors.New("flows: who proposed the version cannot approve it")
	// ErrNoProposal tells that this version is not proposed.
	ErrNoProposal = errors.New("flows: the version is not proposed")
	// ErrStale tells that the stage does not run what the caller thinks.
	ErrStale = errors.New("flows: the stage runs another version by now")
	// ErrFirst tells that there is nothing to go back to.
	ErrFirst = errors.New("flows: there is no version to go back to")
)

// At is one entry of a stage's history.
type At struct {
	Stage  string
	Number int64
	Hash   string
	// Back tells that it was a rollback.
	Back bool
	// Actor put it there; Approver is the second person, where there was one.
	Actor, Approver string
	Time            time.Time

	beneath int64
}

// Promote puts a stored version on a stage. Where the workspace asks for approval
// of what goes live, the version is proposed instead, which replaces an earlier
// proposal of another one; it reports whether that is so. A version that is
// there, or proposed, already stays so.
func (f *Flows) Promote(ctx context.Context, ws uuid.UUID, name, hash, stage, actor string) (proposed bool, err error) {
	err = f.write(ctx, ws, "promote", func(tx pgx.Tx) error {
		if err := stored(ctx, tx, ws, name, hash); err != nil {
			return err
		}
		at, err := newest(ctx, tx, ws, name, stage)
		if err != nil || at.Hash == hash {
			return err
		}
		if stage == Live {
			if proposed, err = approvalNeeded(ctx, tx, ws); err != nil {
				return err
			}
		}
		if proposed {
			return propose(ctx, tx, ws, name, hash, actor, at.Number)
		}
		return put(ctx, tx, ws, row{name: name, stage: stage, number: at.Number + 1, hash: hash, beneath: at.Number, actor: actor}, "flow."+stage)
	})
	return proposed, err
}

func propose(ctx context.Context, tx pgx.Tx, ws uuid.UUID, name, hash, actor string, above int64) error {
	tag, err := tx.Exec(ctx, `INSERT INTO flow_proposals (workspace_id, name, hash, above, actor) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace_id, name) DO UPDATE SET hash = $3, above = $4, actor = $5, at = now()
		WHERE flow_proposals.hash <> $3 OR flow_proposals.above <> $4`, ws, name, hash, above, actor)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return note(ctx, tx, ws, actor, "flow.propose", name+"@"+hash)
}

// Approve makes the proposed version live. The approver must be another one than
// who proposed it, and must name the version that was looked at. What was live
// when it was proposed must be live still.
func (f *Flows) Approve(ctx context.Context, ws uuid.UUID, name, hash, actor string) error {
	return f.write(ctx, ws, "approve", func(tx pgx.Tx) error {
		var proposer string
		var above int64
		err := tx.QueryRow(ctx, `SELECT actor, above FROM flow_proposals WHERE workspace_id = $1 AND name = $2 AND hash = $3 FOR UPDATE`, ws, name, hash).Scan(&proposer, &above)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		at, lookErr := newest(ctx, tx, ws, name, Live)
		switch {
		case lookErr != nil:
			return lookErr
		case err != nil && at.Hash == hash && at.Approver == actor: // a repeat
			return nil
		case err != nil:
			return ErrNoProposal
		case proposer == actor:
			return ErrOwnProposal
		case at.Number != above:
			return ErrStale
		}
		if _, err := tx.Exec(ctx, `DELETE FROM flow_proposals WHERE workspace_id = $1 AND name = $2`, ws, name); err != nil {
			return err
		}
		if err := put(ctx, tx, ws, row{name: name, stage: Live, number: above + 1, hash: hash, beneath: above, actor: proposer, approver: actor}, ""); err != nil {
			return err
		}
		return note(ctx, tx, ws, actor, "flow.approve", name+"@"+hash)
	})
}

// Withdraw takes a proposal back; one that is not there is no error.
func (f *Flows) Withdraw(ctx context.Context, ws uuid.UUID, name, actor string) error {
	return f.write(ctx, ws, "withdraw", func(tx pgx.Tx) error {
		var hash string
		err := tx.QueryRow(ctx, `DELETE FROM flow_proposals WHERE workspace_id = $1 AND name = $2 RETURNING hash`, ws, name).Scan(&hash)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, ws, actor, "flow.withdraw", name+"@"+hash)
	})
}

// Rollback puts back what ran on a stage before the version from, which must run
// there now. Going back again goes further back. It needs no approval: what it
// brings back was approved when it went there. A repeat with the same from
// changes nothing.
func (f *Flows) Rollback(ctx context.Context, ws uuid.UUID, name, stage, from, actor string) error {
	return f.write(ctx, ws, "rollback", func(tx pgx.Tx) error {
		at, err := newest(ctx, tx, ws, name, stage)
		if err != nil {
			return err
		}
		if at.Hash != from {
			before, err := numbered(ctx, tx, ws, name, stage, at.Number-1)
			if err == nil && at.Back && before.Hash == from {
				return nil
			}
			return either(err, ErrStale)
		}
		if at.beneath == 0 {
			return ErrFirst
		}
		back, err := numbered(ctx, tx, ws, name, stage, at.beneath)
		if err != nil {
			return err
		}
		return put(ctx, tx, ws, row{name: name, stage: stage, number: at.Number + 1, hash: back.Hash, beneath: back.beneath, back: true, actor: actor}, "flow.rollback")
	})
}

// History returns what ran on the stages of a flow, newest first.
func (f *Flows) History(ctx context.Context, ws uuid.UUID, name string, limit int) ([]At, error) {
	var out []At
	err := f.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, selectAt+`ORDER BY at DESC, number DESC LIMIT $3`, ws, name, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, scanAt)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("flows: history: %w", err)
	}
	return out, nil
}

// Rules is what a workspace asks of those who publish.
type Rules struct {
	// Approval asks that a second person approves what goes live.
	Approval bool
}

// Rules returns those of a workspace.
func (f *Flows) Rules(ctx context.Context, ws uuid.UUID) (Rules, error) {
	var r Rules
	err := f.db.InWorkspace(ctx, ws, func(tx pgx.Tx) (err error) {
		r.Approval, err = approvalNeeded(ctx, tx, ws)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("flows: rules: %w", err)
	}
	return r, nil
}

// SetRules changes the rules of a workspace.
func (f *Flows) SetRules(ctx context.Context, ws uuid.UUID, r Rules, actor string) error {
	return f.write(ctx, ws, "rules", func(tx pgx.Tx) error {
		before, err := approvalNeeded(ctx, tx, ws)
		if err != nil || before == r.Approval {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO flow_rules (workspace_id, approval) VALUES ($1, $2) ON CONFLICT (workspace_id) DO UPDATE SET approval = $2`, ws, r.Approval); err != nil {
			return err
		}
		return note(ctx, tx, ws, actor, "flow.rules", fmt.Sprintf("approval=%t", r.Approval))
	})
}

func approvalNeeded(ctx context.Context, tx pgx.Tx, ws uuid.UUID) (needed bool, err error) {
	err = tx.QueryRow(ctx, `SELECT approval FROM flow_rules WHERE workspace_id = $1 FOR SHARE`, ws).Scan(&needed)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return needed, err
}

func stored(ctx context.Context, tx pgx.Tx, ws uuid.UUID, name, hash string) error {
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM flows WHERE workspace_id = $1 AND name = $2 AND hash = $3)`, ws, name, hash).Scan(&there)
	if err == nil && !there {
		err = ErrNotFound
	}
	return err
}

const selectAt = `SELECT stage, number, hash, back, actor, approver, at, coalesce(beneath, 0) FROM flow_stages WHERE workspace_id = $1 AND name = $2 `

func scanAt(r pgx.CollectableRow) (At, error) {
	var a At
	err := r.Scan(&a.Stage, &a.Number, &a.Hash, &a.Back, &a.Actor, &a.Approver, &a.Time, &a.beneath)
	return a, err
}

// newest is what a stage runs; nothing is number 0.
func newest(ctx context.Context, tx pgx.Tx, ws uuid.UUID, name, stage string) (At, error) {
	return entry(ctx, tx, `AND stage = $3 ORDER BY number DESC LIMIT 1`, ws, name, stage)
}

func numbered(ctx context.Context, tx pgx.Tx, ws uuid.UUID, name, stage string, number int64) (At, error) {
	return entry(ctx, tx, `AND stage = $3 AND number = $4`, ws, name, stage, number)
}

func entry(ctx context.Context, tx pgx.Tx, where string, args ...any) (At, error) {
	r, err := tx.Query(ctx, selectAt+where, args...)
	if err != nil {
		return At{}, err
	}
	a, err := pgx.CollectOneRow(r, scanAt)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return a, err
}

// row is a new entry of a stage.
type row struct {
	name, stage     string
	number          int64
	hash            string
	beneath         int64
	back            bool
	actor, approver string
}

// put adds an entry. Who was slower than another finds the number taken.
func put(ctx context.Context, tx pgx.Tx, ws uuid.UUID, r row, action string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO flow_stages (workspace_id, name, stage, number, hash, beneath, back, actor, approver) VALUES ($1, $2, $3, $4, $5, nullif($6, 0::bigint), $7, $8, $9)`,
		ws, r.name, r.stage, r.number, r.hash, r.beneath, r.back, r.actor, r.approver); err != nil {
		return err
	}
	if action == "" {
		return nil
	}
	if r.stage == Live { // by a way that needs nobody else
		if _, err := tx.Exec(ctx, `DELETE FROM flow_proposals WHERE workspace_id = $1 AND name = $2 AND hash = $3`, ws, r.name, r.hash); err != nil {
			return err
		}
	}
	return note(ctx, tx, ws, r.actor, action, r.name+"@"+r.hash)
}

// write runs fn in a transaction, and again from the start where another one was
// faster.
func (f *Flows) write(ctx context.Context, ws uuid.UUID, what string, fn func(pgx.Tx) error) error {
	var err error
	for range 5 {
		err = f.db.InWorkspace(ctx, ws, fn)
		if taken, ok := errors.AsType[*pgconn.PgError](err); !ok || taken.Code != "23505" {
			break
		}
	}
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrOwnProposal), errors.Is(err, ErrNoProposal), errors.Is(err, ErrStale), errors.Is(err, ErrFirst):
		return err
	}
	return fmt.Errorf("flows: %s: %w", what, err)
}

func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
