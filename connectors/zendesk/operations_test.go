package zendesk_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/connectors/zendesk"

	"github.com/stretchr/testify/require"
)

func TestATicketIsOpenedForItsCustomer(t *testing.T) {
	r := newRig(t)
	made := run[zendesk.TicketOutput](t, r.conn, "ticket_create", "k1",
		`{"subject":"A mug","text":"It broke.","customer":{"external_id":"contact-17","name":"Jenny"},"priority":"urgent","tags":["vip"],"group":"77"}`)
	require.Equal(t, role.TicketState{ID: made.ID, Status: "open", Subject: "A mug", Priority: "urgent", URL: r.server.URL + "/agent/tickets/" + made.ID}, made.TicketState)
	require.Equal(t, "77", made.Group)
	r.now = r.now.Add(time.Second)
	customer := run[role.Upserted](t, r.conn, "customer_upsert", "k2", `{"external_id":"CONTACT-17","name":"Jenny Rosen","email":"jenny@example.com"}`)
	require.Equal(t, made.Customer, customer.ID)
	require.False(t, customer.Created)
	require.True(t, run[role.Upserted](t, r.conn, "customer_upsert", "k3", `{"phone":"+919000090000"}`).Created)
	require.Equal(t, customer.ID, run[role.Upserted](t, r.conn, "customer_upsert", "k4", `{"email":"jenny@example.com"}`).ID)

	found := run[zendesk.FindOutput](t, r.conn, "ticket_find", "", `{"key":"k1"}`)
	require.Equal(t, made.ID, found.Ticket.ID)
	require.Equal(t, zendesk.FindOutput{}, run[zendesk.FindOutput](t, r.conn, "ticket_find", "", `{"key":"nobody"}`))
}

// A key that Zendesk has forgotten is found by the ticket's external ID.
func TestATicketIsFoundWhenItsKeyIsForgotten(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	r.now = r.now.Add(3 * time.Hour)
	raw, found, err := operation(t, "ticket_create").Find(t.Context(), r.conn, call("k1"), json.RawMessage(opening))
	require.NoError(t, err)
	require.True(t, found)
	require.Contains(t, string(raw), ticket)
}

func TestAKeyIsNotUsedForOtherInput(t *testing.T) {
	r := newRig(t)
	r.opened("k1")
	_, err := operation(t, "ticket_create").Run(t.Context(), r.conn, call("k1"), json.RawMessage(strings.Replace(opening, "broke", "melted", 1)))
	e := sdk.AsError(err)
	require.Equal(t, sdk.Invalid, e.Class)
	require.Equal(t, "IdempotentRequestError", e.Code)
}

func TestWhatTheCustomerSaysIsTheirs(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	r.staff(ticket, "solved", "")
	run[role.ID](t, r.conn, "ticket_comment", "k2", `{"id":"`+ticket+`","text":"It broke again."}`)
	state := run[zendesk.TicketOutput](t, r.conn, "ticket_get", "", `{"id":"`+ticket+`"}`)
	require.Equal(t, "open", state.Status, "what was solved waits for the staff again")

	resp, err := r.server.Client().Get(r.server.URL + "/agent/tickets/" + ticket)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Contains(t, readAll(t, resp), "<strong>Jenny Rosen:</strong> It broke again.")
}

func TestTagsAreAddedAndAClosedTicketStaysAsItIs(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	changed := func(input string) zendesk.TicketOutput {
		return run[zendesk.TicketOutput](t, r.conn, "ticket_update", "k2", `{"id":"`+ticket+`",`+input+`}`)
	}
	require.Equal(t, []string{"a"}, changed(`"tags":["a"]`).Tags)
	require.Equal(t, []string{"a", "b"}, changed(`"tags":["b","a"],"assignee":"1002"`).Tags)
	require.Equal(t, "closed", changed(`"status":"closed"`).Status)
	for _, name := range []string{"ticket_comment", "ticket_reply"} {
		_, err := operation(t, name).Run(t.Context(), r.conn, call("k3"), json.RawMessage(`{"id":"`+ticket+`","text":"Hello?"}`))
		require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
		require.Contains(t, err.Error(), "open another")
	}
}

func TestInputIsRefusedBeforeAnyRequest(t *testing.T) {
	conn := connect(t, json.RawMessage(`{"webhook_secret":"x"}`), http.DefaultClient)
	for name, inputs := range map[string][]string{
		"ticket_create": {`{"subject":" ","text":"x","customer":{"phone":"+919000090000"}}`, `{"subject":"x","text":"x","customer":{}}`,
			`{"subject":"x","text":"x","customer":{"phone":"9000090000"}}`, `{"subject":"x","text":"x","customer":{"email":"x"}}`,
			`{"subject":"x","text":"x","customer":{"email":"a@b"},"priority":"huge"}`, `{"subject":"x","text":"x","customer":{"email":"a@b"},"tags":["two words"]}`},
		"ticket_get":     {`{"id":"../users/1"}`, `{"id":"0"}`},
		"ticket_update":  {`{"id":"1"}`, `{"id":"1","status":"hold"}`, `{"id":"1","group":"x"}`},
		"ticket_comment": {`{"id":"1","text":""}`, `{"id":"1","text":"x","file":{"name":"a/b","content_type":"text/plain","content":"eA=="}}`},
		"ticket_reply":   {`{"id":"1","text":"x","file":{"name":"a","content_type":"text\n","content":"eA=="}}`, `{"id":"1","text":"x","file":{"name":"a","content_type":"text/plain","content":""}}`},
		"ticket_find":    {`{"key":"A"}`},
	} {
		for _, input := range inputs {
			_, err := operation(t, name).Run(t.Context(), conn, call("k"), json.RawMessage(input))
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, "%s %s", name, input)
			require.NotContains(t, err.Error(), "base_url", "%s %s", name, input)
		}
	}
}

// A language that the account does not have, and a customer without a name, keep no
// ticket from being opened.
func TestACustomerIsMadeWithWhatZendeskTakes(t *testing.T) {
	var tried []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ User map[string]any }
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			in.User = nil
		}
		tried = append(tried, in.User)
		if in.User["locale"] != nil || in.User["name"] == nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		_, _ = w.Write([]byte(`{"user":{"id":5}}`))
	}))
	t.Cleanup(server.Close)
	conn := connect(t, sdk.JSONBody(config(server.URL)), server.Client())
	require.Equal(t, "5", run[role.Upserted](t, conn, "customer_upsert", "k", `{"phone":"+919000090000","language":"tlh"}`).ID)
	require.Len(t, tried, 3)
	require.Equal(t, map[string]any{"name": "Customer", "phone": "+919000090000", "external_id": "tel:+919000090000", "skip_verify_email": true}, tried[2])
}

func TestErrors(t *testing.T) {
	cases := map[string]struct {
		status     int
		body       string
		class      sdk.Class
		code, text string
	}{
		"wrong token":     {401, `{"error":"Couldn't authenticate you"}`, sdk.Auth, "401", "api_token"},
		"no permission":   {403, `{"error":{"title":"Forbidden","message":"Jenny may not"}}`, sdk.Auth, "403", "permission"},
		"no such ticket":  {404, `{"error":"RecordNotFound","description":"Not found"}`, sdk.NotFound, "RecordNotFound", "no such"},
		"two at once":     {409, `{"error":"UpdateConflict"}`, sdk.Unavailable, "UpdateConflict", "another request"},
		"a field":         {422, `{"error":"RecordInvalid","description":"x","details":{"email":[{"description":"Email: jenny@example.com is taken","error":"DuplicateValue"}],"Jenny R.":[]}}`, sdk.Invalid, "RecordInvalid", "(email: DuplicateValue)"},
		"closed":          {422, `{"error":"RecordInvalid","details":{"status":[{"description":"Status: closed prevents ticket update"}]}}`, sdk.Rejected, "RecordInvalid", "closed"},
		"too many":        {429, `{"error":"APIRateLimitExceeded"}`, sdk.Throttled, "APIRateLimitExceeded", "fewer"},
		"down":            {503, `Service Unavailable for jenny@example.com`, sdk.Unavailable, "503", "failed"},
		"a code too free": {400, `{"error":"jenny@example.com"}`, sdk.Invalid, "400", "does not accept"},
		"webhooks' own":   {400, `{"errors":[{"code":"InvalidWebhook","detail":"Jenny"}]}`, sdk.Invalid, "InvalidWebhook", "does not accept"},
		"another site":    {200, `<html>Jenny</html>`, sdk.Unavailable, "", "base_url"},
		"of no use":       {200, `{}`, sdk.Unavailable, "", "documentation"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := operation(t, "ticket_get").Run(t.Context(), answering(t, c.status, c.body), call(""), json.RawMessage(`{"id":"1"}`))
			e := sdk.AsError(err)
			require.Equal(t, c.class, e.Class)
			require.Equal(t, c.code, e.Code)
			require.Contains(t, e.Message, c.text)
			require.NotContains(t, strings.ToLower(e.Error()), "jenny")
			require.Equal(t, c.status == 429 || c.status == 409, e.RetryAfter > 0)
		})
	}
}

func TestCheck(t *testing.T) {
	r := newRig(t)
	check := func(c zendesk.Config) error {
		return connect(t, sdk.JSONBody(c), r.server.Client()).(sdk.Checker).Check(t.Context())
	}
	good := config(r.server.URL)
	require.NoError(t, check(good))
	good.WebhookSecret = ""
	require.ErrorContains(t, check(good), "webhook_secret")
	good.APIToken = "wrong"
	require.Equal(t, sdk.Auth, sdk.AsError(check(good)).Class)
	customer := answering(t, 200, `{"user":{"id":5,"role":"end-user"}}`)
	require.ErrorContains(t, customer.(sdk.Checker).Check(t.Context()), "agent or admin")
	stranger := answering(t, 200, `{"user":{"id":null,"role":"end-user"}}`)
	require.Equal(t, sdk.Auth, sdk.AsError(stranger.(sdk.Checker).Check(t.Context())).Class)
}

func TestConfig(t *testing.T) {
	for config, says := range map[string]string{
		`{}`:                                         "base_url is missing",
		`{"api_token":"x","email":"a@b"}`:            "base_url is missing",
		`{"base_url":"acme.zendesk.com"}`:            "absolute",
		`{"base_url":"https://a:b@c.d"}`:             "no user",
		`{"base_url":"https://a.b","api_token":"x"}`: "email is missing",
		`{"base_url":"https://a.b","api_token":"x y","email":"a@b"}`:     "api_token holds",
		`{"base_url":"https://a.b","api_token":"x","email":"a@b:c"}`:     "email holds",
		`{"base_url":"https://a.b","api_token":"x","email":"a@b","a":1}`: "unknown field",
	} {
		_, err := zendesk.Connector.Open(json.RawMessage(config), sdk.Host{})
		require.ErrorContains(t, err, says, config)
	}
}

// tokens gives one token after the other.
type tokens struct{ given, refused []string }

func (s *tokens) Token(context.Context) (string, error) {
	s.given = append(s.given, "t"+string(rune('0'+len(s.given))))
	return s.given[len(s.given)-1], nil
}
func (s *tokens) Refused(token string) { s.refused = append(s.refused, token) }

func TestOAuth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"ticket":{"id":7,"status":"new"}}`))
	}))
	t.Cleanup(server.Close)
	source := &tokens{}
	conn, err := zendesk.Connector.Open(sdk.JSONBody(zendesk.Config{BaseURL: server.URL, ClientID: "parley", ClientSecret: "x"}), sdk.Host{HTTP: server.Client(), Tokens: source})
	require.NoError(t, err)
	_, err = operation(t, "ticket_get").Run(t.Context(), conn, call(""), json.RawMessage(`{"id":"7"}`))
	require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
	require.Equal(t, []string{"t0"}, source.refused)
	require.Equal(t, "7", run[zendesk.TicketOutput](t, conn, "ticket_get", "", `{"id":"7"}`).ID)
}

func TestPace(t *testing.T) {
	learn := zendesk.Connector.Limits.Learn
	require.Equal(t, sdk.Pace{Known: true, Remaining: 3, Reset: time.Minute}, learn(200, http.Header{"X-Rate-Limit-Remaining": {"3"}}))
	require.Equal(t, sdk.Pace{Known: true, Remaining: 0, Reset: 12 * time.Second}, learn(429, http.Header{"Ratelimit-Remaining": {"0"}, "Ratelimit-Reset": {"12"}}))
	for _, h := range []http.Header{{}, {"X-Rate-Limit-Remaining": {"many"}}, {"X-Rate-Limit-Remaining": {"-1"}}} {
		require.False(t, learn(200, h).Known)
	}
}
