package bookings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	// ErrNoCalendar tells that the workspace has no calendar of the name.
	ErrNoCalendar = errors.New("bookings: no such calendar")
	// ErrInUse tells that a calendar has appointments ahead.
	ErrInUse = errors.New("bookings: the calendar has appointments ahead")
)

// Named is a calendar with its name.
type Named struct {
	Name string
	Calendar
	CreatedAt, UpdatedAt time.Time
}

// Put stores a calendar, replacing the one of the name. Appointments that were made
// stay, also where the new one would not have them. Its error says what is wrong
// with the calendar if it is an [*InvalidError].
func (b *Bookings) Put(ctx context.Context, ws uuid.UUID, name string, c Calendar, actor string) (Named, error) {
	if !calendarName.MatchString(name) {
		return Named{}, &InvalidError{errors.New("a calendar's name is up to 40 small letters, digits, _ and -, beginning with a letter")}
	}
	if err := c.Validate(); err != nil {
		return Named{}, &InvalidError{err}
	}
	definition, err := json.Marshal(c)
	if err != nil {
		return Named{}, err
	}
	out := Named{Name: name, Calendar: c}
	err = b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `INSERT INTO calendars (workspace_id, name, definition) VALUES ($1, $2, $3)
			ON CONFLICT (workspace_id, name) DO UPDATE SET definition = $3, updated_at = now() RETURNING created_at, updated_at`, ws, name, definition).
			Scan(&out.CreatedAt, &out.UpdatedAt); err != nil {
			return err
		}
		return record(ctx, tx, ws, actor, "calendar.put", name)
	})
	return out, wrap("put", err)
}

// InvalidError tells what is wrong with a calendar.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return "bookings: " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *InvalidError) Unwrap() error { return e.Err }

// Delete removes a calendar; ErrInUse while appointments are ahead in it.
func (b *Bookings) Delete(ctx context.Context, ws uuid.UUID, name, actor string, now time.Time) error {
	return wrap("delete", b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		if _, err := find(ctx, tx, ws, name, true); err != nil {
			return err
		}
		var used bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM bookings WHERE workspace_id = $1 AND calendar = $2 AND state = 'booked' AND ends_at > $3)`,
			ws, name, now).Scan(&used); err != nil {
			return err
		}
		if used {
			return ErrInUse
		}
		if _, err := tx.Exec(ctx, `DELETE FROM calendars WHERE workspace_id = $1 AND name = $2`, ws, name); err != nil {
			return err
		}
		return record(ctx, tx, ws, actor, "calendar.delete", name)
	}))
}

func record(ctx context.Context, tx pgx.Tx, ws uuid.UUID, actor, action, object string) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, ws, actor, action, object)
	return err
}

// Calendars lists a workspace's calendars in alphabetical order, after a name.
func (b *Bookings) Calendars(ctx context.Context, ws uuid.UUID, after string, limit int) ([]Named, error) {
	return b.named(ctx, ws, `name > $2 ORDER BY name LIMIT $3`, after, limit)
}

// Calendar returns one by its name; ErrNoCalendar if there is none.
func (b *Bookings) Calendar(ctx context.Context, ws uuid.UUID, name string) (Named, error) {
	got, err := b.named(ctx, ws, `name = $2 LIMIT $3`, name, 1)
	if err == nil && len(got) == 0 {
		err = ErrNoCalendar
	}
	if err != nil {
		return Named{}, err
	}
	return got[0], nil
}

func (b *Bookings) named(ctx context.Context, ws uuid.UUID, where string, args ...any) ([]Named, error) {
	type row struct {
		Name                 string
		Definition           []byte
		CreatedAt, UpdatedAt time.Time
	}
	var rows []row
	err := b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT name, definition, created_at, updated_at FROM calendars WHERE workspace_id = $1 AND `+where, append([]any{ws}, args...)...)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[row])
		return err
	})
	if err != nil {
		return nil, wrap("calendars", err)
	}
	out := make([]Named, len(rows))
	for i, r := range rows {
		out[i] = Named{Name: r.Name, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
		if err := json.Unmarshal(r.Definition, &out[i].Calendar); err != nil {
			return nil, fmt.Errorf("bookings: calendar %s: %w", r.Name, err)
		}
	}
	return out, nil
}

// find reads a calendar, and locks its row for whoever changes appointments.
func find(ctx context.Context, tx pgx.Tx, ws uuid.UUID, name string, lock bool) (*schedule, error) {
	var definition []byte
	sql := `SELECT definition FROM calendars WHERE workspace_id = $1 AND name = $2`
	if lock {
		sql += ` FOR UPDATE`
	}
	err := tx.QueryRow(ctx, sql, ws, name).Scan(&definition)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoCalendar
	}
	if err != nil {
		return nil, err
	}
	var c Calendar
	if err := json.Unmarshal(definition, &c); err != nil {
		return nil, err
	}
	return c.read()
}

// Filter selects bookings; zero fields match all.
type Filter struct {
	Calendar, State string
	Contact         uuid.UUID
	Since, Until    time.Time // by their start
	// After is the last one of the previous page.
	After Position
}

// Position is a booking's place in a list.
type Position struct {
	Start time.Time
	ID    uuid.UUID
}

const columns = `id, calendar, starts_at, ends_at, contact_id, conversation_id, state, created_at`

// List returns bookings in the order of their start.
func (b *Bookings) List(ctx context.Context, ws uuid.UUID, f Filter, limit int) ([]Booking, error) {
	var until, after *time.Time
	if !f.Until.IsZero() {
		until = &f.Until
	}
	if !f.After.Start.IsZero() {
		after = &f.After.Start
	}
	return b.query(ctx, ws, `($2 = '' OR calendar = $2) AND ($3 = '' OR state = $3) AND ($4 = '00000000-0000-0000-0000-000000000000'::uuid OR contact_id = $4)
		AND starts_at >= $5 AND ($6::timestamptz IS NULL OR starts_at < $6) AND ($7::timestamptz IS NULL OR (starts_at, id) > ($7, $8))
		ORDER BY starts_at, id LIMIT $9`, f.Calendar, f.State, f.Contact, f.Since, until, after, f.After.ID, limit)
}

// Ahead lists a person's appointments that are not over, the next one first, at
// most 20, in their calendars' time zones.
func (b *Bookings) Ahead(ctx context.Context, ws, contact uuid.UUID, calendar string, now time.Time) ([]Booking, error) {
	got, err := b.query(ctx, ws, `contact_id IN (`+samePerson+`) AND state = 'booked' AND ends_at > $3 AND ($4 = '' OR calendar = $4) ORDER BY starts_at, id LIMIT 20`,
		contact, now, calendar)
	if err != nil {
		return nil, err
	}
	for i := range got {
		c, err := b.Calendar(ctx, ws, got[i].Calendar)
		if errors.Is(err, ErrNoCalendar) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if zone, err := time.LoadLocation(c.Zone); err == nil {
			got[i].in(zone)
		}
	}
	return got, nil
}

func (b *Bookings) query(ctx context.Context, ws uuid.UUID, where string, args ...any) ([]Booking, error) {
	var out []Booking
	err := b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+columns+` FROM bookings WHERE workspace_id = $1 AND `+where, append([]any{ws}, args...)...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, pgx.RowToStructByPos[Booking])
		return err
	})
	return out, wrap("list", err)
}

// samePerson are all contacts that were merged with the one of $2.
const samePerson = `SELECT p.id FROM contacts p, (SELECT coalesce(merged_into, id) AS one FROM contacts WHERE workspace_id = $1 AND id = $2) w
	WHERE p.workspace_id = $1 AND (p.id = w.one OR p.merged_into = w.one)`

// own locks and reads a booking of a person.
func own(ctx context.Context, tx pgx.Tx, ws, id, contact uuid.UUID) (Booking, error) {
	return one(ctx, tx, `workspace_id = $1 AND contact_id IN (`+samePerson+`) AND id = $3 FOR UPDATE`, ws, contact, id)
}

func one(ctx context.Context, tx pgx.Tx, where string, args ...any) (Booking, error) {
	r, err := tx.Query(ctx, `SELECT `+columns+` FROM bookings WHERE `+where, args...)
	if err != nil {
		return Booking{}, err
	}
	out, err := pgx.CollectExactlyOneRow(r, pgx.RowToStructByPos[Booking])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return out, err
}
