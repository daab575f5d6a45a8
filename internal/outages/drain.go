package outages

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Release is an effect that may go on, and the workflow that is to be told.
type Release struct {
	Workspace  uuid.UUID
	Key        string
	Subject    uuid.UUID // conversation or case
	WorkflowID string
	// Channel is the connector of the conversation; empty for a case.
	Channel string
}

// untold is after how long a workflow is told again that could not be told.
const untold = 10 * time.Second

// Drain does once what is to be done for all outages: it lets effects go on whose
// time has come and tells their workflows. Any number of processes may do it at
// once and as often as they like; together they keep to the drain rate, and what
// was missed is not made up for in a burst. It returns what could not be done,
// which the next call tries again.
func (o *Outages) Drain(ctx context.Context, tell func(context.Context, Release) error) error {
	rows, err := o.db.Pool.Query(ctx, `SELECT workspace_id, id FROM current_outages()`)
	if err != nil {
		return wrap(err)
	}
	type key struct{ Workspace, ID uuid.UUID }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil {
		return wrap(err)
	}
	var failed []error
	for _, k := range all {
		var next []Release
		err := o.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) (err error) {
			next, err = o.step(ctx, tx, k.Workspace, k.ID)
			return err
		})
		if err != nil {
			failed = append(failed, wrap(err))
			continue
		}
		failed = append(failed, o.tell(ctx, k.Workspace, k.ID, next, tell))
	}
	return errors.Join(failed...)
}

func (o *Outages) tell(ctx context.Context, ws, outage uuid.UUID, all []Release, tell func(context.Context, Release) error) error {
	var told []string
	var failed []error
	for _, r := range all {
		if err := tell(ctx, r); err != nil {
			failed = append(failed, err)
			continue
		}
		told = append(told, r.Key)
	}
	if len(told) > 0 {
		failed = append(failed, wrap(o.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE outage_effects SET told_at = $4 WHERE workspace_id = $1 AND outage_id = $2 AND key = ANY($3) AND released_at IS NOT NULL`,
				ws, outage, told, o.o.Now())
			return err
		})))
	}
	return errors.Join(failed...)
}

// drain is one outage at one moment.
type drain struct {
	Outage
	probeAt, drainedTo *time.Time
	probes             int
}

func (o *Outages) step(ctx context.Context, tx pgx.Tx, ws, id uuid.UUID) ([]Release, error) {
	var d drain
	err := tx.QueryRow(ctx, `SELECT `+columns+`, o.probe_at, o.drained_to, o.probes FROM outages o
		WHERE o.workspace_id = $1 AND o.id = $2 AND o.drained_at IS NULL FOR UPDATE OF o SKIP LOCKED`, ws, id).
		Scan(&d.Workspace, &d.ID, &d.Connection, &d.Cause, &d.OpenedAt, &d.ResumedAt, &d.DrainedAt, &d.DrainRate, &d.probeAt, &d.drainedTo, &d.probes)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // another process is at it
	}
	if err != nil {
		return nil, err
	}
	now := o.o.Now()
	switch {
	case !d.Open():
		err = o.drain(ctx, tx, d, now)
	case d.probeAt != nil && !d.probeAt.After(now):
		err = o.probe(ctx, tx, d, now)
	}
	if err != nil {
		return nil, err
	}
	r, err := tx.Query(ctx, `SELECT p.workspace_id, p.key, e.subject_id, e.workflow_id, coalesce(c.connector, '')
		FROM outage_effects p JOIN effects e ON e.workspace_id = p.workspace_id AND e.key = p.key
		LEFT JOIN conversations c ON c.workspace_id = p.workspace_id AND c.id = e.subject_id
		WHERE p.workspace_id = $1 AND p.outage_id = $2 AND p.told_at IS NULL AND (p.released_at = $3 OR p.released_at < $4)
		ORDER BY p.parked_at`, ws, id, now, now.Add(-untold))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(r, pgx.RowToStructByPos[Release])
}

// probe lets one effect through to find out whether the provider works. An outage
// that nobody waits for is over: the next call tells.
func (o *Outages) probe(ctx context.Context, tx pgx.Tx, d drain, now time.Time) error {
	n, err := o.release(ctx, tx, d, now, 1)
	if err != nil {
		return err
	}
	if n == 0 {
		var waiting bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM outage_effects p JOIN effects e ON e.workspace_id = p.workspace_id AND e.key = p.key
			WHERE p.workspace_id = $1 AND p.outage_id = $2 AND e.state NOT IN ('done', 'failed'))`, d.Workspace, d.ID).Scan(&waiting); err != nil {
			return err
		}
		if !waiting {
			if _, err := tx.Exec(ctx, `UPDATE outages SET resumed_at = $3 WHERE workspace_id = $1 AND id = $2`, d.Workspace, d.ID, now); err != nil {
				return err
			}
			return o.end(ctx, tx, d, now)
		}
	}
	next := now.Add(min(o.o.ProbeAfter<<min(d.probes+1, 10), 10*o.o.ProbeAfter))
	_, err = tx.Exec(ctx, `UPDATE outages SET probe_at = $3, probes = probes + 1 WHERE workspace_id = $1 AND id = $2`, d.Workspace, d.ID, next)
	return err
}

// drain lets as many effects go on as the rate allows since the last time.
func (o *Outages) drain(ctx context.Context, tx pgx.Tx, d drain, now time.Time) error {
	each := time.Duration(float64(time.Second) / d.DrainRate)
	from := d.ResumedAt.Add(-each) // the first one at once
	if d.drainedTo != nil {
		from = *d.drainedTo
	}
	if least := now.Add(-max(time.Second, each)); from.Before(least) {
		from = least // what was missed is not made up for
	}
	n := int(now.Sub(from) / each)
	if n == 0 {
		return nil
	}
	released, err := o.release(ctx, tx, d, now, n)
	if err != nil {
		return err
	}
	if released < n {
		return o.end(ctx, tx, d, now)
	}
	_, err = tx.Exec(ctx, `UPDATE outages SET drained_to = $3 WHERE workspace_id = $1 AND id = $2`, d.Workspace, d.ID, from.Add(time.Duration(n)*each))
	return err
}

// release lets up to n effects go on, the oldest first. Within ten seconds of
// waiting the order is mixed, so that what began together does not end together.
// A probe is rather something that may be repeated.
func (o *Outages) release(ctx context.Context, tx pgx.Tx, d drain, now time.Time, n int) (int, error) {
	tag, err := tx.Exec(ctx, `UPDATE outage_effects SET released_at = $4 WHERE workspace_id = $1 AND outage_id = $2 AND key IN (
		SELECT p.key FROM outage_effects p JOIN effects e ON e.workspace_id = p.workspace_id AND e.key = p.key
		WHERE p.workspace_id = $1 AND p.outage_id = $2 AND p.released_at IS NULL
		ORDER BY $5 AND e.kind = 'once', floor(extract(epoch FROM p.parked_at) / 10), hashtext(p.key), p.key LIMIT $3)`,
		d.Workspace, d.ID, n, now, d.Open())
	return int(tag.RowsAffected()), err
}

func (o *Outages) end(ctx context.Context, tx pgx.Tx, d drain, now time.Time) error {
	o.current.Remove(d.Connection)
	var untold bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM outage_effects WHERE workspace_id = $1 AND outage_id = $2 AND told_at IS NULL)`,
		d.Workspace, d.ID).Scan(&untold)
	if err != nil || untold {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE outages SET drained_at = $3 WHERE workspace_id = $1 AND id = $2`, d.Workspace, d.ID, now); err != nil {
		return err
	}
	return said(ctx, tx, d.Workspace, d.Connection, "", "drained")
}
