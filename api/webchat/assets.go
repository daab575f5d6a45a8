package webchat

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
)

//go:embed widget demo
var files embed.FS

// asset is one file that is served as it is.
type asset struct {
	name, mime, cache string
	body              []byte
	etag              string
}

var assets = []asset{
	newAsset("widget.js", "text/javascript; charset=utf-8", "public, max-age=300", bundle()),
	newAsset("demo.css", "text/css; charset=utf-8", "public, max-age=300", mustRead("demo/demo.css")),
}

func newAsset(name, mime, cache string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{name: name, mime: mime, cache: cache, body: body, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func (a asset) serve(c *gin.Context) {
	c.Header("ETag", a.etag)
	c.Header("Cache-Control", a.cache)
	c.Header("X-Content-Type-Options", "nosniff")
	// The script is for other people's pages.
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	if c.GetHeader("If-None-Match") == a.etag {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, a.mime, a.body)
}

func mustRead(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return b
}

// bundle makes one script of the widget's files, in the order in which they use
// one another. They share one scope, which the host page does not see.
func bundle() []byte {
	style, err := json.Marshal(string(mustRead("widget/widget.css")))
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	b.WriteString("(() => {\n'use strict';\nconst STYLE = ")
	b.Write(style)
	b.WriteString(";\n")
	for _, name := range []string{"dom", "color", "text", "message", "store", "link", "view", "widget"} {
		b.Write(mustRead("widget/" + name + ".js"))
	}
	b.WriteString("})();\n")
	return b.Bytes()
}

var demoPage = template.Must(template.ParseFS(files, "demo/demo.html"))

var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// getDemo shows the widget on a pretended shop's page, for the account "demo"
// or the one that the query names.
func (s *Server) getDemo(c *gin.Context) {
	account := c.DefaultQuery("account", "demo")
	if !accountName.MatchString(account) {
		s.refuse(c, problem.Malformed, "account must be the name of a web chat account.")
		return
	}
	var page bytes.Buffer
	if err := demoPage.Execute(&page, account); err != nil {
		s.refuse(c, problem.Internal, "The page could not be made.")
		return
	}
	c.Header("Cache-Control", "no-store")
	// The strictest policy that a page with the widget can have.
	c.Header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"connect-src 'self'; img-src 'self' data: https: http:; media-src https: http:; base-uri 'none'; form-action 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
}
