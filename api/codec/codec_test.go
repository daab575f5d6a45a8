package codec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"gocloud.dev/secrets/localsecrets"
	"google.golang.org/protobuf/encoding/protojson"

	"parley/api/codec"
	"parley/internal/access"
	"parley/internal/vault"
	sealing "parley/internal/vault/codec"
)

const (
	ui     = "http://127.0.0.1:8233"
	reader = "reader-key"
	secret = "Asha's secret"
)

var workspace, contact = uuid.New(), uuid.New()

// desk is a codec server with its keys and trail in memory.
type desk struct {
	t       *testing.T
	url     string
	vault   *vault.Vault
	now     time.Time
	keys    map[string]access.Principal
	trail   []string
	noTrail bool
	cookies []*http.Cookie
}

func (d *desk) Authenticate(_ context.Context, key string) (access.Principal, error) {
	if p, ok := d.keys[key]; ok {
		return p, nil
	}
	return access.Principal{}, access.ErrUnknownKey
}

func (d *desk) Key(_ context.Context, ws, id uuid.UUID) (access.Principal, error) {
	for _, p := range d.keys {
		if p.Workspace == ws && p.KeyID == id {
			return p, nil
		}
	}
	return access.Principal{}, access.ErrUnknownKey
}

func (d *desk) Record(_ context.Context, ws uuid.UUID, actor, action string, objects ...string) error {
	if d.noTrail {
		return errors.New("down")
	}
	for _, o := range objects {
		d.trail = append(d.trail, strings.Join([]string{ws.String(), actor, action, o}, " "))
	}
	return nil
}

func start(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), keys: map[string]access.Principal{}}
	d.key(reader, workspace, codec.Scope)
	d.vault = vault.New(localsecrets.NewKeeper([32]byte{3}), vault.NewMemoryKeyring())
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	require.NoError(t, codec.Register(r, codec.Options{Vault: d.vault, Keys: d, Trail: d, UIOrigin: ui, MaxBody: 20_000, Now: func() time.Time { return d.now }}))
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	d.url = s.URL
	return d
}

func (d *desk) key(key string, ws uuid.UUID, scopes ...string) {
	d.keys[key] = access.Principal{Workspace: ws, KeyID: uuid.New(), Scopes: scopes}
}

// send sends a request as the UI's page does, with the cookies that the desk has.
func (d *desk) send(method, path, body string, headers map[string]string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	require.NoError(d.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", ui)
	req.Header.Set("Sec-Fetch-Site", "same-site")
	req.Header.Set("X-Namespace", "default")
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	for _, c := range d.cookies {
		req.AddCookie(c)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	return resp, string(raw)
}

// form sends a form of the page's own.
func (d *desk) form(path, key string) (*http.Response, string) {
	return d.send("POST", path, url.Values{"key": {key}}.Encode(), map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Origin": d.url, "Sec-Fetch-Site": "same-origin"})
}

func (d *desk) signIn(key string) {
	d.t.Helper()
	resp, _ := d.form("/codec/login", key)
	require.Equal(d.t, http.StatusSeeOther, resp.StatusCode)
	require.Equal(d.t, "/codec", resp.Header.Get("Location"))
	d.cookies = resp.Cookies()
	d.trail = nil
}

// sealed is a text as it stands in the history of the contact's conversation.
func (d *desk) sealed(ws uuid.UUID) *commonpb.Payload {
	d.t.Helper()
	dc := converter.WithDataConverterSerializationContext(sealing.DataConverter(sealing.ForClient(d.vault)),
		converter.WorkflowSerializationContext{WorkflowID: sealing.WorkflowID("conversation", ws, contact, uuid.New())})
	p, err := dc.ToPayload(secret)
	require.NoError(d.t, err)
	return p
}

func (d *desk) decode(in ...*commonpb.Payload) (*http.Response, []*commonpb.Payload) {
	d.t.Helper()
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: in})
	require.NoError(d.t, err)
	resp, answer := d.send("POST", "/codec/decode?preserveStorageRefs=true", string(body), nil)
	if resp.StatusCode != http.StatusOK {
		require.NotContains(d.t, answer, secret)
		return resp, nil
	}
	out := &commonpb.Payloads{}
	require.NoError(d.t, protojson.Unmarshal([]byte(answer), out))
	require.Len(d.t, out.Payloads, len(in))
	return resp, out.Payloads
}

func TestThoseWhoSignedInReadAndItIsRecorded(t *testing.T) {
	d := start(t)
	d.signIn(reader)
	c := d.cookies[0]
	require.True(t, c.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.Equal(t, "/codec", c.Path)
	require.Equal(t, 8*3600, c.MaxAge)

	plain, err := converter.GetDefaultDataConverter().ToPayload("not sealed")
	require.NoError(t, err)
	resp, out := d.decode(d.sealed(workspace), plain, d.sealed(workspace))
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `"`+secret+`"`, string(out[0].Data))
	require.Equal(t, plain.Data, out[1].Data)
	require.JSONEq(t, `"`+secret+`"`, string(out[2].Data))
	require.Equal(t, []string{workspace.String() + " key/" + d.keys[reader].KeyID.String() + " codec.decode contact/" + contact.String() + "/conversation"}, d.trail)
	require.Equal(t, ui, resp.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", resp.Header.Get("Access-Control-Allow-Credentials"))

	resp, page := d.send("GET", "/codec", "", nil)
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, page, "You are signed in")
	require.Contains(t, page, "16:00 UTC")
}

func TestNobodyElseReads(t *testing.T) {
	cases := map[string]struct {
		change  func(*desk)
		headers map[string]string
		status  int
	}{
		"no cookie":       {func(d *desk) { d.cookies = nil }, nil, 401},
		"altered cookie":  {func(d *desk) { d.cookies[0].Value = "x" + d.cookies[0].Value }, nil, 401},
		"no signature":    {func(d *desk) { d.cookies[0].Value, _, _ = strings.Cut(d.cookies[0].Value, ".") }, nil, 401},
		"after 8 hours":   {func(d *desk) { d.now = d.now.Add(8 * time.Hour) }, nil, 401},
		"revoked key":     {func(d *desk) { delete(d.keys, reader) }, nil, 401},
		"scope withdrawn": {func(d *desk) { d.keys[reader] = access.Principal{Workspace: workspace, KeyID: d.keys[reader].KeyID} }, nil, 403},
		"another page":    {func(*desk) {}, map[string]string{"Origin": "http://127.0.0.1:9999"}, 403},
		"unknown bearer":  {func(*desk) {}, map[string]string{"Authorization": "Bearer nope"}, 401},
		"no trail":        {func(d *desk) { d.noTrail = true }, nil, 503},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := start(t)
			d.signIn(reader)
			c.change(d)
			body, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{d.sealed(workspace)}})
			require.NoError(t, err)
			resp, answer := d.send("POST", "/codec/decode", string(body), c.headers)
			require.Equal(t, c.status, resp.StatusCode, answer)
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			require.NotContains(t, answer, secret)
			require.Empty(t, d.trail)
		})
	}
}

// TestACookieIsNoOnesOwnMaking: a session that somebody wrote and signed with
// what they know is refused.
func TestACookieIsNoOnesOwnMaking(t *testing.T) {
	d := start(t)
	d.signIn(reader)
	d.key("other", uuid.New(), codec.Scope)
	_, sum, _ := strings.Cut(d.cookies[0].Value, ".")
	first := d.cookies[0].Value
	d.signIn("other")
	body, _, _ := strings.Cut(d.cookies[0].Value, ".")
	d.cookies[0].Value = body + "." + sum
	resp, _ := d.decode(d.sealed(workspace))
	require.Equal(t, 401, resp.StatusCode)
	d.cookies[0].Value = first
	resp, _ = d.decode(d.sealed(workspace))
	require.Equal(t, 200, resp.StatusCode)
}

func TestProgramsSendTheKeyItself(t *testing.T) {
	d := start(t)
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{d.sealed(workspace)}})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), "POST", d.url+"/codec/decode", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+reader)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Len(t, d.trail, 1)
}

func TestOtherWorkspacesStaySealed(t *testing.T) {
	d := start(t)
	d.signIn(reader)
	foreign := d.sealed(uuid.New())
	dc := sealing.DataConverter(sealing.ForClient(d.vault)) // the installation's key
	nobodys, err := dc.ToPayload(secret)
	require.NoError(t, err)
	damaged := d.sealed(workspace)
	damaged.Data[len(damaged.Data)-1] ^= 1
	short := &commonpb.Payload{Metadata: foreign.Metadata, Data: []byte{1}}
	_, out := d.decode(foreign, nobodys, damaged, short)
	for i, in := range []*commonpb.Payload{foreign, nobodys, damaged, short} {
		require.Equal(t, in.Data, out[i].Data, i)
	}
	require.Empty(t, d.trail)
}

func TestWhatWasErasedIsATombstoneInItsOwnWorkspaceOnly(t *testing.T) {
	d := start(t)
	d.signIn(reader)
	mine, foreign := d.sealed(workspace), d.sealed(contact)
	for _, ws := range []uuid.UUID{workspace, contact} {
		_, err := d.vault.Destroy(t.Context(), ws, contact, "")
		require.NoError(t, err)
	}
	_, out := d.decode(mine, foreign)
	require.JSONEq(t, sealing.Tombstone, string(out[0].Data))
	require.Equal(t, foreign.Data, out[1].Data)
}

func TestWhatIsNotPayloadsIsRefused(t *testing.T) {
	d := start(t)
	d.signIn(reader)
	cases := map[string]struct {
		body, contentType string
		status            int
	}{
		"oversize": {`{"payloads":[{"data":"` + strings.Repeat("A", 21_000) + `"}]}`, "application/json", 413},
		"not JSON": {`payloads`, "application/json", 400},
		"a form":   {`{"payloads":[]}`, "text/plain", 415},
		"nothing":  {`{}`, "application/json", 200},
		"unknown":  {`{"payloads":[],"more":1}`, "application/json; charset=utf-8", 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			resp, answer := d.send("POST", "/codec/decode", c.body, map[string]string{"Content-Type": c.contentType})
			require.Equal(t, c.status, resp.StatusCode, answer)
			require.True(t, json.Valid([]byte(answer)))
		})
	}
}

func TestOnlyTheUIMayAskFromAnotherOrigin(t *testing.T) {
	d := start(t)
	for origin, allowed := range map[string]string{ui: ui, "http://evil.test": "", "": ""} {
		resp, _ := d.send("OPTIONS", "/codec/decode", "", map[string]string{"Origin": origin})
		require.Equal(t, 204, resp.StatusCode)
		require.Equal(t, allowed, resp.Header.Get("Access-Control-Allow-Origin"), origin)
		require.Equal(t, "Origin", resp.Header.Get("Vary"))
	}
	resp, _ := d.decode(d.sealed(workspace)) // the UI's page can read that it must sign in
	require.Equal(t, 401, resp.StatusCode)
	require.Equal(t, ui, resp.Header.Get("Access-Control-Allow-Origin"))
	// Nor does the UI's page, or any other, sign anybody in.
	resp, _ = d.send("POST", "/codec/login", "key="+reader, map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	require.Equal(t, 403, resp.StatusCode)
	require.Empty(t, resp.Cookies())
}

func TestSigningIn(t *testing.T) {
	d := start(t)
	d.key("weak", workspace, "cases:read")
	d.key("all", workspace, "*")
	for key, status := range map[string]int{"": 422, "nope": 401, "weak": 403, reader: 303, "all": 303} {
		resp, page := d.form("/codec/login", key)
		require.Equal(t, status, resp.StatusCode, key)
		require.Equal(t, status == 303, len(resp.Cookies()) == 1, key)
		if status != 303 {
			require.Contains(t, page, `role="alert"`, key)
			require.Contains(t, page, `<label for="key">`)
			require.NotContains(t, page, "value=")
		}
	}
	resp, _ := d.form("/codec/login", strings.Repeat("x", 5000))
	require.Equal(t, 422, resp.StatusCode)
	require.Len(t, d.trail, 2) // two sign-ins
	d.signIn(reader)
	resp, _ = d.form("/codec/logout", "")
	require.Equal(t, 303, resp.StatusCode)
	require.Negative(t, resp.Cookies()[0].MaxAge)
	resp, page := d.send("GET", "/codec", "", map[string]string{"Cookie": "parley_codec=nonsense"})
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, page, reader)
}

func TestAnOriginThatIsNoneIsRefused(t *testing.T) {
	err := codec.Register(gin.New(), codec.Options{UIOrigin: "127.0.0.1:8233/ui"})
	require.ErrorContains(t, err, "origin")
}
