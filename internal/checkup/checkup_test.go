package checkup_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/checkup"
)

type caller struct{ err error }

func (c caller) Check(context.Context) error { return c.err }

type receiver struct{ caller }

func (receiver) Verify(sdk.WebhookRequest, time.Time) error    { return nil }
func (receiver) Parse(sdk.WebhookRequest) ([]sdk.Event, error) { return nil, nil }

func TestFindings(t *testing.T) {
	cases := []struct {
		name, config string
		conn         any
		want         []string
		sound        bool
	}{
		{"nothing can tell", `{}`, struct{}{}, []string{"configuration ok", "credentials unknown"}, true},
		{"all works", `{"webhook_secret":"s"}`, receiver{}, []string{"configuration ok", "credentials ok", "webhook_secret ok"}, true},
		{"no secret", `{"webhook_secret":""}`, receiver{}, []string{"configuration ok", "credentials ok", "webhook_secret missing"}, false},
		{"a secret of null", `{"webhook_secret":null}`, receiver{}, []string{"configuration ok", "credentials ok", "webhook_secret missing"}, false},
		{"a wrong key", `{}`, caller{&sdk.Error{Class: sdk.Auth, Code: "401", Message: "refused"}}, []string{"configuration ok", "credentials failed 401 refused"}, false},
		{"no key", `{}`, caller{sdk.Invalidf("secret_key is missing")}, []string{"configuration ok", "credentials missing invalid secret_key is missing"}, false},
		{"a bug", `{}`, caller{errors.New("planted")}, []string{"configuration ok", "credentials failed unavailable the connector failed unexpectedly"}, false},
	}
	for _, c := range cases {
		found := checkup.Of(t.Context(), json.RawMessage(c.config), c.conn)
		var got []string
		for _, f := range found {
			text := f.What + " " + f.State
			if f.Code != "" {
				text += " " + f.Code + " " + f.Detail
			}
			got = append(got, text)
		}
		require.Equal(t, c.want, got, c.name)
		require.Equal(t, c.sound, checkup.Sound(found), c.name)
	}
}
