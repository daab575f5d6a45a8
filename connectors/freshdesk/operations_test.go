package freshdesk_test

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/connectors/freshdesk"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/require"
)

func TestATicketIsOpenedForItsCustomer(t *testing.T) {
	r := newRig(t)
	made := run[freshdesk.TicketOutput](t, r.conn, "ticket_create", "k1",
		`{"subject":"A mug","text":"It broke & <fell>.\nTwice.","customer":{"external_id":"contact-17","name":"Jenny"},"priority":"normal","tags":["vip"],"group":"77"}`)
	require.Equal(t, role.TicketState{ID: made.ID, Status: "open", Subject: "A mug", Priority: "normal", URL: r.server.URL + "/a/tickets/" + made.ID}, made.TicketState)
	require.Equal(t, "77", made.Group)
	require.Contains(t, r.page(made.ID), "It broke &amp; &lt;fell&gt;.\nTwice.")

	customer := run[role.Upserted](t, r.conn, "customer_upsert", "k2", `{"external_id":"contact-17","name":"Jenny Rosen","email":"jenny@example.com","company":"Mugs"}`)
	require.Equal(t, role.Upserted{ID: made.Customer}, customer)
	require.Equal(t, customer, run[role.Upserted](t, r.conn, "customer_upsert", "k3", `{"email":"jenny@example.com","company":"mugs"}`))
	require.Equal(t, 1, r.env.Sizes()["companies"])
	again := run[freshdesk.TicketOutput](t, r.conn, "ticket_create", "k6", `{"subject":"A pot","text":"It broke.","customer":{"external_id":"contact-17","name":"J."}}`)
	require.Contains(t, r.page(again.ID), "<strong>Jenny Rosen:</strong>", "a ticket changes nobody")
	require.True(t, run[role.Upserted](t, r.conn, "customer_upsert", "k4", `{"phone":"+919000090000"}`).Created)
	require.False(t, run[role.Upserted](t, r.conn, "customer_upsert", "k5", `{"phone":"+919000090000"}`).Created)
}

func TestATicketIsFoundByItsKeyOfItsCustomerAtOnceAndBySearchLater(t *testing.T) {
	r := newRig(t)
	for range 130 { // more than stand on one page
		run[freshdesk.TicketOutput](t, r.conn, "ticket_create", "other", opening)
	}
	find := func(key string) bool {
		_, found, err := operation(t, "ticket_create").Find(t.Context(), r.conn, call(key), json.RawMessage(opening))
		require.NoError(t, err)
		return found
	}
	require.False(t, find("k1"))
	r.env.SetFault(fake.FaultSearchLag, 3*time.Minute)
	ticket := r.opened("k1")
	for range 130 {
		run[freshdesk.TicketOutput](t, r.conn, "ticket_create", "later", opening)
	}
	require.True(t, find("k1"))
	require.False(t, find("k2"))

	found := func() freshdesk.FindOutput {
		return run[freshdesk.FindOutput](t, r.conn, "ticket_find", "", `{"key":"k1"}`)
	}
	require.False(t, found().Found, "the search lags")
	r.now = r.now.Add(3 * time.Minute)
	require.Equal(t, ticket, found().Ticket.ID)
}

// Two who make one customer at once agree on it.
func TestACustomerIsMadeOnce(t *testing.T) {
	r := newRig(t)
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			raw, err := operation(t, "customer_upsert").Run(t.Context(), r.conn, call("k"), json.RawMessage(`{"external_id":"contact-17"}`))
			if err == nil {
				var out role.Upserted
				_ = json.Unmarshal(raw, &out) // an empty ID is noticed below
				ids[i] = out.ID
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		require.NotEmpty(t, id)
		require.Equal(t, ids[0], id)
	}
	require.Equal(t, 1, r.env.Sizes()["contacts"])
}

func TestWhatTheCustomerSaysIsTheirs(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	r.staff(ticket, "solved", "")
	run[role.ID](t, r.conn, "ticket_comment", "k2", `{"id":"`+ticket+`","text":"It broke again."}`)
	require.Equal(t, "open", run[freshdesk.TicketOutput](t, r.conn, "ticket_get", "", `{"id":"`+ticket+`"}`).Status, "what was solved waits for the staff again")
	run[role.ID](t, r.conn, "ticket_comment", "k3", `{"id":"`+ticket+`","text":"A regular.","private":true}`)
	require.Contains(t, r.page(ticket), "<strong>Jenny Rosen:</strong> \u2063It broke again.")
	require.Contains(t, r.page(ticket), "<strong>Parley (note):</strong> A regular.")
}

func TestTagsAreAddedToThoseThatAreThere(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	changed := run[freshdesk.TicketOutput](t, r.conn, "ticket_update", "k2", `{"id":"`+ticket+`","tags":["a","b","a"],"assignee":"502","status":"closed","priority":"urgent"}`)
	require.Len(t, changed.Tags, 3, "Parley's own tag stays")
	require.Equal(t, []string{"a", "b"}, changed.Tags[1:])
	require.LessOrEqual(t, len(changed.Tags[0]), 32)
	require.Equal(t, role.TicketState{ID: ticket, Status: "closed", Subject: "A broken mug", Priority: "urgent", Assignee: "502", URL: changed.URL}, changed.TicketState)
}

// TestAFileTravelsInAForm reads what is sent with the standard library's reader.
func TestAFileTravelsInAForm(t *testing.T) {
	got := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, password, _ := r.BasicAuth()
		got["user"] = key + ":" + password
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for form := multipart.NewReader(r.Body, params["boundary"]); ; {
			part, err := form.NextPart()
			if err != nil {
				break
			}
			raw, _ := io.ReadAll(part)
			got[part.FormName()] = strings.TrimSpace(string(raw) + " " + part.FileName() + " " + part.Header.Get("Content-Type"))
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":5}`)
	}))
	t.Cleanup(server.Close)
	conn := connect(t, sdk.JSONBody(config(server.URL)), server.Client())
	run[role.ID](t, conn, "ticket_comment", "k", `{"id":"1","text":"A picture.","private":true,"file":{"name":"mug \"1\".png","content_type":"image/png","content":"aGVsbG8="}}`)
	require.Equal(t, map[string]string{"user": apiKey + ":X", "body": "<div>A picture.</div>", "private": "true", "attachments[]": `hello mug "1".png image/png`}, got)
}

func TestACommentWhoseAnswerIsLostIsUncertainOnlyOnceItLeft(t *testing.T) {
	r := newRig(t)
	ticket := r.opened("k1")
	fails := func(path string) *sdk.Error {
		client := &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, path) {
				return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			}
			return r.server.Client().Transport.RoundTrip(req)
		})}
		_, err := operation(t, "ticket_comment").Run(t.Context(), connect(t, sdk.JSONBody(config(r.server.URL)), client), call("k"), json.RawMessage(`{"id":"`+ticket+`","text":"x"}`))
		return sdk.AsError(err)
	}
	require.False(t, fails("/tickets/"+ticket).Wrote, "nothing was said yet")
	require.True(t, fails("/notes").Wrote)
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestInputIsRefusedBeforeAnyRequest(t *testing.T) {
	conn := connect(t, json.RawMessage(`{"webhook_secret":"`+secret+`"}`), http.DefaultClient)
	for name, inputs := range map[string][]string{
		"ticket_create": {`{"subject":" ","text":"x","customer":{"phone":"+919000090000"}}`, `{"subject":"x","text":"x","customer":{}}`,
			`{"subject":"x","text":"x","customer":{"phone":"9000090000"}}`, `{"subject":"x","text":"x","customer":{"email":"a@b"},"priority":"medium"}`,
			`{"subject":"x","text":"x","customer":{"email":"a@b"},"tags":["` + strings.Repeat("x", 33) + `"]}`, `{"subject":"x","text":"x","customer":{"email":"a@b"},"tags":["a,b"]}`},
		"ticket_get":      {`{"id":"../contacts/1"}`, `{"id":"0"}`},
		"ticket_update":   {`{"id":"1"}`, `{"id":"1","status":"resolved"}`, `{"id":"1","assignee":"x"}`},
		"ticket_comment":  {`{"id":"1","text":""}`, `{"id":"1","text":"x","file":{"name":"a/b","content_type":"text/plain","content":"eA=="}}`},
		"ticket_reply":    {`{"id":"1","text":"x","file":{"name":"a","content_type":"text\n","content":"eA=="}}`},
		"ticket_find":     {`{"key":"' OR status:2"}`},
		"customer_upsert": {`{"name":"Jenny"}`},
	} {
		for _, input := range inputs {
			_, err := operation(t, name).Run(t.Context(), conn, call("k"), json.RawMessage(input))
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, "%s %s", name, input)
			require.NotContains(t, err.Error(), "base_url", "%s %s", name, input)
		}
	}
}

func TestErrors(t *testing.T) {
	cases := map[string]struct {
		status     int
		body       string
		class      sdk.Class
		code, text string
	}{
		"wrong key":       {401, `{"code":"invalid_credentials","message":"You have to be logged in, Jenny"}`, sdk.Auth, "invalid_credentials", "api_key"},
		"no permission":   {403, `{"code":"access_denied","message":"x"}`, sdk.Auth, "access_denied", "permission"},
		"no such ticket":  {404, ``, sdk.NotFound, "404", "no such"},
		"taken":           {409, `{"description":"Validation failed","errors":[{"field":"email","message":"jenny@example.com is taken","code":"duplicate_value"}]}`, sdk.Rejected, "duplicate_value", "(email: duplicate_value)"},
		"fields":          {400, `{"errors":[{"field":"custom_fields.cf_size","code":"invalid_value","message":"Jenny"},{"field":"Jenny","code":"x"},{"field":"tags","code":"Jenny R"}]}`, sdk.Invalid, "invalid_value", "(custom_fields.cf_size: invalid_value, tags)"},
		"too many":        {429, `{"message":"You have exceeded the limit"}`, sdk.Throttled, "429", "fewer"},
		"down":            {500, `oh jenny`, sdk.Unavailable, "500", "failed"},
		"a code too free": {400, `{"code":"jenny@example.com"}`, sdk.Invalid, "400", "does not accept"},
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
			require.Equal(t, c.status == 429, e.RetryAfter > 0)
		})
	}
}

func TestCheck(t *testing.T) {
	r := newRig(t)
	check := func(c freshdesk.Config) error {
		return connect(t, sdk.JSONBody(c), r.server.Client()).(sdk.Checker).Check(t.Context())
	}
	c := config(r.server.URL)
	require.NoError(t, check(c))
	c.WebhookSecret = ""
	require.ErrorContains(t, check(c), "X-Parley-Secret")
	c.APIKey = "wrong"
	require.Equal(t, sdk.Auth, sdk.AsError(check(c)).Class)
	require.Error(t, answering(t, 200, `{"message":"welcome"}`).(sdk.Checker).Check(t.Context()))
}

func TestConfig(t *testing.T) {
	for config, says := range map[string]string{
		`{}`:                                "base_url is missing",
		`{"api_key":"x"}`:                   "base_url is missing",
		`{"base_url":"https://a.b"}`:        "api_key is missing",
		`{"base_url":"acme","api_key":"x"}`: "absolute",
		`{"base_url":"https://a.b","api_key":"x:X"}`: "api_key holds",
		`{"webhook_secret":"short"}`:                 "16 characters",
		`{"webhook_secret":"` + secret + `,short"}`:  "16 characters",
		`{"webhook_secret":"` + secret + `","a":1}`:  "unknown field",
	} {
		_, err := freshdesk.Connector.Open(json.RawMessage(config), sdk.Host{})
		require.ErrorContains(t, err, says, config)
		require.NotContains(t, err.Error(), secret)
	}
}

func TestPace(t *testing.T) {
	learn := freshdesk.Connector.Limits.Learn
	require.Equal(t, sdk.Pace{Known: true, Remaining: 3, Reset: time.Minute}, learn(200, http.Header{"X-Ratelimit-Remaining": {"3"}}))
	for _, h := range []http.Header{{}, {"X-Ratelimit-Remaining": {"many"}}, {"X-Ratelimit-Remaining": {"-1"}}} {
		require.False(t, learn(200, h).Known)
	}
}
