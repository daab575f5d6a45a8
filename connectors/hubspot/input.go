package hubspot

import (
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
	objectID = regexp.MustCompile(`^[0-9]{1,20}$`)
	phone    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	language = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)
	day      = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`)
)

const (
	// maxAmount bounds amounts: twelve digits of the minor unit.
	maxAmount = 999_999_999_999
	// maxProperties bounds the further properties of one request.
	maxProperties = 100
)

// IDInput names one record.
type IDInput struct {
	ID string `json:"id" doc:"HubSpot's ID of the record."`
}

// Validate checks the ID's form.
func (in IDInput) Validate() error { return checkID("id", in.ID) }

func checkID(field, id string) error {
	if !objectID.MatchString(id) {
		return sdk.Invalidf("%s must be one of HubSpot's IDs, which are numbers", field)
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
	if !ok || local == "" || !strings.Contains(domain, ".") || len(email) > 254 || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == ',' }) {
		return sdk.Invalidf("email is no e-mail address")
	}
	return nil
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
	for field, text := range map[string]string{"external_id": p.ExternalID, "name": p.Name, "company": p.Company} {
		if err := checkLine(field, text, 200); err != nil {
			return err
		}
	}
	switch {
	case p.Phone != "" && !phone.MatchString(p.Phone):
		return sdk.Invalidf("phone must be in E.164 form: + and 7 to 15 digits")
	case strings.HasPrefix(p.ExternalID, byPhone):
		return sdk.Invalidf("external_id must not begin with %s, which stands for phone numbers", byPhone)
	case p.Language != "" && !language.MatchString(p.Language):
		return sdk.Invalidf("language must be a BCP 47 tag, such as hi or pt-BR")
	}
	if err := checkOptional("owner", owner); err != nil {
		return err
	}
	return checkProperties(p.Properties, "email", "phone", "firstname", "lastname", "hubspot_owner_id", "lifecyclestage")
}

// checkProperties refuses names that are none of HubSpot's, and those that have a
// field of their own.
func checkProperties(all map[string]string, taken ...string) error {
	if len(all) > maxProperties {
		return sdk.Invalidf("properties has more than %d names", maxProperties)
	}
	for key, value := range all {
		switch {
		case !name.MatchString(key):
			return sdk.Invalidf("properties are named as at HubSpot: small letters, digits and underscores")
		case slices.Contains(taken, key):
			return sdk.Invalidf("properties: %s has a field of its own", key)
		case len(value) > 65536:
			return sdk.Invalidf("properties: a value has more than 65536 bytes")
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

// put sets a property unless there is nothing to set: what is not given is left
// as it is.
func put(properties map[string]string, key, value string) {
	if value != "" {
		properties[key] = value
	}
}
