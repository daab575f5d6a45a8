package flow

// texts are what the engine itself says. A document may give its own.
type texts struct {
	// Unclear begins a repeated question, Choose a repeated list of choices.
	Unclear *phrase `flow:"unclear"`
	Choose  *phrase `flow:"choose"`
	// Stale answers a tap on a choice that is no longer offered.
	Stale *phrase `flow:"stale"`
	// Moment is said once to a customer who writes while a call is under way.
	Moment *phrase `flow:"moment"`
	// Waiting answers what is written while the flow waits for time to pass.
	Waiting *phrase `flow:"waiting"`
	// Pay stands above a payment link, PayButton on it; Unpaid answers what is
	// written while the payment is awaited.
	Pay       *phrase `flow:"pay"`
	PayButton *phrase `flow:"pay_button"`
	Unpaid    *phrase `flow:"unpaid"`
	// Handoff tells that a person will answer.
	Handoff *phrase `flow:"handoff"`
	// Cancelled answers the word cancel.
	Cancelled *phrase `flow:"cancelled"`
	// Trouble tells that something went wrong on our side.
	Trouble *phrase `flow:"trouble"`
	// Yes and No are the answers to a yes-no question; List opens a list of
	// choices.
	Yes  *phrase `flow:"yes"`
	No   *phrase `flow:"no"`
	List *phrase `flow:"list"`
}

// english are the texts that hold where a document gives none.
var english = texts{
	Unclear:   literal("Sorry, I did not understand that."),
	Choose:    literal("Sorry, I did not understand that. Please tap one of the choices, or write its number."),
	Stale:     literal("That was from an earlier message."),
	Moment:    literal("One moment, please."),
	Waiting:   literal("Thank you, I have seen your message. Write *menu* for what I can do now."),
	Pay:       literal("Here is your payment link."),
	PayButton: literal("Pay now"),
	Unpaid:    literal("I am waiting for your payment: the link is in my message above. Write *menu* to do something else."),
	Handoff:   literal("I am handing you over to a colleague, who will answer here."),
	Cancelled: literal("Cancelled. Write to me whenever you like."),
	Trouble:   literal("Sorry, something went wrong on our side."),
	Yes:       literal("Yes"),
	No:        literal("No"),
	List:      literal("Choose"),
}

func literal(s string) *phrase {
	return &phrase{source: s, parts: []part{{literal: s}}}
}

// own gives the document's own text, else the other.
func own(mine, other *phrase) *phrase {
	if mine != nil {
		return mine
	}
	return other
}

// or fills what a document leaves open.
func (t texts) or(other texts) texts {
	return texts{
		Unclear: own(t.Unclear, other.Unclear), Choose: own(t.Choose, other.Choose),
		Stale: own(t.Stale, other.Stale), Moment: own(t.Moment, other.Moment),
		Waiting: own(t.Waiting, other.Waiting), Pay: own(t.Pay, other.Pay),
		PayButton: own(t.PayButton, other.PayButton), Unpaid: own(t.Unpaid, other.Unpaid),
		Handoff: own(t.Handoff, other.Handoff), Cancelled: own(t.Cancelled, other.Cancelled),
		Trouble: own(t.Trouble, other.Trouble),
		Yes:     own(t.Yes, other.Yes), No: own(t.No, other.No), List: own(t.List, other.List),
	}
}
