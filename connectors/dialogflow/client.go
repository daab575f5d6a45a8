package dialogflow

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

	"cloud.google.com/go/dialogflow/cx/apiv3/cxpb"
	"golang.org/x/oauth2"
	"google.golang.org/protobuf/types/known/structpb"

	"parley/connectors/sdk"
)

// carrier is what Google's library calls by: the connection's own client, with a
// token. Its errors are *sdk.Error, of answers too, so that the library words none.
type carrier struct {
	http   *http.Client
	tokens oauth2.TokenSource
}

// RoundTrip implements [http.RoundTripper].
func (c carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body) // from memory
	if err != nil {
		return nil, unreadable(err)
	}
	token, err := c.tokens.Token() // signed here: nobody is asked
	if err != nil {
		return nil, &sdk.Error{Class: sdk.Auth, Message: "credentials cannot sign a token", Err: err}
	}
	header := req.Header.Clone()
	header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := sdk.Do(req.Context(), c.http, sdk.Request{Method: req.Method, URL: req.URL.String(), Header: header, Body: body})
	if err != nil {
		return nil, err
	}
	if err := responseError(resp); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: resp.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: resp.Header,
		Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)), Request: req}, nil
}

// failed gives the error of the seam that a call of the library ended with. Whatever
// else it says is about an answer that it could not read, which it may quote.
func failed(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return e
	}
	return unreadable(err)
}

func unreadable(err error) *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
		Message: "what answered is not the API of Dialogflow CX: check base_url"}
}

// status is what codes look like (google.rpc.Code).
var status = regexp.MustCompile(`^[A-Z][A-Z_]{1,39}$`)

// responseError classes an answer by its HTTP status and google.rpc.Code ("Error
// model", https://cloud.google.com/apis/design/errors). Messages are never
// repeated: they may quote what was sent.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Error struct {
			Status string `json:"status"`
		} `json:"error"`
	}
	_ = json.Unmarshal(resp.Body, &body) // what is not readable says nothing
	if status.MatchString(body.Error.Status) {
		e.Code = body.Error.Status
	}
	switch e.Code {
	case "FAILED_PRECONDITION":
		e.Class, e.Message = sdk.Rejected, "Dialogflow refuses this in the agent's present state, such as while its flow is not trained"
		return e
	case "ABORTED":
		e.Class = sdk.Unavailable
	}
	switch e.Class {
	case sdk.Auth:
		e.Message = "Google does not accept the service account's key, or the account may not ask this agent"
	case sdk.NotFound:
		e.Message = "Dialogflow has no such agent or environment at this location"
	case sdk.Throttled:
		e.Message = "the project's quota is used up for the moment"
	case sdk.Invalid:
		e.Message = "Dialogflow does not accept the request: check agent and language"
	case sdk.Unavailable:
		e.Message = "Dialogflow failed while it worked on the request"
	}
	return e
}

// question is a text with what goes with it.
type question struct {
	text, session, language string
	parameters              map[string]any
	sentiment               bool
}

// session is the name of a session's resource.
func (c *connection) session(id string) string {
	agent := c.Agent
	if c.Environment != "" {
		agent += "/environments/" + c.Environment
	}
	return agent + "/sessions/" + id
}

func (c *connection) input(q question) (*cxpb.QueryInput, *cxpb.QueryParameters, error) {
	in := &cxpb.QueryInput{LanguageCode: c.languageOf(q.language), Input: &cxpb.QueryInput_Text{Text: &cxpb.TextInput{Text: strings.ToValidUTF8(q.text, "\uFFFD")}}}
	if len(q.parameters) == 0 && !q.sentiment {
		return in, nil, nil
	}
	parameters, err := structpb.NewStruct(q.parameters)
	if err != nil {
		return nil, nil, sdk.Invalidf("parameters must be JSON values under valid names")
	}
	return in, &cxpb.QueryParameters{Parameters: parameters, AnalyzeQueryTextSentiment: q.sentiment}, nil
}

// matches are the agent's intents that a text may be, the most likely first. The
// session's state does not change.
func (c *connection) matches(ctx context.Context, operation string, q question) ([]*cxpb.Match, error) {
	in, parameters, err := c.input(q)
	if err != nil {
		return nil, err
	}
	got, err := c.sessions.MatchIntent(sdk.WithOperation(ctx, operation),
		&cxpb.MatchIntentRequest{Session: c.session(q.session), QueryInput: in, QueryParams: parameters})
	if err != nil {
		return nil, failed(err)
	}
	if len(got.GetMatches()) == 0 {
		return nil, unreadable(nil) // that there is none is a match too: NO_MATCH
	}
	return got.GetMatches(), nil
}

// uuid is what the engine's own identifiers look like, which name nobody.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// sessionID makes a session's ID, of 36 characters at most, of an opaque name. What
// is not is hashed, and what has none gets a session of its own.
func sessionID(session string) string {
	switch {
	case session == "":
		return "p-" + strings.ToLower(rand.Text())
	case uuid.MatchString(session):
		return session
	}
	sum := sha256.Sum256([]byte(session))
	return "p-" + hex.EncodeToString(sum[:16])
}
