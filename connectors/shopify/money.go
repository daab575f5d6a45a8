package shopify

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"parley/connectors/sdk"
)

// Money is an amount in the currency's minor unit: 1250 USD is 12.50 dollars,
// 1250 JPY is 1250 yen.
type Money struct {
	Amount   int64  `json:"amount" doc:"In the currency's minor unit."`
	Currency string `json:"currency" doc:"ISO 4217 code."`
}

// exponents lists the currencies whose minor unit is not a hundredth (ISO 4217,
// list one).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0,
	"PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

func exponent(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

// isCurrency tells whether s has the form of an ISO 4217 code.
func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// parseMoney turns Shopify's decimal ("12.5", "1000.0") into minor units, exactly:
// an amount finer than the minor unit is an error, not a rounding.
func parseMoney(decimal, currency string) (Money, error) {
	if !isCurrency(currency) {
		return Money{}, badMoney("a currency that is no ISO 4217 code")
	}
	digits, negative := strings.CutPrefix(decimal, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	fraction = strings.TrimRight(fraction, "0")
	exp := exponent(currency)
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

// formatMoney is the inverse of parseMoney, for amounts that we send.
func formatMoney(m Money) string {
	exp := exponent(m.Currency)
	sign, n := "", uint64(m.Amount)
	if m.Amount < 0 {
		sign, n = "-", -n
	}
	digits := fmt.Sprintf("%0*d", exp+1, n)
	if exp == 0 {
		return sign + digits
	}
	point := len(digits) - exp
	return sign + digits[:point] + "." + digits[point:]
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
