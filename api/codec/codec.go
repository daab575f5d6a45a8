// Package codec is Temporal's codec server: it lets the Temporal UI show clear
// text to those who may see it, and records that they looked.
//
// Whoever wants to read signs in at /codec with an API key that has the scope
// codec:read. The session is a signed cookie, since the UI gives tokens to a codec
// server only over HTTPS, while a cookie of the same site also travels on plain
// loopback. Programs such as Temporal's CLI send the key as a bearer token instead.
// Payloads of other workspaces than the key's stay as they are.
package codec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"parley/api/problem"
	"parley/internal/access"
	"parley/internal/observe"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

// Scope is what an API key must have to read clear text.
const Scope = "codec:read"

// Path is where the codec server is; the UI is given it as its codec endpoint.
const Path = "/codec"

const (
	// defaultMaxBody has room for two payloads of the greatest size that Temporal
	// takes, 2 MB, in base64, and for many small ones.
	defaultMaxBody = 8 << 20
	maxForm        = 4 << 10
	sessionLife    = 8 * time.Hour
)

// Keys knows the API keys; [access.Access] does.
type Keys interface {
	// Authenticate returns whose key it is, or access.ErrUnknownKey.
	Authenticate(ctx context.Context, key string) (access.Principal, error)
	// Key returns what a key may do now, or access.ErrUnknownKey.
	Key(ctx context.Context, ws, id uuid.UUID) (access.Principal, error)
}

// Trail keeps who looked at what.
type Trail interface {
	// Record is durable when it returns.
	Record(ctx context.Context, ws uuid.UUID, actor, action string, objects ...string) error
}

// Options of [Register]. Vault, Keys and Trail must be set.
type Options struct {
	Vault *vault.Vault
	Keys  Keys
	Trail Trail
	// UIOrigin is the Temporal UI's, such as http://127.0.0.1:8233: the only page
	// that may ask. Without it nothing but this server's own page may.
	UIOrigin string
	// Secure keeps the session's cookie to HTTPS.
	Secure bool
	// MaxBody bounds a request's body, in bytes; 8 MiB by default.
	MaxBody int64
	Log     *slog.Logger
	// Now replaces the clock in tests.
	Now func() time.Time
}

type server struct {
	o     Options
	codec *codec.Codec
	guard *http.CrossOriginProtection
}

// Register puts the codec server's routes on r. An error means that UIOrigin is
// not an origin.
func Register(r gin.IRouter, o Options) error {
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &server{o: o, codec: codec.ForClient(o.Vault), guard: http.NewCrossOriginProtection()}
	if o.UIOrigin != "" {
		if err := s.guard.AddTrustedOrigin(o.UIOrigin); err != nil {
			return fmt.Errorf("codec: the origin of Temporal's UI: %w", err)
		}
	}
	g := r.Group(Path, headers)
	g.GET("", s.show)
	g.POST("/login", s.sameOrigin, s.login)
	g.POST("/logout", s.sameOrigin, s.logout)
	g.OPTIONS("/decode", s.preflight)
	g.POST("/decode", s.decode)
	return nil
}

func headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

// allow lets the UI's page read the answer (Fetch standard, CORS protocol).
func (s *server) allow(c *gin.Context) {
	c.Header("Vary", "Origin")
	if o := c.GetHeader("Origin"); o != "" && o == s.o.UIOrigin {
		c.Header("Access-Control-Allow-Origin", o)
		c.Header("Access-Control-Allow-Credentials", "true")
	}
}

func (s *server) preflight(c *gin.Context) {
	s.allow(c)
	c.Header("Access-Control-Allow-Methods", "POST")
	c.Header("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization, Authorization-Extras")
	c.Header("Access-Control-Max-Age", "600")
	c.Status(http.StatusNoContent)
}

// decode answers POST /codec/decode: a Payloads message in protobuf's JSON form,
// both ways, as Temporal's UI and CLI speak it.
func (s *server) decode(c *gin.Context) {
	s.allow(c)
	if err := s.guard.Check(c.Request); err != nil {
		refuse(c, problem.Forbidden.New("Only the Temporal UI's own page may ask this."))
		return
	}
	ctx := c.Request.Context()
	p, err := s.principal(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	in, err := s.read(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	out, objects, err := s.open(ctx, p.Workspace, in.GetPayloads())
	if err == nil && len(objects) > 0 {
		// What cannot be recorded is not shown.
		err = s.o.Trail.Record(ctx, p.Workspace, actor(p), "codec.decode", objects...)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: out})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json", body)
}

func actor(p access.Principal) string { return "key/" + p.KeyID.String() }

// read reads the request's payloads. Nothing but JSON is taken: a page of another
// origin cannot send that without being asked whether it may.
func (s *server) read(c *gin.Context) (*commonpb.Payloads, error) {
	if c.ContentType() != "application/json" {
		return nil, problem.MediaType.New("Send application/json.")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, s.o.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem.TooLarge.New(fmt.Sprintf("At most %d bytes are taken.", s.o.MaxBody))
	}
	if err != nil {
		return nil, problem.Malformed.New("The request broke off.")
	}
	in := &commonpb.Payloads{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, in); err != nil {
		return nil, problem.Malformed.New("The body must be payloads in protobuf's JSON form.")
	}
	return in, nil
}

// open opens what belongs to the workspace and tells whose it was. What belongs
// elsewhere or is not ours stays as it is.
func (s *server) open(ctx context.Context, ws uuid.UUID, in []*commonpb.Payload) ([]*commonpb.Payload, []string, error) {
	out := slices.Clone(in)
	objects := map[string]bool{}
	for i, p := range in {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != codec.Encoding {
			continue
		}
		ref, err := s.o.Vault.RefOf(ctx, p.GetData())
		if errors.Is(err, vault.ErrTampered) || err == nil && ref.Workspace != ws {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		opened, err := s.codec.Decode([]*commonpb.Payload{p})
		if errors.Is(err, vault.ErrTampered) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		out[i] = opened[0]
		objects[object(ref)] = true
	}
	return out, slices.Sorted(maps.Keys(objects)), nil
}

// object names what was looked at, for the audit trail.
func object(r vault.Ref) string {
	if r.Contact == uuid.Nil {
		return r.Purpose
	}
	return "contact/" + r.Contact.String() + "/" + r.Purpose
}

// fail answers with the problem. What is no problem of the asker's is logged, and
// can be tried again.
func (s *server) fail(c *gin.Context, err error) {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		s.o.Log.ErrorContext(c.Request.Context(), "payloads could not be shown", "error", observe.ErrText(err))
		p = problem.Unavailable.New("Keys or the audit trail cannot be reached at the moment, so nothing is shown; try again.")
		p.RetryAfter = 2 * time.Second
	}
	refuse(c, p)
}

func refuse(c *gin.Context, p *problem.Problem) {
	problem.Write(c.Writer, p, c.Writer.Header().Get("X-Request-Id"))
	c.Abort()
}

// bearer is the key of a program that sends one.
func bearer(c *gin.Context) string {
	scheme, key, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}
