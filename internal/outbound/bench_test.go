package outbound_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/observe"
	"parley/internal/outbound"
)

type order struct {
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
}

type link struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// BenchmarkSeam tells what a connector's call costs beside the bare HTTP call of
// the same request to a provider that takes a millisecond. The two take turns, so
// that what else the machine does hits both.
func BenchmarkSeam(b *testing.B) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-time.After(time.Millisecond)
		io.WriteString(w, `{"id":"plink_1","url":"https://pay.example/plink_1"}`)
	}))
	defer provider.Close()
	input := []byte(`{"amount":2500,"currency":"EUR","description":"Order 1001"}`)

	bare := &http.Client{Timeout: 15 * time.Second}
	direct := func() {
		resp, err := bare.Post(provider.URL, "application/json", bytes.NewReader(input))
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		resp.Body.Close()
	}

	bounds := outbound.New(outbound.Options{Registry: prometheus.NewRegistry()})
	calls := observe.NewCalls(prometheus.NewRegistry())
	client := sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: provider.Listener.Addr().String(), Wrap: func(rt http.RoundTripper) http.RoundTripper {
		return bounds.Wrap(shop, sdk.Limits{PerSecond: 1e6, Burst: 1000, Concurrent: 100}, calls.Wrap("shop")(rt))
	}})
	op := sdk.Op("order", "makes an order", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: time.Hour}, func(c *http.Client, ctx context.Context, _ sdk.Call, in order) (link, error) {
		var out link
		resp, err := sdk.Do(ctx, c, sdk.Request{Method: "POST", URL: provider.URL, Body: sdk.JSONBody(in), Operation: "order"})
		if err != nil {
			return out, err
		}
		return out, json.Unmarshal(resp.Body, &out)
	})
	seam := func() {
		_, err := op.Run(b.Context(), client, sdk.Call{Key: "k", Attempt: 1}, input)
		require.NoError(b, err)
	}

	var plain, through time.Duration
	timed := func(sum *time.Duration, do func()) {
		began := time.Now()
		do()
		*sum += time.Since(began)
	}
	for b.Loop() {
		timed(&plain, direct)
		timed(&through, seam)
	}
	b.ReportMetric(float64(plain.Microseconds())/float64(b.N), "bare-us")
	b.ReportMetric(float64(through.Microseconds())/float64(b.N), "seam-us")
	b.ReportMetric(float64(through)/float64(plain), "seam/bare")
}
