package proofs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
	"parley/internal/devstack/postgres/pgtest"
	"parley/internal/sandbox"
	"parley/proofs/needle"
	"parley/proofs/shopper"
	"parley/proofs/stack"
)

// canary is somebody whose name, phone and card number must be found nowhere.
type canary struct{ name, phone, card string }

func newCanary(t *testing.T) canary {
	t.Helper()
	digits := func(n int) string {
		max := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
		v, err := rand.Int(rand.Reader, max)
		require.NoError(t, err)
		return fmt.Sprintf("%0*d", n, v)
	}
	return canary{name: "Zoë Quackenbüsch-" + rand.Text()[:8], phone: "4915" + digits(9), card: "4929" + digits(12)}
}

func (c canary) spacedCard() string {
	return c.card[:4] + " " + c.card[4:8] + " " + c.card[8:12] + " " + c.card[12:]
}

// confession is a message that holds all of it.
func (c canary) confession() string {
	return "I am " + c.name + ", my card is " + c.card + " or " + c.spacedCard() + " and my number is +" + c.phone
}

func (c canary) needles() []needle.Needle {
	out := needle.Forms("the name", c.name)
	out = append(out, needle.Forms("the phone number", c.phone)...)
	out = append(out, needle.Forms("the card number", c.card)...)
	return append(out, needle.Forms("the card number with spaces", c.spacedCard())...)
}

// TestTheSearchFindsWhatAnyTableHolds proves that the search of the next test
// would find a canary in PostgreSQL's files, on a server of its own.
func TestTheSearchFindsWhatAnyTableHolds(t *testing.T) {
	dir := pgtest.Dir(t)
	server := pgtest.StartIn(t, filepath.Join(dir, "postgres"))
	defer func() { require.NoError(t, server.Stop()) }()
	c := newCanary(t)
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	require.NoError(t, err)
	defer conn.Close(ctx)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := conn.Exec(ctx, sql, args...)
		require.NoError(t, err)
	}
	before, _, err := needle.Tree(dir, c.needles())
	require.NoError(t, err)
	require.Empty(t, before)
	exec(`CREATE TABLE scratch (t text, b bytea, j jsonb, squeezed text)`)
	exec(`INSERT INTO scratch VALUES ($1, convert_to($2, 'UTF8'), jsonb_build_object('card', $3::text), repeat($3::text || ' ', 1000))`, c.name, c.phone, c.card)
	exec(`CHECKPOINT`)
	hits, _, err := needle.Tree(dir, c.needles())
	require.NoError(t, err)
	found := map[string]int{}
	for _, h := range hits {
		part := "data"
		if strings.Contains(h.Where, "pg_wal") {
			part = "WAL"
		}
		found[h.What+" in the "+part]++
	}
	for _, what := range []string{"the name", "the phone number", "the card number"} {
		require.NotZero(t, found[what+" in the data"], what)
		require.NotZero(t, found[what+" in the WAL"], what)
	}
	exec(`DELETE FROM scratch`)
	exec(`INSERT INTO scratch (squeezed) VALUES (repeat($1 || ' ', 1000))`, c.card) // compressed: no longer in one piece
	require.NotEmpty(t, rows(ctx, t, server.URL("postgres"), "postgres", c.needles()))
}

// rows searches every row of every table of a database: values that PostgreSQL
// compresses cannot be seen in its files.
func rows(ctx context.Context, t *testing.T, url, database string, needles []needle.Needle) (hits []needle.Hit) {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	list, err := conn.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(list, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, tables, database)
	for _, table := range tables {
		var out bytes.Buffer
		_, err := conn.PgConn().CopyTo(ctx, &out, `COPY `+table+` TO STDOUT`)
		require.NoError(t, err, table)
		for _, n := range needle.Find(out.Bytes(), needles) {
			hits = append(hits, needle.Hit{Where: "database " + database + ", table " + table, Needle: n})
		}
	}
	return hits
}

// errand leads the canary through the system and keeps what its edges answered.
type errand struct {
	canary
	t        *testing.T
	s        *stack.System
	answers  bytes.Buffer // problems, headers and metrics
	problems int
}

// TestNothingOfACustomerIsKeptInClear plants a name, a phone number and a card
// number in everything that a customer can say, on both channels, through a
// purchase, a conversation with a person and errors of all kinds, and then
// searches logs, metrics, problems, PostgreSQL's files and the data folder.
func TestNothingOfACustomerIsKeptInClear(t *testing.T) {
	long(t)
	s := stack.Start(t)
	e := &errand{canary: newCanary(t), t: t, s: s}
	c := &shopper.Shopper{Sandbox: s.Sandbox(), From: e.phone, Name: e.name, Straight: true, Patience: 2 * time.Minute,
		Rand: mathrand.New(mathrand.NewPCG(1, 1)), Talk: []string{e.confession()}, Chatter: 1}
	require.NoError(t, c.Buy(t.Context()))
	e.search(c)
	e.person(c)
	e.widget()
	e.providerErrors(c)
	e.badRequests()
	e.metrics()

	for _, database := range e.databases() {
		e.none(rows(t.Context(), t, e.database(database), database, e.needles()))
	}
	_, err := s.Database().Exec(t.Context(), `CHECKPOINT`)
	require.NoError(t, err)
	hits, size, err := needle.Tree(filepath.Dir(s.Dir), e.needles())
	require.NoError(t, err)
	e.none(hits)
	for _, n := range needle.Find(e.answers.Bytes(), e.needles()) {
		t.Errorf("%s, %s, in an answer or metric", n.What, n.Form)
	}
	// What was searched is where it is all kept.
	marks, _, err := needle.Tree(s.Dir, needle.Forms("workflow IDs", "conversation/"))
	require.NoError(t, err)
	places := fmt.Sprint(marks)
	for _, place := range []string{"pg_wal", "base"} {
		require.Contains(t, places, place)
	}
	t.Logf("searched %d MB of files, %d problems; %d needles", size>>20, e.problems, len(e.needles()))
	require.GreaterOrEqual(t, e.problems, 8)
}

func (e *errand) none(hits []needle.Hit) {
	e.t.Helper()
	for _, h := range hits {
		e.t.Error(h)
	}
}

func (e *errand) database(name string) string {
	e.t.Helper()
	u, err := url.Parse(e.s.Endpoints().DatabaseURL)
	require.NoError(e.t, err)
	u.Path = "/" + name
	return u.String()
}

// databases are all that hold tables: Parley's, the keys' and Temporal's.
func (e *errand) databases() []string {
	e.t.Helper()
	list, err := e.s.Database().Query(e.t.Context(), `SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname`)
	require.NoError(e.t, err)
	names, err := pgx.CollectRows(list, pgx.RowTo[string])
	require.NoError(e.t, err)
	require.Subset(e.t, names, []string{"parley", "parley_keys", "temporal", "temporal_visibility"})
	return names
}

func has(text string) func(fake.Shown) bool {
	return func(m fake.Shown) bool { return strings.Contains(m.Text, text) }
}

func (e *errand) say(c *shopper.Shopper, text, want string) {
	e.t.Helper()
	_, err := c.Say(e.t.Context(), fake.Utterance{Text: text}, has(want))
	require.NoError(e.t, err)
}

// toSearch walks to where the customer is asked what to look for.
func (e *errand) toSearch(c *shopper.Shopper) {
	e.t.Helper()
	offered := func(m fake.Shown) bool { return len(m.Choices) > 0 }
	_, err := c.Say(e.t.Context(), fake.Utterance{Text: "menu"}, offered)
	require.NoError(e.t, err)
	ways, err := c.Say(e.t.Context(), fake.Utterance{Text: "Browse"}, offered) // a label that is written counts as tapped
	require.NoError(e.t, err)
	_, err = c.Say(e.t.Context(), fake.Utterance{Tap: ways.Choices[len(ways.Choices)-1].ID}, has("looking for"))
	require.NoError(e.t, err)
}

// search sends the canary through a call to the shop and back.
func (e *errand) search(c *shopper.Shopper) {
	e.toSearch(c)
	e.say(c, e.name+" "+e.card, "")
}

// person has a human agent take the conversation, who repeats what was said.
func (e *errand) person(c *shopper.Shopper) {
	e.say(c, "talk to a person", "colleague")
	require.NoError(e.t, c.Speak(e.t.Context(), fake.Utterance{Text: e.confession()}))
	var list struct{ Items []struct{ ID string } }
	e.s.Eventually("the conversation is in the queue", time.Minute, func() error {
		if e.v1(http.MethodGet, "/v1/conversations?state=queued", nil, &list); len(list.Items) != 1 {
			return fmt.Errorf("%d are queued", len(list.Items))
		}
		return nil
	})
	at := "/v1/conversations/" + list.Items[0].ID
	e.v1(http.MethodPost, at+"/take", map[string]any{"agent": "agent-7"}, nil)
	var said struct{ Items []json.RawMessage }
	e.v1(http.MethodGet, at+"/messages", nil, &said)
	require.Contains(e.t, fmt.Sprintf("%s", said.Items), e.card, "the agent reads what was said")
	e.v1(http.MethodPost, at+"/messages", map[string]any{"agent": "agent-7", "text": "Hello " + e.name + ", is it " + e.card + "?"}, nil)
	e.say(c, "yes, "+e.spacedCard(), "is it "+e.card)
	e.v1(http.MethodPost, at+"/return", map[string]any{"agent": "agent-7"}, nil)
	e.say(c, "menu", "What can I do")
}

// v1 calls the API with the administrator's key.
func (e *errand) v1(method, path string, in, out any) {
	e.t.Helper()
	body, err := json.Marshal(in)
	require.NoError(e.t, err)
	status, raw := e.call(method, path, body, "Authorization", "Bearer "+e.s.Endpoints().AdminKey, "Content-Type", "application/json")
	require.Less(e.t, status, 300, "%s %s: %s", method, path, raw)
	if out != nil {
		require.NoError(e.t, json.Unmarshal(raw, out))
	}
}

// call makes a request to the API. What refuses it is kept to be searched.
func (e *errand) call(method, path string, body []byte, header ...string) (int, []byte) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.s.Endpoints().API+path, bytes.NewReader(body))
	require.NoError(e.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(e.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	if resp.StatusCode >= 400 {
		e.problems++
		e.answers.Write(raw)
	}
	for name, values := range resp.Header {
		fmt.Fprintln(&e.answers, name, values)
	}
	return resp.StatusCode, raw
}

// widget has a visitor of the web chat confess and then ask for a person.
func (e *errand) widget() {
	e.t.Helper()
	const at = "/chat/api/demo"
	status, raw := e.call(http.MethodPost, at+"/session", nil, "Content-Type", "application/json")
	require.Equal(e.t, http.StatusOK, status, "%s", raw)
	var session struct{ Token string }
	require.NoError(e.t, json.Unmarshal(raw, &session))
	bearer := []string{"Authorization", "Bearer " + session.Token, "Content-Type", "application/json"}
	for i, text := range []string{"hi", e.confession(), "talk to a person", e.name} {
		body, err := json.Marshal(map[string]string{"id": fmt.Sprintf("canary-message-%04d", i), "text": text})
		require.NoError(e.t, err)
		status, raw := e.call(http.MethodPost, at+"/messages", body, bearer...)
		require.Equal(e.t, http.StatusOK, status, "%s", raw)
	}
	e.s.Eventually("the widget is answered", time.Minute, func() error {
		if _, raw := e.call(http.MethodGet, at+"/messages?after=0", nil, bearer...); !strings.Contains(string(raw), "colleague") {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	e.call(http.MethodPost, at+"/messages", []byte(`{"id":"`+e.phone+`","text":"`+e.name+`","more":"`+e.card+`"}`), bearer...)
	e.call(http.MethodPost, at+"/messages", []byte(e.confession()), "Authorization", "Bearer "+e.phone)
}

// providerErrors has providers refuse requests that hold the canary.
func (e *errand) providerErrors(c *shopper.Shopper) {
	e.t.Helper()
	fault := func(connector, kind string, times int) {
		require.NoError(e.t, e.s.Sandbox().Fault(e.t.Context(), sandbox.Fault{Connector: connector, Operation: "*", Fault: kind, Times: times}))
	}
	e.toSearch(c)
	fault("shopify", "401", 1)
	e.say(c, e.name+" "+e.card, "cannot reach the shop")
	for _, kind := range []string{"401", "500", "503", "429", "cut_after_write"} {
		fault("whatsapp", kind, 1)
		require.NoError(e.t, c.Speak(e.t.Context(), fake.Utterance{Text: "menu " + e.confession()}))
		e.s.Eventually("the fault has struck", time.Minute, func() error {
			requests, err := e.s.Sandbox().Requests(e.t.Context(), "whatsapp", 0)
			if err != nil {
				return err
			}
			if last := requests[len(requests)-1]; last.Fault == kind || len(requests) > 1 && requests[len(requests)-2].Fault == kind {
				return nil
			}
			return fmt.Errorf("not yet")
		})
	}
}

// badRequests knocks at every door with the canary in hand.
func (e *errand) badRequests() {
	e.t.Helper()
	admin := "Bearer " + e.s.Endpoints().AdminKey
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"` + e.phone + `","changes":[{"value":{"contacts":[{"profile":{"name":"` + e.name +
		`"},"wa_id":"` + e.phone + `"}],"messages":[{"from":"` + e.phone + `","id":"wamid.1","type":"text","text":{"body":"` + e.card + `"}}]}}]}]}`)
	person := url.PathEscape(e.name)
	for _, r := range []struct {
		method, path string
		body         []byte
		header       []string
	}{
		{http.MethodPost, "/hooks/whatsapp/demo", body, []string{"X-Hub-Signature-256", "sha256=" + strings.Repeat("0", 64)}},
		{http.MethodPost, "/hooks/whatsapp/demo", body, []string{"X-Hub-Signature-256", e.card}},
		{http.MethodPost, "/hooks/whatsapp/" + person, body, nil},
		{http.MethodPost, "/hooks/" + e.phone + "/demo", body, nil},
		{http.MethodGet, "/hooks/whatsapp/demo?hub.mode=subscribe&hub.verify_token=" + e.card + "&hub.challenge=" + e.phone, nil, nil},
		{http.MethodPost, "/hooks/stripe/demo", body, []string{"Stripe-Signature", "t=1,v1=" + e.card}},
		{http.MethodPost, "/hooks/shopify/demo", body, []string{"X-Shopify-Hmac-Sha256", e.card}},
		{http.MethodGet, "/v1/contacts?name=" + url.QueryEscape(e.name) + "&phone=" + e.phone, nil, []string{"Authorization", admin}},
		{http.MethodGet, "/v1/contacts/" + person, nil, []string{"Authorization", admin}},
		{http.MethodGet, "/v1/conversations?cursor=" + e.card, nil, []string{"Authorization", admin}},
		{http.MethodGet, "/v1/effects/" + e.phone, nil, []string{"Authorization", admin}},
		{http.MethodGet, "/v1/conversations", nil, []string{"Authorization", "Bearer " + e.card}},
		{http.MethodPut, "/v1/connections/" + person, []byte(`{"connector":"` + e.card + `","` + e.phone + `":"` + e.name + `"}`), []string{"Authorization", admin}},
		{http.MethodPut, "/v1/flows/canary", []byte("name: " + e.name + "\n" + e.card + ": {{ " + e.phone), []string{"Authorization", admin, "Content-Type", "application/yaml"}},
		{http.MethodPost, "/v1/conversations/" + e.phone + "/take", []byte(`{"agent":"` + e.name + `"}`), []string{"Authorization", admin}},
		{http.MethodGet, "/" + person + "/" + e.card, nil, nil},
	} {
		status, raw := e.call(r.method, r.path, r.body, r.header...)
		require.True(e.t, status >= 400 && status < 500 || r.method == http.MethodGet && status == http.StatusOK, "%s %s: %d %s", r.method, r.path, status, raw)
	}
}

// metrics keeps what the API and the parts that show any have counted.
func (e *errand) metrics() {
	e.t.Helper()
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		status, raw := e.call(http.MethodGet, path, nil)
		require.Equal(e.t, http.StatusOK, status, path)
		e.answers.Write(raw)
	}
}
