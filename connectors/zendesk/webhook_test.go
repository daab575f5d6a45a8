package zendesk_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/connectors/zendesk"

	"github.com/stretchr/testify/require"
)

func readAll(t *testing.T, resp *http.Response) string {
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(raw)
}

func TestAnAnswerOfTheStaffLeadsBackToItsTicket(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	r.staff(ticket, "note", "A regular.")
	r.staff(ticket, "reply", "A new one is on its way.")
	events := r.news()
	require.Len(t, events, 1)
	p := events[0].Provider
	require.Equal(t, role.AgentSaid, p.Name)
	require.Equal(t, "k1", p.EffectKey)
	require.Equal(t, []string{ticket}, p.Refs)
	var said role.Said
	require.NoError(t, json.Unmarshal(p.Data, &said))
	require.Equal(t, role.Said{Text: "A new one is on its way.", Agent: "Asha Rao", Ticket: ticket}, said)
}

func TestWhatParleyWritesIsNotHeardAgain(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	run[role.ID](t, r.conn, "ticket_comment", "k2", `{"id":"`+ticket+`","text":"It broke again."}`)
	run[role.ID](t, r.conn, "ticket_comment", "k3", `{"id":"`+ticket+`","text":"A regular.","private":true}`)
	run[role.ID](t, r.conn, "ticket_reply", "k4", `{"id":"`+ticket+`","text":"We are on it."}`)
	require.NotEmpty(t, r.env.Deliveries())
	for _, e := range r.news() {
		require.NotEqual(t, role.AgentSaid, e.Provider.Name)
	}
}

func TestAChangeIsTold(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	r.staff(ticket, "take", "")
	r.staff(ticket, "solved", "")
	events := r.news()
	require.NotEmpty(t, events)
	last := events[len(events)-1].Provider
	var state role.TicketState
	require.NoError(t, json.Unmarshal(last.Data, &state))
	require.Equal(t, "ticket.changed", last.Name)
	require.Equal(t, role.TicketState{ID: ticket, Status: "solved", Subject: "A broken mug", Assignee: "1002", URL: r.server.URL + "/agent/tickets/" + ticket}, state)
}

func TestSubscribe(t *testing.T) {
	r := newRig(t)
	subscribe := func() error { return r.conn.(sdk.Subscriber).Subscribe(t.Context(), hook) }
	require.NoError(t, subscribe())
	made := len(r.recorder.sent)
	require.NoError(t, subscribe())
	require.Equal(t, 1, r.env.Sizes()["webhooks"], "what is there is not made again")
	for _, s := range r.recorder.sent[made:] {
		require.Equal(t, http.MethodGet, s.req.Method, "what is right is left alone")
	}

	r.env.State().Each("webhooks", func(id string, raw json.RawMessage) bool {
		var w map[string]any
		require.NoError(t, json.Unmarshal(raw, &w))
		w["status"] = "inactive"
		w["endpoint"] = hook + "?own_user=5"
		r.env.State().Put("webhooks", id, w)
		return true
	})
	require.NoError(t, subscribe())
	require.Equal(t, 1, r.env.Sizes()["webhooks"])
	ticket := r.opened("k1")
	r.staff(ticket, "reply", "Hello!")
	run[role.ID](t, r.conn, "ticket_reply", "k2", `{"id":"`+ticket+`","text":"Hello!"}`)
	require.Len(t, r.news(), 1, "the webhook is active again, and knows whose words are ours")

	other := config(r.server.URL)
	r.conn = connect(t, sdk.JSONBody(other), r.server.Client())
	other.WebhookSecret = "another"
	wrong := connect(t, sdk.JSONBody(other), r.server.Client())
	err := wrong.(sdk.Subscriber).Subscribe(t.Context(), hook)
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	require.ErrorContains(t, err, "Admin Center")
	require.NotContains(t, err.Error(), secret)
}

func sign(key, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestVerify(t *testing.T) {
	const body, stamp = `{"id":"1","type":"zen:event-type:ticket.comment_added"}`, "2026-03-25T05:09:27Z"
	now, err := time.Parse(time.RFC3339, stamp)
	require.NoError(t, err)
	good := sign(secret, stamp, body)
	cases := map[string]struct {
		signature, stamp, body string
		after                  time.Duration
		valid                  bool
	}{
		"genuine":                  {good, stamp, body, 0, true},
		"with the older secret":    {sign("older", stamp, body), stamp, body, 0, true},
		"nine minutes late":        {good, stamp, body, 9 * time.Minute, true},
		"a replay":                 {good, stamp, body, 11 * time.Minute, false},
		"from the future":          {good, stamp, body, -11 * time.Minute, false},
		"another time":             {good, "2026-03-25T05:09:28Z", body, 0, false},
		"altered body":             {good, stamp, body + " ", 0, false},
		"another secret":           {sign("other", stamp, body), stamp, body, 0, false},
		"body before the time":     {sign(secret, body, stamp), stamp, body, 0, false},
		"not base64":               {"%", stamp, body, 0, false},
		"shortened":                {good[:20], stamp, body, 0, false},
		"unsigned":                 {"", stamp, body, 0, false},
		"without a time":           {sign(secret, "", body), "", body, 0, false},
		"signed with no real time": {sign(secret, "yesterday", body), "yesterday", body, 0, false},
	}
	r := connect(t, json.RawMessage(`{"webhook_secret":"`+secret+`, older,"}`), http.DefaultClient).(sdk.Receiver)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			h.Set("X-Zendesk-Webhook-Signature", c.signature)
			h.Set("X-Zendesk-Webhook-Signature-Timestamp", c.stamp)
			err := r.Verify(sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Header: h, Body: []byte(c.body)}, now.Add(c.after))
			if c.valid {
				require.NoError(t, err)
				return
			}
			require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestParse(t *testing.T) {
	event := func(kind, detail, comment string) string {
		return `{"id":"e1","type":"zen:event-type:ticket.` + kind + `","time":"2025-01-08T14:25:30.123456789Z","subject":"zen:ticket:5158",` +
			`"detail":{"id":"5158","status":"OPEN","priority":"HIGH",` + detail + `},"event":{"comment":` + comment + `}}`
	}
	const ours, staff = `"external_id":"eff-1"`, `{"id":9876543210,"body":"We are on it.","is_public":true,"author":{"id":8447388090495,"is_staff":true,"name":"Asha"}}`
	cases := map[string]struct{ body, address, name string }{
		"the staff answer":             {event("comment_added", ours, staff), hook, role.AgentSaid},
		"with another own user":        {event("comment_added", ours, staff), hook + "?own_user=7", role.AgentSaid},
		"our own answer":               {event("comment_added", ours, staff), hook + "?own_user=8447388090495", ""},
		"said through us":              {event("comment_added", ours+`,"actor_id":"7"`, staff), hook + "?own_user=7", ""},
		"one of the staff as customer": {event("comment_added", ours+`,"requester_id":"8447388090495"`, staff), hook, ""},
		"a ticket of somebody else's":  {event("comment_added", `"external_id":null`, staff), hook, ""},
		"linked to another system":     {event("comment_added", `"external_id":"JIRA 5"`, staff), hook, ""},
		"a note":                       {event("comment_added", ours, `{"body":"x","is_public":false,"author":{"id":1,"is_staff":true}}`), hook, ""},
		"the customer writes by email": {event("comment_added", ours, `{"body":"x","is_public":true,"author":{"id":"1","is_staff":false}}`), hook, ""},
		"a new status":                 {event("status_changed", ours, `null`), hook, "ticket.changed"},
		"a new assignee":               {event("agent_assignment_changed", ours+`,"assignee_id":12`, `null`), hook, "ticket.changed"},
		"a kind of tomorrow":           {event("teleported", ours, `7`), hook, ""},
	}
	r := connect(t, json.RawMessage(`{"webhook_secret":"x"}`), http.DefaultClient).(sdk.Receiver)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if name == "a kind of tomorrow" {
				c.body = `{"id":"e1","type":"zen:event-type:ticket.teleported","time":"2025-01-08T14:25:30.123456789Z","detail":{"id":"1"}}`
			}
			events, err := r.Parse(sdk.WebhookRequest{URL: c.address, Body: []byte(c.body)})
			require.NoError(t, err)
			require.Len(t, events, 1)
			if c.name == role.AgentSaid {
				require.Equal(t, "comment/9876543210", events[0].ID, "the same as the poll's")
			} else {
				require.Equal(t, "e1", events[0].ID)
			}
			require.Equal(t, time.Date(2025, 1, 8, 14, 25, 30, 123456789, time.UTC), events[0].At)
			if c.name == "" {
				require.Equal(t, sdk.EventIgnored, events[0].Kind)
				return
			}
			require.Equal(t, c.name, events[0].Provider.Name)
			require.Equal(t, "eff-1", events[0].Provider.EffectKey)
			require.Equal(t, []string{"5158"}, events[0].Provider.Refs)
		})
	}
	for _, body := range []string{"", "{", "[]", "7", "{}", `{"id":"1"}`, `{"ticket_id":"5158"}`,
		`{"id":"e","type":"zen:event-type:ticket.status_changed","detail":{"external_id":"k"}}`,
		`{"id":"e","type":"zen:event-type:ticket.comment_added","detail":{"id":"5","external_id":"k"},"event":{"comment":{"body":"x","is_public":true,"author":{"id":1,"is_staff":true}}}}`} {
		_, err := r.Parse(sdk.WebhookRequest{URL: hook, Body: []byte(body)})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, body)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"e1","type":"zen:event-type:ticket.comment_added","time":"2025-01-08T14:25:30Z","detail":{"id":"5158","external_id":"k"},"event":{"comment":{"id":5,"body":"x","is_public":true,"author":{"id":1,"is_staff":true,"name":"A"}}}}`))
	f.Add([]byte(`{"id":"e1","type":"zen:event-type:ticket.status_changed","detail":{"id":5158,"external_id":"k","status":"HOLD"}}`))
	conn, err := zendesk.Connector.Open(json.RawMessage(`{"webhook_secret":"x"}`), sdk.Host{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		require.Len(t, events, 1)
		require.NotEmpty(t, events[0].ID)
		if p := events[0].Provider; p != nil {
			require.True(t, json.Valid(p.Data))
			require.NotContains(t, p.Refs, "")
			require.LessOrEqual(t, len(p.EffectKey), 64)
		}
	})
}
