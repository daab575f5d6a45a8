package api

import (
	"context"
	"html/template"
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
)

// Consents takes back people who were sent to a provider to authorise a connection.
type Consents interface {
	// Finish keeps the tokens for which the code stands, and uses the state up. An
	// empty code means that the person or the provider refused. A state that is none
	// of ours, has expired or was used is problem.Forbidden.
	Finish(ctx context.Context, state, code string) error
}

// callback is the answer of an authorization server (RFC 6749, sections 4.1.2 and
// 4.1.2.1), for the document.
type callback struct {
	State string `query:"state" json:"-" description:"What was given to the provider; it authenticates the request."`
	Code  string `query:"code" json:"-" description:"The authorization code, if the person consented."`
	Error string `query:"error" json:"-" description:"Why there is no code."`
}

// consentRoutes are for people's browsers: the state stands for a key.
func (s *server) consentRoutes() []route {
	return []route{{method: http.MethodGet, path: "/oauth/callback", id: "finishAuthorization", tag: "connections", status: http.StatusOK, failed: http.StatusBadRequest,
		summary: "Takes back a person who has authorised a connection at its provider, and shows how it went.",
		in:      reflect.TypeFor[callback](), outType: "text/html", serve: s.finishConsent}}
}

var consentPage = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1><p>{{.Text}}</p></body></html>
`))

type consentOutcome struct{ Title, Text string }

func (s *server) finishConsent(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.o.Timeout)
	defer cancel()
	q := c.Request.URL.Query()
	err := s.o.Consents.Finish(ctx, q.Get("state"), q.Get("code"))
	status, page := http.StatusOK, consentOutcome{"The connection is authorised", "You can close this page."}
	if err != nil {
		p := problemOf(err)
		status, page = http.StatusBadRequest, consentOutcome{"The connection is not authorised", p.Detail}
		if p.Type == problem.Internal.Type() || p.Type == problem.Late.Type() {
			page.Text = "Something failed on our side. Begin the authorisation again."
			s.o.Log.ErrorContext(ctx, "an authorisation could not be finished", "request_id", requestIDOf(c.Request), "error", p.Cause)
		}
	}
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	_ = consentPage.Execute(c.Writer, page) // a browser that has gone away needs no page
}
