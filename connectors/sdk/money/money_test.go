package money_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk/money"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{0, "USD", "$0.00"}, {5, "USD", "$0.05"}, {1250, "USD", "$12.50"}, {-1250, "EUR", "-€12.50"},
		{123456789, "INR", "₹1,234,567.89"}, {1250, "JPY", "¥1,250"}, {1250, "KWD", "KWD 1.250"}, {5, "", "0.05"},
		{math.MinInt64, "JPY", "-¥9,223,372,036,854,775,808"},
	} {
		require.Equal(t, c.want, money.Format(c.minor, c.currency))
	}
}
