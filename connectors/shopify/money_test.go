package shopify

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/connectors/sdk/money"
)

func TestParseMoney(t *testing.T) {
	for _, c := range []struct {
		decimal, currency string
		want              int64
		ok                bool
	}{
		{"12.5", "USD", 1250, true},
		{"12.50", "USD", 1250, true},
		{"12", "USD", 1200, true},
		{"0.0", "EUR", 0, true},
		{"-3.07", "GBP", -307, true},
		{"1000.0", "JPY", 1000, true},
		{"1000", "JPY", 1000, true},
		{"1.5", "KWD", 1500, true},
		{"0.001", "KWD", 1, true},
		{"2.5000", "BHD", 2500, true},
		{"92233720368547758.07", "USD", math.MaxInt64, true},
		{"92233720368547758.08", "USD", 0, false},
		{"12.505", "USD", 0, false},
		{"1000.5", "JPY", 0, false},
		{"1e3", "USD", 0, false},
		{"", "USD", 0, false},
		{".5", "USD", 0, false},
		{"--1", "USD", 0, false},
		{"1.2.3", "USD", 0, false},
		{"1,200.00", "USD", 0, false},
		{"12.5", "usd", 0, false},
		{"12.5", "", 0, false},
	} {
		got, err := parseMoney(c.decimal, c.currency)
		require.Equal(t, c.ok, err == nil, "%s %s: %v", c.decimal, c.currency, err)
		require.Equal(t, c.want, got.Amount, "%s %s", c.decimal, c.currency)
	}
}

var someCurrency = rapid.SampledFrom([]string{"USD", "EUR", "INR", "JPY", "KRW", "KWD", "TND", "CLF"})

// What is formatted is read back as the same amount, and is worth what it says.
func TestMoneyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money{Amount: rapid.Int64Min(math.MinInt64+1).Draw(t, "amount"), Currency: someCurrency.Draw(t, "currency")}
		text := money.Decimal(m.Amount, m.Currency)
		got, err := parseMoney(text, m.Currency)
		require.NoError(t, err)
		require.Equal(t, m, got)

		worth, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(money.Digits(m.Currency))), nil)
		require.Equal(t, 0, worth.Cmp(new(big.Rat).SetFrac(big.NewInt(m.Amount), unit)))
	})
}

// Whatever is accepted is exact: never rounded.
func TestParseMoneyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,15}(\.[0-9]{0,6})?`).Draw(t, "decimal")
		currency := someCurrency.Draw(t, "currency")
		got, err := parseMoney(text, currency)
		worth, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		minor := worth.Mul(worth, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(money.Digits(currency))), nil)))
		require.Equal(t, minor.IsInt() && minor.Num().IsInt64(), err == nil)
		if err == nil {
			require.Equal(t, minor.Num().Int64(), got.Amount)
		}
	})
}

func TestKeyTagFitsShopify(t *testing.T) {
	require.Equal(t, "parley-abc-1", keyTag("abc-1"))
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[a-z0-9-]{1,64}`)
		a, b := key.Draw(t, "a"), key.Draw(t, "b")
		require.LessOrEqual(t, len(keyTag(a)), maxTag)
		require.Equal(t, a == b, keyTag(a) == keyTag(b))
	})
}
