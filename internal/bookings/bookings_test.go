package bookings_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/internal/bookings"
	"parley/internal/store"
	"parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// Monday morning.
var now = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)

var clinic = bookings.Calendar{Title: "Dr Rao", Zone: "Europe/Madrid", Minutes: 30, Week: map[string]string{"mon-fri": "9:00-11:00"}}

type desk struct {
	t  *testing.T
	db *store.DB
	ws uuid.UUID
	*bookings.Bookings
}

func open(t *testing.T, c bookings.Calendar) *desk {
	t.Helper()
	d := &desk{t: t}
	d.db, _, d.ws = storetest.Open(t)
	d.Bookings = bookings.New(d.db)
	_, err := d.Put(t.Context(), d.ws, "doctor", c, "test")
	require.NoError(t, err)
	return d
}

func (d *desk) person() uuid.UUID {
	d.t.Helper()
	id := uuid.New()
	require.NoError(d.t, d.db.InWorkspace(d.t.Context(), d.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(d.t.Context(), `INSERT INTO contacts (workspace_id, id, profile) VALUES ($1, $2, '')`, d.ws, id)
		return err
	}))
	return id
}

func (d *desk) wish(key string, who uuid.UUID, at time.Time) bookings.Wish {
	return bookings.Wish{Workspace: d.ws, Key: key, Calendar: "doctor", Start: at, Contact: who, Conversation: uuid.New(), Now: now}
}

func (d *desk) free() (out []string) {
	d.t.Helper()
	slots, err := d.Free(d.t.Context(), d.ws, "doctor", now, now, now.Add(24*time.Hour), 50)
	require.NoError(d.t, err)
	for _, s := range slots {
		out = append(out, s.Start.Format("15:04"))
	}
	return out
}

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04 -0700", "2026-11-23 "+clock+" +0100")
	if err != nil {
		panic(err)
	}
	return t
}

func TestOneSlotGoesToOneOfTwoHundred(t *testing.T) {
	const askers = 200
	for _, capacity := range []int{1, 3} {
		c := clinic
		c.Capacity = capacity
		d := open(t, c)
		who := d.person()
		var people []uuid.UUID
		for range askers {
			people = append(people, d.person())
		}
		var mu sync.Mutex
		var won []string
		var others [][]bookings.Slot
		var wg sync.WaitGroup
		for i, person := range people {
			wg.Go(func() {
				b, err := d.Book(t.Context(), d.wish(fmt.Sprint("k", i), person, at("09:00")))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, b.ID.String())
					return
				}
				if !errors.Is(err, bookings.ErrTaken) {
					t.Errorf("an asker got another error: %v", err)
					return
				}
				slots, err := d.Free(t.Context(), d.ws, "doctor", now, now, now.Add(24*time.Hour), 3)
				if err != nil {
					t.Errorf("no other slots: %v", err)
				}
				others = append(others, slots)
			})
		}
		wg.Wait()
		require.Len(t, won, capacity)
		require.Len(t, others, askers-capacity)
		for _, slots := range others {
			require.Equal(t, at("09:30").Unix(), slots[0].Start.Unix(), "they are offered the next ones")
		}
		got, err := d.List(t.Context(), d.ws, bookings.Filter{State: bookings.Booked}, 100)
		require.NoError(t, err)
		require.Len(t, got, capacity)
		_, err = d.Book(t.Context(), d.wish("late", who, at("09:00")))
		require.ErrorIs(t, err, bookings.ErrTaken)
	}
}

func TestABookingIsMadeOnceForAKey(t *testing.T) {
	d := open(t, clinic)
	who := d.person()
	first, err := d.Book(t.Context(), d.wish("k1", who, at("09:30")))
	require.NoError(t, err)
	require.Equal(t, "09:30", first.Start.Format("15:04"), "in the calendar's time zone")
	require.Equal(t, "10:00", first.End.Format("15:04"))
	again, err := d.Book(t.Context(), d.wish("k1", who, at("09:30")))
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, []string{"09:00", "10:00", "10:30"}, d.free())
	for name, start := range map[string]time.Time{"outside the hours": at("12:00"), "between slots": at("09:15"), "past": at("09:00").Add(-24 * time.Hour), "too far ahead": at("09:00").AddDate(1, 0, 0)} {
		_, err := d.Book(t.Context(), d.wish(name, who, start))
		require.ErrorIs(t, err, bookings.ErrTaken, name)
	}
	_, err = d.Book(t.Context(), bookings.Wish{Workspace: d.ws, Key: "x", Calendar: "nobody", Contact: who, Start: at("09:00"), Now: now})
	require.ErrorIs(t, err, bookings.ErrNoCalendar)
}

func TestABookingIsMovedAndCancelled(t *testing.T) {
	d := open(t, clinic)
	who, other := d.person(), d.person()
	mine, err := d.Book(t.Context(), d.wish("k1", who, at("09:00")))
	require.NoError(t, err)
	_, err = d.Book(t.Context(), d.wish("k2", other, at("10:00")))
	require.NoError(t, err)

	_, err = d.Move(t.Context(), d.wish("m1", who, at("10:00")), mine.ID)
	require.ErrorIs(t, err, bookings.ErrTaken)
	require.Equal(t, []string{"09:30", "10:30"}, d.free(), "it stays where it was")
	_, err = d.Move(t.Context(), d.wish("m2", other, at("09:30")), mine.ID)
	require.ErrorIs(t, err, bookings.ErrNotFound, "nobody moves another's")
	for range 2 { // by one key once
		moved, err := d.Move(t.Context(), d.wish("m3", who, at("09:30")), mine.ID)
		require.NoError(t, err)
		require.Equal(t, "09:30", moved.Start.Format("15:04"))
	}
	require.Equal(t, []string{"09:00", "10:30"}, d.free())
	ahead, err := d.Ahead(t.Context(), d.ws, who, "", now)
	require.NoError(t, err)
	require.Len(t, ahead, 1)
	require.Equal(t, "09:30", ahead[0].Start.Format("15:04"))

	require.ErrorIs(t, d.Delete(t.Context(), d.ws, "doctor", "test", now), bookings.ErrInUse, "appointments may be ahead in it")
	_, err = d.Cancel(t.Context(), d.ws, mine.ID, other)
	require.ErrorIs(t, err, bookings.ErrNotFound)
	for range 2 {
		got, err := d.Cancel(t.Context(), d.ws, mine.ID, who)
		require.NoError(t, err)
		require.Equal(t, bookings.Cancelled, got.State)
	}
	require.Equal(t, []string{"09:00", "09:30", "10:30"}, d.free())
	_, err = d.Move(t.Context(), d.wish("m4", who, at("10:30")), mine.ID)
	require.ErrorIs(t, err, bookings.ErrOver)

	var types []string
	require.NoError(t, d.db.InWorkspace(t.Context(), d.ws, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT type FROM events WHERE subject = $1 ORDER BY seq`, "booking/"+mine.ID.String())
		if err != nil {
			return err
		}
		types, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	require.Equal(t, []string{"booking.made", "booking.moved", "booking.cancelled"}, types)
}

// A calendar whose appointments become longer keeps those that it has.
func TestAppointmentsOutliveAChangeOfTheCalendar(t *testing.T) {
	d := open(t, clinic)
	_, err := d.Book(t.Context(), d.wish("k1", d.person(), at("09:30")))
	require.NoError(t, err)
	longer := clinic
	longer.Minutes = 60
	_, err = d.Put(t.Context(), d.ws, "doctor", longer, "test")
	require.NoError(t, err)
	require.Equal(t, []string{"10:00"}, d.free(), "one at 9:00 would reach into it")
	var invalid *bookings.InvalidError
	_, err = d.Put(t.Context(), d.ws, "Doctor Rao", clinic, "test")
	require.ErrorAs(t, err, &invalid)
}

func TestNobodySeesAnotherWorkspace(t *testing.T) {
	d := open(t, clinic)
	mine, err := d.Book(t.Context(), d.wish("k1", d.person(), at("09:00")))
	require.NoError(t, err)
	other := storetest.Workspace(t, d.db, "other")
	_, err = d.Free(t.Context(), other, "doctor", now, now, time.Time{}, 5)
	require.ErrorIs(t, err, bookings.ErrNoCalendar)
	_, err = d.CancelBy(t.Context(), other, mine.ID, "test")
	require.ErrorIs(t, err, bookings.ErrNotFound)
	got, err := d.CancelBy(t.Context(), d.ws, mine.ID, "test")
	require.NoError(t, err)
	require.Equal(t, bookings.Cancelled, got.State)
}

func TestOnePersonDoesNotTakeTheWholeCalendar(t *testing.T) {
	c := clinic
	c.Capacity = 20
	d := open(t, c)
	who := d.person()
	for i := range bookings.MaxOpen {
		_, err := d.Book(t.Context(), d.wish(fmt.Sprint("k", i), who, at("09:00")))
		require.NoError(t, err)
	}
	_, err := d.Book(t.Context(), d.wish("more", who, at("09:00")))
	require.ErrorIs(t, err, bookings.ErrTooMany)
}
