package salesforce_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"parley/connectors/salesforce"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/require"
)

func (r *rig) poll(cursor string) ([]sdk.Event, string) {
	r.t.Helper()
	events, next, err := r.conn.(sdk.Poller).Poll(r.t.Context(), cursor)
	require.NoError(r.t, err)
	return events, next
}

func names(events []sdk.Event) (out []string) {
	for _, e := range events {
		out = append(out, e.Provider.Name+" "+e.Provider.Refs[0])
	}
	return out
}

// ago sets Salesforce's clock back, so that what is done then is old enough to be told.
func (r *rig) ago(d time.Duration) { r.now = time.Now().Add(-d) }

func TestChangesAreToldOnceAndInOrder(t *testing.T) {
	r := newRig(t)
	r.ago(30 * time.Minute)
	contact := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","email":"jenny@example.com"}`)
	r.ago(20 * time.Minute)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), `{"title":"Tea","contact":"`+contact.ID+`"}`)
	r.ago(0)
	events, cursor := r.poll("")
	require.Equal(t, []string{"contact.created " + contact.ID, "deal.created " + deal.ID}, names(events))
	require.JSONEq(t, `{"id":"`+contact.ID+`","external_id":"c-1","owner":"005Dx0000000001AAA"}`, string(events[0].Provider.Data), "and nothing personal")
	require.Equal(t, "key-1", events[1].Provider.EffectKey, "our own deal leads back to its effect")

	again, same := r.poll(cursor)
	require.Empty(t, again)
	require.Equal(t, cursor, same)

	r.ago(10 * time.Minute)
	r.happen(deal.ID, "win")
	r.happen(contact.ID, "delete")
	r.ago(0)
	events, _ = r.poll(cursor)
	require.ElementsMatch(t, []string{"deal.changed " + deal.ID, "contact.deleted " + contact.ID}, names(events))
}

func TestAChangeIsToldWhenItIsCertain(t *testing.T) {
	r := newRig(t)
	lead := run[role.Upserted](t, r.conn, "lead_upsert", call("k"), `{"external_id":"l-1"}`)
	events, cursor := r.poll("")
	require.Empty(t, events, "a transaction that began earlier may yet end")
	r.ago(5 * time.Minute)
	r.happen(lead.ID, "convert")
	events, _ = r.poll(cursor)
	require.Empty(t, events, "Salesforce's clock is behind: its minute counts")
	r.ago(0)
	events, _ = r.poll(cursor)
	require.Len(t, events, 2)
	var change salesforce.Change
	for _, e := range events {
		if e.Type == "Lead" {
			require.NoError(t, json.Unmarshal(e.Provider.Data, &change))
		}
	}
	require.NotEmpty(t, change.Contact, "the contact that the lead has become")
}

// Nothing is lost and nothing doubled, however many records have one stamp, wherever
// an answer ends, and whatever happens between two polls.
func TestEveryChangeIsToldExactlyOnce(t *testing.T) {
	r := newRig(t)
	random := rand.New(rand.NewPCG(1, 2))
	begin := time.Now().Add(-50 * time.Minute).UTC().Truncate(time.Second)
	want, n := map[string]int{}, 0
	add := func(count int, at time.Time) {
		for range count {
			n++
			object, prefix := "Contact", "003"
			if random.IntN(3) == 0 {
				object, prefix = "Lead", "00Q"
			}
			// IDs do not grow with time: records were made long before they change.
			id := fmt.Sprintf("%sDx%010dAAA", prefix, random.Int64N(9_000_000_000)+1_000_000_000)
			r.put(object, id, map[string]any{"LastName": "x", "SystemModstamp": at.Format("2006-01-02T15:04:05.000-0700")})
			want[id]++
		}
	}
	add(620, begin)                  // more than one answer, with one stamp
	add(150, begin.Add(time.Second)) // and then some
	cursor, seen, ids := "", map[string]int{}, map[string]bool{}
	last := time.Time{}
	for round := range 9 {
		events, next := r.poll(cursor)
		require.LessOrEqual(t, len(events), 500)
		repeat, _ := r.poll(cursor)
		require.Equal(t, events, repeat, "the same cursor tells the same")
		for _, e := range events {
			seen[e.Provider.Refs[0]]++
			require.False(t, ids[e.ID])
			ids[e.ID] = true
			require.False(t, e.At.Before(last), "in order")
			last = e.At
		}
		cursor = next
		if round < 5 { // what comes in meanwhile is younger than all that was told
			add(30, begin.Add(time.Duration(round+2)*time.Minute))
		}
	}
	require.Equal(t, want, seen)
}

func TestARecordIsToldAsItIsWhenAsked(t *testing.T) {
	r := newRig(t)
	r.ago(30 * time.Minute)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), `{"title":"Tea","amount":100}`)
	r.ago(20 * time.Minute)
	r.happen(deal.ID, "lose")
	r.ago(0)
	events, _ := r.poll("")
	require.Len(t, events, 1, "what changed twice is told once")
	require.Equal(t, "deal.created", events[0].Provider.Name)
	require.JSONEq(t, `{"id":"`+deal.ID+`","stage":"Closed Lost","amount":"1","currency":"USD","owner":"005Dx0000000001AAA","closed":true,"won":false}`, string(events[0].Provider.Data))
}

func TestTheFirstPollLooksBackAnHour(t *testing.T) {
	r := newRig(t)
	r.ago(3 * time.Hour)
	old := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`)
	r.ago(0)
	events, cursor := r.poll("")
	require.Empty(t, events)
	r.ago(2 * time.Minute)
	r.happen(old.ID, "rename")
	r.ago(0)
	events, _ = r.poll(cursor)
	require.Equal(t, []string{"contact.changed " + old.ID}, names(events))
}

func TestACursorThatIsNone(t *testing.T) {
	r := newRig(t)
	for _, cursor := range []string{"x", "[]", `{"Contact":{"at":"2026-01-01T00:00:00Z","id":"' OR Id != '"}}`, `{"Contact":{"id":"003000000000000"}}`} {
		_, _, err := r.conn.(sdk.Poller).Poll(t.Context(), cursor)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, cursor)
	}
}
