package oauth

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
	"parley/connectors/sdk"
	"parley/internal/connections"
)

// renewTimeout bounds a renewal, which goes on although its caller has gone: a
// rotated token must not be lost.
const renewTimeout = 30 * time.Second

// Source returns the tokens of a connection, for [connections.Options]. It keeps
// the present one in memory.
func (k *Keeper) Source(f connections.TokenFor) sdk.TokenSource {
	return &source{now: k.now, ask: func(ctx context.Context, refused string) (tokens, error) {
		if f.Connection == uuid.Nil {
			return tokens{}, &sdk.Error{Class: sdk.Auth, Code: NeverAuthorised, Message: "the connection is not stored yet"}
		}
		return k.current(ctx, f, refused)
	}}
}

// Direct returns the tokens of a connection that is stored nowhere, for tools: only
// a connector whose connections authorise themselves can be used so.
func Direct(f connections.TokenFor) sdk.TokenSource {
	return &source{now: time.Now, ask: func(ctx context.Context, _ string) (tokens, error) {
		if f.Connector.OAuth.AuthorizeURL != "" {
			return tokens{}, &sdk.Error{Class: sdk.Auth, Code: NeverAuthorised,
				Message: "a person must authorise connections of this connector: store it (PUT /v1/connections/{name}), authorise it, and use it from there"}
		}
		c, err := newClient(f)
		if err != nil {
			return tokens{}, err
		}
		return c.request(ctx, nil, time.Now())
	}}
}

// source implements [sdk.TokenSource].
type source struct {
	ask func(ctx context.Context, refused string) (tokens, error)
	now func() time.Time

	mu      sync.Mutex
	held    tokens
	refused string
	flight  singleflight.Group
}

// Token implements [sdk.TokenSource]. Of callers in this process one asks.
func (s *source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	held, refused := s.held, s.refused
	s.mu.Unlock()
	if held.fresh(s.now()) {
		return held.Access, nil
	}
	got := s.flight.DoChan(refused, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
		defer cancel()
		t, err := s.ask(ctx, refused)
		if err == nil {
			s.mu.Lock()
			s.held = t
			s.mu.Unlock()
		}
		return t, err
	})
	select {
	case <-ctx.Done():
		return "", &sdk.Error{Class: sdk.Unavailable, Message: "no token came in time", Err: ctx.Err()}
	case r := <-got:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(tokens).Access, nil
	}
}

// Refused implements [sdk.TokenSource].
func (s *source) Refused(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == "" {
		return
	}
	s.refused = token
	if s.held.Access == token {
		s.held = tokens{}
	}
}
