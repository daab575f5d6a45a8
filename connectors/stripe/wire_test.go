package stripe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

// refusingClient fails the test if anything is sent.
func refusingClient(t *testing.T) *http.Client {
	return &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no request is expected")
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestACutConnectionMayHaveActed(t *testing.T) {
	for name, input := range everyInput() {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
			t.Cleanup(server.Close)
			e := fail(t, connect(t, config(t, server.URL), server.Client()), name, call("k"), input)
			require.Equal(t, sdk.Unavailable, e.Class)
			require.True(t, e.Wrote)
		})
	}
}

func TestAnAnswerCutShortMayHaveActed(t *testing.T) {
	e := fail(t, answering(t, 200, map[string]string{"Content-Length": "100"}, `{"id":"plink_1"`), "payment_link_create", call("k"), linkInput())
	require.Equal(t, sdk.Unavailable, e.Class)
	require.True(t, e.Wrote)
}

func TestARefusedConnectionHasNotActed(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	base := server.URL
	server.Close()
	for name, input := range everyInput() {
		e := fail(t, connect(t, config(t, base), &http.Client{}), name, call("k"), input)
		require.Equal(t, sdk.Unavailable, e.Class)
		require.False(t, e.Wrote)
	}
}

func TestNothingIsSentTwice(t *testing.T) {
	for _, status := range []int{409, 429, 500, 503} {
		var mu sync.Mutex
		seen := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen++
			w.Header().Set("Stripe-Should-Retry", "true")
			w.WriteHeader(status)
		}))
		fail(t, connect(t, config(t, server.URL), server.Client()), "refund_create", call("k"), everyInput()["refund_create"])
		server.Close()
		require.Equal(t, 1, seen)
	}
}

// hold reads a request, says so, and answers nothing until the client has gone.
// A server notices that only once it has read the body.
func hold(r *http.Request, arrived chan<- struct{}) {
	_, _ = io.Copy(io.Discard, r.Body)
	if arrived != nil {
		close(arrived)
	}
	<-r.Context().Done()
}

func TestCancelIsPrompt(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hold(r, arrived)
	}))
	t.Cleanup(server.Close)
	conn := connect(t, config(t, server.URL), server.Client())
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := operationNamed(t, "refund_create").Run(ctx, conn, call("k"), sdk.JSONBody(everyInput()["refund_create"]))
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, sdk.AsError(err).Wrote)
}

func TestADeadlineIsKept(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hold(r, nil) }))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := operationNamed(t, "payment_retrieve").Run(ctx, connect(t, config(t, server.URL), server.Client()), call(""), sdk.JSONBody(everyInput()["payment_retrieve"]))
	require.Equal(t, sdk.Unavailable, sdk.AsError(err).Class)
}

func TestOnlyTheGivenHostIsDialled(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	dialled := map[string]bool{}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		dialled[addr] = true
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}}
	conn := connect(t, config(t, r.server.URL), client)
	for name, input := range everyInput() {
		_, _ = operationNamed(t, name).Run(t.Context(), conn, call("k-"+name), sdk.JSONBody(input))
	}
	u, err := url.Parse(r.server.URL)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{u.Host: true}, dialled)
}

func TestARedirectElsewhereIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	e := fail(t, connect(t, config(t, server.URL), nil), "payment_retrieve", call(""), everyInput()["payment_retrieve"])
	require.Equal(t, sdk.Unavailable, e.Class)
}

func TestWhatIsSent(t *testing.T) {
	var got *http.Request
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, r.ParseForm())
		got, form = r, r.PostForm
		_, _ = w.Write([]byte(`{"id":"plink_1","url":"https://buy.test/1","active":true}`))
	}))
	t.Cleanup(server.Close)
	input := linkInput()
	input.Expires = time.Date(2026, 5, 13, 11, 0, 0, 0, time.FixedZone("", 7200))
	conn := connect(t, config(t, server.URL+"/prefix/"), server.Client())
	_, err := operationNamed(t, "payment_link_create").Run(t.Context(), conn, call("conv-1-2-0"), sdk.JSONBody(input))
	require.NoError(t, err)
	require.Equal(t, "/prefix/v1/payment_links", got.URL.Path)
	require.Equal(t, "conv-1-2-0", got.Header.Get("Idempotency-Key"))
	require.Equal(t, "Bearer "+secretKey, got.Header.Get("Authorization"))
	require.Empty(t, got.Header.Get("X-Stripe-Client-Telemetry"))
	require.Empty(t, got.Header.Get("X-Stripe-Client-User-Agent"), "it tells of this machine")
	for name, want := range map[string]string{
		"metadata[parley_effect]": "conv-1-2-0", "metadata[parley_workspace]": "w1", "metadata[order]": "1042",
		"metadata[parley_expires]":                     "2026-05-13T09:00:00Z",
		"payment_intent_data[metadata][parley_effect]": "conv-1-2-0", "restrictions[completed_sessions][limit]": "1",
		"line_items[0][price_data][currency]": "eur", "line_items[0][price_data][unit_amount]": "1450",
		"line_items[0][quantity]": "2", "line_items[1][price_data][product_data][name]": "Pot",
	} {
		require.Equal(t, want, form.Get(name), name)
	}
}
