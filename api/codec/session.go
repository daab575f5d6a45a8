package codec

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/api/problem"
	"parley/internal/access"
)

const cookieName = "parley_codec"

// session says which key was used to sign in, and until when that holds. Whether
// the key still may read is asked each time, so revoking it ends its sessions.
type session struct {
	Workspace uuid.UUID `json:"w"`
	Key       uuid.UUID `json:"k"`
	Until     time.Time `json:"u"`
}

// seal signs the session with a key of the installation's, so that any process of
// the API can check it.
func (s *server) seal(ctx context.Context, ses session) (string, error) {
	raw, err := json.Marshal(ses)
	if err != nil {
		return "", err
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	sum, err := s.sign(ctx, body)
	return body + "." + sum, err
}

func (s *server) sign(ctx context.Context, body string) (string, error) {
	sum, err := s.o.Vault.Index(ctx, uuid.Nil, "codec.session", body)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

var errSignIn = problem.Unauthorized.New("Sign in at /codec with an API key that has the scope " + Scope + ", or send one as a bearer token.")

// session returns the session of a request's cookie. One that is missing, altered
// or over is errSignIn.
func (s *server) session(c *gin.Context) (session, error) {
	var ses session
	cookie, err := c.Request.Cookie(cookieName)
	if err != nil {
		return ses, errSignIn
	}
	body, sum, _ := strings.Cut(cookie.Value, ".")
	want, err := s.sign(c.Request.Context(), body)
	if err != nil {
		return ses, err
	}
	if !hmac.Equal([]byte(sum), []byte(want)) {
		return ses, errSignIn
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &ses) != nil || !s.o.Now().Before(ses.Until) {
		return ses, errSignIn
	}
	return ses, nil
}

// principal is who asks: by a bearer token, else by the session's cookie.
func (s *server) principal(c *gin.Context) (access.Principal, error) {
	if key := bearer(c); key != "" {
		return s.reader(s.o.Keys.Authenticate(c.Request.Context(), key))
	}
	ses, err := s.session(c)
	if err != nil {
		return access.Principal{}, err
	}
	return s.reader(s.o.Keys.Key(c.Request.Context(), ses.Workspace, ses.Key))
}

// reader lets only those through who may read.
func (s *server) reader(p access.Principal, err error) (access.Principal, error) {
	if errors.Is(err, access.ErrUnknownKey) {
		return p, problem.Unauthorized.New("The API key does not exist or was revoked.")
	}
	if err == nil && !p.May(Scope) {
		return p, problem.Forbidden.New("The API key lacks the scope " + Scope + ".")
	}
	return p, err
}

// setCookie sets the session's cookie; an empty value removes it. It goes to
// pages of the same site only, which Temporal's UI on another port of this host is.
func (s *server) setCookie(c *gin.Context, value string) {
	age := int(sessionLife / time.Second)
	if value == "" {
		age = -1
	}
	http.SetCookie(c.Writer, &http.Cookie{Name: cookieName, Value: value, Path: Path, MaxAge: age,
		HttpOnly: true, Secure: s.o.Secure, SameSite: http.SameSiteLaxMode})
}
