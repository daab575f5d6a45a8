package razorpay

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"parley/connectors/sdk"
)

// Settlement is money that Razorpay has paid to the account's bank.
type Settlement struct {
	ID      string `json:"id" doc:"Razorpay's ID of the settlement (setl_…)."`
	Status  string `json:"status" doc:"created, processed or failed."`
	Amount  int64  `json:"amount" doc:"In the minor unit of the account's currency."`
	Fees    int64  `json:"fees" doc:"What Razorpay took, with the tax."`
	Tax     int64  `json:"tax" doc:"The tax in the fees."`
	UTR     string `json:"utr" doc:"The bank's reference of the transfer."`
	Created int64  `json:"created_at" doc:"Unix time in seconds."`
}

func (c *connection) fetchSettlement(ctx context.Context, _ sdk.Call, in IDInput) (s Settlement, err error) {
	err = c.get(ctx, "/v1/settlements/"+in.ID, nil, &s)
	return s, err
}

// ReportInput names a day or month, and a page of its report
// (https://razorpay.com/docs/api/settlements/fetch-recon).
type ReportInput struct {
	Year  int `json:"year" doc:"Four digits."`
	Month int `json:"month" doc:"1 to 12."`
	Day   int `json:"day,omitempty" doc:"1 to 31; the whole month unless given."`
	Count int `json:"count,omitempty" doc:"How many entries at once, 1 to 1000; 100 unless given."`
	Skip  int `json:"skip,omitempty" doc:"How many entries to leave out: next of the page before."`
}

// Report is one page of what was settled.
type Report struct {
	Entries []ReportEntry `json:"entries" doc:"In Razorpay's order."`
	Next    int           `json:"next,omitempty" doc:"What to give as skip for the next page; absent on the last."`
}

// ReportEntry is one transaction of a settlement.
type ReportEntry struct {
	EntityID      string `json:"entity_id" doc:"Razorpay's ID of the payment, refund, transfer or adjustment."`
	Type          string `json:"type" doc:"payment, refund, transfer or adjustment."`
	Debit         int64  `json:"debit" doc:"Taken from the account, in the currency's minor unit."`
	Credit        int64  `json:"credit" doc:"Added to the account."`
	Amount        int64  `json:"amount" doc:"Of the whole transaction."`
	Currency      string `json:"currency" doc:"ISO 4217 code in capitals."`
	Fee           int64  `json:"fee" doc:"What Razorpay took, with the tax."`
	Tax           int64  `json:"tax" doc:"The tax in the fee."`
	Settled       bool   `json:"settled" doc:"Whether it was paid to the bank."`
	SettledAt     int64  `json:"settled_at,omitempty" doc:"Unix time in seconds."`
	SettlementID  string `json:"settlement_id,omitempty" doc:"Razorpay's ID of the settlement (setl_…)."`
	SettlementUTR string `json:"settlement_utr,omitempty" doc:"The bank's reference of the transfer."`
	PaymentID     string `json:"payment_id,omitempty" doc:"The payment that a refund or transfer is of."`
	OrderID       string `json:"order_id,omitempty" doc:"Razorpay's ID of the order."`
	OrderReceipt  string `json:"order_receipt,omitempty" doc:"The order's own reference."`
}

// Validate checks the date and the page.
func (in ReportInput) Validate() error {
	switch {
	case in.Year < 2014 || in.Year > 9999:
		return sdk.Invalidf("year must have four digits, from 2014")
	case in.Month < 1 || in.Month > 12:
		return sdk.Invalidf("month must be from 1 to 12")
	case in.Day < 0 || in.Day > 31:
		return sdk.Invalidf("day must be from 1 to 31, or left out")
	case in.Count < 0 || in.Count > 1000:
		return sdk.Invalidf("count must be from 1 to 1000")
	case in.Skip < 0:
		return sdk.Invalidf("skip must not be negative")
	}
	return nil
}

func (c *connection) reportSettlements(ctx context.Context, _ sdk.Call, in ReportInput) (Report, error) {
	if in.Count == 0 {
		in.Count = 100
	}
	query := url.Values{"year": {strconv.Itoa(in.Year)}, "month": {fmt.Sprintf("%02d", in.Month)},
		"count": {strconv.Itoa(in.Count)}, "skip": {strconv.Itoa(in.Skip)}}
	if in.Day > 0 {
		query.Set("day", fmt.Sprintf("%02d", in.Day))
	}
	var page struct {
		Items []ReportEntry `json:"items"`
	}
	if err := c.get(ctx, "/v1/settlements/recon/combined", query, &page); err != nil {
		return Report{}, err
	}
	out := Report{Entries: page.Items}
	if out.Entries == nil {
		out.Entries = []ReportEntry{}
	}
	if len(page.Items) == in.Count {
		out.Next = in.Skip + in.Count
	}
	return out, nil
}
