package flow

import (
	"math"
	"strconv"
	"strings"
)

// exponents lists the currencies whose minor unit is not a hundredth
// (ISO 4217, list one).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0,
	"PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// symbols are written before the amount; other currencies by their code.
var symbols = map[string]string{
	"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "BRL": "R$", "MXN": "MX$",
	"CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "CNY": "CN¥", "KRW": "₩", "ILS": "₪",
	"VND": "₫", "NGN": "₦", "PHP": "₱",
}

// formatMoney writes an amount in minor units for people: money(1250, "USD") is
// "$12.50". A mapping {amount, currency} may stand for both. No amount is "".
func formatMoney(args ...any) (any, error) {
	var amount, currency any
	switch len(args) {
	case 1:
		if args[0] == nil {
			return "", nil
		}
		m, ok := args[0].(map[string]any)
		if !ok {
			return nil, errArguments
		}
		amount, currency = m["amount"], m["currency"]
	case 2:
		amount, currency = args[0], args[1]
	default:
		return nil, errArguments
	}
	if amount == nil {
		return "", nil
	}
	minor, ok := number(amount)
	code, _ := currency.(string)
	if !ok || math.Abs(minor) > 1<<53 {
		return nil, errArguments
	}
	return moneyText(int64(math.Round(minor)), strings.ToUpper(code)), nil
}

func moneyText(minor int64, code string) string {
	digits, ok := exponents[code]
	if !ok {
		digits = 2
	}
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	s := strconv.FormatInt(minor, 10)
	if len(s) <= digits {
		s = strings.Repeat("0", digits+1-len(s)) + s
	}
	whole, fraction := s[:len(s)-digits], s[len(s)-digits:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if symbol, ok := symbols[code]; ok {
		return sign + symbol + whole
	}
	return strings.TrimSpace(code + " " + sign + whole)
}
