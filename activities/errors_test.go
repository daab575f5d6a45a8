package activities

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"parley/connectors/sdk"
	"parley/internal/vault"
)

func TestTemporalSpeaksOfEveryClass(t *testing.T) {
	cases := []struct {
		err    error
		typ    string
		final  bool
		delay  time.Duration
		benign bool
	}{
		{&sdk.Error{Class: sdk.Invalid}, "invalid", true, 0, false},
		{&sdk.Error{Class: sdk.Auth}, "auth", true, 0, false},
		{&sdk.Error{Class: sdk.NotFound}, "not_found", true, 0, false},
		{&sdk.Error{Class: sdk.Rejected, RetryAfter: time.Second}, "rejected", true, 0, false},
		{&sdk.Error{Class: sdk.Uncertain}, "uncertain", true, 0, false},
		{&sdk.Error{Class: sdk.Throttled, RetryAfter: 7 * time.Second}, "throttled", false, 7 * time.Second, true},
		{&sdk.Error{Class: sdk.Throttled}, "throttled", false, time.Second, true},
		{&sdk.Error{Class: sdk.Unavailable}, "unavailable", false, 0, false},
		{&sdk.Error{Class: sdk.Unavailable, RetryAfter: 3 * time.Minute}, "unavailable", false, 3 * time.Minute, false},
		{fmt.Errorf("around it: %w", &sdk.Error{Class: sdk.Rejected}), "rejected", true, 0, false},
		{errors.New("the database is away"), "unavailable", false, 0, false},
		{fmt.Errorf("load: %w", vault.ErrErased), "not_found", true, 0, false},
	}
	for _, c := range cases {
		got, ok := errors.AsType[*temporal.ApplicationError](Temporal(c.err))
		require.True(t, ok, "%v", c.err)
		require.Equal(t, c.typ, got.Type(), "%v", c.err)
		require.Equal(t, c.final, got.NonRetryable(), "%v", c.err)
		require.Equal(t, c.delay, got.NextRetryDelay(), "%v", c.err)
		require.Equal(t, c.benign, got.Category() == temporal.ApplicationErrorCategoryBenign, "%v", c.err)
	}
	require.NoError(t, Temporal(nil))
}

// The cause and the words for the customer may be personal; an error in a
// workflow's history holds neither.
func TestTemporalErrorsHoldNothingPersonal(t *testing.T) {
	err := Temporal(&sdk.Error{Class: sdk.Rejected, Code: "card_declined", Message: "the card was declined",
		Customer: "planted words", Err: errors.New("planted cause")})
	require.ErrorContains(t, err, "card_declined")
	require.NotContains(t, fmt.Sprintf("%+v", err), "planted")
	require.NoError(t, errors.Unwrap(err))
}
