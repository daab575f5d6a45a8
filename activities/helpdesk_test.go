package activities

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/freshdesk"
	"parley/connectors/freshdesk/freshdeskfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/role"
	"parley/connectors/zendesk"
	"parley/connectors/zendesk/zendeskfake"
	"parley/internal/connections"
	"parley/internal/conversations"
)

// helpdesk is a fake of one, with a real connection to it.
type helpdesk struct {
	*talk
	memory *fake.Memory
	conn   *connections.Connection
	url    string
	cut    atomic.Bool // the answer to the next ticket is lost
}

// withHelpdesk starts an engine whose flow calls a helpdesk's real connector.
func withHelpdesk(t *testing.T, connector sdk.Connector, provider fake.Provider) *helpdesk {
	const ticket = "name: test\nblocks:\n  start:\n    - call: %.ticket_create\n      with: {subject: A mug, text: It broke., customer: {external_id: contact-17, name: Jenny}}\n" +
		"      save: ticket\n      errors: {default: sorry}\n    - say: \"ticket {{ ticket.id }}\"\n    - ask: Anything else?\n      save: more\n  sorry:\n    - say: sorry\n"
	h := &helpdesk{talk: setUp(t, strings.Replace(ticket, "%", connector.Name, 1)).talk(), memory: fake.NewMemory("")}
	handler := provider.New(h.memory)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/api/v2/tickets") && h.cut.Swap(false) {
			handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // net/http cuts the connection without an answer
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	config := provider.Account(server.URL, func(name string) string { return "planted-secret-" + name })
	h.memory.SetBase(server.URL)
	h.memory.SetAccounts(fake.Account{Account: "desk", Hook: "https://parley.test/hooks/" + connector.Name + "/desk", Config: config})
	h.Connections = connections.New(connections.Options{DB: h.db, Vault: h.vault, Connectors: []sdk.Connector{connector,
		{Name: "chat", Channel: h.channel, Open: func(json.RawMessage, sdk.Host) (any, error) { return h.phone, nil }}}})
	var err error
	h.conn, err = h.Connections.Put(t.Context(), h.ws, "desk", connector.Name, "desk", "", config, "test")
	require.NoError(t, err)
	return h
}

// arrive takes in what the helpdesk has pushed.
func (h *helpdesk) arrive() {
	receiver := h.conn.Conn.(sdk.Receiver)
	for _, d := range h.memory.Deliveries() {
		req := sdk.WebhookRequest{Method: http.MethodPost, URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(h.t, receiver.Verify(req, time.Now()))
		events, err := receiver.Parse(req)
		require.NoError(h.t, err)
		_, err = h.intake.Accept(h.t.Context(), h.conn, events)
		require.NoError(h.t, err)
	}
}

// heard is what the staff said in the conversation.
func (h *helpdesk) heard() (said []role.Said) {
	s, err := h.Conversations.Load(h.t.Context(), conversations.Key{Workspace: h.ws, ID: h.ID})
	require.NoError(h.t, err)
	for _, e := range s.Events {
		var event struct {
			Name   string
			Output role.Said
		}
		if json.Unmarshal(e.Body, &event) == nil && event.Name == role.AgentSaid {
			said = append(said, event.Output)
		}
	}
	return said
}

// A ticket whose answer is lost is opened once, whether the helpdesk knows its key or
// is asked for it; and what the staff answer reaches the conversation.
func TestATicketIsOpenedOnceAndItsAnswerComesBack(t *testing.T) {
	for _, of := range []struct {
		connector sdk.Connector
		provider  fake.Provider
	}{{zendesk.Connector, zendeskfake.Provider}, {freshdesk.Connector, freshdeskfake.Provider}} {
		t.Run(of.connector.Name, func(t *testing.T) {
			h := withHelpdesk(t, of.connector, of.provider)
			h.says("hi")
			in := callInput(h.talk, h.turn().Calls[0].Key)
			h.cut.Store(true)
			require.Error(t, h.CallConnector(t.Context(), in))
			h.age(2 * time.Minute) // searches have settled
			require.NoError(t, h.CallConnector(t.Context(), in))
			h.turn()
			require.Equal(t, 1, h.memory.Sizes()["tickets"])
			opened := h.phone.texts()[0]
			ticket := strings.TrimPrefix(opened, "ticket ")
			require.NotEqual(t, opened, ticket)

			resp, err := http.PostForm(h.url+"/agent/tickets/"+ticket, url.Values{"action": {"reply"}, "text": {"A new one is on its way."}})
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			h.arrive()
			h.arrive() // again, as providers do
			require.Equal(t, []role.Said{{Text: "A new one is on its way.", Agent: "Asha Rao", Ticket: ticket}}, h.heard())
		})
	}
}
