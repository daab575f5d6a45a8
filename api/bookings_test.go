package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/problem"
)

// bookings has one calendar, doctor, with one appointment in it.
type bookings struct{ *memory }

func calendar(name string, c api.CalendarHours) (api.Calendar, error) {
	if name != "doctor" {
		return api.Calendar{}, problem.NotFound.New("There is no calendar of this name.")
	}
	return api.Calendar{Name: name, CalendarHours: c, CreatedAt: moment, UpdatedAt: moment}, nil
}

func (m bookings) PutCalendar(_ context.Context, _ uuid.UUID, name string, c api.CalendarHours, _ string) (api.Calendar, error) {
	m.filters = append(m.filters, c)
	return calendar(name, c)
}

func (m bookings) Calendar(_ context.Context, _ uuid.UUID, name string) (api.Calendar, error) {
	return calendar(name, api.CalendarHours{})
}

func (m bookings) Calendars(context.Context, uuid.UUID, api.PageQuery) ([]api.Calendar, string, error) {
	return nil, "", nil
}

func (m bookings) DeleteCalendar(_ context.Context, _ uuid.UUID, name, _ string) error {
	if name == "doctor" {
		return problem.Conflict.New("Appointments are ahead.")
	}
	return problem.NotFound.New("There is no calendar of this name.")
}

func (m bookings) Slots(_ context.Context, _ uuid.UUID, name string, from, _ time.Time) ([]api.Slot, error) {
	if _, err := calendar(name, api.CalendarHours{}); err != nil {
		return nil, err
	}
	m.filters = append(m.filters, from)
	return []api.Slot{{Start: moment, End: moment.Add(time.Hour)}}, nil
}

func (m bookings) List(_ context.Context, _ uuid.UUID, f api.BookingFilter, _ api.PageQuery) ([]api.Booking, string, error) {
	m.filters = append(m.filters, f)
	return []api.Booking{{ID: order, Calendar: "doctor", Start: moment, End: moment, Contact: contact, Conversation: conversation, State: "booked", CreatedAt: moment}}, "", nil
}

func (m bookings) Cancel(_ context.Context, _ uuid.UUID, id uuid.UUID, _ string) (api.Booking, error) {
	if id != order {
		return api.Booking{}, problem.NotFound.New("There is no such booking.")
	}
	return api.Booking{ID: id, State: "cancelled"}, nil
}

func TestCalendarsAndBookings(t *testing.T) {
	e := start(t, nil)
	status, answer := e.call(t, http.MethodPut, "/v1/calendars/doctor", `{"zone":"Asia/Kolkata","minutes":30,"week":{"mon-fri":"9:00-13:00"}}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, api.CalendarHours{Zone: "Asia/Kolkata", Minutes: 30, Week: map[string]string{"mon-fri": "9:00-13:00"}}, e.filters[0])
	status, answer = e.call(t, http.MethodPut, "/v1/calendars/doctor", `{"zone":"Asia/Kolkata","minuts":30,"week":{}}`)
	require.Equal(t, http.StatusUnprocessableEntity, status, answer)

	status, answer = e.call(t, http.MethodGet, "/v1/calendars/doctor/slots?from=2026-12-01T00:00:00Z", "")
	require.Equal(t, http.StatusOK, status, answer)
	require.JSONEq(t, `{"items":[{"start":"2026-11-23T08:00:00Z","end":"2026-11-23T09:00:00Z"}]}`, answer)
	require.Equal(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), e.filters[1])

	status, answer = e.call(t, http.MethodGet, "/v1/bookings?calendar=doctor&state=booked", "")
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, api.BookingFilter{Calendar: "doctor", State: "booked"}, e.filters[2])
	for path, want := range map[string]int{
		"POST /v1/bookings/" + order.String() + "/cancel":   http.StatusOK,
		"POST /v1/bookings/" + contact.String() + "/cancel": http.StatusNotFound,
		"DELETE /v1/calendars/doctor":                       http.StatusConflict,
		"GET /v1/calendars/dentist":                         http.StatusNotFound,
		"GET /v1/calendars/doctor":                          http.StatusOK,
	} {
		method, target, _ := strings.Cut(path, " ")
		status, answer := e.call(t, method, target, "")
		require.Equal(t, want, status, path+answer)
	}
}
