package bookings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/store"
)

// States of a booking.
const (
	Booked    = "booked"
	Cancelled = "cancelled"
)

// MaxOpen bounds the appointments that one person has ahead in a calendar.
const MaxOpen = 10

var (
	// ErrNotFound tells that the workspace has no such booking, or it is somebody
	// else's.
	ErrNotFound = errors.New("bookings: no such booking")
	// ErrTaken tells that the slot cannot be had, or not any more.
	ErrTaken = errors.New("bookings: the slot is taken")
	// ErrTooMany tells that a person has too many appointments ahead.
	ErrTooMany = errors.New("bookings: the contact has too many appointments ahead")
	// ErrOver tells that a booking was cancelled and cannot be moved.
	ErrOver = errors.New("bookings: the booking was cancelled")
)

// Booking is one appointment.
type Booking struct {
	ID           uuid.UUID
	Calendar     string
	Start, End   time.Time
	Contact      uuid.UUID
	Conversation uuid.UUID
	State        string
	CreatedAt    time.Time
}

// Bookings is safe for concurrent use.
type Bookings struct{ db *store.DB }

// New returns the bookings of a database.
func New(db *store.DB) *Bookings { return &Bookings{db} }

// Free lists slots that can be had now, the earliest first: at most limit of those
// that begin within [from, to). A zero to is the calendar's horizon. ErrNoCalendar
// if there is none of the name.
func (b *Bookings) Free(ctx context.Context, ws uuid.UUID, calendar string, now, from, to time.Time, limit int) ([]Slot, error) {
	var free []Slot
	err := b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		s, err := find(ctx, tx, ws, calendar, false)
		if err != nil {
			return err
		}
		from, to := s.span(now, from, to)
		taken, err := overlapping(ctx, tx, ws, calendar, from, to.Add(maxMinutes*time.Minute))
		if err != nil {
			return err
		}
		s.slots(from, to, func(one Slot) bool {
			if _, ok := s.place(one, taken, uuid.Nil); ok {
				one.Start, one.End = one.Start.In(s.zone), one.End.In(s.zone)
				free = append(free, one)
			}
			return len(free) < limit
		})
		return nil
	})
	return free, wrap("free", err)
}

// occupied is a place that is taken for a time.
type occupied struct {
	ID         uuid.UUID
	Start, End time.Time
	Place      int
}

func overlapping(ctx context.Context, tx pgx.Tx, ws uuid.UUID, calendar string, from, to time.Time) ([]occupied, error) {
	rows, err := tx.Query(ctx, `SELECT id, starts_at, ends_at, place FROM bookings WHERE workspace_id = $1 AND calendar = $2 AND state = 'booked'
		AND starts_at < $4 AND ends_at > $3 AND starts_at > $3::timestamptz - interval '2 days'`, ws, calendar, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[occupied])
}

// place finds the first place that is free for a slot, beside what a booking itself
// has: it can be moved to where it partly is.
func (s *schedule) place(one Slot, taken []occupied, except uuid.UUID) (int, bool) {
	var used []int
	for _, o := range taken {
		if o.ID != except && o.Start.Before(one.End) && o.End.After(one.Start) {
			used = append(used, o.Place)
		}
	}
	for p := 1; p <= s.capacity; p++ {
		if !slices.Contains(used, p) {
			return p, true
		}
	}
	return 0, false
}

// Wish asks for an appointment.
type Wish struct {
	Workspace uuid.UUID
	// Key of the effect: the same one gives the same appointment.
	Key                   string
	Calendar              string
	Start                 time.Time
	Contact, Conversation uuid.UUID
	Now                   time.Time
}

// Book makes an appointment, once for each key. ErrTaken, ErrTooMany or
// ErrNoCalendar if it cannot be made. The calendar's row is locked meanwhile, so
// that all who want a slot ask one after the other.
func (b *Bookings) Book(ctx context.Context, w Wish) (Booking, error) {
	var out Booking
	err := b.db.InWorkspace(ctx, w.Workspace, func(tx pgx.Tx) error {
		s, err := find(ctx, tx, w.Workspace, w.Calendar, true)
		if err != nil {
			return err
		}
		if out, err = one(ctx, tx, `workspace_id = $1 AND key = $2`, w.Workspace, w.Key); !errors.Is(err, ErrNotFound) {
			out.in(s.zone)
			return err
		}
		slot, place, err := s.choose(ctx, tx, w.Workspace, w.Calendar, w.Now, w.Start, uuid.Nil)
		if err != nil {
			return err
		}
		var ahead int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM bookings WHERE workspace_id = $1 AND contact_id = $2 AND calendar = $3 AND state = 'booked' AND starts_at > $4`,
			w.Workspace, w.Contact, w.Calendar, w.Now).Scan(&ahead); err != nil {
			return err
		}
		if ahead >= MaxOpen {
			return ErrTooMany
		}
		out = Booking{ID: uuid.Must(uuid.NewV7()), Calendar: w.Calendar, Start: slot.Start, End: slot.End, Contact: w.Contact, Conversation: w.Conversation, State: Booked, CreatedAt: w.Now}
		if _, err := tx.Exec(ctx, `INSERT INTO bookings (workspace_id, id, calendar, starts_at, ends_at, place, contact_id, conversation_id, key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, w.Workspace, out.ID, w.Calendar, slot.Start, slot.End, place, w.Contact, w.Conversation, w.Key); err != nil {
			return err
		}
		return tell(ctx, tx, w.Workspace, out, "booking.made")
	})
	return out, wrap("book", err)
}

// choose finds a free place in the slot that begins at a time.
func (s *schedule) choose(ctx context.Context, tx pgx.Tx, ws uuid.UUID, calendar string, now, start time.Time, except uuid.UUID) (Slot, int, error) {
	slot, ok := s.at(now, start)
	if !ok {
		return slot, 0, ErrTaken
	}
	taken, err := overlapping(ctx, tx, ws, calendar, slot.Start, slot.End)
	if err != nil {
		return slot, 0, err
	}
	place, free := s.place(slot, taken, except)
	if !free {
		return slot, 0, ErrTaken
	}
	return slot, place, nil
}

// Move gives an appointment another time in its calendar, once for each key: if
// that cannot be had, it stays where it is and the error is ErrTaken.
func (b *Bookings) Move(ctx context.Context, w Wish, id uuid.UUID) (Booking, error) {
	var out Booking
	err := b.db.InWorkspace(ctx, w.Workspace, func(tx pgx.Tx) error {
		before, err := own(ctx, tx, w.Workspace, id, w.Contact)
		if err != nil {
			return err
		}
		s, err := find(ctx, tx, w.Workspace, before.Calendar, true)
		if err != nil {
			return err
		}
		var movedBy string
		if err := tx.QueryRow(ctx, `SELECT moved_key FROM bookings WHERE workspace_id = $1 AND id = $2`, w.Workspace, id).Scan(&movedBy); err != nil {
			return err
		}
		if out, err = one(ctx, tx, `workspace_id = $1 AND id = $2`, w.Workspace, id); err != nil || movedBy == w.Key {
			out.in(s.zone)
			return err
		}
		if out.State != Booked {
			return ErrOver
		}
		slot, place, err := s.choose(ctx, tx, w.Workspace, out.Calendar, w.Now, w.Start, id)
		if err != nil {
			return err
		}
		out.Start, out.End = slot.Start, slot.End
		if _, err := tx.Exec(ctx, `UPDATE bookings SET starts_at = $3, ends_at = $4, place = $5, moved_key = $6, updated_at = now() WHERE workspace_id = $1 AND id = $2`,
			w.Workspace, id, slot.Start, slot.End, place, w.Key); err != nil {
			return err
		}
		return tell(ctx, tx, w.Workspace, out, "booking.moved")
	})
	return out, wrap("move", err)
}

// Cancel gives the place of a person's appointment back. To do so again changes
// nothing.
func (b *Bookings) Cancel(ctx context.Context, ws, id, contact uuid.UUID) (Booking, error) {
	var out Booking
	err := b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) (err error) {
		if out, err = own(ctx, tx, ws, id, contact); err == nil {
			err = cancel(ctx, tx, ws, &out)
		}
		return err
	})
	return out, wrap("cancel", err)
}

// CancelBy is [Bookings.Cancel] of anybody's appointment, by somebody of the
// workspace; it stands in the audit trail.
func (b *Bookings) CancelBy(ctx context.Context, ws, id uuid.UUID, actor string) (Booking, error) {
	var out Booking
	err := b.db.InWorkspace(ctx, ws, func(tx pgx.Tx) (err error) {
		if out, err = one(ctx, tx, `workspace_id = $1 AND id = $2 FOR UPDATE`, ws, id); err == nil {
			err = cancel(ctx, tx, ws, &out)
		}
		if err != nil {
			return err
		}
		return record(ctx, tx, ws, actor, "booking.cancel", id.String())
	})
	return out, wrap("cancel", err)
}

func cancel(ctx context.Context, tx pgx.Tx, ws uuid.UUID, b *Booking) error {
	if b.State == Cancelled {
		return nil
	}
	b.State = Cancelled
	if _, err := tx.Exec(ctx, `UPDATE bookings SET state = 'cancelled', updated_at = now() WHERE workspace_id = $1 AND id = $2`, ws, b.ID); err != nil {
		return err
	}
	return tell(ctx, tx, ws, *b, "booking.cancelled")
}

// tell says what happened to whoever reads the events.
func tell(ctx context.Context, tx pgx.Tx, ws uuid.UUID, b Booking, what string) error {
	_, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, $2, 'booking/' || $3::text,
		jsonb_build_object('calendar', $4::text, 'start', $5::timestamptz))`, ws, what, b.ID.String(), b.Calendar, b.Start)
	return err
}

func (b *Booking) in(zone *time.Location) { b.Start, b.End = b.Start.In(zone), b.End.In(zone) }

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrNotFound, ErrTaken, ErrTooMany, ErrOver, ErrNoCalendar, ErrInUse} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("bookings: %s: %w", what, err)
}
