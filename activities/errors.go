package activities

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"parley/connectors/sdk"
	"parley/internal/vault"
	"parley/workflows/process"
)

// Temporal turns an error into Temporal's terms: the one place where classes
// decide what is tried again. The error's type is the class; its text holds
// nothing personal.
//
//	invalid, auth, not_found, rejected  final
//	uncertain                           final: it must not be repeated
//	throttled                           again after the provider's wish
//	unavailable, and all that is none   again with growing pauses
//
// An effect that waits for the end of an outage is final too: its workflow knows
// when to go on.
func Temporal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, vault.ErrErased) {
		return temporal.NewNonRetryableApplicationError("the data was erased", string(sdk.NotFound), nil)
	}
	if p, ok := errors.AsType[*parked](err); ok {
		return temporal.NewApplicationErrorWithOptions(p.Error(), process.ErrorParked, temporal.ApplicationErrorOptions{
			NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign, Details: []any{p.detail()}})
	}
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return temporal.NewApplicationErrorWithOptions("a part of the engine failed: "+err.Error(), string(sdk.Unavailable), temporal.ApplicationErrorOptions{})
	}
	o := temporal.ApplicationErrorOptions{}
	switch e.Class {
	case sdk.Throttled:
		o.NextRetryDelay = max(e.RetryAfter, time.Second)
		o.Category = temporal.ApplicationErrorCategoryBenign
	case sdk.Unavailable:
		o.NextRetryDelay = e.RetryAfter
	default:
		o.NonRetryable = true
	}
	return temporal.NewApplicationErrorWithOptions(e.Error(), string(e.Class), o)
}
