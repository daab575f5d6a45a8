package salesforce

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
	"parley/connectors/sdk/role"
)

// closing is when an opportunity is expected to close unless it is said: Salesforce
// requires a day.
const closing = 30 * 24 * time.Hour

// DealInput is an opportunity to open.
type DealInput struct {
	role.Deal
	CloseDate  string            `json:"close_date,omitempty" doc:"The day on which it is expected to close, such as 2027-01-31; in 30 days unless given."`
	Company    string            `json:"company,omitempty" doc:"Salesforce's ID of the account; the contact's unless given."`
	Properties map[string]string `json:"properties,omitempty" doc:"Further fields, by their API names; values as texts."`
}

// Validate holds what Salesforce would refuse.
func (in DealInput) Validate() error {
	if strings.TrimSpace(in.Title) == "" {
		return sdk.Invalidf("title must not be empty")
	}
	for _, err := range []error{checkLine("title", in.Title, 120), checkLine("stage", in.Stage, 255), checkAmount(in.Amount, in.Currency), checkDay(in.CloseDate),
		checkOptional("contact", in.Contact), checkOptional("company", in.Company), checkOptional("owner", in.Owner),
		checkProperties(in.Properties, "Id", "Name", "StageName", "CloseDate", "Amount", "CurrencyIsoCode", "OwnerId", "AccountId", "ContactId")} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) dealCreate(ctx context.Context, call sdk.Call, in DealInput) (role.ID, error) {
	record := map[string]any{}
	for field, value := range in.Properties {
		record[field] = value
	}
	record["Name"] = in.Title
	put(record, c.Key, call.Key)
	put(record, "OwnerId", in.Owner)
	if record["CloseDate"] = in.CloseDate; in.CloseDate == "" {
		record["CloseDate"] = c.now().Add(closing).UTC().Format(time.DateOnly)
	}
	if err := c.price(record, in.Amount, in.Currency); err != nil {
		return role.ID{}, err
	}
	var err error
	if record["StageName"], err = c.stage(ctx, in.Stage); err != nil {
		return role.ID{}, err
	}
	if in.Contact != "" {
		// The field makes the contact the primary one, and can be set at first only.
		record["ContactId"] = in.Contact
		if in.Company == "" {
			who, err := c.one(ctx, "SELECT AccountId FROM Contact WHERE "+equals("Id", in.Contact))
			if err != nil {
				return role.ID{}, err
			}
			in.Company = who.text("AccountId")
		}
	}
	put(record, "AccountId", in.Company)
	id, err := c.create(ctx, "Opportunity", record)
	if err == nil {
		return role.ID{ID: id}, nil
	}
	// The key is unique: a second deal of it is refused, and the first is found.
	if e := sdk.AsError(err); call.Key != "" && e.Code == "DUPLICATE_VALUE" {
		if out, found, ferr := c.dealFind(ctx, call, in); ferr == nil && found {
			return out, nil
		}
	}
	return role.ID{}, err
}

func (c *connection) dealFind(ctx context.Context, call sdk.Call, _ DealInput) (role.ID, bool, error) {
	if call.Key == "" {
		return role.ID{}, false, nil
	}
	rows, err := c.query(ctx, "SELECT Id FROM Opportunity WHERE "+equals(c.Key, call.Key)+" LIMIT 1")
	if err != nil || len(rows) == 0 {
		return role.ID{}, false, err
	}
	return role.ID{ID: rows[0].text("Id")}, true, nil
}

// price sets the amount. An org with one currency has no field to name another in.
func (c *connection) price(record map[string]any, amount int64, currency string) error {
	if amount == 0 {
		return nil
	}
	if currency == "" {
		currency = c.Currency
	}
	switch {
	case currency == "":
		return sdk.Invalidf("currency is missing: give it with the amount, and set the connection's")
	case c.Many:
		record["CurrencyIsoCode"] = currency
	case c.Currency == "":
		return sdk.Invalidf("the connection's setting currency is missing: it tells in which currency the org's amounts are")
	case currency != c.Currency:
		return sdk.Invalidf("the amount is not in the org's currency; set multi_currency if it has several")
	}
	record["Amount"] = json.Number(money.Decimal(amount, currency))
	return nil
}

// stage finds a stage by its name or API name; the first if none is wanted. Salesforce
// itself takes any text for one.
func (c *connection) stage(ctx context.Context, wanted string) (string, error) {
	rows, err := c.query(ctx, "SELECT ApiName, MasterLabel FROM OpportunityStage WHERE IsActive = true ORDER BY SortOrder")
	if err != nil {
		return "", err
	}
	for _, r := range rows {
		if wanted == "" || strings.EqualFold(r.text("ApiName"), wanted) || strings.EqualFold(r.text("MasterLabel"), wanted) {
			return r.text("ApiName"), nil
		}
	}
	return "", sdk.Invalidf("the org has no such stage of opportunities")
}

// Deal is an opportunity as Salesforce has it.
type Deal struct {
	ID       string `json:"id" doc:"Salesforce's ID of the opportunity."`
	Title    string `json:"title" doc:"Its name."`
	Stage    string `json:"stage" doc:"The stage's API name."`
	Amount   string `json:"amount,omitempty" doc:"The amount as Salesforce writes it, a decimal number."`
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code, where the connection knows it."`
	Owner    string `json:"owner,omitempty" doc:"Salesforce's ID of the user who has it."`
	Closed   bool   `json:"closed" doc:"Whether it is over."`
	Won      bool   `json:"won" doc:"Whether it was won."`
}

// dealFields are what is told of an opportunity.
func (c *connection) dealFields() string {
	fields := "Id, Name, StageName, Amount, OwnerId, IsClosed, IsWon"
	if c.Many {
		fields += ", CurrencyIsoCode"
	}
	return fields
}

func (c *connection) deal(r row) Deal {
	out := Deal{ID: r.text("Id"), Title: r.text("Name"), Stage: r.text("StageName"), Owner: r.text("OwnerId"), Currency: c.Currency,
		Closed: r.flag("IsClosed"), Won: r.flag("IsWon")}
	if c.Many {
		out.Currency = r.text("CurrencyIsoCode")
	}
	if n, ok := r["Amount"].(float64); ok {
		out.Amount = strconv.FormatFloat(n, 'f', -1, 64)
	}
	return out
}

func (c *connection) dealGet(ctx context.Context, _ sdk.Call, in IDInput) (Deal, error) {
	r, err := c.one(ctx, "SELECT "+c.dealFields()+" FROM Opportunity WHERE "+equals("Id", in.ID))
	if err != nil {
		return Deal{}, err
	}
	return c.deal(r), nil
}

// DealChange changes what is given and leaves the rest.
type DealChange struct {
	role.DealChange
	Currency  string `json:"currency,omitempty" doc:"ISO 4217 code of the amount; the deal's own unless given."`
	CloseDate string `json:"close_date,omitempty" doc:"The day on which it is expected to close, such as 2027-01-31."`
}

// Validate checks the forms, and that something is to change.
func (in DealChange) Validate() error {
	for _, err := range []error{checkID("id", in.ID), checkLine("stage", in.Stage, 255), checkAmount(in.Amount, in.Currency),
		checkDay(in.CloseDate), checkOptional("owner", in.Owner)} {
		if err != nil {
			return err
		}
	}
	if in.Stage == "" && in.Amount == 0 && in.Owner == "" && in.CloseDate == "" {
		return sdk.Invalidf("nothing is to change: give stage, amount, owner or close_date")
	}
	return nil
}

func (c *connection) dealUpdate(ctx context.Context, call sdk.Call, in DealChange) (role.ID, error) {
	record := map[string]any{}
	put(record, "OwnerId", in.Owner)
	put(record, "CloseDate", in.CloseDate)
	if in.Amount != 0 && in.Currency == "" && c.Many {
		now, err := c.dealGet(ctx, call, IDInput{in.ID})
		if err != nil {
			return role.ID{}, err
		}
		in.Currency = now.Currency
	}
	if err := c.price(record, in.Amount, in.Currency); err != nil {
		return role.ID{}, err
	}
	if in.Stage != "" {
		var err error
		if record["StageName"], err = c.stage(ctx, in.Stage); err != nil {
			return role.ID{}, err
		}
	}
	return role.ID{ID: in.ID}, c.update(ctx, "Opportunity", in.ID, record)
}

// maxNote is the longest text of a note, with room for our reference: a task's
// description holds 32000 characters.
const maxNote = 31_000

// NoteInput is a text to note.
type NoteInput struct {
	role.Note
	Owner string `json:"owner,omitempty" doc:"Salesforce's ID of the user whose note it is."`
}

// Validate holds what Salesforce would refuse.
func (in NoteInput) Validate() error {
	if strings.TrimSpace(in.Text) == "" || utf8.RuneCountInString(in.Text) > maxNote {
		return sdk.Invalidf("text must be 1 to %d characters", maxNote)
	}
	for _, err := range []error{checkID("contact", in.Contact), checkOptional("deal", in.Deal), checkOptional("owner", in.Owner)} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) noteCreate(ctx context.Context, call sdk.Call, in NoteInput) (role.ID, error) {
	record := map[string]any{"Subject": "Note", "Description": in.Text, "WhoId": in.Contact, "Status": c.TaskStatus,
		"ActivityDate": c.now().UTC().Format(time.DateOnly)}
	if call.Key != "" {
		record["Description"] = in.Text + "\n\n" + reference(call.Key)
	}
	put(record, "WhatId", in.Deal)
	put(record, "OwnerId", in.Owner)
	id, err := c.create(ctx, "Task", record)
	return role.ID{ID: id}, err
}

// reference is how the key stands in a note: people see it, so it says what it is.
func reference(key string) string { return "[Parley " + key + "]" }

// noteFind reads the newest tasks of the contact: SOQL reads descriptions, though it
// cannot ask for one, and so a note needs no field that an administrator adds.
func (c *connection) noteFind(ctx context.Context, call sdk.Call, in NoteInput) (role.ID, bool, error) {
	if call.Key == "" {
		return role.ID{}, false, nil
	}
	rows, err := c.query(ctx, "SELECT Id, Description FROM Task WHERE "+equals("WhoId", in.Contact)+" ORDER BY CreatedDate DESC"+limit(200))
	for _, r := range rows {
		if strings.HasSuffix(strings.TrimSpace(r.text("Description")), reference(call.Key)) {
			return role.ID{ID: r.text("Id")}, true, nil
		}
	}
	return role.ID{}, false, err
}

func limit(n int) string { return " LIMIT " + strconv.Itoa(n) }

// OwnerInput names a user.
type OwnerInput struct {
	Email string `json:"email" doc:"Their e-mail address at Salesforce."`
}

// Validate checks the address.
func (in OwnerInput) Validate() error { return checkEmail(in.Email) }

// ownerFind is final with not_found where no active user has the address, so that a
// flow learns of it before it gives a deal to nobody.
func (c *connection) ownerFind(ctx context.Context, _ sdk.Call, in OwnerInput) (role.ID, error) {
	r, err := c.one(ctx, "SELECT Id FROM User WHERE "+equals("Email", in.Email)+" AND IsActive = true ORDER BY CreatedDate, Id LIMIT 1")
	if err != nil {
		return role.ID{}, err
	}
	return role.ID{ID: r.text("Id")}, nil
}
