package onfido

import (
	"context"
	"net/http"
	"strings"

	"parley/connectors/sdk"
)

// IDInput names one object.
type IDInput struct {
	ID string `json:"id" doc:"Onfido's ID of it."`
}

// Validate implements [sdk.Validator].
func (in IDInput) Validate() error { return checkID("id", in.ID) }

// Address is where somebody lives (schema address_shared).
type Address struct {
	Country        string `json:"country" doc:"Three-letter ISO 3166 code."`
	Postcode       string `json:"postcode" doc:"Postcode or ZIP code."`
	FlatNumber     string `json:"flat_number,omitempty" doc:"Number of the flat."`
	BuildingNumber string `json:"building_number,omitempty" doc:"Number of the building."`
	BuildingName   string `json:"building_name,omitempty" doc:"Name of the building."`
	Street         string `json:"street,omitempty" doc:"Street."`
	SubStreet      string `json:"sub_street,omitempty" doc:"Sub-street."`
	Town           string `json:"town,omitempty" doc:"Town."`
	State          string `json:"state,omitempty" doc:"Two-letter code of a US state."`
	Line1          string `json:"line1,omitempty" doc:"First line of the address."`
	Line2          string `json:"line2,omitempty" doc:"Second line."`
	Line3          string `json:"line3,omitempty" doc:"Third line."`
}

// Location is where somebody is (schema location_shared).
type Location struct {
	IPAddress          string `json:"ip_address,omitempty" doc:"The applicant's IP address."`
	CountryOfResidence string `json:"country_of_residence,omitempty" doc:"Three-letter ISO 3166 code."`
}

// Consent is one that the applicant gave or refused.
type Consent struct {
	Name    string `json:"name" doc:"privacy_notices_read, ssn_verification or phone_number_verification."`
	Granted bool   `json:"granted" doc:"Whether it was given."`
}

// Details are what an applicant can have.
type Details struct {
	Email       string    `json:"email,omitempty" doc:"E-mail address. Checks in the US need it."`
	DOB         string    `json:"dob,omitempty" doc:"Date of birth as YYYY-MM-DD."`
	PhoneNumber string    `json:"phone_number,omitempty" doc:"Phone number in E.164 form, with +."`
	Address     *Address  `json:"address,omitempty" doc:"Where they live."`
	Location    *Location `json:"location,omitempty" doc:"Where they are, where Onfido asks for it."`
	Consents    []Consent `json:"consents,omitempty" doc:"What they consented to. Applicants in the US must."`
}

func (d Details) validate() error {
	if err := checkDate("dob", d.DOB); err != nil {
		return err
	}
	if d.Email != "" && !strings.Contains(d.Email, "@") {
		return sdk.Invalidf("email must be an e-mail address")
	}
	if d.Address != nil {
		if d.Address.Country == "" || d.Address.Postcode == "" {
			return sdk.Invalidf("address needs country and postcode")
		}
		if err := checkCountry("address.country", d.Address.Country); err != nil {
			return err
		}
	}
	if d.Location != nil {
		if err := checkCountry("location.country_of_residence", d.Location.CountryOfResidence); err != nil {
			return err
		}
	}
	for _, c := range d.Consents {
		if c.Name != "privacy_notices_read" && c.Name != "ssn_verification" && c.Name != "phone_number_verification" {
			return sdk.Invalidf("a consent's name must be privacy_notices_read, ssn_verification or phone_number_verification")
		}
	}
	return nil
}

// ApplicantInput is a person to verify.
type ApplicantInput struct {
	FirstName string `json:"first_name" doc:"First name."`
	LastName  string `json:"last_name" doc:"Last name."`
	Details
}

// Validate implements [sdk.Validator].
func (in ApplicantInput) Validate() error {
	if in.FirstName == "" || in.LastName == "" {
		return sdk.Invalidf("first_name and last_name must not be empty")
	}
	return checkPerson(in.FirstName, in.LastName, in.Details)
}

func checkPerson(first, last string, d Details) error {
	if err := checkName("first_name", first); err != nil {
		return err
	}
	if err := checkName("last_name", last); err != nil {
		return err
	}
	return d.validate()
}

// UpdateInput is what to change of an applicant. What is left out stays.
type UpdateInput struct {
	ID        string `json:"id" doc:"The applicant's ID."`
	FirstName string `json:"first_name,omitempty" doc:"First name."`
	LastName  string `json:"last_name,omitempty" doc:"Last name."`
	Details
}

// Validate implements [sdk.Validator].
func (in UpdateInput) Validate() error {
	if err := checkID("id", in.ID); err != nil {
		return err
	}
	return checkPerson(in.FirstName, in.LastName, in.Details)
}

// Applicant is one as Onfido has it (schema applicant).
type Applicant struct {
	ID          string    `json:"id" doc:"Onfido's ID of the applicant."`
	CreatedAt   string    `json:"created_at,omitempty" doc:"When it was made (RFC 3339)."`
	DeleteAt    string    `json:"delete_at,omitempty" doc:"When it will be deleted, if it will (RFC 3339)."`
	Sandbox     bool      `json:"sandbox" doc:"Whether it is one for tests."`
	FirstName   string    `json:"first_name" doc:"First name."`
	LastName    string    `json:"last_name" doc:"Last name."`
	Email       string    `json:"email,omitempty" doc:"E-mail address."`
	DOB         string    `json:"dob,omitempty" doc:"Date of birth as YYYY-MM-DD."`
	PhoneNumber string    `json:"phone_number,omitempty" doc:"Phone number."`
	Address     *Address  `json:"address,omitempty" doc:"Where they live."`
	Location    *Location `json:"location,omitempty" doc:"Where they are."`
}

func (c *connection) createApplicant(ctx context.Context, _ sdk.Call, in ApplicantInput) (Applicant, error) {
	var a Applicant
	err := c.send(ctx, "applicant_create", http.MethodPost, "/applicants", in, &a)
	return a, made(err, a.ID)
}

func (c *connection) getApplicant(ctx context.Context, _ sdk.Call, in IDInput) (Applicant, error) {
	return c.applicant(ctx, "applicant_get", in.ID)
}

func (c *connection) applicant(ctx context.Context, operation, id string) (Applicant, error) {
	var a Applicant
	err := c.get(ctx, operation, "/applicants/"+id, nil, &a)
	return a, made(err, a.ID)
}

func (c *connection) updateApplicant(ctx context.Context, _ sdk.Call, in UpdateInput) (Applicant, error) {
	id := in.ID
	body := struct {
		ID struct{} `json:"id,omitzero"` // it stands in the address
		UpdateInput
	}{UpdateInput: in}
	var a Applicant
	err := c.send(ctx, "applicant_update", http.MethodPut, "/applicants/"+id, body, &a)
	return a, made(err, a.ID)
}

// findUpdate tells whether the applicant is as asked for. Consents are not among
// what Onfido tells of an applicant, so that an update of them is made again, which
// changes nothing.
func (c *connection) findUpdate(ctx context.Context, _ sdk.Call, in UpdateInput) (Applicant, bool, error) {
	a, err := c.applicant(ctx, "applicant_update", in.ID)
	if err != nil {
		return Applicant{}, false, err
	}
	same := func(asked, is string) bool { return asked == "" || asked == is }
	as := same(in.FirstName, a.FirstName) && same(in.LastName, a.LastName) && same(in.Email, a.Email) && same(in.DOB, a.DOB) &&
		same(in.PhoneNumber, a.PhoneNumber) && len(in.Consents) == 0 &&
		(in.Address == nil || a.Address != nil && *in.Address == *a.Address) &&
		(in.Location == nil || a.Location != nil && *in.Location == *a.Location)
	return a, as, nil
}

// made refuses an answer that is JSON and yet names no object.
func made(err error, id string) error {
	if err == nil && id == "" {
		return unreadable(nil)
	}
	return err
}

// TokenInput asks for a token of the SDK.
type TokenInput struct {
	ApplicantID    string `json:"applicant_id" doc:"The applicant whose documents and photos are collected."`
	Referrer       string `json:"referrer,omitempty" doc:"The web pages that may use it, as a pattern: https://*.example.com/*. For the Web SDK."`
	ApplicationID  string `json:"application_id,omitempty" doc:"The app that may use it: its bundle or package name. For the mobile SDKs."`
	CrossDeviceURL string `json:"cross_device_url,omitempty" doc:"Address for the change to a phone. For the Web SDK."`
}

// Validate implements [sdk.Validator].
func (in TokenInput) Validate() error {
	if in.Referrer == "" && in.ApplicationID == "" {
		return sdk.Invalidf("referrer (web) or application_id (mobile) must say who may use the token")
	}
	return checkID("applicant_id", in.ApplicantID)
}

// Token is a token of the SDK. It is a secret between Onfido, the page and us.
type Token struct {
	Token string `json:"token" doc:"What the SDK is started with."`
}

func (c *connection) createToken(ctx context.Context, _ sdk.Call, in TokenInput) (Token, error) {
	var t Token
	err := c.send(ctx, "sdk_token_create", http.MethodPost, "/sdk_token", in, &t)
	return t, made(err, t.Token)
}
