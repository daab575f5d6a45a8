package connectortest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// understandingChecks hold a connection that understands language to what the
// pipelines of bots rely on.
func (s Subject) understandingChecks() []Check {
	conn := s.connType()
	if conn == nil || !conn.Implements(reflect.TypeFor[sdk.Understander]()) {
		return nil
	}
	return []Check{
		{"understand/offered", s.understandsWhatIsOffered}, {"understand/masked", s.masksWhatIsPersonal},
		{"understand/private", s.tellsNothingElse}, {"understand/deadline", s.keepsToItsTime},
	}
}

// orderIntents are an ordinary bot's.
var orderIntents = []sdk.Intent{
	{Name: "order_status", Description: "where a parcel is", Examples: []string{"where is my order"}, Entities: map[string]string{"order_number": "text"}},
	{Name: "refund", Description: "money back", Examples: []string{"refund please"}, Entities: map[string]string{"amount": "number"}},
}

func understand(p *Probe, r *Rig, u sdk.Utterance) sdk.Understanding {
	got, err := r.Conn.(sdk.Understander).Understand(p.Context(), u)
	require.NoError(p, err)
	return got
}

// understandsWhatIsOffered: an intent is one of those on offer or out of scope, its
// entities are that intent's, and how sure the engine is lies between 0 and 1,
// whatever the text and the offer are.
func (s Subject) understandsWhatIsOffered(p *Probe) {
	r := s.Rig(p)
	offers := [][]sdk.Intent{orderIntents, orderIntents[1:], {{Name: "kit_no_such_intent"}}, nil}
	texts := []string{"Where is my order?", "I want a refund", "¿Dónde está mi pedido?", "colourless green ideas", "?", "🙂", strings.Repeat("where is my order ", 200)}
	for _, offered := range offers {
		for _, text := range texts {
			got := understand(p, r, sdk.Utterance{Text: text, Language: "en", Intents: offered, Session: "kit-session"})
			i := slices.IndexFunc(offered, func(in sdk.Intent) bool { return in.Name == got.Intent })
			require.True(p, i >= 0 || got.Intent == "" || got.Intent == sdk.OutOfScope, "%q is understood as %q, which is not on offer", text, got.Intent)
			for name := range got.Entities {
				require.True(p, i >= 0, "%q has the entity %s and no intent", text, name)
				require.Contains(p, offered[i].Entities, name, "%q has an entity that is not its intent's", text)
			}
			for _, score := range []float64{got.Confidence, got.Margin} {
				require.True(p, score >= 0 && score <= 1, "a confidence or margin of %v", score)
			}
			require.Contains(p, []string{"", sdk.Positive, sdk.Neutral, sdk.Negative}, got.Sentiment)
			require.NotEmpty(p, got.Engine, "it is not told who understood it")
		}
	}
	got := understand(p, r, sdk.Utterance{Text: "Where is my order?", Language: "en", Intents: orderIntents, Session: "kit-session"})
	require.Equal(p, "order_status", got.Intent, "the fake's bot must know the kit's intent order_status")
}

// overheard is what leaves for the provider: addresses and bodies. It is safe for
// concurrent use.
type overheard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *overheard) wrap(rt http.RoundTripper) http.RoundTripper {
	return transport(func(req *http.Request) (*http.Response, error) {
		var body []byte
		if req.Body != nil {
			body, _ = io.ReadAll(req.Body) // from memory
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		o.mu.Lock()
		o.text.WriteString(req.URL.String() + "\n" + string(body) + "\n")
		o.mu.Unlock()
		return rt.RoundTrip(req)
	})
}

// said is all that left while an utterance was understood.
func (s Subject) said(p *Probe, u sdk.Utterance) string {
	heard := &overheard{}
	r := s.rigWith(p, options{wrap: heard.wrap})
	understand(p, r, u)
	return heard.text.String()
}

// masksWhatIsPersonal: addresses and numbers of a customer do not leave, unless a
// setting says so.
func (s Subject) masksWhatIsPersonal(p *Probe) {
	sent := s.said(p, sdk.Utterance{Language: "en", Intents: orderIntents,
		Text: "Where is my order 48213? My card 4111 1111 1111 1111, ann@example.com, +91 98765-43210"})
	for _, personal := range []string{"4111 1111", "ann@", "98765", "43210"} {
		require.NotContains(p, sent, personal, "something personal left with the text")
	}
	require.Contains(p, sent, "48213", "what the flow needs, such as an order's number, must leave")
}

// tellsNothingElse: beside the text, what leaves is what the flow has named.
func (s Subject) tellsNothingElse(p *Probe) {
	sent := s.said(p, sdk.Utterance{Text: "Where is my order?", Language: "en", Intents: orderIntents,
		Facts: map[string]string{"plan": "kit-gold"}, Session: "bob@example.com/+15550001111"})
	for _, personal := range []string{"bob@", "bob%40", "15550001111"} {
		require.NotContains(p, sent, personal, "the session leaves as it is, although it is not opaque")
	}
	bare := s.said(p, sdk.Utterance{Text: "Where is my order?", Language: "en", Intents: orderIntents})
	require.NotContains(p, bare, "kit-gold")
}

// keepsToItsTime: who waits for an engine waits no longer than the budget says.
func (s Subject) keepsToItsTime(p *Probe) {
	r := s.rigWith(p, options{timeout: patience + 2*time.Second}) // should it not keep to it
	r.gate.set(&fault{name: fake.FaultTimeout})
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	begun := time.Now()
	_, err := r.Conn.(sdk.Understander).Understand(ctx, sdk.Utterance{Text: "Where is my order?", Language: "en", Intents: orderIntents})
	require.Error(p, err)
	require.Equal(p, sdk.Unavailable, seamError(p, err).Class)
	require.Less(p, time.Since(begun), patience+time.Second, "it returned long after its time was over")
}
