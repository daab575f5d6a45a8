package telegram

import (
	"strings"
	"time"

	"parley/connectors/sdk"
)

// descriptions tell apart what Telegram answers with 400 or 403. They are matched
// without regard to case and are never repeated: our own words stand in errors.
var descriptions = []struct {
	part    string
	class   sdk.Class
	code    string
	message string
}{
	{"bot was blocked by the user", sdk.Rejected, "blocked", "the customer has blocked the bot: they cannot be reached until they write again"},
	{"user is deactivated", sdk.Rejected, "deactivated", "the customer's account was deleted"},
	{"can't initiate conversation", sdk.Rejected, "not_started", "the customer has not started the bot, which may not write first"},
	{"chat not found", sdk.NotFound, "chat_not_found", "the customer has never written to this bot"},
	{"failed to get http url content", sdk.Invalid, "media", "Telegram could not fetch the media: check its address, type and size"},
	{"wrong file identifier", sdk.Invalid, "media", "the media's id or address is not valid for this bot"},
	{"wrong type of the web page content", sdk.Invalid, "media", "what stands at the media's address is not of its kind"},
	{"message is too long", sdk.Invalid, "too_long", "the text is longer than Telegram allows"},
}

// responseError classes an answer without success. 429 says in its body how long
// to wait (type ResponseParameters); the method was then not run.
func responseError(resp *sdk.Response, a answer) *sdk.Error {
	e := sdk.StatusError(resp)
	if e == nil { // 2xx that is none of Telegram's answers
		return &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "Telegram's answer is not what its documentation says"}
	}
	if s := time.Duration(a.Parameters.RetryAfter) * time.Second; s > 0 {
		e.RetryAfter = s
	}
	switch resp.Status {
	case 401, 404: // an unknown token or a malformed one
		e.Class, e.Message = sdk.Auth, "Telegram does not know the bot's token: give the connection a valid one"
	case 403:
		e.Class, e.Message = sdk.Rejected, "Telegram forbids the bot to write to this customer"
	case 400, 413:
		e.Class, e.Message = sdk.Invalid, "Telegram refuses a parameter of the request"
	}
	said := strings.ToLower(a.Description)
	for _, d := range descriptions {
		if (resp.Status == 400 || resp.Status == 403) && strings.Contains(said, d.part) {
			e.Class, e.Code, e.Message = d.class, d.code, d.message
			break
		}
	}
	return e
}
