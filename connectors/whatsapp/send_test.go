package whatsapp

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

var phone = sdk.Address{Kind: "phone", Value: "16505551234"}

// sends are one content of each form that WhatsApp carries, with the part of the
// body that depends on it.
var sends = []struct {
	name    string
	content sdk.Content
	body    string
}{
	{"text", sdk.Content{Text: "Hi"}, `"type":"text","text":{"body":"Hi"}`},
	{"text with an address", sdk.Content{Text: "See https://a.example"}, `"type":"text","text":{"body":"See https://a.example","preview_url":true}`},
	{"buttons", sdk.Content{Header: "H", Text: "Sure?", Footer: "F", Choices: []sdk.Choice{{ID: "y", Label: "Yes"}, {ID: "n", Label: "No"}}},
		`"type":"interactive","interactive":{"type":"button","header":{"type":"text","text":"H"},"body":{"text":"Sure?"},"footer":{"text":"F"},
		"action":{"buttons":[{"type":"reply","reply":{"id":"y","title":"Yes"}},{"type":"reply","reply":{"id":"n","title":"No"}}]}}`},
	{"list", sdk.Content{Text: "Which?", ListButton: "Choose", Choices: []sdk.Choice{{ID: "1", Label: "One", Description: "First"}, {ID: "2", Label: "Two"}}},
		`"type":"interactive","interactive":{"type":"list","body":{"text":"Which?"},
		"action":{"button":"Choose","sections":[{"rows":[{"id":"1","title":"One","description":"First"},{"id":"2","title":"Two"}]}]}}`},
	{"link", sdk.Content{Text: "Total 5", Link: &sdk.Link{URL: "https://pay.example/1", Label: "Pay now"}},
		`"type":"interactive","interactive":{"type":"cta_url","body":{"text":"Total 5"},
		"action":{"name":"cta_url","parameters":{"display_text":"Pay now","url":"https://pay.example/1"}}}`},
	{"image by link", sdk.Content{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a.png", Caption: "C"}},
		`"type":"image","image":{"link":"https://cdn.example/a.png","caption":"C"}`},
	{"image by id", sdk.Content{Media: &sdk.Media{Kind: "image", ID: "77", URL: "https://cdn.example/a.png"}}, `"type":"image","image":{"id":"77"}`},
	{"video", sdk.Content{Media: &sdk.Media{Kind: "video", ID: "77"}}, `"type":"video","video":{"id":"77"}`},
	{"audio", sdk.Content{Media: &sdk.Media{Kind: "audio", ID: "77", Filename: "a.ogg"}}, `"type":"audio","audio":{"id":"77"}`},
	{"sticker", sdk.Content{Media: &sdk.Media{Kind: "sticker", ID: "77"}}, `"type":"sticker","sticker":{"id":"77"}`},
	{"document", sdk.Content{Media: &sdk.Media{Kind: "document", URL: "https://cdn.example/a.pdf", Filename: "bill.pdf", Caption: "Your bill"}},
		`"type":"document","document":{"link":"https://cdn.example/a.pdf","filename":"bill.pdf","caption":"Your bill"}`},
	{"contact", sdk.Content{Contact: &sdk.ContactCard{Name: "Ann", Organization: "Corner Coffee", Phones: []string{"4412345"}, Emails: []string{"ann@example.com"}}},
		`"type":"contacts","contacts":[{"name":{"formatted_name":"Ann","first_name":"Ann"},"org":{"company":"Corner Coffee"},"phones":[{"phone":"+4412345","wa_id":"4412345"}],"emails":[{"email":"ann@example.com"}]}]`},
	{"location", sdk.Content{Location: &sdk.Location{Latitude: 37.4847, Longitude: -122.1486, Name: "HQ", Address: "1 Way"}},
		`"type":"location","location":{"latitude":"37.4847","longitude":"-122.1486","name":"HQ","address":"1 Way"}`},
	{"template", sdk.Content{Template: &sdk.Template{Name: "order_paid", Language: "en_US", Params: []string{"A-1", "two\n\tcups"}}},
		`"type":"template","template":{"name":"order_paid","language":{"policy":"deterministic","code":"en_US"},
		"components":[{"type":"body","parameters":[{"type":"text","text":"A-1"},{"type":"text","text":"two cups"}]}]}`},
	{"template without parameters", sdk.Content{Template: &sdk.Template{Name: "hello_world", Language: "en"}},
		`"type":"template","template":{"name":"hello_world","language":{"policy":"deterministic","code":"en"}}`},
}

func TestEachFormOfMessageHasMetasShape(t *testing.T) {
	base, last := answering(t, 200, nil, `{"messaging_product":"whatsapp","contacts":[{"input":"1","wa_id":"1"}],"messages":[{"id":"wamid.X"}]}`)
	conn := connectTo(t, base)
	for _, tc := range sends {
		t.Run(tc.name, func(t *testing.T) {
			r, err := conn.Send(context.Background(), sdk.Outgoing{Key: "eff-1", To: phone, Content: tc.content})
			require.NoError(t, err)
			require.Equal(t, "wamid.X", r.MessageID)
			require.JSONEq(t, `{"messaging_product":"whatsapp","recipient_type":"individual","to":"16505551234",
				"biz_opaque_callback_data":"eff-1",`+tc.body+`}`, string(*last))
		})
	}
}

func TestRecipients(t *testing.T) {
	for name, tc := range map[string]struct {
		to   sdk.Address
		want string
	}{
		"phone":          {phone, `"to":"16505551234"`},
		"phone with +":   {sdk.Address{Kind: "phone", Value: "+16505551234"}, `"to":"16505551234"`},
		"user":           {sdk.Address{Kind: "user", Value: "US.13491208655302741918"}, `"recipient":"US.13491208655302741918"`},
		"parent's user":  {sdk.Address{Kind: "user", Value: "US.ENT.11815799212886844830"}, `"recipient":"US.ENT.11815799212886844830"`},
		"user as phone":  {sdk.Address{Kind: "phone", Value: "US.13491208655302741918"}, ""},
		"phone as user":  {sdk.Address{Kind: "user", Value: "16505551234"}, ""},
		"username":       {sdk.Address{Kind: "username", Value: "sheena"}, ""},
		"nothing":        {sdk.Address{}, ""},
		"written number": {sdk.Address{Kind: "phone", Value: "(650) 555-1234"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := encode(sdk.Outgoing{Key: "k", To: tc.to, Content: sdk.Content{Text: "Hi"}})
			if tc.want == "" {
				require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
				if tc.to.Value != "" {
					require.NotContains(t, err.Error(), tc.to.Value)
				}
				return
			}
			require.NoError(t, err)
			require.Contains(t, string(sdk.JSONBody(m)), tc.want)
		})
	}
}

func TestWhatWhatsAppWouldRefuseNeverLeaves(t *testing.T) {
	base, last := answering(t, 200, nil, `{}`)
	conn := connectTo(t, base)
	yes := []sdk.Choice{{ID: "y", Label: "Yes"}}
	many := func(n int) []sdk.Choice {
		var out []sdk.Choice
		for i := range n {
			out = append(out, sdk.Choice{ID: string(rune('a' + i)), Label: string(rune('a' + i))})
		}
		return out
	}
	long := func(n int) string { return strings.Repeat("é", n) }
	for name, c := range map[string]sdk.Content{
		"empty":                {},
		"text too long":        {Text: long(4097)},
		"header on plain text": {Header: "H", Text: "T"},
		"two parts":            {Text: "T", Media: &sdk.Media{Kind: "image", ID: "1"}},
		"buttons without text": {Choices: yes},
		"buttons on media":     {Media: &sdk.Media{Kind: "image", ID: "1"}, Choices: yes},
		"choices and link":     {Text: "T", Choices: yes, Link: &sdk.Link{URL: "https://a.example", Label: "A"}},
		"four buttons":         {Text: "T", Choices: many(4)},
		"eleven rows":          {Text: "T", Choices: many(11), ListButton: "L"},
		"label too long":       {Text: "T", Choices: []sdk.Choice{{ID: "1", Label: long(21)}}},
		"row too long":         {Text: "T", ListButton: "L", Choices: []sdk.Choice{{ID: "1", Label: long(25)}}},
		"description too long": {Text: "T", ListButton: "L", Choices: []sdk.Choice{{ID: "1", Label: "A", Description: long(73)}}},
		"described button":     {Text: "T", Choices: []sdk.Choice{{ID: "1", Label: "A", Description: "D"}}},
		"list button too long": {Text: "T", ListButton: long(21), Choices: yes},
		"id too long":          {Text: "T", Choices: []sdk.Choice{{ID: long(201), Label: "A"}}},
		"same labels":          {Text: "T", Choices: []sdk.Choice{{ID: "1", Label: "A"}, {ID: "2", Label: "A"}}},
		"no choice id":         {Text: "T", Choices: []sdk.Choice{{Label: "A"}}},
		"body too long":        {Text: long(1025), Choices: yes},
		"header too long":      {Header: long(61), Text: "T", Choices: yes},
		"footer too long":      {Footer: long(61), Text: "T", Choices: yes},
		"caption too long":     {Media: &sdk.Media{Kind: "image", ID: "1", Caption: long(1025)}},
		"caption on audio":     {Media: &sdk.Media{Kind: "audio", ID: "1", Caption: "C"}},
		"media nowhere":        {Media: &sdk.Media{Kind: "image", URL: "file:///etc/passwd"}},
		"media of no kind":     {Media: &sdk.Media{Kind: "hologram", ID: "1"}},
		"link label too long":  {Text: "T", Link: &sdk.Link{URL: "https://a.example", Label: long(21)}},
		"link elsewhere":       {Text: "T", Link: &sdk.Link{URL: "javascript:alert(1)", Label: "A"}},
		"nowhere on earth":     {Location: &sdk.Location{Latitude: 91}},
		"template unnamed":     {Template: &sdk.Template{Language: "en"}},
		"template empty param": {Template: &sdk.Template{Name: "t", Language: "en", Params: []string{" "}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := conn.Send(context.Background(), sdk.Outgoing{Key: "k", To: phone, Content: c})
			e := sdk.AsError(err)
			require.Equal(t, sdk.Invalid, e.Class)
			require.False(t, e.Wrote)
			require.Nil(t, *last)
		})
	}
	_, err := conn.Send(context.Background(), sdk.Outgoing{Key: long(513), To: phone, Content: sdk.Content{Text: "T"}})
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	receiver := openWith(t, Config{WebhookSecret: "s"})
	_, err = receiver.Send(context.Background(), sdk.Outgoing{Key: "k", To: phone, Content: sdk.Content{Text: "T"}})
	require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
}

// hangUp closes each connection after it has read a whole request, or at once.
func hangUp(t *testing.T, afterReading bool) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if afterReading {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestLostAnswersTellWhetherTheRequestLeft(t *testing.T) {
	out := sdk.Outgoing{Key: "k", To: phone, Content: sdk.Content{Text: "Hi"}}

	_, err := connectTo(t, hangUp(t, true)).Send(context.Background(), out)
	e := sdk.AsError(err)
	require.Equal(t, sdk.Unavailable, e.Class)
	require.True(t, e.Wrote, "cut after the write: it may have been sent")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = connectTo(t, "http://"+l.Addr().String()).Send(context.Background(), out)
	e = sdk.AsError(err)
	require.Equal(t, sdk.Unavailable, e.Class)
	require.False(t, e.Wrote, "refused before the write: it was not sent")
	require.NotContains(t, e.Error(), testToken)

	for _, body := range []string{``, `{}`, `{"messages":[]}`, `{"messages":[{}]}`} {
		base, _ := answering(t, 200, nil, body)
		_, err = connectTo(t, base).Send(context.Background(), out)
		e = sdk.AsError(err)
		require.Equal(t, sdk.Unavailable, e.Class)
		require.True(t, e.Wrote, "an answer without an ID leaves it open")
	}
}

func TestSendStopsWhenItIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connectTo(t, "http://graph.example")
		conn.http = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := conn.Send(ctx, sdk.Outgoing{Key: "k", To: phone, Content: sdk.Content{Text: "Hi"}})
			done <- err
		}()
		synctest.Wait()
		cancel()
		require.Equal(t, sdk.Unavailable, sdk.AsError(<-done).Class)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOperations(t *testing.T) {
	run := func(conn *connection, name, input string) (string, error) {
		for _, op := range Connector.Operations {
			if op.Name == name {
				out, err := op.Run(context.Background(), conn, sdk.Call{}, json.RawMessage(input))
				return string(out), err
			}
		}
		t.Fatalf("no operation %s", name)
		return "", nil
	}
	base, last := answering(t, 200, nil, `{"success":true}`)
	out, err := run(connectTo(t, base), "mark_read", `{"message_id":"wamid.A","typing":true}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"success":true}`, out)
	require.JSONEq(t, `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.A","typing_indicator":{"type":"text"}}`, string(*last))

	for _, size := range []string{`"303833"`, `303833`} {
		base, _ = answering(t, 200, nil, `{"url":"https://lookaside.example/1","mime_type":"image/jpeg","sha256":"ab12","file_size":`+size+`,"id":"1","messaging_product":"whatsapp"}`)
		out, err = run(connectTo(t, base), "media_get", `{"id":"1"}`)
		require.NoError(t, err)
		require.JSONEq(t, `{"url":"https://lookaside.example/1","mime":"image/jpeg","sha256":"ab12","size":303833}`, out)
	}
	for name, input := range map[string]string{"mark_read": `{}`, "media_get": `{"id":"../x"}`} {
		_, err = run(connectTo(t, "https://graph.example"), name, input)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
}
