package flow

import (
	"math"
	"strings"

	"parley/connectors/sdk/money"
)

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
	return money.Format(int64(math.Round(minor)), strings.ToUpper(code)), nil
}
