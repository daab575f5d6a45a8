package intake_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/internal/intake"
	"parley/internal/ledger"
	"parley/internal/vault"
)

func said(id string, s role.Said, refs ...string) sdk.Event {
	data, _ := json.Marshal(s)
	return sdk.Event{ID: id, Kind: sdk.EventProvider, Provider: &sdk.ProviderEvent{Name: role.AgentSaid, Refs: refs, Data: data}}
}

// events are what waits in a conversation's inbox.
func (f *fixture) events(conversation uuid.UUID) []conversations.Event {
	f.t.Helper()
	s, err := conversations.New(f.db, f.vault).Load(f.t.Context(), conversations.Key{Workspace: f.ws, ID: conversation})
	require.NoError(f.t, err)
	return s.Events
}

// What a person writes in a ticket reaches the conversation that it came of, once,
// and the flow that opened the ticket.
func TestWhatAPersonSaysAtAProviderIsSaidInTheConversation(t *testing.T) {
	f := setUp(t)
	conv := f.conversation()
	f.planned(conv, "key-1")
	f.exec(`UPDATE effects SET ref_index = $1 WHERE key = 'key-1'`, f.ref("ticket/1"))
	ev := said("e1", role.Said{Text: "Hello", Agent: "Ann", Ticket: "1", Files: []string{"https://files.test/a/photo.JPG?x=1", "https://files.test/terms.pdf"}}, "ticket/1")
	require.Equal(t, intake.Outcome{Accepted: 1}, f.accept(ev))
	require.Equal(t, intake.Outcome{Duplicates: 1}, f.accept(ev))
	got := f.events(conv.ID)
	require.Len(t, got, 1)
	require.Equal(t, bus.KindAgent, got[0].Kind)
	require.JSONEq(t, `{"kind": "provider", "name": "agent.said", "ref": "pay-7", "agent": "Ann",
		"content": {"text": "Hello", "media": {"kind": "image", "url": "https://files.test/a/photo.JPG?x=1", "filename": "photo.JPG"}},
		"more": [{"media": {"kind": "document", "url": "https://files.test/terms.pdf", "filename": "terms.pdf"}}],
		"output": `+string(ev.Provider.Data)+`}`, string(got[0].Body))
	require.Equal(t, []bus.Target{{Workspace: f.ws, ID: conv.ID, WorkflowID: conv.WorkflowID, Channel: "test", Number: 1}}, f.offers())

	require.Equal(t, intake.Outcome{Ignored: 1}, f.accept(said("e2", role.Said{Ticket: "1"}, "ticket/1")), "nothing was said")
	_, err := f.vault.Destroy(t.Context(), f.ws, conv.Contact, vault.Conversation)
	require.NoError(t, err)
	require.Equal(t, intake.Outcome{Ignored: 1}, f.accept(said("e3", role.Said{Text: "Hello?"}, "ticket/1")), "nobody is left to tell")
}

// A case has no channel: what is said in its ticket goes through its conversation,
// and is not taken for news of the flow that stands there.
func TestWhatAPersonSaysToACaseIsSaidInItsConversation(t *testing.T) {
	f := setUp(t)
	c := f.newCase()
	f.did(c, "key-1", "ticket/2")
	require.Equal(t, intake.Outcome{Accepted: 1}, f.accept(said("e1", role.Said{Text: "Hello"}, "ticket/2")))
	require.Empty(t, f.news(c))
	got := f.events(c.Conversation)
	require.Len(t, got, 1)
	require.Equal(t, bus.KindAgent, got[0].Kind)
	require.JSONEq(t, `{"kind": "agent", "content": {"text": "Hello"}}`, string(got[0].Body))
	require.Equal(t, c.Conversation, f.offers()[0].ID)
}

// A reply can be faster than the answer to the call that opened the ticket.
func TestWhatIsSaidBeforeItsTicketIsKnownWaits(t *testing.T) {
	f := setUp(t)
	c := f.newCase()
	require.Equal(t, intake.Outcome{Parked: 1}, f.accept(said("e1", role.Said{Text: "Hello"}, "ticket/3")))
	f.did(c, "key-1", "ticket/3")
	for _, want := range []int{1, 0} {
		joined, _, err := f.JoinParked(t.Context(), f.ws)
		require.NoError(t, err)
		require.Equal(t, want, joined)
	}
	require.Len(t, f.events(c.Conversation), 1)
}

// ref is the blind index of a provider's ID.
func (f *fixture) ref(id string) []byte {
	f.t.Helper()
	idx, err := ledger.RefIndex(f.t.Context(), f.vault, f.ws, "test", id)
	require.NoError(f.t, err)
	return idx
}
