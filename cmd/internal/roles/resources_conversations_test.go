package roles

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestAPersonTakesSpeaksAndGivesBack(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	id := d.conversation("help").ID
	hi := api.Saying{ID: uuid.New(), Agent: "ann", Content: sdk.Content{Text: "Ann here."}, Actor: actor}
	refused(t, problem.Conflict, d.Agents.Say(ctx, d.ws, id, hi)) // it is the bot's

	for range 2 {
		c, err := d.Agents.Take(ctx, d.ws, id, "ann", actor)
		require.NoError(t, err)
		require.Equal(t, api.Owner{Kind: "human", ID: "ann"}, c.Owner)
		require.NoError(t, d.Agents.Say(ctx, d.ws, id, hi))
	}
	require.Equal(t, []string{"message", "taken", "agent"}, d.kinds(id), "a repeat changes nothing")

	_, err := d.Agents.Take(ctx, d.ws, id, "bob", actor)
	refused(t, problem.Conflict, err)
	_, err = d.Agents.Return(ctx, d.ws, id, "bob", actor)
	refused(t, problem.Conflict, err)
	refused(t, problem.Conflict, d.Agents.Say(ctx, d.ws, id, api.Saying{ID: uuid.New(), Agent: "bob", Content: hi.Content, Actor: actor}))
	invalid(t, d.Agents.Say(ctx, d.ws, id, api.Saying{ID: uuid.New(), Agent: "ann", Actor: actor})) // nothing to say

	for range 2 {
		c, err := d.Agents.Return(ctx, d.ws, id, "ann", actor)
		require.NoError(t, err)
		require.Equal(t, api.Owner{Kind: "bot"}, c.Owner)
	}
	require.Equal(t, []string{"message", "taken", "agent", "returned"}, d.kinds(id))
	refused(t, problem.Conflict, d.Agents.Say(ctx, d.ws, id, api.Saying{ID: uuid.New(), Agent: "ann", Content: hi.Content, Actor: actor}))
	about := " " + id.String()
	require.Equal(t, []string{actor + " conversation.take" + about, actor + " conversation.say" + about, actor + " conversation.return" + about}, d.trail()[1:])

	other := storetest.Workspace(t, d.e.DB, "other")
	_, err = d.Agents.Take(ctx, other, id, "ann", actor)
	refused(t, problem.NotFound, err)
	refused(t, problem.NotFound, d.Agents.Say(ctx, other, id, hi))
	_, err = d.Conversations.Get(ctx, other, id)
	refused(t, problem.NotFound, err)
}

func TestAPersonHandsOverToOthers(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	id := d.conversation("help").ID
	_, err := d.Agents.Take(ctx, d.ws, id, "ann", actor)
	require.NoError(t, err)
	_, err = d.Agents.HandOver(ctx, d.ws, id, api.Handoff{Queue: "sales", Actor: actor})
	refused(t, problem.Conflict, err)
	c, err := d.Agents.HandOver(ctx, d.ws, id, api.Handoff{Agent: "ann", Queue: "sales", Actor: actor})
	require.NoError(t, err)
	require.NotNil(t, c.Owner.QueuedAt)
	c.Owner.QueuedAt = nil
	require.Equal(t, api.Owner{Kind: "human", Queue: "sales"}, c.Owner)
	require.Equal(t, "queued", c.State)
	require.Equal(t, []string{"message", "taken", "handoff"}, d.kinds(id))
	_, err = d.Agents.Take(ctx, d.ws, id, "bob", actor)
	require.NoError(t, err)
}

func TestConversationsAreFound(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	idle, active, taken := d.conversation(), d.conversation("hi"), d.conversation()
	_, err := d.Agents.Take(ctx, d.ws, taken.ID, "ann", actor)
	require.NoError(t, err)
	d.answer(taken)
	var queued []uuid.UUID // the one that came last has waited longest
	for i := range 3 {
		c := d.conversation()
		d.exec(`UPDATE conversations SET owner_kind = 'human', queue = 'sales', queued_at = now() - make_interval(mins => $3) WHERE workspace_id = $1 AND id = $2`, d.ws, c.ID, i)
		queued = append([]uuid.UUID{c.ID}, queued...)
	}
	find := func(f api.ConversationFilter) []uuid.UUID {
		var ids []uuid.UUID
		for _, c := range all(t, 2, func(q api.PageQuery) ([]api.Conversation, string, error) {
			return d.Conversations.List(ctx, d.ws, f, q)
		}) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	// Newest first, which is the order of the queue here too.
	require.Equal(t, append(queued, taken.ID, active.ID, idle.ID), find(api.ConversationFilter{}))
	require.Equal(t, []uuid.UUID{taken.ID, idle.ID}, find(api.ConversationFilter{State: "idle"}))
	require.Equal(t, []uuid.UUID{active.ID}, find(api.ConversationFilter{State: "active"}))
	require.Equal(t, queued, find(api.ConversationFilter{State: "queued"}))
	require.Equal(t, []uuid.UUID{active.ID, idle.ID}, find(api.ConversationFilter{Owner: "bot"}))
	require.Equal(t, []uuid.UUID{taken.ID}, find(api.ConversationFilter{Agent: "ann"}))
	require.Equal(t, []uuid.UUID{idle.ID}, find(api.ConversationFilter{Contact: idle.Contact}))
	require.Equal(t, queued, find(api.ConversationFilter{Queue: "sales"}))
	d.exec(`UPDATE conversations SET queued_at = now() - interval '1 day' WHERE workspace_id = $1 AND id = $2`, d.ws, queued[2])
	require.Equal(t, []uuid.UUID{queued[2], queued[0], queued[1]}, find(api.ConversationFilter{Queue: "sales"}))
	for _, bad := range []string{"x", "1", "1.x"} {
		_, _, err := d.Conversations.List(ctx, d.ws, api.ConversationFilter{Queue: "sales"}, api.PageQuery{After: bad, Limit: 1})
		refused(t, problem.BadCursor, err)
	}
}

func TestWhatWasHeardIsListedByTurns(t *testing.T) {
	d := open(t)
	conv := d.conversation("hi", "anybody?")
	heard := func(q api.PageQuery) ([]api.Heard, string, error) {
		return d.Messages.Heard(t.Context(), d.ws, conv.ID, q)
	}
	require.Empty(t, all(t, 3, heard), "nothing is answered yet")
	d.answer(conv, "Hello!")
	list := all(t, 1, heard)
	require.Len(t, list, 2)
	for i, text := range []string{"hi", "anybody?"} {
		require.Equal(t, []any{int64(i + 1), int64(1), "message"}, []any{list[i].Number, list[i].Turn, list[i].Kind})
		require.Contains(t, string(list[i].Body), text)
	}
	other := storetest.Workspace(t, d.e.DB, "other")
	_, _, err := d.Messages.Heard(t.Context(), other, conv.ID, api.PageQuery{Limit: 1})
	refused(t, problem.NotFound, err)

	_, err = d.e.Vault.Destroy(t.Context(), d.ws, conv.Contact, vault.Conversation)
	require.NoError(t, err)
	for _, h := range all(t, 5, heard) {
		require.Nil(t, h.Body)
	}
}

func TestMessagesAreReadFromTheBeginning(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	conv := d.conversation("hi", "anybody?")
	d.answer(conv, "Hello!", "What can I do for you?")
	list := all(t, 3, func(q api.PageQuery) ([]api.Message, string, error) { return d.Messages.List(ctx, d.ws, conv.ID, q) })
	require.Len(t, list, 4)
	require.Equal(t, "hi", list[0].Incoming.Text)
	require.Equal(t, "anybody?", list[1].Incoming.Text)
	require.Equal(t, "Hello!", list[2].Content.Text)
	require.Equal(t, []string{"in", "customer", "out", "bot", "done"}, []string{list[0].Direction, list[0].From, list[3].Direction, list[3].From, list[3].State})
	for _, m := range list {
		one, err := d.Messages.Get(ctx, d.ws, m.ID)
		require.NoError(t, err)
		require.Equal(t, m, one)
	}
	for _, bad := range []string{"", "x", conv.ID.String(), conv.ID.String() + ".99", conv.ID.String() + "-9-9", uuid.NewString() + ".1"} {
		_, err := d.Messages.Get(ctx, d.ws, bad)
		refused(t, problem.NotFound, err)
	}
	other := storetest.Workspace(t, d.e.DB, "other")
	_, err := d.Messages.Get(ctx, other, list[0].ID)
	refused(t, problem.NotFound, err)
	_, _, err = d.Messages.List(ctx, other, conv.ID, api.PageQuery{Limit: 1})
	refused(t, problem.NotFound, err)

	_, err = d.e.Vault.Destroy(ctx, d.ws, conv.Contact, vault.Conversation)
	require.NoError(t, err)
	erased, _, err := d.Messages.List(ctx, d.ws, conv.ID, api.PageQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, erased, 4)
	for _, m := range erased {
		require.Nil(t, m.Incoming)
		require.Nil(t, m.Content)
	}
}
