package api

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/problem"
)

// Principal is who a request comes from.
type Principal struct {
	Workspace uuid.UUID
	KeyID     uuid.UUID
	// Scopes are "{resource}:read" and "{resource}:write"; "*" is all of them.
	Scopes []string
}

// May tells whether the principal has the scope.
func (p Principal) May(scope string) bool {
	return slices.Contains(p.Scopes, scope) || slices.Contains(p.Scopes, "*")
}

// Actor names the principal in the audit trail.
func (p Principal) Actor() string { return "key/" + p.KeyID.String() }

// ErrUnknownKey is what [Keys] answers for a key that does not exist or was revoked.
var ErrUnknownKey = errors.New("api: no such API key")

// Keys knows the API keys.
type Keys interface {
	// Authenticate finds the key by its hash. One that does not exist or was
	// revoked is ErrUnknownKey; any other error means that it cannot be told.
	Authenticate(ctx context.Context, key string) (Principal, error)
	// Workspace returns the name of a key's workspace.
	Workspace(ctx context.Context, ws uuid.UUID) (string, error)
}

// WorkspaceHeader is a request header in which a program may name the workspace
// that it means. A key of another one is then refused, so that the wrong key in
// the environment changes nothing.
const WorkspaceHeader = "Parley-Workspace"

// maxKey bounds what is hashed, in bytes.
const maxKey = 256

// authenticate finds the request's principal and checks the scope. The challenges
// are those of RFC 6750, section 3.
func (s *server) authenticate(c *gin.Context, scope string) (Principal, error) {
	scheme, key, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		c.Header("WWW-Authenticate", `Bearer realm="parley"`)
		return Principal{}, problem.Unauthorized.New("Send the header Authorization: Bearer KEY.")
	}
	unknown := func() (Principal, error) {
		c.Header("WWW-Authenticate", `Bearer realm="parley", error="invalid_token"`)
		return Principal{}, problem.Unauthorized.New("The API key does not exist or was revoked.")
	}
	if len(key) > maxKey {
		return unknown()
	}
	p, err := s.o.Keys.Authenticate(c.Request.Context(), key)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return unknown()
	case err != nil:
		out := problem.Unavailable.New("API keys cannot be checked at the moment; try again.")
		out.RetryAfter, out.Cause = 2*time.Second, err
		return Principal{}, out
	case !p.May(scope):
		c.Header("WWW-Authenticate", `Bearer realm="parley", error="insufficient_scope", scope="`+scope+`"`)
		return Principal{}, problem.Forbidden.New("The API key lacks the scope " + scope + ".")
	}
	return p, s.meant(c, p)
}

// meant holds the workspace of the key against [WorkspaceHeader], if that was sent.
func (s *server) meant(c *gin.Context, p Principal) error {
	name := c.GetHeader(WorkspaceHeader)
	if name == "" {
		return nil
	}
	have, err := s.o.Keys.Workspace(c.Request.Context(), p.Workspace)
	switch {
	case err != nil:
		out := problem.Unavailable.New("The workspace cannot be checked at the moment; try again.")
		out.RetryAfter, out.Cause = 2*time.Second, err
		return out
	case have != name:
		return problem.Forbidden.New("The API key belongs to another workspace than the header " + WorkspaceHeader + " names.")
	}
	return nil
}

// plainHeaders are for answers that are data: no page may frame or run them, and
// nothing keeps a copy.
func plainHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if c.Request.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
