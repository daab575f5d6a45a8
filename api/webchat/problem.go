package webchat

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// refuse answers with a problem document (RFC 9457), counts it by its kind and
// ends the request. The texts are fixed ones: nothing of the request is repeated.
func (s *Server) refuse(c *gin.Context, status int, kind, detail string) {
	s.metrics.refusals.WithLabelValues(kind).Inc()
	c.Abort()
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Type", "application/problem+json")
	c.JSON(status, gin.H{
		"type":   "urn:parley:problem:" + kind,
		"title":  http.StatusText(status),
		"status": status,
		"detail": detail,
	})
}

func (s *Server) tooMany(c *gin.Context) {
	c.Header("Retry-After", "5")
	s.refuse(c, http.StatusTooManyRequests, "too-many-requests", "Too many requests from here: try again in a few seconds.")
}

func (s *Server) unavailable(c *gin.Context) {
	c.Header("Retry-After", "2")
	s.refuse(c, http.StatusServiceUnavailable, "unavailable", "The chat cannot be reached at the moment: try again in a few seconds.")
}
