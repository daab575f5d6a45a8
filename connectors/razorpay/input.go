package razorpay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// Notes by which Razorpay's objects, and the webhooks about them, lead back to
// the effect that made them.
const (
	noteEffect    = "parley_effect"
	noteWorkspace = "parley_workspace"
	notePrefix    = "parley_"
)

const (
	// maxAmount bounds amounts: twelve digits of the minor unit.
	maxAmount = 999_999_999_999
	// maxNotes is Razorpay's 15 notes less the two that are ours.
	maxNotes = 13
)

var (
	objectID      = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	accountNumber = regexp.MustCompile(`^[A-Za-z0-9]{5,35}$`)
)

// checkMoney holds Razorpay's rules: at least one whole unit of a currency
// (https://razorpay.com/docs/api/orders/create), and no thousandths, of which the
// last digit must be 0 (https://razorpay.com/docs/api/payments/payment-links/create-standard).
func checkMoney(amount int64, currency string) error {
	switch {
	case !money.IsCurrency(currency):
		return sdk.Invalidf("currency must be a three-letter ISO 4217 code in capitals")
	case amount <= 0 || amount > maxAmount:
		return sdk.Invalidf("amount must be above 0 and have at most 12 digits, in the currency's minor unit")
	case currency == "INR" && amount < 100:
		return sdk.Invalidf("amount must be at least 100: Razorpay takes no less than one rupee")
	case money.Digits(currency) == 3 && amount%10 != 0:
		return sdk.Invalidf("amount must end in 0: Razorpay takes no thousandths of this currency")
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
		return sdk.Invalidf("%s must be one of Razorpay's object IDs", field)
	}
	return nil
}

// checkNotes holds Razorpay's limits: 15 notes of 256 characters.
func checkNotes(m map[string]string) error {
	if len(m) > maxNotes {
		return sdk.Invalidf("metadata has more than %d keys", maxNotes)
	}
	for k, v := range m {
		switch {
		case k == "" || utf8.RuneCountInString(k) > 256:
			return sdk.Invalidf("a metadata key must be 1 to 256 characters")
		case strings.HasPrefix(k, notePrefix):
			return sdk.Invalidf("metadata keys that begin with %s are Parley's own", notePrefix)
		case utf8.RuneCountInString(v) > 256:
			return sdk.Invalidf("a metadata value has more than 256 characters")
		}
	}
	return nil
}

// notes are an object's notes, which Razorpay writes as an object, as an empty
// list, or as null.
type notes map[string]string

func (n *notes) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	values := map[string]any{}
	if err := json.Unmarshal(raw, &values); err != nil {
		return err
	}
	*n = notes{}
	for k, v := range values {
		if text, ok := v.(string); ok {
			(*n)[k] = text
		}
	}
	return nil
}

// effectKey returns our key, if the notes hold what can be one.
func (n notes) effectKey() string {
	if k := n[noteEffect]; len(k) <= 64 {
		return k
	}
	return ""
}

// withOrigin adds to metadata where the object comes from.
func withOrigin(call sdk.Call, metadata map[string]string) notes {
	out := make(notes, len(metadata)+2)
	for k, v := range metadata {
		out[k] = v
	}
	if call.Key != "" {
		out[noteEffect] = call.Key
	}
	if call.Workspace != "" {
		out[noteWorkspace] = call.Workspace
	}
	return out
}

// reference is a call's key as Razorpay takes it in headers, receipts and
// reference IDs, which hold 10 to 36 letters, digits and hyphens: the key itself
// where it fits, else the beginning of its SHA-256.
func reference(call sdk.Call) string {
	if call.Key == "" || len(call.Key) >= 10 && len(call.Key) <= 36 {
		return call.Key
	}
	sum := sha256.Sum256([]byte(call.Key))
	return "p-" + hex.EncodeToString(sum[:16])
}

// IDInput names one object.
type IDInput struct {
	ID string `json:"id" doc:"Razorpay's ID of it."`
}

// Validate checks the ID's form.
func (in IDInput) Validate() error { return checkID("id", in.ID) }
