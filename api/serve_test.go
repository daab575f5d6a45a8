package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"parley/api"
)

func TestHealthOnlyTellsThatItLives(t *testing.T) {
	e := start(t, func(o *api.Options) {
		o.Ready = []api.Check{{Name: "database", Ask: func(context.Context) error { return errors.New("down") }}}
	})
	resp, answer := e.send(t, "GET", "/healthz", "", nil)
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `{"status":"ok"}`, answer)
}

func TestReadinessTellsTheTruth(t *testing.T) {
	fine := func(context.Context) error { return nil }
	cases := map[string]struct {
		checks []api.Check
		status int
		want   string
	}{
		"nothing to ask": {nil, 200, `{"status":"ok"}`},
		"all well":       {[]api.Check{{"database", fine}, {"keys", fine}}, 200, `{"status":"ok","checks":{"database":"ok","keys":"ok"}}`},
		"one down": {[]api.Check{{"database", fine}, {"keys", func(context.Context) error { return errors.New("dial tcp 10.0.0.7: " + canary) }}},
			503, `{"status":"failed","checks":{"database":"ok","keys":"failed"}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := start(t, func(o *api.Options) { o.Ready = c.checks })
			resp, answer := e.send(t, "GET", "/readyz", "", nil)
			require.Equal(t, c.status, resp.StatusCode)
			require.JSONEq(t, c.want, answer)
			if c.status == 503 {
				require.Contains(t, e.logs.String(), `"check":"keys"`)
			}
		})
	}
}

// recorder is a response in memory, for tests in virtual time.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { r.body = append(r.body, b...); return len(b), nil }

func TestReadinessDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		o := options(&memory{}, nil, io.Discard)
		o.Ready = []api.Check{{"temporal", func(context.Context) error { <-stuck; return nil }}}
		h, err := api.New(o)
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
		require.NoError(t, err)
		w := &recorder{header: http.Header{}}
		before := time.Now()
		h.ServeHTTP(w, req)
		require.Equal(t, 503, w.status)
		require.Equal(t, 2*time.Second, time.Since(before))
		var got api.Health
		require.NoError(t, json.Unmarshal(w.body, &got))
		require.Equal(t, "timed out", got.Checks["temporal"])
		close(stuck)
	})
}

func TestRequestsUnderWayFinish(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	entered, finish := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-finish
		if r.Context().Err() == nil {
			io.WriteString(w, "done")
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- api.ServeListener(ctx, l, handler, time.Minute) }()
	answers := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answers <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answers <- string(body)
	}()
	<-entered
	stop()
	close(finish)
	require.Equal(t, "done", <-answers)
	require.NoError(t, <-served)
}

func TestRequestsThatDoNotFinishAreCut(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	entered := make(chan struct{})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- api.ServeListener(ctx, l, handler, 20*time.Millisecond) }()
	go func() {
		if resp, err := http.Get("http://" + l.Addr().String()); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	stop()
	require.ErrorContains(t, <-served, "still under way")
}

func TestAddressInUse(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	err = api.Serve(t.Context(), l.Addr().String(), http.NotFoundHandler(), 0)
	require.ErrorContains(t, err, "choose another api.addr")
}
