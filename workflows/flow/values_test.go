package flow

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMoney(t *testing.T) {
	cases := []struct{ expr, want string }{
		{`money(1250, "USD")`, "$12.50"},
		{`money(5, "USD")`, "$0.05"},
		{`money(-123456789, "EUR")`, "-€1,234,567.89"},
		{`money(1200, "JPY")`, "¥1,200"},
		{`money(1234, "KWD")`, "KWD 1.234"},
		{`money(100000, "chf")`, "CHF 1,000.00"},
		{`money({amount: 999, currency: "INR"})`, "₹9.99"},
		{`money(nil)`, ""},
		{`money(nil, "USD")`, ""},
		{`money({currency: "USD"})`, ""},
	}
	for _, c := range cases {
		got, err := evalText(t, c.expr)
		require.NoError(t, err, c.expr)
		require.Equal(t, c.want, got, c.expr)
	}
	for _, bad := range []string{`money("12", "USD")`, `money(1e17, "USD")`, `money([1])`} {
		_, err := evalText(t, bad)
		require.Error(t, err, bad)
	}
}

// evalText works out an expression over a few variables.
func evalText(t *testing.T, source string) (any, error) {
	t.Helper()
	p := compile(t, "name: x\nblocks: {start: [end]}\nvars: {l: [3, 1, 2], s: Hello, n: 7, e: []}\n")
	doc, _ := Parse("x", []byte("name: x\nvars: {l: [1], s: a, n: 1, e: []}\nblocks:\n  start:\n    - if: "+quoteYAML(source)+"\n      go: start\n"))
	for _, problem := range doc.problems {
		require.Failf(t, "does not parse", "%s", problem)
	}
	m := &machine{p: p, in: Input{Now: testNow}}
	return m.eval(doc.exprs[0])
}

func quoteYAML(s string) string {
	js, _ := json.Marshal(s)
	return string(js)
}

func TestFunctions(t *testing.T) {
	cases := []struct {
		expr string
		want any
	}{
		{`n % 4`, 3.0}, {`-7 % 4`, -3.0},
		{`len(nil)`, 0}, {`len("äö")`, 2}, {`len(l)`, 3}, {`len({a: 1})`, 1},
		{`join(l, "-")`, "3-1-2"}, {`join(e)`, ""}, {`join(nil, ",")`, ""},
		{`replace(s, "l", "L")`, "HeLLo"},
		{`without(l, 0)`, []any{1.0, 2.0}}, {`without(l, 9)`, []any{3.0, 1.0, 2.0}},
		{`string(1500000.0) + "!"`, "1500000!"}, {`text(l)`, "[3,1,2]"},
		{`date("2026-01-02") < now`, true},
		{`date("02/01/2026", "02/01/2006").Day()`, 2},
		{`(now + duration("24h")).Hour()`, 9},
		{`l[n - 6]`, 1.0}, {`sum(map(l, # * 2))`, 12.0}, {`2 in l`, true}, {`sort(l)`, []any{1.0, 2.0, 3.0}},
	}
	for _, c := range cases {
		got, err := evalText(t, c.expr)
		require.NoError(t, err, c.expr)
		require.Equal(t, c.want, got, c.expr)
	}
	for _, bad := range []string{`n % 0`, `s % 2`, `date("yesterday")`, `without(s, 1)`, `join(n)`, `l[99]`, `s.x.y`, `1..100000`} {
		_, err := evalText(t, bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "Hello", "an error quotes no value")
	}
}

func TestResultsStaySmall(t *testing.T) {
	big := strings.Repeat("x", MaxValue)
	_, err := join([]any{big, big})
	require.ErrorIs(t, err, errTooLarge)
	_, err = replace(big, "x", "xy")
	require.ErrorIs(t, err, errTooLarge)

	for name, v := range map[string]any{
		"a long text": big, "a long list": make([]any, maxList+1), "many keys": manyKeys(maxList + 1),
		"texts that grow in JSON": strings.Repeat("<", MaxValue/4),
	} {
		_, _, err := normalise(v)
		require.ErrorIs(t, err, errTooLarge, name)
	}
	deep := any("x")
	for range maxValueDepth + 2 {
		deep = []any{deep}
	}
	_, _, err = normalise(deep)
	require.ErrorIs(t, err, errTooDeep)
	for _, v := range []any{math.NaN(), math.Inf(1)} {
		_, _, err = normalise(v)
		require.Error(t, err)
	}
	_, _, err = normalise(struct{}{})
	require.ErrorIs(t, err, errNoValue)
}

func manyKeys(n int) map[string]any {
	m := map[string]any{}
	for i := range n {
		m[formatNumber(float64(i))] = nil
	}
	return m
}

func TestNormalise(t *testing.T) {
	got, _, err := normalise(map[string]any{
		"i": 3, "u": uint8(4), "s": "\xff", "t": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "d": 90 * time.Second,
		"l": []string{"a"}, "m": []int{1}, "n": nil, "b": true,
	})
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"i": 3.0, "u": 4.0, "s": "\uFFFD", "t": "2026-01-02T03:04:05Z", "d": "1m30s",
		"l": []any{"a"}, "m": []any{1.0}, "n": nil, "b": true,
	}, got)
}

// A normal value is what JSON gives back, and its size is what JSON takes at most.
func TestNormalValuesSurviveJSON(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		plain := rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64(), func(f float64) any { return f }),
			rapid.Map(rapid.Int64Range(-1<<53, 1<<53), func(i int64) any { return i }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) any { return string(b) }),
			rapid.Just[any](nil),
		)
		if depth == 0 {
			return plain
		}
		return rapid.OneOf(plain,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 5), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.String(), value(depth-1), 0, 5), func(m map[string]any) any { return m }),
		)
	}
	rapid.Check(t, func(t *rapid.T) {
		v, size, err := normalise(value(3).Draw(t, "value"))
		require.NoError(t, err)
		js, err := json.Marshal(v)
		require.NoError(t, err)
		require.LessOrEqual(t, len(js), size+1)
		require.Equal(t, size, sizeOf(v))
		var back any
		require.NoError(t, json.Unmarshal(js, &back))
		require.Equal(t, v, back)
	})
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{" Hello,  World! ": "hello, world", "#": "#", "...": "...", "MENÜ?": "menü", "2.": "2"} {
		require.Equal(t, want, fold(in))
	}
}

func TestSpans(t *testing.T) {
	for in, want := range map[string]time.Duration{"30s": 30 * time.Second, "1d 2h": 26 * time.Hour, "1.5h": 90 * time.Minute, "2w": 336 * time.Hour} {
		got, err := parseSpan(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{"", "0s", "5", "h", "-1h", "1y", "9999999w", "1h x"} {
		_, err := parseSpan(bad)
		require.Error(t, err, bad)
	}
}
