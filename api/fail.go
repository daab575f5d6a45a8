package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
	"parley/connectors/sdk"
)

// classes maps the connectors' vocabulary, for ports that hand a connector's
// refusal through.
var classes = map[sdk.Class]problem.Kind{
	sdk.Invalid: problem.Invalid, sdk.NotFound: problem.NotFound, sdk.Rejected: problem.Conflict,
	sdk.Throttled: problem.Overload, sdk.Unavailable: problem.Unavailable, sdk.Uncertain: problem.Unavailable,
	sdk.Auth: problem.Invalid,
}

// problemOf words an error for the outside. Ports answer problems themselves
// (problem.NotFound.New(…), problem.Conflict.New(…)); anything else is an internal
// error whose text stays inside.
func problemOf(err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		p := classes[e.Class].New(e.Message)
		p.RetryAfter, p.Cause = e.RetryAfter, err
		return p
	}
	var p *problem.Problem
	if errors.Is(err, context.DeadlineExceeded) {
		p = problem.Late.New("It took longer than requests may take; try again.")
	} else {
		p = problem.Internal.New("The error was logged under this problem's instance.")
	}
	p.Cause = err
	return p
}

// fail answers with the error's problem, and logs what is our own fault.
func (s *server) fail(c *gin.Context, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && c.Request.Context().Err() != context.Canceled {
		s.o.Log.ErrorContext(c.Request.Context(), "a request failed", "method", c.Request.Method, "route", openPath(c.FullPath()),
			"status", p.Status, "request_id", requestIDOf(c.Request), "error", p.Cause)
	}
	problem.Write(c.Writer, p, requestIDOf(c.Request))
	c.Abort()
}

func (s *server) noRoute(c *gin.Context) {
	plainHeaders(c)
	s.fail(c, problem.NotFound.New("There is nothing at this address; /openapi.json lists what there is."))
}

func (s *server) noMethod(c *gin.Context) {
	plainHeaders(c)
	s.fail(c, problem.Method.New("This address does not have the method; the Allow header lists those it has."))
}
