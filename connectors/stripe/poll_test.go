package stripe_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

func (r *rig) poll(cursor string) (ids []string, next string) {
	r.t.Helper()
	events, next, err := r.conn.(sdk.Poller).Poll(r.t.Context(), cursor)
	require.NoError(r.t, err)
	return idsOf(events), next
}

func idsOf(events []sdk.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// each is how much news a payment makes: it was captured, and its session completed.
const each = 2

// pay pays some links, so long ago.
func (r *rig) pay(n int, ago time.Duration) {
	r.now = time.Now().Add(-ago)
	for range n {
		r.press(r.link("key-"+strconv.Itoa(int(r.now.UnixNano())%1e9)+"-"+strconv.Itoa(r.nth())), "pay")
	}
}

func (r *rig) nth() (n int) {
	r.env.State().Each("links", func(string, json.RawMessage) bool { n++; return true })
	return n
}

// Webhooks and polls tell the same of an event, by the same ID.
func TestPollTellsWhatWebhooksTell(t *testing.T) {
	r := newRig(t)
	r.pay(2, time.Hour)
	var pushed []sdk.Event
	for _, e := range r.news() {
		if e.Kind == sdk.EventProvider {
			pushed = append(pushed, e)
		}
	}
	require.Len(t, pushed, 2*each)
	events, _, err := r.conn.(sdk.Poller).Poll(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, pushed, events)

	r.env.SetFault("stop_pushing", 0)
	before := len(r.env.Deliveries())
	r.pay(1, time.Minute)
	require.Len(t, r.env.Deliveries(), before, "nothing is pushed")
	ids, _ := r.poll("")
	require.Len(t, ids, 3*each, "and yet it is told")
}

func TestACursorStaysBehindWhatMayStillComeIn(t *testing.T) {
	r := newRig(t)
	r.pay(1, time.Hour)
	r.pay(1, time.Minute)
	ids, next := r.poll("")
	require.Len(t, ids, 2*each)
	require.Equal(t, ids[each-1], next, "not past what is young")
	again, same := r.poll(next)
	require.Equal(t, []any{ids[each:], next}, []any{again, same}, "told again until it is old")
	r.pay(1, time.Second)
	more, _ := r.poll(next)
	require.Equal(t, ids[each:], more[:each])
	require.Len(t, more, 2*each)
}

func TestTheFirstPollLooksBackADay(t *testing.T) {
	r := newRig(t)
	r.pay(3, 48*time.Hour)
	r.pay(1, time.Hour)
	ids, next := r.poll("")
	require.Len(t, ids, each, "older news is not told")
	require.Equal(t, ids[each-1], next)
	none, same := r.poll(next)
	require.Empty(t, none)
	require.Equal(t, next, same)
}

func TestMuchNewsIsToldInOrder(t *testing.T) {
	r := newRig(t)
	r.pay(1, 48*time.Hour)
	r.pay(230, time.Hour)
	ids, next := r.poll("")
	require.Len(t, ids, 230*each)
	require.IsIncreasing(t, ids)
	require.Equal(t, ids[230*each-1], next)
	require.LessOrEqual(t, len(ids), 500)

	young := newRig(t) // an account without anything older
	young.pay(130, time.Hour)
	ids, _ = young.poll("")
	require.Len(t, ids, 130*each)
	require.IsIncreasing(t, ids)
}

func TestAPollThatFails(t *testing.T) {
	r := newRig(t)
	_, _, err := r.conn.(sdk.Poller).Poll(t.Context(), "evt_gone")
	require.Equal(t, sdk.NotFound, sdk.AsError(err).Class, "the cursor is not known any more")
	_, _, err = answering(t, http.StatusUnauthorized, nil, `{"error":{"type":"invalid_request_error"}}`).(sdk.Poller).Poll(t.Context(), "evt_1")
	require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
	mute := connect(t, []byte(`{"webhook_secret":"whsec_x"}`), http.DefaultClient)
	_, _, err = mute.(sdk.Poller).Poll(t.Context(), "")
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
}
