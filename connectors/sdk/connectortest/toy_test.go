package connectortest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// flaws are mistakes that a connector can have; without any, the toy conforms.
type flaws struct {
	lenientSettings, badSample, lenientInput, leavesThings        bool
	forgetsKey, longLifetime, searchBroken, hastySearch, hidesCut bool
	blames401, losesRetryAfter, losesCode, saysNotWritten         bool
	ignoresCancel, leaks, swallowsRedirect                        bool
	verifiesNothing, ignoresTime, randomIDs, panics               bool
	wrongPayload, silentTrigger, quotesToken, phonesHome, jams    bool
}

type toyConfig struct {
	BaseURL       string `json:"base_url" doc:"Where the toy is."`
	Token         string `json:"token" secret:"true" doc:"Opens it."`
	WebhookSecret string `json:"webhook_secret" secret:"true" doc:"Signs its webhooks."`
}

type toyIn struct {
	Name string `json:"name" doc:"What it is called."`
}

func (in toyIn) Validate() error {
	if in.Name == "" || len(in.Name) > 40 {
		return sdk.Invalidf("name must be 1 to 40 bytes")
	}
	return nil
}

// anyIn reads whatever it is given.
type anyIn struct{ toyIn }

func (in *anyIn) UnmarshalJSON(raw []byte) error {
	var v struct{ Name string }
	_ = json.Unmarshal(raw, &v)
	in.Name = v.Name
	if in.Name == "" {
		in.Name = "nameless"
	}
	return nil
}

type toyRef struct {
	ID string `json:"id" doc:"Which."`
}

type toyThing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type toyConn struct {
	toyConfig
	flaws
	http *http.Client
	busy sync.Mutex
}

func toySubject(f flaws, dir string) Subject {
	settle, lifetime := time.Minute, time.Hour
	if f.hastySearch {
		settle = 0
	}
	if f.longLifetime {
		lifetime = 24 * time.Hour
	}
	keyed := sdk.Effect{Kind: sdk.Keyed, KeyLifetime: lifetime}
	create := sdk.Op("thing_create", "Makes a thing.", keyed, (*toyConn).create).Sample(`{"name": "cup"}`)
	if f.lenientInput {
		create = sdk.Op("thing_create", "Makes a thing.", keyed, func(c *toyConn, ctx context.Context, call sdk.Call, in anyIn) (toyThing, error) {
			return c.create(ctx, call, in.toyIn)
		}).Sample(`{"name": "cup"}`)
	}
	if f.badSample {
		create = create.Sample(`{"name": ""}`)
	}
	c := sdk.Connector{
		Name: "toy", Title: "Toy", Config: &toyConfig{},
		Operations: []sdk.Operation{
			create,
			sdk.Op("thing_get", "Gets a thing.", sdk.Effect{Kind: sdk.Read}, (*toyConn).get).Sample(`{"id": "{{thing_create.id}}"}`),
			sdk.LookupOp("note_add", "Adds a note.", settle, (*toyConn).note, (*toyConn).findNote).Sample(`{"name": "{{thing_create.name}} note"}`),
			sdk.Op("bell_ring", "Rings the bell.", sdk.Effect{Kind: sdk.Once}, (*toyConn).ring).Sample(`{"name": "dong"}`),
		},
		Triggers: []sdk.Trigger{{Name: "thing.created", Source: []string{"created"}, Summary: "A thing was made.", Payload: toyThing{}}},
		Open: func(raw json.RawMessage, host sdk.Host) (any, error) {
			conn := &toyConn{flaws: f, http: host.HTTP}
			if f.lenientSettings {
				_ = json.Unmarshal(raw, &conn.toyConfig)
				return conn, nil
			}
			return conn, sdk.DecodeStrict(raw, &conn.toyConfig)
		},
	}
	if f.silentTrigger {
		c.Triggers = append(c.Triggers, sdk.Trigger{Name: "thing.lost", Source: []string{"lost"}, Summary: "A thing was lost."})
	}
	return Subject{Connector: c, Fake: toyProvider(), Dir: dir}
}

// call makes a request and classes its answer, with the flaws that the toy has.
func (c *toyConn) call(ctx context.Context, method, path, key string, body, out any) error {
	if c.jams {
		if !c.busy.TryLock() {
			return &sdk.Error{Class: sdk.Unavailable, Message: "busy"}
		}
		defer c.busy.Unlock()
	}
	if c.ignoresCancel {
		ctx = context.WithoutCancel(ctx)
	}
	if c.leaks {
		stop := make(chan struct{})
		go func() { <-stop }()
	}
	if c.phonesHome {
		if resp, err := http.Get("http://127.0.0.1:1/"); err == nil {
			_ = resp.Body.Close()
		}
	}
	header := http.Header{"Authorization": {"Bearer " + c.Token}}
	if key != "" && !c.forgetsKey {
		header.Set("Key", key)
	}
	var raw []byte
	if body != nil {
		raw = sdk.JSONBody(body)
	}
	resp, err := sdk.Do(ctx, c.http, sdk.Request{Method: method, URL: c.BaseURL + path, Header: header, Body: raw})
	if err != nil {
		if c.hidesCut && sdk.AsError(err).Wrote {
			return nil
		}
		return err
	}
	if resp.Status == http.StatusFound && c.swallowsRedirect {
		return nil
	}
	if e := sdk.StatusError(resp); e != nil {
		return c.spoil(e)
	}
	if json.Unmarshal(resp.Body, out) != nil {
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "the answer is no JSON"}
	}
	return nil
}

func (c *toyConn) spoil(e *sdk.Error) error {
	switch {
	case c.blames401 && e.Class == sdk.Auth:
		e.Class = sdk.Rejected
	case c.losesRetryAfter:
		e.RetryAfter = 0
	case c.losesCode:
		e.Code = ""
	case c.saysNotWritten:
		e.Wrote = false
	case c.quotesToken:
		e.Message += ": the token was " + c.Token
	}
	return e
}

func (c *toyConn) create(ctx context.Context, call sdk.Call, in toyIn) (out toyThing, err error) {
	return out, c.call(ctx, http.MethodPost, "/things", call.Key, in, &out)
}

func (c *toyConn) get(ctx context.Context, _ sdk.Call, in toyRef) (out toyThing, err error) {
	path := "/things/" + in.ID
	if c.leavesThings {
		path += "?visit=1"
	}
	return out, c.call(ctx, http.MethodGet, path, "", nil, &out)
}

func (c *toyConn) note(ctx context.Context, call sdk.Call, in toyIn) (out toyThing, err error) {
	return out, c.call(ctx, http.MethodPost, "/notes?ref="+call.Key, "", in, &out)
}

func (c *toyConn) findNote(ctx context.Context, call sdk.Call, _ toyIn) (out toyThing, found bool, err error) {
	if c.searchBroken {
		return out, false, nil
	}
	var list []toyThing
	if err := c.call(ctx, http.MethodGet, "/notes?ref="+call.Key, "", nil, &list); err != nil || len(list) == 0 {
		return out, false, err
	}
	return list[0], true, nil
}

func (c *toyConn) ring(ctx context.Context, _ sdk.Call, in toyIn) (out toyThing, err error) {
	return out, c.call(ctx, http.MethodPost, "/bell", "", in, &out)
}

func toySign(secret, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (c *toyConn) Verify(req sdk.WebhookRequest, now time.Time) error {
	if c.verifiesNothing {
		return nil
	}
	at := req.Header.Get("Toy-Time")
	secs, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !hmac.Equal([]byte(req.Header.Get("Toy-Signature")), []byte(toySign(c.WebhookSecret, at, req.Body))) {
		return &sdk.Error{Class: sdk.Auth, Message: "the signature does not match"}
	}
	if now.Sub(time.Unix(secs, 0)) > time.Hour && !c.ignoresTime {
		return &sdk.Error{Class: sdk.Auth, Message: "the webhook is old"}
	}
	return nil
}

var draws int

func (c *toyConn) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var e struct {
		ID    string   `json:"id"`
		Thing toyThing `json:"thing"`
	}
	if err := json.Unmarshal(req.Body, &e); err != nil || e.ID == "" {
		if c.panics {
			panic("no ID")
		}
		return nil, sdk.Invalidf("the body is not a toy's webhook")
	}
	if c.randomIDs {
		draws++
		e.ID += strconv.Itoa(draws)
	}
	data := sdk.JSONBody(e.Thing)
	if c.wrongPayload {
		data = json.RawMessage(`{"id": 7}`)
	}
	return []sdk.Event{{ID: e.ID, Kind: sdk.EventProvider, Type: "created",
		Provider: &sdk.ProviderEvent{Name: "thing.created", Refs: []string{e.Thing.ID}, Data: data}}}, nil
}

// toyFake is the toy's provider. It remembers keys for an hour.
type toyFake struct {
	env fake.Env
}

type toyKept struct {
	Thing toyThing  `json:"thing"`
	At    time.Time `json:"at"`
	Ref   string    `json:"ref"`
}

func toyProvider() fake.Provider {
	return fake.Provider{
		Connector: "toy",
		New:       func(env fake.Env) http.Handler { return &toyFake{env: env} },
		Account: func(base string, secret func(string) string) json.RawMessage {
			return sdk.JSONBody(toyConfig{BaseURL: base, Token: secret("token"), WebhookSecret: secret("webhook_secret")})
		},
		Operation: func(r *http.Request, _ []byte) string {
			return map[string]string{"POST /things": "thing_create", "POST /notes": "note_add", "POST /bell": "bell_ring"}[r.Method+" "+r.URL.Path]
		},
	}
}

func (t *toyFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var answer any
	switch what := r.Method + " " + r.URL.Path; {
	case what == "POST /things":
		answer = t.create(r.Header.Get("Key"), body)
	case what == "POST /notes" || what == "POST /bell":
		answer = t.keep("notes", r.URL.Query().Get("ref"), body).Thing
	case what == "GET /notes":
		answer = t.search(r.URL.Query().Get("ref"))
	case strings.HasPrefix(what, "GET /things/"):
		if r.URL.Query().Has("visit") {
			t.env.State().Put("visits", t.env.NextID("v"), 1)
		}
		var kept toyKept
		if !t.env.State().Get("things", strings.TrimPrefix(r.URL.Path, "/things/"), &kept) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer = kept.Thing
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (t *toyFake) keep(bucket, ref string, body []byte) toyKept {
	kept := toyKept{At: t.env.Now(), Ref: ref}
	_ = json.Unmarshal(body, &kept.Thing)
	kept.Thing.ID = t.env.NextID("t")
	t.env.State().Put(bucket, kept.Thing.ID, kept)
	return kept
}

func (t *toyFake) create(key string, body []byte) toyThing {
	var kept toyKept
	if key != "" && t.env.State().Get("keys", key, &kept) && t.env.Now().Sub(kept.At) < time.Hour {
		return kept.Thing
	}
	kept = t.keep("things", "", body)
	if key != "" {
		t.env.State().Put("keys", key, kept)
	}
	for _, a := range t.env.Accounts() {
		d := fake.Delivery{URL: a.Hook, Body: sdk.JSONBody(map[string]any{"id": t.env.NextID("e"), "thing": kept.Thing})}
		t.env.Deliver(t.Sign(d, t.env.Now()))
	}
	return kept.Thing
}

// Sign implements [fake.Signer].
func (t *toyFake) Sign(d fake.Delivery, now time.Time) fake.Delivery {
	var c toyConfig
	_ = json.Unmarshal(t.env.Accounts()[0].Config, &c)
	at := strconv.FormatInt(now.Unix(), 10)
	d.Body = bytes.Clone(d.Body)
	d.Header = http.Header{"Toy-Time": {at}, "Toy-Signature": {toySign(c.WebhookSecret, at, d.Body)}}
	return d
}

func (t *toyFake) search(ref string) []toyThing {
	out := []toyThing{}
	lag, _ := t.env.Fault(fake.FaultSearchLag, "note_find")
	t.env.State().Each("notes", func(_ string, raw json.RawMessage) bool {
		var kept toyKept
		if json.Unmarshal(raw, &kept) == nil && kept.Ref == ref && t.env.Now().Sub(kept.At) >= lag {
			out = append(out, kept.Thing)
		}
		return true
	})
	return out
}
