package salesforce

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
	"parley/connectors/sdk/role"
)

var (
	recordID = regexp.MustCompile(`^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$`)
	phone    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	language = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)
	day      = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`)
)

const (
	// maxAmount bounds amounts: twelve digits of the minor unit.
	maxAmount = 999_999_999_999
	// maxProperties bounds the further fields of one request.
	maxProperties = 100
)

// IDInput names one record.
type IDInput struct {
	ID string `json:"id" doc:"Salesforce's ID of the record, of 15 or 18 characters."`
}

// Validate checks the ID's form.
func (in IDInput) Validate() error { return checkID("id", in.ID) }

func checkID(field, id string) error {
	if !recordID.MatchString(id) {
		return sdk.Invalidf("%s must be one of Salesforce's IDs, of 15 or 18 letters and digits", field)
	}
	return nil
}

// checkOptional is checkID for a field that may be left out.
func checkOptional(field, id string) error {
	if id == "" {
		return nil
	}
	return checkID(field, id)
}

// checkLine holds a text that is one line.
func checkLine(field, text string, most int) error {
	if utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
		return sdk.Invalidf("%s must be one line of at most %d characters", field, most)
	}
	return nil
}

func checkEmail(email string) error {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || len(email) > 80 || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == ',' }) {
		return sdk.Invalidf("email is no e-mail address of at most 80 characters")
	}
	return nil
}

// ours begins the identifiers that are made of an address or a number, where the
// workspace has none of its own.
const ours = "parley-"

// derived is such an identifier: nothing personal stands in it, since it travels in
// addresses.
func derived(kind, value string) string {
	sum := sha256.Sum256([]byte(kind + ":" + strings.ToLower(value)))
	return ours + hex.EncodeToString(sum[:16])
}

func checkPerson(p role.Person, owner string) error {
	if p.ExternalID == "" && p.Email == "" && p.Phone == "" {
		return sdk.Invalidf("one of external_id, email and phone is needed")
	}
	if p.Email != "" {
		if err := checkEmail(p.Email); err != nil {
			return err
		}
	}
	for _, err := range []error{checkLine("name", p.Name, 120), checkLine("company", p.Company, 255), checkLine("external_id", p.ExternalID, 100),
		checkOptional("owner", owner), checkProperties(p.Properties, "Id", "FirstName", "LastName", "Email", "Phone", "AccountId", "OwnerId", "Company")} {
		if err != nil {
			return err
		}
	}
	switch {
	case strings.Contains(p.ExternalID, "/") || p.ExternalID == "." || p.ExternalID == ".." || strings.HasPrefix(p.ExternalID, ours):
		return sdk.Invalidf("external_id must not hold a slash, be dots, or begin with %s: it is a part of an address", ours)
	case p.Phone != "" && !phone.MatchString(p.Phone):
		return sdk.Invalidf("phone must be in E.164 form: + and 7 to 15 digits")
	case p.Language != "" && !language.MatchString(p.Language):
		return sdk.Invalidf("language must be a BCP 47 tag, such as hi or pt-BR")
	}
	return nil
}

// checkProperties refuses names that are none of Salesforce's, and those that have a
// field of their own.
func checkProperties(all map[string]string, taken ...string) error {
	if len(all) > maxProperties {
		return sdk.Invalidf("properties has more than %d names", maxProperties)
	}
	for key, value := range all {
		switch {
		case !fieldName.MatchString(key):
			return sdk.Invalidf("properties are named by the fields' API names")
		case slices.ContainsFunc(taken, func(t string) bool { return strings.EqualFold(t, key) }):
			return sdk.Invalidf("properties: a field is named that has one of its own in the input, or cannot be set")
		case len(value) > 131072:
			return sdk.Invalidf("properties: a value has more than 131072 bytes")
		}
	}
	return nil
}

func checkAmount(amount int64, currency string) error {
	switch {
	case amount < 0 || amount > maxAmount:
		return sdk.Invalidf("amount must not be negative and have at most 12 digits, in the currency's minor unit")
	case currency != "" && !money.IsCurrency(currency):
		return sdk.Invalidf("currency must be an ISO 4217 code in capitals, such as USD")
	}
	return nil
}

func checkDay(text string) error {
	if text != "" && !day.MatchString(text) {
		return sdk.Invalidf("close_date must be a day such as 2027-01-31")
	}
	return nil
}

// put sets a field unless there is nothing to set: what is not given is left as it is.
func put(record map[string]any, field, value string) {
	if value != "" {
		record[field] = value
	}
}
