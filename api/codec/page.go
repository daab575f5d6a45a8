package codec

import (
	"bytes"
	"crypto/rand"
	_ "embed" // the page
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// view is what the page shows.
type view struct {
	Nonce string
	// Until is set for those who are signed in.
	Until    string
	Error    string
	UIOrigin string
	Scope    string
}

// sameOrigin refuses forms that other pages send.
func (s *server) sameOrigin(c *gin.Context) {
	// The UI's page may decode, but not sign anybody in or out.
	if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
		refuse(c, problem.Forbidden.New("Only this server's own page may ask this."))
	}
}

// show is the page at which people sign in and out.
func (s *server) show(c *gin.Context) {
	v := view{}
	ses, err := s.session(c)
	if err == nil {
		if _, err = s.reader(s.o.Keys.Key(c.Request.Context(), ses.Workspace, ses.Key)); err == nil {
			v.Until = ses.Until.UTC().Format("2 January 2006, 15:04 MST")
		}
	}
	if _, refused := errors.AsType[*problem.Problem](err); err != nil && !refused {
		s.fail(c, err)
		return
	}
	s.render(c, http.StatusOK, v)
}

func (s *server) login(c *gin.Context) {
	ctx := c.Request.Context()
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	key := c.PostForm("key")
	if key == "" {
		s.render(c, http.StatusUnprocessableEntity, view{Error: "Enter an API key."})
		return
	}
	p, err := s.reader(s.o.Keys.Authenticate(ctx, key))
	if refused, ok := errors.AsType[*problem.Problem](err); ok {
		s.render(c, refused.Status, view{Error: refused.Detail})
		return
	}
	var value string
	if err == nil {
		value, err = s.seal(ctx, session{Workspace: p.Workspace, Key: p.KeyID, Until: s.o.Now().Add(sessionLife).Truncate(time.Second)})
	}
	if err == nil {
		err = s.o.Trail.Record(ctx, p.Workspace, actor(p), "codec.login", actor(p))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.setCookie(c, value)
	c.Redirect(http.StatusSeeOther, Path)
}

func (s *server) logout(c *gin.Context) {
	s.setCookie(c, "")
	c.Redirect(http.StatusSeeOther, Path)
}

func (s *server) render(c *gin.Context, status int, v view) {
	v.Nonce, v.UIOrigin, v.Scope = rand.Text(), s.o.UIOrigin, Scope
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.Nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Data(status, "text/html; charset=utf-8", out.Bytes())
}
