package webchat

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// refuse answers with a problem document (RFC 9457) and ends the request. The
// texts are fixed ones: nothing of the request is repeated.
func refuse(c *gin.Context, status int, kind, detail string) {
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

func tooMany(c *gin.Context) {
	c.Header("Retry-After", "5")
	refuse(c, http.StatusTooManyRequests, "too-many-requests", "Too many requests from here: try again in a few seconds.")
}

func unavailable(c *gin.Context) {
	c.Header("Retry-After", "2")
	refuse(c, http.StatusServiceUnavailable, "unavailable", "The chat cannot be reached at the moment: try again in a few seconds.")
}
