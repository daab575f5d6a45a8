package webchat

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"

	"parley/api/problem"
	"parley/connectors/sdk"
)

const (
	// sessionLife is how long a visitor who does not come back is remembered.
	sessionLife = 180 * 24 * time.Hour
	// renewAfter is the age at which a token in use is replaced by a fresh one.
	renewAfter = 24 * time.Hour

	issuer = "parley-webchat"
)

// errSession does not say what is wrong with a token: a visitor cannot mend it,
// and an attacker need not know.
var errSession = errors.New("the session is missing, expired or not of this chat")

// session is who a token speaks for.
type session struct {
	visitor sdk.Address
	issued  time.Time
}

// newVisitor draws an identifier of 128 random bits.
func newVisitor() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// issue signs a token for the visitor: a JWT (RFC 7519) whose audience is the
// account and whose subject is the visitor.
func issue(c Connection, visitor string, now time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   visitor,
		Audience:  jwt.ClaimStrings{c.Account},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(sessionLife)),
	}).SignedString(c.Conn.SigningKeys()[0])
}

// verify returns the session of a token that this account signed with any of
// its keys and that has not expired.
func verify(c Connection, token string, now time.Time) (session, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) {
		var set jwt.VerificationKeySet
		for _, k := range c.Conn.SigningKeys() {
			set.Keys = append(set.Keys, k)
		}
		return set, nil
	},
		// Only our own algorithm: a token must not choose how it is checked
		// (RFC 8725, section 3.1).
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(c.Account),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(time.Minute),
		jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil || claims.Subject == "" || claims.IssuedAt == nil {
		return session{}, errSession
	}
	return session{
		visitor: sdk.Address{Kind: "visitor", Value: claims.Subject},
		issued:  claims.IssuedAt.Time,
	}, nil
}

// renewed returns a fresh token for a session that has aged, else "".
func (s *Server) renewed(c Connection, ses session) string {
	now := s.o.Now()
	if now.Sub(ses.issued) < renewAfter {
		return ""
	}
	token, err := issue(c, ses.visitor.Value, now)
	if err != nil {
		s.o.Log.Error("a web chat session could not be renewed", "error", err)
		return ""
	}
	return token
}

// bearer returns the token of the Authorization header (RFC 6750, section 2.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authenticate returns the request's session, or answers 401.
func (s *Server) authenticate(c *gin.Context, conn Connection) (session, bool) {
	ses, err := verify(conn, bearer(c.Request), s.o.Now())
	if err != nil {
		s.refuse(c, badSession, "The session is missing, expired or not of this chat: ask for a new one.")
		return session{}, false
	}
	return ses, true
}

// postSession gives a visitor a token, or renews the one that it shows.
func (s *Server) postSession(c *gin.Context, conn Connection) {
	if !s.sessions.allow(peer(c)) {
		s.metrics.sessions.WithLabelValues("limited").Inc()
		s.tooMany(c)
		return
	}
	now := s.o.Now()
	visitor, outcome := newVisitor(), "new"
	if ses, err := verify(conn, bearer(c.Request), now); err == nil {
		visitor, outcome = ses.visitor.Value, "renewed"
	}
	token, err := issue(conn, visitor, now)
	if err != nil {
		s.o.Log.Error("a web chat session could not be signed", "error", err)
		s.refuse(c, problem.Internal, "The session could not be made.")
		return
	}
	s.metrics.sessions.WithLabelValues(outcome).Inc()
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"token": token, "expires_at": now.Add(sessionLife).UTC().Format(time.RFC3339)})
}
