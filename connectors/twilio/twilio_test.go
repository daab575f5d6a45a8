package twilio

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

const (
	testAccount = "AC00000000000000000000000000000001"
	testToken   = "the-auth-token"
	testHook    = "https://parley.example/hooks/twilio/demo"
)

func connect(t testing.TB, base string, change func(*Config)) *connection {
	c := Config{BaseURL: base, AccountSID: testAccount, AuthToken: testToken, WebhookSecret: testToken + ",older", From: "+15005550006", MMS: true}
	if change != nil {
		change(&c)
	}
	raw, err := json.Marshal(c)
	require.NoError(t, err)
	conn, err := Connector.Open(raw, sdk.Host{Hook: testHook})
	require.NoError(t, err)
	return conn.(*connection)
}

func onWhatsApp(c *Config) { c.Channel = "whatsapp" }

var customer = sdk.Address{Kind: "phone", Value: "15550001111"}

const demoContent = "HX00000000000000000000000000000001"

var sends = map[string]struct {
	change  func(*Config)
	content sdk.Content
	want    url.Values
}{
	"text": {nil, sdk.Content{Text: "Hi"}, url.Values{"From": {"+15005550006"}, "To": {"+15550001111"}, "Body": {"Hi"}}},
	"service": {func(c *Config) { c.From, c.MessagingServiceSID = "", "MG00000000000000000000000000000001" }, sdk.Content{Text: "Hi"},
		url.Values{"MessagingServiceSid": {"MG00000000000000000000000000000001"}, "To": {"+15550001111"}, "Body": {"Hi"}}},
	"picture": {nil, sdk.Content{Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a", Caption: "C"}},
		url.Values{"From": {"+15005550006"}, "To": {"+15550001111"}, "Body": {"C"}, "MediaUrl": {"https://cdn.example/a"}}},
	"WhatsApp": {onWhatsApp, sdk.Content{Text: "Hi"}, url.Values{"From": {"whatsapp:+15005550006"}, "To": {"whatsapp:+15550001111"}, "Body": {"Hi"}}},
	"approved": {onWhatsApp, sdk.Content{Template: &sdk.Template{Name: demoContent, Language: "en", Params: []string{"Ann"}}},
		url.Values{"From": {"whatsapp:+15005550006"}, "To": {"whatsapp:+15550001111"}, "ContentSid": {demoContent}, "ContentVariables": {`{"1":"Ann"}`}}},
}

func TestEachContentHasItsForm(t *testing.T) {
	for name, tc := range sends {
		got, err := connect(t, "http://127.0.0.1", tc.change).encode(sdk.Outgoing{Key: "k-1", To: customer, Content: tc.content})
		require.NoError(t, err, name)
		require.Equal(t, testHook+"?key=k-1", got.Get("StatusCallback"), name)
		got.Del("StatusCallback")
		require.Equal(t, tc.want, got, name)
	}
}

func TestEachFormIsOneOfTwilios(t *testing.T) {
	if os.Getenv("PARLEY_SPECS") == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Twilio's OpenAPI document")
	}
	raw, err := os.ReadFile(filepath.Join(os.Getenv("PARLEY_SPECS"), "twilio", "twilio_api_v2010.json"))
	require.NoError(t, err)
	var doc struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct {
					Content map[string]struct {
						Schema struct {
							Required   []string
							Properties map[string]struct {
								Type, Format, Pattern string
							}
						}
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	valid := func(path string, form url.Values) {
		schema := doc.Paths["/2010-04-01/Accounts/{AccountSid}"+path].Post.RequestBody.Content["application/x-www-form-urlencoded"].Schema
		require.NotEmpty(t, schema.Properties, path)
		for _, name := range schema.Required {
			require.Contains(t, form, name)
		}
		for name, values := range form {
			p, known := schema.Properties[name]
			require.True(t, known, "%s has no %s", path, name)
			require.True(t, p.Type == "array" || len(values) == 1, name)
			for _, v := range values {
				require.Regexp(t, regexp.MustCompile(p.Pattern), v, name)
				if p.Format == "uri" {
					u, err := url.Parse(v)
					require.NoError(t, err)
					require.True(t, u.IsAbs(), name)
				}
			}
		}
	}
	for _, tc := range sends {
		form, err := connect(t, "http://127.0.0.1", tc.change).encode(sdk.Outgoing{Key: "k-1", To: customer, Content: tc.content})
		require.NoError(t, err)
		valid("/Messages.json", form)
	}
	valid("/IncomingPhoneNumbers/{Sid}.json", url.Values{"SmsUrl": {testHook}, "SmsMethod": {"POST"}, "VoiceUrl": {testHook}, "VoiceMethod": {"POST"}})
}

func TestWhatCannotBeCarriedIsRefusedBeforeItLeaves(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		out    sdk.Outgoing
	}{
		"nobody":         {nil, sdk.Outgoing{Content: sdk.Content{Text: "T"}}},
		"a user":         {nil, sdk.Outgoing{To: sdk.Address{Kind: "user", Value: "15550001111"}, Content: sdk.Content{Text: "T"}}},
		"nothing":        {nil, sdk.Outgoing{To: customer}},
		"choices":        {nil, sdk.Outgoing{To: customer, Content: sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: "a", Label: "A"}}}}},
		"a template":     {nil, sdk.Outgoing{To: customer, Content: sdk.Content{Template: &sdk.Template{Name: demoContent, Language: "en"}}}},
		"a name for SID": {onWhatsApp, sdk.Outgoing{To: customer, Content: sdk.Content{Template: &sdk.Template{Name: "hello", Language: "en"}}}},
		"too long":       {nil, sdk.Outgoing{To: customer, Content: sdk.Content{Text: strings.Repeat("a", 1601)}}},
		"a video":        {nil, sdk.Outgoing{To: customer, Content: sdk.Content{Media: &sdk.Media{Kind: "video", URL: "https://x.example"}}}},
		"no MMS":         {func(c *Config) { c.MMS = false }, sdk.Outgoing{To: customer, Content: sdk.Content{Media: &sdk.Media{Kind: "image", URL: "https://x.example"}}}},
		"a file's path":  {nil, sdk.Outgoing{To: customer, Content: sdk.Content{Media: &sdk.Media{Kind: "image", URL: "file:///etc/passwd"}}}},
	} {
		_, err := connect(t, "http://127.0.0.1", tc.change).encode(tc.out)
		require.Error(t, err, name)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
}

// The vectors are those of Twilio's own library.
func TestSignaturesAreTwilios(t *testing.T) {
	c := connect(t, "http://127.0.0.1", func(c *Config) { c.WebhookSecret = "12345" })
	form := url.Values{"Digits": {"1234"}, "CallSid": {"CA1234567890ABCDE"}, "To": {"+18005551212"}, "Caller": {"+14158675309"},
		"From": {"+14158675309"}, "ReasonConferenceEnded": {"test"}, "Reason": {"Participant"}}
	good := sdk.WebhookRequest{URL: "http://mycompany.com/myapp.php?foo=1&bar=2", Body: []byte(form.Encode()),
		Header: http.Header{signatureHeader: {"n2xBNyzSW7rfYStDtOFiFMv7qNo="}}}
	require.NoError(t, c.Verify(good, time.Now()))
	withPort := good
	withPort.URL = "http://mycompany.com:80/myapp.php?foo=1&bar=2"
	require.NoError(t, c.Verify(withPort, time.Now()))
	jsonBody := sdk.WebhookRequest{Body: []byte(`{"property": "value", "boolean": true}`), Header: http.Header{signatureHeader: {"a9nBmqA0ju/hNViExpshrM61xv4="}},
		URL: "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"}
	require.NoError(t, c.Verify(jsonBody, time.Now()))

	for name, change := range map[string]func(*sdk.WebhookRequest){
		"another body":    func(r *sdk.WebhookRequest) { r.Body = append([]byte("x=1&"), r.Body...) },
		"another address": func(r *sdk.WebhookRequest) { r.URL += "&x=1" },
		"no signature":    func(r *sdk.WebhookRequest) { r.Header = http.Header{} },
		"not base64":      func(r *sdk.WebhookRequest) { r.Header = http.Header{signatureHeader: {"?"}} },
	} {
		for _, req := range []sdk.WebhookRequest{good, jsonBody} {
			change(&req)
			err := c.Verify(req, time.Now())
			require.Error(t, err, name)
			require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), "12345")
		}
	}
}

func hook(t *testing.T, c *connection, address string, params ...string) []sdk.Event {
	form := url.Values{"AccountSid": {testAccount}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	req := sdk.WebhookRequest{URL: address, Body: []byte(form.Encode()), Header: http.Header{}}
	req.Header.Set(signatureHeader, base64.StdEncoding.EncodeToString(sign("older", address+joined(form))))
	require.NoError(t, c.Verify(req, time.Now()), "the second secret of a rotation")
	events, err := c.Parse(req)
	require.NoError(t, err)
	return events
}

func TestMessagesAreUnderstood(t *testing.T) {
	c := connect(t, "http://127.0.0.1", nil)
	for name, tc := range map[string]struct {
		params []string
		want   sdk.Incoming
	}{
		"text":     {[]string{"Body", "hi"}, sdk.Incoming{Text: "hi"}},
		"picture":  {[]string{"Body", "C", "NumMedia", "1", "MediaUrl0", "https://m", "MediaContentType0", "image/jpeg"}, sdk.Incoming{Text: "C", Media: &sdk.Media{Kind: "image", URL: "https://m", MIME: "image/jpeg", Caption: "C"}}},
		"card":     {[]string{"MediaUrl0", "https://m", "MediaContentType0", "text/vcard"}, sdk.Incoming{Media: &sdk.Media{Kind: "document", URL: "https://m", MIME: "text/vcard"}}},
		"location": {[]string{"Latitude", "1.5", "Longitude", "2", "Label", "HQ"}, sdk.Incoming{Location: &sdk.Location{Latitude: 1.5, Longitude: 2, Name: "HQ"}}},
		"button":   {[]string{"Body", "Yes", "ButtonPayload", "yes", "ButtonText", "Yes"}, sdk.Incoming{Text: "Yes", Tap: "yes"}},
		"opt-out":  {[]string{"Body", "ARRET", "OptOutType", "STOP"}, sdk.Incoming{Text: "STOP"}},
		"help":     {[]string{"Body", "AIDE", "OptOutType", "HELP"}, sdk.Incoming{Text: "AIDE"}},
		"nothing":  {nil, sdk.Incoming{Unsupported: "message"}},
	} {
		got := hook(t, c, testHook, append(tc.params, "MessageSid", "SM1", "SmsStatus", "received", "From", "+15550001111")...)
		tc.want.ID, tc.want.From = "SM1", []sdk.Address{customer}
		require.Equal(t, []sdk.Event{{ID: "SM1", Kind: sdk.EventMessage, Type: "message", Message: &tc.want}}, got, name)
	}
	several := hook(t, c, testHook, "MessageSid", "MM1", "From", "whatsapp:+15550001111", "MediaUrl0", "https://a", "MediaUrl1", "https://b")
	require.Equal(t, []string{"MM1", "MM1:1"}, []string{several[0].ID, several[1].ID})
	require.Equal(t, []sdk.Address{customer}, several[1].Message.From)
}

func TestStatusesCarryOurKey(t *testing.T) {
	c := connect(t, "http://127.0.0.1", nil)
	for status, want := range map[string]sdk.MessageStatus{"sent": sdk.StatusSent, "delivered": sdk.StatusDelivered, "read": sdk.StatusRead,
		"failed": sdk.StatusFailed, "undelivered": sdk.StatusFailed} {
		ev := hook(t, c, testHook+"?key=k-1", "MessageSid", "SM1", "MessageStatus", status, "ErrorCode", "30003")[0]
		require.Equal(t, []any{"SM1:" + status, want, "k-1", "SM1"}, []any{ev.ID, ev.Status.Status, ev.Status.EffectKey, ev.Status.MessageID})
		require.Equal(t, want == sdk.StatusFailed, ev.Status.Error != nil)
	}
	for _, status := range []string{"queued", "sending", "something-new"} {
		require.Equal(t, sdk.EventIgnored, hook(t, c, testHook, "MessageSid", "SM1", "MessageStatus", status)[0].Kind)
	}
}

func TestACallIsDeclinedAndAnsweredByAMessage(t *testing.T) {
	c := connect(t, "http://127.0.0.1", func(c *Config) { c.MissedCallText = "Chat: https://wa.me/1" })
	call := []string{"CallSid", "CA1", "CallStatus", "ringing", "Direction", "inbound", "From", "+15550001111"}
	ev := hook(t, c, testHook, call...)[0]
	require.Equal(t, sdk.Incoming{ID: "CA1", From: []sdk.Address{customer}, Reply: &sdk.Content{Text: "Chat: https://wa.me/1"}}, *ev.Message)
	kind, body := c.Answer(sdk.WebhookRequest{Body: []byte("AccountSid=AC1&CallSid=CA1")})
	require.Equal(t, "text/xml", kind)
	require.Contains(t, string(body), "<Reject")

	for name, change := range map[string][]string{"hidden": {"From", "anonymous"}, "ended": {"CallStatus", "completed"}, "ours": {"Direction", "outbound-api"}} {
		require.Equal(t, sdk.EventIgnored, hook(t, c, testHook, append(call, change...)...)[0].Kind, name)
	}
	require.Equal(t, sdk.EventIgnored, hook(t, connect(t, "http://127.0.0.1", nil), testHook, call...)[0].Kind, "no text is set")

	_, body = c.Answer(sdk.WebhookRequest{Body: []byte("AccountSid=AC1&MessageSid=SM1&Body=hi")})
	require.Contains(t, string(body), "<Response/>")
	kind, _ = c.Answer(sdk.WebhookRequest{Body: []byte("AccountSid=AC1&MessageSid=SM1&MessageStatus=sent")})
	require.Empty(t, kind)
}

func TestAnswersAreClassed(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  sdk.Class
		code   string
	}{
		"token":     {401, `{"code":20003,"message":"` + testToken + `"}`, sdk.Auth, "20003"},
		"opted out": {400, `{"code":21610,"message":"+15550001111"}`, sdk.Rejected, "21610"},
		"window":    {400, `{"code":63016}`, sdk.Rejected, whatsAppChannel.WindowClosedCode},
		"number":    {400, `{"code":21211}`, sdk.Invalid, "21211"},
		"unknown":   {400, `{"code":21999}`, sdk.Invalid, "21999"},
		"throttled": {429, `{"code":20429}`, sdk.Throttled, "20429"},
		"full":      {400, `{"code":21611}`, sdk.Throttled, "21611"},
		"missing":   {404, `{"code":20404}`, sdk.NotFound, "20404"},
		"failing":   {503, `<html>`, sdk.Unavailable, "503"},
		"no SID":    {201, `{}`, sdk.Unavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			_, err := connect(t, srv.URL, nil).Send(t.Context(), sdk.Outgoing{To: customer, Content: sdk.Content{Text: "T"}})
			e := sdk.AsError(err)
			require.Equal(t, []any{tc.class, tc.code}, []any{e.Class, e.Code})
			require.Equal(t, tc.class == sdk.Throttled, e.RetryAfter > 0 && !e.Wrote)
			require.NotContains(t, err.Error(), testToken)
			require.NotContains(t, err.Error(), "15550001111")
		})
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, config := range map[string]string{
		"nothing":         `{}`,
		"no token":        `{"account_sid":"` + testAccount + `","from":"+1555"}`,
		"no sender":       `{"account_sid":"` + testAccount + `","auth_token":"t"}`,
		"a wrong SID":     `{"account_sid":"AC1","auth_token":"t","from":"+1555"}`,
		"a wrong service": `{"account_sid":"` + testAccount + `","auth_token":"t","messaging_service_sid":"MG1"}`,
		"a wrong key":     `{"account_sid":"` + testAccount + `","auth_token":"t","from":"+1555","api_key":"x"}`,
		"a wrong channel": `{"webhook_secret":"s","channel":"fax"}`,
		"calls elsewhere": `{"webhook_secret":"s","channel":"whatsapp","missed_call_text":"T"}`,
		"a bad address":   `{"webhook_secret":"s","base_url":"ftp://x"}`,
		"unknown":         `{"webhook_secret":"s","x":1}`,
	} {
		_, err := Connector.Open(json.RawMessage(config), sdk.Host{})
		require.Error(t, err, name)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AccountSid=AC1&MessageSid=SM1&Body=hi&From=%2B15550001111")
	f.Add("AccountSid=AC1&CallSid=CA1")
	c := connect(f, "http://127.0.0.1", nil)
	f.Fuzz(func(t *testing.T, body string) {
		req := sdk.WebhookRequest{URL: testHook, Body: []byte(body)}
		events, err := c.Parse(req)
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		}
		for _, e := range events {
			require.NotEmpty(t, e.ID)
		}
		c.Answer(req)
	})
}
