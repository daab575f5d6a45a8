package stripe_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"parley/connectors/sdk"
	"parley/connectors/stripe"

	"github.com/stretchr/testify/require"
)

// startMock runs Stripe's official mock, which holds every request against
// Stripe's OpenAPI description, and returns its address.
func startMock(t *testing.T) string {
	binary := os.Getenv("PARLEY_STRIPE_MOCK")
	if binary == "" {
		t.Skip("PARLEY_STRIPE_MOCK does not name a stripe-mock binary (github.com/stripe/stripe-mock v0.203.0)")
	}
	mock := exec.Command(binary, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := mock.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, mock.Start())
	t.Cleanup(func() {
		_ = mock.Process.Kill()
		_ = mock.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, address, ok := strings.Cut(lines.Text(), "Listening for HTTP at address: "); ok {
			return "http://" + address
		}
	}
	require.Fail(t, "stripe-mock did not start to listen")
	return ""
}

func TestTheOfficialMockAcceptsEveryRequest(t *testing.T) {
	base := startMock(t)
	rejected := 0
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && resp.StatusCode != http.StatusOK {
			rejected++
		}
		return resp, err
	})}
	conn := connect(t, config(t, base), client)
	for name, input := range everyInput() {
		t.Run(name, func(t *testing.T) {
			run[map[string]any](t, conn, name, call("k-"+name), input)
		})
	}
	t.Run("payment_retrieve by its intent", func(t *testing.T) {
		run[stripe.Payment](t, conn, "payment_retrieve", call(""), stripe.RetrieveInput{PaymentIntent: "pi_123"})
	})
	t.Run("payment_link_create with the least", func(t *testing.T) {
		out := run[stripe.LinkOutput](t, conn, "payment_link_create", sdk.Call{}, stripe.LinkInput{Description: "A mug", Amount: 1450, Currency: "usd"})
		require.NotEmpty(t, out.URL)
	})
	t.Run("refund_create of all", func(t *testing.T) {
		run[stripe.RefundOutput](t, conn, "refund_create", call("k-all"), stripe.RefundInput{PaymentIntent: "pi_123"})
	})
	t.Run("subscription_cancel at the period's end", func(t *testing.T) {
		run[stripe.Subscription](t, conn, "subscription_cancel", call("k-end"), stripe.CancelInput{ID: "sub_123", AtPeriodEnd: true})
	})
	t.Run("check", func(t *testing.T) {
		require.NoError(t, conn.(sdk.Checker).Check(t.Context()))
	})
	require.Zero(t, rejected)
}

func TestTheOfficialMockWouldRefuseAWrongRequest(t *testing.T) {
	base := startMock(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/payment_links", strings.NewReader("line_itemz[0][quantity]=1"))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer sk_test_123")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}
