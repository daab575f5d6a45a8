package shopify

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
	"parley/connectors/shopify/admin"
)

// CustomerInput describes a customer, who is known by the email address, or by
// the phone number where there is none.
type CustomerInput struct {
	Email     string   `json:"email,omitempty"`
	Phone     string   `json:"phone,omitempty" doc:"In E.164 form, e.g. +14155550100."`
	FirstName string   `json:"first_name,omitempty"`
	LastName  string   `json:"last_name,omitempty"`
	Locale    string   `json:"locale,omitempty" doc:"Language of the customer, e.g. en or de."`
	Note      string   `json:"note,omitempty" doc:"A note for the shop's staff."`
	Tags      []string `json:"tags,omitempty" doc:"They take the place of the customer's tags."`
}

// Validate implements sdk.Validator.
func (in CustomerInput) Validate() error {
	if in.Email == "" && in.Phone == "" {
		return sdk.Invalidf("give email or phone, by which the customer is known")
	}
	if len(in.FirstName) > 255 || len(in.LastName) > 255 || len(in.Locale) > 20 || len(in.Tags) > 250 {
		return sdk.Invalidf("first_name and last_name have at most 255 characters, locale 20, and there are at most 250 tags")
	}
	return Buyer{Note: in.Note, Email: in.Email, Phone: in.Phone}.check()
}

// Customer is a customer without what is personal.
type Customer struct {
	ID string `json:"id" doc:"The customer's global ID, gid://shopify/Customer/…"`
}

func (c *conn) customerUpsert(ctx context.Context, _ sdk.Call, in CustomerInput) (Customer, error) {
	who := admin.CustomerIdentifier{Email: in.Email}
	if in.Email == "" {
		who.Phone = in.Phone
	}
	made, err := admin.CustomerUpsert(ctx, c.admin, who, admin.CustomerInput{Email: in.Email, Phone: in.Phone, FirstName: in.FirstName,
		LastName: in.LastName, Locale: in.Locale, Note: in.Note, Tags: in.Tags})
	if err != nil {
		return Customer{}, err
	}
	if err := mutationError(made.CustomerSet.UserErrors, sdk.Invalid); err != nil {
		return Customer{}, err
	}
	return Customer{ID: made.CustomerSet.Customer.Id}, nil
}

// DiscountInput describes a code for all customers; exactly one of percent and amount.
type DiscountInput struct {
	Code     string    `json:"code" doc:"What customers enter; at most 255 characters. A code is good for one discount."`
	Title    string    `json:"title" doc:"For the shop's staff; at most 255 characters."`
	Percent  float64   `json:"percent,omitempty" doc:"Off the whole order: above 0, at most 100."`
	Amount   int64     `json:"amount,omitempty" doc:"Off the whole order, in the currency's minor unit."`
	Currency string    `json:"currency,omitempty" doc:"ISO 4217 code of the shop's currency; needed with amount."`
	Starts   time.Time `json:"starts,omitzero" doc:"At once unless given."`
	Ends     time.Time `json:"ends,omitzero" doc:"Never unless given."`
	Limit    int       `json:"limit,omitempty" doc:"How often it can be used in all; any number of times unless given."`
	Once     bool      `json:"once,omitempty" doc:"Each customer can use it only once."`
}

// Validate implements sdk.Validator.
func (in DiscountInput) Validate() error {
	switch {
	case in.Code == "" || utf8.RuneCountInString(in.Code) > 255 || in.Title == "" || utf8.RuneCountInString(in.Title) > 255:
		return sdk.Invalidf("code and title must be 1 to 255 characters")
	case (in.Percent == 0) == (in.Amount == 0):
		return sdk.Invalidf("give percent or amount, one of the two")
	case in.Percent < 0 || in.Percent > 100 || in.Amount < 0:
		return sdk.Invalidf("percent must be above 0 and at most 100, amount above 0")
	case in.Amount > 0 && !money.IsCurrency(in.Currency):
		return sdk.Invalidf("currency is needed with amount: an ISO 4217 code in capitals")
	case in.Limit < 0:
		return sdk.Invalidf("limit must not be negative")
	case !in.Ends.IsZero() && in.Ends.Before(in.Starts):
		return sdk.Invalidf("ends must not be before starts")
	}
	return nil
}

// Discount is a code that was made.
type Discount struct {
	ID   string `json:"id" doc:"Its global ID, gid://shopify/DiscountCodeNode/…"`
	Code string `json:"code"`
}

func (c *conn) discountCreate(ctx context.Context, call sdk.Call, in DiscountInput) (Discount, error) {
	if in.Amount > 0 && c.currency != "" && in.Currency != c.currency {
		return Discount{}, sdk.Invalidf("currency is not the shop's")
	}
	input := admin.DiscountInput{Title: in.Title, Code: in.Code, StartsAt: in.Starts, UsageLimit: in.Limit, Once: in.Once,
		Context: admin.DiscountContext{All: "ALL"}, Gets: admin.DiscountGets{Items: admin.DiscountItems{All: true}}}
	if call.Key != "" {
		input.Tags = []string{keyTag(call.Key)}
	}
	if in.Starts.IsZero() {
		input.StartsAt = time.Now().UTC()
	}
	if !in.Ends.IsZero() {
		input.EndsAt = &in.Ends
	}
	if in.Percent > 0 {
		input.Gets.Value.Percentage = in.Percent / 100
	} else {
		input.Gets.Value.Amount = &admin.DiscountAmount{Amount: money.Decimal(in.Amount, in.Currency)}
	}
	made, err := admin.DiscountCodeCreate(ctx, c.admin, input)
	if err != nil {
		return Discount{}, err
	}
	if refused := mutationError(made.DiscountCodeBasicCreate.UserErrors, sdk.Rejected); refused != nil {
		// A code is good once: a repeat is refused and finds the first.
		if out, found, err := c.discountFind(ctx, call, in); err == nil && found {
			return out, nil
		}
		return Discount{}, refused
	}
	return Discount{ID: made.DiscountCodeBasicCreate.CodeDiscountNode.Id, Code: in.Code}, nil
}

// discountFind asks for the code, and whether it is the key's.
func (c *conn) discountFind(ctx context.Context, call sdk.Call, in DiscountInput) (Discount, bool, error) {
	got, err := admin.DiscountCodeFind(ctx, c.admin, in.Code)
	if err != nil {
		return Discount{}, false, err
	}
	node := got.CodeDiscountNodeByCode
	tagged, ok := node.CodeDiscount.(interface{ GetTags() []string })
	if !ok || call.Key == "" || !slices.Contains(tagged.GetTags(), keyTag(call.Key)) {
		return Discount{}, false, nil
	}
	return Discount{ID: node.Id, Code: in.Code}, true, nil
}
