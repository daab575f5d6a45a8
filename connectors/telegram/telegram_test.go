package telegram

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

const (
	testToken  = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
	testSecret = "s3cret-token"
)

func connect(t testing.TB, base string) *connection {
	raw, err := json.Marshal(Config{BaseURL: base, Token: testToken, WebhookSecret: testSecret + ", older"})
	require.NoError(t, err)
	conn, err := Connector.Open(raw, sdk.Host{})
	require.NoError(t, err)
	return conn.(*connection)
}

var sends = map[string]struct {
	content sdk.Content
	method  string
	body    string
}{
	"text":     {sdk.Content{Text: "*Hi* <you> & me_too_"}, "sendMessage", `{"chat_id":42,"text":"<b>Hi</b> &lt;you&gt; &amp; me_too_","parse_mode":"HTML"}`},
	"buttons":  {sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: "a", Label: "A"}}}, "sendMessage", `{"chat_id":42,"text":"T","parse_mode":"HTML","reply_markup":{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}}`},
	"link":     {sdk.Content{Text: "T", Link: &sdk.Link{URL: "https://pay.example", Label: "Pay"}}, "sendMessage", `{"chat_id":42,"text":"T","parse_mode":"HTML","reply_markup":{"inline_keyboard":[[{"text":"Pay","url":"https://pay.example"}]]}}`},
	"image":    {sdk.Content{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a", Caption: "_C_"}}, "sendPhoto", `{"chat_id":42,"photo":"https://cdn.example/a","parse_mode":"HTML","caption":"<i>C</i>"}`},
	"video":    {sdk.Content{Media: &sdk.Media{Kind: "video", ID: "v"}}, "sendVideo", `{"chat_id":42,"video":"v"}`},
	"audio":    {sdk.Content{Media: &sdk.Media{Kind: "audio", ID: "v"}}, "sendAudio", `{"chat_id":42,"audio":"v"}`},
	"document": {sdk.Content{Media: &sdk.Media{Kind: "document", ID: "v"}}, "sendDocument", `{"chat_id":42,"document":"v"}`},
	"sticker":  {sdk.Content{Media: &sdk.Media{Kind: "sticker", ID: "v"}}, "sendSticker", `{"chat_id":42,"sticker":"v"}`},
	"location": {sdk.Content{Location: &sdk.Location{Longitude: 2}}, "sendLocation", `{"chat_id":42,"latitude":0,"longitude":2}`},
	"venue":    {sdk.Content{Location: &sdk.Location{Latitude: 1, Longitude: 2, Name: "HQ"}}, "sendVenue", `{"chat_id":42,"latitude":1,"longitude":2,"title":"HQ","address":"HQ"}`},
	"contact": {sdk.Content{Contact: &sdk.ContactCard{Name: "A; B", Phones: []string{"4412"}, Emails: []string{"a@b.example"}}}, "sendContact",
		`{"chat_id":42,"phone_number":"+4412","first_name":"A; B","vcard":"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\\; B\r\nN:;A\\; B;;;\r\nTEL:+4412\r\nEMAIL:a@b.example\r\nEND:VCARD\r\n"}`},
}

func TestEachContentIsSentByItsMethod(t *testing.T) {
	for name, tc := range sends {
		t.Run(name, func(t *testing.T) {
			method, req, err := encode(sdk.Outgoing{To: sdk.Address{Kind: "user", Value: "42"}, Content: tc.content})
			require.NoError(t, err)
			require.Equal(t, tc.method, method)
			require.JSONEq(t, tc.body, string(sdk.JSONBody(req)))
		})
	}
}

func TestWhatTelegramCannotCarryIsRefusedBeforeItLeaves(t *testing.T) {
	user := sdk.Address{Kind: "user", Value: "42"}
	for name, out := range map[string]sdk.Outgoing{
		"nobody":        {Content: sdk.Content{Text: "T"}},
		"a phone":       {To: sdk.Address{Kind: "phone", Value: "42"}, Content: sdk.Content{Text: "T"}},
		"a group":       {To: sdk.Address{Kind: "user", Value: "-42"}, Content: sdk.Content{Text: "T"}},
		"nothing":       {To: user},
		"two parts":     {To: user, Content: sdk.Content{Text: "T", Location: &sdk.Location{}}},
		"a header":      {To: user, Content: sdk.Content{Text: "T", Header: "H"}},
		"cards":         {To: user, Content: sdk.Content{Cards: []sdk.Card{{Title: "T"}}}},
		"too long":      {To: user, Content: sdk.Content{Text: strings.Repeat("a", 4097)}},
		"a long id":     {To: user, Content: sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: strings.Repeat("é", 33), Label: "L"}}}},
		"a file's path": {To: user, Content: sdk.Content{Media: &sdk.Media{Kind: "image", URL: "file:///etc/passwd"}}},
	} {
		_, _, err := encode(out)
		require.Error(t, err, name)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
}

func TestMarksBecomeHTML(t *testing.T) {
	for in, want := range map[string]string{
		"*a* _b_":           "<b>a</b> <i>b</i>",
		"snake_case_name":   "snake_case_name",
		"2*3*4":             "2*3*4",
		"* not bold *":      "* not bold *",
		"*a\nb*":            "*a\nb*",
		"(*a*)":             "(<b>a</b>)",
		"*<script>*":        "<b>&lt;script&gt;</b>",
		"https://x.y/a_b_c": "https://x.y/a_b_c",
	} {
		require.Equal(t, want, markup(in), in)
	}
}

func TestAnswersAreClassed(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  sdk.Class
		code   string
		retry  time.Duration
	}{
		"token":       {401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, sdk.Auth, "401", 0},
		"blocked":     {403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, sdk.Rejected, "blocked", 0},
		"forbidden":   {403, `{"ok":false,"error_code":403,"description":"Forbidden: x"}`, sdk.Rejected, "403", 0},
		"no chat":     {400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, sdk.NotFound, "chat_not_found", 0},
		"bad":         {400, `{"ok":false,"error_code":400,"description":"Bad Request: 5550001"}`, sdk.Invalid, "400", 0},
		"throttled":   {429, `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":7}}`, sdk.Throttled, "429", 7 * time.Second},
		"failing":     {502, `<html>`, sdk.Unavailable, "502", 0},
		"no answer":   {200, `<html>`, sdk.Unavailable, "", 0},
		"no success":  {200, `{"ok":false}`, sdk.Unavailable, "", 0},
		"wrong shape": {200, `{"ok":true,"result":"x"}`, sdk.Unavailable, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			_, err := connect(t, srv.URL).Send(t.Context(), sdk.Outgoing{To: sdk.Address{Kind: "user", Value: "42"}, Content: sdk.Content{Text: "T"}})
			e := sdk.AsError(err)
			require.Equal(t, []any{tc.class, tc.code, tc.retry}, []any{e.Class, e.Code, e.RetryAfter})
			require.Equal(t, tc.class != sdk.Throttled, e.Wrote)
			require.NotContains(t, err.Error(), testToken)
			require.NotContains(t, err.Error(), "5550001")
		})
	}
}

func TestTheWebhooksSecret(t *testing.T) {
	c := connect(t, "http://127.0.0.1")
	verify := func(secret string) error {
		return c.Verify(sdk.WebhookRequest{Header: http.Header{secretHeader: {secret}}}, time.Now())
	}
	require.NoError(t, verify(testSecret))
	require.NoError(t, verify("older"), "during a rotation")
	for _, wrong := range []string{"", "s3cret", testSecret + "x", "other"} {
		err := verify(wrong)
		require.Error(t, err)
		require.NotContains(t, err.Error(), testSecret)
	}
}

func TestUpdatesAreUnderstood(t *testing.T) {
	const who = `"from":{"id":42,"is_bot":false,"first_name":"Ann","last_name":"B","username":"annb"},"chat":{"id":42,"type":"private"},"date":1700000000,"message_id":7`
	ann := []sdk.Address{{Kind: "user", Value: "42"}, {Kind: "username", Value: "annb"}}
	c := connect(t, "http://127.0.0.1")
	for name, tc := range map[string]struct {
		update string
		want   sdk.Incoming
	}{
		"text":       {`"message":{` + who + `,"text":"hi"}`, sdk.Incoming{ID: "42:7", Text: "hi"}},
		"deep link":  {`"message":{` + who + `,"text":"/start promo-7"}`, sdk.Incoming{ID: "42:7", Text: "/start", Ref: "promo-7"}},
		"quote":      {`"message":{` + who + `,"text":"hi","reply_to_message":{"message_id":3}}`, sdk.Incoming{ID: "42:7", Text: "hi", ReplyTo: "42:3"}},
		"photo":      {`"message":{` + who + `,"photo":[{"file_id":"s"},{"file_id":"l"}],"caption":"C","media_group_id":"1"}`, sdk.Incoming{ID: "42:7", Text: "C", Media: &sdk.Media{Kind: "image", ID: "l", Caption: "C"}}},
		"voice":      {`"message":{` + who + `,"voice":{"file_id":"v","mime_type":"audio/ogg"}}`, sdk.Incoming{ID: "42:7", Media: &sdk.Media{Kind: "audio", ID: "v", MIME: "audio/ogg"}}},
		"location":   {`"message":{` + who + `,"location":{"latitude":1.5,"longitude":2}}`, sdk.Incoming{ID: "42:7", Location: &sdk.Location{Latitude: 1.5, Longitude: 2}}},
		"own number": {`"message":{` + who + `,"contact":{"phone_number":"+44 12","first_name":"Ann","user_id":42}}`, sdk.Incoming{ID: "42:7", Contact: &sdk.ContactCard{Name: "Ann", Phones: []string{"4412"}}}},
		"dice":       {`"message":{` + who + `,"dice":{"value":3}}`, sdk.Incoming{ID: "42:7", Unsupported: "message"}},
		"tap": {`"callback_query":{"id":"q","data":"b","from":{"id":42,"first_name":"Ann","last_name":"B","username":"annb"},"message":{"message_id":3,"chat":{"id":42,"type":"private"},"reply_markup":{"inline_keyboard":[[{"text":"Buy","callback_data":"b"}]]}}}`,
			sdk.Incoming{ID: "tap:9", Text: "Buy", Tap: "b", ReplyTo: "42:3"}},
		"reaction": {`"message_reaction":{"chat":{"id":42,"type":"private"},"message_id":3,"date":1700000000,"user":{"id":42,"first_name":"Ann","last_name":"B","username":"annb"},"new_reaction":[{"type":"emoji","emoji":"👍"}]}`,
			sdk.Incoming{ID: "reaction:9", Text: "👍", Reaction: "👍", ReplyTo: "42:3"}},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := c.Parse(sdk.WebhookRequest{Body: []byte(`{"update_id":9,` + tc.update + `}`)})
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.Equal(t, "9", events[0].ID)
			tc.want.Name, tc.want.From = "Ann B", ann
			if name == "own number" {
				tc.want.From = append(slices.Clone(ann), sdk.Address{Kind: "phone", Value: "4412"})
			}
			require.Equal(t, tc.want, *events[0].Message)
		})
	}
	for name, update := range map[string]string{
		"edit":           `"edited_message":{` + who + `,"text":"hi"}`,
		"group":          `"message":{"from":{"id":42},"chat":{"id":-1,"type":"group"},"message_id":7,"text":"hi"}`,
		"bot":            `"message":{"from":{"id":42,"is_bot":true},"chat":{"id":42,"type":"private"},"message_id":7,"text":"hi"}`,
		"blocked":        `"my_chat_member":{}`,
		"reaction taken": `"message_reaction":{"chat":{"id":42,"type":"private"},"user":{"id":42},"new_reaction":[]}`,
		"news":           `"something_new":{}`,
	} {
		events, err := c.Parse(sdk.WebhookRequest{Body: []byte(`{"update_id":9,` + update + `}`)})
		require.NoError(t, err, name)
		require.Equal(t, sdk.EventIgnored, events[0].Kind, name)
	}
	for _, body := range []string{``, `[]`, `{"message":{}}`, `{"update_id":"x"}`} {
		_, err := c.Parse(sdk.WebhookRequest{Body: []byte(body)})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"update_id":9,"message":{"from":{"id":42},"chat":{"id":42,"type":"private"},"text":"hi"}}`))
	c := connect(f, "http://127.0.0.1")
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := c.Parse(sdk.WebhookRequest{Body: body})
		if err == nil {
			require.Len(t, events, 1)
			require.NotEmpty(t, events[0].ID)
		}
		c.Answer(sdk.WebhookRequest{Body: body})
	})
}

func TestATapIsAnswered(t *testing.T) {
	c := connect(t, "http://127.0.0.1")
	kind, body := c.Answer(sdk.WebhookRequest{Body: []byte(`{"update_id":9,"callback_query":{"id":"q","data":"b"}}`)})
	require.Equal(t, "application/json", kind)
	require.JSONEq(t, `{"method":"answerCallbackQuery","callback_query_id":"q"}`, string(body))
	kind, _ = c.Answer(sdk.WebhookRequest{Body: []byte(`{"update_id":9,"message":{"text":"hi"}}`)})
	require.Empty(t, kind)
}

// botAPI is the description of the Bot API: methods and types with their fields.
type botAPI struct {
	Methods, Types map[string]struct {
		Fields []struct {
			Name     string
			Types    []string
			Required bool
		}
	}
}

// check holds a value to a method's or type's fields.
func (a botAPI) check(in map[string]any, name string, of string) error {
	described, ok := a.Methods[name]
	if of == "type" {
		described, ok = a.Types[name]
	}
	if !ok {
		return fmt.Errorf("there is no %s %s", of, name)
	}
	known := map[string]bool{"method": of == "method"}
	for _, f := range described.Fields {
		known[f.Name] = true
		v, has := in[f.Name]
		if f.Required && !has {
			return fmt.Errorf("%s.%s is missing", name, f.Name)
		}
		if has && !slices.ContainsFunc(f.Types, func(typ string) bool { return a.is(v, typ) == nil }) {
			return fmt.Errorf("%s.%s is none of %v", name, f.Name, f.Types)
		}
	}
	for field := range in {
		if !known[field] {
			return fmt.Errorf("%s has no %s", name, field)
		}
	}
	return nil
}

func (a botAPI) is(v any, typ string) error {
	if rest, ok := strings.CutPrefix(typ, "Array of "); ok {
		list, isList := v.([]any)
		for _, e := range list {
			if err := a.is(e, rest); err != nil {
				return err
			}
		}
		if isList {
			return nil
		}
	}
	ok := false
	switch typ {
	case "String":
		_, ok = v.(string)
	case "Boolean":
		_, ok = v.(bool)
	case "Float":
		_, ok = v.(float64)
	case "Integer":
		n, number := v.(float64)
		ok = number && n == float64(int64(n))
	default:
		if m, object := v.(map[string]any); object {
			return a.check(m, typ, "type")
		}
	}
	if !ok {
		return errors.New("not " + typ)
	}
	return nil
}

func TestEachRequestIsOneOfTheBotAPI(t *testing.T) {
	if os.Getenv("PARLEY_SPECS") == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with the description of the Bot API")
	}
	raw, err := os.ReadFile(filepath.Join(os.Getenv("PARLEY_SPECS"), "telegram", "api.json"))
	require.NoError(t, err)
	var api botAPI
	require.NoError(t, json.Unmarshal(raw, &api))
	valid := func(method string, body any) error {
		var v map[string]any
		require.NoError(t, json.Unmarshal(sdk.JSONBody(body), &v))
		return api.check(v, method, "method")
	}
	for name, tc := range sends {
		method, req, err := encode(sdk.Outgoing{To: sdk.Address{Kind: "user", Value: "42"}, Content: tc.content})
		require.NoError(t, err)
		require.NoError(t, valid(method, req), name)
	}
	require.NoError(t, valid("setWebhook", setWebhook{"https://parley.example", testSecret, updates}))
	require.NoError(t, valid("answerCallbackQuery", answerCallback{"answerCallbackQuery", "q"}))
	require.NoError(t, valid("getFile", map[string]any{"file_id": "f"}))
	require.Error(t, valid("sendMessage", map[string]any{"chat_id": 42, "text": "T", "no_such": 1}), "the check finds what is wrong")
	require.Error(t, valid("sendMessage", map[string]any{"chat_id": 42}))
	require.Error(t, valid("sendMessage", map[string]any{"chat_id": 42, "text": "T", "reply_markup": map[string]any{"inline_keyboard": [][]any{{map[string]any{"data": "x"}}}}}))
}
