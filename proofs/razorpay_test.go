package proofs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
	"parley/proofs/stack"
)

// TestAnOrderIsPaidWithRazorpay: a workspace that names its Razorpay connection
// "payments" is paid there, and gives back there what a cancelled order has cost.
// Neither the flow nor the order knows of it.
func TestAnOrderIsPaidWithRazorpay(t *testing.T) {
	long(t)
	s := stack.Start(t)
	account := s.Endpoints().Accounts["razorpay"]
	manage(t, s, http.MethodDelete, "razorpay", nil)
	manage(t, s, http.MethodPut, "payments", map[string]any{"connector": "razorpay", "account": account.Account, "config": account.Config})

	c := shoppers(t, s, 1, seed(t))[0]
	c.Straight = true
	require.NoError(t, c.Buy(t.Context()))
	require.Len(t, c.Paid, 1)
	require.Contains(t, c.Paid[0], "/razorpay/pay/")

	menu, err := c.Say(t.Context(), fake.Utterance{Text: "menu"}, func(m fake.Shown) bool { return tap(m, "My order") != "" })
	require.NoError(t, err)
	order, err := c.Say(t.Context(), fake.Utterance{Tap: tap(menu, "My order")}, func(m fake.Shown) bool { return tap(m, "Cancel this order") != "" })
	require.NoError(t, err)
	sure, err := c.Say(t.Context(), fake.Utterance{Tap: tap(order, "Cancel this order")}, func(m fake.Shown) bool { return tap(m, "Yes") != "" })
	require.NoError(t, err)
	require.NoError(t, c.Speak(t.Context(), fake.Utterance{Tap: tap(sure, "Yes")}))
	s.Eventually("the money is given back", time.Minute, func() error {
		requests, err := s.Sandbox().Requests(t.Context(), "", 0)
		if err != nil {
			return err
		}
		links, refunds := 0, 0
		for _, r := range requests {
			switch {
			case r.Status/100 != 2 || r.Method != http.MethodPost:
			case r.Connector == "stripe":
				t.Fatalf("Stripe was asked for %s", r.Path)
			case r.Connector == "razorpay" && r.Path == "/v1/payment_links":
				links++
			case r.Connector == "razorpay" && strings.HasSuffix(r.Path, "/refund"):
				refunds++
			}
		}
		if links != 1 || refunds > 1 {
			t.Fatalf("%d links were made and %d refunds", links, refunds)
		}
		if refunds == 0 {
			return errors.New("there is no refund yet")
		}
		return nil
	})
	s.Eventually("the customer hears so", time.Minute, func() error {
		shown, err := s.Sandbox().Phone(t.Context(), "whatsapp", c.From)
		if err != nil {
			return err
		}
		for _, m := range shown {
			if m.From == "business" && strings.Contains(m.Text, "on its way back") {
				return nil
			}
		}
		return fmt.Errorf("the newest message is %q", shown[len(shown)-1].Text)
	})
}

// tap is the choice of a label, if the message has it.
func tap(m fake.Shown, label string) string {
	for _, c := range m.Choices {
		if c.Label == label {
			return c.ID
		}
	}
	return ""
}

// manage changes a connection of the demo's workspace through the API.
func manage(t *testing.T, s *stack.System, method, name string, body any) {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, s.Endpoints().API+"/v1/connections/"+name, bytes.NewReader(raw))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Endpoints().AdminKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 2, resp.StatusCode/100, "%s %s: %s", method, name, resp.Status)
}
