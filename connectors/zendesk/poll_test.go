package zendesk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/require"
)

func (r *rig) poll(cursor string) ([]sdk.Event, string) {
	events, next, err := r.conn.(sdk.Poller).Poll(r.t.Context(), cursor)
	require.NoError(r.t, err)
	return events, next
}

func TestAnswersWhoseWebhookWasLostAreAskedFor(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	_, cursor := r.poll("")
	r.now = r.now.Add(time.Minute)
	r.env.SetFault(fake.FaultStopPushing, 0)
	r.staff(ticket, "reply", "A new one is on its way.")
	r.staff(ticket, "note", "A regular.")
	run[role.ID](t, r.conn, "ticket_comment", "k2", `{"id":"`+ticket+`","text":"Thanks!"}`)
	run[role.ID](t, r.conn, "ticket_reply", "k3", `{"id":"`+ticket+`","text":"You are welcome."}`)
	r.env.SetFault(fake.FaultStopPushing, -1)
	r.now = r.now.Add(time.Minute)
	r.staff(ticket, "reply", "It has left.")

	asked, next := r.poll(cursor)
	require.Len(t, asked, 2)
	require.JSONEq(t, `{"text":"A new one is on its way.","agent":"Asha Rao","ticket":"`+ticket+`"}`, string(asked[0].Provider.Data))
	pushed := r.news()
	require.Equal(t, pushed[len(pushed)-1], asked[1], "a webhook and a poll tell the same")
	again, _ := r.poll(cursor)
	require.Equal(t, asked, again, "the same cursor may be polled again")
	none, _ := r.poll(next)
	require.Empty(t, none)
}

func TestAnExportOfManyTicketsIsReadInParts(t *testing.T) {
	r := newRig(t)
	const many = 130
	for i := range many {
		r.staff(r.opened(fmt.Sprintf("k-%d", i)), "reply", "Hello!")
	}
	seen, cursor := map[string]bool{}, ""
	for range 4 {
		var events []sdk.Event
		before := len(r.recorder.sent)
		events, cursor = r.poll(cursor)
		require.LessOrEqual(t, len(events), 500)
		require.Less(t, len(r.recorder.sent)-before, 160, "one poll is bounded")
		for _, e := range events {
			seen[e.ID] = true
		}
	}
	require.Len(t, seen, many)
}

func TestTicketsOfOthersAreNotRead(t *testing.T) {
	r := newRig(t)
	r.env.State().Put("tickets", "7", map[string]any{"id": 7, "external_id": "JIRA 7", "status": "open", "updated_at": r.now})
	r.poll("")
	for _, s := range r.recorder.sent {
		require.False(t, strings.HasSuffix(s.req.URL.Path, "/comments"))
	}
}

func TestWhoIsNoAdminHasNothingToAsk(t *testing.T) {
	events, cursor, err := answering(t, http.StatusOK, `{"user":{"id":5,"role":"agent"}}`).(sdk.Poller).Poll(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, events)
	require.Empty(t, cursor)
}

func TestACursorThatIsNotOursIsInvalid(t *testing.T) {
	r := newRig(t)
	_, _, err := r.conn.(sdk.Poller).Poll(t.Context(), "yesterday")
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
}
