package whatsapp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func hook(field, value string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"419561257915477","changes":[{"field":%q,"value":%s}]}]}`, field, value)
}

// messages wraps message objects, with one sender's profile.
func messages(objects ...string) string {
	return hook("messages", `{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},
		"contacts":[{"profile":{"name":"Sheena Nelson"},"wa_id":"16505551234"}],"messages":[`+strings.Join(objects, ",")+`]}`)
}

func statuses(objects ...string) string {
	return hook("messages", `{"messaging_product":"whatsapp","metadata":{"phone_number_id":"106540352242922"},"statuses":[`+strings.Join(objects, ",")+`]}`)
}

func parse(t testing.TB, body string) []sdk.Event {
	t.Helper()
	events, err := (&connection{}).Parse(sdk.WebhookRequest{Body: []byte(body)})
	require.NoError(t, err)
	return events
}

func TestEachKindOfMessage(t *testing.T) {
	file := func(kind, more string) string {
		return fmt.Sprintf(`"type":%q,%q:{"id":"99","mime_type":"m/t","sha256":"SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI="%s}`, kind, kind, more)
	}
	const digest = "49f227634806293b0995459bc310b593e1400f41591efcf07e9bced335f41942"
	media := func(kind, caption, name string) *sdk.Media {
		return &sdk.Media{Kind: kind, ID: "99", MIME: "m/t", SHA256: digest, Caption: caption, Filename: name}
	}
	for name, tc := range map[string]struct {
		object string
		want   sdk.Incoming
	}{
		"text":       {`"type":"text","text":{"body":"Hi"}`, sdk.Incoming{Text: "Hi"}},
		"quoting":    {`"type":"text","text":{"body":"Hi"},"context":{"id":"wamid.Q","from":"1"}`, sdk.Incoming{Text: "Hi", ReplyTo: "wamid.Q"}},
		"template":   {`"type":"button","button":{"payload":"STOP","text":"Stop"},"context":{"id":"wamid.Q"}`, sdk.Incoming{Text: "Stop", Tap: "STOP", ReplyTo: "wamid.Q"}},
		"button":     {`"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"b1","title":"Yes"}}`, sdk.Incoming{Text: "Yes", Tap: "b1"}},
		"list":       {`"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"r1","title":"Row","description":"D"}}`, sdk.Incoming{Text: "Row", Tap: "r1"}},
		"form":       {`"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{}","body":"Sent","name":"flow"}}`, sdk.Incoming{Text: "Sent", Form: json.RawMessage("{}")}},
		"new reply":  {`"type":"interactive","interactive":{"type":"hologram_reply"}`, sdk.Incoming{Unsupported: "interactive"}},
		"image":      {file("image", `,"caption":"Taj"`), sdk.Incoming{Text: "Taj", Media: media("image", "Taj", "")}},
		"video":      {file("video", ""), sdk.Incoming{Media: media("video", "", "")}},
		"audio":      {file("audio", `,"voice":true`), sdk.Incoming{Media: media("audio", "", "")}},
		"document":   {file("document", `,"filename":"a.pdf"`), sdk.Incoming{Media: media("document", "", "a.pdf")}},
		"sticker":    {file("sticker", `,"animated":false`), sdk.Incoming{Media: media("sticker", "", "")}},
		"location":   {`"type":"location","location":{"latitude":37.4,"longitude":-122.1,"name":"N","address":"A"}`, sdk.Incoming{Location: &sdk.Location{Latitude: 37.4, Longitude: -122.1, Name: "N", Address: "A"}}},
		"contacts":   {`"type":"contacts","contacts":[{"name":{"formatted_name":"X"}}]`, sdk.Incoming{Contact: &sdk.ContactCard{Name: "X"}}},
		"reaction":   {`"type":"reaction","reaction":{"message_id":"wamid.R","emoji":"👍"}`, sdk.Incoming{Text: "👍", ReplyTo: "wamid.R", Reaction: "👍"}},
		"order":      {`"type":"order","order":{"catalog_id":"1","product_items":[]}`, sdk.Incoming{Unsupported: "order"}},
		"unknown":    {`"type":"unsupported","errors":[{"code":131051}]`, sdk.Incoming{Unsupported: "unsupported"}},
		"yet to be":  {`"type":"telepathy"`, sdk.Incoming{Unsupported: "telepathy"}},
		"odd type":   {`"type":"<b>Text 16505551234</b>"`, sdk.Incoming{Unsupported: "unknown"}},
		"empty file": {`"type":"image"`, sdk.Incoming{Unsupported: "image"}},
	} {
		t.Run(name, func(t *testing.T) {
			events := parse(t, messages(`{"from":"16505551234","id":"wamid.A","timestamp":"1749416383",`+tc.object+`}`))
			require.Len(t, events, 1)
			ev := events[0]
			require.Equal(t, sdk.EventMessage, ev.Kind)
			require.Equal(t, "wamid.A", ev.ID)
			require.Equal(t, "106540352242922", ev.Account)
			require.Equal(t, time.Unix(1749416383, 0).UTC(), ev.At)
			tc.want.ID, tc.want.Name = "wamid.A", "Sheena Nelson"
			tc.want.From = []sdk.Address{{Kind: "phone", Value: "16505551234"}}
			require.Equal(t, &tc.want, ev.Message)
		})
	}
}

func TestSendersOfEachAge(t *testing.T) {
	phone, user := sdk.Address{Kind: "phone", Value: "16505551234"}, sdk.Address{Kind: "user", Value: "US.13491208655302741918"}
	parent := sdk.Address{Kind: "user", Value: "US.ENT.11815799212886844830"}
	for name, tc := range map[string]struct {
		contact, from string
		want          []sdk.Address
	}{
		"phone only":          {`{"profile":{"name":"S"},"wa_id":"16505551234"}`, `"from":"16505551234",`, []sdk.Address{phone}},
		"phone and user":      {`{"profile":{"name":"S"},"wa_id":"16505551234","user_id":"US.13491208655302741918"}`, `"from":"16505551234","from_user_id":"US.13491208655302741918",`, []sdk.Address{phone, user}},
		"no phone":            {`{"profile":{"name":"S","username":"sheena"},"user_id":"US.13491208655302741918"}`, `"from_user_id":"US.13491208655302741918",`, []sdk.Address{user, {Kind: "username", Value: "sheena"}}},
		"user in place of it": {`{"profile":{"name":"S"},"user_id":"US.13491208655302741918"}`, `"from":"US.13491208655302741918",`, []sdk.Address{user}},
		"with a parent's":     {`{"profile":{"name":"S"},"user_id":"US.13491208655302741918","parent_user_id":"US.ENT.11815799212886844830"}`, ``, []sdk.Address{user, parent}},
		"two phones":          {`{"profile":{"name":"S"},"wa_id":"16505551235"}`, `"from":"16505551234",`, []sdk.Address{phone, {Kind: "phone", Value: "16505551235"}}},
	} {
		t.Run(name, func(t *testing.T) {
			events := parse(t, hook("messages", `{"metadata":{"phone_number_id":"1"},"contacts":[`+tc.contact+`],
				"messages":[{`+tc.from+`"id":"wamid.A","timestamp":"1","type":"text","text":{"body":"Hi"}}]}`))
			require.Equal(t, tc.want, events[0].Message.From)
			require.Equal(t, "S", events[0].Message.Name)
		})
	}
}

func TestStatuses(t *testing.T) {
	events := parse(t, statuses(
		`{"id":"wamid.A","status":"sent","timestamp":"1750030073","recipient_id":"1","biz_opaque_callback_data":"key-1"}`,
		`{"id":"wamid.A","status":"delivered","timestamp":1750030074,"recipient_id":"1","biz_opaque_callback_data":"key-1","pricing":{"billable":true}}`,
		`{"id":"wamid.A","status":"read","timestamp":"1750030075","recipient_id":"1"}`,
		`{"id":"wamid.B","status":"failed","timestamp":"1750030076","recipient_id":"16505551234","errors":[{"code":131047,"title":"Re-engagement message","message":"to 16505551234"}]}`,
		`{"id":"wamid.C","status":"failed","timestamp":"1750030076","recipient_id":"1"}`,
		`{"id":"wamid.D","status":"played","timestamp":"1750030076","recipient_id":"1"}`))
	require.Len(t, events, 6)
	require.Equal(t, sdk.Event{ID: "wamid.A:sent", Kind: sdk.EventStatus, Type: "statuses.sent", Account: "106540352242922",
		At: time.Unix(1750030073, 0).UTC(), Status: &sdk.Status{MessageID: "wamid.A", Status: sdk.StatusSent, EffectKey: "key-1"}}, events[0])
	require.Equal(t, "wamid.A:delivered", events[1].ID)
	require.Equal(t, time.Unix(1750030074, 0).UTC(), events[1].At)
	require.Equal(t, sdk.StatusRead, events[2].Status.Status)
	failed := events[3].Status
	require.Equal(t, sdk.StatusFailed, failed.Status)
	require.Equal(t, "131047", failed.Error.Code)
	require.Equal(t, sdk.Rejected, failed.Error.Class)
	require.NotContains(t, failed.Error.Error(), "16505551234")
	require.Equal(t, sdk.Rejected, events[4].Status.Error.Class)
	require.Equal(t, sdk.EventIgnored, events[5].Kind)
	require.Equal(t, "statuses.played", events[5].Type)
}

func TestOneRequestHoldsSeveral(t *testing.T) {
	text := func(id, from string) string {
		return `{"from":"` + from + `","id":"` + id + `","timestamp":"1","type":"text","text":{"body":"` + id + `"}}`
	}
	value := func(number, contact, objects string) string {
		return `{"field":"messages","value":{"metadata":{"phone_number_id":"` + number + `"},"contacts":[` + contact + `],"messages":[` + objects + `]}}`
	}
	one := `{"profile":{"name":"One"},"wa_id":"100001"}`
	two := `{"profile":{"name":"Two"},"wa_id":"100002"}`
	events := parse(t, `{"object":"whatsapp_business_account","entry":[
		{"id":"w1","changes":[`+value("n1", two+","+one, text("a", "100001")+","+text("b", "100002"))+`,{"field":"account_update","value":{"event":"X"}}]},
		{"id":"w2","changes":[`+value("n2", "", text("c", "100003"))+`]}]}`)
	require.Len(t, events, 4)
	require.Equal(t, []string{"a", "b", "c"}, []string{events[0].ID, events[1].ID, events[3].ID})
	require.Equal(t, []string{"n1", "n1", "n2"}, []string{events[0].Account, events[1].Account, events[3].Account})
	require.Equal(t, []string{"One", "Two", ""}, []string{events[0].Message.Name, events[1].Message.Name, events[3].Message.Name})
	require.Equal(t, sdk.EventIgnored, events[2].Kind)
	require.Equal(t, "account_update", events[2].Type)
}

func TestWhatIsIgnoredIsNamedAndKnownAgain(t *testing.T) {
	for name, tc := range map[string]struct{ body, kind string }{
		"another field": {hook("message_template_status_update", `{"event":"REJECTED"}`), "message_template_status_update"},
		"a group":       {hook("group_lifecycle_update", `{"metadata":{"phone_number_id":"1"},"groups":[]}`), "group_lifecycle_update"},
		"account error": {hook("messages", `{"errors":[{"code":130429}]}`), "errors"},
		"system":        {messages(`{"from":"1650555","id":"wamid.S","timestamp":"1","type":"system","system":{"type":"user_changed_number","wa_id":"12195555358"}}`), "messages.system"},
		"in a group":    {messages(`{"from":"1650555","group_id":"G","id":"wamid.G","timestamp":"1","type":"text","text":{"body":"x"}}`), "messages.text"},
	} {
		t.Run(name, func(t *testing.T) {
			events := parse(t, tc.body)
			require.Len(t, events, 1)
			require.Equal(t, sdk.EventIgnored, events[0].Kind)
			require.Equal(t, tc.kind, events[0].Type)
			require.NotEmpty(t, events[0].ID)
			require.Equal(t, events, parse(t, tc.body))
		})
	}
	require.NotEqual(t, parse(t, hook("a", `{"x":1}`))[0].ID, parse(t, hook("a", `{"x":2}`))[0].ID)
}

func TestMalformedWebhooksAreInvalid(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":        ``,
		"not JSON":       `{"object":`,
		"an array":       `[]`,
		"another object": `{"object":"page","entry":[]}`,
		"entry":          `{"object":"whatsapp_business_account","entry":{}}`,
		"value":          hook("messages", `"text 16505551234"`),
		"message":        hook("messages", `{"messages":["16505551234"]}`),
		"no message id":  messages(`{"from":"16505551234","timestamp":"1","type":"text"}`),
		"no sender":      hook("messages", `{"messages":[{"id":"wamid.A","timestamp":"1","type":"text"}]}`),
		"time":           messages(`{"from":"16505551234","id":"a","timestamp":"yesterday","type":"text"}`),
		"no status":      statuses(`{"id":"wamid.A"}`),
	} {
		t.Run(name, func(t *testing.T) {
			events, err := (&connection{}).Parse(sdk.WebhookRequest{Body: []byte(body)})
			require.Empty(t, events)
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), "16505551234")
		})
	}
}

func TestMetasOwnExamplesAreUnderstood(t *testing.T) {
	var doc struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct {
					Content map[string]struct {
						Examples map[string]struct{ Value json.RawMessage }
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(metaDocument(t), &doc))
	examples := doc.Paths["/whatsapp/webhooks"].Post.RequestBody.Content["application/json"].Examples
	require.GreaterOrEqual(t, len(examples), 14)
	// Documented at Parse: not a customer's message to us.
	ignoredExamples := map[string]string{"System Message": "messages.system", "Group Create Message": "group_lifecycle_update",
		"Group Settings Update": "group_settings_update", "Group Remove Participants": "group_participants_update"}
	unsupported := map[string]string{"Order Message": "order", "Unsupported Message": "unsupported"}
	for name, ex := range examples {
		t.Run(name, func(t *testing.T) {
			events := parse(t, string(ex.Value))
			require.Len(t, events, 1)
			require.Equal(t, "106540352242922", events[0].Account)
			if kind, ok := ignoredExamples[name]; ok {
				require.Equal(t, sdk.EventIgnored, events[0].Kind)
				require.Equal(t, kind, events[0].Type)
				return
			}
			require.Equal(t, sdk.EventMessage, events[0].Kind)
			m := events[0].Message
			require.Equal(t, []sdk.Address{{Kind: "phone", Value: "16505551234"}}, m.From)
			require.Equal(t, "Sheena Nelson", m.Name)
			require.Equal(t, unsupported[name], m.Unsupported)
			require.True(t, m.Text != "" || m.Media != nil || m.Location != nil || m.Contact != nil || m.Reaction != "" || m.Unsupported != "", "something was read")
			require.False(t, events[0].At.IsZero())
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(messages(`{"from":"16505551234","id":"wamid.A","timestamp":"1","type":"text","text":{"body":"Hi"}}`)))
	f.Add([]byte(messages(`{"from":"16505551234","id":"wamid.A","timestamp":1,"type":"image","image":{"id":"1","sha256":"x"}}`)))
	f.Add([]byte(statuses(`{"id":"wamid.A","status":"failed","timestamp":"1","errors":[{"code":131047}]}`)))
	f.Add([]byte(hook("account_update", `{"event":"X"}`)))
	f.Add([]byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		conn := &connection{}
		events, err := conn.Parse(sdk.WebhookRequest{Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			require.Empty(t, events)
			return
		}
		again, _ := conn.Parse(sdk.WebhookRequest{Body: body})
		require.Equal(t, events, again)
		for _, ev := range events {
			require.NotEmpty(t, ev.ID)
			require.NotEmpty(t, ev.Type)
			require.Equal(t, ev.Kind == sdk.EventMessage, ev.Message != nil)
			require.Equal(t, ev.Kind == sdk.EventStatus, ev.Status != nil)
			if ev.Message != nil {
				require.NotEmpty(t, ev.Message.From)
			}
		}
	})
}
