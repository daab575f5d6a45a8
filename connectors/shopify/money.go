package shopify

import (
	"math"
	"strconv"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// Money is an amount in the currency's minor unit: 1250 USD is 12.50 dollars,
// 1250 JPY is 1250 yen.
type Money struct {
	Amount   int64  `json:"amount" doc:"In the currency's minor unit."`
	Currency string `json:"currency" doc:"ISO 4217 code."`
}

// parseMoney turns Shopify's decimal ("12.5", "1000.0") into minor units, exactly:
// an amount finer than the minor unit is an error, not a rounding.
func parseMoney(decimal, currency string) (Money, error) {
	if !money.IsCurrency(currency) {
		return Money{}, badMoney("a currency that is no ISO 4217 code")
	}
	digits, negative := strings.CutPrefix(decimal, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	fraction = strings.TrimRight(fraction, "0")
	exp := money.Digits(currency)
	if len(fraction) > exp {
		return Money{}, badMoney("an amount finer than the currency's minor unit")
	}
	all := whole + fraction + strings.Repeat("0", exp-len(fraction))
	if whole == "" || strings.Trim(all, "0123456789") != "" {
		return Money{}, badMoney("an amount that is no decimal number")
	}
	n, err := strconv.ParseUint(all, 10, 64)
	if err != nil || n > math.MaxInt64 {
		return Money{}, badMoney("an amount that is too large")
	}
	if negative {
		return Money{Amount: -int64(n), Currency: currency}, nil
	}
	return Money{Amount: int64(n), Currency: currency}, nil
}

// badMoney: the request may have been carried out although its answer cannot be
// read, hence Wrote.
func badMoney(what string) error {
	return &sdk.Error{Class: sdk.Unavailable, Message: "Shopify answered with " + what, Wrote: true}
}

// money parses an amount and refuses a currency other than the configured one.
func (c *conn) money(decimal, currency string) (Money, error) {
	if c.currency != "" && currency != c.currency {
		return Money{}, &sdk.Error{Class: sdk.Rejected, Code: "CURRENCY", Wrote: true,
			Message: "Shopify answered in another currency than the setting currency says"}
	}
	return parseMoney(decimal, currency)
}
