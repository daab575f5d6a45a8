package webchat

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
)

// The kinds of problem that only the chat has. Their names are part of the API.
var (
	badSession      = problem.Kind{Name: "session", Status: http.StatusUnauthorized, Title: "The session is not valid"}
	badOrigin       = problem.Kind{Name: "origin", Status: http.StatusForbidden, Title: "The page may not use this chat"}
	upgradeRequired = problem.Kind{Name: "upgrade-required", Status: http.StatusUpgradeRequired, Title: "A WebSocket is needed here"}
	tooManyRequests = problem.Kind{Name: "too-many-requests", Status: http.StatusTooManyRequests, Title: "Too many requests"}
)

// refuse answers with a problem, counts it by its kind and ends the request.
func (s *Server) refuse(c *gin.Context, kind problem.Kind, detail string) {
	s.answer(c, kind, detail, 0)
}

func (s *Server) answer(c *gin.Context, kind problem.Kind, detail string, retryAfter time.Duration) {
	s.metrics.refusals.WithLabelValues(kind.Name).Inc()
	p := kind.New(detail)
	p.RetryAfter = retryAfter
	problem.Write(c.Writer, p, "")
	c.Abort()
}

func (s *Server) tooMany(c *gin.Context) {
	s.answer(c, tooManyRequests, "Too many requests from here: try again in a few seconds.", 5*time.Second)
}

func (s *Server) unavailable(c *gin.Context) {
	s.answer(c, problem.Unavailable, "The chat cannot be reached at the moment: try again in a few seconds.", 2*time.Second)
}
