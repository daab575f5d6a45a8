package activities

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/conversations"
	"parley/internal/intake"
	"parley/internal/outages"
)

// helpline is a live chat and a helpdesk in memory.
type helpline struct {
	away    bool
	crash   bool    // the worker dies when the next thing has been done
	fail    []error // of the next operations
	chats   []role.Chat
	said    []string
	closed  []string
	tickets []role.Ticket
	asked   int
}

func (h *helpline) next() error {
	if h.crash {
		h.crash = false
		panic("the worker dies")
	}
	if len(h.fail) == 0 {
		return nil
	}
	err := h.fail[0]
	h.fail = h.fail[1:]
	return err
}

var helplineOperations = []sdk.Operation{
	sdk.Op("chat_start", "begins", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: time.Hour}, func(h *helpline, _ context.Context, _ sdk.Call, in role.Chat) (role.ChatStarted, error) {
		if len(h.chats) == 0 {
			h.chats = append(h.chats, in)
		}
		return role.ChatStarted{ID: "chat-1"}, h.next()
	}),
	sdk.Op("chat_say", "says", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: time.Hour}, func(h *helpline, _ context.Context, call sdk.Call, in role.ChatMessage) (role.ID, error) {
		if err := h.next(); err != nil {
			return role.ID{}, err
		}
		h.said = append(h.said, in.ID+": "+in.Text+in.File)
		return role.ID{ID: "line-" + call.Key}, nil
	}),
	sdk.Op("chat_close", "ends", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: time.Hour}, func(h *helpline, _ context.Context, _ sdk.Call, in role.ID) (struct{}, error) {
		h.closed = append(h.closed, in.ID)
		return struct{}{}, nil
	}),
	sdk.Op("agents_available", "asks", sdk.Effect{Kind: sdk.Read}, func(h *helpline, _ context.Context, _ sdk.Call, _ role.Group) (role.Available, error) {
		h.asked++
		return role.Available{Available: !h.away}, nil
	}),
}

var ticketOperations = []sdk.Operation{
	sdk.Op("ticket_create", "opens", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: time.Hour}, func(h *helpline, _ context.Context, _ sdk.Call, in role.Ticket) (role.TicketState, error) {
		if err := h.next(); err != nil {
			return role.TicketState{}, err
		}
		h.tickets = append(h.tickets, in)
		return role.TicketState{ID: "ticket-1", Status: role.TicketOpen}, nil
	}),
}

const handing = `
name: test
handoff_to: livechat
blocks:
  start:
    - say: One moment.
    - handoff: sales
      group: 3
    - say: Back again.
`

// live is a conversation of a workspace with a live chat.
func live(t *testing.T, flow string, also ...string) *talk {
	k := setUp(t, flow).talk()
	for _, name := range append(also, "helpline") {
		_, err := k.Connections.Put(t.Context(), k.ws, name, name, name, "", json.RawMessage(`{}`), "test")
		require.NoError(t, err)
	}
	return k
}

// reports delivers news of the provider of the live chat.
func (k *talk) reports(connector, name string, payload any, ref string) intake.Outcome {
	k.t.Helper()
	data, err := json.Marshal(payload)
	require.NoError(k.t, err)
	conn, err := k.Connections.ForConnector(k.t.Context(), k.ws, connector)
	require.NoError(k.t, err)
	out, err := k.intake.Accept(k.t.Context(), conn, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventProvider,
		Provider: &sdk.ProviderEvent{Name: name, Refs: []string{ref}, Data: data}}})
	require.NoError(k.t, err)
	return out
}

func (k *talk) agentSays(text string) {
	k.t.Helper()
	require.Equal(k.t, intake.Outcome{Accepted: 1}, k.reports("helpline", role.AgentSaid, role.Said{Text: text, Chat: "chat-1"}, "chat-1"))
}

func (k *talk) chatCloses() {
	k.t.Helper()
	require.Equal(k.t, intake.Outcome{Accepted: 1}, k.reports("helpline", role.ChatClosed, role.ChatEnded{Chat: "chat-1"}, "chat-1"))
}

// noted are what was noted of live chats, in order.
func (k *talk) noted() []string {
	return one[[]string](k.engine, `SELECT coalesce(array_agg(substr(type, 10) ORDER BY seq), '{}') FROM events WHERE type LIKE 'livechat.%'`)
}

func (k *talk) standing() []any {
	s, err := k.Conversations.Get(k.t.Context(), conversations.Key{Workspace: k.ws, ID: k.ID})
	require.NoError(k.t, err)
	return []any{s.Owner.Kind, s.Queue, one[bool](k.engine, `SELECT live_chat IS NOT NULL FROM conversations`)}
}

func TestALiveChatHasTheConversation(t *testing.T) {
	k := live(t, handing)
	k.says("hi", "are you there?")
	k.runs()
	require.Equal(t, []any{"human", "livechat", true}, k.standing())
	require.Equal(t, []string{"One moment."}, k.phone.texts())
	require.Len(t, k.helpline.chats, 1)
	chat := k.helpline.chats[0]
	require.Equal(t, role.Person{ExternalID: k.Contact.String(), Name: "Planted-Name", Phone: "+15550004111"}, chat.Customer)
	require.Equal(t, "3", chat.Group)
	var lines []string
	for _, l := range chat.Transcript {
		lines = append(lines, l.From+": "+l.Text)
	}
	require.Equal(t, []string{"customer: hi", "customer: are you there?", "bot: One moment."}, lines)
	require.Empty(t, k.helpline.said, "what the transcript holds is not passed on again")

	k.agentSays("Hello, Ann here.")
	k.says("I need", "two of them")
	k.agentSays("Sure.")
	k.hears(sdk.Incoming{Media: &sdk.Media{Kind: "image", URL: "https://f.test/a.png", Caption: "this one"}})
	k.runs()
	require.Equal(t, []string{"One moment.", "Hello, Ann here.", "Sure."}, k.phone.texts())
	require.Equal(t, []string{"chat-1: I need", "chat-1: two of them", "chat-1: this onehttps://f.test/a.png"}, k.helpline.said)

	k.says("thanks")
	k.chatCloses()
	k.runs()
	require.Equal(t, []any{"bot", "", false}, k.standing())
	require.Equal(t, "Back again.", k.phone.texts()[3])
	require.Equal(t, "chat-1: thanks", k.helpline.said[3])
	require.Equal(t, []string{"started", "closed"}, k.noted())
	k.chatCloses()
	k.runs()
	require.Len(t, k.phone.shown, 4, "what is over ends once")
}

// What the customer says meets the other side in the order in which it was said:
// one call at a time, also before the chat has begun.
func TestWhatACustomerSaysReachesALiveChatInOrder(t *testing.T) {
	k := live(t, handing)
	k.says("hi")
	started := k.turn().Calls
	k.says("one")
	require.Equal(t, started, k.turn().Calls, "the chat has to begin first")
	k.says("two")
	require.Equal(t, started, k.turn().Calls)
	require.NoError(t, k.CallConnector(t.Context(), callInput(k, started[0].Key)))
	first := k.turn().Calls
	require.Len(t, first, 1)
	require.Equal(t, "chat_say", first[0].Operation)

	// The worker dies when the provider has the message: it is asked again, with the
	// same key, and the next one waits.
	k.helpline.crash = true
	require.Panics(t, func() { k.CallConnector(context.Background(), callInput(k, first[0].Key)) })
	require.Equal(t, first, k.turn().Calls)
	k.runs()
	require.Equal(t, []string{"chat-1: one", "chat-1: two"}, k.helpline.said)
	require.Equal(t, 1, k.helpline.asked)
}

func TestAChatBeginsOnceWhateverDies(t *testing.T) {
	k := live(t, handing)
	k.says("hi")
	call := callInput(k, k.turn().Calls[0].Key)
	k.helpline.crash = true
	require.Panics(t, func() { k.CallConnector(context.Background(), call) })
	k.helpline.away = true // meanwhile
	for range 2 {
		require.NoError(t, k.CallConnector(t.Context(), call))
	}
	k.runs()
	require.Equal(t, []any{"human", "livechat", true}, k.standing())
	require.Len(t, k.helpline.chats, 1)
}

func TestWhatDoesNotReachALiveChatIsNoted(t *testing.T) {
	k := live(t, handing)
	k.says("hi")
	k.runs()
	k.helpline.fail = []error{&sdk.Error{Class: sdk.Rejected, Code: "too_long"}}
	k.says("one", "two")
	k.runs()
	require.Equal(t, []string{"chat-1: two"}, k.helpline.said)
	require.Equal(t, []string{"started", "undelivered"}, k.noted())
	require.Equal(t, []any{"human", "livechat", true}, k.standing())

	k.helpline.fail = []error{&sdk.Error{Class: sdk.NotFound, Code: "chat_inactive"}}
	k.says("three")
	k.runs()
	require.Equal(t, []any{"bot", "", false}, k.standing(), "that the chat was closed is news that was lost")
	require.Equal(t, "Back again.", k.phone.texts()[1])
}

func TestNobodyIsThere(t *testing.T) {
	const noted = "Nobody is free right now. I have passed on what you wrote, and the answer will come here."
	t.Run("the flow knows how to go on", func(t *testing.T) {
		k := live(t, "name: test\nblocks:\n  start:\n    - handoff: sales\n      to: livechat\n      nobody: closed\n  closed:\n    - say: Come tomorrow.\n", "tickets")
		k.helpline.away = true
		k.says("hi")
		k.runs()
		require.Equal(t, []string{"Come tomorrow."}, k.phone.texts())
		require.Equal(t, []any{"bot", "", false}, k.standing())
		require.Empty(t, k.helpline.tickets)
	})
	t.Run("a ticket is opened", func(t *testing.T) {
		k := live(t, handing, "tickets")
		k.helpline.away = true
		k.says("hi")
		call := k.turn().Calls[0]
		require.NoError(t, k.CallConnector(t.Context(), callInput(k, call.Key)))
		ticket := k.turn().Calls[0]
		require.Equal(t, []string{"tickets", "ticket_create"}, []string{ticket.Connector, ticket.Operation})
		k.says("please")
		k.turn()
		require.NoError(t, k.CallConnector(t.Context(), callInput(k, ticket.Key)))
		k.runs()
		require.Equal(t, []any{"bot", "", false}, k.standing())
		require.Equal(t, []string{"One moment.", noted, "Back again."}, k.phone.texts())
		require.Equal(t, "customer: hi\nbot: One moment.\ncustomer: please\n", k.helpline.tickets[0].Text)
		require.Equal(t, []string{"unattended"}, k.noted())

		k.reports("tickets", role.AgentSaid, role.Said{Text: "Ann here.", Ticket: "ticket-1"}, "ticket-1")
		k.runs()
		require.Equal(t, "Ann here.", k.phone.texts()[3])
	})
	t.Run("it waits in the queue", func(t *testing.T) {
		k := live(t, handing)
		k.helpline.away = true
		k.says("hi")
		k.runs()
		require.Equal(t, []any{"human", "sales", false}, k.standing())
		require.Contains(t, k.phone.texts()[1], "Somebody will answer you here")
	})
	t.Run("the chat cannot be begun", func(t *testing.T) {
		k := live(t, handing)
		k.says("hi")
		call := callInput(k, k.turn().Calls[0].Key)
		k.helpline.fail = []error{&sdk.Error{Class: sdk.Auth}}
		require.NoError(t, k.CallConnector(t.Context(), call))
		k.runs()
		require.Equal(t, []any{"human", "sales", false}, k.standing())
	})
	t.Run("the provider is out", func(t *testing.T) {
		k := live(t, handing)
		k.out("helpline")
		k.says("hi")
		k.runs()
		require.Equal(t, []any{"human", "sales", false}, k.standing(), "a customer does not wait for the end of it")
		require.Zero(t, k.helpline.asked)
	})
}

// out lets an operator take a provider out; the function returned ends that.
func (k *talk) out(connector string) (over func()) {
	k.t.Helper()
	conn, err := k.Connections.ForConnector(k.t.Context(), k.ws, connector)
	require.NoError(k.t, err)
	require.NoError(k.t, k.Outages.Begin(k.t.Context(), k.ws, conn.ID, outages.Operator, 100, "test"))
	return func() { require.NoError(k.t, k.Outages.Resume(k.t.Context(), k.ws, conn.ID, "test")) }
}

// What the customer writes in an outage of the live chat waits for its end, and is
// then passed on in order.
func TestWhatIsSaidInAnOutageReachesTheLiveChatAfterwards(t *testing.T) {
	k := live(t, handing)
	k.says("hi")
	k.runs()
	over := k.out("helpline")
	k.says("one", "two")
	in := callInput(k, k.turn().Calls[0].Key)
	in.Parks = true
	require.ErrorContains(t, k.CallConnector(t.Context(), in), "is out")
	require.Equal(t, in.Key, k.turn().Calls[0].Key)
	over()
	require.NoError(t, k.Outages.Drain(t.Context(), func(context.Context, outages.Release) error { return nil }))
	k.ahead += time.Minute
	require.NoError(t, k.Outages.Drain(t.Context(), func(context.Context, outages.Release) error { return nil }))
	k.runs()
	require.Equal(t, []string{"chat-1: one", "chat-1: two"}, k.helpline.said)
	require.Equal(t, []string{"started"}, k.noted())
}

// What was said to a chat that is over says nothing of the next one.
func TestALateFailureOfOneChatDoesNotEndTheNext(t *testing.T) {
	k := live(t, handing)
	k.says("hi")
	k.runs()
	k.says("bye")
	bye := k.turn().Calls[0]
	k.chatCloses()
	k.turn()
	k.says("hi") // the flow begins anew, and hands over again
	require.Equal(t, bye.Key, k.turn().Calls[0].Key)
	k.helpline.fail = []error{&sdk.Error{Class: sdk.NotFound, Code: "chat_inactive"}}
	k.runs()
	require.Equal(t, []any{"human", "livechat", true}, k.standing())
	require.Equal(t, []string{"started", "closed", "undelivered", "started"}, k.noted())
}

// A person who takes the conversation over the API has it for themselves.
func TestAnAgentOfTheAPITakesItFromTheLiveChat(t *testing.T) {
	ann := conversations.Agent{ID: "ann"}
	k := live(t, handing)
	key := conversations.Key{Workspace: k.ws, ID: k.ID}
	k.says("hi")
	k.runs()
	_, err := k.Conversations.Take(t.Context(), key, ann)
	require.NoError(t, err)
	k.says("who is there?")
	k.runs()
	require.Equal(t, []string{"chat-1"}, k.helpline.closed)
	require.Empty(t, k.helpline.said)
	k.chatCloses()
	k.runs()
	require.Equal(t, []any{"human", "", false}, k.standing(), "the end of the chat does not take it from Ann")
	require.Equal(t, []string{"One moment."}, k.phone.texts())
	_, err = k.Conversations.Return(t.Context(), key, ann)
	require.NoError(t, err)
	k.runs()
	require.Equal(t, "Back again.", k.phone.texts()[1])
}

// Nobody takes from a person what they have taken, in whatever order a turn hears of it.
func TestAnAgentOfTheAPIIsFasterThanTheLiveChat(t *testing.T) {
	k := live(t, handing, "tickets")
	key := conversations.Key{Workspace: k.ws, ID: k.ID}
	k.helpline.away = true
	k.says("hi")
	start := callInput(k, k.turn().Calls[0].Key)
	require.NoError(t, k.CallConnector(t.Context(), start)) // nobody is there, and no turn has heard of it
	_, err := k.Conversations.Take(t.Context(), key, conversations.Agent{ID: "ann"})
	require.NoError(t, err)
	k.runs()
	require.Equal(t, []any{"human", "", false}, k.standing())
	require.Equal(t, "ann", one[string](k.engine, `SELECT owner_id FROM conversations`))
	require.Empty(t, k.helpline.tickets)
	require.Equal(t, []string{"One moment."}, k.phone.texts())
}

// A person hands over as a flow does; the flow goes on where it stood.
func TestTheAPIHandsOverToTheLiveChat(t *testing.T) {
	k := live(t, "name: test\nblocks:\n  start:\n    - ask: who?\n      save: name\n", "tickets")
	key, ann := conversations.Key{Workspace: k.ws, ID: k.ID}, conversations.Agent{ID: "ann"}
	k.says("hi")
	k.turn()
	_, err := k.Conversations.Take(t.Context(), key, ann)
	require.NoError(t, err)
	_, err = k.Conversations.HandOver(t.Context(), key, conversations.Agent{ID: "bob"}, conversations.Handoff{Queue: "sales"})
	require.ErrorIs(t, err, conversations.ErrOwned)
	_, err = k.Conversations.HandOver(t.Context(), key, ann, conversations.Handoff{Queue: "sales", LiveChat: true, Group: "3"})
	require.NoError(t, err)
	k.runs()
	require.Equal(t, []any{"human", "livechat", true}, k.standing())
	require.Equal(t, "3", k.helpline.chats[0].Group)
	k.says("Ana")
	k.runs()
	require.Equal(t, []string{"chat-1: Ana"}, k.helpline.said)

	_, err = k.Conversations.HandOver(t.Context(), key, conversations.Agent{}, conversations.Handoff{Queue: "sales"})
	require.NoError(t, err)
	k.runs()
	require.Equal(t, []any{"human", "sales", false}, k.standing())
	require.Equal(t, []string{"chat-1"}, k.helpline.closed)

	k.helpline.away = true
	_, err = k.Conversations.HandOver(t.Context(), key, conversations.Agent{}, conversations.Handoff{Queue: "sales", LiveChat: true})
	require.NoError(t, err)
	k.runs()
	require.Equal(t, []any{"bot", "", false}, k.standing(), "a ticket was opened")
	require.Len(t, k.helpline.tickets, 1)
	require.Equal(t, "who?", k.phone.texts()[len(k.phone.texts())-1])
}

func TestAFlowKeepsAHandOffFromTheLiveChat(t *testing.T) {
	for _, flow := range []string{"name: test\nblocks:\n  start:\n    - handoff: sales\n",
		"name: test\nhandoff_to: livechat\nblocks:\n  start:\n    - handoff: sales\n      to: queue\n"} {
		k := live(t, flow)
		k.says("hi")
		k.runs()
		require.Equal(t, []any{"human", "sales", false}, k.standing())
		require.Zero(t, k.helpline.asked)
	}
}

func TestAWorkspaceWithoutALiveChatHasNobodyThere(t *testing.T) {
	k := setUp(t, handing).talk()
	k.says("hi")
	k.runs()
	require.Equal(t, []any{"human", "sales", false}, k.standing())
	require.Equal(t, []string{"unattended"}, k.noted())
}

func TestAWorkspaceChoosesItsLiveChat(t *testing.T) {
	k := live(t, handing)
	choice := func() string {
		name, err := k.takes(t.Context(), k.ws, role.LiveChat)
		require.NoError(t, err)
		return name
	}
	require.Equal(t, "helpline", choice())
	name, err := k.takes(t.Context(), k.ws, role.Helpdesk)
	require.NoError(t, err)
	require.Empty(t, name)
}
