package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/ingress"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/observe"
)

// canary is planted in bodies, keys and headers, and must never come back.
const canary = "canary-4111111111111111"

var (
	workspace    = uuid.MustParse("00000000-0000-7000-8000-000000000001")
	contact      = uuid.MustParse("00000000-0000-7000-8000-000000000002")
	conversation = uuid.MustParse("00000000-0000-7000-8000-000000000003")
	order        = uuid.MustParse("00000000-0000-7000-8000-000000000004")
	moment       = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
)

// memory doubles all ports, with one of each thing in it.
type memory struct {
	mu       sync.Mutex
	fail     error // what every port answers, if set
	keys     map[string]api.Principal
	put      map[string]api.NewConnection
	owner    string
	said     []api.Saying
	seen     []string
	filters  []any
	signals  []api.Signal
	merged   bool
	blocked  bool
	unsealed bool // the audit trail cannot be written
}

func (m *memory) Authenticate(_ context.Context, key string) (api.Principal, error) {
	if p, ok := m.keys[key]; ok {
		return p, nil
	}
	if key == "storage-down" {
		return api.Principal{}, errors.New("connection refused")
	}
	return api.Principal{}, api.ErrUnknownKey
}

func (m *memory) Workspace(_ context.Context, ws uuid.UUID) (string, error) {
	if ws != workspace {
		return "", errors.New("connection refused")
	}
	return "demo", nil
}

type connections struct{ *memory }

func (m connections) Put(_ context.Context, _ uuid.UUID, c api.NewConnection) (api.Connection, error) {
	if m.fail != nil {
		return api.Connection{}, m.fail
	}
	m.put[c.Name] = c
	return api.Connection{ID: uuid.New(), Name: c.Name, Connector: c.Connector, Account: c.Account, Version: 1, CreatedAt: moment, UpdatedAt: moment}, nil
}

func (m connections) Get(_ context.Context, _ uuid.UUID, name string) (api.Connection, error) {
	c, ok := m.put[name]
	if !ok {
		return api.Connection{}, problem.NotFound.New("There is no connection of this name.")
	}
	return api.Connection{Name: name, Connector: c.Connector, CreatedAt: moment, UpdatedAt: moment}, nil
}

// List has three connections, given one a page.
func (m connections) List(_ context.Context, _ uuid.UUID, q api.PageQuery) ([]api.Connection, string, error) {
	m.filters = append(m.filters, q)
	n, _ := strconv.Atoi(q.After)
	if n >= 3 {
		return nil, "", nil
	}
	next := ""
	if n < 2 {
		next = strconv.Itoa(n + 1)
	}
	return []api.Connection{{Name: "c" + strconv.Itoa(n), CreatedAt: moment, UpdatedAt: moment}}, next, nil
}

func (m connections) Delete(_ context.Context, _ uuid.UUID, name, _ string) error {
	if _, ok := m.put[name]; !ok {
		return problem.NotFound.New("There is no connection of this name.")
	}
	delete(m.put, name)
	return nil
}

func (m connections) Authorize(_ context.Context, _ uuid.UUID, name, actor string) (api.Consent, error) {
	if _, ok := m.put[name]; !ok {
		return api.Consent{}, problem.NotFound.New("There is no connection of this name.")
	}
	return api.Consent{URL: "https://login.example/authorize?by=" + actor, ExpiresAt: moment}, nil
}

func (m connections) Check(_ context.Context, _ uuid.UUID, name string) (api.Checkup, error) {
	if _, ok := m.put[name]; !ok {
		return api.Checkup{}, problem.NotFound.New("There is no connection of this name.")
	}
	return api.Checkup{OK: false, Findings: []api.Finding{{What: "credentials", State: "failed", Code: "401", Detail: "refused"}}}, nil
}

// consents has one state that is good.
type consents struct{ *memory }

func (m consents) Finish(_ context.Context, state, code string) error {
	switch {
	case state != "good":
		return problem.Forbidden.New("The state is not valid.")
	case code == "":
		return &sdk.Error{Class: sdk.Auth, Message: "<b>consent</b> was refused"}
	case code == "broken":
		return errors.New("no tokens for " + canary)
	}
	m.seen = append(m.seen, code)
	return nil
}

type outages struct{ *memory }

func (m outages) note(name, what string) error {
	if _, ok := m.put[name]; !ok {
		return problem.NotFound.New("There is no connection of this name.")
	}
	m.seen = append(m.seen, what)
	return m.fail
}

func (m outages) Pause(_ context.Context, _ uuid.UUID, name, actor string) error {
	return m.note(name, "pause by "+actor)
}

func (m outages) Resume(_ context.Context, _ uuid.UUID, name, actor string) error {
	return m.note(name, "resume by "+actor)
}

func (m outages) SetDrainRate(_ context.Context, _ uuid.UUID, name string, perSecond float64, _ string) error {
	return m.note(name, "drain "+strconv.FormatFloat(perSecond, 'g', -1, 64))
}

func (m outages) List(_ context.Context, _ uuid.UUID, name string, _ api.PageQuery) ([]api.Outage, string, error) {
	return []api.Outage{{ID: order, Cause: "operator", State: "open", OpenedAt: moment, DrainRate: 10, Parked: 3, Done: 1, NotSent: 2, Waiting: 2}}, "", m.note(name, "list")
}

type templates struct{ *memory }

func (m templates) Submit(_ context.Context, _ uuid.UUID, name string, d api.TemplateDraft, _ string) (api.Template, error) {
	return api.Template{Name: d.Name, Language: d.Language, Status: "pending", ChangedAt: moment}, outages(m).note(name, "submit "+d.Name)
}

func (m templates) List(_ context.Context, _ uuid.UUID, name string) ([]api.Template, error) {
	return []api.Template{{Name: "parcel_left", Language: "en_US", Status: "approved", ChangedAt: moment}}, outages(m).note(name, "templates")
}

func (m templates) Delete(_ context.Context, _ uuid.UUID, connection, name, language, _ string) error {
	return outages(m).note(connection, "delete "+name+" "+language)
}

type contacts struct{ *memory }

func (m contacts) one() api.Contact {
	return api.Contact{ID: contact, Name: "Asha", Blocked: m.blocked, CreatedAt: moment, Addresses: []sdk.Address{{Kind: "phone", Value: "1"}}}
}

func (m contacts) List(context.Context, uuid.UUID, api.PageQuery) ([]api.Contact, string, error) {
	return []api.Contact{m.one()}, "", m.fail
}

func (m contacts) Get(_ context.Context, _, id uuid.UUID) (api.Contact, error) {
	if id != contact {
		return api.Contact{}, problem.NotFound.New("There is no such contact.")
	}
	return m.one(), m.fail
}

func (m contacts) Merge(_ context.Context, _, from, into uuid.UUID, _ string) (api.Contact, error) {
	if from == into {
		return api.Contact{}, problem.Conflict.New("They are the same.")
	}
	m.merged = true
	return m.one(), nil
}

func (m contacts) SetBlocked(_ context.Context, _, _ uuid.UUID, blocked bool, _ string) (api.Contact, error) {
	m.blocked = blocked
	return m.one(), nil
}

type conversations struct{ *memory }

func (m conversations) one() api.Conversation {
	kind := "bot"
	if m.owner != "" {
		kind = "human"
	}
	return api.Conversation{ID: conversation, Contact: contact, Channel: "whatsapp", State: "idle",
		Owner: api.Owner{Kind: kind, ID: m.owner}, CreatedAt: moment}
}

func (m conversations) List(_ context.Context, _ uuid.UUID, f api.ConversationFilter, q api.PageQuery) ([]api.Conversation, string, error) {
	m.filters = append(m.filters, f)
	return []api.Conversation{m.one()}, "", nil
}

func (m conversations) Get(_ context.Context, _, id uuid.UUID) (api.Conversation, error) {
	if id != conversation {
		return api.Conversation{}, problem.NotFound.New("There is no such conversation.")
	}
	return m.one(), nil
}

type agents struct{ *memory }

func (m agents) Take(_ context.Context, _, _ uuid.UUID, agent, _ string) (api.Conversation, error) {
	if m.owner != "" && m.owner != agent {
		return api.Conversation{}, problem.Conflict.New("Another agent has the conversation.")
	}
	m.owner = agent
	return conversations{m.memory}.one(), nil
}

func (m agents) Say(_ context.Context, _, _ uuid.UUID, what api.Saying) error {
	if m.owner != what.Agent {
		return problem.Conflict.New("The agent does not have the conversation.")
	}
	m.said = append(m.said, what)
	return nil
}

func (m agents) Return(_ context.Context, _, _ uuid.UUID, agent, _ string) (api.Conversation, error) {
	if m.owner != agent {
		return api.Conversation{}, problem.Conflict.New("The agent does not have the conversation.")
	}
	m.owner = ""
	return conversations{m.memory}.one(), nil
}

func (m agents) HandOver(_ context.Context, _, _ uuid.UUID, to api.Handoff) (api.Conversation, error) {
	if m.owner != to.Agent {
		return api.Conversation{}, problem.Conflict.New("The agent does not have the conversation.")
	}
	m.owner = ""
	out := conversations{m.memory}.one()
	out.Owner = api.Owner{Kind: "human", Queue: to.Queue}
	if to.LiveChat {
		out.Owner.Queue = "livechat/" + to.Group
	}
	return out, nil
}

type messages struct{ *memory }

func (m messages) List(context.Context, uuid.UUID, uuid.UUID, api.PageQuery) ([]api.Message, string, error) {
	return []api.Message{
		{ID: "1", Conversation: conversation, Direction: "in", From: "customer", Incoming: &sdk.Incoming{From: []sdk.Address{}, Text: "hi"}, At: moment},
		{ID: "2", Conversation: conversation, Direction: "out", From: "bot", Content: &sdk.Content{Text: "Hello"}, State: "done", At: moment},
	}, "", nil
}

func (m messages) Get(_ context.Context, _ uuid.UUID, id string) (api.Message, error) {
	if id != "1" {
		return api.Message{}, problem.NotFound.New("There is no such message.")
	}
	return api.Message{ID: "1", Direction: "in", From: "customer", At: moment}, nil
}

func (m messages) Heard(context.Context, uuid.UUID, uuid.UUID, api.PageQuery) ([]api.Heard, string, error) {
	return []api.Heard{{Number: 1, Turn: 1, Kind: "message", At: moment, TurnAt: moment, FlowHash: "abc", Body: json.RawMessage(`{"kind":"message"}`)}}, "", nil
}

type flows struct{ *memory }

func (m flows) Publish(_ context.Context, _ uuid.UUID, f api.NewFlow) (api.Flow, error) {
	if !strings.Contains(f.Document, "blocks") {
		p := problem.Invalid.New("The flow has problems.")
		p.Errors = []problem.Field{{Detail: "blocks is missing", Line: 1, Column: 1}}
		return api.Flow{}, p
	}
	return api.Flow{Name: f.Name, Hash: "h1", Live: true, PublishedAt: moment}, nil
}

func (m flows) Get(_ context.Context, _ uuid.UUID, name string) (api.Flow, error) {
	return api.Flow{Name: name, Hash: "h1", PublishedAt: moment, Document: "blocks:"}, nil
}

func (m flows) List(context.Context, uuid.UUID, api.PageQuery) ([]api.Flow, string, error) {
	return nil, "", nil
}

type misses struct{ *memory }

func (m misses) List(_ context.Context, _ uuid.UUID, f api.MissFilter, _ api.PageQuery) ([]api.Miss, string, error) {
	m.filters = append(m.filters, f)
	return []api.Miss{{Flow: "shop", FlowHash: "h1", Text: "planted words", Guess: "track", Confidence: 0.25, At: moment}}, "", nil
}

func (m misses) Remove(context.Context, uuid.UUID, uuid.UUID) error {
	return problem.NotFound.New("There is no such miss.")
}

type cases struct{ *memory }

func (m cases) List(_ context.Context, _ uuid.UUID, f api.CaseFilter, _ api.PageQuery) ([]api.Case, string, error) {
	m.filters = append(m.filters, f)
	return nil, "", nil
}

func (m cases) Get(context.Context, uuid.UUID, uuid.UUID) (api.Case, error) {
	return api.Case{ID: order, Kind: "order", Number: 1042, Stage: "paid", CreatedAt: moment, UpdatedAt: moment}, nil
}

func (m cases) Signal(_ context.Context, _, _ uuid.UUID, what api.Signal) error {
	m.signals = append(m.signals, what)
	return nil
}

type effects struct{ *memory }

func (m effects) List(_ context.Context, _ uuid.UUID, f api.EffectFilter, _ api.PageQuery) ([]api.Effect, string, error) {
	m.filters = append(m.filters, f)
	return []api.Effect{{Key: "k-1", Kind: "once", State: "done", CreatedAt: moment}}, "", nil
}

func (m effects) Get(_ context.Context, _ uuid.UUID, key string) (api.Effect, error) {
	return api.Effect{Key: key, Kind: "once", State: "done", CreatedAt: moment}, nil
}

func (m effects) Reconcile(_ context.Context, _ uuid.UUID, key string, r api.Reconciliation) (api.Effect, error) {
	if key == "settled" {
		return api.Effect{}, problem.Conflict.New("It is settled.")
	}
	m.filters = append(m.filters, r)
	return api.Effect{Key: key, Kind: "once", State: "done", ReconciledBy: "operator", CreatedAt: moment}, nil
}

type outbox struct{ *memory }

func (m outbox) List(_ context.Context, _ uuid.UUID, f api.EventFilter, q api.PageQuery) ([]api.OutboxEvent, string, error) {
	m.filters = append(m.filters, f)
	if q.After == "7" {
		return nil, "", nil
	}
	return []api.OutboxEvent{{Seq: 7, Type: "message.received", Subject: "conversation/x", Data: json.RawMessage(`{"number":1}`), At: moment}}, "7", nil
}

type trail struct{ *memory }

func (m trail) Record(_ context.Context, _ uuid.UUID, _, action, object string) error {
	if m.unsealed {
		return errors.New("disk full")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, action+" "+object)
	return nil
}

func (m trail) List(context.Context, uuid.UUID, api.AuditFilter, api.PageQuery) ([]api.AuditEntry, string, error) {
	return nil, "", nil
}

type hooks struct{}

func (hooks) Resolve(context.Context, string, string) (ingress.Connection, error) {
	return ingress.Connection{}, ingress.ErrUnknownAccount
}

func (hooks) Accept(context.Context, ingress.Connection, []sdk.Event) (ingress.Outcome, error) {
	return ingress.Outcome{}, nil
}

func (hooks) Route(context.Context, ingress.Connection, string) (ingress.Connection, error) {
	return ingress.Connection{}, ingress.ErrUnknownAccount
}

func (hooks) Unrouted(context.Context, ingress.Connection, string, []sdk.Event) error { return nil }

// edge is a running API over the doubles.
type edge struct {
	*memory
	server *httptest.Server
	reg    *prometheus.Registry
	logs   *bytes.Buffer
}

const admin = "admin-key"

func options(m *memory, reg *prometheus.Registry, logs io.Writer) api.Options {
	return api.Options{
		Keys: m, Connections: connections{m}, Consents: consents{m}, Outages: outages{m}, Templates: templates{m}, Contacts: contacts{m}, Conversations: conversations{m}, Agents: agents{m}, Messages: messages{m},
		Flows: flows{m}, Releases: releases{m}, Migrations: migrations{m}, Insight: insight{m}, Misses: misses{m}, Cases: cases{m}, Effects: effects{m}, Events: outbox{m}, Audit: trail{m},
		Ingress:  ingress.Options{Resolver: hooks{}, Inbox: hooks{}, Router: hooks{}},
		Bookings: bookings{m},
		Registry: reg, Log: observe.NewLogger(logs, slog.LevelDebug), Version: "1.2.3", MaxBody: 4 << 10,
	}
}

func start(t *testing.T, change func(*api.Options)) *edge {
	t.Helper()
	e := &edge{memory: &memory{put: map[string]api.NewConnection{}, keys: map[string]api.Principal{
		admin:      {Workspace: workspace, KeyID: uuid.Nil, Scopes: []string{"*"}},
		"read-key": {Workspace: workspace, Scopes: []string{"contacts:read"}},
	}}, reg: prometheus.NewRegistry(), logs: &bytes.Buffer{}}
	o := options(e.memory, e.reg, e.logs)
	if change != nil {
		change(&o)
	}
	h, err := api.New(o)
	require.NoError(t, err)
	e.server = httptest.NewServer(h)
	t.Cleanup(e.server.Close)
	return e
}

// call makes a request with the admin's key and returns the status and answer.
func (e *edge) call(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	resp, answer := e.send(t, method, path, body, http.Header{"Authorization": {"Bearer " + admin}, "Content-Type": {"application/json"}})
	return resp.StatusCode, answer
}

func (e *edge) send(t *testing.T, method, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, e.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = header
	resp, err := e.server.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(answer)
}

func refusal(t *testing.T, answer string) problem.Problem {
	t.Helper()
	var p problem.Problem
	require.NoError(t, json.Unmarshal([]byte(answer), &p), answer)
	return p
}
