package contacts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/internal/contacts"
	"parley/internal/vault"
)

func TestAPersonIsRememberedWithTheirConsentOnly(t *testing.T) {
	f := setUp(t)
	who := f.conversation(f.channel("whatsapp"), phone(1)).Contact
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	remember := func(name string, v any, consented bool, after time.Duration) error {
		return f.Remember(t.Context(), f.ws, who, map[string]any{name: v}, consented, at.Add(after))
	}
	remembered := func() map[string]any {
		got, err := f.Get(t.Context(), f.ws, who)
		require.NoError(t, err)
		return got.Profile.Remembered()
	}
	consent := func(granted bool, after time.Duration) {
		require.NoError(t, f.Consent(t.Context(), f.ws, who, contacts.PurposeMemory, granted, at.Add(after)))
	}

	require.ErrorIs(t, remember("size", "M", false, 0), contacts.ErrNoConsent)
	require.NoError(t, remember("size", "M", true, time.Minute))
	require.Nil(t, remembered(), "it is read only once the consent is recorded")
	consent(true, time.Minute)
	require.Equal(t, map[string]any{"size": "M"}, remembered())
	require.NoError(t, remember("size", "S", false, 0))
	require.Equal(t, map[string]any{"size": "M"}, remembered(), "what was remembered later stays")
	require.NoError(t, remember("size", nil, false, 2*time.Minute))
	require.NoError(t, remember("size", "M", false, time.Minute))
	require.NoError(t, remember("order", 1042.0, false, 2*time.Minute))
	require.Equal(t, map[string]any{"order": 1042.0}, remembered())

	consent(false, 5*time.Minute)
	require.Nil(t, remembered())
	require.ErrorIs(t, remember("size", "L", true, 4*time.Minute), contacts.ErrNoConsent, "what comes late is refused")
	consent(true, 6*time.Minute)
	require.Empty(t, remembered(), "what was forgotten does not come back with a new consent")
	require.NoError(t, remember("size", "L", false, 6*time.Minute))
	require.Equal(t, map[string]any{"size": "L"}, remembered())
}

func TestMemoryIsBoundedAndSealed(t *testing.T) {
	f := setUp(t)
	who := f.conversation(f.channel("whatsapp"), phone(1)).Contact
	at := time.Now()
	require.NoError(t, f.Consent(t.Context(), f.ws, who, contacts.PurposeMemory, true, at))
	for i := range contacts.MaxMemories + 10 {
		require.NoError(t, f.Remember(t.Context(), f.ws, who, map[string]any{fmt.Sprint("m", i): "planted-word"}, false, at.Add(time.Duration(i)*time.Second)))
	}
	got, err := f.Get(t.Context(), f.ws, who)
	require.NoError(t, err)
	require.Len(t, got.Profile.Remembered(), contacts.MaxMemories)
	require.NotContains(t, got.Profile.Remembered(), "m0", "the oldest goes first")
	require.Zero(t, f.count(`contacts t WHERE t::text LIKE '%planted-word%' OR t::text LIKE '%`+fmt.Sprintf("%x", "planted-word")+`%'`))

	require.NoError(t, f.Remember(t.Context(), f.ws, who, map[string]any{"long": strings.Repeat("a", contacts.MaxMemory-100)}, false, at.Add(time.Hour)))
	got, err = f.Get(t.Context(), f.ws, who)
	require.NoError(t, err)
	require.Less(t, len(got.Profile.Remembered()), 10)
	require.ErrorIs(t, f.Remember(t.Context(), f.ws, who, map[string]any{"long": strings.Repeat("a", contacts.MaxMemory)}, false, at.Add(time.Hour)), contacts.ErrTooLarge)

	_, err = f.vault.Destroy(t.Context(), f.ws, who, vault.Profile)
	require.NoError(t, err)
	got, err = f.Get(t.Context(), f.ws, who)
	require.NoError(t, err)
	require.Nil(t, got.Profile.Remembered())
}
