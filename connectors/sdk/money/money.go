// Package money knows currencies: how many digits their minor unit has, and how
// people write amounts. Amounts are integers in the minor unit everywhere.
package money

import (
	"fmt"
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

// Digits is how many digits the minor unit of a currency has.
func Digits(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

// IsCurrency tells whether s has the form of an ISO 4217 code.
func IsCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// Decimal writes an amount as a plain decimal number: 1250 USD is "12.50".
func Decimal(minor int64, currency string) string {
	digits := Digits(currency)
	sign, n := "", uint64(minor)
	if minor < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%0*d", digits+1, n)
	if digits == 0 {
		return sign + s
	}
	point := len(s) - digits
	return sign + s[:point] + "." + s[point:]
}

// Format writes an amount for people: 125000 USD is "$1,250.00", 5 XYZ "XYZ 0.05".
func Format(minor int64, currency string) string {
	sign, decimal := "", Decimal(minor, currency)
	if minor < 0 {
		sign, decimal = "-", decimal[1:]
	}
	whole, fraction, _ := strings.Cut(decimal, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if symbol, ok := symbols[currency]; ok {
		return sign + symbol + whole
	}
	return strings.TrimSpace(currency + " " + sign + whole)
}
