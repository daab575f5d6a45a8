package whatsappfake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/whatsapp"
	"parley/connectors/whatsapp/whatsappfake"
)

const from = "919876543210"

// bench is the connector talking to the fake.
type bench struct {
	t       *testing.T
	env     *fake.Memory
	handler http.Handler
	account fake.Account
	conn    any
	now     time.Time
	seen    int // deliveries looked at
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, env: fake.NewMemory(""), now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	b.env.Clock = func() time.Time { return b.now }
	b.handler = whatsappfake.Provider.New(b.env)
	srv := httptest.NewServer(b.handler)
	t.Cleanup(srv.Close)
	b.env.SetBase(srv.URL)
	b.account = fake.Account{Account: "demo", Hook: "http://parley.example/hooks/whatsapp/demo",
		Config: whatsappfake.Provider.Account(srv.URL, func(name string) string { return "secret-" + name })}
	b.env.SetAccounts(b.account)
	var err error
	b.conn, err = whatsapp.Connector.Open(b.account.Config, sdk.Host{})
	require.NoError(t, err)
	return b
}

func (b *bench) say(u fake.Utterance) error {
	return b.handler.(fake.Messaging).Say(context.Background(), b.account, from, u)
}

func (b *bench) phone() []fake.Shown { return b.handler.(fake.Messaging).Phone(from) }

func (b *bench) send(key string, c sdk.Content) (sdk.Receipt, error) {
	return b.conn.(sdk.Sender).Send(context.Background(), sdk.Outgoing{Key: key, To: sdk.Address{Kind: "phone", Value: from}, Content: c})
}

// events verifies and parses what was delivered since the last look.
func (b *bench) events() []sdk.Event {
	b.t.Helper()
	var out []sdk.Event
	all := b.env.Deliveries()
	for _, d := range all[b.seen:] {
		require.Equal(b.t, b.account.Hook, d.URL)
		req := sdk.WebhookRequest{Method: "POST", URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(b.t, b.conn.(sdk.Receiver).Verify(req, b.now))
		events, err := b.conn.(sdk.Receiver).Parse(req)
		require.NoError(b.t, err)
		for _, ev := range events {
			require.Equal(b.t, b.conn.(sdk.Accounts).AccountIDs()[0], ev.Account)
			require.Equal(b.t, ev.Kind == sdk.EventMessage, d.Order != "", "a customer's messages keep their order, statuses have none")
		}
		out = append(out, events...)
	}
	b.seen = len(all)
	return out
}

func TestAConversation(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.conn.(sdk.Checker).Check(context.Background()))

	require.NoError(t, b.say(fake.Utterance{Text: "hi", Name: "Asha"}))
	in := b.events()
	require.Len(t, in, 1)
	require.Equal(t, "hi", in[0].Message.Text)
	require.Equal(t, "Asha", in[0].Message.Name)
	require.Equal(t, sdk.Address{Kind: "phone", Value: from}, in[0].Message.From[0])
	require.Equal(t, "user", in[0].Message.From[1].Kind)
	require.Equal(t, b.now, in[0].At)

	r, err := b.send("key-1", sdk.Content{Header: "Menu", Text: "Coffee?", Footer: "F", Choices: []sdk.Choice{{ID: "yes", Label: "Yes"}, {ID: "no", Label: "No"}}})
	require.NoError(t, err)
	st := b.events()
	require.Len(t, st, 2)
	for i, want := range []sdk.MessageStatus{sdk.StatusSent, sdk.StatusDelivered} {
		require.Equal(t, &sdk.Status{MessageID: r.MessageID, Status: want, EffectKey: "key-1"}, st[i].Status)
	}

	require.NoError(t, b.say(fake.Utterance{Tap: "yes"}))
	got := b.events()
	require.Len(t, got, 2)
	require.Equal(t, &sdk.Status{MessageID: r.MessageID, Status: sdk.StatusRead, EffectKey: "key-1"}, got[0].Status)
	tap := got[1].Message
	require.Equal(t, []string{"yes", "Yes", r.MessageID, "Asha"}, []string{tap.Tap, tap.Text, tap.ReplyTo, tap.Name})

	shown := b.phone()
	require.Len(t, shown, 3)
	require.Equal(t, []string{"customer", "business", "customer"}, []string{shown[0].From, shown[1].From, shown[2].From})
	require.Equal(t, "key-1", shown[1].Key)
	require.Equal(t, r.MessageID, shown[1].ID)
	require.Equal(t, []string{"Menu", "Coffee?", "F", ""}, []string{shown[1].Header, shown[1].Text, shown[1].Footer, shown[1].ListButton})
	require.Equal(t, []sdk.Choice{{ID: "yes", Label: "Yes"}, {ID: "no", Label: "No"}}, shown[1].Choices)
	require.Less(t, shown[0].Seq, shown[1].Seq)
	require.Empty(t, b.handler.(fake.Messaging).Phone("15550000000"))
}

func TestATapAnswersTheNewestMessageThatOffersIt(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	require.Error(t, b.say(fake.Utterance{Tap: "a"}), "nothing offers it")
	choice := []sdk.Choice{{ID: "a", Label: "A"}}
	_, err := b.send("1", sdk.Content{Text: "old", Choices: choice})
	require.NoError(t, err)
	list, err := b.send("2", sdk.Content{Text: "new", ListButton: "Open", Choices: []sdk.Choice{{ID: "a", Label: "Row A", Description: "D"}}})
	require.NoError(t, err)
	_, err = b.send("3", sdk.Content{Text: "newest, without it"})
	require.NoError(t, err)
	b.events()
	require.NoError(t, b.say(fake.Utterance{Tap: "a"}))
	got := b.events()
	m := got[len(got)-1].Message
	require.Equal(t, []string{"a", "Row A", list.MessageID}, []string{m.Tap, m.Text, m.ReplyTo})
}

func TestTheWindow(t *testing.T) {
	b := newBench(t)
	hi := sdk.Content{Text: "hi"}
	refused := func() {
		t.Helper()
		_, err := b.send("k", hi)
		require.Equal(t, "131047", sdk.AsError(err).Code)
		require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
	}
	refused() // the customer never wrote
	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	b.now = b.now.Add(24 * time.Hour)
	_, err := b.send("k", hi)
	require.NoError(t, err)
	b.now = b.now.Add(time.Second)
	refused()
	_, err = b.send("k", sdk.Content{Template: &sdk.Template{Name: "order_paid", Language: "en", Params: []string{"A-1"}}})
	require.NoError(t, err, "templates go at any time")
	shown := b.phone()
	require.Equal(t, &sdk.Template{Name: "order_paid", Language: "en", Params: []string{"A-1"}}, shown[len(shown)-1].Template)
	require.NoError(t, b.say(fake.Utterance{Text: "again"}))
	_, err = b.send("k", hi)
	require.NoError(t, err)
}

func TestFilesAndPlaces(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.say(fake.Utterance{File: &sdk.Media{Kind: "image", Caption: "My card"}}))
	media := b.events()[0].Message.Media
	require.Equal(t, []string{"image", "image/png", "My card"}, []string{media.Kind, media.MIME, media.Caption})

	var file whatsapp.MediaGetOutput
	for _, op := range whatsapp.Connector.Operations {
		if op.Name == "media_get" {
			raw, err := op.Run(context.Background(), b.conn, sdk.Call{}, json.RawMessage(`{"id":"`+media.ID+`"}`))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(raw, &file))
			_, err = op.Run(context.Background(), b.conn, sdk.Call{}, json.RawMessage(`{"id":"12345"}`))
			require.Equal(t, sdk.NotFound, sdk.AsError(err).Class)
		}
		if op.Name == "mark_read" {
			_, err := op.Run(context.Background(), b.conn, sdk.Call{}, json.RawMessage(`{"message_id":"`+b.phone()[0].ID+`","typing":true}`))
			require.NoError(t, err)
			_, err = op.Run(context.Background(), b.conn, sdk.Call{}, json.RawMessage(`{"message_id":"wamid.other"}`))
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		}
	}
	require.Equal(t, media.SHA256, file.SHA256)
	req, err := http.NewRequest("GET", file.URL, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer x")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	require.Equal(t, file.SHA256, hex.EncodeToString(sum[:]), "the hash is the content's")
	require.EqualValues(t, len(content), file.Size)

	require.NoError(t, b.say(fake.Utterance{Location: &sdk.Location{Latitude: 12.9, Longitude: 77.6, Name: "Home"}}))
	require.Equal(t, &sdk.Location{Latitude: 12.9, Longitude: 77.6, Name: "Home"}, b.events()[0].Message.Location)
	require.NoError(t, b.say(fake.Utterance{Raw: json.RawMessage(`{"type":"order","order":{"catalog_id":"1","product_items":[]}}`)}))
	require.Equal(t, "order", b.events()[0].Message.Unsupported)

	for _, u := range []fake.Utterance{{}, {Raw: json.RawMessage(`{}`)}, {File: &sdk.Media{Kind: "hologram"}}} {
		require.Error(t, b.say(u))
	}
}

func TestACustomerWithoutANumber(t *testing.T) {
	b := newBench(t)
	user := "US.13491208655302741918"
	m := b.handler.(fake.Messaging)
	require.NoError(t, m.Say(context.Background(), b.account, user, fake.Utterance{Text: "hi"}))
	in := b.events()[0].Message
	require.Equal(t, []sdk.Address{{Kind: "user", Value: user}}, in.From)
	_, err := b.conn.(sdk.Sender).Send(context.Background(), sdk.Outgoing{Key: "k", To: in.From[0], Content: sdk.Content{Text: "hello"}})
	require.NoError(t, err)
	require.Equal(t, "hello", m.Phone(user)[1].Text)

	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	got := b.events()
	known := got[len(got)-1].Message.From[1]
	_, err = b.conn.(sdk.Sender).Send(context.Background(), sdk.Outgoing{Key: "k", To: known, Content: sdk.Content{Text: "by your ID"}})
	require.NoError(t, err)
	require.Equal(t, "by your ID", b.phone()[1].Text, "the ID leads to the same phone")
}

// Every form that the connector sends is one that the fake takes and shows.
func TestEveryFormIsTaken(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	for name, c := range map[string]sdk.Content{
		"text":     {Text: strings.Repeat("é", 4096)},
		"link":     {Text: "Total", Link: &sdk.Link{URL: "https://pay.example/1", Label: "Pay"}},
		"image":    {Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a.png", Caption: "C"}},
		"document": {Media: &sdk.Media{Kind: "document", ID: "1", Filename: "a.pdf"}},
		"location": {Location: &sdk.Location{Latitude: 1.5, Longitude: -2, Name: "N", Address: "A"}},
		"list":     {Text: "T", ListButton: "L", Choices: []sdk.Choice{{ID: "1", Label: "A", Description: "D"}, {ID: "2", Label: "B"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := b.send("k", c)
			require.NoError(t, err)
			shown := b.phone()
			last := shown[len(shown)-1]
			require.Equal(t, r.MessageID, last.ID)
			require.Equal(t, c, sdk.Content{Text: last.Text, Link: last.Link, Media: last.Media, Location: last.Location,
				ListButton: last.ListButton, Choices: last.Choices})
		})
	}
}

func TestTheFakeRefusesWhatMetaRefuses(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	long := func(n int) string { return strings.Repeat("x", n) }
	buttons := func(title string, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"type":"reply","reply":{"id":"%d","title":"%s%d"}}`, i, title, i))
		}
		return `"type":"interactive","interactive":{"type":"button","body":{"text":"T"},"action":{"buttons":[` + strings.Join(all, ",") + `]}}`
	}
	for name, tc := range map[string]struct {
		body string
		code int
	}{
		"no recipient":      {`{"messaging_product":"whatsapp","type":"text","text":{"body":"T"}}`, 131008},
		"no product":        {`{"to":"919876543210","type":"text","text":{"body":"T"}}`, 100},
		"unknown field":     {`{"messaging_product":"whatsapp","to":"919876543210","type":"text","text":{"body":"T"},"colour":"red"}`, 100},
		"bad number":        {`{"messaging_product":"whatsapp","to":"abc","type":"text","text":{"body":"T"}}`, 131009},
		"not JSON":          {`{`, 100},
		"no text":           {`"type":"text","text":{"body":""}`, 131008},
		"text too long":     {`"type":"text","text":{"body":"` + long(4097) + `"}`, 100},
		"unknown type":      {`"type":"hologram"`, 131051},
		"four buttons":      {buttons("B", 4), 131009},
		"long button":       {buttons(long(20), 1), 100},
		"same titles":       {strings.ReplaceAll(buttons("B", 2), "B1", "B0"), 131009},
		"link and id":       {`"type":"image","image":{"link":"https://a.example","id":"1"}`, 131009},
		"caption on audio":  {`"type":"audio","audio":{"id":"1","caption":"C"}`, 100},
		"template's name":   {`"type":"template","template":{"name":"No Such","language":{"code":"en"}}`, 132001},
		"template's params": {`"type":"template","template":{"name":"t","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"a\nb"}]}]}`, 132018},
	} {
		t.Run(name, func(t *testing.T) {
			body := tc.body
			if !strings.HasPrefix(body, "{") {
				body = `{"messaging_product":"whatsapp","to":"919876543210",` + body + `}`
			}
			status, answer := b.post("Bearer secret-access_token", body)
			require.Equal(t, 400, status)
			require.Equal(t, tc.code, answer.Error.Code)
		})
	}
	for _, token := range []string{"", "Bearer wrong"} {
		status, answer := b.post(token, `{}`)
		require.Equal(t, 401, status)
		require.Equal(t, 190, answer.Error.Code)
	}
	require.Len(t, b.phone(), 1, "nothing of this was shown")
}

func (b *bench) post(token, body string) (int, struct{ Error struct{ Code int } }) {
	req, err := http.NewRequest("POST", b.env.BaseURL()+"/v23.0/106540352242922/messages", strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Authorization", token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	var answer struct{ Error struct{ Code int } }
	require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&answer))
	return resp.StatusCode, answer
}

func TestThePage(t *testing.T) {
	b := newBench(t)
	do := func(method, path, kind, body string) (int, string) {
		req, err := http.NewRequest(method, b.env.BaseURL()+"/phone/"+from+path+"?account=demo", bytes.NewBufferString(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", kind)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(raw)
	}
	status, page := do("GET", "", "", "")
	require.Equal(t, 200, status)
	require.Contains(t, page, from)
	status, _ = do("POST", "/say", "text/plain", `{"text":"hi"}`)
	require.Equal(t, 415, status, "another site's form cannot speak for the customer")
	status, _ = do("POST", "/say", "application/json", `{"text":"hi"}`)
	require.Equal(t, 204, status)
	require.Equal(t, "hi", b.events()[0].Message.Text)
	status, why := do("POST", "/say", "application/json", `{"tap":"x"}`)
	require.Equal(t, 400, status)
	require.Contains(t, why, "no message")

	r, err := b.send("k", sdk.Content{Text: "hello"})
	require.NoError(t, err)
	b.events()
	_, list := do("GET", "/messages", "", "")
	require.Contains(t, list, r.MessageID)
	require.Equal(t, sdk.StatusRead, b.events()[0].Status.Status, "looking at the chat reads it")

	status, _ = do("POST", "/block", "application/json", `{"blocked":true}`)
	require.Equal(t, 204, status)
	_, err = b.send("k2", sdk.Content{Text: "are you there?"})
	require.NoError(t, err, "Meta accepts it")
	failed := b.events()[0].Status
	require.Equal(t, []string{"failed", "k2", "131026"}, []string{string(failed.Status), failed.EffectKey, failed.Error.Code})
	require.Len(t, b.phone(), 2)
}

func TestOperationNames(t *testing.T) {
	for _, tc := range []struct{ method, path, body, want string }{
		{"POST", "/v23.0/1/messages", `{"type":"text"}`, "send"},
		{"POST", "/v23.0/1/messages", `{"status":"read"}`, "mark_read"},
		{"GET", "/v23.0/1?fields=id", "", "check"},
		{"GET", "/v23.0/9?phone_number_id=1", "", "media_get"},
		{"GET", "/_media/9", "", "media_download"},
		{"GET", "/phone/91?account=demo", "", ""},
		{"POST", "/phone/91/say", "{}", ""},
	} {
		r := httptest.NewRequest(tc.method, tc.path, nil)
		require.Equal(t, tc.want, whatsappfake.Provider.Operation(r, []byte(tc.body)), tc.path)
	}
}
