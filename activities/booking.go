package activities

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"parley/connectors/sdk"
	"parley/internal/bookings"
	"parley/internal/conversations"
)

// slotsMost bounds the slots that a flow is given at once.
const slotsMost = 50

// appointment is a booking as flows see it; day and time are those of the
// calendar's clock.
type appointment struct {
	ID       uuid.UUID `json:"id,omitzero"`
	Calendar string    `json:"calendar,omitempty"`
	Start    string    `json:"start"`
	End      string    `json:"end"`
	Day      string    `json:"day"`
	Time     string    `json:"time"`
}

func appointmentAt(start, end time.Time) appointment {
	return appointment{Start: start.Format(time.RFC3339), End: end.Format(time.RFC3339), Day: start.Format(time.DateOnly), Time: start.Format("15:04")}
}

func showBooking(b bookings.Booking) appointment {
	out := appointmentAt(b.Start, b.End)
	out.ID, out.Calendar = b.ID, b.Calendar
	return out
}

// booking does what a flow has the engine do with appointments: each once by its
// key, and only with those of the conversation's contact.
func (a *Activities) booking(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, error) {
	var in struct {
		Calendar string    `json:"calendar"`
		From     time.Time `json:"from"`
		Limit    int       `json:"limit"`
		Start    time.Time `json:"start"`
		ID       uuid.UUID `json:"booking_id"`
	}
	if err := sdk.DecodeStrict(req.Input, &in); err != nil {
		return nil, err
	}
	now := time.Now()
	wish := bookings.Wish{Workspace: ref.Workspace, Key: key, Calendar: in.Calendar, Start: in.Start, Contact: ref.Contact, Conversation: ref.ID, Now: now}
	switch req.Operation {
	case "slots":
		return answered(func() (any, error) {
			free, err := a.Bookings.Free(ctx, ref.Workspace, in.Calendar, now, in.From, time.Time{}, min(max(1, in.Limit), slotsMost))
			out := make([]appointment, 0, len(free))
			for _, s := range free {
				out = append(out, appointmentAt(s.Start, s.End))
			}
			return map[string]any{"slots": out}, err
		})
	case "book":
		return answered(func() (any, error) {
			made, err := a.Bookings.Book(ctx, wish)
			return showBooking(made), err
		})
	case "booking_move":
		return answered(func() (any, error) {
			moved, err := a.Bookings.Move(ctx, wish, in.ID)
			return showBooking(moved), err
		})
	case "booking_cancel":
		return answered(func() (any, error) {
			_, err := a.Bookings.Cancel(ctx, ref.Workspace, in.ID, ref.Contact)
			return struct{}{}, err
		})
	}
	return answered(func() (any, error) {
		ahead, err := a.Bookings.Ahead(ctx, ref.Workspace, ref.Contact, in.Calendar, now)
		out := make([]appointment, 0, len(ahead))
		for _, b := range ahead {
			out = append(out, showBooking(b))
		}
		return map[string]any{"bookings": out}, err
	})
}

// answered gives an outcome as flows see it: what cannot be had is an error of theirs.
func answered(do func() (any, error)) (json.RawMessage, error) {
	out, err := do()
	switch {
	case errors.Is(err, bookings.ErrTaken):
		return nil, &sdk.Error{Class: sdk.Rejected, Code: "taken", Message: "the slot cannot be had, or not any more"}
	case errors.Is(err, bookings.ErrTooMany):
		return nil, &sdk.Error{Class: sdk.Rejected, Code: "too_many", Message: "the contact has too many appointments ahead"}
	case errors.Is(err, bookings.ErrOver):
		return nil, &sdk.Error{Class: sdk.Rejected, Code: "cancelled", Message: "the appointment was cancelled"}
	case errors.Is(err, bookings.ErrNotFound):
		return nil, &sdk.Error{Class: sdk.NotFound, Code: "no_booking", Message: "the contact has no such appointment"}
	case errors.Is(err, bookings.ErrNoCalendar):
		return nil, &sdk.Error{Class: sdk.NotFound, Code: "no_calendar", Message: "the workspace has no calendar of this name: make one with parley calendar put"}
	case err != nil:
		return nil, err
	}
	return json.Marshal(out)
}
