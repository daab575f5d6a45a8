package roles

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/bookings"
)

// slotsMost bounds the slots that are listed.
const slotsMost = 200

// bookingResource implements api.Bookings.
type bookingResource struct{ bookings *bookings.Bookings }

// refusedBooking words what the bookings do not allow.
func refusedBooking(err error) error {
	var invalid *bookings.InvalidError
	switch {
	case errors.As(err, &invalid):
		return problem.Invalid.New(invalid.Err.Error())
	case errors.Is(err, bookings.ErrNoCalendar):
		return problem.NotFound.New("There is no calendar of this name.")
	case errors.Is(err, bookings.ErrNotFound):
		return problem.NotFound.New("There is no such booking.")
	case errors.Is(err, bookings.ErrInUse):
		return problem.Conflict.New("Appointments are ahead in the calendar: cancel or wait for them first.")
	}
	return err
}

func (r bookingResource) PutCalendar(ctx context.Context, ws uuid.UUID, name string, c api.CalendarHours, actor string) (api.Calendar, error) {
	put, err := r.bookings.Put(ctx, ws, name, bookings.Calendar(c), actor)
	return showCalendar(put), refusedBooking(err)
}

func (r bookingResource) Calendar(ctx context.Context, ws uuid.UUID, name string) (api.Calendar, error) {
	got, err := r.bookings.Calendar(ctx, ws, name)
	return showCalendar(got), refusedBooking(err)
}

func (r bookingResource) Calendars(ctx context.Context, ws uuid.UUID, q api.PageQuery) ([]api.Calendar, string, error) {
	got, err := r.bookings.Calendars(ctx, ws, q.After, q.Limit+1)
	return part(got, q, showCalendar, func(c bookings.Named) string { return c.Name }, err)
}

func (r bookingResource) DeleteCalendar(ctx context.Context, ws uuid.UUID, name, actor string) error {
	return refusedBooking(r.bookings.Delete(ctx, ws, name, actor, time.Now()))
}

func (r bookingResource) Slots(ctx context.Context, ws uuid.UUID, calendar string, from, to time.Time) ([]api.Slot, error) {
	free, err := r.bookings.Free(ctx, ws, calendar, time.Now(), from, to, slotsMost)
	out := make([]api.Slot, len(free))
	for i, s := range free {
		out[i] = api.Slot(s)
	}
	return out, refusedBooking(err)
}

// List has cursors of start and ID.
func (r bookingResource) List(ctx context.Context, ws uuid.UUID, f api.BookingFilter, q api.PageQuery) ([]api.Booking, string, error) {
	filter := bookings.Filter{Calendar: f.Calendar, State: f.State, Contact: f.Contact, Since: f.Since, Until: f.Until}
	if q.After != "" {
		start, id, _ := strings.Cut(q.After, "/")
		var err error
		if filter.After.Start, err = time.Parse(time.RFC3339Nano, start); err != nil {
			return nil, "", errCursor
		}
		if filter.After.ID, err = uuid.Parse(id); err != nil {
			return nil, "", errCursor
		}
	}
	got, err := r.bookings.List(ctx, ws, filter, q.Limit+1)
	return part(got, q, showAppointment, func(b bookings.Booking) string { return b.Start.UTC().Format(time.RFC3339Nano) + "/" + b.ID.String() }, err)
}

func (r bookingResource) Cancel(ctx context.Context, ws, id uuid.UUID, actor string) (api.Booking, error) {
	got, err := r.bookings.CancelBy(ctx, ws, id, actor)
	return showAppointment(got), refusedBooking(err)
}

func showCalendar(c bookings.Named) api.Calendar {
	return api.Calendar{Name: c.Name, CalendarHours: api.CalendarHours(c.Calendar), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
}

func showAppointment(b bookings.Booking) api.Booking { return api.Booking(b) }
