package razorpay

import (
	"context"
	"net/http"
	"regexp"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// ContactInput describes somebody to whom payouts can be made
// (https://razorpay.com/docs/api/x/contacts/create).
type ContactInput struct {
	Name        string `json:"name" doc:"3 to 50 letters, digits, spaces and ’-_/().,"`
	Email       string `json:"email,omitempty" doc:"Email address."`
	Contact     string `json:"contact,omitempty" doc:"Phone number."`
	Type        string `json:"type,omitempty" doc:"vendor, customer, employee, self, or a type of your own that the dashboard has."`
	ReferenceID string `json:"reference_id,omitempty" doc:"Your own identifier of the contact, at most 40 characters."`
}

// Contact is a contact as it now is.
type Contact struct {
	ID     string `json:"id" doc:"Razorpay's ID of the contact (cont_…)."`
	Active bool   `json:"active" doc:"Whether payouts can be made to it."`
}

var contactName = regexp.MustCompile(`^[A-Za-z0-9 ’\-_/().,]{2,49}[A-Za-z0-9.]$`)

// Validate checks the forms that Razorpay asks for.
func (in ContactInput) Validate() error {
	switch {
	case !contactName.MatchString(in.Name):
		return sdk.Invalidf("name must be 3 to 50 letters, digits, spaces and ’-_/()., and end in a letter, a digit or a full stop")
	case utf8.RuneCountInString(in.ReferenceID) > 40:
		return sdk.Invalidf("reference_id has more than 40 characters")
	case utf8.RuneCountInString(in.Type) > 40:
		return sdk.Invalidf("type has more than 40 characters")
	}
	return nil
}

// createContact sends no key: it would make the details differ, and Razorpay
// gives back the contact that has all of them.
func (c *connection) createContact(ctx context.Context, _ sdk.Call, in ContactInput) (made Contact, err error) {
	err = c.post(ctx, "/v1/contacts", in, &made)
	return made, err
}

// FundAccountInput describes where a contact's money goes; exactly one of the
// two ways (https://razorpay.com/docs/api/x/fund-accounts).
type FundAccountInput struct {
	ContactID   string       `json:"contact_id" doc:"Razorpay's ID of the contact (cont_…)."`
	BankAccount *BankAccount `json:"bank_account,omitempty" doc:"The contact's bank account."`
	VPA         string       `json:"vpa,omitempty" doc:"The contact's UPI address, such as gauravkumar@exampleupi."`
}

// BankAccount is an account at an Indian bank.
type BankAccount struct {
	Name          string `json:"name" doc:"The account holder's name, 3 to 120 characters."`
	IFSC          string `json:"ifsc" doc:"The bank branch's code, 11 characters."`
	AccountNumber string `json:"account_number" doc:"5 to 35 letters and digits."`
}

// FundAccount is a fund account as it now is.
type FundAccount struct {
	ID          string `json:"id" doc:"Razorpay's ID of the fund account (fa_…)."`
	ContactID   string `json:"contact_id,omitempty" doc:"Razorpay's ID of the contact."`
	AccountType string `json:"account_type" doc:"bank_account or vpa."`
	Active      bool   `json:"active" doc:"Whether payouts can be made to it."`
}

var (
	ifscForm = regexp.MustCompile(`^[A-Z]{4}0[A-Z0-9]{6}$`)
	vpaForm  = regexp.MustCompile(`^[A-Za-z0-9.\-]{1,97}@[A-Za-z0-9.\-]{1,97}$`)
)

// Validate checks that one way is given, in Razorpay's form.
func (in FundAccountInput) Validate() error {
	if err := checkID("contact_id", in.ContactID); err != nil {
		return err
	}
	if (in.BankAccount == nil) == (in.VPA == "") {
		return sdk.Invalidf("give bank_account or vpa, one of the two")
	}
	if in.BankAccount == nil {
		if len(in.VPA) > 100 || !vpaForm.MatchString(in.VPA) {
			return sdk.Invalidf("vpa must be a UPI address of at most 100 characters")
		}
		return nil
	}
	switch n := utf8.RuneCountInString(in.BankAccount.Name); {
	case n < 3 || n > 120:
		return sdk.Invalidf("bank_account.name must be 3 to 120 characters")
	case !ifscForm.MatchString(in.BankAccount.IFSC):
		return sdk.Invalidf("bank_account.ifsc must be four letters, a 0 and six letters or digits")
	case !accountNumber.MatchString(in.BankAccount.AccountNumber):
		return sdk.Invalidf("bank_account.account_number must be 5 to 35 letters and digits")
	}
	return nil
}

func (c *connection) createFundAccount(ctx context.Context, _ sdk.Call, in FundAccountInput) (made FundAccount, err error) {
	body := map[string]any{"contact_id": in.ContactID, "account_type": "vpa", "vpa": map[string]string{"address": in.VPA}}
	if in.BankAccount != nil {
		body = map[string]any{"contact_id": in.ContactID, "account_type": "bank_account", "bank_account": in.BankAccount}
	}
	err = c.post(ctx, "/v1/fund_accounts", body, &made)
	return made, err
}

// PayoutInput asks for money to be paid out
// (https://razorpay.com/docs/api/x/payouts/create/bank-account).
type PayoutInput struct {
	FundAccountID     string            `json:"fund_account_id" doc:"Razorpay's ID of the fund account (fa_…)."`
	Amount            int64             `json:"amount" doc:"How much, in the currency's minor unit; at least 100."`
	Currency          string            `json:"currency" doc:"INR: Razorpay pays out nothing else."`
	Mode              string            `json:"mode" doc:"NEFT, RTGS, IMPS or UPI."`
	Purpose           string            `json:"purpose" doc:"refund, cashback, payout, salary, utility bill, vendor bill, or a purpose of your own that the dashboard has."`
	Narration         string            `json:"narration,omitempty" doc:"What stands on the contact's statement: at most 30 letters, digits and spaces."`
	QueueIfLowBalance bool              `json:"queue_if_low_balance,omitempty" doc:"Waits for money where the account has too little, instead of failing."`
	Metadata          map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 13, kept with the payout as notes."`
}

// Payout is a payout as it now is.
type Payout struct {
	ID            string `json:"id,omitempty" doc:"Razorpay's ID of the payout (pout_…)."`
	Status        string `json:"status,omitempty" doc:"pending, queued, scheduled, processing, processed, reversed, cancelled, rejected or failed."`
	Amount        int64  `json:"amount,omitempty" doc:"In the currency's minor unit."`
	Currency      string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	Fees          int64  `json:"fees,omitempty" doc:"What Razorpay takes for it, in the currency's minor unit."`
	Tax           int64  `json:"tax,omitempty" doc:"The tax in the fees."`
	FundAccountID string `json:"fund_account_id,omitempty" doc:"Razorpay's ID of the fund account."`
	UTR           string `json:"utr,omitempty" doc:"The bank's reference of the transfer."`
	Reason        string `json:"reason,omitempty" doc:"Razorpay's word for why it is in this status, such as beneficiary_bank_rejected."`
}

// payout is a payout as Razorpay writes it.
type payout struct {
	ID            string `json:"id"`
	Status        string `json:"status"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Fees          int64  `json:"fees"`
	Tax           int64  `json:"tax"`
	FundAccountID string `json:"fund_account_id"`
	UTR           string `json:"utr"`
	Notes         notes  `json:"notes"`
	StatusDetails struct {
		Reason string `json:"reason"`
	} `json:"status_details"`
}

func (p payout) output() Payout {
	out := Payout{ID: p.ID, Status: p.Status, Amount: p.Amount, Currency: p.Currency, Fees: p.Fees, Tax: p.Tax,
		FundAccountID: p.FundAccountID, UTR: p.UTR}
	if codeName.MatchString(p.StatusDetails.Reason) {
		out.Reason = p.StatusDetails.Reason
	}
	return out
}

var narration = regexp.MustCompile(`^[A-Za-z0-9 ]{0,30}$`)

// Validate holds what Razorpay would refuse.
func (in PayoutInput) Validate() error {
	if err := checkID("fund_account_id", in.FundAccountID); err != nil {
		return err
	}
	if in.Currency != "INR" {
		return sdk.Invalidf("currency must be INR")
	}
	if err := checkMoney(in.Amount, in.Currency); err != nil {
		return err
	}
	switch in.Mode {
	case "NEFT", "RTGS", "IMPS", "UPI":
	default:
		return sdk.Invalidf("mode must be NEFT, RTGS, IMPS or UPI")
	}
	if err := checkText("purpose", in.Purpose, 40); err != nil {
		return err
	}
	if !narration.MatchString(in.Narration) {
		return sdk.Invalidf("narration must be at most 30 letters, digits and spaces")
	}
	return checkNotes(in.Metadata)
}

func (c *connection) createPayout(ctx context.Context, call sdk.Call, in PayoutInput) (Payout, error) {
	if c.KeyID != "" && c.AccountNumber == "" {
		return Payout{}, sdk.Invalidf("account_number is missing: payouts are made from a RazorpayX account")
	}
	body := map[string]any{"account_number": c.AccountNumber, "fund_account_id": in.FundAccountID, "amount": in.Amount, "currency": in.Currency,
		"mode": in.Mode, "purpose": in.Purpose, "queue_if_low_balance": in.QueueIfLowBalance, "notes": withOrigin(call, in.Metadata)}
	if in.Narration != "" {
		body["narration"] = in.Narration
	}
	r := request{method: http.MethodPost, path: "/v1/payouts", body: body}
	if call.Key != "" {
		body["reference_id"] = reference(call)
		r.keyHeader, r.key = "X-Payout-Idempotency", reference(call)
	}
	var made payout
	err := c.call(ctx, r, &made)
	return made.output(), err
}

func (c *connection) fetchPayout(ctx context.Context, _ sdk.Call, in IDInput) (Payout, error) {
	var p payout
	err := c.get(ctx, "/v1/payouts/"+in.ID, nil, &p)
	return p.output(), err
}
