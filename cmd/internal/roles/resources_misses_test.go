package roles

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/internal/misses"
	"parley/internal/models"
)

const listening = `name: shop
intents:
  track: {examples: [where is my order, track my order, has my order left], go: start}
  refund: {examples: [money back, refund please, give me my money], go: start}
blocks:
  start: [{say: Hello!}]
`

func (d *desk) models() (n int) {
	d.t.Helper()
	require.NoError(d.t, d.e.DB.InWorkspace(d.t.Context(), d.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(d.t.Context(), `SELECT count(*) FROM nlu_models`).Scan(&n)
	}))
	return n
}

func TestPublishingTrains(t *testing.T) {
	d := open(t)
	publish := func(document string) error {
		_, err := d.Flows.Publish(t.Context(), d.ws, api.NewFlow{Name: "shop", Document: document, Actor: actor})
		return err
	}
	require.NoError(t, publish(hello))
	require.Zero(t, d.models(), "a flow without intents has nothing to learn")
	require.NoError(t, publish(listening))
	require.Equal(t, 1, d.models())
	require.NoError(t, publish(strings.Replace(listening, "Hello!", "Hi!", 1)))
	require.Equal(t, 1, d.models(), "the same examples are not learnt twice")
	require.NoError(t, publish(strings.Replace(listening, "money back", "my money", 1)))
	require.Equal(t, 2, d.models())
}

// TestWhatCannotBeLearntIsNotPublished: the version that is live stays so.
func TestWhatCannotBeLearntIsNotPublished(t *testing.T) {
	d := open(t)
	publish := func(document string) (api.Flow, error) {
		return d.Flows.Publish(t.Context(), d.ws, api.NewFlow{Name: "shop", Document: document, Actor: actor})
	}
	live, err := publish(listening)
	require.NoError(t, err)
	_, err = publish(strings.Replace(listening, "money back", `"?!"`, 1))
	p := refused(t, problem.Invalid, err)
	require.Equal(t, []problem.Field{{Pointer: "/document", Detail: `an example of "refund" has no words`}}, p.Errors)
	slow := newFlowResource(d.e)
	slow.models = models.New(d.e.DB, models.Options{Limit: time.Nanosecond})
	_, err = slow.Publish(t.Context(), d.ws, api.NewFlow{Name: "shop", Document: strings.Replace(listening, "money back", "other", 1), Actor: actor})
	require.Contains(t, refused(t, problem.Invalid, err).Errors[0].Detail, "6 examples cannot be learnt within 1ns")
	slow.models = models.New(d.e.DB, models.Options{Wait: time.Nanosecond})
	_, err = slow.Publish(t.Context(), d.ws, api.NewFlow{Name: "shop", Document: strings.Replace(listening, "money back", "third", 1), Actor: actor})
	require.Positive(t, refused(t, problem.Unavailable, err).RetryAfter)
	still, err := d.Flows.Get(t.Context(), d.ws, "shop")
	require.NoError(t, err)
	require.Equal(t, live.Hash, still.Hash)
}

func TestMissesAreListedAndRemoved(t *testing.T) {
	d := open(t)
	conv := d.conversation("hello")
	require.NoError(t, d.e.Misses.Keep(t.Context(), d.ws, conv.Contact, []misses.Miss{
		{Conversation: conv.ID, Number: 1, Flow: "shop", FlowHash: "h", Block: "start", Language: "en", Guess: "track", Confidence: 0.25, Text: "one"},
		{Conversation: conv.ID, Number: 2, Flow: "shop", FlowHash: "h", Text: "two"}}))
	list := func(q api.PageQuery) (texts []string, next string) {
		items, next, err := d.Misses.List(context.Background(), d.ws, api.MissFilter{Flow: "shop"}, q)
		require.NoError(t, err)
		for _, m := range items {
			texts = append(texts, m.Text)
		}
		return texts, next
	}
	first, next := list(api.PageQuery{Limit: 1})
	second, end := list(api.PageQuery{Limit: 1, After: next})
	require.Equal(t, []string{"two", "one", ""}, append(append(first, second...), end))
	_, _, err := d.Misses.List(t.Context(), d.ws, api.MissFilter{}, api.PageQuery{Limit: 1, After: "x"})
	refused(t, problem.BadCursor, err)
	items, _, err := d.Misses.List(t.Context(), d.ws, api.MissFilter{Guess: "track"}, api.PageQuery{Limit: 9})
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.Equal(t, []any{conv.ID, "start", "en", 0.25}, []any{items[0].Conversation, items[0].Block, items[0].Language, items[0].Confidence})
	require.NoError(t, d.Misses.Remove(t.Context(), d.ws, items[0].ID))
	refused(t, problem.NotFound, d.Misses.Remove(t.Context(), d.ws, items[0].ID))
	refused(t, problem.NotFound, d.Misses.Remove(t.Context(), uuid.New(), items[0].ID))
}
