// Package api is the HTTP edge: webhooks, the resources under /v1, health, metrics
// and the OpenAPI document that describes them all. Handlers are plain functions
// from an input struct to an output struct; the routes, the document and the
// checking of input are derived from those types, so they cannot drift apart.
//
// What the resources do stands behind small ports, one for each of them.
package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"parley/api/ingress"
	"parley/internal/observe"
)

// Options of [New]. All ports must be set.
type Options struct {
	Keys          Keys
	Connections   Connections
	Consents      Consents
	Outages       Outages
	Templates     Templates
	Contacts      Contacts
	Conversations Conversations
	Agents        Agents
	Messages      Messages
	Flows         Flows
	Misses        Misses
	Releases      Releases
	Migrations    FlowMigrations
	Insight       FlowInsight
	Cases         Cases
	Bookings      Bookings
	Effects       Effects
	Events        Events
	Audit         Audit

	// Ingress configures webhooks; its Metrics, Log and RequestID are filled in.
	Ingress ingress.Options
	// Ready lists what /readyz asks.
	Ready []Check
	// Mount adds further routes, such as the web chat's and the codec server's.
	// They have their own authentication, headers and time limits; panics,
	// request IDs, traces and metrics are taken care of.
	Mount []func(gin.IRouter)

	// Registry is where metrics are registered, and what /metrics shows.
	Registry *prometheus.Registry
	Log      *slog.Logger
	// Version of the program, for the OpenAPI document.
	Version string
	// MaxBody bounds bodies on /v1, in bytes; 1 MiB by default.
	MaxBody int64
	// Timeout bounds a request on /v1; 15 s by default.
	Timeout time.Duration
	// TrustedProxies are the networks (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []string
}

// server holds what handlers need.
type server struct {
	o Options
}

// New builds the handler. An error means that the program is put together wrong.
func New(o Options) (http.Handler, error) {
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = observe.NewRegistry()
	}
	s := &server{o}
	engine, err := s.engine()
	if err != nil {
		return nil, err
	}
	o.Ingress.Metrics, o.Ingress.Log, o.Ingress.RequestID = observe.NewIngress(o.Registry), o.Log, requestIDOf
	routes := slices.Concat(s.edgeRoutes(ingress.New(o.Ingress)), s.consentRoutes(), s.resourceRoutes())
	doc, err := document(o.Version, routes)
	if err != nil {
		return nil, err
	}
	routes = append(routes, documentRoute(doc.json))
	edge := engine.Group("", plainHeaders)
	for _, r := range routes {
		if r.bind != nil {
			if err := r.bind.compile(doc, r); err != nil {
				return nil, err
			}
		}
		edge.Handle(r.method, ginPath(r.path), r.serve)
	}
	for _, mount := range o.Mount {
		mount(engine)
	}
	return engine, nil
}

func (s *server) engine() (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	if err := engine.SetTrustedProxies(s.o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("api: trusted proxies: %w", err)
	}
	engine.Use(s.watch(observe.NewHTTP(s.o.Registry)), s.recover)
	engine.NoRoute(s.noRoute)
	engine.NoMethod(s.noMethod)
	return engine, nil
}

// resourceRoutes are all routes under /v1.
func (s *server) resourceRoutes() []route {
	var all []route
	for _, some := range [][]route{
		s.connectionRoutes(), s.outageRoutes(), s.templateRoutes(), s.contactRoutes(), s.conversationRoutes(), s.messageRoutes(), s.flowRoutes(), s.releaseRoutes(), s.migrationRoutes(), s.insightRoutes(), s.missRoutes(),
		s.caseRoutes(), s.effectRoutes(), s.eventRoutes(), s.auditRoutes(),
		s.calendarRoutes(), s.bookingRoutes(),
	} {
		all = append(all, some...)
	}
	return all
}
