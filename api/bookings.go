package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// CalendarHours say when appointments can be had.
type CalendarHours struct {
	Title    string            `json:"title,omitempty" maxLength:"200" description:"For people."`
	Zone     string            `json:"zone" required:"true" maxLength:"64" description:"IANA name of the time zone that the hours are in, such as Europe/Madrid."`
	Minutes  int               `json:"minutes" required:"true" minimum:"1" maximum:"1440" description:"How long an appointment takes."`
	Every    int               `json:"every_minutes,omitempty" minimum:"1" maximum:"1440" description:"How far apart two begin; as far as one takes if left out."`
	Capacity int               `json:"capacity,omitempty" minimum:"1" maximum:"1000" description:"How many appointments there can be at once; 1 if left out."`
	Week     map[string]string `json:"week" required:"true" nullable:"false" description:"Days (mon, or mon-fri) and their hours, such as 9:00-13:00, 14:00-18:00."`
	Days     map[string]string `json:"days,omitempty" description:"Single days (2026-12-24) that have other hours."`
	Closed   []string          `json:"closed,omitempty" description:"Days without hours."`
	Notice   int               `json:"notice_minutes,omitempty" minimum:"0" description:"How many minutes ahead one must book."`
	Horizon  int               `json:"horizon_days,omitempty" minimum:"1" maximum:"366" description:"How many days ahead one can book; 60 if left out."`
}

// Calendar is a calendar of the workspace.
type Calendar struct {
	Name string `json:"name" required:"true"`
	CalendarHours
	CreatedAt time.Time `json:"created_at" required:"true"`
	UpdatedAt time.Time `json:"updated_at" required:"true"`
}

// Slot is a time at which an appointment can be had.
type Slot struct {
	Start time.Time `json:"start" required:"true"`
	End   time.Time `json:"end" required:"true"`
}

// Booking is an appointment. Whose it is stands as the contact's ID alone.
type Booking struct {
	ID           uuid.UUID `json:"id" required:"true"`
	Calendar     string    `json:"calendar" required:"true"`
	Start        time.Time `json:"start" required:"true"`
	End          time.Time `json:"end" required:"true"`
	Contact      uuid.UUID `json:"contact" required:"true"`
	Conversation uuid.UUID `json:"conversation" required:"true"`
	State        string    `json:"state" required:"true" enum:"booked,cancelled"`
	CreatedAt    time.Time `json:"created_at" required:"true"`
}

// BookingFilter selects bookings; empty fields match all.
type BookingFilter struct {
	Calendar string    `query:"calendar" json:"-" maxLength:"40" description:"Only this calendar's."`
	State    string    `query:"state" json:"-" enum:"booked,cancelled" description:"Only those in this state."`
	Contact  uuid.UUID `query:"contact" json:"-" description:"Only this contact's."`
	Since    time.Time `query:"since" json:"-" description:"Only those that begin at this time or later."`
	Until    time.Time `query:"until" json:"-" description:"Only those that begin before this time."`
}

// Bookings keeps calendars, and the appointments that conversations make in them.
type Bookings interface {
	// PutCalendar creates a calendar or replaces it; what cannot be is problem.Invalid.
	PutCalendar(ctx context.Context, ws uuid.UUID, name string, c CalendarHours, actor string) (Calendar, error)
	// Calendar returns problem.NotFound for a name that does not exist.
	Calendar(ctx context.Context, ws uuid.UUID, name string) (Calendar, error)
	// Calendars lists them by name.
	Calendars(ctx context.Context, ws uuid.UUID, q PageQuery) (items []Calendar, next string, err error)
	// DeleteCalendar answers problem.NotFound, and problem.Conflict while appointments
	// are ahead.
	DeleteCalendar(ctx context.Context, ws uuid.UUID, name, actor string) error
	// Slots lists what is free, the earliest first, at most 200; problem.NotFound for a
	// calendar that does not exist.
	Slots(ctx context.Context, ws uuid.UUID, calendar string, from, to time.Time) ([]Slot, error)
	// List returns bookings in the order of their start.
	List(ctx context.Context, ws uuid.UUID, f BookingFilter, q PageQuery) (items []Booking, next string, err error)
	// Cancel gives a booking's place back; problem.NotFound if there is none.
	Cancel(ctx context.Context, ws, id uuid.UUID, actor string) (Booking, error)
}

type calendarName struct {
	Name string `path:"name" json:"-" pattern:"^[a-z][a-z0-9_-]{0,39}$" description:"The calendar's name in the workspace."`
}

type putCalendar struct {
	calendarName
	CalendarHours
	_ struct{} `additionalProperties:"false"`
}

type calendarSlots struct {
	calendarName
	From time.Time `query:"from" json:"-" description:"The earliest start; now if left out."`
	To   time.Time `query:"to" json:"-" description:"The latest start; as far ahead as one can book if left out."`
}

type listCalendars struct{ Paging }

type listBookings struct {
	BookingFilter
	Paging
}

type bookingID struct {
	ID uuid.UUID `path:"id" json:"-" description:"The booking's ID."`
}

func (s *server) calendarRoutes() []route {
	const tag = "calendars"
	missing := []problem.Kind{problem.NotFound}
	return []route{
		op(s, route{method: http.MethodPut, path: "/v1/calendars/{name}", id: "putCalendar", tag: tag, scope: "calendars:write",
			summary: "Creates a calendar or replaces it. Appointments that were made stay."},
			func(ctx context.Context, p Principal, in *putCalendar) (Calendar, error) {
				return s.o.Bookings.PutCalendar(ctx, p.Workspace, in.Name, in.CalendarHours, p.Actor())
			}),
		op(s, route{method: http.MethodGet, path: "/v1/calendars", id: "listCalendars", tag: tag, scope: "calendars:read",
			summary: "Lists calendars by name.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listCalendars) (Page[Calendar], error) {
				return page(ctx, "calendars", in.Paging, func(ctx context.Context, q PageQuery) ([]Calendar, string, error) {
					return s.o.Bookings.Calendars(ctx, p.Workspace, q)
				})
			}),
		op(s, route{method: http.MethodGet, path: "/v1/calendars/{name}", id: "getCalendar", tag: tag, scope: "calendars:read",
			summary: "Shows a calendar.", problems: missing},
			func(ctx context.Context, p Principal, in *calendarName) (Calendar, error) {
				return s.o.Bookings.Calendar(ctx, p.Workspace, in.Name)
			}),
		op(s, route{method: http.MethodDelete, path: "/v1/calendars/{name}", id: "deleteCalendar", tag: tag, scope: "calendars:write",
			summary: "Removes a calendar in which no appointments are ahead.", problems: []problem.Kind{problem.NotFound, problem.Conflict}},
			func(ctx context.Context, p Principal, in *calendarName) (none, error) {
				return none{}, s.o.Bookings.DeleteCalendar(ctx, p.Workspace, in.Name, p.Actor())
			}),
		op(s, route{method: http.MethodGet, path: "/v1/calendars/{name}/slots", id: "listSlots", tag: tag, scope: "calendars:read",
			summary: "Lists what is free in a calendar, the earliest first, at most 200.", problems: missing},
			func(ctx context.Context, p Principal, in *calendarSlots) (Page[Slot], error) {
				free, err := s.o.Bookings.Slots(ctx, p.Workspace, in.Name, in.From, in.To)
				if free == nil {
					free = []Slot{}
				}
				return Page[Slot]{Items: free}, err
			}),
	}
}

func (s *server) bookingRoutes() []route {
	const tag = "bookings"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/bookings", id: "listBookings", tag: tag, scope: "bookings:read",
			summary: "Lists appointments in the order of their start.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listBookings) (Page[Booking], error) {
				return page(ctx, "bookings", in.Paging, func(ctx context.Context, q PageQuery) ([]Booking, string, error) {
					return s.o.Bookings.List(ctx, p.Workspace, in.BookingFilter, q)
				})
			}),
		op(s, route{method: http.MethodPost, path: "/v1/bookings/{id}/cancel", id: "cancelBooking", tag: tag, scope: "bookings:write",
			summary: "Gives an appointment's place back. The customer is not told.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *bookingID) (Booking, error) {
				return s.o.Bookings.Cancel(ctx, p.Workspace, in.ID, p.Actor())
			}),
	}
}
