package connectortest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

// canaries are the secrets in the fake account's configuration.
func (s Subject) canaries(p *Probe) map[string]string {
	var config map[string]any
	require.NoError(p, json.Unmarshal(s.Fake.Account("http://127.0.0.1:9", secret), &config))
	var schema struct {
		Properties map[string]struct{ WriteOnly bool }
	}
	require.NoError(p, json.Unmarshal(manifest.Of(s.Connector).Config, &schema))
	out := map[string]string{}
	for name, property := range schema.Properties {
		value, ok := config[name].(string)
		if !property.WriteOnly || !ok {
			continue
		}
		for part := range strings.SplitSeq(value, ",") {
			if len(part) >= 8 {
				out[name] = part
			}
		}
	}
	return out
}

// secrets: whatever goes wrong, no error and no manifest shows a secret.
func (s Subject) secrets(p *Probe) {
	canaries := s.canaries(p)
	holds := func(text, where string) {
		for name, value := range canaries {
			if strings.Contains(text, value) {
				p.Errorf("the setting %s appears in %s", name, where)
			}
		}
	}
	holds(string(sdk.JSONBody(manifest.Of(s.Connector))), "the manifest")
	for where, reply := range s.badReplies(canaries) {
		for _, a := range s.actions() {
			r := s.Rig(p)
			do := a.prepare(r)
			r.gate.set(&fault{reply: reply})
			if err := do(p.Context()); err != nil {
				holds(errorText(err), "the error of "+a.name+" when "+where)
			}
		}
	}
	for _, base := range []string{"http://127.0.0.1:1", "http://127.0.0.1:1/%zz", "no address", "ftp://127.0.0.1"} {
		s.openWrong(base, func(err error) { holds(errorText(err), "the error for a wrong base_url") }, p)
	}
	var config map[string]any
	require.NoError(p, json.Unmarshal(s.Fake.Account("http://127.0.0.1:9", secret), &config))
	for name := range config {
		spoiled := map[string]any{}
		for k, v := range config {
			spoiled[k] = v
		}
		spoiled[name] = []any{config[name]}
		if _, err := s.Connector.Open(sdk.JSONBody(spoiled), s.host(options{})); err != nil {
			holds(errorText(err), "the error for a mistyped "+name)
		}
	}
}

// badReplies are answers of a provider that tempt an error to quote too much.
func (s Subject) badReplies(canaries map[string]string) map[string]func(http.ResponseWriter, *http.Request, []byte) {
	echo := func(status int, kind string, wrap func(string) string) func(http.ResponseWriter, *http.Request, []byte) {
		return func(w http.ResponseWriter, r *http.Request, body []byte) {
			var told strings.Builder
			for _, value := range canaries {
				told.WriteString(value + " ")
			}
			_ = r.Header.Write(&told) // into memory
			told.Write(body)
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, wrap(told.String()))
		}
	}
	asJSON := func(text string) string {
		return string(sdk.JSONBody(map[string]any{"error": map[string]any{"code": text, "message": text, "type": text}, "message": text,
			"errors": []any{map[string]any{"message": text, "code": text}}, "description": text, "detail": text}))
	}
	plain := func(text string) string { return text }
	return map[string]func(http.ResponseWriter, *http.Request, []byte){
		"a 401 echoes the credentials": echo(401, "application/json", asJSON),
		"a 400 echoes the request":     echo(400, "application/json", asJSON),
		"a 500 echoes in plain text":   echo(500, "text/plain", plain),
		"the answer is no JSON":        echo(200, "text/html", plain),
		"the answer is of no use":      echo(200, "application/json", asJSON),
	}
}

// openWrong opens the connector with a wrong address and calls all that it can.
func (s Subject) openWrong(base string, tell func(error), p *Probe) {
	conn, err := s.Connector.Open(s.Fake.Account(base, secret), s.host(options{}))
	if err != nil {
		tell(err)
		return
	}
	for _, op := range s.Connector.Operations {
		if len(op.Samples) == 0 {
			continue
		}
		input := reference.ReplaceAll(op.Samples[0], []byte("1"))
		if _, err := op.Run(p.Context(), conn, sdk.Call{Key: "kit-1", Attempt: 1}, input); err != nil {
			tell(err)
		}
	}
	if checker, ok := conn.(sdk.Checker); ok {
		if err := checker.Check(p.Context()); err != nil {
			tell(err)
		}
	}
}

var errElsewhere = errors.New("this host was not given to the connector")

// hosts: nothing is dialled but the address that the configuration names, and by
// no other client than the one that the connection was given.
func (s Subject) hosts(p *Probe) {
	var mu sync.Mutex
	var others []string
	refuse := func(req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		others = append(others, req.URL.Host)
	}
	for _, a := range s.actions() {
		var own string
		r := s.rigWith(p, options{wrap: func(rt http.RoundTripper) http.RoundTripper {
			return transport(func(req *http.Request) (*http.Response, error) {
				if own != "" && req.URL.Host != own {
					refuse(req)
					return nil, errElsewhere
				}
				return rt.RoundTrip(req)
			})
		}})
		own = r.server.Listener.Addr().String()
		do := a.prepare(r)
		restore := replaceDefault(transport(func(req *http.Request) (*http.Response, error) {
			refuse(req)
			return nil, errElsewhere
		}))
		_ = do(p.Context()) // whether it works is another check's
		restore()
	}
	require.Empty(p, others, "hosts are called that the configuration does not name, or past Host.HTTP")
}

// replaceDefault catches who calls past the client that was given.
func replaceDefault(rt http.RoundTripper) (restore func()) {
	old := http.DefaultTransport
	http.DefaultTransport = rt
	return func() { http.DefaultTransport = old }
}

// redirect: an answer that sends the call to another host is not followed.
func (s Subject) redirect(p *Probe) {
	reached := make(chan string, 100)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case reached <- r.URL.Path:
		default:
		}
	}))
	defer other.Close()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		for _, a := range s.actions() {
			r := s.Rig(p)
			do := a.prepare(r)
			before := len(r.gate.requests())
			r.gate.set(&fault{reply: func(w http.ResponseWriter, r *http.Request, _ []byte) {
				http.Redirect(w, r, other.URL+"/elsewhere", status)
			}})
			err := do(p.Context())
			if len(r.gate.requests()) == before {
				continue // it calls nobody
			}
			if err == nil {
				p.Errorf("%s takes a redirect (%d) to another host for a success", a.name, status)
			} else {
				seamError(p, err)
			}
		}
	}
	require.Empty(p, reached, "a redirect to another host was followed, with the credentials")
}

// concurrency: one connection serves many calls at once.
func (s Subject) concurrency(p *Probe) {
	const parallel = 4
	for _, a := range s.actions() {
		r := s.Rig(p)
		do := a.prepare(r)
		var wg sync.WaitGroup
		errs := make([]error, parallel)
		for i := range parallel {
			wg.Go(func() { errs[i] = do(p.Context()) })
		}
		wg.Wait()
		for _, err := range errs {
			if err == nil {
				continue
			}
			if e := seamError(p, err); e.Class == sdk.Uncertain || e.Class == sdk.Unavailable && e.RetryAfter == 0 {
				p.Errorf("%s fails when it is called %d times at once: %s", a.name, parallel, e)
			}
		}
	}
}
