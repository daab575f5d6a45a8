package contacts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/internal/contacts"
)

func TestTagsConsentsAndLanguage(t *testing.T) {
	f := setUp(t)
	conv := f.conversation(f.channel("chat"), phone(1))
	ctx, id := t.Context(), conv.Contact
	for _, tag := range []string{"vip", "early", "vip"} {
		require.NoError(t, f.Contacts.Tag(ctx, f.ws, id, tag, false))
	}
	require.NoError(t, f.Contacts.Tag(ctx, f.ws, id, "early", true))
	require.NoError(t, f.Contacts.Tag(ctx, f.ws, id, "never", true))
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	require.NoError(t, f.Contacts.Consent(ctx, f.ws, id, "news", true, now))
	require.NoError(t, f.Contacts.Consent(ctx, f.ws, id, "news", false, now.Add(-time.Hour)), "an older word that comes late")
	require.NoError(t, f.Contacts.SetLanguage(ctx, f.ws, id, "hi"))
	got, err := f.Contacts.Get(ctx, f.ws, id)
	require.NoError(t, err)
	require.Equal(t, []string{"vip"}, got.Profile.Tags)
	require.Equal(t, map[string]contacts.Consent{"news": {Granted: true, At: now}}, got.Profile.Consents)
	require.Equal(t, "hi", got.Language)

	require.ErrorIs(t, f.Contacts.Tag(ctx, f.ws, uuid.New(), "vip", false), contacts.ErrNotFound)
	require.ErrorIs(t, f.Contacts.SetLanguage(ctx, f.ws, uuid.New(), "hi"), contacts.ErrNotFound)
	for i := range contacts.MaxTags - 1 {
		require.NoError(t, f.Contacts.Tag(ctx, f.ws, id, fmt.Sprint("t", i), false))
	}
	require.ErrorIs(t, f.Contacts.Tag(ctx, f.ws, id, "one-more", false), contacts.ErrFull)
}
