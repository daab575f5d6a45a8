// Package checkup tells what works of a connection and what is missing: its
// configuration, its credentials, the secret of its webhooks.
package checkup

import (
	"context"
	"encoding/json"
	"time"

	"parley/connectors/sdk"
)

// What a finding is about.
const (
	Configuration = "configuration"
	Credentials   = "credentials"
	WebhookSecret = "webhook_secret"
	Authorization = "authorization"
	Subscription  = "subscription"
	Poll          = "poll"
)

// States of a finding.
const (
	OK      = "ok"
	Missing = "missing" // to be given or done by a person
	Failed  = "failed"
	Unknown = "unknown" // nothing can tell
)

// Finding is one part of a checkup. Code and Detail say what is wrong and what to
// do; they hold no secret.
type Finding struct {
	What   string `json:"what"`
	State  string `json:"state"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// timeout bounds the harmless call.
const timeout = 10 * time.Second

// Of checks an opened connection. It makes the connector's harmless call.
func Of(ctx context.Context, config json.RawMessage, conn any) []Finding {
	out := []Finding{{What: Configuration, State: OK}, credentials(ctx, conn)}
	if _, ok := conn.(sdk.Receiver); ok {
		out = append(out, webhookSecret(config))
	}
	return out
}

// Sound tells whether nothing is missing and nothing fails.
func Sound(findings []Finding) bool {
	for _, f := range findings {
		if f.State == Missing || f.State == Failed {
			return false
		}
	}
	return true
}

func credentials(ctx context.Context, conn any) Finding {
	c, ok := conn.(sdk.Checker)
	if !ok {
		return Finding{What: Credentials, State: Unknown, Detail: "the connector has no harmless call that would tell"}
	}
	ctx, cancel := context.WithTimeout(sdk.WithOperation(ctx, "check"), timeout)
	defer cancel()
	if err := c.Check(ctx); err != nil {
		return OfError(Credentials, err)
	}
	return Finding{What: Credentials, State: OK}
}

// OfError is the finding that an error stands for: what a person left out is missing,
// all else failed.
func OfError(what string, err error) Finding {
	e := sdk.AsError(err)
	f := Finding{What: what, State: Failed, Code: e.Code, Detail: e.Message}
	if f.Code == "" {
		f.Code = string(e.Class)
	}
	if e.Class == sdk.Invalid {
		f.State = Missing
	}
	return f
}

// webhookSecret looks at the setting that every connector has for whatever verifies
// its webhooks.
func webhookSecret(config json.RawMessage) Finding {
	var c struct {
		Secret json.RawMessage `json:"webhook_secret"`
	}
	if json.Unmarshal(config, &c) == nil && len(c.Secret) > 0 && string(c.Secret) != `""` && string(c.Secret) != "null" {
		return Finding{What: WebhookSecret, State: OK}
	}
	return Finding{What: WebhookSecret, State: Missing, Detail: "webhook_secret is not set: no webhook of this connection is believed"}
}
