package stripe

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// Metadata keys by which Stripe's objects, and the webhooks about them, lead
// back to the effect that made them.
const (
	metaEffect    = "parley_effect"
	metaWorkspace = "parley_workspace"
	metaPrefix    = "parley_"
)

// maxAmount is Stripe's largest amount in any currency, twelve digits
// (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
const maxAmount = 999_999_999_999

var (
	currencyCode = regexp.MustCompile(`^[A-Za-z]{3}$`)
	ownReference = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	objectID     = regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)
	// otherUnit lists currencies whose smallest unit at Stripe is not ISO 4217's
	// (https://docs.stripe.com/currencies#special-cases). An amount in one of
	// them would be off by a factor of 100.
	otherUnit = map[string]bool{"ISK": true, "UGX": true, "MGA": true}
)

func checkMoney(amount int64, currency string) error {
	switch {
	case amount <= 0 || amount > maxAmount:
		return sdk.Invalidf("amount must be above 0 and have at most 12 digits, in the currency's minor unit")
	case !currencyCode.MatchString(currency):
		return sdk.Invalidf("currency must be a three-letter ISO 4217 code")
	case otherUnit[upper(currency)]:
		return sdk.Invalidf("this currency is not supported: Stripe counts it in another unit than ISO 4217")
	}
	return nil
}

func checkText(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); strings.TrimSpace(text) == "" || n > most {
		return sdk.Invalidf("%s must be 1 to %d characters", field, most)
	}
	return nil
}

func checkID(field, id string) error {
	if !objectID.MatchString(id) {
		return sdk.Invalidf("%s must be one of Stripe's object IDs", field)
	}
	return nil
}

// checkMetadata holds Stripe's limits (https://docs.stripe.com/api/metadata: 50
// keys of 40 characters, values of 500), less the keys that are ours.
func checkMetadata(m map[string]string) error {
	if len(m) > 40 {
		return sdk.Invalidf("metadata has more than 40 keys")
	}
	for k, v := range m {
		switch {
		case k == "" || utf8.RuneCountInString(k) > 40 || strings.ContainsAny(k, "[]"):
			return sdk.Invalidf("a metadata key must be 1 to 40 characters without square brackets")
		case strings.HasPrefix(k, metaPrefix):
			return sdk.Invalidf("metadata keys that begin with %s are Parley's own", metaPrefix)
		case utf8.RuneCountInString(v) > 500:
			return sdk.Invalidf("a metadata value has more than 500 characters")
		}
	}
	return nil
}

// withOrigin adds to metadata where the object comes from.
func withOrigin(call sdk.Call, metadata map[string]string) map[string]string {
	out := make(map[string]string, len(metadata)+3)
	for k, v := range metadata {
		out[k] = v
	}
	if call.Key != "" {
		out[metaEffect] = call.Key
	}
	if call.Workspace != "" {
		out[metaWorkspace] = call.Workspace
	}
	return out
}

func key(call sdk.Call) *string {
	if call.Key == "" {
		return nil
	}
	return stripego.String(call.Key)
}

func upper(currency string) string { return strings.ToUpper(currency) }
func lower(currency string) string { return strings.ToLower(currency) }
