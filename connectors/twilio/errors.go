package twilio

import (
	"encoding/json"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

type meaning struct {
	class   sdk.Class
	message string
}

// Messages are our own words: Twilio's quote numbers.
const (
	tokenMessage   = "Twilio refuses the credentials: check account_sid, api_key and auth_token"
	fromMessage    = "the number in from cannot send: check that the account owns it and that it may send such messages"
	toMessage      = "the recipient's number cannot be reached by this channel"
	carrierMessage = "the carrier did not deliver the message"
	rateMessage    = "too many messages or requests for the moment"
)

// meanings follow Twilio, "Error and warning dictionary" (2026).
var meanings = map[int]meaning{
	20003: {sdk.Auth, tokenMessage},
	20005: {sdk.Auth, "the Twilio account is not active"},
	20404: {sdk.NotFound, "Twilio does not have what was asked for"},
	20429: {sdk.Throttled, rateMessage},
	14107: {sdk.Throttled, rateMessage},
	21611: {sdk.Throttled, "the queue of the sending number is full"},
	30001: {sdk.Throttled, "the account's queue of messages is full"},
	63018: {sdk.Throttled, rateMessage},

	21211: {sdk.Invalid, "the recipient's number is not valid"},
	21212: {sdk.Invalid, fromMessage},
	21603: {sdk.Invalid, "from or messaging_service_sid is needed to send"},
	21606: {sdk.Invalid, fromMessage},
	21617: {sdk.Invalid, "the text is longer than 1,600 characters"},
	21620: {sdk.Invalid, "the media's address is not valid"},
	21623: {sdk.Invalid, "Twilio could not fetch the media: check its address, type and size"},
	21656: {sdk.Invalid, "the parameters do not fit the approved content"},

	21408: {sdk.Rejected, "the account may not send to this country: see its geographic permissions"},
	21610: {sdk.Rejected, "the recipient has opted out by STOP: they must send START first"},
	21612: {sdk.Rejected, toMessage},
	21614: {sdk.Rejected, "the recipient's number is not a mobile one"},
	30003: {sdk.Rejected, "the recipient's phone is off or out of reach"},
	30004: {sdk.Rejected, "the recipient or their carrier blocks messages"},
	30005: {sdk.Rejected, toMessage},
	30006: {sdk.Rejected, "the recipient's number is a landline, or its carrier takes no messages"},
	30007: {sdk.Rejected, "the carrier filtered the message as unwanted"},
	30008: {sdk.Rejected, carrierMessage},
	30034: {sdk.Rejected, "the sending number is not registered for business messages (A2P 10DLC)"},
	63003: {sdk.Rejected, toMessage},
	63016: {sdk.Rejected, "the customer has not written within 24 hours: only approved content can be sent"},
	63024: {sdk.Rejected, "the recipient is not on WhatsApp"},
	63032: {sdk.Rejected, "WhatsApp does not allow this message to this recipient"},
}

// codeError is the error of a code that a status callback reports.
func codeError(code string) *sdk.Error {
	e := &sdk.Error{Class: sdk.Rejected, Code: code, Message: carrierMessage, Wrote: true}
	if n, err := strconv.Atoi(code); err == nil {
		if m, ok := meanings[n]; ok {
			e.Class, e.Message = m.class, m.message
		}
	}
	return e
}

// responseError classes an answer other than 2xx by Twilio's code, and by its HTTP
// status where the code is unknown.
func responseError(resp *sdk.Response) *sdk.Error {
	e := sdk.StatusError(resp)
	var body struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(resp.Body, &body) == nil && body.Code != 0 {
		e.Code = strconv.Itoa(body.Code)
		if m, ok := meanings[body.Code]; ok {
			e.Class, e.Message, e.Wrote = m.class, m.message, m.class != sdk.Throttled
		}
	}
	if e.Class == sdk.Throttled && e.RetryAfter == 0 { // Twilio names no time; "use exponential backoff"
		e.RetryAfter = time.Second
	}
	return e
}
