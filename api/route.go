package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"

	"parley/api/problem"
)

// route is one row of the API: what is served, and what the OpenAPI document says
// of it.
type route struct {
	method string
	// path in OpenAPI's notation: /v1/contacts/{id}.
	path string
	// id names the operation in the document and in generated clients.
	id, summary, tag string
	// scope that the API key must have; empty for routes without a key.
	scope string
	// status of success.
	status int
	// failed is another status with the same output; 0 if there is none.
	failed int
	// problems that may be answered, beside those that every route under /v1 has.
	problems []problem.Kind

	// in and out are the input and output structs; nil if there is none.
	in, out reflect.Type
	// bodyType and outType are the media types where they are not JSON.
	bodyType, outType string

	bind  *binder
	serve gin.HandlerFunc
}

// none is the output of operations that answer 204.
type none struct{}

// op makes a route of a function. The function runs after the key was found good
// and the input valid, and its error becomes a problem document.
func op[In, Out any](s *server, r route, do func(context.Context, Principal, *In) (Out, error)) route {
	r.in, r.out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	if r.out == reflect.TypeFor[none]() {
		r.out, r.status = nil, http.StatusNoContent
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.bind = newBinder(r.in, s.o.MaxBody)
	r.serve = func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), s.o.Timeout)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		p, err := s.authenticate(c, r.scope)
		if err != nil {
			s.fail(c, err)
			return
		}
		in := new(In)
		if err := r.bind.read(c, in); err != nil {
			s.fail(c, err)
			return
		}
		out, err := do(ctx, p, in)
		if err != nil {
			s.fail(c, err)
			return
		}
		if r.out == nil {
			c.Status(r.status)
			return
		}
		c.JSON(r.status, out)
	}
	return r
}

// ginPath turns {name} into :name.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// openPath is the reverse, for logs and metrics.
func openPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		} else if name, ok := strings.CutPrefix(p, "*"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}
