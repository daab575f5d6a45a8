package freshdesk_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"parley/connectors/freshdesk"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/require"
)

func TestAnAnswerOfTheStaffLeadsBackToItsTicket(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	r.staff(ticket, "note", "A regular.")
	r.staff(ticket, "reply", "A new one is on its way : today.")
	events := r.news()
	require.Len(t, events, 1)
	require.Equal(t, role.AgentSaid, events[0].Provider.Name)
	require.Equal(t, []string{ticket}, events[0].Provider.Refs)
	var said role.Said
	require.NoError(t, json.Unmarshal(events[0].Provider.Data, &said))
	require.Equal(t, role.Said{Text: "A new one is on its way : today.", Agent: "Asha Rao", Ticket: ticket}, said)
}

func TestWhatParleyWritesIsNotHeardAgain(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	run[role.ID](t, r.conn, "ticket_comment", "k2", `{"id":"`+ticket+`","text":"Note : it broke again."}`)
	run[role.ID](t, r.conn, "ticket_comment", "k3", `{"id":"`+ticket+`","text":"A regular.","private":true}`)
	run[role.ID](t, r.conn, "ticket_reply", "k4", `{"id":"`+ticket+`","text":"We are on it."}`)
	require.Len(t, r.env.Deliveries(), 2, "the rule tells of what the API says, too")
	require.Empty(t, r.news())
}

func TestEachAnswerIsAnEventOfItsOwn(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	for range 2 {
		r.now = r.now.Add(time.Minute)
		r.staff(ticket, "reply", "Still looking.")
	}
	events := r.news()
	require.Len(t, events, 2)
	require.NotEqual(t, events[0].ID, events[1].ID)
}

func TestVerify(t *testing.T) {
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("parley:"+password))
	}
	cases := map[string]struct {
		header, value string
		valid         bool
	}{
		"in the header":            {"X-Parley-Secret", secret, true},
		"the older one":            {"X-Parley-Secret", "older-older-older", true},
		"as the password":          {"Authorization", basic(secret), true},
		"wrong":                    {"X-Parley-Secret", secret + "x", false},
		"shortened":                {"X-Parley-Secret", secret[:19], false},
		"empty":                    {"X-Parley-Secret", "", false},
		"both as they are set":     {"X-Parley-Secret", secret + ", older-older-older", false},
		"a wrong password":         {"Authorization", basic("x"), false},
		"no password":              {"Authorization", basic(""), false},
		"not base64":               {"Authorization", "Basic %%%", false},
		"a token":                  {"Authorization", "Bearer " + secret, false},
		"in a header of no rule's": {"X-Secret", secret, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			h.Set(c.header, c.value)
			err := receiver(t).Verify(sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Header: h, Body: []byte(`{}`)}, time.Now())
			if c.valid {
				require.NoError(t, err)
				return
			}
			require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), secret)
		})
	}
	none := connect(t, sdk.JSONBody(map[string]string{"base_url": "https://a.test", "api_key": "x"}), http.DefaultClient).(sdk.Receiver)
	require.ErrorContains(t, none.Verify(sdk.WebhookRequest{Header: http.Header{"X-Parley-Secret": {""}}}, time.Now()), "webhook_secret")
}

func TestParse(t *testing.T) {
	const mark = "\\u2063"
	cases := map[string]struct {
		body string
		want any // nil means ignored
	}{
		"an answer": {`{"event":"agent.said","ticket_id":"7","tags":"vip, parley-00","comment":"Asha : Hello\nJenny"}`, role.Said{Text: "Hello\nJenny", Agent: "Asha", Ticket: "7"}},
		"as HTML": {`{"event":"agent.said","ticket_id":7,"tags":"parley-00","comment":"","comment_html":"Asha : <div>Hello &amp; <b>good</b> day<br>Jenny</div><style>p{}</style>\n\n<p>Bye</p>"}`,
			role.Said{Text: "Hello & good day\nJenny\n\nBye", Agent: "Asha", Ticket: "7"}},
		"HTML without a name":     {`{"event":"agent.said","ticket_id":7,"comment_html":"<p>Open : all day</p>"}`, role.Said{Text: "Open : all day", Ticket: "7"}},
		"without a name":          {`{"event":"agent.said","ticket_id":"7","comment":"Hello"}`, role.Said{Text: "Hello", Ticket: "7"}},
		"our own":                 {`{"event":"agent.said","ticket_id":"7","comment":"Parley : ` + mark + `Hello"}`, nil},
		"our own as HTML":         {`{"event":"agent.said","ticket_id":"7","comment_html":"Parley : <div>` + mark + `Hello : you</div>"}`, nil},
		"our own without a name":  {`{"event":"agent.said","ticket_id":"7","comment":"` + mark + `Note : x"}`, nil},
		"somebody else's ticket":  {`{"event":"agent.said","ticket_id":"7","tags":"vip","comment":"Asha : Hello"}`, nil},
		"a change":                {`{"event":"ticket.changed","ticket_id":"7","subject":"A mug","status":"Resolved","priority":"Medium"}`, role.TicketState{ID: "7", Status: "solved", Subject: "A mug", Priority: "normal"}},
		"a status of the account": {`{"event":"ticket.changed","ticket_id":"7","status":"With the Warehouse","priority":"Whatever"}`, role.TicketState{ID: "7", Status: "open"}},
		"it waits":                {`{"event":"ticket.changed","ticket_id":"7","status":"Waiting on Customer"}`, role.TicketState{ID: "7", Status: "pending"}},
		"a rule of tomorrow":      {`{"event":"ticket.rated","ticket_id":"7"}`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			events, err := receiver(t).Parse(sdk.WebhookRequest{Body: []byte(c.body)})
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.NotEmpty(t, events[0].ID)
			if c.want == nil {
				require.Equal(t, sdk.EventIgnored, events[0].Kind)
				return
			}
			require.Equal(t, []string{"7"}, events[0].Provider.Refs)
			require.JSONEq(t, string(sdk.JSONBody(c.want)), string(events[0].Provider.Data))
		})
	}
	for _, body := range []string{"", "{", "[]", "7", "{}", `{"ticket_id":"7"}`, `{"event":"agent.said","comment":"x"}`, `{"event":"agent.said","ticket_id":"{{ticket.id}}","comment":"x"}`,
		`{"event":"agent.said","ticket_id":"7","comment":" "}`, `{"event":"ticket.changed","ticket_id":"7","status":4}`} {
		_, err := receiver(t).Parse(sdk.WebhookRequest{Body: []byte(body)})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, body)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"event":"agent.said","ticket_id":"7","tags":"parley-00","comment":"Asha : Hello"}`))
	f.Add([]byte(`{"event":"agent.said","ticket_id":7,"comment_html":"Asha : <div>Hello<br></div><script>"}`))
	f.Add([]byte(`{"event":"ticket.changed","ticket_id":"7","status":"Resolved","priority":"Low"}`))
	conn, err := freshdesk.Connector.Open(json.RawMessage(`{"webhook_secret":"`+secret+`"}`), sdk.Host{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Method: http.MethodPost, Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		require.Len(t, events, 1)
		require.NotEmpty(t, events[0].ID)
		if p := events[0].Provider; p != nil {
			require.True(t, json.Valid(p.Data))
			require.Len(t, p.Refs, 1)
			require.NotEmpty(t, p.Refs[0])
		}
	})
}
