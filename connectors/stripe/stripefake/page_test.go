package stripefake

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/connectors/sdk/fake"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"
)

var epoch = time.Date(2026, 5, 12, 9, 0, 0, 0, time.UTC)

// stand is a fake under a prefix, as the sandbox mounts it, with two Stripe
// accounts that have a webhook each.
type stand struct {
	t      *testing.T
	env    *fake.Memory
	server *httptest.Server
	base   string
}

func secretOf(account string) func(string) string {
	return func(name string) string { return account + name }
}

func newStand(t *testing.T) *stand {
	s := &stand{t: t, env: fake.NewMemory("")}
	s.env.Clock = func() time.Time { return epoch }
	mux := http.NewServeMux()
	mux.Handle("/stripe/", http.StripPrefix("/stripe", Provider.New(s.env)))
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	s.base = s.server.URL + "/stripe"
	s.env.SetBase(s.base)
	s.env.SetAccounts(
		fake.Account{Account: "a", Hook: "https://parley.test/hooks/stripe/a", Config: Provider.Account(s.base, secretOf("a"))},
		fake.Account{Account: "b", Hook: "https://parley.test/hooks/stripe/b", Config: Provider.Account(s.base, secretOf("b"))},
	)
	return s
}

// post calls the API as account a.
func (s *stand) post(path, form string) (int, map[string]any) {
	req, err := http.NewRequest(http.MethodPost, s.base+path, strings.NewReader(form))
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer sk_test_asecret_key")
	resp, err := s.server.Client().Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var out map[string]any
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&out))
	return resp.StatusCode, out
}

func (s *stand) link(more string) (id, page string) {
	status, l := s.post("/v1/payment_links", "line_items[0][quantity]=2&line_items[0][price_data][currency]=eur"+
		"&line_items[0][price_data][unit_amount]=1450&line_items[0][price_data][product_data][name]=Mug+%3Cb%3E"+more)
	require.Equal(s.t, http.StatusOK, status, l)
	return l["id"].(string), l["url"].(string)
}

const once = "&restrictions[completed_sessions][limit]=1"

func (s *stand) visit(page string) (int, string) {
	resp, err := s.server.Client().Get(page)
	return read(s.t, resp, err)
}

func (s *stand) press(page, action string) (int, string) {
	resp, err := s.server.Client().PostForm(page, url.Values{"action": {action}})
	return read(s.t, resp, err)
}

func read(t *testing.T, resp *http.Response, err error) (int, string) {
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func (s *stand) delivered() (types []string) {
	for _, d := range s.env.Deliveries() {
		var e struct{ Type string }
		require.NoError(s.t, json.Unmarshal(d.Body, &e))
		types = append(types, e.Type)
	}
	return types
}

func TestThePageShowsWhatIsPaid(t *testing.T) {
	s := newStand(t)
	id, page := s.link(once)
	require.Equal(t, s.base+"/pay/"+id, page)
	status, html := s.visit(page)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, html, "29.00 EUR")
	require.Contains(t, html, "Mug &lt;b&gt; × 2", "texts are escaped")
	require.Contains(t, html, `value="pay"`)
	require.Contains(t, html, `value="decline"`)
	status, _ = s.visit(s.base + "/pay/plink_none")
	require.Equal(t, http.StatusNotFound, status)
}

func TestPayingTellsTheOwnersWebhookAsStripeDoes(t *testing.T) {
	s := newStand(t)
	_, page := s.link(once + "&after_completion[hosted_confirmation][custom_message]=Danke%21")
	status, html := s.press(page, "pay")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, html, "Danke!")
	require.Equal(t, []string{"charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}, s.delivered())
	for _, d := range s.env.Deliveries() {
		require.Equal(t, "https://parley.test/hooks/stripe/a", d.URL, "the link is of account a")
		require.Equal(t, map[string][]string(signed(d.Body, "whsec_awebhook_secret", epoch)), map[string][]string(d.Header))
	}

	status, html = s.press(page, "pay")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, html, "already been paid")
	require.NotContains(t, html, "<form")
	_, html = s.visit(page)
	require.Contains(t, html, "already been paid")
	require.Len(t, s.env.Deliveries(), 3)
}

func TestADeclinedPaymentCanBeTriedAgain(t *testing.T) {
	s := newStand(t)
	_, page := s.link(once)
	for range 2 {
		status, html := s.press(page, "decline")
		require.Equal(t, http.StatusPaymentRequired, status)
		require.Contains(t, html, `role="alert"`)
		require.Contains(t, html, `value="pay"`)
	}
	s.press(page, "pay")
	require.Equal(t, []string{"charge.failed", "payment_intent.payment_failed", "charge.failed", "payment_intent.payment_failed",
		"charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}, s.delivered())
}

func TestAClosedLinkChargesNothing(t *testing.T) {
	s := newStand(t)
	id, page := s.link(once)
	s.post("/v1/payment_links/"+id, "active=false")
	for _, action := range []string{"pay", "decline"} {
		status, html := s.press(page, action)
		require.Equal(t, http.StatusGone, status)
		require.Contains(t, html, "no longer active")
	}
	require.Empty(t, s.env.Deliveries())
}

func TestAnUnknownButtonDoesNothing(t *testing.T) {
	s := newStand(t)
	_, page := s.link(once)
	status, _ := s.press(page, "steal")
	require.Equal(t, http.StatusBadRequest, status)
	require.Empty(t, s.env.Deliveries())
}

func TestManyWhoPayAtOncePayOnce(t *testing.T) {
	s := newStand(t)
	_, page := s.link(once)
	statuses := make([]int, 24)
	var wg sync.WaitGroup
	for i := range statuses {
		action := "pay"
		if i%3 == 0 {
			action = "decline"
		}
		wg.Go(func() {
			resp, err := s.server.Client().PostForm(page, url.Values{"action": {action}})
			if err == nil {
				statuses[i] = resp.StatusCode
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	paid := 0
	for _, status := range statuses {
		require.Contains(t, []int{http.StatusOK, http.StatusConflict, http.StatusPaymentRequired}, status)
		if status == http.StatusOK {
			paid++
		}
	}
	require.Equal(t, 1, paid)
	completed := 0
	for _, kind := range s.delivered() {
		if kind == "checkout.session.completed" {
			completed++
		}
	}
	require.Equal(t, 1, completed)
}

func TestALinkWithoutALimitIsPaidAgainAndAgain(t *testing.T) {
	s := newStand(t)
	_, page := s.link("")
	for range 2 {
		status, _ := s.press(page, "pay")
		require.Equal(t, http.StatusOK, status)
	}
	intents := map[string]bool{}
	s.env.State().Each("payments", func(id string, _ json.RawMessage) bool { intents[id] = true; return true })
	require.Len(t, intents, 2)
}

func TestARefundTellsTheWebhook(t *testing.T) {
	s := newStand(t)
	_, page := s.link(once)
	s.press(page, "pay")
	var intent string
	s.env.State().Each("payments", func(id string, _ json.RawMessage) bool { intent = id; return true })
	status, refund := s.post("/v1/refunds", "payment_intent="+intent+"&amount=900")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "succeeded", refund["status"])
	require.Equal(t, []string{"refund.created", "charge.refunded"}, s.delivered()[3:])
	status, _ = s.post("/v1/refunds", "payment_intent="+intent+"&amount=2001")
	require.Equal(t, http.StatusBadRequest, status, "more than is left")
	status, _ = s.post("/v1/refunds", "payment_intent=pi_none")
	require.Equal(t, http.StatusNotFound, status)
}

func TestAnAttemptIsSignedAnew(t *testing.T) {
	s := newStand(t)
	_, page := s.link(once)
	s.press(page, "pay")
	first := s.env.Deliveries()[0]
	signer, ok := Provider.New(s.env).(fake.Signer)
	require.True(t, ok)
	later := epoch.Add(time.Hour)
	again := signer.Sign(first, later)
	require.Equal(t, first.Body, again.Body)
	require.Equal(t, signed(first.Body, "whsec_awebhook_secret", later), again.Header)
	gone := fake.Delivery{URL: "https://elsewhere.test", Header: http.Header{"A": {"b"}}}
	require.Equal(t, gone, signer.Sign(gone, later))
}

func TestWhileASecretIsReplacedBothSign(t *testing.T) {
	header := signed([]byte("{}"), "old, new", epoch).Get("Stripe-Signature")
	require.Equal(t, 2, strings.Count(header, "v1="))
	for _, secret := range []string{"old", "new"} {
		require.NoError(t, webhook.ValidatePayloadIgnoringTolerance([]byte("{}"), header, secret))
	}
}

func TestStripesErrors(t *testing.T) {
	s := newStand(t)
	resp, err := s.server.Client().Get(s.base + "/v1/balance")
	status, body := read(t, resp, err)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, body, `"error"`)
	for form, code := range map[string]string{"": "parameter_missing", "line_items[0][quantity]=x": "parameter_invalid_integer"} {
		status, out := s.post("/v1/payment_links", form)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, code, out["error"].(map[string]any)["code"])
	}
	status, _ = s.post("/v1/coupons", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestAKeyInUseIsAConflict(t *testing.T) {
	env := fake.NewMemory("")
	s := newServer(env)
	require.True(t, s.begin(ownerOf("sk")+"/k"))
	req := httptest.NewRequest(http.MethodPost, "/v1/refunds", strings.NewReader("payment_intent=pi_1"))
	req.Header.Set("Authorization", "Bearer sk")
	req.Header.Set("Idempotency-Key", "k")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	require.Equal(t, http.StatusConflict, w.Code)
	require.Contains(t, w.Body.String(), "idempotency_key_in_use")
}

func TestRequestsAreNamedByOperation(t *testing.T) {
	for request, want := range map[string]string{
		"POST /v1/payment_links ":                     "payment_link_create",
		"POST /v1/payment_links/plink_1 active=false": "payment_link_deactivate",
		"POST /v1/payment_links/plink_1 active=true":  "",
		"POST /v1/refunds payment_intent=pi_1":        "refund_create",
		"GET /v1/payment_intents/pi_1 ":               "payment_retrieve",
		"GET /v1/checkout/sessions ":                  "payment_retrieve",
		"GET /v1/payment_links/plink_1 ":              "payment_retrieve",
		"GET /stripe/v1/payment_links/plink_1 ":       "payment_retrieve",
		"POST /pay/plink_1 action=pay":                "",
		"GET /v1/balance ":                            "",
	} {
		parts := strings.SplitN(request, " ", 3)
		r := httptest.NewRequest(parts[0], parts[1], nil)
		require.Equal(t, want, Provider.Operation(r, []byte(parts[2])), request)
	}
}

func TestMoney(t *testing.T) {
	for want, m := range map[string]struct {
		amount   int64
		currency string
	}{"0.05 EUR": {5, "eur"}, "1234.50 USD": {123450, "usd"}, "500 JPY": {500, "jpy"}, "1.005 KWD": {1005, "kwd"}} {
		require.Equal(t, want, money(m.amount, m.currency))
	}
}
