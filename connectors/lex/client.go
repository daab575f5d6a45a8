package lex

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/sigv4"
)

// service is the name that requests are signed for.
const service = "lex"

// call makes one signed request about a session and decodes the answer.
func (c *connection) call(ctx context.Context, method, locale, session, path, operation string, body, into any) error {
	r := sdk.Request{Method: method, Operation: operation, Header: http.Header{"Accept": {"application/json"}},
		URL: c.base + "/bots/" + c.BotID + "/botAliases/" + c.BotAliasID + "/botLocales/" + locale + "/sessions/" + url.PathEscape(session) + path}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Body = sdk.JSONBody(body)
	}
	if err := sigv4.Sign(&r, c.credentials, c.Region, service, c.now()); err != nil {
		return err
	}
	resp, err := sdk.Do(ctx, c.http, r)
	if err != nil {
		return err
	}
	if err := responseError(resp); err != nil {
		return err
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return unreadable(err)
	}
	return nil
}

func unreadable(err error) *sdk.Error {
	return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Err: err,
		Message: "what answered is not the runtime of Amazon Lex V2: check base_url"}
}

var sessionForm = regexp.MustCompile(`^[0-9a-zA-Z._:-]{2,100}$`)

// opaque are identifiers that can name nobody: those of the engine are UUIDs.
var opaque = regexp.MustCompile(`^[0-9a-fA-F-]{32,36}$`)

// sessionID makes a session's name of an opaque one. What is not is hashed, and
// what has none gets a session of its own.
func sessionID(session string) string {
	switch {
	case session == "":
		return "parley-" + strings.ToLower(rand.Text())
	case opaque.MatchString(session):
		return session
	}
	sum := sha256.Sum256([]byte(session))
	return "parley-" + hex.EncodeToString(sum[:16])
}

// exception is what codes look like.
var exception = regexp.MustCompile(`^[A-Z][A-Za-z]{2,60}$`)

// responseError classes an answer by the exceptions of the model, whose name stands
// in X-Amzn-Errortype (restJson1, "Operation error serialization"). Messages are
// never repeated: they may quote what was sent.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	_ = json.Unmarshal(resp.Body, &body) // what is not readable says nothing
	for _, name := range []string{resp.Header.Get("X-Amzn-Errortype"), body.Type, body.Code} {
		name, _, _ = strings.Cut(name, ":")
		name = name[strings.LastIndexByte(name, '#')+1:]
		if exception.MatchString(name) {
			e.Code = name
			break
		}
	}
	switch e.Code {
	case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId", "ExpiredTokenException",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "SignatureDoesNotMatch":
		e.Class = sdk.Auth
	case "ThrottlingException", "TooManyRequestsException":
		e.Class, e.Wrote = sdk.Throttled, false
	case "ConflictException":
		// Two requests for one session at once; this one "couldn't be completed".
		e.Class, e.Wrote = sdk.Throttled, false
		if e.RetryAfter == 0 {
			e.RetryAfter = time.Second
		}
		e.Message = "another request is at work on the same session"
		return e
	case "DependencyFailedException":
		e.Class, e.Message = sdk.Unavailable, "something that the bot calls, such as its Lambda function, has failed"
		return e
	}
	switch e.Class {
	case sdk.Auth:
		e.Message = "AWS does not accept the access key, or it may not do this with the bot's alias"
	case sdk.NotFound:
		e.Message = "Lex has no such bot, alias, locale or session in this region"
	case sdk.Throttled:
		e.Message = "Lex asks for fewer requests"
	case sdk.Invalid:
		e.Message = "Lex does not accept the request"
	case sdk.Unavailable:
		e.Message = "Lex failed while it worked on the request"
	}
	return e
}
