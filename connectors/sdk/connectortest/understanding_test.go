package connectortest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/mask"
)

// oracle is an engine that asks a provider for an intent, with mistakes.
type oracle struct {
	url     string
	http    *http.Client
	mistake string
}

func (o *oracle) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	question := map[string]any{"text": mask.Text(u.Text).Text, "facts": u.Facts}
	switch o.mistake {
	case "unmasked":
		question["text"] = u.Text
	case "text is cut":
		question["text"] = strings.Split(u.Text, " ")[0]
	case "session":
		question["session"] = u.Session
	case "slow":
		ctx = context.WithoutCancel(ctx)
	}
	resp, err := sdk.Do(ctx, o.http, sdk.Request{Method: http.MethodPost, URL: o.url, Body: sdk.JSONBody(question)})
	if err != nil {
		return sdk.Understanding{}, err
	}
	out := sdk.Understanding{Engine: "oracle"}
	said := string(resp.Body)
	for _, i := range u.Intents {
		if i.Name == said || o.mistake == "not on offer" {
			out.Intent, out.Confidence, out.Entities = said, 0.9, map[string]any{"order_number": "1"}
		}
	}
	switch o.mistake {
	case "too sure":
		out.Confidence = 90
	case "nameless":
		out.Engine = ""
	case "entities of nothing":
		out.Entities = map[string]any{"shoe_size": 44}
	case "a mood of its own":
		out.Sentiment = "grumpy"
	case "deaf":
		out.Intent, out.Entities = "", nil
	}
	return out, nil
}

func oracleSubject(mistake string) Subject {
	return Subject{
		Connector: sdk.Connector{Name: "oracle", Open: func(raw json.RawMessage, host sdk.Host) (any, error) {
			o := &oracle{http: host.HTTP, mistake: mistake}
			return o, json.Unmarshal(raw, &o.url)
		}},
		Fake: fake.Provider{
			New: func(fake.Env) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					if strings.Contains(string(body), "order") {
						_, _ = io.WriteString(w, "order_status")
					}
				})
			},
			Account: func(base string, _ func(string) string) json.RawMessage { return sdk.JSONBody(base) },
		},
	}
}

// TestEachMistakeOfAnEngineIsCaught: an engine with one mistake fails the check that
// is about it.
func TestEachMistakeOfAnEngineIsCaught(t *testing.T) {
	defer func(before time.Duration) { patience = before }(patience)
	patience = 50 * time.Millisecond
	for mistake, check := range map[string]string{
		"": "", "not on offer": "understand/offered", "too sure": "understand/offered", "nameless": "understand/offered",
		"entities of nothing": "understand/offered", "a mood of its own": "understand/offered", "deaf": "understand/offered",
		"unmasked": "understand/masked", "text is cut": "understand/masked", "session": "understand/private", "slow": "understand/deadline",
	} {
		var failed []string
		for _, c := range oracleSubject(mistake).understandingChecks() {
			if len(attempt(t, c.Run)) > 0 {
				failed = append(failed, c.Name)
			}
		}
		if check == "" {
			require.Empty(t, failed)
			continue
		}
		require.Contains(t, failed, check, mistake)
	}
	require.Empty(t, toySubject(flaws{}, "").understandingChecks(), "what is no engine is not asked")
}
