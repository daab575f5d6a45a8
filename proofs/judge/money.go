package judge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// order is one of the shop's orders, as the sandbox lists them.
type order struct {
	Name      string `json:"name"`
	Key       string `json:"key"`
	Amount    int64  `json:"amount"`
	Financial string `json:"financial_status"`
	Cancelled bool   `json:"cancelled"`
	Refunded  int64  `json:"refunded"`
}

// caseOf is the case that an effect's key belongs to: {case}-{operation}.
func caseOf(effectKey string) string {
	if len(effectKey) < uuidLength {
		return effectKey
	}
	return effectKey[:uuidLength]
}

// money checks that every payment has exactly one order, every order one
// payment, of the same amount, and that nothing was reserved or given back
// beside.
func (tr *trial) money() {
	tr.t.Helper()
	var orders []order
	tr.get("/shopify/_orders", "", &orders)
	byCase := map[string]order{}
	for _, o := range orders {
		id := caseOf(o.Key)
		if _, twice := byCase[id]; twice {
			tr.wrong("case %s has more than one order", id)
		}
		if o.Financial != "PAID" || o.Cancelled || o.Refunded != 0 {
			tr.wrong("order %s is %s, cancelled %t, refunded %d", o.Name, o.Financial, o.Cancelled, o.Refunded)
		}
		byCase[id] = o
	}
	paid := map[string]bool{}
	for _, c := range tr.shoppers {
		for _, page := range c.Paid {
			id, amount, times := tr.link(page)
			o, ordered := byCase[id]
			switch {
			case times != 1:
				tr.wrong("the payment page of case %s was paid %d times", id, times)
			case paid[id]:
				tr.wrong("case %s was paid on two pages", id)
			case !ordered:
				tr.wrong("case %s was paid and has no order", id)
			case o.Amount != amount:
				tr.wrong("case %s: %d was paid for an order of %d", id, amount, o.Amount)
			}
			paid[id] = true
		}
	}
	for id, o := range byCase {
		if !paid[id] {
			tr.wrong("order %s of case %s was never paid", o.Name, id)
		}
	}
	tr.Count("payments", len(paid))
	tr.Count("orders at the shop", len(orders))
	tr.provider()
}

// link asks the payment provider for the link of a page: whose case it is, what
// it costs, and how often it was paid.
func (tr *trial) link(page string) (caseID string, amount, times int64) {
	tr.t.Helper()
	var config struct {
		SecretKey string `json:"secret_key"`
	}
	require.NoError(tr.t, json.Unmarshal(tr.s.Endpoints().Accounts["stripe"].Config, &config))
	var l struct {
		Metadata     map[string]string
		Restrictions struct {
			CompletedSessions struct{ Count int64 } `json:"completed_sessions"`
		}
		LineItems struct {
			Data []struct {
				Amount int64 `json:"amount_total"`
			}
		} `json:"line_items"`
	}
	tr.get("/stripe/v1/payment_links/"+path.Base(page)+"?expand[]=line_items", config.SecretKey, &l)
	for _, i := range l.LineItems.Data {
		amount += i.Amount
	}
	return caseOf(l.Metadata["parley_effect"]), amount, l.Restrictions.CompletedSessions.Count
}

func (tr *trial) get(where, bearer string, into any) {
	tr.t.Helper()
	tr.s.Eventually("the sandbox answers", 30*time.Second, func() error {
		req, err := http.NewRequestWithContext(tr.ctx, http.MethodGet, tr.s.Endpoints().Sandbox+where, nil)
		if err != nil {
			return err
		}
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", where, resp.Status)
		}
		return json.NewDecoder(resp.Body).Decode(into)
	})
}

// provider counts what the record of requests says was done there, by effect.
func (tr *trial) provider() {
	tr.t.Helper()
	requests, err := tr.s.Sandbox().Requests(tr.ctx, "", 0)
	require.NoError(tr.t, err)
	drafts, refunds := map[string]int{}, 0
	for _, r := range requests {
		if r.Status != 0 && r.Status/100 != 2 {
			continue
		}
		switch {
		case r.Connector == "shopify" && strings.Contains(r.Body, "draftOrderCreate("):
			drafts[parleyKey(r.Body)]++
		case r.Connector == "stripe" && r.Path == "/v1/refunds" && r.Method == http.MethodPost:
			refunds++
		}
	}
	for k, n := range drafts {
		if n > 1 {
			tr.wrong("draft order %s was made %d times", k, n)
		}
	}
	if refunds > 0 {
		tr.wrong("%d refunds were made", refunds)
	}
	tr.Count("requests to providers", len(requests))
	tr.Count("draft orders at the shop", len(drafts))
}

// parleyKey is the effect's key in a GraphQL request's input.
func parleyKey(body string) string {
	var r struct {
		Variables struct {
			Input struct {
				Attributes []struct{ Key, Value string } `json:"customAttributes"`
			}
		}
	}
	if json.Unmarshal([]byte(body), &r) != nil {
		return ""
	}
	for _, a := range r.Variables.Input.Attributes {
		if a.Key == "parley_key" {
			return a.Value
		}
	}
	return ""
}
