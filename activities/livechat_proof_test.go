package activities

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/livechat/livechatfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// desk is LiveChat's fake behind HTTP, and the agent who sits at it.
type desk struct {
	*talk
	env  *fake.Memory
	url  string
	read int // webhooks that Parley has had
	// cut cuts the connection of the next request to an action after it was worked on.
	cut atomic.Pointer[string]
}

// at connects the conversation's workspace to a LiveChat of its own.
func at(t *testing.T, flow string) *desk {
	d := &desk{talk: setUp(t, flow).talk(), env: fake.NewMemory("")}
	handler := livechatfake.Provider.New(d.env)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if action := d.cut.Load(); action != nil && r.URL.Path == *action {
			d.cut.Store(nil)
			handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	d.env.SetBase(server.URL)
	config := livechatfake.Provider.Account(server.URL, func(name string) string { return "secret-of-" + name })
	d.env.SetAccounts(fake.Account{Account: "demo", Hook: "https://parley.test/hooks/livechat/demo", Config: config})
	_, err := d.Connections.Put(t.Context(), d.ws, "livechat", "livechat", "demo", "", config, "test")
	require.NoError(t, err)
	return d
}

// pushes delivers the webhooks that the fake has sent since, and runs what they cause.
func (d *desk) pushes() {
	d.t.Helper()
	conn, err := d.Connections.ForConnector(d.t.Context(), d.ws, "livechat")
	require.NoError(d.t, err)
	for _, w := range d.env.Deliveries()[d.read:] {
		d.read++
		req := sdk.WebhookRequest{Method: http.MethodPost, URL: w.URL, Header: w.Header, Body: w.Body}
		require.NoError(d.t, conn.Conn.(sdk.Receiver).Verify(req, time.Now()))
		events, err := conn.Conn.(sdk.Receiver).Parse(req)
		require.NoError(d.t, err)
		for range 2 { // at least once
			_, err = d.intake.Accept(d.t.Context(), conn, events)
			require.NoError(d.t, err)
		}
	}
	d.runs()
}

// chats are the fake's, the oldest first.
func (d *desk) chats() (ids []string) {
	for id := range d.stored() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

type storedChat struct {
	Active bool                          `json:"active"`
	Events []struct{ Type, Text string } `json:"events"`
}

func (d *desk) stored() map[string]storedChat {
	out := map[string]storedChat{}
	d.env.State().Each("chats", func(id string, raw json.RawMessage) bool {
		var c storedChat
		require.NoError(d.t, json.Unmarshal(raw, &c))
		out[id] = c
		return true
	})
	return out
}

// reads are the texts of the only chat.
func (d *desk) reads() (texts []string) {
	d.t.Helper()
	ids := d.chats()
	require.Len(d.t, ids, 1)
	for _, e := range d.stored()[ids[0]].Events {
		texts = append(texts, e.Text)
	}
	return texts
}

// does is what the agent does in the only chat.
func (d *desk) does(form url.Values) {
	d.t.Helper()
	resp, err := http.PostForm(d.url+"/desk/"+d.chats()[0], form)
	require.NoError(d.t, err)
	require.NoError(d.t, resp.Body.Close())
}

func TestAConversationIsHeldInLiveChat(t *testing.T) {
	d := at(t, "name: test\nhandoff_to: livechat\nblocks:\n  start:\n    - say: One moment.\n    - handoff: sales\n    - say: Back again.\n")
	d.says("hi")
	d.runs()
	require.Equal(t, []string{"Before this chat:\ncustomer: hi\nbot: One moment."}, d.reads())

	d.does(url.Values{"action": {"say"}, "text": {"Smith here."}})
	d.says("I need two", "of these")
	d.does(url.Values{"action": {"note"}, "text": {"a good customer"}})
	d.does(url.Values{"action": {"say"}, "text": {"Sure."}})
	d.pushes()
	require.Equal(t, []string{"One moment.", "Smith here.", "Sure."}, d.phone.texts(), "notes stay among agents, and nothing of ours comes back")
	require.Equal(t, []string{"I need two", "of these"}, lasting(d.reads(), "I need two", "of these"))
	d.pushes()
	require.Len(t, d.phone.shown, 3, "what the customer said does not come back as an agent's words")

	d.does(url.Values{"action": {"close"}})
	d.pushes()
	require.Equal(t, []any{"bot", "", false}, d.standing())
	require.Equal(t, "Back again.", d.phone.texts()[3])
}

// lasting are those of the texts that are wanted, in the order in which they stand.
func lasting(texts []string, wanted ...string) (out []string) {
	for _, text := range texts {
		if slices.Contains(wanted, text) {
			out = append(out, text)
		}
	}
	return out
}

// The answer to the call is lost: LiveChat is asked, by our key, whether it was done.
func TestALostAnswerOfLiveChatMakesNothingTwice(t *testing.T) {
	d := at(t, "name: test\nhandoff_to: livechat\nblocks:\n  start:\n    - handoff: sales\n")
	again := func(key string) {
		d.age(2 * time.Minute) // its search may lag
		require.NoError(t, d.CallConnector(t.Context(), callInput(d.talk, key)))
	}
	lost := func(action, key string) {
		path := "/v3.6/customer/action/" + action
		d.cut.Store(&path)
		require.Error(t, d.CallConnector(context.Background(), callInput(d.talk, key)))
	}
	d.says("hi")
	start := d.turn().Calls[0].Key
	lost("start_chat", start)
	d.says("one", "two")
	require.Equal(t, start, d.turn().Calls[0].Key)
	again(start)
	first := d.turn().Calls[0]
	lost("send_event", first.Key)
	require.Equal(t, first.Key, d.turn().Calls[0].Key, "the next one waits")
	again(first.Key)
	d.runs()
	require.Equal(t, []string{"Before this chat:\ncustomer: hi", "one", "two"}, d.reads())
}
