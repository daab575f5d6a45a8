package meta

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

const (
	testSecret = "app-secret-one"
	testToken  = "EAAB-test-token"
)

var testChannel = &sdk.Channel{TextMax: 2000, ButtonsMax: 13, ButtonLabelMax: 20, ChoiceIDMax: 1000, LinkButton: true, LinkLabelMax: 20,
	CardsMax: 10, CardTitleMax: 80, CardSubtitleMax: 80, CardChoicesMax: 3}

func connect(t testing.TB, base string) *Connection {
	c, err := Open(Product{Name: "Messenger", Object: "page", Metadata: true, Channel: testChannel, Attachments: map[string]string{"image": "image", "document": "file"}},
		Account{BaseURL: base, ID: "99", Setting: "page_id", Token: testToken, Secret: testSecret + ", two", VerifyToken: "verify-me"}, sdk.Host{})
	require.NoError(t, err)
	return c
}

var customer = sdk.Address{Kind: "user", Value: "42"}

var sends = map[string]struct {
	out  sdk.Outgoing
	want string
}{
	"text": {sdk.Outgoing{Key: "k-1", Content: sdk.Content{Text: "Hi"}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"text":"Hi","metadata":"parley:k-1"}}`},
	"a person's": {sdk.Outgoing{Agent: true, Content: sdk.Content{Text: "Hi"}},
		`{"recipient":{"id":"42"},"messaging_type":"MESSAGE_TAG","tag":"HUMAN_AGENT","message":{"text":"Hi"}}`},
	"image": {sdk.Outgoing{Content: sdk.Content{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a"}}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"attachment":{"type":"image","payload":{"url":"https://cdn.example/a"}}}}`},
	"document": {sdk.Outgoing{Content: sdk.Content{Media: &sdk.Media{Kind: "document", ID: "7"}}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"attachment":{"type":"file","payload":{"attachment_id":"7"}}}}`},
	"buttons": {sdk.Outgoing{Content: sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: "a", Label: "A"}, {ID: "b", Label: "B"}}}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"attachment":{"type":"template","payload":{"template_type":"button","text":"T","buttons":[{"type":"postback","title":"A","payload":"a"},{"type":"postback","title":"B","payload":"b"}]}}}}`},
	"link": {sdk.Outgoing{Content: sdk.Content{Text: "T", Link: &sdk.Link{URL: "https://pay.example", Label: "Pay"}}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"attachment":{"type":"template","payload":{"template_type":"button","text":"T","buttons":[{"type":"web_url","title":"Pay","url":"https://pay.example"}]}}}}`},
	"quick replies": {sdk.Outgoing{Content: sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: "a", Label: "A"}, {ID: "b", Label: "B"}, {ID: "c", Label: "C"}, {ID: "d", Label: "D"}}}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"text":"T","quick_replies":[{"content_type":"text","title":"A","payload":"a"},{"content_type":"text","title":"B","payload":"b"},{"content_type":"text","title":"C","payload":"c"},{"content_type":"text","title":"D","payload":"d"}]}}`},
	"cards": {sdk.Outgoing{Content: sdk.Content{Cards: []sdk.Card{{Title: "T", Subtitle: "S", ImageURL: "https://cdn.example/i", Choices: []sdk.Choice{{ID: "a", Label: "A"}}, Link: &sdk.Link{URL: "https://shop.example", Label: "See"}}}}},
		`{"recipient":{"id":"42"},"messaging_type":"RESPONSE","message":{"attachment":{"type":"template","payload":{"template_type":"generic","elements":[{"title":"T","subtitle":"S","image_url":"https://cdn.example/i","buttons":[{"type":"postback","title":"A","payload":"a"},{"type":"web_url","title":"See","url":"https://shop.example"}]}]}}}}`},
}

func TestEachContentHasItsShape(t *testing.T) {
	c := connect(t, "http://127.0.0.1")
	for name, tc := range sends {
		tc.out.To = customer
		req, err := c.encode(tc.out)
		require.NoError(t, err, name)
		require.JSONEq(t, tc.want, string(sdk.JSONBody(req)), name)
	}
}

func TestWhatCannotBeCarriedIsRefusedBeforeItLeaves(t *testing.T) {
	c := connect(t, "http://127.0.0.1")
	choices := func(n int) []sdk.Choice {
		var out []sdk.Choice
		for range n {
			out = append(out, sdk.Choice{ID: "a", Label: "A"})
		}
		return out
	}
	for name, out := range map[string]sdk.Outgoing{
		"nobody":          {Content: sdk.Content{Text: "T"}},
		"a phone":         {To: sdk.Address{Kind: "phone", Value: "42"}, Content: sdk.Content{Text: "T"}},
		"nothing":         {To: customer},
		"two parts":       {To: customer, Content: sdk.Content{Text: "T", Media: &sdk.Media{Kind: "image", ID: "1"}}},
		"a caption":       {To: customer, Content: sdk.Content{Media: &sdk.Media{Kind: "image", ID: "1", Caption: "C"}}},
		"a location":      {To: customer, Content: sdk.Content{Location: &sdk.Location{}}},
		"a header":        {To: customer, Content: sdk.Content{Text: "T", Header: "H"}},
		"a sticker":       {To: customer, Content: sdk.Content{Media: &sdk.Media{Kind: "sticker", ID: "1"}}},
		"too long":        {To: customer, Content: sdk.Content{Text: strings.Repeat("a", 2001)}},
		"14 choices":      {To: customer, Content: sdk.Content{Text: "T", Choices: choices(14)}},
		"11 cards":        {To: customer, Content: sdk.Content{Cards: make([]sdk.Card, 11)}},
		"a bare card":     {To: customer, Content: sdk.Content{Cards: []sdk.Card{{Title: "T"}}}},
		"a loaded card":   {To: customer, Content: sdk.Content{Cards: []sdk.Card{{Title: "T", Choices: choices(4)}}}},
		"a long label":    {To: customer, Content: sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: "a", Label: strings.Repeat("a", 21)}}}},
		"a script's link": {To: customer, Content: sdk.Content{Text: "T", Link: &sdk.Link{URL: "javascript:x", Label: "L"}}},
	} {
		_, err := c.encode(out)
		require.Error(t, err, name)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
}

// The requests of Meta's own collections have no part that ours lack: they decode
// into our types without loss.
func TestMetasOwnRequestsFitOurTypes(t *testing.T) {
	if os.Getenv("PARLEY_SPECS") == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Meta's Postman collections")
	}
	known := map[string]bool{"Text Message": true, "Media Message (Photo)": true, "Media Message (GIF)": true, "Quick Replies": true,
		"Button Template": true, "Generic Template": true, "Media Message (Audio or Video)": true}
	tried := 0
	for _, file := range []string{"messenger-platform-api", "instagram-platform-api"} {
		raw, err := os.ReadFile(filepath.Join(os.Getenv("PARLEY_SPECS"), "messenger", file+".postman_collection.json"))
		require.NoError(t, err)
		var doc struct {
			Item []struct {
				Item []struct {
					Name    string
					Request struct{ Body struct{ Raw string } }
				}
			}
		}
		require.NoError(t, json.Unmarshal(raw, &doc))
		for _, folder := range doc.Item {
			for _, item := range folder.Item {
				if !known[item.Name] {
					continue
				}
				tried++
				var s sending
				require.NoError(t, json.Unmarshal([]byte(item.Request.Body.Raw), &s), item.Name)
				var theirs, ours any
				require.NoError(t, json.Unmarshal([]byte(item.Request.Body.Raw), &theirs))
				require.NoError(t, json.Unmarshal(sdk.JSONBody(s), &ours))
				require.Subset(t, leaves("", ours), without(leaves("", theirs), "is_reusable", "quick_replies[].image_url", "default_action", "webview"), item.Name)
			}
		}
	}
	require.GreaterOrEqual(t, tried, 6, "the collections are read")
}

// leaves lists the paths of a JSON value's leaves.
func leaves(at string, v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			out = append(out, leaves(at+"."+k, e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, leaves(at+"[]", e)...)
		}
	default:
		return []string{at}
	}
	return out
}

// without drops what we do not use.
func without(paths []string, parts ...string) []string {
	var out []string
	for _, p := range paths {
		used := true
		for _, part := range parts {
			used = used && !strings.Contains(p, part)
		}
		if used {
			out = append(out, p)
		}
	}
	return out
}

func TestAnswersAreClassed(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  sdk.Class
		code   string
		retry  time.Duration
	}{
		"window":       {400, `{"error":{"code":10,"error_subcode":2018278}}`, sdk.Rejected, WindowClosed, 0},
		"Instagram's":  {400, `{"error":{"code":10,"error_subcode":2534022}}`, sdk.Rejected, WindowClosed, 0},
		"permission":   {403, `{"error":{"code":10}}`, sdk.Auth, "10", 0},
		"token":        {401, `{"error":{"code":190,"message":"` + testToken + `"}}`, sdk.Auth, "190", 0},
		"range":        {403, `{"error":{"code":200}}`, sdk.Auth, "200", 0},
		"throttled":    {400, `{"error":{"code":613}}`, sdk.Throttled, "613", time.Second},
		"app's limit":  {400, `{"error":{"code":4}}`, sdk.Throttled, "4", time.Minute},
		"page's limit": {400, `{"error":{"code":80006}}`, sdk.Throttled, "80006", time.Minute},
		"away":         {400, `{"error":{"code":551}}`, sdk.Rejected, "551", 0},
		"away too":     {400, `{"error":{"code":200,"error_subcode":1545041}}`, sdk.Rejected, "551", 0},
		"nobody":       {400, `{"error":{"code":100,"error_subcode":2018001}}`, sdk.NotFound, "2018001", 0},
		"parameter":    {400, `{"error":{"code":100,"message":"5550001"}}`, sdk.Invalid, "100", 0},
		"failing":      {500, `{"error":{"code":2}}`, sdk.Unavailable, "2", 0},
		"transient":    {400, `{"error":{"code":7777,"is_transient":true}}`, sdk.Unavailable, "7777", 0},
		"unknown":      {400, `{"error":{"code":7777}}`, sdk.Invalid, "7777", 0},
		"no JSON":      {503, `<html>`, sdk.Unavailable, "503", 0},
		"no ID":        {200, `{}`, sdk.Unavailable, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			_, err := connect(t, srv.URL).Send(t.Context(), sdk.Outgoing{To: customer, Content: sdk.Content{Text: "T"}})
			e := sdk.AsError(err)
			require.Equal(t, []any{tc.class, tc.code, tc.retry}, []any{e.Class, e.Code, e.RetryAfter})
			require.NotContains(t, err.Error(), testToken)
			require.NotContains(t, err.Error(), "5550001")
		})
	}
}

func TestSignatureAndHandshake(t *testing.T) {
	c := connect(t, "http://127.0.0.1")
	body := []byte(`{"object":"page"}`)
	signed := func(secret string, body []byte) sdk.WebhookRequest {
		return sdk.WebhookRequest{Body: body, Header: http.Header{SignatureHeader: {"sha256=" + hex.EncodeToString(Sign(secret, body))}}}
	}
	require.NoError(t, c.Verify(signed(testSecret, body), time.Now()))
	require.NoError(t, c.Verify(signed("two", body), time.Now()))
	require.Error(t, c.Verify(signed("three", body), time.Now()))
	altered := signed(testSecret, body)
	altered.Body = append(bytes.Clone(body), ' ')
	require.Error(t, c.Verify(altered, time.Now()))

	const hook = "https://parley.example/hooks/messenger/demo?hub.mode=subscribe&hub.challenge=77&hub.verify_token="
	got, err := c.Handshake(sdk.WebhookRequest{URL: hook + "verify-me"})
	require.NoError(t, err)
	require.Equal(t, "77", got)
	_, err = c.Handshake(sdk.WebhookRequest{URL: hook + "guess"})
	require.Error(t, err)
}

func parse(t *testing.T, events ...string) []sdk.Event {
	got, err := connect(t, "http://127.0.0.1").Parse(sdk.WebhookRequest{Body: []byte(`{"object":"page","entry":[{"id":"99","messaging":[` + strings.Join(events, ",") + `]}]}`)})
	require.NoError(t, err)
	return got
}

const ends = `"sender":{"id":"42"},"recipient":{"id":"99"},"timestamp":1700000000123`

func TestEventsAreUnderstood(t *testing.T) {
	for name, tc := range map[string]struct {
		event string
		want  sdk.Incoming
	}{
		"text":        {`"message":{"mid":"m","text":"hi","reply_to":{"mid":"r"}}`, sdk.Incoming{ID: "m", Text: "hi", ReplyTo: "r"}},
		"quick reply": {`"message":{"mid":"m","text":"Red","quick_reply":{"payload":"red"}}`, sdk.Incoming{ID: "m", Text: "Red", Tap: "red"}},
		"postback":    {`"postback":{"mid":"m","title":"Start","payload":"GO","referral":{"ref":"promo"}}`, sdk.Incoming{ID: "m", Text: "Start", Tap: "GO", Ref: "promo"}},
		"location":    {`"message":{"mid":"m","attachments":[{"type":"location","payload":{"coordinates":{"lat":1.5,"long":2}}}]}`, sdk.Incoming{ID: "m", Location: &sdk.Location{Latitude: 1.5, Longitude: 2}}},
		"file":        {`"message":{"mid":"m","attachments":[{"type":"file","payload":{"url":"https://cdn/x"}}]}`, sdk.Incoming{ID: "m", Media: &sdk.Media{Kind: "document", URL: "https://cdn/x"}}},
		"sticker":     {`"message":{"mid":"m","attachments":[{"type":"image","payload":{"url":"https://cdn/x","sticker_id":369}}]}`, sdk.Incoming{ID: "m", Media: &sdk.Media{Kind: "sticker", URL: "https://cdn/x", ID: "369"}}},
		"story":       {`"message":{"mid":"m","attachments":[{"type":"story_mention","payload":{"url":"https://cdn/x"}}]}`, sdk.Incoming{ID: "m", Unsupported: "attachment"}},
		"ad":          {`"message":{"mid":"m","text":"hi","referral":{"ad_id":"7"}}`, sdk.Incoming{ID: "m", Text: "hi", Ref: "7"}},
	} {
		got := parse(t, `{`+ends+`,`+tc.event+`}`)
		require.Len(t, got, 1, name)
		tc.want.From = []sdk.Address{customer}
		require.Equal(t, tc.want, *got[0].Message, name)
		require.Equal(t, []any{"m", "99", time.UnixMilli(1700000000123).UTC()}, []any{got[0].ID, got[0].Account, got[0].At}, name)
	}
	reaction := parse(t, `{`+ends+`,"reaction":{"mid":"r","action":"react","emoji":"❤"}}`)[0]
	require.Equal(t, []string{"❤", "r"}, []string{reaction.Message.Reaction, reaction.Message.ReplyTo})
	link := parse(t, `{`+ends+`,"referral":{"ref":"promo","source":"SHORTLINK","type":"OPEN_THREAD"}}`)[0]
	require.Equal(t, "promo", link.Message.Ref)
	require.Equal(t, link.ID, parse(t, `{`+ends+`,"referral":{"ref":"promo","source":"SHORTLINK","type":"OPEN_THREAD"}}`)[0].ID, "the same in every delivery")
	two := parse(t, `{`+ends+`,"message":{"mid":"m","text":"C","attachments":[{"type":"image","payload":{"url":"a"}},{"type":"image","payload":{"url":"b"}}]}}`)
	require.Equal(t, []string{"m", "m:1"}, []string{two[0].ID, two[1].ID})
	require.Equal(t, []string{"C", ""}, []string{two[0].Message.Text, two[1].Message.Text})
}

func TestFatesOfMessages(t *testing.T) {
	sent := parse(t, `{`+ends+`,"message":{"mid":"m","is_echo":true,"metadata":"parley:k-1"}}`)[0]
	require.Equal(t, sdk.Status{MessageID: "m", Status: sdk.StatusSent, EffectKey: "k-1"}, *sent.Status)
	delivered := parse(t, `{`+ends+`,"delivery":{"mids":["a","b"],"watermark":1}}`)
	require.Equal(t, []string{"a:delivered", "b:delivered"}, []string{delivered[0].ID, delivered[1].ID})
	read := parse(t, `{`+ends+`,"read":{"mid":"a"}}`)[0]
	require.Equal(t, sdk.Status{MessageID: "a", Status: sdk.StatusRead}, *read.Status)
	for name, event := range map[string]string{
		"another app's echo": `"message":{"mid":"m","is_echo":true,"metadata":"theirs","text":"x"}`,
		"a time":             `"read":{"watermark":1}`,
		"delivered till":     `"delivery":{"watermark":1}`,
		"deleted":            `"message":{"mid":"m","is_deleted":true}`,
		"unreact":            `"reaction":{"mid":"m","action":"unreact"}`,
		"handover":           `"pass_thread_control":{"new_owner_app_id":"1"}`,
		"news":               `"something_new":{}`,
	} {
		require.Equal(t, sdk.EventIgnored, parse(t, `{`+ends+`,`+event+`}`)[0].Kind, name)
	}
}

func TestSeveralEntriesAndWhatIsMalformed(t *testing.T) {
	c := connect(t, "http://127.0.0.1")
	text := `{` + ends + `,"message":{"mid":"m","text":"hi"}}`
	got, err := c.Parse(sdk.WebhookRequest{Body: []byte(`{"object":"page","entry":[{"id":"99","messaging":[` + text + `]},{"id":"98","messaging":[` + text + `],"standby":[` + text + `],"changes":[{}]}]}`)})
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Equal(t, []string{"99", "98"}, []string{got[0].Account, got[1].Account})
	require.Equal(t, sdk.EventIgnored, got[2].Kind, "another app has the thread")
	for _, body := range []string{``, `{}`, `{"object":"instagram"}`, `{"object":"page","entry":[{"messaging":[{"message":{"mid":"m","text":"x"}}]}]}`, `{"object":"page","entry":[{"messaging":[7]}]}`} {
		_, err := c.Parse(sdk.WebhookRequest{Body: []byte(body)})
		require.Error(t, err)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"object":"page","entry":[{"id":"99","messaging":[{` + ends + `,"message":{"mid":"m","text":"hi"}}]}]}`))
	c := connect(f, "http://127.0.0.1")
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := c.Parse(sdk.WebhookRequest{Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		}
		for _, e := range events {
			require.NotEmpty(t, e.ID)
		}
	})
}

func TestAccountsThatCannotWork(t *testing.T) {
	for name, a := range map[string]Account{
		"nothing":          {},
		"no token":         {ID: "1"},
		"no ID":            {Token: "t"},
		"a name for an ID": {ID: "page", Token: "t"},
		"a broken token":   {ID: "1", Token: "t t"},
		"a bad address":    {ID: "1", Token: "t", BaseURL: "ftp://x"},
		"a bad version":    {ID: "1", Token: "t", APIVersion: "23"},
	} {
		_, err := Open(Product{}, a, sdk.Host{})
		require.Error(t, err, name)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
}
