// Package dialogflowfake stands in for Dialogflow CX in development and tests: a
// small agent for orders, with sessions, parameters, scores and sentiment, behind
// signed tokens.
//
// It reads and writes the messages that Google generates of its API, and refuses
// what they do not have. It understands by the words that an utterance shares with
// the training phrases of an intent, so that the same request always gives the same
// answer.
package dialogflowfake

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/dialogflow/cx/apiv3/cxpb"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"parley/connectors/sdk/fake"
)

// agent is the one that it has.
const agent = "projects/parley-sandbox/locations/europe-west2/agents/11111111-1111-4111-8111-111111111111"

var languages = []string{"en", "es"}

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "dialogflow",
	New:       func(env fake.Env) http.Handler { return &server{env: env} },
	Operation: func(r *http.Request, _ []byte) string {
		switch {
		case strings.HasSuffix(r.URL.Path, ":detectIntent"):
			return "detect_intent"
		case strings.HasSuffix(r.URL.Path, ":matchIntent"):
			return "match_intent"
		}
		return ""
	},
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		key := serviceAccount(secret("credentials"))
		return encode(account{BaseURL: baseURL, Agent: agent, Language: strings.Join(languages, ","), Credentials: string(key)})
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL     string `json:"base_url"`
	Agent       string `json:"agent"`
	Language    string `json:"language"`
	Credentials string `json:"credentials"`
}

type server struct{ env fake.Env }

var path = regexp.MustCompile(`^/v3/(projects/[^/]+/locations/[^/]+/agents/[^/]+)(/environments/[^/]+)?/sessions/([^/:]{1,36}):(detectIntent|matchIntent)$`)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := path.FindStringSubmatch(r.URL.Path)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	switch {
	case err != nil:
		fail(w, http.StatusRequestEntityTooLarge, "INVALID_ARGUMENT", "The request is too large.")
	case !s.authorised(r):
		fail(w, http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case r.Method != http.MethodPost || parts == nil || parts[1] != agent:
		fail(w, http.StatusNotFound, "NOT_FOUND", "com.google.apps.framework.request.NotFoundException: Agent not found.")
	case parts[4] == "detectIntent":
		s.detect(w, parts[3], body)
	default:
		s.match(w, parts[3], body)
	}
}

// claims of a self-signed token (AIP-4111).
type claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// authorised lets in a token that is signed by the key of an account of this fake.
func (s *server) authorised(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && slices.ContainsFunc(s.env.Accounts(), func(a fake.Account) bool {
		var conf account
		if json.Unmarshal(a.Config, &conf) != nil {
			return false
		}
		email, public := publicKey(conf.Credentials)
		if public == nil {
			return false
		}
		var c claims
		_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return public, nil }, jwt.WithValidMethods([]string{"RS256"}),
			jwt.WithTimeFunc(s.env.Now), jwt.WithLeeway(time.Minute), jwt.WithExpirationRequired(), jwt.WithIssuer(email), jwt.WithSubject(email))
		return err == nil && (c.Scope == "https://www.googleapis.com/auth/dialogflow" || c.Scope == "https://www.googleapis.com/auth/cloud-platform")
	})
}

// read decodes a request and refuses what its message does not have.
func read(w http.ResponseWriter, body []byte, into proto.Message) bool {
	if err := protojson.Unmarshal(body, into); err != nil {
		fail(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return false
	}
	return true
}

// text is what a query says. Its language must be one of the agent's.
func text(w http.ResponseWriter, in *cxpb.QueryInput) (string, bool) {
	said := in.GetText().GetText()
	switch {
	case strings.TrimSpace(said) == "":
		fail(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Input text not set.")
	case !slices.Contains(languages, in.GetLanguageCode()):
		fail(w, http.StatusBadRequest, "INVALID_ARGUMENT", "The language code is not supported by the agent.")
	default:
		return said, true
	}
	return "", false
}

func answer(w http.ResponseWriter, m proto.Message) {
	raw, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
	if err != nil {
		panic(err) // the messages are ours
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(raw) // a client that has gone away is no concern of the fake
}

// fail answers by Google's error model.
func fail(w http.ResponseWriter, code int, status, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(encode(map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}}))
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("dialogflowfake: an answer must be JSON") // a programming error
	}
	return raw
}
