package activities

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bookings"
	"parley/internal/contacts"
)

const appointments = `name: test
blocks:
  start:
    - book: doctor
      ask: When?
      offer: 3
      save: visit
      none: broken
      errors: broken
    - say: "Booked {{ visit.day }} {{ visit.time }}"
    - ask: Keep it?
      kind: yesno
      save: keep
    - if: keep
      then: end_of_it
    - unbook: visit
      errors: broken
    - call: parley.booking_list
      save: mine
    - say: "Left: {{ len(mine.bookings) }}"
  end_of_it:
    - say: Bye.
  broken:
    - say: "sorry {{ error.code }}"
`

// always is open: each quarter of an hour has one slot.
var always = bookings.Calendar{Zone: "Asia/Kolkata", Minutes: 15, Week: map[string]string{"mon-sun": "0:00-24:00"}, Notice: 60}

func (e *engine) calendar(name string, c bookings.Calendar) {
	e.t.Helper()
	_, err := e.Bookings.Put(e.t.Context(), e.ws, name, c, "test")
	require.NoError(e.t, err)
}

func TestAConversationMakesAnAppointment(t *testing.T) {
	k := setUp(t, appointments).talk()
	require.Equal(t, []string{"sorry no_calendar"}, k.talks("hi"))
	k.calendar("doctor", always)
	require.Regexp(t, `^When\?\n\n1\. \w{3} \d+ \w{3}, \d\d:\d\d\n`, k.talks("hi")[0])
	got := k.talks("2")
	require.Len(t, got, 2)
	require.Contains(t, got[0], "Booked 20")
	all, err := k.Bookings.List(t.Context(), k.ws, bookings.Filter{State: bookings.Booked}, 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, k.Contact, all[0].Contact)
	require.Equal(t, "done", one[string](k.engine, `SELECT state FROM effects WHERE operation = 'book'`))

	require.NoError(t, k.CallConnector(t.Context(), callInput(k, one[string](k.engine, `SELECT key FROM effects WHERE operation = 'book'`))))
	all, err = k.Bookings.List(t.Context(), k.ws, bookings.Filter{State: bookings.Booked}, 10)
	require.NoError(t, err)
	require.Len(t, all, 1, "an attempt that is run again makes no other")
	require.Equal(t, []string{"Left: 0"}, k.talks("no"))
}

// All are shown the same slot and choose it; the calls run at once.
func TestOfManyConversationsOneGetsTheSlot(t *testing.T) {
	const many = 12
	e := setUp(t, appointments)
	e.calendar("doctor", always)
	var all []*talk
	for i := range many {
		from := sdk.Address{Kind: "phone", Value: "155500060" + string(rune('a'+i))}
		conv, err := e.people.Conversation(t.Context(), contacts.Channel{Workspace: e.ws, Connection: e.conn.ID, Connector: "chat"}, []sdk.Address{from}, "")
		require.NoError(t, err)
		k := &talk{e, conv, from}
		k.talks("hi")
		all = append(all, k)
	}
	var wg sync.WaitGroup
	for _, k := range all {
		k.says("1")
		calls := k.turn().Calls
		require.Len(t, calls, 1)
		wg.Go(func() {
			if err := k.CallConnector(t.Context(), callInput(k, calls[0].Key)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	won, offered := 0, 0
	for _, k := range all {
		before := len(e.phone.shown)
		k.runs()
		switch text := e.phone.texts()[before]; {
		case strings.HasPrefix(text, "Booked"):
			won++
		case strings.HasPrefix(text, "Sorry, somebody has just taken that time."):
			offered++
		}
	}
	require.Equal(t, 1, won)
	require.Equal(t, many-1, offered, "the others are offered other slots")
}
