package whatsapp

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

type object = map[string]any

// repair makes Meta's schemas say what they mean. A part of an allOf that closes
// its properties (additionalProperties: false) excludes those of the other parts,
// so that no message at all would be valid: the whole is closed instead.
func repair(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			repair(e)
		}
	case object:
		if parts, ok := v["allOf"].([]any); ok {
			for _, p := range parts {
				if part, ok := p.(object); ok && part["additionalProperties"] == false {
					delete(part, "additionalProperties")
					v["unevaluatedProperties"] = false
				}
			}
		}
		for _, e := range v {
			repair(e)
		}
	}
}

// extend adds what Meta documents elsewhere than in this document.
func extend(schemas object) {
	base := schemas["BaseMessageProperties"].(object)
	properties := base["properties"].(object)
	// "Messages API": biz_opaque_callback_data, 512 characters at most.
	properties["biz_opaque_callback_data"] = object{"type": "string", "maxLength": 512}
	// "Business-scoped user IDs": recipient in the place of to.
	properties["recipient"] = object{"type": "string", "pattern": `^[A-Z]{2}\.`}
	base["required"] = []any{"messaging_product", "recipient_type", "type"}
	base["anyOf"] = []any{object{"required": []any{"to"}}, object{"required": []any{"recipient"}}}
	// "Interactive Call-to-Action URL Button Messages".
	kind := schemas["InteractiveObject"].(object)["properties"].(object)["type"].(object)
	kind["enum"] = append(kind["enum"].([]any), "cta_url")
	action := schemas["ActionObject"].(object)
	action["oneOf"] = append(action["oneOf"].([]any), object{"required": []any{"name", "parameters"}, "properties": object{
		"name": object{"const": "cta_url"},
		"parameters": object{"type": "object", "required": []any{"display_text", "url"}, "additionalProperties": false, "properties": object{
			"display_text": object{"type": "string", "minLength": 1, "maxLength": 20}, "url": object{"type": "string", "pattern": "^https?://"}}},
	}})
}

func messageSchemas(t *testing.T) func(name string) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(metaDocument(t)))
	require.NoError(t, err)
	schemas := doc.(object)["components"].(object)["schemas"].(object)
	repair(schemas)
	extend(schemas)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("https://meta.example/spec.json", object{"components": object{"schemas": schemas}}))
	return func(name string) *jsonschema.Schema {
		s, err := c.Compile("https://meta.example/spec.json#/components/schemas/" + name)
		require.NoError(t, err)
		return s
	}
}

func valid(t *testing.T, s *jsonschema.Schema, body any) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(sdk.JSONBody(body)))
	require.NoError(t, err)
	return s.Validate(v)
}

func TestEachSendIsValidAgainstMetasSchema(t *testing.T) {
	schema := messageSchemas(t)
	names := map[string]string{"text": "TextMessage", "interactive": "InteractiveMessage", "image": "ImageMessage", "video": "VideoMessage",
		"audio": "AudioMessage", "sticker": "StickerMessage", "document": "DocumentMessage", "location": "LocationMessage", "contacts": "ContactsMessage", "template": "TemplateMessage"}
	for _, tc := range sends {
		t.Run(tc.name, func(t *testing.T) {
			for _, to := range []sdk.Address{phone, {Kind: "user", Value: "US.13491208655302741918"}} {
				m, err := encode(sdk.Outgoing{Key: "eff-1", To: to, Content: tc.content})
				require.NoError(t, err)
				s := schema(names[m.Type])
				require.NoError(t, valid(t, s, m))

				var altered object
				require.NoError(t, json.Unmarshal(sdk.JSONBody(m), &altered))
				delete(altered, m.Type)
				require.Error(t, valid(t, s, altered), "the schema is really applied")
			}
		})
	}
	require.NoError(t, valid(t, schema("MarkMessageRequestPayload"), markRequest{MessagingProduct: "whatsapp", Status: "read", MessageID: "wamid.A", Typing: &typing{"text"}}))
}

// The channel's limits are those of the document, where it has them.
func TestChannelLimitsAreTheDocuments(t *testing.T) {
	var doc struct {
		Components struct{ Schemas map[string]any }
	}
	require.NoError(t, json.Unmarshal(metaDocument(t), &doc))
	limit := func(path ...string) int {
		v := doc.Components.Schemas[path[0]]
		for _, p := range path[1:] {
			if list, ok := v.([]any); ok {
				v = list[p[0]-'0']
				continue
			}
			v = v.(object)[p]
		}
		return int(v.(float64))
	}
	list := []string{"ActionObject", "oneOf", "0", "properties"}
	buttons := []string{"ActionObject", "oneOf", "1", "properties", "buttons"}
	row := []string{"SectionObject", "properties", "rows", "items", "properties"}
	at := func(base []string, more ...string) int { return limit(append(append([]string{}, base...), more...)...) }
	require.Equal(t, limit("TextMessage_1", "properties", "body", "maxLength"), channel.TextMax)
	require.Equal(t, limit("BodyObject", "properties", "text", "maxLength"), channel.InteractiveTextMax)
	require.Equal(t, limit("HeaderObject", "properties", "text", "maxLength"), channel.HeaderMax)
	require.Equal(t, limit("FooterObject", "properties", "text", "maxLength"), channel.FooterMax)
	require.Equal(t, at(list, "button", "maxLength"), channel.ListButtonMax)
	require.Equal(t, at(buttons, "maxItems"), channel.ButtonsMax)
	require.Equal(t, at(buttons, "items", "properties", "reply", "properties", "title", "maxLength"), channel.ButtonLabelMax)
	require.Equal(t, limit("SectionObject", "properties", "rows", "maxItems"), channel.RowsMax)
	require.Equal(t, at(row, "title", "maxLength"), channel.RowLabelMax)
	require.Equal(t, at(row, "description", "maxLength"), channel.RowDescriptionMax)
	require.Equal(t, at(row, "id", "maxLength"), channel.ChoiceIDMax)
	require.Equal(t, limit("MediaObject_1", "oneOf", "0", "properties", "caption", "maxLength"), channel.CaptionMax)
}
