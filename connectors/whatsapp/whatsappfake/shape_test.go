package whatsappfake_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

var readDocument = sync.OnceValues(func() ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(os.Getenv("PARLEY_SPECS"), "whatsapp", "business-messaging-api_v23.0.yaml"))
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(raw)
})

// metaExamples reads the examples of an operation of Meta's OpenAPI document.
func metaExamples(t *testing.T, path string) map[string]any {
	if os.Getenv("PARLEY_SPECS") == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Meta's OpenAPI document")
	}
	js, err := readDocument()
	require.NoError(t, err)
	var doc struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct {
					Content map[string]struct {
						Examples map[string]struct{ Value any }
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(js, &doc))
	out := map[string]any{}
	for name, ex := range doc.Paths[path].Post.RequestBody.Content["application/json"].Examples {
		out[name] = ex.Value
	}
	return out
}

// paths lists where a JSON value has its leaves and of what type they are.
func paths(at string, v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			out = append(out, paths(at+"."+k, e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, paths(at+"[]", e)...)
		}
	default:
		return []string{fmt.Sprintf("%s %T", at, v)}
	}
	slices.Sort(out)
	return out
}

func TestTheFakesWebhooksHaveTheShapeOfMetasExamples(t *testing.T) {
	examples := metaExamples(t, "/whatsapp/webhooks")
	b := newBench(t)
	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	_, err := b.send("1", sdk.Content{Text: "T", Choices: []sdk.Choice{{ID: "b", Label: "B"}}})
	require.NoError(t, err)
	_, err = b.send("2", sdk.Content{Text: "T", ListButton: "L", Choices: []sdk.Choice{{ID: "r", Label: "R", Description: "D"}}})
	require.NoError(t, err)
	for name, u := range map[string]fake.Utterance{
		"Text Message":                     {Text: "hi"},
		"Interactive Button Reply Message": {Tap: "b"},
		"Interactive List Reply Message":   {Tap: "r"},
		"Image Message":                    {File: &sdk.Media{Kind: "image", Caption: "C"}},
		"Location Message":                 {Location: &sdk.Location{Latitude: 1.5, Longitude: 2.5, Name: "N", Address: "A"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, b.say(u))
			all := b.env.Deliveries()
			var body any
			require.NoError(t, json.Unmarshal(all[len(all)-1].Body, &body))
			for _, p := range paths("", examples[name]) {
				if p == ".entry[].changes[].value.messages[].location.url string" {
					continue // "usually only included for business locations"
				}
				require.Contains(t, paths("", body), p)
			}
		})
	}
}

// What Meta shows as a good request is one for the fake too.
func TestTheFakeTakesMetasOwnRequests(t *testing.T) {
	examples := metaExamples(t, "/{Version}/{Phone-Number-ID}/messages")
	b := newBench(t)
	require.NoError(t, b.say(fake.Utterance{Text: "hi"}))
	for _, name := range []string{"Send Text Message", "Send List Message", "Send Reply Button", "Send Location Message",
		"Send Document Message by ID", "Send Image Message by ID", "Send Sample Shipping Confirmation Template"} {
		t.Run(name, func(t *testing.T) {
			ex, ok := examples[name].(map[string]any)
			require.True(t, ok, "the document has no such example")
			ex["to"] = from
			if template, ok := ex["template"].(map[string]any); ok {
				template["name"] = "shipping_confirmation" // the example names none that could exist
			}
			raw, err := json.Marshal(ex)
			require.NoError(t, err)
			status, answer := b.post("Bearer secret-access_token", string(raw))
			require.Equal(t, 200, status, "%+v", answer)
		})
	}
}
