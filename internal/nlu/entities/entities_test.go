package entities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/nlu/entities"
)

func TestKinds(t *testing.T) {
	pin, err := entities.Pattern(`\bPIN (\d{6})\b`)
	require.NoError(t, err)
	sizes := entities.List(map[string][]string{"S": {"small", "pequeño"}, "L": {"large", "grande"}, "XL": {"extra large"}})
	for _, c := range []struct {
		finder entities.Finder
		text   string
		want   []any
	}{
		{entities.Email, "write to Ann.Lee@example.co.in or bob@example.com.", []any{"Ann.Lee@example.co.in", "bob@example.com"}},
		{entities.Email, "@ann at example", nil},
		{entities.Phone, "call +91 98765-43210 or (555) 000-1111", []any{"+919876543210", "5550001111"}},
		{entities.Phone, "order 12345", nil},
		{entities.Order, "where is order no. ab-1234?", []any{"AB-1234"}},
		{entities.Order, "#48213 please", []any{"48213"}},
		{entities.Order, "mi pedido 9912", []any{"9912"}},
		{entities.Order, "I have 3 dogs", nil},
		{pin, "PIN 411001", []any{"411001"}},
		{sizes, "an extra large and a SMALL one", []any{"XL", "S"}},
		{sizes, "uno pequeno", []any{"S"}},
		{sizes, "lagre please", []any{"L"}},
		{sizes, "mall", nil},
	} {
		require.Equal(t, c.want, c.finder.Find(c.text), c.text)
	}
	_, err = entities.Pattern("(")
	require.Error(t, err)
}

func TestAsNearAsAnotherIsNeither(t *testing.T) {
	l := entities.List(map[string][]string{"batter": nil, "butter": nil})
	require.Equal(t, []any{"butter"}, l.Find("butter"))
	for range 20 { // the order of a map must not decide
		require.Nil(t, l.Find("bitter"))
	}
}

func TestEngine(t *testing.T) {
	e := entities.Engine{"email": entities.Email, "order": entities.Order}
	got, err := e.Understand(t.Context(), sdk.Utterance{Text: "order 1234 for a@b.example"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"order": "1234", "email": "a@b.example"}, got.Entities)
	got, err = e.Understand(t.Context(), sdk.Utterance{Text: "hi"})
	require.NoError(t, err)
	require.Nil(t, got.Entities)
}
